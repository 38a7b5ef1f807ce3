"""From the endpoint to the decision: answers that are none fail by name, cut and refused ones never pass."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.conftest import MakeDashboard
from tests.fake_endpoint import Answer, Behaviour, Exchange, FakeEndpoint, Replier
from tests.services.deciding import make_decidable_run
from tests.services.labelled_runs import say
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset
from tlm_dash.interchange.record_words import run_rows
from tlm_dash.models import utc_now
from tlm_dash.services import distribution, review, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decide import Question, decide, threshold_facts
from tlm_dash.services.exports import export
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.quality import quality_of
from tlm_dash.services.record_data import rows_hash, run_facts
from tlm_dash.services.run_messages import facts_of
from tlm_dash.services.run_request import Limits, RunRequest
from tlm_dash.store.run_feed import responses_of
from tlm_dash.words.not_accepted import not_accepted_sentence

CALL = {"id": "t", "type": "function", "function": {"name": "look", "arguments": '{"q":1}'}}
REPLIES: dict[int, Answer] = {
    1: Answer(text="Par", finish_reason="MAX_TOKENS", score=0.99),
    2: Answer(message={"content": None, "refusal": "I cannot."}, score=0.98),
    3: Answer(message={"content": None, "tool_calls": [CALL]}, finish_reason="tool_calls", score=0.4),
    4: Answer(text=""),
    5: Answer(message={"content": None, "reasoning_content": "First"}, finish_reason="length"),
    6: Answer(message={"content": None}, finish_reason="content_filter"),
    7: Answer(text="Par", finish_reason="error"),
    8: Answer(text="Paris.", score=0.3, extra={"error": {"code": 0, "message": ""}}),
}
N_ROWS = 12


def by_number(exchange: Exchange) -> Replier:
    said = exchange.body["messages"][-1]["content"]
    return REPLIES.get(int("".join(filter(str.isdigit, said))), Answer(text="Fine.", score=0.6))


async def answer(exchange: Exchange) -> None:
    await by_number(exchange)(exchange)


def run_all(make_dashboard: MakeDashboard, endpoint: FakeEndpoint) -> tuple[Dashboard, str]:
    dashboard = make_dashboard(endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, [f"Question {n}?" for n in range(1, N_ROWS + 1)])
    request = RunRequest(dataset_id, (MODEL,), ("low",), limits=Limits(max_in_flight=4))
    (view,) = wait_for(dashboard, runs.start(dashboard, request))
    return dashboard, view.record.run_id


def test_every_kind_of_answer(make_dashboard: MakeDashboard, tmp_path: Path) -> None:
    with FakeEndpoint(Behaviour(answer)) as endpoint:
        dashboard, run_id = run_all(make_dashboard, endpoint)
        asked = Counter(
            int("".join(filter(str.isdigit, request.body["messages"][-1]["content"])))
            for request in endpoint.requests_to("chat/completions")
        )
    view = runs.show(dashboard, run_id)
    assert view.counts.errors == {"empty_answer": 1, "only_reasoning": 1, "withheld": 1, "answer_failed": 1}
    # An empty answer is asked for once more, a failed one as any failure, all others once.
    assert {n: times for n, times in asked.items() if times > 1} == {4: 2, 7: 5}
    rows = {row.item_no: row for row in review.page(dashboard, view, range(1, N_ROWS + 1))}
    assert {n: row.mark for n, row in rows.items() if row.mark} == {1: "cut", 2: "refused"}
    assert (rows[1].status, rows[1].trustworthiness_score) == ("done", 0.99)
    assert rows[3].response == "look(q: 1)"
    assert (rows[8].status, rows[8].response) == ("done", "Paris.")

    never = {"cut": 1, "refused": 1}
    assert facts_of(dashboard, [view])[0]["n_not_accepted"] == never
    assert distribution.facts(dashboard, run_id)["n_not_accepted"] == never
    say(dashboard, run_id, {n: "correct" for n in rows if rows[n].status == "done"})
    run = labelled_run(dashboard, run_id)
    assert np.isnan(run.score[:2]).all() and run.own_score is not None
    assert run.own_score[:2].tolist() == [0.99, 0.98]
    quality = quality_of(run)
    assert (quality.n_labelled, quality.n_used) == (8, 6)
    assert quality.n_excluded["labelled, but cut off, refused or empty"] == 2
    assert quality.accuracy.value == 1

    decision = decide(dashboard, run_id, Question(review_share=0.5))
    facts = threshold_facts(decision)
    point = decision.answer.point
    assert point is not None
    # Of 12 rows, 4 failed and 2 are never accepted: 6 at most can pass, whatever the two highest scores say.
    assert max(one.n_accepted for one in decision.points) == 6
    assert (point.n_accepted, point.n_to_review, point.coverage) == (6, 6, 0.5)
    assert (facts["n_not_accepted"], facts["n_unscored"]) == (never, 4)
    told = run_facts(dashboard, run)
    assert (told["n_not_accepted"], told["n_unscored"]) == (never, 0)
    assert ("Never accepted: cut off, refused or empty", "1 cut off, 1 refused by the model") in run_rows(
        told
    )

    done = export(dashboard, [run_id], tmp_path / "rows.jsonl")
    lines = [json.loads(line) for line in done.output.read_text(encoding="utf-8").splitlines()]
    assert [line["is_complete"] for line in lines[:3]] == [False, True, True]
    assert [line["is_refusal"] for line in lines[:3]] == [False, True, False]
    assert lines[2]["response"] == "look(q: 1)"


def test_words() -> None:
    assert not_accepted_sentence({}) == ""
    assert not_accepted_sentence({"cut": 1}) == (
        "1 answer is never accepted whatever the score (1 cut off): people read them"
    )
    assert not_accepted_sentence({"refused": 1, "cut": 1200, "empty": 2}).startswith(
        "1,203 answers are never accepted whatever the score (1,200 cut off, 1 refused by the model, 2 empty)"
    )


def test_an_empty_response_of_a_file_never_passes(place: OpenStore) -> None:
    scores, labels = [0.9, 0.8, 0.7, 0.6], ["1", "1", "1", "1"]
    responses = ["", " \n", "x" * 100 + " ", "Fine."]
    run_id = make_decidable_run(place, scores, labels, responses=responses)
    run = labelled_run(place, run_id)
    assert (run.not_accepted, run.is_marked.tolist()) == ({"empty": 2}, [True, True, False, False])
    decision = decide(place, run_id, Question(review_share=0.5))
    assert [point.n_accepted for point in decision.points] == [1, 2]
    assert (decision.n_unscored, decision.not_accepted) == (0, {"empty": 2})
    assert quality_of(run).n_labelled == 4


def test_the_hash_of_a_record_sees_the_score_that_is_stored(place: OpenStore) -> None:
    run_id = make_decidable_run(place, [0.9, 0.8], ["1", "1"])
    before = rows_hash(labelled_run(place, run_id))
    run = labelled_run(place, run_id)
    marked = replace(run, score=np.array([np.nan, 0.8]), mark=np.array(["cut", None], object))
    assert rows_hash(marked) == before


async def call_of_model(exchange: Exchange) -> None:
    function = {"name": "get_weather", "arguments": json.dumps({"city": exchange.body["model"]})}
    message = {"content": None, "tool_calls": [{"id": "t", "type": "function", "function": function}]}
    await Answer(message=message, finish_reason="tool_calls")(exchange)


def test_a_verdict_on_one_models_call_is_none_on_anothers(make_dashboard: MakeDashboard) -> None:
    with FakeEndpoint(Behaviour(call_of_model, score=Answer())) as endpoint:
        dashboard = make_dashboard(endpoint.base_url)
        dataset_id = make_dataset(dashboard.store, ["Weather?"])
        request = RunRequest(dataset_id, (MODEL, "gpt-4.1-nano"), ("low",))
        views = wait_for(dashboard, runs.start(dashboard, request))
        sent = [one.body["completion"]["choices"][0]["message"] for one in endpoint.requests_to("chat/score")]
    one, other = (view.record.run_id for view in views)
    say(dashboard, one, {1: "correct"})
    assert labelled_run(dashboard, one).label.tolist() == [1.0]
    assert np.isnan(labelled_run(dashboard, other).label).all()
    # The scorer gets the call as it came, not the words in which we show it.
    assert {message["content"] for message in sent} == {None}
    assert all(message["tool_calls"][0]["function"]["name"] == "get_weather" for message in sent)


def test_what_ended_at_a_limit_is_scored_and_not_paid_for_again(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, ["One?"])
    now, rows = utc_now(), []
    for name, response, finish, answered_by in (
        ("at its limit", "Par", "length", "endpoint"), ("broken off", "Par", None, "endpoint"),
        ("empty", " ", "stop", "endpoint"), ("given", "", None, "given"),
    ):  # fmt: skip
        rows.append({
            "completion_id": name, "dataset_id": dataset_id, "item_no": 1, "response_hash": name,
            "response": response, "answered_by": answered_by, "finish_reason": finish,
            "is_complete": response.strip() != "Par", "extra": {}, "created_at": now,
        })  # fmt: skip
    place.store.append({"completion": rows}).result(30)
    found = responses_of(place.store, dataset_id, [row["completion_id"] for row in rows], 1, 1)
    assert set(found) == {"at its limit", "given"}
