"""Find out whether something at an address is a TLM endpoint, and say so in a sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from tlm_dash.endpoint.answers import json_of
from tlm_dash.endpoint.redaction import Secrets, quotable
from tlm_dash.endpoint.refusals import Answer, failure_of_answer, html_page_failure
from tlm_dash.endpoint.wire import BASE_URL_HINT, decode, models_of
from tlm_dash.errors import EndpointError, NotTlmEndpointError
from tlm_dash.models import EndpointHealth, EndpointState

TIMEOUT_S = 10.0
"""A person is waiting for this answer; no model has to think for it."""

Get = Callable[[str], Awaitable[Answer]]
Post = Callable[[str], Awaitable[Answer]]

_ABSENT = frozenset({404, 405, 501})
_ODD_REQUEST = frozenset({400, 404, 405, 415, 422, 501})
"""How a live endpoint may answer to an address or a body that it does not know."""

_STATES: Mapping[str, EndpointState] = {
    "access_denied": "access_denied", "not_tlm": "not_tlm", "unreachable": "unreachable",
    "timeout": "unreachable", "connection_dropped": "unreachable",
}  # fmt: skip
"""What a failure, by its kind, says of the endpoint; all others are errors that it answers with."""


async def check(get: Get, post_empty: Post, secrets: Secrets, *, speaks_tlm: bool) -> EndpointHealth:
    """Ask /health, /models and, where those leave it open, the calls themselves with an empty body.

    An empty body is refused before any model is asked: it costs nothing.
    """
    started = perf_counter()
    try:
        answer = await get("health")
        latency_ms = (perf_counter() - started) * 1000
        starting = _starting(answer, secrets)
        if starting is not None:
            return EndpointHealth("starting", starting, "Wait a moment; it starts by itself.", latency_ms)
        failure = _health_failure(answer, secrets)
        if failure is not None:
            raise failure
        own_health = answer.status < 300 and _is_json(answer)
        models = await _models(get, secrets)
        if not own_health and models is None:
            await _must_be_there(post_empty, "chat/completions", secrets)
        scores = own_health or not speaks_tlm or await _has_score(post_empty, secrets)
    except EndpointError as error:
        return EndpointHealth(_STATES.get(error.kind, "failing"), error.message, error.hint)
    return _reachable(models, latency_ms, scores=scores, speaks_tlm=speaks_tlm)


def _reachable(
    models: tuple[str, ...] | None, latency_ms: float, *, scores: bool, speaks_tlm: bool
) -> EndpointHealth:
    if not scores:
        return EndpointHealth(
            "no_scores",
            "The endpoint answers but has no chat/score: it looks like another provider, not TLM.",
            "Its answers come without scores. Set BASE_URL to a TLM endpoint to have them scored.",
            latency_ms,
            models or (),
        )
    what = "The endpoint" if speaks_tlm else "The provider"
    if models is None:
        listed, hint = "it lists no models", "Name its models in TLM_DASH_MODELS."
    elif not models:
        listed, hint = "its model list is empty", "Name its models in TLM_DASH_MODELS."
    else:
        listed, hint = f"it lists {len(models)} model{'s' if len(models) != 1 else ''}", ""
    return EndpointHealth("working", f"{what} answers; {listed}.", hint, latency_ms, models or ())


def _health_failure(answer: Answer, secrets: Secrets) -> EndpointError | None:
    """Judge the answer to /health: a page is wrong, a plain "OK" and "no such address" leave it open."""
    if 200 <= answer.status < 300:
        return html_page_failure(answer, secrets)
    return None if answer.status in _ODD_REQUEST else failure_of_answer(answer, secrets)


def _starting(answer: Answer, secrets: Secrets) -> str | None:
    """Give the detail of an endpoint that is still starting, as the embedded one tells it."""
    if answer.status not in (200, 503):
        return None
    try:
        document = decode(answer.body)
    except EndpointError:
        return None
    if not isinstance(document, Mapping) or document.get("status") != "starting":
        return None
    detail = document.get("detail")
    return quotable(detail, secrets) if isinstance(detail, str) and detail else "The endpoint is starting."


async def _models(get: Get, secrets: Secrets) -> tuple[str, ...] | None:
    answer = await get("models")
    if answer.status in _ODD_REQUEST:
        return None
    return models_of(json_of(answer, secrets))


async def _has_score(post_empty: Post, secrets: Secrets) -> bool:
    """Tell whether chat/score exists: any answer but "not here" does."""
    answer = await post_empty("chat/score")
    if answer.status in _ABSENT:
        return False
    failure = _access_or_server(answer, secrets)
    if failure is not None:
        raise failure
    return True


async def _must_be_there(post_empty: Post, path: str, secrets: Secrets) -> None:
    """Raise where the wire API's main call is not at this address, or gets no JSON answer."""
    answer = await post_empty(path)
    failure = _access_or_server(answer, secrets)
    if failure is not None:
        raise failure
    if answer.status in _ABSENT or not _is_json(answer):
        raise _not_here(answer, secrets)


def _access_or_server(answer: Answer, secrets: Secrets) -> EndpointError | None:
    if answer.status in (401, 403) or answer.status >= 500 or 300 <= answer.status < 400:
        return failure_of_answer(answer, secrets)
    return None


def _is_json(answer: Answer) -> bool:
    try:
        decode(answer.body)
    except EndpointError:
        return False
    return True


def _not_here(answer: Answer, secrets: Secrets) -> EndpointError:
    failure = failure_of_answer(answer, secrets) if answer.status >= 300 else None
    if isinstance(failure, NotTlmEndpointError):
        return failure
    return NotTlmEndpointError(
        f"Something answers at this address ({answer.status}), but it is no TLM endpoint.",
        hint=BASE_URL_HINT,
        status=answer.status,
    )
