"""Comparisons from real files: known tables, fields, verdicts, and bad input."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.services.compared import make_labelled_run, two_models, two_presets
from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.errors import InvalidInputError
from tlm_dash.services import label_sources, record_files
from tlm_dash.services.compare import QUALITY_FIGURES, CompareRequest, Comparison, compare
from tlm_dash.services.compare_effort import latency_reason
from tlm_dash.services.compare_pair import UNFAIR
from tlm_dash.services.compare_rows import counts_of, open_row, page_of, positions_of, response_difference
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.quality import quality_of
from tlm_dash.services.record_drafts import comparison_record
from tlm_dash.store.run_models import RunRecord

PAIR_FIELDS = {
    "a", "b", "pairing", "n_pairs", "n_excluded", "n_labelled", "same_scorer", "same_preset",
    "same_responses", "both", "only_a", "only_b", "neither", "accuracy_difference", "accuracy_difference_ci",
    "p_mcnemar", "auroc_difference", "auroc_difference_ci", "accuracy_at_review_share_difference",
    "kendall_tau", "kendall_tau_ci", "spearman", "overlap_lowest", "n_flips", "verdict", "verdict_metric",
    "verdict_text",
}  # fmt: skip
RUN_FIELDS = {
    "run_id", "name", "model", "quality_preset", "scorer_model", "n_labelled", "accuracy", "auroc",
    "auroc_ci", "prr", "accuracy_at_review_share", "latency_ms", "cost_per_1000",
}  # fmt: skip


def compared(place: OpenStore, *run_ids: str, **asked: object) -> Comparison:
    return compare(place, CompareRequest(tuple(run_ids), **asked))


def test_runs_without_scores_are_not_said_to_lack_a_class(place: OpenStore) -> None:
    pair = compared(place, *two_models(place, (20, 10, 5, 5))).pairs[0]
    assert pair.auroc_difference.reason == "no labelled pair has a score in both"


def test_the_table_and_the_fields(place: OpenStore) -> None:
    runs = two_models(place, (33, 2, 1, 13))
    facts = compared(place, *runs).facts()
    (pair,) = facts["pairs"]
    assert (pair["both"], pair["only_a"], pair["only_b"], pair["neither"]) == (33, 2, 1, 13)
    assert pair["p_mcnemar"] == 1.0
    assert pair["accuracy_difference"] == pytest.approx(-1 / 49)
    assert pair.keys() >= PAIR_FIELDS and all(run.keys() >= RUN_FIELDS for run in facts["runs"])
    assert (pair["verdict"], pair["verdict_metric"]) == ("not_distinguishable", "accuracy")
    assert facts["scores_comparable"] is False
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_figures_of_a_run_are_those_of_its_quality_with_the_same_reasons(place: OpenStore) -> None:
    few, many = two_presets(place, 60, n_wrong=9), two_presets(place, 200)
    for runs in (few, many):
        facts = compared(place, *runs).facts()
        for run_id, run in zip(runs, facts["runs"], strict=True):
            own = quality_of(labelled_run(place, run_id)).facts()
            assert [run[name] for name in QUALITY_FIGURES] == [own[name] for name in QUALITY_FIGURES]
            told = [note for note in own["notes"] if not note.startswith(("brier", "ece"))]
            assert {f"{run['name']}: {note}" for note in told} <= set(facts["notes"])
    facts = compared(place, *few).facts()
    for name in ("prr", "average_precision_incorrect"):
        assert facts["runs"][0][name] is not None and facts["runs"][0][f"{name}_ci"] is None
        reason = "an interval needs 10 right and 10 wrong rows"
        assert f"low: {name}_ci is not available: {reason}." in facts["notes"]


def test_presets_on_the_same_responses_are_compared_by_rank(place: OpenStore) -> None:
    runs = two_presets(place, 400)
    found = compared(place, *runs, margin=0.05)
    pair = found.pairs[0]
    assert pair.same_responses and pair.verdict.metric == "auroc"
    labels = pair.columns.labels.label_a
    expected = roc_auc_score(labels, pair.columns.score_b) - roc_auc_score(labels, pair.columns.score_a)
    assert pair.auroc_difference.value == pytest.approx(expected, abs=1e-9)
    assert pair.verdict.code == "b_not_inferior"
    assert pair.response_agreement == 1.0 and pair.ranks.kendall.low < pair.ranks.kendall.value
    assert "not worse by more than 5 points of AUROC" in found.sentence(0)
    # Each sends the same number to people, so as many change one way as the other.
    assert pair.ranks.n_flips is not None and pair.ranks.n_flips % 2 == 0
    assert "Accuracy" not in dict(pair.differences())


def test_reordered_rows_and_turned_runs_give_the_same_figures(place: OpenStore) -> None:
    first, second = two_presets(place, 120)
    one, turned = compared(place, first, second).pairs[0], compared(place, second, first).pairs[0]
    assert turned.auroc_difference.value == pytest.approx(-one.auroc_difference.value)
    assert turned.auroc_difference.low == pytest.approx(-one.auroc_difference.high, abs=1e-9)
    assert turned.ranks.kendall.value == pytest.approx(one.ranks.kendall.value)


def test_several_candidates_have_wider_intervals(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 60)
    draw = np.random.default_rng(0)
    runs = [
        make_labelled_run(place, dataset_id, draw.integers(0, 2, 60).tolist(), name=f"run {n}")
        for n in range(3)
    ]
    both, alone = compared(place, *runs), compared(place, runs[0], runs[1])
    assert both.request.pair_confidence == pytest.approx(0.975)
    wide, narrow = both.pairs[0].right.difference, alone.pairs[0].right.difference
    assert wide.low < narrow.low and wide.high > narrow.high


def test_repeated_prompts_give_way_to_the_test_over_prompts(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, [f"p{n % 20}" for n in range(60)])
    draw = np.random.default_rng(1)
    runs = [
        make_labelled_run(place, dataset_id, draw.integers(0, 2, 60).tolist(), name=name) for name in "ab"
    ]
    facts = compared(place, *runs).facts()["pairs"][0]
    assert facts["p_mcnemar"] is None and 0 < facts["p_sign_flip"] <= 1
    assert any("prompts repeat" in note for note in facts["notes"])


def test_labels_that_were_chosen_feed_no_estimate(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 50)
    runs = [make_run(place.store, dataset_id, [f"{n}" for n in range(50)], name=name) for name in "ab"]
    say(place, runs[0], {item: "correct" if item % 3 else "incorrect" for item in range(1, 41)})
    pair = compared(place, *runs).pairs[0]
    assert pair.right.table.n == 40 and pair.columns.labels.n_used == 0
    assert pair.right.difference.value is None and pair.right.p_mcnemar is None
    assert pair.verdict.code == "too_few_labels"
    assert "too few labels that may feed an estimate: the labels of the baseline are no" in pair.verdict.text
    assert any("speaks for its labelled rows alone" in note for note in pair.notes)


@pytest.mark.parametrize(
    ("case", "code", "said"),
    [
        ("no labels", "too_few_labels", "0 labelled rows"),
        ("three labels", "too_few_labels", "3 labelled rows"),
        ("no prompt in common", "not_comparable", "no prompt in common"),
        ("nothing answered by both", "not_comparable", "no prompt was answered by both"),
    ],
)
def test_what_cannot_be_told_says_why(place: OpenStore, case: str, code: str, said: str) -> None:
    first = make_dataset(place.store, 10)
    second = make_dataset(place.store, ["x", "y"]) if case == "no prompt in common" else first
    labels: list[int | None] = [None] * 10
    if case == "three labels":
        labels = [1, 0, 1]
    a = [None] * 3 if case.startswith("nothing") else [f"a{n}" for n in range(len(labels))]
    n_b = 2 if second != first else len(labels)
    runs = (
        make_labelled_run(place, first, labels[: len(a)], name="a", responses=a),
        make_labelled_run(place, second, labels[:n_b], name="b", responses=[f"b{n}" for n in range(n_b)]),
    )
    found = compared(place, *runs)
    assert found.pairs[0].verdict.code == code
    assert said in found.sentence(0)
    json.dumps(found.facts(), allow_nan=False)


def test_runs_that_share_61_of_250_prompts(place: OpenStore) -> None:
    first = make_dataset(place.store, [f"shared {n}" for n in range(61)] + [f"mine {n}" for n in range(189)])
    second = make_dataset(
        place.store, [f"yours {n}" for n in range(189)] + [f"shared {n}" for n in range(61)]
    )
    labels = [int(n % 4 > 0) for n in range(250)]
    runs = [make_labelled_run(place, d, labels, name=n) for d, n in ((first, "a"), (second, "b"))]
    pair = compared(place, *runs).pairs[0]
    assert (pair.pairing.n, pair.right.table.n) == (61, 61)
    assert pair.pairing.n_excluded == {"only_in_a": 189, "only_in_b": 189}


def test_one_class_ties_and_missing_scores(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 40)
    responses = [f"r{n}" for n in range(40)]
    tied = make_labelled_run(place, dataset_id, [1] * 40, name="tied", scores=[0.5] * 40, responses=responses)
    gaps = make_labelled_run(
        place, dataset_id, [1] * 40, name="gaps", responses=responses,
        scores=[None if n < 5 else n / 40 for n in range(40)],
    )  # fmt: skip
    pair = compared(place, tied, gaps).pairs[0]
    assert pair.auroc_difference.value is None and pair.verdict.code == "too_few_labels"
    assert pair.auroc_difference.reason == "only one of the two classes is present"
    assert pair.ranks.n_scored == 35 and pair.ranks.kendall.value is None
    assert pair.ranks.overlap_lowest[1] is not None
    json.dumps(compared(place, tied, gaps).facts(), allow_nan=False)


def test_auroc_on_different_responses_of_unknown_scorers_is_not_compared(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 60)
    draw = np.random.default_rng(2)
    labels = draw.integers(0, 2, 60).tolist()
    scores = draw.random(60).tolist()
    runs = [make_labelled_run(place, dataset_id, labels, name=n, scores=scores) for n in "ab"]
    pair = compared(place, *runs, metric="auroc").pairs[0]
    assert pair.verdict.code == "not_comparable" and "scorer or preset differ" in pair.verdict.text
    assert compared(place, *runs).pairs[0].verdict.metric == "accuracy"
    # No number stands beside that word, whichever metric the verdict is about.
    for metric in ("auroc", None):
        found = compared(place, *runs, metric=metric)
        facts = found.facts()["pairs"][0]
        for name in ("auroc_difference", "prr_difference"):
            assert (facts[name], facts[f"{name}_ci"]) == (None, None)
            assert f"{name} is not available: not comparable, since {UNFAIR}." in facts["notes"]
        assert not {"AUROC", "PRR"} & {words for words, _ in found.pairs[0].differences()}
        assert facts["accuracy_difference"] == 0.0
        record = comparison_record(place, found.request)
        assert not any("AUROC" in row["name"] for row in record["charts"]["differences"])


def test_better_needs_the_exact_test_at_the_level_of_the_pair(place: OpenStore) -> None:
    """Five pairs that b alone gets right, of 80: Tango's interval excludes 0, McNemar's p is .0625."""
    runs = two_models(place, (40, 0, 5, 35))
    found = compared(place, *runs)
    (pair,) = found.facts()["pairs"]
    assert pair["p_mcnemar"] == 0.0625 and pair["p_level"] == 0.05
    assert pair["accuracy_difference_ci"][0] > 0
    assert pair["verdict"] == "not_distinguishable"
    said = "which excludes 0, the exact test does not (p = 0.0625, held against 0.05)"
    assert said in pair["verdict_text"] and "better" not in pair["verdict_text"]
    assert compared(place, *runs[::-1]).pairs[0].verdict.code == "not_distinguishable"
    record = comparison_record(place, found.request)
    assert said in record["answer"] and said in record_files.as_html(record)
    # With eight such pairs p is .0078: enough for one candidate, not for each of ten.
    more = two_models(place, (40, 0, 8, 32))
    assert compared(place, *more).pairs[0].verdict.code == "b_better"
    ((dataset_id,),) = place.store.read("SELECT dataset_id FROM run WHERE run_id = ?", [more[0]])
    others = [make_labelled_run(place, dataset_id, [1] * 40 + [0] * 40, name=f"same {n}") for n in range(9)]
    many = compared(place, *more, *others).pairs[0]
    assert many.right.difference.low > 0 and many.right.level == pytest.approx(0.005)
    assert many.verdict.code == "not_distinguishable" and "held against 0.005" in many.verdict.text


def test_where_prompts_repeat_the_test_over_prompts_must_agree(place: OpenStore) -> None:
    """Forty prompts asked twice; b alone is right on five of them: p is .0625, whatever the rows say."""
    dataset_id = make_dataset(place.store, [f"What is {n // 2}?" for n in range(80)])
    a = [int(n < 60) for n in range(80)]
    b = [int(n < 70) for n in range(80)]
    runs = [make_labelled_run(place, dataset_id, labels, name=name) for name, labels in (("a", a), ("b", b))]
    pair = compared(place, *runs).pairs[0]
    assert pair.right.p_mcnemar is None and pair.right.p_sign_flip == pytest.approx(0.0625, abs=0.01)
    assert pair.right.difference.low > 0 and pair.verdict.code == "not_distinguishable"
    assert "the test over prompts does not (p = 0.06" in pair.verdict.text


def test_requests_that_make_no_sense_are_refused() -> None:
    for broken in (
        {"run_ids": ("a",)}, {"run_ids": ("a", "a")}, {"run_ids": ("a", "b"), "confidence": 1.0},
        {"run_ids": ("a", "b"), "margin": -0.1}, {"run_ids": ("a", "b", "b")},
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            CompareRequest(**broken)


def test_a_new_label_is_seen_at_once(place: OpenStore) -> None:
    runs = two_models(place, (20, 5, 5, 10))
    before = compared(place, *runs)
    assert compared(place, *runs) is before
    say(place, runs[1], {1: "incorrect"})
    after = compared(place, *runs)
    assert (after.pairs[0].right.table.both, after.pairs[0].right.table.only_a) == (19, 6)


def test_rows_of_each_kind_and_one_in_whole(place: OpenStore) -> None:
    runs = two_models(place, (6, 3, 2, 4))
    found = compared(place, *runs)
    pair, a, b = found.pairs[0], found.runs[0].run, found.runs[1].run
    counts = counts_of(pair)
    assert (counts["all"], counts["differ"], counts["only_a"], counts["only_b"]) == (15, 15, 3, 2)
    rows = page_of(place, pair, a, b, positions_of(pair, "only_b"))
    assert [(row.item_a, row.label_a, row.label_b) for row in rows] == [(10, 0, 1), (11, 0, 1)]
    row = open_row(place, pair, a, b, 10)
    assert row is not None and row.prompt == "What is 9 + 9?"
    assert ("only_a", "first") in response_difference(row)
    assert open_row(place, pair, a, b, 99) is None


def test_moves_come_with_the_biggest_first(place: OpenStore) -> None:
    runs = two_presets(place, 60)
    found = compared(place, *runs)
    rows = page_of(
        place, found.pairs[0], found.runs[0].run, found.runs[1].run, positions_of(found.pairs[0], "moves")
    )
    sizes = [abs(row.moved) for row in rows if row.moved is not None]
    assert sizes == sorted(sizes, reverse=True) and not math.isclose(sizes[0], 0)


def record(**changed: object) -> RunRecord:
    fields = dict.fromkeys(RunRecord.__dataclass_fields__)
    return RunRecord(**(fields | {"endpoint": "e", "operational": {}, "grid_id": "g"} | changed))


def test_times_are_compared_only_under_the_same_conditions() -> None:
    assert latency_reason(record(), record()) is None
    assert "came with a file" in str(latency_reason(record(grid_id=None), record()))
    eight, many = ({"max_in_flight": n} for n in (8, 64))
    apart = latency_reason(record(operational=eight), record(grid_id="h", operational=many))
    assert apart == "8 in flight against 64"
    spans = {"started_at": 1, "finished_at": 5}
    together = latency_reason(
        record(operational=eight, **spans),
        record(grid_id="h", operational=eight, started_at=3, finished_at=7),
    )
    assert together is None
    brushed = record(grid_id="h", operational=eight, started_at=4, finished_at=9)
    assert latency_reason(record(operational=eight, **spans), brushed) == "they ran at different times"
    inside = record(grid_id="h", operational=eight, started_at=4, finished_at=5)
    assert latency_reason(record(operational=eight, **spans), inside) == "they ran at different times"
    only_scored = record(grid_id="h", answered_by="given", operational=eight, **spans)
    answered = record(answered_by="endpoint", operational=eight, **spans)
    assert "only scored" in str(latency_reason(answered, only_scored))
    later = record(grid_id="h", operational=eight, started_at=6, finished_at=9)
    assert latency_reason(record(operational=eight, **spans), later) == "they ran at different times"


def test_the_list_of_rows_counts_what_the_table_counts(place: OpenStore) -> None:
    """Labels outside the sample are in no table, so they are in no list that has the same name either."""
    dataset_id = make_dataset(place.store, 60)
    runs = []
    for name, wrong in (("a", 12), ("b", 6)):
        labels = [None if n >= 30 else int(n >= wrong) for n in range(60)]
        run_id = make_labelled_run(place, dataset_id, labels, name=name)
        label_sources.state_uniform(place, run_id, "column", is_uniform=True, decided_by="Ada")
        say(place, run_id, dict.fromkeys(range(41, 51), "incorrect" if name == "a" else "correct"))
        runs.append(run_id)
    pair = compared(place, *runs).pairs[0]
    counts, table = counts_of(pair), pair.right.table
    assert (table.n, table.only_b, table.neither) == (30, 6, 6) and pair.columns.labels.n_left_out == 10
    assert (counts["only_a"], counts["only_b"], counts["both_wrong"]) == (0, 6, 6)
