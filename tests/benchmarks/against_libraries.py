"""Guaranteed thresholds beside MAPIE's: `python -m tests.benchmarks.against_libraries [--datasets 200]`.

Both promise the same ("Learn then Test"). On the same datasets stand: ours; MAPIE as it comes (its own
p-values, Holm's correction over the scores 0, .01, … .99); its five fixed starts on the same 50 thresholds,
with its own p-values; and its Holm and its five starts on our p-values. Printed are the shares of datasets
that are answered and in which the promise is broken. Its method "fixed_sequence" as it comes is left out of
the comparison of power: it takes its direction from the labels that it then tests.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from mapie.risk_control import (
    BinaryClassificationController,
    FWERFixedSequenceTesting,
    control_fwer,
    precision,
)

from tests.benchmarks.threshold_guarantee import CONFIDENCE, GOALS, NEAR, Setting, binormal, datasets, flat
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.threshold_grid import ThresholdGrid
from tlm_dash.analysis.thresholds import GuaranteedThreshold, guaranteed_threshold

Floats = npt.NDArray[np.float64]
STARTS = 5

SETTINGS = (
    Setting(flat(0.02), "census", 200), *(setting for setting, _ in GOALS),
    Setting(binormal(0.86), "census", 200), Setting(NEAR, "census", 500),
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A dataset that everybody is asked about, with our answer."""

    grid: ThresholdGrid
    sample: LabelledSample
    max_risk: float
    ours: GuaranteedThreshold


def of_ours(file: File) -> float | None:
    """Give our threshold."""
    at = file.ours.index
    return None if at is None else float(file.grid.thresholds[at])


def of_mapie(file: File) -> float | None:
    """Give the loosest threshold that MAPIE finds valid as it comes.

    Scores are spread evenly over [0, 1] for it: its thresholds lie there, one a hundredth.
    """
    ordered = np.sort(file.sample.scores)
    spread = np.searchsorted(ordered, file.sample.scores, side="right") / len(ordered)
    found = _controlled(file, np.linspace(0, 0.99, 100), "bonferroni_holm", spread)
    return None if found is None else float(file.sample.scores[spread >= found].min())


def of_mapie_starts(file: File) -> float | None:
    """Give the loosest threshold of MAPIE's five starts on our grid, with its own p-values."""
    starts = FWERFixedSequenceTesting(n_starts=STARTS)
    return _controlled(file, file.grid.thresholds, starts, file.sample.scores)


def of_its_holm(file: File) -> float | None:
    """Give the loosest threshold of MAPIE's Holm on our p-values."""
    return _loosest(file, "bonferroni_holm")


def of_its_starts(file: File) -> float | None:
    """Give the loosest threshold of MAPIE's five starts on our p-values, from strict to loose."""
    return _loosest(file, FWERFixedSequenceTesting(n_starts=STARTS))


WAYS: dict[str, Callable[[File], float | None]] = {
    "ours": of_ours, "MAPIE": of_mapie, "its 5 starts": of_mapie_starts, "Holm, our p": of_its_holm,
    "5 starts, our p": of_its_starts,
}  # fmt: skip


def _controlled(file: File, thresholds: Floats, method: object, scores: Floats) -> float | None:
    with warnings.catch_warnings():
        # It warns of every dataset without an answer, and of a direction that it takes from the labels.
        warnings.simplefilter("ignore")
        found = BinaryClassificationController(
            lambda x: np.column_stack((1 - x[:, 0], x[:, 0])), precision, target_level=1 - file.max_risk,
            confidence_level=CONFIDENCE, list_predict_params=thresholds, fwer_method=method,
        ).calibrate(scores[:, None], (~file.sample.wrong).astype(int))  # fmt: skip
    valid = np.asarray(found.valid_predict_params, dtype=float)
    return float(valid.min()) if len(valid) else None


def _loosest(file: File, method: object) -> float | None:
    valid = control_fwer(file.ours.p_row, 1 - CONFIDENCE, fwer_method=method)
    return float(file.grid.thresholds[int(valid.max())]) if len(valid) else None


def compared(setting: Setting, n_datasets: int) -> dict[str, tuple[float, float]]:
    """Give for each way how often it answers, and how often that breaks the promise."""
    true_risk, most = setting.population.true_risk(), setting.max_risk
    answered, broken = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0)
    for grid, sample in datasets(setting.population, setting.plan, setting.n_labels, n_datasets, seed=0):
        file = File(grid, sample, most, guaranteed_threshold(grid, sample, most, CONFIDENCE))
        for name, way in WAYS.items():
            threshold = way(file)
            if threshold is not None:
                answered[name] += 1
                broken[name] += true_risk(threshold) > most
    return {name: (answered[name] / n_datasets, broken[name] / n_datasets) for name in WAYS}


def main() -> int:
    """Print the table: answered, and broken in brackets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--datasets", type=int, default=200, help="datasets per setting (default: 200)")
    n_datasets = parser.parse_args().datasets
    print(f"{n_datasets:,} datasets per setting: answered (broken)")
    print(" " * 44 + "".join(f"{name:>18}" for name in WAYS))
    for setting in SETTINGS:
        found = compared(setting, n_datasets)
        told = "".join(f"{f'{share:.0%} ({broken:.1%})':>18}" for share, broken in found.values())
        print(f"{setting.name:<44}{told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
