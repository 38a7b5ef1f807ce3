"""Turn an answer that says "no" (an error status, an error object) into exactly one of our errors; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tlm_dash.endpoint.error_bodies import Told, html_title_of, read_body, read_document
from tlm_dash.endpoint.pacing import retry_after_s
from tlm_dash.endpoint.redaction import Secrets, quotable
from tlm_dash.endpoint.wire import BASE_URL_HINT
from tlm_dash.errors import (
    AccessDeniedError,
    AccountExhaustedError,
    AnswerWithheldError,
    EndpointError,
    NotTlmEndpointError,
    RateLimitedError,
    RequestRefusedError,
    ServerFailedError,
    TokenLimitError,
)
from tlm_dash.finish_reasons import NO_ANSWER

TOKEN_LIMIT_HINT = "Lower the quality preset or max_tokens, or shorten the prompt."
ACCESS_HINT = "Check TLM_DASH_API_KEY and TLM_DASH_HEADERS (OPENAI_API_KEY for another provider)."
MODEL_HINT = "Pick one of the endpoint's models, or correct TLM_DASH_MODELS."
RATE_HINT = "Wait a little, or lower the number of requests at once (TLM_DASH_MAX_IN_FLIGHT)."
QUOTA_HINT = "Waiting will not help: add credit, raise the account's quota, or use another key."
SERVERS_OWN = (408, 409, 498)
"""Statuses below 500 that are the endpoint's own trouble: late, in conflict, out of capacity."""

SERVER_HINT = "Try again in a moment; look at the endpoint's own log if it stays."

_TOKEN_LIMIT = re.compile(
    r"context[ _](?:length|window|size)|maximum (?:number of )?(?:input )?tokens|token limit"
    r"|too many (?:input )?tokens|(?:prompt|input|message|request|completion)s? (?:is|are|was) too long"
    r"|reduce the length|string_above_max_length"
    r"|exceed\w* (?:the )?(?:model'?s? )?(?:available |maximum )?(?:context|number of tokens|token)"
    r"|max_(?:completion_)?tokens\W.{0,40}(?:too large|exceed)"
    r"|longer than the (?:specified )?maximum (?:model|sequence) length"
    r"|`?inputs`? tokens.{0,40}must be <=|input is too long",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(
    r"(?:request|prompt|input) (?:is )?too large|reduce your (?:message|prompt)|tokens must be reduced",
    re.IGNORECASE,
)
"""With a status that speaks of pace: a request above a limit in itself is no faster later."""

_WITHHELD = re.compile(r"content.?filter|content management policy|content_policy", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model_not_found|\bmodel\b.{0,120}(?:not found|does(?: not|n.t) exist|not available|unknown)"
    r"|(?:unknown|no such|invalid) model\b",
    re.IGNORECASE | re.DOTALL,
)
_EXHAUSTED = re.compile(
    r"insufficient[ _-](?:user[ _-]|account[ _-])?(?:quota|balance|credits?|funds)"
    r"|(?:credits?|quota|balance)[ _](?:is |are |has been |have been )?(?:too low|insufficient|exhausted"
    r"|used up|depleted)|(?:out of|no|not enough|requires more) credits?\b|negative balance"
    r"|^budget has been exceeded|budget_exceeded|exceeded.?budget"
    r"|(?:spend(?:ing)?|billing)[ _](?:hard[ _]|cap[ _])?(?:limit[ _]?)?(?:has been |was |is )?"
    r"(?:exceeded|reached)|billing[ _]not[ _]active|payment[ _]required|arrear|overdue payment"
    r"|exceeded_current_quota|余额不足|额度不足|欠费",
    re.IGNORECASE,
)
_PERHAPS_EXHAUSTED = re.compile(r"check your (?:plan|account|billing)|plan and billing", re.IGNORECASE)
"""Said of a quota for good, and by some also of one for a minute: then a wait is named beside it."""

_TELLS_OF_MONEY, _BEGINNING = (402, 403, 429), 80
"""With another status only the beginning of a message counts: later it may quote a prompt about money."""

_NAMES_A_WAIT = re.compile(r"(?:retry|try again)[ _-]?(?:in|after)\b", re.IGNORECASE)
_ABOUT_CONTENT = re.compile(r"moderat|flagged|content.?(?:filter|polic)|safety|guardrail", re.IGNORECASE)
_BY_WORD: tuple[tuple[re.Pattern[str], int], ...] = (
    (
        re.compile(r"rate.?limit|too.?many.?requests|quota|throttl|request rate|rate is too", re.IGNORECASE),
        429,
    ),
    (re.compile(r"overloaded|server.?error|internal|unavailable|bad.?gateway", re.IGNORECASE), 500),
    (re.compile(r"time.?out", re.IGNORECASE), 504),
    (re.compile(r"authenticat|api.?(?:secret.?)?key|unauthori[sz]ed|credential", re.IGNORECASE), 401),
    (re.compile(r"permission|forbidden", re.IGNORECASE), 403),
    (
        re.compile(r"invalid.?request|bad.?request|validation|content.?filter", re.IGNORECASE),
        400,
    ),
)
"""An error object inside a 200 answer or a stream has no status: its type and code tell."""


@dataclass(frozen=True)
class Answer:
    """What came back, before anything is believed of it. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def failure_of_answer(answer: Answer, secrets: Secrets) -> EndpointError:
    """Classify an answer whose status is not 2xx."""
    told = read_body(answer.body)
    error = _classified(answer, told, secrets)
    error.status = answer.status
    error.retry_after_s = retry_after_s(answer.headers, rate_limited=answer.status == 429)
    request_id = answer.headers.get("x-request-id") or answer.headers.get("request-id")
    error.request_id = quotable(request_id, secrets, 100) if request_id else None
    return error


def failure_of_object(error: object, secrets: Secrets, headers: Mapping[str, str]) -> EndpointError:
    """Classify an error object that came with status 200 or in the middle of a stream.

    Where nothing tells whose fault it is, it counts as the endpoint's, which may be tried again.
    """
    told = read_document({"error": error})
    status = _status_in(error) or _status_by_word(told)
    answer = Answer(status, headers, b"")
    failure = _classified(answer, told, secrets)
    failure.status = status
    failure.retry_after_s = retry_after_s(answer.headers, rate_limited=status == 429)
    return failure


def html_page_failure(answer: Answer, secrets: Secrets) -> NotTlmEndpointError | None:
    """Describe an HTML page that came where JSON was expected; None where it is none. Never quotes it."""
    title = html_title_of(answer.body)
    if title is None:
        return None
    return NotTlmEndpointError(
        f"The address answers with {_page(title, secrets)}, not with a TLM endpoint's JSON.",
        hint=BASE_URL_HINT,
        status=answer.status,
    )


def error_in(document: object) -> object | None:
    """Find the error object in a document that came with a good status, or None."""
    if not isinstance(document, Mapping):
        return None
    if document.get("object") == "error":
        return document
    error: object = document.get("error")
    if error and (not isinstance(error, Mapping) or any(_says_something(value) for value in error.values())):
        return error
    told = document.get("base_resp")
    if isinstance(told, Mapping) and _says_something(told.get("status_code")):
        return told
    is_answer = bool(document.get("choices")) or "tlm_metadata" in document
    has_words = any(isinstance(document.get(name), str) for name in ("msg", "message"))
    return document if not is_answer and has_words and "code" in document else None


def _says_something(value: object) -> bool:
    """Tell a field of an error from one that is only there: empty, or a code of zero."""
    return bool(value) and value not in ("0", 0)


def _classified(answer: Answer, told: Told, secrets: Secrets) -> EndpointError:
    status, said = answer.status, _said(told, secrets)
    if 300 <= status < 400:
        return _redirect(answer, secrets)
    is_too_large = status == 429 and _TOO_LARGE.search(told.everything)
    if is_too_large or (status == 500 and _TOKEN_LIMIT.search(told.everything)):
        return _too_long(status, said)
    if _is_exhausted(answer, told):
        return AccountExhaustedError(
            f"The account at the endpoint has no quota or credit left{said}", hint=QUOTA_HINT
        )
    if status == 429:
        return RateLimitedError(f"The endpoint asks for fewer requests (429){said}", hint=RATE_HINT)
    if status in (401, 403):
        return _access_denied(status, told, said)
    if status >= 500 or status in SERVERS_OWN:
        return ServerFailedError(f"The endpoint failed on its own side ({status}){said}", hint=SERVER_HINT)
    if not 400 <= status < 500:
        return NotTlmEndpointError(
            f"The endpoint answered with the unusual status {status}{said}", hint=BASE_URL_HINT
        )
    return _client_error(status, told, said, secrets)


def _is_exhausted(answer: Answer, told: Told) -> bool:
    """Tell whether quota or balance are used up: by its code, or by words without a wait."""
    if answer.status == 402 or _EXHAUSTED.search(told.code):
        return True
    if answer.status not in _TELLS_OF_MONEY:
        return _EXHAUSTED.search(told.message[:_BEGINNING]) is not None
    if answer.status == 429 and (retry_after_s(answer.headers) is not None or _names_a_wait(answer, told)):
        return False
    return any(words.search(told.message) for words in (_EXHAUSTED, _PERHAPS_EXHAUSTED))


def _names_a_wait(answer: Answer, told: Told) -> bool:
    return _NAMES_A_WAIT.search(told.message) is not None or b"retryDelay" in answer.body


def _access_denied(status: int, told: Told, said: str) -> EndpointError:
    if status == 403 and _ABOUT_CONTENT.search(told.everything):
        return _withheld(403, said)
    what = "does not accept the key" if status == 401 else "does not allow this"
    denied = AccessDeniedError(f"The endpoint {what} ({status}){said}", hint=ACCESS_HINT)
    # A page comes from a wall in front of the endpoint, which may dislike just what one prompt says.
    denied.refuses_all = status == 401 or told.html_title is None
    return denied


def _client_error(status: int, told: Told, said: str, secrets: Secrets) -> EndpointError:
    if told.html_title is not None:
        return NotTlmEndpointError(
            f"The address answers with {_page(told.html_title, secrets)} ({status}), not with JSON.",
            hint=BASE_URL_HINT,
        )
    if _TOKEN_LIMIT.search(told.everything) or (status == 413 and _TOO_LARGE.search(told.everything)):
        return _too_long(status, said)
    if _WITHHELD.search(told.everything):
        return _withheld(status, said)
    if _NO_MODEL.search(told.everything):
        return RequestRefusedError(f"The endpoint does not know this model ({status}){said}", hint=MODEL_HINT)
    if status in (404, 405):
        return RequestRefusedError(
            f"The endpoint has nothing at this address ({status}){said}", hint=BASE_URL_HINT
        )
    if status == 413:
        return RequestRefusedError(
            f"The endpoint does not take so large a request (413){said}", hint="Shorten the prompt."
        )
    return RequestRefusedError(
        f"The endpoint refused the request ({status}){said}",
        hint="Check the model, the preset and the options.",
    )


def _withheld(status: int, said: str) -> AnswerWithheldError:
    hint = NO_ANSWER["withheld"][2]
    return AnswerWithheldError(f"The provider withheld the answer ({status}){said}", hint=hint)


def _too_long(status: int, said: str) -> TokenLimitError:
    return TokenLimitError(
        f"The prompt or the answer is too long for the model ({status}){said}", hint=TOKEN_LIMIT_HINT
    )


def _redirect(answer: Answer, secrets: Secrets) -> NotTlmEndpointError:
    # Not followed: a key must not travel to an address that nobody has configured, and a POST
    # turns into a GET on the way.
    parts = urlsplit(answer.headers.get("location", ""))
    host = parts.netloc.rpartition("@")[2]
    where = quotable(f"{parts.scheme}://{host}{parts.path}" if host else parts.path, secrets, 200)
    to = f" to {where}" if where else ""
    return NotTlmEndpointError(
        f"The address sends requests on{to} ({answer.status}), which is not followed.",
        hint="Set the base URL to the final address, for example with https:// instead of http://.",
    )


def _said(told: Told, secrets: Secrets) -> str:
    """Give the end of a sentence: what the endpoint itself said, quoted and cleaned."""
    if told.html_title is not None:
        return f": it sent {_page(told.html_title, secrets)}."
    line = quotable(told.message or told.code, secrets)
    if not line:
        return "."
    # A quoted sentence brings its own full stop.
    return f": “{line}”" if line.endswith(".") else f": “{line}”."


def _page(title: str, secrets: Secrets) -> str:
    line = quotable(title, secrets, 80)
    return f"an HTML page titled “{line}”" if line else "an HTML page"


def _status_in(error: object) -> int | None:
    if not isinstance(error, Mapping):
        return None
    for name in ("status", "status_code", "code"):
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:9])
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _status_by_word(told: Told) -> int:
    if _TOKEN_LIMIT.search(told.everything):
        return 400
    if _EXHAUSTED.search(told.code) or _EXHAUSTED.search(told.message[:_BEGINNING]):
        return 402
    for text in (told.code, told.message):
        for words, status in _BY_WORD:
            if words.search(text):
                return status
    return 500
