"""Every kind of failure that can be stored with a row has its words on the pages."""

from __future__ import annotations

from collections.abc import Iterator

from tlm_dash import errors
from tlm_dash.store.recovery import INTERRUPTED
from tlm_dash.store.run_counts import NOT_SENT
from tlm_dash.store.staging import NO_RESPONSE
from tlm_dash.ui.parts.run_progress import KINDS


def kinds_below(error: type[errors.EndpointError]) -> Iterator[str]:
    below = error.__subclasses__()
    for one in below:
        yield from kinds_below(one)
    if not below:
        yield error.kind


def test_every_kind_has_its_words() -> None:
    of_endpoints = set(kinds_below(errors.EndpointError))
    assert {"withheld", "only_reasoning", "empty_answer", "answer_failed"} <= of_endpoints
    ours = {"bug", "stopped", "unknown", NOT_SENT, INTERRUPTED, NO_RESPONSE["error_kind"]}
    assert set(KINDS) == of_endpoints | ours
