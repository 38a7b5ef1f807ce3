"""A run whose endpoint takes requests and says nothing, as a person meets it."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import ApiError, Behaviour, FakeEndpoint, Hang, RateLimited, Replier
from tests.pages.conftest import OpenApp, texts
from tests.pages.runs_page import questions, save_dataset
from tests.services.running import MODEL
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.ui.parts import run_progress


def silence(dashboard: Dashboard, run_id: str) -> float:
    live = runs.show(dashboard, run_id).live
    return live.silent_s or 0.0 if live is not None else 0.0


def test_a_run_says_for_how_long_nothing_was_answered(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(5), "Sums")
    fake_endpoint.behave(Behaviour(Hang(), score=Hang()))
    (run_id,) = runs.start(
        dashboard, RunRequest(dataset_id, (MODEL,), mode="generate", limits=Limits(max_in_flight=2))
    )
    wait_until(lambda: silence(dashboard, run_id) > 1, what="a second of silence")
    monkeypatch.setattr(run_progress, "SILENT_AFTER_S", 3600)
    assert "measuring its pace" in texts(open_app(dashboard, "runs"))
    monkeypatch.setattr(run_progress, "SILENT_AFTER_S", 1)
    assert "no answer for " in texts(open_app(dashboard, "runs"))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (RateLimited("86400"), "The endpoint refuses requests for now; it is asked again in "),
        (RateLimited(), "The endpoint refuses every request; one is tried about every second."),
        (ApiError(500), "The endpoint fails every request; a few at a time are tried."),
    ],
)
def test_a_run_says_that_its_endpoint_takes_nothing(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, reply: Replier, said: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(60), "Sums")
    fake_endpoint.behave(Behaviour(reply, score=reply))
    (run_id,) = runs.start(
        dashboard, RunRequest(dataset_id, (MODEL,), mode="generate", limits=Limits(max_in_flight=60))
    )

    def note() -> str:
        live = runs.show(dashboard, run_id).live
        return live.note if live is not None else ""

    wait_until(lambda: note().startswith(said), what="a word on what holds it up")
    read = texts(open_app(dashboard, "runs"))
    assert said in read and "waiting for the endpoint" in read and "measuring its pace" not in read
