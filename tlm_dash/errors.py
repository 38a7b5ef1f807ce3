"""Every error that a person may be shown.

TlmDashError                    a sentence that says what happened, and a hint that says what to do next
├── InvalidInputError           what was typed or picked cannot be used
├── SettingsError               an environment variable or .env line cannot be used
├── NotFoundError               an id or name that the store does not hold
├── EndpointError               a call to a TLM endpoint or provider failed: kind, retryable, retry_after_s
│   ├── EndpointUnreachableError    no connection could be made
│   ├── EndpointTimeoutError        no (full) answer in time
│   ├── ConnectionDroppedError      the connection closed before the answer was complete
│   ├── RateLimitedError            429
│   ├── AccountExhaustedError       quota or balance is used up, told with whichever status
│   ├── ServerFailedError           408, 409 and 5xx: the endpoint's side, worth another try
│   ├── AccessDeniedError           401 and 403
│   ├── TokenLimitError             prompt or answer too long for the model
│   ├── RequestRefusedError         any other 4xx: the request itself is at fault
│   ├── NotTlmEndpointError         an answer that is not the wire API: HTML, broken JSON, missing fields
│   └── NoAnswerError               an answer in good form in which nothing is answered
│       ├── EmptyAnswerError            no text, no call, no refusal
│       ├── OnlyReasoningError          reasoning alone, whatever ended it
│       ├── AnswerWithheldError         a content filter kept it back
│       └── AnswerFailedError           the model's side broke off, and said so in the finish reason
├── StoreError                  the database cannot be used
│   ├── StoreBusyError              another process holds the file
│   ├── StoreTooNewError            written by a newer version of tlm_dash
│   ├── StoreBrokenError            not a database, or damaged
│   ├── StoreFullError              no room left on the disk
│   └── StoreClosedError            not open at this moment
└── LocalEndpointError          the embedded endpoint cannot start or serve
    ├── ModelFetchError             the model file could not be fetched
    ├── ModelChecksumError          the model file is not the one that was pinned
    └── PortTakenError              the port is used by another program

Everything else that is raised is a bug: its traceback goes to the log and the page says so in one sentence.
"""

from __future__ import annotations

from typing import ClassVar


class TlmDashError(Exception):
    """An expected failure: `message` says what happened, `hint` what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class InvalidInputError(TlmDashError):
    """Something typed or picked cannot be used as it is."""


class SettingsError(TlmDashError):
    """A setting cannot be used; the message names it, never its secret value."""


class NotFoundError(TlmDashError):
    """An id, prefix or name that the store does not hold."""


class EndpointError(TlmDashError):
    """A call to a TLM endpoint or provider failed.

    `kind` is the stable word stored with the failed row; `retryable` says whether the same request may
    succeed later; `retry_after_s` is the wait that the endpoint asked for, in seconds, or None. `refuses_all`
    says that any other request would be refused alike, until a person has mended something.
    """

    kind: ClassVar[str] = "endpoint_error"
    retryable: ClassVar[bool] = False
    refuses_all: bool = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after_s = retry_after_s
        self.request_id = request_id


class EndpointUnreachableError(EndpointError):
    """No connection could be made."""

    kind = "unreachable"
    retryable = True


class EndpointTimeoutError(EndpointError):
    """No answer, or no complete one, within the time limit."""

    kind = "timeout"
    retryable = True


class ConnectionDroppedError(EndpointError):
    """The connection closed, or the stream was cut, before the answer was complete."""

    kind = "connection_dropped"
    retryable = True


class RateLimitedError(EndpointError):
    """The endpoint asks for fewer requests (429)."""

    kind = "rate_limited"
    retryable = True


class AccountExhaustedError(EndpointError):
    """The quota or the balance of the account is used up: no waiting mends it."""

    kind = "account_exhausted"
    refuses_all = True


class ServerFailedError(EndpointError):
    """The endpoint failed on its own side (408, 409, 5xx)."""

    kind = "server_failed"
    retryable = True


class AccessDeniedError(EndpointError):
    """The key or headers were not accepted (401, 403)."""

    kind = "access_denied"
    refuses_all = True


class TokenLimitError(EndpointError):
    """The prompt or the answer is too long for the model."""

    kind = "token_limit"


class RequestRefusedError(EndpointError):
    """The endpoint refused this request (any other 4xx)."""

    kind = "request_refused"


class NotTlmEndpointError(EndpointError):
    """The answer does not speak the wire API: HTML, broken JSON or missing fields."""

    kind = "not_tlm"


class NoAnswerError(EndpointError):
    """An answer came in good form, and nothing is answered in it."""


class EmptyAnswerError(NoAnswerError):
    """No text, no call and no refusal: worth asking once more."""

    kind = "empty_answer"
    retryable = True


class OnlyReasoningError(NoAnswerError):
    """Only reasoning came, or all tokens of the answer were used up by it."""

    kind = "only_reasoning"


class AnswerWithheldError(NoAnswerError):
    """The provider's content filter kept the answer back, or did not take the prompt."""

    kind = "withheld"


class AnswerFailedError(NoAnswerError):
    """The finish reason says that the answer failed."""

    kind = "answer_failed"
    retryable = True


class StoreError(TlmDashError):
    """The database cannot be used."""


class StoreBusyError(StoreError):
    """Another process holds the database file; `holder` names it where it could be told."""

    def __init__(self, message: str, *, hint: str = "", holder: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


class StoreTooNewError(StoreError):
    """The file was written by a newer version of tlm_dash or of DuckDB."""


class StoreBrokenError(StoreError):
    """The file is not a database, or is damaged."""


class StoreFullError(StoreError):
    """No room is left on the disk."""


class StoreClosedError(StoreError):
    """The store is not open at this moment."""


class LocalEndpointError(TlmDashError):
    """The embedded endpoint cannot start or serve."""


class ModelFetchError(LocalEndpointError):
    """The model file could not be fetched."""


class ModelChecksumError(LocalEndpointError):
    """The model file is not the one that was pinned."""


class PortTakenError(LocalEndpointError):
    """The port is used by another program."""
