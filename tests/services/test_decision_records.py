"""Decisions are saved with everything they stood on, say later whether they hold, and hold no text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.services.compared import two_models
from tests.services.deciding import make_decidable_run, ranked_rows
from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.models import utc_now
from tlm_dash.services import decision_records, record_files
from tlm_dash.services.compare import CompareRequest
from tlm_dash.services.decide import Question
from tlm_dash.services.decision_records import save
from tlm_dash.services.place import OpenStore
from tlm_dash.services.record_check import check_again
from tlm_dash.services.record_drafts import comparison_record, threshold_record
from tlm_dash.services.reports import report_record, write_report
from tlm_dash.store.runs import add_events

N = 200
QUESTION = Question(max_risk=0.1)


@pytest.fixture
def run_id(place: OpenStore) -> str:
    """A run of 200 rows, half of them labelled wrong below 0.3 and all right above."""
    dataset_id = make_dataset(place.store, [f"secret prompt {n}" for n in range(N)])
    made = make_run(
        place.store, dataset_id, [f"secret response {n}" for n in range(N)],
        scores=[n / N for n in range(N)], labels=["0" if n < 60 and n % 2 else "1" for n in range(N)],
    )  # fmt: skip
    rows = [
        {"dataset_id": dataset_id, "label_column": "label", "spelling": spelling, "meaning": meaning,
         "created_at": utc_now()}
        for spelling, meaning in (("1", "correct"), ("0", "incorrect"))
    ]  # fmt: skip
    place.store.append({"label_spelling": rows}).result(30)
    return made


def saved(place: OpenStore, run_id: str, **more: float) -> str:
    record = threshold_record(place, run_id, QUESTION, **more)
    return save(place, record, decided_by=" Ada ", reason="Good enough.")


def test_a_record_holds_what_the_decision_stood_on(place: OpenStore, run_id: str) -> None:
    decision = decision_records.show(place, saved(place, run_id))
    record = decision.record
    assert (decision.decided_by, decision.reason, decision.run_ids) == ("Ada", "Good enough.", (run_id,))
    assert decision.is_intact
    figures = record["findings"][0]["figures"]
    assert figures["feasible"]
    assert f"below {figures['threshold']!r} to people" in decision.verdict
    assert "at most 10%" in decision.verdict
    assert record["labels"][0]["counts"]["rows with a label"] == N
    assert record["runs"][0]["n_items"] == N
    assert record["method"]["settings"] == {
        "max_risk": 0.1,
        "confidence": 0.95,
        "from_band": False,
        "seed": 0,
        "rows_are_requests": False,
        "method_version": 2,
        "n_settings": 1,
    }
    assert record["charts"]["coverage"] == figures["coverage"]
    assert {"tlm_dash", "python", "duckdb", "scipy"} <= set(record["versions"])
    assert "secret" not in json.dumps(record)


def test_nothing_is_saved_without_a_name_and_a_reason(place: OpenStore, run_id: str) -> None:
    record = threshold_record(place, run_id, QUESTION)
    for name, reason in (
        ("", "why"),
        ("\u200b", "why"),
        ("A" * 5_000, "why"),
        ("Ada", "  "),
        ("Ada", "x" * 2_001),
    ):
        with pytest.raises(InvalidInputError):
            save(place, record, decided_by=name, reason=reason)
    assert decision_records.listed(place) == []


def test_the_same_data_gives_the_same_figures(place: OpenStore, run_id: str) -> None:
    check = check_again(place, saved(place, run_id))
    assert (check.outcome, check.changes) == ("same", ())


def test_a_label_that_changes_nothing_of_it_leaves_it_standing(place: OpenStore, run_id: str) -> None:
    decision_id = saved(place, run_id)
    say(place, run_id, {2: "correct", 4: "correct"})
    check = check_again(place, decision_id)
    assert check.outcome == "holds"
    assert check.changes


def test_a_person_who_confirms_the_column_is_not_another_version(place: OpenStore, run_id: str) -> None:
    decision_id = saved(place, run_id)
    say(place, run_id, {1: "correct"})
    check = check_again(place, decision_id)
    assert check.outcome == "holds" and "versions" not in check.sentence


def test_labels_that_speak_against_it_bring_it_down(place: OpenStore, run_id: str) -> None:
    decision_id = saved(place, run_id)
    say(place, run_id, dict.fromkeys(range(120, 200), "incorrect"))
    check = check_again(place, decision_id)
    assert check.outcome == "changed"
    assert any("feasible" in name for name, _, _ in check.changes)


def test_a_looser_threshold_that_is_promised_now_does_not_speak_for_a_stricter_one(place: OpenStore) -> None:
    """The highest scores went bad, the lowest good: all rows meet the target, their upper half does not."""
    n = 1_000
    lowest_wrong = range(0, n // 2, 5)
    labels = ["0" if number in lowest_wrong else "1" for number in range(n)]
    run_id = make_decidable_run(place, [number / n for number in range(n)], labels)
    record = threshold_record(place, run_id, Question(max_risk=0.05))
    then = record["findings"][0]["figures"]["threshold"]
    assert then >= 0.4
    decision_id = save(place, record, decided_by="Ada", reason="Good enough.")
    say(place, run_id, dict.fromkeys((number + 1 for number in lowest_wrong), "correct"))
    assert check_again(place, decision_id).outcome == "holds"
    say(place, run_id, dict.fromkeys(range(n - 61, n, 2), "incorrect"))
    now = threshold_record(place, run_id, Question(max_risk=0.05))
    assert now["findings"][0]["figures"]["threshold"] < then
    at_then = next(point for point in now["charts"]["curve"] if point["threshold"] == then)
    assert at_then["risk"] > 0.05
    assert check_again(place, decision_id).outcome == "changed"


def test_a_chosen_threshold_is_held_against_its_own_bound(place: OpenStore, run_id: str) -> None:
    decision_id = saved(place, run_id, chosen_threshold=0.5)
    decision = decision_records.show(place, decision_id)
    chosen = decision.record["findings"][1]["figures"]
    assert chosen["threshold"] == 0.5
    assert chosen["n_accepted_labelled"] == 100
    assert f"{chosen['risk_high'] * 100:.3g}%" in decision.verdict
    assert check_again(place, decision_id).outcome == "same"
    say(place, run_id, dict.fromkeys(range(150, 160), "incorrect"))
    assert check_again(place, decision_id).outcome == "changed"


def test_what_people_read_is_held_against_the_bound_of_the_rest(place: OpenStore, run_id: str) -> None:
    record = threshold_record(place, run_id, Question(review_share=0.3))
    decision_id = save(place, record, decided_by="Ada", reason="As many as we can read.")
    assert check_again(place, decision_id).outcome == "same"
    say(place, run_id, {1: "incorrect", 3: "incorrect"})
    assert check_again(place, decision_id).outcome == "holds"
    say(place, run_id, dict.fromkeys(range(150, 160), "incorrect"))
    assert check_again(place, decision_id).outcome == "changed"


def test_what_is_not_possible_is_recorded_as_that(place: OpenStore, run_id: str) -> None:
    record = threshold_record(place, run_id, Question(max_risk=0.001))
    assert record["answer"].startswith("Not possible with these 200 labels: at best ")
    check = check_again(place, save(place, record, decided_by="Ada", reason="We label more first."))
    assert check.outcome == "same"


def test_a_deleted_run_cannot_be_checked_but_its_record_stays(place: OpenStore, run_id: str) -> None:
    decision_id = saved(place, run_id)
    add_events(place.store, [run_id], "deleted", operational={})
    check = check_again(place, decision_id)
    assert check.outcome == "unknown"
    assert "deleted" in check.sentence
    assert decision_records.show(place, decision_id).verdict


def test_decisions_are_listed_newest_first_and_by_run(place: OpenStore, run_id: str) -> None:
    ids = [saved(place, run_id), saved(place, run_id)]
    assert [d.decision_id for d in decision_records.listed(place, run_id)] == ids[::-1]
    assert decision_records.listed(place, "another run") == []
    with pytest.raises(NotFoundError):
        decision_records.show(place, "no such id")


def test_the_page_and_the_json_are_the_record(place: OpenStore, run_id: str) -> None:
    record = decision_records.show(place, saved(place, run_id)).record
    assert json.loads(record_files.as_json(record)) == record
    page = record_files.as_html(record)
    assert page.count("<svg") == 1
    assert "secret" not in page
    assert "Ada" in page
    assert record_files.file_stem(record).startswith("decision-threshold-20")


def test_a_record_that_was_tampered_with_is_told(place: OpenStore, run_id: str) -> None:
    decision = decision_records.show(place, saved(place, run_id))
    forged = {
        "decision_id": "forged", "kind": decision.kind, "run_ids": list(decision.run_ids),
        "question": decision.question, "verdict": decision.verdict, "decided_by": "Eve", "reason": "mine",
        "record": {**decision.record, "decided_by": "Eve"}, "record_hash": decision.record_hash,
        "created_at": utc_now(),
    }  # fmt: skip
    place.store.append({"decision": [forged]}).result(30)
    check = check_again(place, "forged")
    assert check.outcome == "unknown"
    assert "hash" in check.sentence


@pytest.fixture
def pair(place: OpenStore, run_id: str) -> tuple[str, str]:
    """The run, and another one of the same responses whose scores rank them backwards."""
    ((dataset_id,),) = place.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [run_id])
    other = make_run(
        place.store, dataset_id, [f"secret response {n}" for n in range(N)],
        scores=[1 - n / N for n in range(N)], name="backwards",
    )  # fmt: skip
    return run_id, other


def test_a_comparison_is_recorded_and_checked_too(place: OpenStore, pair: tuple[str, str]) -> None:
    record = comparison_record(place, CompareRequest(pair, margin=0.03))
    assert record["question"] == "May backwards do instead of Questions · answer?"
    figures = record["findings"][0]["figures"]
    assert figures["verdict"] == "a_better"
    assert figures["auroc_difference"] < -0.5
    assert record["answer"].startswith("“backwards” instead of “Questions · answer”:")
    assert "secret" not in json.dumps(record)
    decision_id = save(place, record, decided_by="Ada", reason="It ranks backwards.")
    assert check_again(place, decision_id).outcome == "same"
    page = record_files.as_html(decision_records.show(place, decision_id).record)
    assert page.count("<svg") == 1
    say(place, pair[0], dict.fromkeys(range(1, 61), "correct") | dict.fromkeys(range(100, 201), "incorrect"))
    assert check_again(place, decision_id).outcome == "changed"


def test_a_report_is_one_page_that_loads_nothing(
    place: OpenStore, pair: tuple[str, str], tmp_path: Path
) -> None:
    for wanted, said in (([pair[0]], "Send everything"), (list(pair), "instead of")):
        record = report_record(place, wanted, max_risk=0.1)
        facts = write_report(record, tmp_path / "report.html")
        assert said in facts["answer"]
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "no decision has been recorded" in page
        assert not re.search(r"""(src|href)\s*=|https?://(?!www\.w3\.org/2000/svg)""", page)


def test_a_report_that_cannot_be_written_leaves_what_was_there(
    place: OpenStore, run_id: str, tmp_path: Path
) -> None:
    record = report_record(place, [run_id])
    with pytest.raises(InvalidInputError, match=r"\.html"):
        write_report(record, tmp_path / "report.pdf")
    with pytest.raises(InvalidInputError, match="could not be written"):
        write_report(record, tmp_path / "no such folder" / "report.html")


OF_METHOD_1 = {
    "feasible": True, "threshold": 0.65, "coverage": 0.88, "n_accepted_labelled": 398,
    "n_wrong_accepted": 11, "risk": 0.02763819095477387, "risk_upper_bound": 0.05, "n_to_review": 60,
    "n_labelled": 450, "confidence": 0.95,
    "method": "fixed-sequence testing (Learn then Test), exact binomial test", "labels_still_needed": 0,
    "reason": None, "with_open_wrong": None, "best_guaranteed_risk": 0.03684775769844281,
    "basis": "all 500 answered rows", "n": 500, "n_open": 0,
    "notes": ["50 labelled rows repeat a prompt: one row of each prompt is used."],
}  # fmt: skip
"""What was recorded of the run of the next test, as it was computed when records named no version."""


def test_an_earlier_record_is_checked_by_its_own_method_with_todays_answer_beside(place: OpenStore) -> None:
    scores, labels = ranked_rows(500)
    run_id = make_decidable_run(place, scores, labels, prompts=[f"Question {n % 450}" for n in range(500)])
    old = threshold_record(place, run_id, Question(max_risk=0.05, method_version=1))
    # As it lies in stores that were written before methods had versions.
    question = old["request"]["question"]
    for name in ("method_version", "rows_are_requests"):
        del question[name]
    old["findings"][0]["figures"] = dict(OF_METHOD_1)
    check = check_again(place, save(place, old, decided_by="Ada", reason="Good enough."))
    assert check.changes == ()
    assert check.outcome == "same"
    today = threshold_record(place, run_id, Question(max_risk=0.05))
    assert today["answer"] == check.today
    assert today["findings"][0]["figures"]["n_labelled"] == 500
    newer = save(place, today, decided_by="Ada", reason="Asked anew.")
    assert check_again(place, newer).today is None
    # A second target and a chosen share were read from the band of that method.
    second = Question(max_risk=0.08, from_band=True, seed=3, method_version=1)
    share = Question(review_share=0.3, method_version=1)
    for asked, bound in ((second, 0.07223797796948364), (share, 0.037536299075532985)):
        read = threshold_record(place, run_id, asked)
        assert read["findings"][0]["figures"]["risk_upper_bound"] == pytest.approx(bound, abs=1e-12)


def test_figures_of_another_version_bring_nothing_down_that_still_follows(
    place: OpenStore, run_id: str
) -> None:
    record = threshold_record(place, run_id, QUESTION)
    record["findings"][1]["figures"]["auroc_ci"] = [0.1, 0.9]
    check = check_again(place, save(place, record, decided_by="Ada", reason="Good enough."))
    assert check.outcome == "holds" and "computed differently by now" in check.sentence
    assert check.changes
    record["findings"][0]["figures"]["threshold"] = 0.01
    check = check_again(place, save(place, record, decided_by="Ada", reason="A slip."))
    assert check.outcome == "changed"


def test_a_verdict_of_an_earlier_method_is_checked_by_it_with_today_s_beside(place: OpenStore) -> None:
    """Five pairs of 80 that one alone gets right: the interval excludes 0, p is .0625."""
    runs = two_models(place, (40, 0, 5, 35))
    record = comparison_record(place, CompareRequest(runs, method_version=1))
    assert record["findings"][0]["figures"]["verdict"] == "b_better"
    del record["request"]["method_version"]
    check = check_again(place, save(place, record, decided_by="Ada", reason="It is better."))
    assert check.outcome == "same" and check.today is not None
    assert "not distinguishable by accuracy" in check.today
    today = comparison_record(place, CompareRequest(runs))
    assert today["request"]["method_version"] == 2
    check = check_again(place, save(place, today, decided_by="Ada", reason="No difference."))
    assert (check.outcome, check.today) == ("same", None)
