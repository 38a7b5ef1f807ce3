"""The calls that one score makes to its model server, counted and cancellable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp

from tlm_dash.local_endpoint.model_source import ModelSource

# A reflection with reasoning by a small model on a busy laptop takes well under a minute; a server that is
# silent for two is not going to answer.
CALL_TIMEOUT_S = 120.0


class ModelCallError(Exception):
    """One call to the model server brought no usable answer."""


class ModelCalls:
    """One score's way to its model: posts JSON, counts calls and tokens, remembers how many calls failed.

    The session belongs to the Scorer. A cancelled call closes its connection, so that the server stops.
    """

    def __init__(self, source: ModelSource, session: aiohttp.ClientSession, max_tokens: int) -> None:
        self.source = source
        self.max_tokens = max_tokens
        self.n_calls = 0
        self.n_failed = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self._session = session

    async def chat(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server's ChatCompletion for `body`; `model` is filled in. Raises ModelCallError."""
        url = f"{self.source.base_url.rstrip('/')}/chat/completions"
        answer = await self._post(url, {"max_tokens": self.max_tokens, **body, "model": self.source.name})
        usage = answer.get("usage") or {}
        self.input_tokens += int(usage.get("prompt_tokens") or 0)
        self.output_tokens += int(usage.get("completion_tokens") or 0)
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0].get("message"), dict):
            self.n_failed += 1
            raise ModelCallError("the model server's answer is not a chat completion")
        return answer

    async def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of a llama.cpp server's own completion call. Raises ModelCallError."""
        answer = await self._post(f"{(self.source.native_url or '').rstrip('/')}/completion", body)
        self.input_tokens += int(answer.get("tokens_evaluated") or 0)
        self.output_tokens += int(answer.get("tokens_predicted") or 0)
        return answer

    async def _post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.n_calls += 1
        try:
            async with self._session.post(
                url, json=body, headers={"Authorization": f"Bearer {self.source.api_key}"}
            ) as reply:
                if reply.status >= 400:
                    raise ModelCallError(f"the model server answered with status {reply.status}")
                answer = await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError, ModelCallError) as failure:
            self.n_failed += 1
            raise ModelCallError(str(failure) or type(failure).__name__) from failure
        if not isinstance(answer, dict):
            self.n_failed += 1
            raise ModelCallError("the model server's answer is not a JSON object")
        return answer


def open_session() -> aiohttp.ClientSession:
    """Return a session that reads nothing from the environment: no proxy, no .netrc, no key.

    Connections are not limited here: whoever accepts requests limits how many scores run at once.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S),
        connector=aiohttp.TCPConnector(limit=0),
        trust_env=False,
    )
