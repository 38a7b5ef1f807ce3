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
from tlm_dash.endpoint.wire import BASE_URL_HINT, decode, name_of
from tlm_dash.errors import EndpointError, NotTlmEndpointError


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
        value = decode(answer.body)
    except EndpointError as failure:
        failure.status = answer.status
        raise
    error = error_in(value)
    if error is not None:
        raise failure_of_object(error, secrets, answer.headers)
    return value
