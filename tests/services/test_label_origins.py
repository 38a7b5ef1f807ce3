"""Whose labels every figure stands on: people, a file, a matcher by name; over exactly the rows it uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.models import utc_now
from tlm_dash.services import label_matchers, record_files
from tlm_dash.services.compare import CompareRequest, compare
from tlm_dash.services.decide import Question, decide, threshold_facts
from tlm_dash.services.decision_records import save
from tlm_dash.services.label_import import import_labels
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.quality import quality_of
from tlm_dash.services.record_check import check_again
from tlm_dash.services.record_drafts import comparison_record, threshold_record
from tlm_dash.words.label_origins import LabelOrigins

N = 60
RISK = Question(max_risk=0.3)


def responses(n_wrong: int) -> list[str]:
    """Answers of which the first ones are not what the reference says."""
    return [f"no {n}" if n < n_wrong else f"yes {n}" for n in range(N)]


@pytest.fixture
def dataset_id(place: OpenStore) -> str:
    return make_dataset(place.store, N, [f"yes {n}" for n in range(N)])


def scored(place: OpenStore, dataset_id: str, n_wrong: int, name: str) -> str:
    """Store a run whose last row has no score."""
    scores = [None if n == N - 1 else n / N for n in range(N)]
    return make_run(place.store, dataset_id, responses(n_wrong), scores=scores, name=name)


def test_a_matcher_is_named_wherever_its_labels_count(place: OpenStore, dataset_id: str) -> None:
    runs = tuple(scored(place, dataset_id, wrong, name) for wrong, name in ((6, "old"), (12, "new")))
    for run_id in runs:
        label_matchers.apply(place, run_id, "exact", "Ada")
    said = "Right and wrong are told by the matcher “exact”, not by people."
    quality = quality_of(labelled_run(place, runs[0])).facts()
    assert (quality["label_sources"], quality["n_labelled"]) == ({"matcher": N}, N)
    assert said in quality["notes"]
    # The row without a score has no part in the threshold.
    threshold = threshold_facts(decide(place, runs[0], RISK))
    assert (threshold["label_sources"], threshold["n_labelled"]) == ({"matcher": N - 1}, N - 1)
    assert said in threshold["notes"]
    facts = compare(place, CompareRequest(runs)).facts()
    (pair,) = facts["pairs"]
    assert pair["label_sources"] == {"a": {"matcher": N}, "b": {"matcher": N}}
    assert facts["label_sources"] == {"matcher": 2 * N}
    assert pair["verdict_text"].endswith(f". {said}")
    for record in (threshold_record(place, runs[0], RISK), comparison_record(place, CompareRequest(runs))):
        assert record["answer"].endswith(f" {said}")
        page = record_files.as_html(record)
        assert said in page.replace("&#34;", '"') and "from a matcher" in page


def test_people_need_no_word_and_a_mixture_is_counted(place: OpenStore, dataset_id: str) -> None:
    run_id = scored(place, dataset_id, 6, "old")
    say(place, run_id, {n: "correct" if n > 6 else "incorrect" for n in range(1, N + 1)})
    quality = quality_of(labelled_run(place, run_id)).facts()
    assert quality["label_sources"] == {"people": N}
    assert not any("told by" in note for note in quality["notes"])
    assert "told by" not in threshold_record(place, run_id, RISK)["answer"]
    other = scored(place, dataset_id, 12, "new")
    label_matchers.apply(place, other, "exact", "Ada")
    # A label belongs to its response: only the answers that differ have none of people's.
    mixed = "people (54) and the matcher “exact” (6)"
    assert f"Right and wrong are told by {mixed}." in quality_of(labelled_run(place, other)).facts()["notes"]
    (pair,) = compare(place, CompareRequest((run_id, other))).facts()["pairs"]
    assert pair["label_sources"]["a"] == {"people": N}
    assert pair["label_sources"]["b"] == {"people": 54, "matcher": 6} and pair["n_labelled"] == N
    assert f"told by people in the baseline, by {mixed} in the candidate." in pair["verdict_text"]


def test_what_a_file_says_is_a_files_whoever_it_names(
    place: OpenStore, dataset_id: str, tmp_path: Path
) -> None:
    run_id = scored(place, dataset_id, 6, "old")
    lines = [f"{n},{int(n > 6)},Grace" for n in range(1, N + 1)]
    (tmp_path / "verdicts.csv").write_text("\n".join(["item_no,verdict,annotator", *lines]))
    import_labels(place, run_id, tmp_path / "verdicts.csv")
    facts = quality_of(labelled_run(place, run_id)).facts()
    assert facts["label_sources"] == {"file": N}
    assert "Right and wrong are told by the labels of a file." in facts["notes"]


def test_labels_of_the_dataset_s_other_matchers_are_named(place: OpenStore, dataset_id: str) -> None:
    labelled, other = (scored(place, dataset_id, 6, name) for name in ("old", "same answers"))
    label_matchers.apply(place, labelled, "exact", "Ada")
    assert labelled_run(place, other).matchers == ("exact",)
    label_matchers.apply(place, other, "contains", "Ada")
    assert labelled_run(place, other).matchers == ("contains",)
    label_matchers.take_back(place, other, "Ada")
    assert labelled_run(place, other).matchers == () and labelled_run(place, labelled).matchers == ("exact",)


def test_pairs_without_a_sample_count_the_labels_of_their_table(place: OpenStore, dataset_id: str) -> None:
    runs = tuple(scored(place, dataset_id, wrong, name) for wrong, name in ((6, "old"), (12, "new")))
    for run_id in runs:
        say(place, run_id, dict.fromkeys(range(1, 21), "correct"))
    (pair,) = compare(place, CompareRequest(runs)).facts()["pairs"]
    assert pair["n_labelled"] == 0 and pair["both"] == 20
    assert pair["label_sources"] == {"a": {"people": 20}, "b": {"people": 20}}


def test_an_older_record_counts_by_source_and_is_no_other_version(place: OpenStore, dataset_id: str) -> None:
    run_id = make_run(
        place.store, dataset_id, responses(6), scores=[n / N for n in range(N)],
        labels=[str(int(n >= 6)) for n in range(N)],
    )  # fmt: skip
    rows = [
        {"dataset_id": dataset_id, "label_column": "label", "spelling": spelling, "meaning": meaning,
         "created_at": utc_now()}
        for spelling, meaning in (("1", "correct"), ("0", "incorrect"))
    ]  # fmt: skip
    place.store.append({"label_spelling": rows}).result(30)
    record = threshold_record(place, run_id, RISK)
    for finding in record["findings"]:
        finding["figures"]["label_sources"] = {"column": N}
    old = save(place, record, decided_by="Ada", reason="Good enough.")
    assert check_again(place, old).outcome == "same"
    assert "Labels from a file" in record_files.as_html(record)
    for finding in record["findings"]:
        finding["figures"]["label_sources"] = {"person": N}
    check = check_again(place, save(place, record, decided_by="Ada", reason="Good."))
    assert check.outcome == "holds" and any("label sources" in name for name, _, _ in check.changes)


def test_words_of_several_matchers() -> None:
    assert LabelOrigins({"matcher": 9}, ("aliases", "exact")).by == (
        "by the matchers “aliases” and “exact”, not by people"
    )
    assert LabelOrigins({}).sentence is None
