"""A playground request that fails is asked again as a run's is: seen, stoppable, and never for too long."""

from __future__ import annotations

import time

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import ApiError, CutStream, Drop, FakeEndpoint, RateLimited
from tests.services.running import MODEL
from tlm_dash.batch import retries
from tlm_dash.services import playground
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import EntryView, view

ASKED = PlaygroundRequest("What is 2 + 2?", (MODEL,), ("medium",))
TWO_PRESETS = PlaygroundRequest("What is 2 + 2?", (MODEL,), ("base", "low"))


def answered(dashboard: Dashboard, asked: PlaygroundRequest = ASKED) -> EntryView:
    entry_id = playground.submit(dashboard, asked)
    wait_until(lambda: not view(dashboard, entry_id).is_live, what="the answer")
    return view(dashboard, entry_id)


@pytest.mark.parametrize(
    "trouble",
    [
        RateLimited(None),
        RateLimited("1"),
        *(ApiError(status, "no") for status in (408, 409, 500, 503)),
        Drop(),
    ],
)
def test_what_a_run_would_ask_again_a_person_is_answered_too(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, trouble: object
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [trouble])  # type: ignore[list-item]
    (cell,) = answered(dashboard).cells
    assert (cell.status, cell.cell.error_kind) == ("done", None)
    assert cell.cell.trustworthiness_score is not None
    assert len(fake_endpoint.requests_to("chat/completions")) == 2
    ends = dashboard.store.read(
        "SELECT outcome FROM attempt JOIN attempt_end USING (attempt_id) ORDER BY ended_at"
    )
    assert ends == [("error",), ("ok",)]


def test_a_refused_score_is_asked_for_again_and_the_answer_stays(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/score", [RateLimited(None), ApiError(503, "no")])
    found = answered(dashboard, TWO_PRESETS)
    assert [cell.status for cell in found.cells] == ["done", "done"]
    assert len(fake_endpoint.requests_to("chat/completions")) == 1
    assert len(fake_endpoint.requests_to("chat/score")) == 4


def test_the_wait_is_on_the_card_and_ends_with_stop(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [RateLimited("30")])
    entry_id = playground.submit(dashboard, ASKED)

    def note() -> str:
        return view(dashboard, entry_id).cells[0].note

    wait_until(lambda: "It is asked again in " in note(), what="the wait on the card")
    first = note()
    assert "seconds" in first
    wait_until(lambda: note() != first, what="counting down")
    playground.stop(dashboard, entry_id)
    wait_until(lambda: not view(dashboard, entry_id).is_live, within_s=5, what="the stop")
    (cell,) = view(dashboard, entry_id).cells
    assert cell.cell.error_kind == "stopped"
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


def test_a_wait_that_no_person_bears_is_an_error_at_once(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [RateLimited("3600")])
    began = time.monotonic()
    (cell,) = answered(dashboard).cells
    assert (cell.status, cell.cell.error_kind) == ("error", "rate_limited")
    assert time.monotonic() - began < 30
    assert len(fake_endpoint.requests_to("chat/completions")) == 1
    # It was said of one request: whoever asks for another one may find out whether that is answered.
    (after,) = answered(dashboard, PlaygroundRequest("And 3 + 3?", (MODEL,), ("medium",))).cells
    assert after.status == "done"


def test_an_endpoint_that_refuses_for_good_is_given_up_in_time(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "LONGEST_FOR_A_PERSON_S", 3.0)
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("rate-limited")
    began = time.monotonic()
    (cell,) = answered(dashboard).cells
    assert (cell.status, cell.cell.error_kind) == ("error", "rate_limited")
    assert time.monotonic() - began < 20
    assert 1 <= len(fake_endpoint.requests_to("chat/completions")) < 10


def test_an_answer_of_which_text_was_seen_is_not_asked_for_anew(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [CutStream(after=3)])
    (cell,) = answered(dashboard).cells
    assert (cell.status, cell.cell.error_kind) == ("error", "connection_dropped")
    assert cell.text and not cell.cell.is_complete
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


def test_what_is_the_requests_own_fault_is_not_asked_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [ApiError(400, "The prompt is odd.", code="odd")])
    (cell,) = answered(dashboard).cells
    assert (cell.status, cell.cell.error_kind) == ("error", "request_refused")
