"""Errors as the wire API shows them: an HTTP status and OpenAI's error object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse

# A message may quote what was sent; longer quotes help nobody and could echo a whole prompt.
MAX_MESSAGE_CHARACTERS = 600

_TYPES = {
    400: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}


class ApiError(Exception):
    """A request that cannot be answered: the status, a sentence, and OpenAI's `code` and `param`.

    `retry_after` is passed on as it is (seconds or an HTTP date).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = shortened(message)
        self.code = code
        self.param = shortened(param) if param else param
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers that belong to this error."""
        return {"Retry-After": self.retry_after} if self.retry_after else {}

    def body(self) -> dict[str, Any]:
        """Return OpenAI's error object."""
        kind = _TYPES.get(self.status, "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Return the HTTP response that carries this error."""
        return JSONResponse(self.body(), status_code=self.status, headers=dict(self.headers))


def refused(param: str, message: str, *, code: str | None = None) -> ApiError:
    """Return the error for a request that is itself at fault; `param` names the field."""
    return ApiError(400, message, param=param, code=code)


def too_long(n_tokens: int | None, limit: int | None) -> ApiError:
    """Return the error for messages that do not fit the model's context (both figures in tokens)."""
    holds = (
        f"The model reads at most {limit:,} tokens per request" if limit else "The model's context is full"
    )
    asked = f"; these messages have {n_tokens:,}" if n_tokens else "; these messages have more"
    return refused("messages", f"{holds}{asked}. Shorten them.", code="context_length_exceeded")


def shortened(text: str) -> str:
    """Return `text` cut to what an error message may hold."""
    return text if len(text) <= MAX_MESSAGE_CHARACTERS else text[: MAX_MESSAGE_CHARACTERS - 1] + "…"
