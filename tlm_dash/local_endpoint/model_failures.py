"""A model server's failures as wire errors: matching status, a plain sentence, and never a key."""

from __future__ import annotations

import json
from collections.abc import Mapping

import aiohttp

from tlm_dash.errors import LocalEndpointError
from tlm_dash.local_endpoint.api_error import ApiError, refused, shortened, too_long
from tlm_dash.local_endpoint.environment import MODEL_SERVER_KEY
from tlm_dash.local_endpoint.model_source import ModelSource

CONTEXT_CODES = ("context_length_exceeded", "exceed_context_size_error")


class ScoringFailedError(LocalEndpointError):
    """Every call that a score made failed; `failure` is what became of one of them, as a wire error."""

    def __init__(self, failure: ApiError) -> None:
        super().__init__(
            f"The model server answered none of the calls that scoring made. {failure.message}",
            hint="Check that it is running, then score again.",
        )
        self.failure = failure


def from_exception(source: ModelSource, error: Exception) -> ApiError:
    """Return the wire error for a call that brought no answer at all, or only a part of one."""
    server = _server(source)
    if isinstance(error, aiohttp.ClientConnectorError):
        return ApiError(503, f"{server} cannot be reached.", code="model_server_unreachable")
    if isinstance(error, TimeoutError):
        return ApiError(504, f"{server} did not answer in time.", code="model_server_timeout")
    return ApiError(502, f"{server} broke off its answer.", code="model_server_failed")


def from_answer(source: ModelSource, status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """Return the wire error for an answer whose status is not 2xx."""
    server, said = _server(source), _message(source, body)
    retry_after = headers.get("Retry-After")
    if status in (401, 403):
        return ApiError(
            502,
            f"{server} did not accept the key ({status}). Check {MODEL_SERVER_KEY}.",
            code="model_server_access_denied",
        )
    if status == 404:
        return ApiError(
            502,
            f"{server} does not know the model {source.name!r} or has no chat/completions "
            "at that address (404).",
            code="model_server_not_found",
        )
    if status == 429:
        return ApiError(
            429,
            f"{server} asks for fewer requests (429).{said}",
            code="rate_limit_exceeded",
            retry_after=retry_after,
        )
    if status in (408, 504):
        return ApiError(504, f"{server} did not answer in time ({status}).", code="model_server_timeout")
    if status in (409, 503):
        return ApiError(
            503,
            f"{server} is not available now ({status}).{said}",
            code="model_server_unavailable",
            retry_after=retry_after,
        )
    if 400 <= status < 500:
        return _from_refusal(source, status, body, said)
    return ApiError(
        502, f"{server} failed ({status}).{said}", code="model_server_failed", retry_after=retry_after
    )


def not_a_completion(source: ModelSource) -> ApiError:
    """Return the wire error for a 2xx answer that is not a chat completion."""
    return ApiError(
        502, f"{_server(source)} answered, but not with a chat completion.", code="model_server_failed"
    )


def while_scoring(error: LocalEndpointError) -> ApiError:
    """Return the wire error for a score that could not be had: the model server's own where there is one.

    A refusal of a call that scoring thought up is not the caller's fault, unless the messages are too long.
    """
    failure = error.failure if isinstance(error, ScoringFailedError) else None
    if failure is None or (failure.status < 429 and failure.code not in CONTEXT_CODES):
        return ApiError(502, f"The response could not be scored. {error}", code="scoring_failed")
    return ApiError(
        failure.status,
        f"The response could not be scored. {failure.message}",
        code=failure.code,
        param=failure.param,
        retry_after=failure.retry_after,
    )


def from_event(source: ModelSource, error: object) -> ApiError:
    """Return the wire error for an error that came in the middle of a stream."""
    body = json.dumps({"error": error}).encode()
    if _code(error) in CONTEXT_CODES:
        return _from_refusal(source, 400, body, "")
    return ApiError(
        502, f"{_server(source)} broke off its answer.{_message(source, body)}", code="model_server_failed"
    )


def _from_refusal(source: ModelSource, status: int, body: bytes, said: str) -> ApiError:
    error = _error_object(body)
    if _code(error) in CONTEXT_CODES:
        counts = error if isinstance(error, dict) else {}
        return too_long(_count(counts, "n_prompt_tokens"), _count(counts, "n_ctx"))
    return refused(
        "messages" if status == 413 else "",
        f"{_server(source)} refused the request ({status}).{said}",
        code="model_server_refused",
    )


def _server(source: ModelSource) -> str:
    return "The local model" if source.bundled else f"The model server at {source.base_url}"


def _error_object(body: bytes) -> object:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value.get("error", value) if isinstance(value, dict) else None


def _code(error: object) -> str | None:
    """Return what kind of error it is: OpenAI puts it in `code`, llama.cpp in `type`."""
    if not isinstance(error, dict):
        return None
    found = [error.get(name) for name in ("code", "type")]
    return (
        next((word for word in found if isinstance(word, str)), None)
        if not any(word in CONTEXT_CODES for word in found)
        else CONTEXT_CODES[0]
    )


def _count(error: Mapping[str, object], name: str) -> int | None:
    value = error.get(name)
    return value if isinstance(value, int) else None


def _message(source: ModelSource, body: bytes) -> str:
    """Return what the server says about its failure, led by a space; empty for HTML and other prose."""
    error = _error_object(body)
    message = error.get("message") if isinstance(error, dict) else error
    if not isinstance(message, str) or not message.strip():
        return ""
    # Some servers quote the key that they refuse.
    clean = message.replace(source.api_key, "***") if len(source.api_key) > 3 else message
    return f" It says: {shortened(clean.strip())}"
