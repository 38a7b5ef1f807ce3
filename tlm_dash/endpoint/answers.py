"""Open an answer with a good status: its JSON, unless it is an HTML page or an error in disguise."""

from __future__ import annotations

from typing import Any

from tlm_dash.endpoint.redaction import Json, Secrets
from tlm_dash.endpoint.refusals import (
    Answer,
    error_in,
    failure_of_answer,
    failure_of_object,
    html_page_failure,
)
from tlm_dash.endpoint.sse import SseDecoder
from tlm_dash.endpoint.streamed import StreamedAnswer
from tlm_dash.endpoint.wire import BASE_URL_HINT, decode, name_of
from tlm_dash.errors import ConnectionDroppedError, EndpointError, NotTlmEndpointError

BLANK = b"\xef\xbb\xbf \t\r\n"


def document_of(answer: Answer, secrets: Secrets) -> dict[str, Any]:
    """Give the JSON object of an answer. Raises the EndpointError that fits what came instead."""
    value = json_of(answer, secrets)
    if not isinstance(value, dict):
        raise NotTlmEndpointError(
            f"The endpoint sent {name_of(value)} where an object with an answer was expected.",
            hint=BASE_URL_HINT,
            status=answer.status,
        )
    return value


def json_of(answer: Answer, secrets: Secrets) -> Json:
    """Give the JSON value of an answer, checked for status, HTML and error objects."""
    if not 200 <= answer.status < 300:
        raise failure_of_answer(answer, secrets)
    page = html_page_failure(answer, secrets)
    if page is not None:
        raise page
    try:
        value = _decoded(answer, secrets)
    except EndpointError as failure:
        failure.status = answer.status
        raise
    error = error_in(value)
    if error is not None:
        raise failure_of_object(error, secrets, answer.headers)
    return value


def _decoded(answer: Answer, secrets: Secrets) -> Json:
    """Decode a body; some servers put comments in front of it, or stream it unasked."""
    if not answer.body.lstrip(BLANK).startswith((b"data:", b"event:", b":")):
        return decode(answer.body)
    lines = [line for line in answer.body.splitlines() if not line.startswith(b":")]
    rest = b"\n".join(lines).strip(BLANK)
    if rest.startswith((b"{", b"[")):
        return decode(rest)
    decoder, streamed = SseDecoder(), StreamedAnswer()
    for event in (*decoder.feed(answer.body), *decoder.end()):
        if event.data.strip() == "[DONE]":
            break
        chunk = decode(event.data.encode("utf-8", "replace"))
        error = error_in(chunk)
        if error is not None or not isinstance(chunk, dict):
            raise failure_of_object(chunk if error is None else error, secrets, answer.headers)
        streamed.add(chunk)
    if not streamed.finished:
        raise ConnectionDroppedError(
            "The endpoint's answer stops in the middle.",
            hint="Try again; look at the endpoint's own log if it stays.",
        )
    return streamed.document()
