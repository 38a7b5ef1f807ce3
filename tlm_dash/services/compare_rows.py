"""The pairs of a comparison row by row: what to look at, in which order, one page with its texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.word_difference import Kind, word_difference
from tlm_dash.services.compare_pair import ComparedPair
from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.place import Place
from tlm_dash.store import rows as stored
from tlm_dash.store.rows import RowSummary

RowsWanted = Literal["all", "differ", "only_a", "only_b", "both_wrong", "flips", "moves"]
ROWS_WANTED = get_args(RowsWanted)
ROWS_A_PAGE = 50
WHOLE_TEXT = 1 << 30
MOST_WORDS = 3_000

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AlignedRow:
    """A pair: labels 1, 0 or None, scores or None, and where its score stands among those of its run.

    Ranks are shares of the pairs that score lower (ties half), None without a score; `moved` is b − a.
    """

    item_a: int
    item_b: int
    prompt: str
    response_a: str
    response_b: str
    same_response: bool
    score_a: float | None
    score_b: float | None
    rank_a: float | None
    rank_b: float | None
    label_a: int | None
    label_b: int | None

    @property
    def moved(self) -> float | None:
        """Give how far it moved up in the order of scores."""
        return None if self.rank_a is None or self.rank_b is None else self.rank_b - self.rank_a


def counts_of(pair: ComparedPair) -> dict[RowsWanted, int]:
    """Count the pairs of each choice."""
    return {wanted: len(positions_of(pair, wanted)) for wanted in ROWS_WANTED}


def positions_of(pair: ComparedPair, wanted: RowsWanted) -> Positions:
    """Give the pairs of a choice, in the order of the baseline; by the size of the move for moves."""
    columns = pair.columns
    # Of the same pairs as the table of right and wrong: a number that stands in both must be one.
    labels = columns.labels
    label_a, label_b = (np.where(columns.told, label, np.nan) for label in (labels.label_a, labels.label_b))
    if wanted == "moves":
        moves = np.abs(_ranks(columns.score_b, columns.scored) - _ranks(columns.score_a, columns.scored))
        order = np.argsort(-moves, kind="stable")
        return order[: int((moves > 0).sum())]
    chosen = {
        "all": np.ones(pair.pairing.n, dtype=bool),
        "differ": ~columns.same_response,
        "only_a": (label_a == 1) & (label_b == 0),
        "only_b": (label_a == 0) & (label_b == 1),
        "both_wrong": (label_a == 0) & (label_b == 0),
        "flips": columns.passes_a != columns.passes_b,
    }[wanted]
    return np.flatnonzero(chosen)


def page_of(
    place: Place, pair: ComparedPair, a: LabelledRun, b: LabelledRun, positions: Positions,
    *, characters: int = 300,
) -> list[AlignedRow]:  # fmt: skip
    """Read some pairs with their texts, cut after so many characters; one that was cut ends in …."""
    columns = pair.columns
    items_a = a.item_no[pair.pairing.a[positions]].tolist()
    items_b = b.item_no[pair.pairing.b[positions]].tolist()
    texts_a = _texts(place, pair.a.run_id, items_a, characters)
    texts_b = _texts(place, pair.b.run_id, items_b, characters)
    ranks_a, ranks_b = (_ranks(score, columns.scored) for score in (columns.score_a, columns.score_b))
    rows = []
    for at, item_a, item_b in zip(positions.tolist(), items_a, items_b, strict=True):
        if item_a not in texts_a or item_b not in texts_b:
            continue
        one, other = texts_a[item_a], texts_b[item_b]
        rows.append(
            AlignedRow(
                item_a, item_b, one.prompt, one.response or "", other.response or "",
                bool(columns.same_response[at]), _known(columns.score_a[at]), _known(columns.score_b[at]),
                _known(ranks_a[at]), _known(ranks_b[at]), _label(columns.labels.label_a[at]),
                _label(columns.labels.label_b[at]),
            )
        )  # fmt: skip
    return rows


def open_row(
    place: Place, pair: ComparedPair, a: LabelledRun, b: LabelledRun, item_no: int
) -> AlignedRow | None:
    """Read the pair of an item of the baseline in whole; None where it is in no pair."""
    found = np.flatnonzero(a.item_no[pair.pairing.a] == item_no)
    if not len(found):
        return None
    rows = page_of(place, pair, a, b, found[:1], characters=WHOLE_TEXT)
    return rows[0] if rows else None


def response_difference(row: AlignedRow) -> list[tuple[Kind, str]]:
    """Give what differs between both responses, word by word."""
    return word_difference(row.response_a, row.response_b, MOST_WORDS)


def _texts(place: Place, run_id: str, item_nos: list[int], characters: int) -> dict[int, RowSummary]:
    scope = stored.scope_of(place.store, run_id)
    if scope is None:
        return {}
    found = stored.texts(place.store, scope, item_nos, characters=characters)
    return {row.item_no: row for row in found}


def _ranks(scores: npt.NDArray[np.float64], scored: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Give the share of the scored pairs that score lower, ties half; NaN without both scores."""
    ranks = np.full(len(scores), np.nan)
    if scored.any():
        _, group, counts = np.unique(scores[scored], return_inverse=True, return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / int(scored.sum())
        ranks[scored] = middle[group]
    return ranks


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _label(value: float) -> int | None:
    return None if np.isnan(value) else int(value)
