"""Answers of the playground in datasets of their own: what is kept, what is said twice, what stays."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import MakeDashboard, wait_until
from tests.fake_endpoint import Answer, ApiError, Behaviour, FakeEndpoint, fake_answer, fake_score
from tests.services.labelled_runs import say
from tlm_dash.errors import InvalidInputError, NotFoundError, StoreError, StoreFullError
from tlm_dash.services import collection, datasets, exports, label_plans, playground, review, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.dataset_inspection import inspect
from tlm_dash.services.dataset_upload import save
from tlm_dash.services.decide import Question
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.playground_view import EntryView, view
from tlm_dash.services.record_drafts import threshold_record
from tlm_dash.services.review import RowFilter
from tlm_dash.services.run_request import RunRequest

MODEL, OTHER = "gpt-4.1-mini", "gpt-4.1-nano"


@pytest.fixture
def running(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


def ask(running: Dashboard, prompt: str, *, models: tuple[str, ...] = (MODEL,), **said: Any) -> EntryView:  # noqa: ANN401
    asked = PlaygroundRequest(prompt, models, said.pop("presets", ("low", "medium")), **said)
    entry_id = playground.submit(running, asked)
    wait_until(lambda: not view(running, entry_id).is_live, what="the answers")
    return view(running, entry_id)


def add(running: Dashboard, asked: EntryView, card: int = 0, name: str = "Kept") -> collection.Added:
    return collection.add(running, asked.entry.entry_id, asked.cells[card].cell.run_id, name)


def test_an_answer_is_kept_with_its_score_its_words_and_where_it_came_from(running: Dashboard) -> None:
    asked = ask(running, "Why?", system_prompt="Be brief.", earlier_turns="user: Hi\nassistant: Yes")
    added = add(running, asked, name="  Kept \n answers ")
    assert (added.name, added.item_no, added.is_new) == ("Kept answers", 1, True)
    (dataset,) = datasets.listed(running)
    assert (dataset.name, dataset.n_items, dataset.n_runs, dataset.is_collected) == (
        "Kept answers",
        1,
        1,
        True,
    )
    assert (dataset.has_responses, dataset.has_scores, dataset.has_labels) == (True, True, False)
    (run,) = runs.list_runs(running)
    assert (run.record.name, run.record.n_items) == (f"Kept answers · {MODEL} · low", 1)
    assert (run.status, run.counts.n_done, run.counts.resolved_model) == ("done", 1, f"{MODEL}-2025-04-14")
    row, cell = review.detail(running, run, 1), asked.cells[0].cell
    assert (row.response, row.trustworthiness_score) == (cell.response, cell.trustworthiness_score)
    assert (row.explanation, row.log) == (cell.explanation, cell.log)
    assert (row.latency_ms, row.input_tokens, row.score_latency_ms) == (
        cell.latency_ms, cell.input_tokens, cell.score_latency_ms,
    )  # fmt: skip
    assert [message["content"] for message in row.messages] == ["Be brief.", "Hi", "Yes", "Why?"]
    assert row.extra["Added from"] == "the playground"
    assert row.extra["Asked"] == f"{asked.entry.created_at:%Y-%m-%d at %H:%M:%S} UTC"
    (facts,) = datasets.runs_of(running, dataset.dataset_id)
    assert (facts.name, facts.n_items) == (run.record.name, 1)
    shown = datasets.page(running, dataset.dataset_id, search="why").rows[0]
    assert [given["score"] for given in shown.responses] == [cell.trustworthiness_score]


def test_the_same_answer_is_there_once_whoever_adds_it(running: Dashboard) -> None:
    asked = ask(running, "Why?")
    barrier, found = threading.Barrier(4), []

    def press() -> None:
        barrier.wait()
        found.append(add(running, asked))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added.is_new for added in found) == [False, False, False, True]
    assert len({added.dataset_id for added in found}) == 1
    assert (datasets.listed(running)[0].n_items, runs.list_runs(running)[0].record.n_items) == (1, 1)
    kept = collection.kept(running, asked.entry.entry_id)
    low, medium = (cell.cell.run_id for cell in asked.cells)
    assert [dataset.name for dataset in kept.holders[low]] == ["Kept"]
    assert medium not in kept.holders


def test_a_score_that_is_there_stays(running: Dashboard, fake_endpoint: FakeEndpoint) -> None:
    asked = ask(running, "Why?")
    before = asked.cells[0].cell.trustworthiness_score
    add(running, asked)
    fake_endpoint.behave(Behaviour(Answer(score=0.123)))
    playground.score_again(running, asked.entry.entry_id, asked.cells[0].cell.run_id)
    wait_until(lambda: not view(running, asked.entry.entry_id).is_live, what="the score")
    again = view(running, asked.entry.entry_id)
    assert again.cells[0].cell.trustworthiness_score == 0.123
    assert not add(running, again).is_new
    (run,) = runs.list_runs(running)
    assert review.detail(running, run, 1).trustworthiness_score == before
    # To another dataset it goes with the score that it has now.
    other = add(running, again, name="Other")
    assert other.is_new
    assert review.detail(running, runs.list_runs(running)[1], 1).trustworthiness_score == 0.123


def test_cards_of_one_prompt_share_its_item_and_another_answer_gets_one_of_its_own(
    running: Dashboard, fake_endpoint: FakeEndpoint
) -> None:
    asked = ask(running, "Why?", models=(MODEL, OTHER))
    assert [add(running, asked, card).item_no for card in range(4)] == [1, 1, 1, 1]
    fake_endpoint.behave(Behaviour(Answer(text="Something else.")))
    another = ask(running, "Why?", models=(MODEL, OTHER))
    assert [add(running, another, card).item_no for card in range(4)] == [2, 2, 2, 2]
    listed = runs.list_runs(running)
    assert [(run.record.quality_preset, run.record.n_items, run.counts.n_done) for run in listed] == [
        ("low", 2, 2), ("medium", 2, 2), ("low", 2, 2), ("medium", 2, 2),
    ]  # fmt: skip
    assert review.found(running, listed[0], RowFilter()).n_rows == 2


def test_runs_that_were_asked_in_another_way_have_a_name_of_their_own(running: Dashboard) -> None:
    # Of one preset alone the score comes with the answer; of two the responses are scored afterwards.
    dataset_id = add(running, ask(running, "Why?")).dataset_id
    add(running, ask(running, "Why?", presets=("low",)))
    names = [f"{MODEL} · low", f"{MODEL} · low (2)"]
    assert [run.record.name for run in runs.list_runs(running)] == [f"Kept · {name}" for name in names]
    assert [run.response_column for run in datasets.runs_of(running, dataset_id)] == names


def test_nothing_that_was_planned_changes_when_an_answer_is_added(running: Dashboard) -> None:
    first = ask(running, "Why?", models=(MODEL, OTHER))
    dataset_id = add(running, first).dataset_id
    (collected,) = runs.list_runs(running)
    # A run that scores the responses it has, a run that asks anew, and a plan of labels.
    again = runs.start(running, RunRequest("Kept", quality_presets=("base",), mode="score"))
    asking = runs.start(running, RunRequest("Kept", models=(OTHER,), quality_presets=("low",)))
    wait_until(
        lambda: all(runs.show(running, r).status == "done" for r in (*again, *asking)), what="the runs"
    )
    plan = label_plans.create(running, collected.record.run_id, PlanRequest("uniform", 5, "Ada"))
    say(running, collected.record.run_id, {1: "correct"}, plan_id=plan.plan_id)
    assert labelled_run(running, collected.record.run_id, basis=plan.plan_id).basis.sentence.startswith(
        "1 of 1"
    )
    # The same prompt by another model does not go to the item that was planned over.
    assert [add(running, first, 2).item_no, add(running, ask(running, "How?")).item_no] == [2, 3]
    for run_id in (*again, *asking):
        run = runs.show(running, run_id)
        assert (run.record.n_items, run.n_pending, run.record.is_from_playground) == (1, 0, False)
        assert review.found(running, run, RowFilter()).item_nos == (1,)
        assert labelled_run(running, run_id).n_rows == 1
    sample = labelled_run(running, collected.record.run_id, basis=plan.plan_id).basis
    assert sample.reason is not None
    assert "could have taken 1 of the 2 answered rows" in sample.reason
    new = runs.start(running, RunRequest("Kept", models=(OTHER,), quality_presets=("low",)), begin=False)
    assert runs.show(running, new[0]).record.n_items == datasets.show(running, dataset_id).n_items == 3


def test_a_dataset_of_a_file_is_not_added_to(running: Dashboard, tmp_path: Path) -> None:
    (tmp_path / "Questions.csv").write_text("prompt\nWhy?\n")
    save(running, inspect(running, [tmp_path / "Questions.csv"]))
    asked = ask(running, "Why?")
    with pytest.raises(InvalidInputError, match="made from a file"):
        add(running, asked, name="Questions")
    assert datasets.show(running, "Questions").n_items == 1
    add(running, asked)
    # And a file of that name gets a free one.
    (tmp_path / "Kept.csv").write_text("prompt\nHow?\n")
    assert save(running, inspect(running, [tmp_path / "Kept.csv"])).name == "Kept (2)"


def test_what_cannot_be_added_is_one_sentence(running: Dashboard, fake_endpoint: FakeEndpoint) -> None:
    asked = ask(running, "Why?")
    run_id = asked.cells[0].cell.run_id
    for name in ("", " \n", "n" * 121):
        with pytest.raises(InvalidInputError):
            add(running, asked, name=name)
    with pytest.raises(NotFoundError):
        collection.add(running, "gone", run_id, "Kept")
    fake_endpoint.behave(Behaviour(ApiError(400, "No.")))
    failed = ask(running, "How?")
    with pytest.raises(InvalidInputError, match="no complete answer"):
        add(running, failed)
    assert datasets.listed(running) == []


def test_an_answer_that_could_not_be_written_is_added_later(
    running: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(running, "Why?")

    def full(*_: object, **__: object) -> None:
        raise StoreFullError("The disk is full.", hint="Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(collection, "append_events", full)
        with pytest.raises(StoreFullError):
            add(running, asked)
        patch.setattr(collection, "append_events", lambda *_, **__: (_ for _ in ()).throw(TimeoutError))
        with pytest.raises(StoreError, match="too busy"):
            add(running, asked)
    assert datasets.listed(running) == []
    assert add(running, asked).is_new


def test_a_response_that_was_given_and_one_without_a_score_are_kept_as_they_are(
    running: Dashboard, fake_endpoint: FakeEndpoint
) -> None:
    given = ask(running, "Why?", models=(), given_response="So.", presets=("low",))
    add(running, given)
    (run,) = runs.list_runs(running)
    assert (run.record.name, run.record.model) == ("Kept · given responses · low", None)
    fake_endpoint.behave(Behaviour(Answer(score="none")))
    unscored = ask(running, "How?", presets=("low", "medium"))
    added = add(running, unscored)
    run = runs.list_runs(running)[-1]
    row = review.detail(running, run, added.item_no)
    assert row.trustworthiness_score is None
    assert row.unscored_reason == unscored.cells[0].cell.unscored_reason


def test_it_is_deleted_exported_and_decided_about_as_any_dataset(running: Dashboard, tmp_path: Path) -> None:
    for prompt in ("Why?", "How?", "Who?"):
        add(running, ask(running, prompt))
    (run,) = runs.list_runs(running)
    run_id = run.record.run_id
    assert exports.export(running, [run_id], tmp_path / "kept.csv").n_rows == 3
    say(running, run_id, {1: "correct", 2: "incorrect", 3: "correct"})
    record = threshold_record(running, run_id, Question(max_risk=0.6))
    assert record["data"][0]["name"] == "Kept, collected in the playground"
    loaded = labelled_run(running, run_id)
    texts = [fake_answer([{"role": "user", "content": prompt}], MODEL) for prompt in ("Why?", "How?", "Who?")]
    np.testing.assert_array_equal(loaded.score, [fake_score(text, "low") for text in texts])
    with pytest.raises(InvalidInputError, match="holds answers of the playground"):
        runs.resume(running, [run_id])
    runs.delete(running, [run_id])
    assert runs.list_runs(running) == []
    asked = ask(running, "Why?")
    assert collection.kept(running, asked.entry.entry_id).holders == {}
    assert add(running, asked).is_new
    datasets.delete(running, "Kept", confirmed=True)
    assert datasets.listed(running) == []
    assert playground.history(running).total == 4
