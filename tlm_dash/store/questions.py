"""What was asked of the labels of runs: written once, read by every page and command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tlm_dash.store.database import Store
from tlm_dash.store.runs import COMMIT_TIMEOUT_S

_QUESTIONS = """
SELECT
    question_id, choice_id, position, dataset_id, run_id, basis, scorer, max_risk, review_budget,
    daily_volume, review_share, confidence, rows_are_requests, is_first, n_settings, n_labelled,
    item_ranges, open_ranges, asked_by, asked_at
FROM question
WHERE ($dataset_id IS NULL OR dataset_id = $dataset_id)
    AND ($question_id IS NULL OR question_id = $question_id)
ORDER BY asked_at, choice_id, position, question_id
"""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A target that was asked of a run; the columns of `question`.

    `item_ranges` are [first, last] item numbers of the sample's rows at that moment, `open_ranges` of those
    among them that had no usable label or no score.
    """

    question_id: str
    choice_id: str | None
    position: int
    dataset_id: str
    run_id: str
    basis: str
    scorer: str | None
    max_risk: float | None
    review_budget: float | None
    daily_volume: float | None
    review_share: float | None
    confidence: float
    rows_are_requests: bool
    is_first: bool
    n_settings: int
    n_labelled: int
    item_ranges: tuple[tuple[int, int], ...]
    open_ranges: tuple[tuple[int, int], ...]
    asked_by: str | None
    asked_at: datetime


def add_questions(store: Store, questions: Sequence[AskedQuestion]) -> None:
    """Keep what was asked, all or nothing, and wait until it is on disk."""
    store.append({"question": [asdict(question) for question in questions]}).result(COMMIT_TIMEOUT_S)


def questions_of(store: Store, dataset_id: str) -> tuple[AskedQuestion, ...]:
    """Give all that was asked of the runs over a dataset, oldest first."""
    rows = store.read_rows(_QUESTIONS, {"dataset_id": dataset_id, "question_id": None})
    return tuple(_question(row) for row in rows)


def find_question(store: Store, question_id: str) -> AskedQuestion | None:
    """Give what was asked; None where it is not here any more."""
    rows = store.read_rows(_QUESTIONS, {"dataset_id": None, "question_id": question_id})
    return _question(rows[0]) if rows else None


def _question(row: Mapping[str, Any]) -> AskedQuestion:
    ranges = {
        name: tuple((first, last) for first, last in json.loads(row[name]))
        for name in ("item_ranges", "open_ranges")
    }
    return AskedQuestion(**{**row, **ranges})
