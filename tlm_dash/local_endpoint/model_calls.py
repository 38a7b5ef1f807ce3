"""The calls that one score makes to its model server, counted and cancellable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from tlm_dash.local_endpoint import model_failures
from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.model_client import MAX_ERROR_BYTES, NETWORK_ERRORS, read_at_most
from tlm_dash.local_endpoint.model_failures import ScoringFailedError
from tlm_dash.local_endpoint.model_source import ModelSource

# A reflection with reasoning by a small model on a busy laptop takes well under a minute; a server that is
# silent for two is not going to answer.
CALL_TIMEOUT_S = 120.0


class ModelCallError(Exception):
    """One call to the model server brought no usable answer."""


class ModelCalls:
    """One score's way to its model: posts JSON, counts calls and tokens, remembers which calls failed how.

    The session belongs to the Scorer. A cancelled call closes its connection, so that the server stops.
    """

    def __init__(self, source: ModelSource, session: aiohttp.ClientSession, max_tokens: int) -> None:
        self.source = source
        self.max_tokens = max_tokens
        self.n_calls = 0
        self.failures: list[ApiError] = []
        self.input_tokens = 0
        self.output_tokens = 0
        self._session = session

    async def chat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server's ChatCompletion for `body`; `model` is filled in. Raises ModelCallError."""
        with self.source.least_busy() as server:
            url = f"{server.base_url.rstrip('/')}/chat/completions"
            answer = await self._post(url, {"max_tokens": self.max_tokens, **body, "model": server.name})
        usage = answer.get("usage") or {}
        self.input_tokens += int(usage.get("prompt_tokens") or 0)
        self.output_tokens += int(usage.get("completion_tokens") or 0)
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise self._failed(model_failures.not_a_completion(self.source))
        return answer

    async def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of a llama.cpp server's own completion call. Raises ModelCallError."""
        with self.source.least_busy() as server:
            answer = await self._post(f"{(server.native_url or '').rstrip('/')}/completion", body)
        self.input_tokens += int(answer.get("tokens_evaluated") or 0)
        self.output_tokens += int(answer.get("tokens_predicted") or 0)
        return answer

    def require_an_answer(self) -> None:
        """Raise ScoringFailedError if calls were made and all failed; a rate limit counts most of all."""
        if self.n_calls and len(self.failures) == self.n_calls:
            raise ScoringFailedError(max(self.failures, key=lambda failure: failure.status == 429))

    async def _post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.n_calls += 1
        headers = {"Authorization": f"Bearer {self.source.api_key}"}
        try:
            async with self._session.post(url, json=body, headers=headers, allow_redirects=False) as reply:
                if not 200 <= reply.status < 300:
                    said = await read_at_most(reply, MAX_ERROR_BYTES)
                    raise self._failed(
                        model_failures.from_answer(self.source, reply.status, reply.headers, said)
                    )
                answer = await reply.json(content_type=None)
        except NETWORK_ERRORS as error:
            raise self._failed(model_failures.from_exception(self.source, error)) from error
        except (ValueError, RecursionError) as error:
            raise self._failed(model_failures.not_a_completion(self.source)) from error
        if not isinstance(answer, dict):
            raise self._failed(model_failures.not_a_completion(self.source))
        return answer

    def _failed(self, failure: ApiError) -> ModelCallError:
        self.failures.append(failure)
        return ModelCallError(failure.message)


def open_session() -> aiohttp.ClientSession:
    """Return a session that reads nothing from the environment: no proxy, no .netrc, no key.

    Connections are not limited here: whoever accepts requests limits how many scores run at once.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S),
        connector=aiohttp.TCPConnector(limit=0),
        trust_env=False,
    )
