"""Quality figures of a run: which intervals are given, and the reason where one is not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.services.deciding import make_decidable_run
from tlm_dash.services.labelled import labelled_run
from tlm_dash.services.place import OpenStore
from tlm_dash.services.quality import Quality, quality_of

TOO_FEW = "an interval needs 10 right and 10 wrong rows"
LESS_OFTEN = "somewhat less often than stated"


def quality(place: OpenStore, n_right: int, n_wrong: int) -> Quality:
    """Give the figures of a run of so many right and wrong rows, whose scores overlap."""
    scores = [*np.linspace(0.3, 0.98, n_right), *np.linspace(0.02, 0.7, n_wrong)]
    return quality_of(
        labelled_run(place, make_decidable_run(place, scores, ["1"] * n_right + ["0"] * n_wrong))
    )


@pytest.mark.parametrize(("n_right", "n_wrong"), [(90, 9), (9, 90)])
def test_few_rows_of_a_class_give_no_resampled_interval(place: OpenStore, n_right: int, n_wrong: int) -> None:
    found = quality(place, n_right, n_wrong)
    for figure in (found.prr, found.average_precision_incorrect):
        assert figure.value is not None
        assert (figure.interval, figure.standard_error, figure.reason) == (None, None, TOO_FEW)
    facts = found.facts()
    assert (facts["prr_ci"], facts["average_precision_incorrect_ci"]) == (None, None)
    for name in ("prr", "average_precision_incorrect"):
        assert f"{name}_ci is not available: {TOO_FEW}." in facts["notes"]
    assert not any(LESS_OFTEN in note for note in facts["notes"])


@pytest.mark.parametrize(
    ("n_right", "n_wrong", "n_notes"), [(90, 10, 1), (10, 90, 1), (90, 49, 1), (90, 50, 0), (50, 90, 0)]
)
def test_intervals_that_hold_less_than_stated_say_so(
    place: OpenStore, n_right: int, n_wrong: int, n_notes: int
) -> None:
    found = quality(place, n_right, n_wrong)
    assert found.prr.interval is not None and found.average_precision_incorrect.interval is not None
    told = [note for note in found.facts()["notes"] if LESS_OFTEN in note]
    assert len(told) == n_notes
    assert all(note.endswith(f"here {min(n_right, n_wrong)}.") for note in told)


def test_no_figure_or_interval_is_missing_without_a_reason(place: OpenStore) -> None:
    runs: list[tuple[list[float | None], list[str]]] = [
        ([0.1, 0.2, 0.8, 0.9], ["1"] * 4), ([0.1, 0.9], ["0", "1"]), ([None, None], ["1", "0"]),
        ([0.1, 0.2, 0.8, 0.9] * 10, ["0", "1", "1", "1"] * 10),
    ]  # fmt: skip
    for number, (scores, labels) in enumerate(runs):
        run_id = make_decidable_run(place, scores, labels, name=f"run {number}")
        facts = quality_of(labelled_run(place, run_id)).facts()
        reasons = [note.split(" is not available: ")[0] for note in facts["notes"] if "not available" in note]
        missing = []
        for name, value in facts.items():
            figure = facts[name.removesuffix("_ci")]
            by_share = name.startswith("accuracy_at")
            for share in value if by_share else [""]:
                one, base = (value[share], figure[share]) if by_share else (value, figure)
                # An interval is not missed where its figure already is.
                if one is None and (base is not None or not name.endswith("_ci")):
                    missing.append(f"{name} {share}".strip())
        assert sorted(reasons) == sorted(missing)
        assert not any("None" in note for note in facts["notes"])


@pytest.mark.parametrize(
    ("n_right", "n_wrong", "kind"), [(90, 3, "3 scored rows are wrong"), (49, 80, "49 scored rows are right")]
)
def test_an_auroc_with_few_of_a_class_carries_its_caveat(
    place: OpenStore, n_right: int, n_wrong: int, kind: str
) -> None:
    found = quality(place, n_right, n_wrong)
    assert found.auroc.low is not None
    (told,) = [note for note in found.facts()["notes"] if "interval of AUROC is approximate" in note]
    assert kind in told
    many = quality(place, 60, 50).facts()
    assert not any("approximate" in note for note in many["notes"])
    few = quality(place, 90, 2)
    assert (few.auroc.value is None, few.auroc.low, few.facts()["auroc_ci"]) == (False, None, None)
    assert "auroc_ci is not available: an interval needs 3 right and 3 wrong rows." in few.facts()["notes"]


def test_all_right_has_an_exact_interval_of_what_passes_and_calibration_its_n(place: OpenStore) -> None:
    run_id = make_decidable_run(place, np.linspace(0.3, 0.98, 100).tolist(), ["1"] * 100)
    facts = quality_of(labelled_run(place, run_id)).facts()
    for share, ends in facts["accuracy_at_review_share_ci"].items():
        assert ends == pytest.approx([0.025 ** (1 / (100 - 100 * float(share))), 1.0], abs=1e-9)
    assert facts["n_scored_labelled"] == 100
    assert any("ece stands on 100 rows" in note and "biased upward" in note for note in facts["notes"])
