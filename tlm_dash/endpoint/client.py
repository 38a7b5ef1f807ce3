"""The client of one TLM endpoint, or of another provider that speaks Chat Completions."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from tlm_dash.endpoint import bodies, health, wire
from tlm_dash.endpoint.address import header_value, parse_address
from tlm_dash.endpoint.answers import document_of, json_of
from tlm_dash.endpoint.error_bodies import read_body
from tlm_dash.endpoint.no_answer import no_answer_in
from tlm_dash.endpoint.redaction import Secrets, option_secrets
from tlm_dash.endpoint.refusals import MODEL_HINT, Answer, failure_of_answer
from tlm_dash.endpoint.streaming import StreamReader
from tlm_dash.errors import EndpointError, NotTlmEndpointError, TokenLimitError
from tlm_dash.models import EndpointHealth, Generated, GenerateRequest, Score, Scored, ScoreRequest

if TYPE_CHECKING:
    import httpx2

    from tlm_dash.endpoint.transport import Connection

T = TypeVar("T")

STREAM_REFUSED = frozenset({400, 404, 405, 422, 501})
"""Statuses with which an endpoint may refuse `stream`: the request is made once more without it, unless the
refusal names something else."""

_STREAM = re.compile(r"(?<!up)stream", re.IGNORECASE)
_KEY = re.compile(r"api.?key|authenticat|authori[sz]|credential|permission|forbidden", re.IGNORECASE)
_SAYS_LITTLE = re.compile(
    r"\d+|error|unsupported\w*|not_?(?:found|allowed|implemented)(?:_?error)?"
    r"|(?:api|(?:bad|invalid|unprocessable|validation)_?(?:request|parameter|value|entity)?)?_?error"
    r"|(?:bad|invalid|unprocessable)_?(?:request|parameter|value|entity)",
    re.IGNORECASE,
)
"""Codes and types of an error that name no field and no reason."""

STREAM_LIMIT_FACTOR = 10
"""The limit counts anew with every chunk; a stream that never ends is given up after this many limits."""

NO_LIST = frozenset({400, 404, 405, 501})


class EndpointClient:
    """One endpoint, one connection pool; used on one event loop.

    Every method raises EndpointError's subclasses and nothing of the libraries below (InvalidInputError where
    a request has no JSON form). `speaks_tlm=False` is for another provider: TLM's fields are not sent to it
    and no score is expected of it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = ".",
        headers: Mapping[str, str] = {},  # noqa: B006 (only read)
        timeout_s: float = 120.0,
        max_connections: int = 1000,
        speaks_tlm: bool = True,
    ) -> None:
        self._address = parse_address(base_url, headers)
        self._api_key = header_value(api_key, "The API key") or "."
        self._timeout_s = timeout_s
        self._max_connections = max_connections
        self._speaks_tlm = speaks_tlm
        self._secrets = Secrets((self._api_key, *headers.values(), *self._address.secrets))
        self._connection: Connection | None = None
        self._closed = False
        # What this endpoint was found to refuse; later calls go without.
        self._takes_stream = True
        self._takes_stream_options = True

    @property
    def base_url(self) -> str:
        """Give the base URL without login and query."""
        return self._address.base_url

    def __repr__(self) -> str:
        return f"EndpointClient({self.base_url!r}, speaks_tlm={self._speaks_tlm})"

    async def generate(self, request: GenerateRequest) -> Generated:
        """Ask for an answer (and its score) in one piece."""
        started = perf_counter()
        secrets = self._secrets.plus(option_secrets(request.options))
        body = bodies.generate_body(request, speaks_tlm=self._speaks_tlm)
        answer = await self._post("chat/completions", body, secrets)
        return self._generated(request, document_of(answer, secrets), secrets, started)

    async def stream(self, request: GenerateRequest) -> AsyncGenerator[str | Generated, None]:
        """Yield the pieces of text as they come, and the Generated last.

        An endpoint that ignores or refuses `stream` gives one piece. Closing the iterator (or cancelling the
        task) closes the connection at once; use `contextlib.aclosing` to be sure of the moment.
        A trouble after the text is complete does not lose the text: `score` is None then.
        """
        started = perf_counter()
        first_token_ms: float | None = None
        secrets = self._secrets.plus(option_secrets(request.options))
        response = await self._open_stream(request, secrets)
        if response is None:
            generated = await self._without_stream(request)
            latency_ms = _ms_since(started)
            if generated.completion.text:
                yield generated.completion.text
            yield replace(generated, latency_ms=latency_ms)
            return
        try:
            reader = StreamReader(response.aiter_bytes(), _head(response), secrets)
            while (piece := await self._next_piece(reader, secrets, started)) is not None:
                if piece:
                    first_token_ms = _ms_since(started) if first_token_ms is None else first_token_ms
                    yield piece
            generated = self._generated(request, reader.document(), secrets, started)
        finally:
            await _close(response)
        yield replace(generated, first_token_ms=first_token_ms)

    async def score(self, request: ScoreRequest) -> Scored:
        """Ask for the score of an existing answer."""
        started = perf_counter()
        secrets = self._secrets.plus(option_secrets(request.options))
        answer = await self._post("chat/score", bodies.score_body(request), secrets)
        metadata = document_of(answer, secrets).get("tlm_metadata")
        if metadata is None:
            raise NotTlmEndpointError(
                "The endpoint answered without a score (tlm_metadata is missing).",
                hint="Check that the base URL is that of a TLM endpoint.",
                status=answer.status,
            )
        return Scored(wire.score_of(metadata, secrets), _ms_since(started))

    async def models(self) -> tuple[str, ...] | None:
        """List the endpoint's models, or None where it has no list."""
        answer = await self._get("models", self._timeout_s)
        if answer.status in NO_LIST:
            return None
        return wire.models_of(json_of(answer, self._secrets))

    async def health(self) -> EndpointHealth:
        """Tell whether the endpoint is reachable and speaks the wire API, and if not, why. Never raises."""
        timeout_s = min(self._timeout_s, health.TIMEOUT_S)
        pool = self._pool()
        return await health.check(
            lambda path: self._get(path, timeout_s),
            lambda path: self._guarded(pool.post(path, b"{}"), self._secrets, timeout_s),
            self._secrets,
            speaks_tlm=self._speaks_tlm,
        )

    async def close(self) -> None:
        """Close every connection; the client cannot be used afterwards."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _generated(
        self, request: GenerateRequest, document: Mapping[str, Any], secrets: Secrets, started: float
    ) -> Generated:
        completion = wire.completion_of(document, model=request.model, secrets=secrets)
        nothing = no_answer_in(completion, secrets)
        if nothing is not None:
            nothing.status = 200
            raise nothing
        score = self._score_in(document, request, secrets)
        return Generated(completion, score, latency_ms=_ms_since(started))

    def _score_in(
        self, document: Mapping[str, Any], request: GenerateRequest, secrets: Secrets
    ) -> Score | None:
        metadata = document.get("tlm_metadata")
        if metadata is None or not self._speaks_tlm:
            return None
        score = wire.score_of(metadata, secrets)
        if score.trustworthiness_score is None and request.options.get("disable_trustworthiness"):
            return None
        return score

    async def _open_stream(self, request: GenerateRequest, secrets: Secrets) -> httpx2.Response | None:
        """Open a stream; None where the endpoint refuses to stream. Nothing has been streamed by then."""
        if not self._takes_stream:
            return None
        ask_usage = self._takes_stream_options
        response = await self._send_stream(request, secrets, ask_usage=ask_usage)
        if ask_usage and response.status_code in STREAM_REFUSED and b"stream_options" in response.content:
            response = await self._send_stream(request, secrets, ask_usage=False)
            self._takes_stream_options = not response.is_success
        if response.is_success:
            return response
        answer = _head(response, response.content)
        failure = failure_of_answer(answer, secrets)
        if _may_refuse_streaming(answer, failure):
            return None
        raise failure

    async def _send_stream(
        self, request: GenerateRequest, secrets: Secrets, *, ask_usage: bool
    ) -> httpx2.Response:
        body = bodies.generate_body(request, speaks_tlm=self._speaks_tlm, stream=True, ask_usage=ask_usage)
        call = self._pool().open("chat/completions", bodies.to_bytes(body))
        return await self._guarded(call, secrets, self._timeout_s)

    async def _without_stream(self, request: GenerateRequest) -> Generated:
        """Ask in one piece; where that works after a refused stream, the stream was at fault: remember it."""
        generated = await self.generate(request)
        self._takes_stream = False
        return generated

    async def _next_piece(self, reader: StreamReader, secrets: Secrets, started: float) -> str | None:
        whole_s = self._timeout_s * STREAM_LIMIT_FACTOR
        left_s = whole_s - (perf_counter() - started)
        try:
            if left_s < self._timeout_s:
                return await self._guarded(reader.next_piece(), secrets, left_s, told_s=whole_s)
            return await self._guarded(reader.next_piece(), secrets, self._timeout_s)
        except EndpointError:
            if reader.finished:
                return None  # The text is complete and may be paid for; only its score is missing.
            raise

    async def _post(self, path: str, body: Mapping[str, Any], secrets: Secrets) -> Answer:
        content = bodies.to_bytes(body)
        return await self._guarded(self._pool().post(path, content), secrets, self._timeout_s)

    async def _get(self, path: str, timeout_s: float) -> Answer:
        return await self._guarded(self._pool().get(path), self._secrets, timeout_s)

    async def _guarded(
        self, call: Awaitable[T], secrets: Secrets, timeout_s: float, *, told_s: float | None = None
    ) -> T:
        """Await a call for a limited time; exceptions of the libraries below become ours."""
        try:
            async with asyncio.timeout(timeout_s):
                return await call
        except EndpointError:
            raise
        except Exception as error:
            from tlm_dash.endpoint.failures import Where, failure_of

            failure = failure_of(error, Where(self.base_url, told_s or timeout_s, secrets))
            if failure is None:
                raise
        # Raised out here, so that the original, which carries request headers, is not its context.
        raise failure

    def _pool(self) -> Connection:
        """Give the pool, made at the first call: importing openai takes half a second."""
        if self._closed:
            raise RuntimeError("This EndpointClient has been closed.")
        if self._connection is None:
            from tlm_dash.endpoint.transport import Connection

            self._connection = Connection(
                self.base_url,
                api_key=self._api_key,
                headers=self._address.headers,
                query=self._address.query,
                timeout_s=self._timeout_s,
                max_connections=self._max_connections,
            )
        return self._connection


def _head(response: httpx2.Response, body: bytes = b"") -> Answer:
    return Answer(response.status_code, dict(response.headers), body)


def _may_refuse_streaming(answer: Answer, failure: EndpointError) -> bool:
    """Tell whether a refusal is about `stream`, or may be because it names nothing else."""
    told = read_body(answer.body)
    if answer.status not in STREAM_REFUSED or isinstance(failure, TokenLimitError):
        return False
    if "model_not_found" in told.code:
        return False
    if _STREAM.search(told.everything) or answer.status in (405, 501):
        return True
    names_another = failure.hint == MODEL_HINT or _KEY.search(told.everything) is not None
    return not names_another and all(map(_SAYS_LITTLE.fullmatch, told.code.split()))


async def _close(response: httpx2.Response) -> None:
    # A connection that is broken already may say so once more; the answer is settled by then.
    with contextlib.suppress(Exception):
        await response.aclose()


def _ms_since(started: float) -> float:
    return (perf_counter() - started) * 1000
