"""What no waiting mends pauses a run: with the endpoint's own words, nothing lost, nothing paid twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path
from string import ascii_lowercase

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, ApiError, Behaviour, Exchange, FakeEndpoint, Replier, Reply
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset, make_run
from tlm_dash.batch.caution import EQUAL_REFUSALS, MOST_AT_FIRST
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.models import Scored, ScoreRequest
from tlm_dash.services import playground, playground_view, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.run_forecast import forecast_of
from tlm_dash.services.run_messages import messages_of
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.services.run_view import RunView
from tlm_dash.store.run_counts import count_runs

QUOTA = ApiError(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota")
BALANCE = Reply(
    200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None}
)
KEY = ApiError(401, "Incorrect key", code="invalid_api_key")
NO_MODEL = ApiError(404, f"The model `{MODEL}` does not exist", code="model_not_found")
NO_TEMPERATURE = ApiError(400, "Unsupported: 'temperature' does not support 0.", code="unsupported_value")


class InTurn:
    """Answers requests one after the other as told, all further ones like the last; counts its answers."""

    def __init__(self, *replies: Replier) -> None:
        self._replies, self.n_answers = list(replies), 0

    async def __call__(self, exchange: Exchange) -> None:
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        self.n_answers += isinstance(reply, Answer)
        await reply(exchange)


class ByPrompt:
    """Answers by what is asked."""

    def __init__(self, choose: Callable[[str], Replier]) -> None:
        self._choose = choose

    async def __call__(self, exchange: Exchange) -> None:
        await self._choose(str(exchange.body["messages"][-1]["content"]))(exchange)


def start(dashboard: Dashboard, n: int, **asked: object) -> str:
    request = RunRequest(make_dataset(dashboard.store, n), (MODEL,), ("low",), **asked)  # type: ignore[arg-type]
    (run_id,) = runs.start(dashboard, request)
    return run_id


def ended(dashboard: Dashboard, run_id: str) -> RunView:
    (view,) = wait_for(dashboard, [run_id])
    # What was counted on the way is what the rows and the ledger say.
    counted = count_runs(dashboard.store, [run_id])[run_id]
    for name in ("n_done", "n_error", "n_sent", "n_answered", "n_unknown", "errors"):
        assert getattr(counted, name) == getattr(view.counts, name), name
    return view


def check_refused(view: RunView, kind: str, words: str, n_items: int) -> None:
    counts, refusal = view.counts, view.record.refusal
    assert view.status == "paused" and refusal is not None and refusal.kind == kind
    assert words in refusal.message and refusal.hint and refusal.message in (view.record.detail or "")
    assert (counts.n_error, counts.n_done + view.n_pending) == (0, n_items)
    assert view.facts()["reason"] == view.record.detail


def sent_after(dashboard: Dashboard, run_id: str, nth: int) -> int:
    """Count what left after the nth failure was known."""
    ((n,),) = dashboard.store.read(
        "WITH mine AS (SELECT * FROM attempt WHERE run_id = $run_id) SELECT count(*) FROM mine "
        "WHERE sent_at > (SELECT ended_at FROM attempt_end SEMI JOIN mine USING (attempt_id) "
        "WHERE outcome = 'error' ORDER BY ended_at LIMIT 1 OFFSET $nth)",
        {"run_id": run_id, "nth": nth - 1},
    )
    return int(n)


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        (QUOTA, "account_exhausted", "exceeded your current quota"),
        (BALANCE, "account_exhausted", "insufficient balance"),
        (KEY, "access_denied", "Incorrect key"),
        (ApiError(403, "Project archived"), "access_denied", "Project archived"),
    ],
)
def test_quota_balance_and_key_pause_in_the_middle_of_a_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, refusal: Replier, kind: str, words: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    answered = InTurn(*[Answer()] * 30, refusal)
    fake_endpoint.behave(Behaviour(answered))
    run_id = start(dashboard, 90)
    view = ended(dashboard, run_id)
    check_refused(view, kind, words, 90)
    assert view.counts.n_done == 30 and view.record.refusal is not None
    assert view.counts.n_sent == len(fake_endpoint.requests_to("chat/completions"))
    assert view.record.refusal.n == view.counts.n_sent - 30
    assert sent_after(dashboard, run_id, 1) == 0
    # It is refused again, more carefully asked; then it has been mended.
    fake_endpoint.requests.clear()
    runs.resume(dashboard, [run_id])
    check_refused(ended(dashboard, run_id), kind, words, 90)
    assert len(fake_endpoint.requests_to("chat/completions")) <= MOST_AT_FIRST
    mended = InTurn(Answer())
    fake_endpoint.behave(Behaviour(mended))
    runs.resume(dashboard, [run_id])
    view = ended(dashboard, run_id)
    assert (view.status, view.counts.n_done, view.counts.n_maybe_paid_twice) == ("done", 90, 0)
    assert view.record.refusal is None and answered.n_answers + mended.n_answers == 90


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (NO_MODEL, "does not know this model"),
        (NO_TEMPERATURE, "'temperature' does not support"),
        (ApiError(400, "System role not supported"), "System role"),
        (Reply(404, {"detail": "Not Found"}), "nothing at this address"),
        (
            Reply(400, [{"error": {"code": 400, "message": 'Unknown name "quality_preset"'}}]),
            "quality_preset",
        ),
    ],
)
def test_the_same_refusal_of_the_first_rows_pauses_with_all_rows_open(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, refusal: Replier, words: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(Behaviour(refusal))
    run_id = start(dashboard, 200)
    view = ended(dashboard, run_id)
    check_refused(view, "request_refused", words, 200)
    assert EQUAL_REFUSALS <= view.counts.n_sent < EQUAL_REFUSALS + MOST_AT_FIRST
    assert view.record.refusal is not None and view.record.refusal.n == view.counts.n_sent
    assert sent_after(dashboard, run_id, EQUAL_REFUSALS) == 0
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, [run_id])
    view = ended(dashboard, run_id)
    assert (view.status, view.counts.n_done, view.counts.n_error) == ("done", 200, 0)


def test_the_first_row_whose_key_is_refused_pauses_the_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("unauthorized")
    run_id = start(dashboard, 500)
    view = ended(dashboard, run_id)
    check_refused(view, "access_denied", "Invalid API key", 500)
    assert view.counts.n_sent <= MOST_AT_FIRST


def test_refusals_name_their_numbers_and_are_the_same_all_the_same(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    numbers = iter(range(1000))

    async def numbered(exchange: Exchange) -> None:
        n = next(numbers)
        await ApiError(400, f"Request req_{n:x}f3 at {n} ms: no such deployment")(exchange)

    fake_endpoint.behave(Behaviour(numbered))
    run_id = start(dashboard, 40)
    view = ended(dashboard, run_id)
    check_refused(view, "request_refused", "no such deployment", 40)
    assert view.record.refusal is not None and view.record.refusal.n == view.counts.n_sent


def test_four_refusals_and_a_success_are_failures_of_four_rows(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(Behaviour(InTurn(*[ApiError(400, "No image, please")] * 4, Answer())))
    view = ended(dashboard, start(dashboard, 40))
    assert (view.status, view.counts.n_done, view.counts.errors) == ("done", 36, {"request_refused": 4})


def test_bad_rows_that_are_refused_before_good_ones_are_answered_do_not_pause_the_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    slow, bad = Answer(delay_s=0.5), ApiError(400, "The content is empty")
    fake_endpoint.behave(Behaviour(ByPrompt(lambda prompt: slow if int(prompt.split()[2]) % 4 == 0 else bad)))
    view = ended(dashboard, start(dashboard, 40, limits=Limits(max_in_flight=20)))
    assert (view.status, view.counts.n_done, view.counts.errors) == ("done", 10, {"request_refused": 30})


def test_refusals_in_different_words_are_the_rows_own(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    words = product(ascii_lowercase, repeat=3)

    async def always_another(exchange: Exchange) -> None:
        await ApiError(400, f"Nothing is known of {''.join(next(words))}")(exchange)

    fake_endpoint.behave(Behaviour(always_another))
    # More rows than are read ahead: what is held back does not keep the others from being asked.
    view = ended(dashboard, start(dashboard, 1100))
    assert (view.status, view.counts.errors, view.n_pending) == ("done", {"request_refused": 1100}, 0)


def test_two_refusals_in_turn_pause_when_one_has_come_often_enough(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    both = cycle((ApiError(400, "No such deployment"), ApiError(400, "Ask another region")))

    async def in_turn(exchange: Exchange) -> None:
        await next(both)(exchange)

    fake_endpoint.behave(Behaviour(in_turn))
    view = ended(dashboard, start(dashboard, 100))
    assert view.status == "paused" and view.counts.n_error == 0 and view.n_pending == 100
    assert view.counts.n_sent <= 2 * EQUAL_REFUSALS + MOST_AT_FIRST


def test_bad_rows_of_a_good_run_fail_alone(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    bad, wall = ApiError(400, "The content is empty"), ApiError(403, "Your input was flagged by moderation")
    replies = {30: wall, **dict.fromkeys(range(60, 80), bad)}
    fake_endpoint.behave(Behaviour(ByPrompt(lambda prompt: replies.get(int(prompt.split()[2]), Answer()))))
    run_id = start(dashboard, 100)
    view = ended(dashboard, run_id)
    failed = {"request_refused": 20, "withheld": 1}
    assert (view.status, view.counts.n_done, view.counts.errors) == ("done", 79, failed)
    said = messages_of(dashboard, [view])[run_id]
    assert [(one.n, "content is empty" in one.message) for one in said] == [(20, True), (1, False)]
    # Tried again they are refused alike: they fail again, and the good run is not paused for that.
    runs.retry(dashboard, [run_id])
    again = ended(dashboard, run_id)
    assert (again.status, again.counts.n_done, again.counts.errors) == ("done", 79, failed)
    # But a key that is refused meanwhile pauses the retry, and the rows are open.
    fake_endpoint.behave("unauthorized")
    runs.retry(dashboard, [run_id])
    check_refused(ended(dashboard, run_id), "access_denied", "Invalid API key", 100)
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, [run_id])
    assert ended(dashboard, run_id).counts.n_done == 100


def test_a_resumed_run_whose_model_is_gone_pauses_with_its_other_rows_open(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    run_id = start(dashboard, 60, limits=Limits(max_requests=20))
    assert ended(dashboard, run_id).counts.n_done == 20
    fake_endpoint.behave(Behaviour(NO_MODEL))
    runs.resume(dashboard, [run_id], Limits(max_requests=500))
    view = ended(dashboard, run_id)
    check_refused(view, "request_refused", "does not know this model", 60)
    assert view.counts.n_done == 20


def test_fewer_rows_than_make_a_refusal_end_failed(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(Behaviour(NO_MODEL))
    view = ended(dashboard, start(dashboard, 3))
    assert (view.status, view.counts.errors, view.n_pending) == ("done", {"request_refused": 3}, 0)


def test_a_run_begins_with_few_requests_until_one_has_succeeded(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    released = asyncio.Event()
    under_way = 0

    async def held(exchange: Exchange) -> None:
        nonlocal under_way
        under_way += 1
        while not released.is_set():
            await asyncio.sleep(0.01)
        await Answer(delay_s=0.3)(exchange)

    fake_endpoint.behave(Behaviour(held))
    run_id = start(dashboard, 80, limits=Limits(max_in_flight=40))
    wait_until(lambda: under_way == MOST_AT_FIRST, what="the careful beginning")
    wait_until(lambda: runs.show(dashboard, run_id).live is not None)
    assert under_way == MOST_AT_FIRST == len(fake_endpoint.requests_to("chat/completions"))
    released.set()
    wait_until(lambda: under_way >= MOST_AT_FIRST + 40, what="all that may be under way")
    assert ended(dashboard, run_id).counts.n_done == 80


def test_a_refused_run_is_not_resumed_by_a_restart(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    fake_endpoint.behave(Behaviour(QUOTA))
    run_id = start(dashboard, 30)
    refused = ended(dashboard, run_id)
    dashboard.stop()
    fake_endpoint.behave("healthy")
    fake_endpoint.requests.clear()
    again = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept", on_open=runs.resume_all)
    view = runs.show(again, run_id)
    assert view.status == "paused" and view.record.refusal == refused.record.refusal
    assert not fake_endpoint.requests_to("chat/completions")
    runs.cancel(again, [run_id])
    view = ended(again, run_id)
    assert view.status == "cancelled" and view.record.refusal is None and view.n_pending == 30


@pytest.mark.parametrize(("leave", "status"), [(runs.pause, "paused"), (runs.cancel, "cancelled")])
def test_a_pause_and_a_cancel_let_go_of_rows_that_are_held_back(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint,
    leave: Callable[[Dashboard, list[str]], None], status: str,
) -> None:  # fmt: skip
    """A run beside it goes on and ends: nothing of the other one is waited for."""
    dashboard = make_dashboard(fake_endpoint.base_url)
    refused = 0

    async def reply(exchange: Exchange) -> None:
        nonlocal refused
        if exchange.body["model"] == MODEL:
            await Answer(delay_s=0.05)(exchange)
        elif refused < EQUAL_REFUSALS - 1:
            refused += 1
            await NO_MODEL(exchange)
        else:
            await Answer(delay_s=2.0)(exchange)

    fake_endpoint.behave(Behaviour(reply))
    dataset_id = make_dataset(dashboard.store, 60)
    request = RunRequest(dataset_id, (MODEL, "gpt-4.1-nano"), ("low",), mode="generate")
    good, other = runs.start(dashboard, request)
    wait_until(lambda: refused == EQUAL_REFUSALS - 1 and runs.show(dashboard, other).live is not None)
    leave(dashboard, [other])
    assert ended(dashboard, good).counts.n_done == 60
    view = ended(dashboard, other)
    assert view.status == status and view.record.refusal is None
    assert view.counts.n_error == 0


def test_of_a_grid_only_what_is_refused_is_paused(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)

    async def reply(exchange: Exchange) -> None:
        await (NO_MODEL if exchange.body["model"] == "gpt-4.1-nano" else Answer())(exchange)

    fake_endpoint.behave(Behaviour(reply))
    request = RunRequest(
        make_dataset(dashboard.store, 50),
        (MODEL, "gpt-4.1-nano"),
        ("low", "base"),
        mode="generate-then-score",
    )
    run_ids = runs.start(dashboard, request)
    for view in [ended(dashboard, run_id) for run_id in run_ids]:
        if view.record.model == MODEL:
            assert (view.status, view.counts.n_done) == ("done", 50)
        else:
            check_refused(view, "request_refused", "does not know this model", 50)
    # Each run pauses by itself where the key is refused, so that one that has a right goes on.
    fake_endpoint.behave("unauthorized")
    runs.resume(dashboard, run_ids)
    for view in [ended(dashboard, run_id) for run_id in run_ids]:
        if view.record.model != MODEL:
            check_refused(view, "access_denied", "Invalid API key", 50)


def test_answers_that_were_paid_stay_where_their_scores_are_refused(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(Behaviour(Answer(), score=Reply(404, {"detail": "Not Found"})))
    request = RunRequest(make_dataset(dashboard.store, 40), (MODEL,), ("low", "base"))
    run_ids = runs.start(dashboard, request)
    for run_id in run_ids:
        check_refused(ended(dashboard, run_id), "request_refused", "nothing at this address", 40)
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, run_ids)
    assert [ended(dashboard, run_id).counts.n_done for run_id in run_ids] == [40, 40]
    assert len(fake_endpoint.requests_to("chat/completions")) == 40


def test_equal_rows_that_share_a_request_share_its_refusal(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, ["same"] * 1300 + ["other"] * 30)
    make_run(dashboard.store, dataset_id, ["yes"] * 1330)
    request = RunRequest(dataset_id, quality_presets=("low",), mode="score", send_repeats_once=True)
    fake_endpoint.behave(Behaviour(score=NO_MODEL))
    (run_id,) = runs.start(dashboard, request)
    # Two different requests are no five refusals: all rows share what became of these.
    assert ended(dashboard, run_id).counts.errors == {"request_refused": 1330}
    fake_endpoint.behave(Behaviour(score=KEY))
    runs.retry(dashboard, [run_id])
    check_refused(ended(dashboard, run_id), "access_denied", "Incorrect key", 1330)
    fake_endpoint.behave("healthy")
    runs.resume(dashboard, [run_id])
    assert ended(dashboard, run_id).counts.n_done == 1330


def test_equal_rows_take_no_place_at_the_beginning(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    refused = [f"refused {letter}" for letter in ascii_lowercase[:MOST_AT_FIRST]]
    dataset_id = make_dataset(dashboard.store, [*refused, *refused, *ascii_lowercase])
    make_run(dashboard.store, dataset_id, ["yes"] * (2 * len(refused) + 26))
    request = RunRequest(dataset_id, quality_presets=("low",), mode="score", send_repeats_once=True)

    async def reply(exchange: Exchange) -> None:
        prompt = str(exchange.body["messages"][-1]["content"])
        if not prompt.startswith("refused"):
            await Answer()(exchange)
            return
        # All others have been put in line by then, the equal ones first.
        await asyncio.sleep(0.5)
        await ApiError(400, f"Not so, {prompt.split()[1] * 3}.")(exchange)

    fake_endpoint.behave(Behaviour(score=reply))
    (run_id,) = runs.start(dashboard, request)
    counts = ended(dashboard, run_id).counts
    assert (counts.errors, counts.n_done) == ({"request_refused": 16}, 26)


def test_equal_rows_share_a_failure_of_our_own(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: EndpointClient, __: ScoreRequest) -> Scored:
        raise ZeroDivisionError

    monkeypatch.setattr(EndpointClient, "score", broken)
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, ["same"] * 30)
    make_run(dashboard.store, dataset_id, ["yes"] * 30)
    request = RunRequest(dataset_id, quality_presets=("low",), mode="score", send_repeats_once=True)
    (run_id,) = runs.start(dashboard, request)
    assert ended(dashboard, run_id).counts.errors == {"bug": 30}


def test_no_key_is_in_the_words(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    dashboard = make_dashboard(
        fake_endpoint.base_url, TLM_DASH_API_KEY="my-own-secret", TLM_DASH_HEADERS='{"X-Team": "team-secret"}'
    )
    words = "Incorrect key my-own-secret of team-secret; another: sk-proj-abcdefgh1234, sk-ab12********wxyz"
    fake_endpoint.behave(Behaviour(ApiError(401, words)))
    view = ended(dashboard, start(dashboard, 20))
    told = f"{view.record} {view.facts()} {messages_of(dashboard, [view])}"
    told += str(dashboard.store.read("SELECT * FROM run_event")) + str(
        dashboard.store.read("SELECT * FROM attempt_end")
    )
    assert "Incorrect key [hidden] of [hidden]; another: [hidden]" in told
    assert not [secret for secret in ("my-own", "team-secret", "abcdefgh", "ab12", "wxyz") if secret in told]


def test_a_pilot_that_is_refused_forecasts_nothing_and_may_be_tried_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(Behaviour(InTurn(*[Answer()] * 4, QUOTA)))
    request = RunRequest(make_dataset(dashboard.store, 200), (MODEL,), ("low",))
    (run_id,) = runs.start_pilot(dashboard, request, 20)
    wait_for(dashboard, [run_id])
    found = forecast_of(dashboard, [run_id])
    assert found.is_complete and found.total is None and found.facts()["total"] == {"n_pilot": 0}
    assert [said["kind"] for said in found.facts()["messages"]] == ["account_exhausted"]
    fake_endpoint.behave("healthy")
    assert runs.start_pilot(dashboard, request, 20) == [run_id]
    wait_for(dashboard, [run_id])
    found = forecast_of(dashboard, [run_id])
    assert found.total is not None and found.total.n_pilot == 20 and not found.refused
    assert runs.start(dashboard, request) == [run_id]
    assert ended(dashboard, run_id).counts.n_done == 200


def test_a_playground_prompt_shows_the_words(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(Behaviour(QUOTA))
    asked = PlaygroundRequest("What is 2 + 2?", (MODEL,), ("medium",))
    entry_id = playground.submit(dashboard, asked)
    wait_until(lambda: not playground_view.view(dashboard, entry_id).is_live, what="the answer")
    (cell,) = playground_view.view(dashboard, entry_id).cells
    assert cell.cell.error_kind == "account_exhausted" and "exceeded your current" in (
        cell.cell.error_message or ""
    )
    assert len(fake_endpoint.requests_to("chat/completions")) == 1
