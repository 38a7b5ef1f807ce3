"""The playground end to end below the page: real engine, real HTTP, real database file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import (
    Answer,
    ApiError,
    CutStream,
    Events,
    FakeEndpoint,
    Hang,
    Held,
    Reply,
    fake_answer,
    fake_score,
)
from tlm_dash.batch import endings, retries
from tlm_dash.errors import InvalidInputError, NotFoundError, SettingsError, StoreFullError
from tlm_dash.models import canonical_json, text_hash
from tlm_dash.services import playground
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import EntryView, view

MODEL = "gpt-4.1-mini"


def request(prompt: str = "What is 2 + 2?", **changes: object) -> PlaygroundRequest:
    settings = {"models": (MODEL,), "quality_presets": ("medium",)} | changes
    return PlaygroundRequest(prompt, **settings)  # type: ignore[arg-type]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked again, as where a person has waited as long as a person bears."""
    monkeypatch.setattr(retries, "LONGEST_FOR_A_PERSON_S", 0.0)


def run(dashboard: Dashboard, asked: PlaygroundRequest) -> EntryView:
    entry_id = playground.submit(dashboard, asked)
    wait_until(lambda: not view(dashboard, entry_id).is_live, what="the answer")
    return view(dashboard, entry_id)


def test_one_model_at_one_preset_is_one_call(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    (cell,) = run(dashboard, request()).cells
    text = fake_answer([{"role": "user", "content": "What is 2 + 2?"}], MODEL)
    assert cell.text == text
    assert cell.cell.trustworthiness_score == fake_score(text, "medium")
    assert cell.cell.resolved_model == f"{MODEL}-2025-04-14"
    assert (cell.cell.input_tokens, cell.cell.output_tokens) == (5, len(text.split()))
    assert cell.cell.explanation is not None
    assert cell.cell.mode == "generate"
    assert len(fake_endpoint.requests_to("chat/completions")) == 1
    assert not fake_endpoint.requests_to("chat/score")
    sent = fake_endpoint.requests_to("chat/completions")[0].body
    assert (sent["quality_preset"], sent["options"]) == ("medium", {"log": ["explanation"]})


def test_each_model_answers_once_and_that_response_is_scored_at_every_preset(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    models, presets = (MODEL, "gpt-4.1-nano"), ("base", "low", "medium")
    found = run(dashboard, request(models=models, quality_presets=presets))
    assert [(c.cell.model, c.cell.quality_preset) for c in found.cells] == [
        (model, preset) for model in models for preset in presets
    ]
    for cell in found.cells:
        assert cell.text is not None
        assert cell.cell.trustworthiness_score == fake_score(cell.text, cell.cell.quality_preset)
        assert cell.cell.scorer_model == MODEL
    assert len({cell.text for cell in found.cells}) == 2
    generated = fake_endpoint.requests_to("chat/completions")
    assert len(generated) == 2
    assert all(sent.body["options"] == {"disable_trustworthiness": True} for sent in generated)
    scored = fake_endpoint.requests_to("chat/score")
    assert len(scored) == 6
    # One scorer for everything, whichever model answered.
    assert {sent.body["options"]["model"] for sent in scored} == {MODEL}


def test_an_endpoint_that_cannot_leave_out_the_score_is_asked_without_the_option(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    refusal = ApiError(400, "Unknown option: disable_trustworthiness")
    # A client may try once without streaming before it believes the refusal.
    fake_endpoint.script("chat/completions", [refusal, refusal])
    dashboard = make_dashboard(fake_endpoint.base_url)
    found = run(dashboard, request(quality_presets=("base", "low")))
    assert [cell.status for cell in found.cells] == ["done", "done"]
    assert "options" not in fake_endpoint.requests_to("chat/completions")[-1].body


def test_a_given_response_is_only_scored(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    found = run(dashboard, request(models=(), quality_presets=("base",), given_response="Four."))
    (cell,) = found.cells
    assert cell.text == "Four."
    assert cell.cell.trustworthiness_score == fake_score("Four.", "base")
    assert (cell.cell.model, cell.cell.latency_ms, cell.cell.output_tokens) == (None, None, None)
    assert not fake_endpoint.requests_to("chat/completions")


def test_another_provider_answers_and_tlm_scores(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    with FakeEndpoint() as provider:
        dashboard = make_dashboard(
            fake_endpoint.base_url, OPENAI_BASE_URL=provider.base_url, OPENAI_API_KEY="sk-provider-secret"
        )
        asked = request(models=("gemini-flash",), answered_by="provider", params={"temperature": 0.0})
        (cell,) = run(dashboard, asked).cells
        (sent,) = provider.requests_to("chat/completions")
    assert cell.cell.answered_by == "provider"
    assert cell.cell.trustworthiness_score is not None
    assert sent.headers["authorization"] == "Bearer sk-provider-secret"
    assert "quality_preset" not in sent.body and "options" not in sent.body
    assert sent.body["temperature"] == 0.0
    assert not fake_endpoint.requests_to("chat/completions")
    (scored,) = fake_endpoint.requests_to("chat/score")
    assert "sk-provider-secret" not in scored.raw.decode()
    stored = dashboard.store.read("SELECT * FROM run") + dashboard.store.read(
        "SELECT * FROM playground_entry"
    )
    assert "sk-provider-secret" not in repr(stored)


def test_system_prompt_and_earlier_turns_are_sent_and_restored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    asked = request("And now?", system_prompt="Be brief.", earlier_turns="user: Hi\nassistant: Hello")
    found = run(dashboard, asked)
    assert fake_endpoint.requests_to("chat/completions")[0].body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And now?"},
    ]
    assert found.request == asked


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("html", "not_tlm"),
        ("not-found", "not_tlm"),
        ("unauthorized", "access_denied"),
        ("rate-limited", "rate_limited"),
        ("server-error", "server_failed"),
        ("cut-stream", "connection_dropped"),
        ("dies-mid-stream", "connection_dropped"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_bad_day_is_a_row_with_a_sentence_and_a_next_step(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, behaviour: str, kind: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(behaviour)
    (cell,) = run(dashboard, request()).cells
    assert cell.status == "error"
    assert cell.cell.error_kind == kind
    assert cell.cell.error_message and cell.cell.error_hint
    assert "Traceback" not in cell.cell.error_message and "<html" not in cell.cell.error_message
    if kind == "connection_dropped":
        assert (cell.text, cell.cell.is_complete) == ("one two three", False)
    ((outcome, stored_kind),) = dashboard.store.read("SELECT outcome, error_kind FROM attempt_end")
    assert (outcome, stored_kind) == ("error", cell.cell.error_kind)


def test_a_dead_endpoint_is_said(make_dashboard: MakeDashboard) -> None:
    dashboard = make_dashboard("http://127.0.0.1:9/api")
    assert dashboard.monitor.current.state == "unreachable"
    (cell,) = run(dashboard, request()).cells
    assert cell.cell.error_kind == "unreachable"


@pytest.mark.usefixtures("impatient")
def test_a_time_out_is_said(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url, TLM_DASH_TIMEOUT_S="2")
    fake_endpoint.script("chat/completions", [Hang()])
    (cell,) = run(dashboard, request()).cells
    assert cell.cell.error_kind == "timeout"


@pytest.mark.usefixtures("impatient")
def test_the_answer_is_kept_when_scoring_fails_and_can_be_scored_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/score", [ApiError(500, "no"), ApiError(500, "no")])
    found = run(dashboard, request(quality_presets=("base", "low")))
    assert [cell.status for cell in found.cells] == ["error", "error"]
    assert all(cell.text and cell.cell.is_complete for cell in found.cells)
    entry_id, run_id = found.entry.entry_id, found.cells[0].cell.run_id
    playground.score_again(dashboard, entry_id, run_id)
    wait_until(lambda: not view(dashboard, entry_id).is_live)
    again = view(dashboard, entry_id).cells
    assert [cell.status for cell in again] == ["done", "error"]
    assert again[0].cell.attempt_no == 2
    assert again[0].text == found.cells[0].text
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


@pytest.mark.parametrize("behaviour", ["no-score", "nan-score"])
def test_a_missing_score_is_unscored_with_its_reason_never_zero(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, behaviour: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave(behaviour)
    (cell,) = run(dashboard, request()).cells
    assert (cell.status, cell.cell.trustworthiness_score) == ("done", None)
    assert cell.cell.unscored_reason


def test_a_stream_that_ends_without_a_score_is_scored_by_chat_score(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.behave("no-stream-score")
    (cell,) = run(dashboard, request()).cells
    assert cell.cell.trustworthiness_score is not None
    assert len(fake_endpoint.requests_to("chat/score")) == 1


def test_stop_keeps_what_arrived_and_closes_the_connection(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/completions", [CutStream(after=3, how="hang")])
    entry_id = playground.submit(dashboard, request())
    wait_until(lambda: view(dashboard, entry_id).cells[0].text == "one two three")
    playground.stop(dashboard, entry_id)
    wait_until(lambda: not view(dashboard, entry_id).is_live, what="stopping")
    (cell,) = view(dashboard, entry_id).cells
    assert (cell.cell.error_kind, cell.text) == ("stopped", "one two three")
    # Not the last request of all: the endpoint may have been asked for its health meanwhile.
    (sent,) = fake_endpoint.requests_to("chat/completions")
    wait_until(lambda: sent.disconnected, what="the endpoint seeing it")
    wait_until(lambda: dashboard.store.read("SELECT outcome FROM attempt_end") == [("cancelled",)])


def test_stop_while_scoring_keeps_the_answer_to_be_scored_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    fake_endpoint.script("chat/score", [Hang(), Hang()])
    entry_id = playground.submit(dashboard, request(quality_presets=("base", "low")))
    wait_until(lambda: len(fake_endpoint.requests_to("chat/score")) == 2)
    playground.stop(dashboard, entry_id)
    wait_until(lambda: not view(dashboard, entry_id).is_live, what="stopping")
    stopped = view(dashboard, entry_id).cells
    assert [cell.cell.error_kind for cell in stopped] == ["stopped", "stopped"]
    assert all(cell.text and cell.cell.is_complete for cell in stopped)
    playground.score_again(dashboard, entry_id, stopped[0].cell.run_id)
    wait_until(lambda: not view(dashboard, entry_id).is_live)
    assert view(dashboard, entry_id).cells[0].cell.trustworthiness_score is not None
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


def test_a_crash_while_scoring_keeps_the_answer(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    first = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "first")
    fake_endpoint.script("chat/score", [Hang()])
    entry_id = playground.submit(first, request(given_response="Four."))
    wait_until(lambda: fake_endpoint.requests_to("chat/score"))
    # What is on disk at this moment is what a killed process leaves behind.
    (tmp_path / "second").mkdir()
    first.store.backup(tmp_path / "second" / "tlm_dash.duckdb")
    second = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "second")
    (cell,) = view(second, entry_id).cells
    assert (cell.text, cell.cell.error_kind) == ("Four.", "interrupted")
    assert "billed" in (cell.cell.error_hint or "")


def test_a_refusal_in_mid_stream_is_not_asked_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    words = Answer(text="one two three").chunks({"messages": [], "model": MODEL})[:3]
    refusal = {"error": {"message": "filtered", "type": "invalid_request_error", "code": "content_filter"}}
    fake_endpoint.script("chat/completions", [Events((*words, refusal))])
    found = run(make_dashboard(fake_endpoint.base_url), request(quality_presets=("base", "low")))
    assert [cell.status for cell in found.cells] == ["error", "error"]
    assert {cell.text for cell in found.cells} == {"one two"}
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


def test_a_response_is_scored_again_by_one_request_at_a_time(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    found = run(dashboard, request())
    entry_id, run_id = found.entry.entry_id, found.cells[0].cell.run_id
    held = Held(Answer(score=0.125))
    fake_endpoint.script("chat/score", [held])
    playground.score_again(dashboard, entry_id, run_id)
    with pytest.raises(InvalidInputError, match="already"):
        playground.score_again(dashboard, entry_id, run_id)
    held.released.set()
    wait_until(lambda: not view(dashboard, entry_id).is_live)
    (cell,) = view(dashboard, entry_id).cells
    assert (cell.cell.attempt_no, cell.cell.trustworthiness_score) == (2, 0.125)
    assert len(fake_endpoint.requests_to("chat/score")) == 1


@pytest.mark.usefixtures("impatient")
def test_a_failed_try_to_score_again_takes_no_score_away(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    found = run(dashboard, request())
    entry_id, before = found.entry.entry_id, found.cells[0].cell
    fake_endpoint.script("chat/score", [ApiError(500, "no")])
    playground.score_again(dashboard, entry_id, before.run_id)
    wait_until(lambda: not view(dashboard, entry_id).is_live)
    (cell,) = view(dashboard, entry_id).cells
    assert (cell.status, cell.cell.trustworthiness_score) == ("done", before.trustworthiness_score)
    assert (cell.cell.attempt_no, cell.cell.error_kind) == (2, "server_failed")


def test_what_a_full_disk_does_not_take_is_shown_and_saved_when_there_is_room(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    append, full = dashboard.store.append, threading.Event()

    def append_while_there_is_room(tables: Mapping[str, Any]) -> Future[None]:
        if full.is_set() and "run_item" in tables:
            refused: Future[None] = Future()
            refused.set_exception(StoreFullError("The disk is full.", hint="Make room."))
            return refused
        return append(tables)

    monkeypatch.setattr(dashboard.store, "append", append_while_there_is_room)
    monkeypatch.setattr(endings, "SAVE_AGAIN_EVERY_S", 0.1)
    full.set()
    entry_id = playground.submit(dashboard, request())
    wait_until(lambda: view(dashboard, entry_id).cells[0].note, what="the warning")
    (cell,) = view(dashboard, entry_id).cells
    assert "The disk is full." in cell.note and cell.text
    full.clear()
    wait_until(lambda: view(dashboard, entry_id).cells[0].status == "done", what="saving")
    (saved,) = view(dashboard, entry_id).cells
    assert saved.cell.trustworthiness_score == fake_score(saved.text or "", "medium")
    assert len(fake_endpoint.requests_to("chat/completions")) == 1


def test_an_attempt_is_durable_before_its_request_leaves(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    seen: list[list[tuple[object, ...]]] = []

    async def look(exchange: object) -> None:
        seen.append(dashboard.store.read("SELECT call, content_hash FROM attempt"))
        await Answer()(exchange)  # type: ignore[arg-type]

    fake_endpoint.script("chat/completions", [look])
    run(dashboard, request())
    content = [[{"role": "user", "content": "What is 2 + 2?"}], MODEL, {}, {"log": ["explanation"]}]
    assert seen == [[("generate", text_hash("generate", canonical_json(content)))]]


def test_everything_survives_a_restart(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    first = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    found = run(first, request())
    first.stop()
    second = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    assert view(second, found.entry.entry_id).cells == found.cells
    assert [row.entry_id for row in playground.history(second).rows] == [found.entry.entry_id]


def test_what_a_stop_of_the_process_cut_off_says_so_afterwards(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    first = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    fake_endpoint.script("chat/completions", [Hang()])
    entry_id = playground.submit(first, request())
    wait_until(lambda: fake_endpoint.requests_to("chat/completions"))
    first.stop()
    second = make_dashboard(fake_endpoint.base_url, data_dir=tmp_path / "kept")
    (cell,) = view(second, entry_id).cells
    assert cell.status == "error" and cell.cell.error_kind in ("stopped", "interrupted")


def test_the_same_configuration_is_the_same_run_and_another_is_not(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    runs = [
        run(dashboard, asked).cells[0].cell.run_id
        for asked in (request("a"), request("b"), request("a", params={"temperature": 0.5}))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_two_who_press_run_at_once_get_items_and_runs_of_their_own(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    threads = [
        threading.Thread(target=playground.submit, args=(dashboard, request(f"prompt {n}"))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    items = dashboard.store.read("SELECT item_no FROM item")
    assert sorted(items) == [(n,) for n in range(1, 9)]
    assert dashboard.store.read("SELECT count(*) FROM run") == [(1,)]
    wait_until(lambda: not dashboard.board.entries_under_way())


def test_a_score_is_placed_among_earlier_ones_of_its_kind_only(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    for score in (0.2, 0.9):
        fake_endpoint.script("chat/completions", [Answer(score=score)])
        run(dashboard, request())
    fake_endpoint.script("chat/completions", [Answer(score=0.1)])
    run(dashboard, request(quality_presets=("base",)))
    fake_endpoint.script("chat/completions", [Answer(score=0.5)])
    (cell,) = run(dashboard, request()).cells
    assert cell.standing is not None
    assert (cell.standing.n_below, cell.standing.n_equal, cell.standing.n) == (1, 0, 2)


@pytest.mark.parametrize(
    "asked",
    [
        request("   \n"),
        request("x" * 4_000_001),
        request(models=()),
        request(quality_presets=()),
        request(quality_presets=("best",)),
        request(given_response="  "),
        request(earlier_turns="nobody said this"),
        request(earlier_turns="[1]"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_next_step(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, asked: PlaygroundRequest
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    with pytest.raises(InvalidInputError) as refused:
        playground.submit(dashboard, asked)
    assert refused.value.hint
    assert dashboard.store.read("SELECT count(*) FROM playground_entry") == [(0,)]
    assert not fake_endpoint.requests_to("chat/completions")


def test_a_provider_that_is_not_set_up_is_refused(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    with pytest.raises(SettingsError, match="provider"):
        playground.submit(dashboard, request(answered_by="provider"))


def test_an_unknown_entry_is_not_found(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> None:
    with pytest.raises(NotFoundError):
        view(make_dashboard(fake_endpoint.base_url), "0" * 32)


def test_a_prompt_that_is_too_long_says_what_to_do(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    too_long = ApiError(400, "This model's maximum context length is 8192", code="context_length_exceeded")
    fake_endpoint.script("chat/completions", [too_long, too_long])
    (cell,) = run(make_dashboard(fake_endpoint.base_url), request("word " * 200_000)).cells
    assert cell.cell.error_kind == "token_limit"
    assert "preset" in (cell.cell.error_hint or "")


def test_unknown_fields_of_the_answer_are_kept(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    fake_endpoint.behave("ignores-stream")
    fake_endpoint.script("chat/completions", [Answer(streams=False, extra={"system_fingerprint": "fp_1"})])
    dashboard = make_dashboard(fake_endpoint.base_url)
    run(dashboard, request())
    ((extra,),) = dashboard.store.read("SELECT extra FROM completion")
    assert "fp_1" in extra


def test_an_odd_reply_never_ends_in_a_traceback(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    fake_endpoint.script("chat/completions", [Reply(200, [1, 2]), Reply(200, [1, 2])])
    (cell,) = run(make_dashboard(fake_endpoint.base_url), request()).cells
    assert cell.cell.error_kind == "not_tlm"
