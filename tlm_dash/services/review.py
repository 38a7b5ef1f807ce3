"""Looking at the rows of a run: how its scores lie, which rows a filter finds, one row in whole.

What was found is remembered for as long as it cannot have changed: a run that is not under way changes only
with an event, and labels are noticed by the tables that they stand in.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from tlm_dash.analysis.word_difference import Kind, word_difference
from tlm_dash.errors import NotFoundError
from tlm_dash.services.place import Place
from tlm_dash.services.run_view import RunView, view_of
from tlm_dash.services.runs import UNDER_WAY
from tlm_dash.store import distribution as figures
from tlm_dash.store import row_choices, row_details, rows
from tlm_dash.store.labels import SOURCES
from tlm_dash.store.row_choices import RowChoices
from tlm_dash.store.row_details import OtherResponse, RowDetail, Try
from tlm_dash.store.row_filters import LABELS, STATUSES, RowFilter, RowScope, TextIn
from tlm_dash.store.rows import LINEAR, LOGIT, Bins, RowLook, RowSummary, Sort
from tlm_dash.store.runs import find_run, records
from tlm_dash.store.score_figures import HIGH, QUANTILES, Distribution

__all__ = [
    "BINS", "HIGH", "LABELS", "QUANTILES", "ROWS_A_PAGE", "SOURCES", "STATUSES", "Axis", "Bins", "Choices",
    "Distribution", "OtherResponse", "RowDetail", "RowFilter", "RowLook", "RowSummary", "Sort", "TextIn",
    "Try", "choices", "chosen", "detail", "difference", "distribution_of", "find", "forget", "found",
    "neighbours", "page", "tag_values",
]  # fmt: skip

Axis = Literal["linear", "logit"]
BINS: dict[Axis, Bins] = {"linear": LINEAR, "logit": LOGIT}
ROWS_A_PAGE = 100
MOST_WORDS = 2_000
"""Words of a text that are compared: work grows with the product of two lengths."""

_MOST_REMEMBERED = 256
_LABEL_TABLES = ("annotation", "label_spelling", "label_precedence", "matcher_application", "person_counted")

Result = TypeVar("Result")

_remembered: OrderedDict[Hashable, object] = OrderedDict()
_remembering = threading.Lock()


@dataclass(frozen=True, slots=True)
class Choices:
    """What a run can be filtered by, and who has labelled its dataset."""

    rows: RowChoices
    annotators: tuple[str, ...]


def find(place: Place, run: str) -> RunView:
    """Give one run, by id, unique prefix of one, or name. Raises NotFoundError, InvalidInputError."""
    return view_of(place, find_run(place.store, run))


def chosen(place: Place, run_ids: Sequence[str]) -> tuple[list[RunView], list[str]]:
    """Give the runs that an address names, in its order, and those ids that are no run (any more)."""
    known = {record.run_id: record for record in records(place.store, run_ids)}
    there = [view_of(place, known[run_id]) for run_id in run_ids if run_id in known]
    return there, [run_id for run_id in run_ids if run_id not in known]


def distribution_of(place: Place, view: RunView) -> Distribution:
    """Measure all scores of a run."""
    scope = _scope(place, view)
    return _once(place, view, ("distribution",), lambda: figures.distribution(place.store, scope))


def found(
    place: Place, view: RunView, wanted: RowFilter, *, sort: Sort = "score", page: int = 1,
    axis: Axis = "linear",
) -> RowLook:  # fmt: skip
    """Find the rows of a filter: their histogram, number and one page of ROWS_A_PAGE. Pages count from 1.

    Raises InvalidInputError for a regular expression that cannot be read.
    """
    scope = _scope(place, view)
    labels = _label_version(place) if wanted.needs_labels else ()
    return _once(
        place, view, ("found", wanted, sort, page, axis, labels),
        lambda: rows.look(
            place.store, scope, wanted, sort=sort, limit=ROWS_A_PAGE, offset=(page - 1) * ROWS_A_PAGE,
            bins=BINS[axis],
        ),
    )  # fmt: skip


def page(place: Place, view: RunView, item_nos: Sequence[int]) -> list[RowSummary]:
    """Read the rows of a page for a table: cut texts, and labels as they are now."""
    return rows.texts(place.store, _scope(place, view), item_nos)


def neighbours(
    place: Place, view: RunView, wanted: RowFilter, item_no: int, *, sort: Sort, page: int, axis: Axis
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Give (page, item_no) of the rows before and after one of a page; None at either end, or elsewhere."""
    here = found(place, view, wanted, sort=sort, page=page, axis=axis)
    if item_no not in here.item_nos:
        return None, None
    at = here.item_nos.index(item_no)
    before = (page, here.item_nos[at - 1]) if at else None
    after = (page, here.item_nos[at + 1]) if at + 1 < len(here.item_nos) else None
    if not at and page > 1:
        earlier = found(place, view, wanted, sort=sort, page=page - 1, axis=axis)
        before = (page - 1, earlier.item_nos[-1]) if earlier.item_nos else None
    if after is None and page * ROWS_A_PAGE < here.n_rows:
        later = found(place, view, wanted, sort=sort, page=page + 1, axis=axis)
        after = (page + 1, later.item_nos[0]) if later.item_nos else None
    return before, after


def detail(place: Place, view: RunView, item_no: int) -> RowDetail:
    """Read one row in whole. Raises NotFoundError where the run does not take this item."""
    row = row_details.row_detail(place.store, _scope(place, view), item_no)
    if row is None:
        raise NotFoundError(f"The run has no row {item_no:,}.", hint="Open one of the rows in the table.")
    return row


def difference(a: str, b: str) -> list[tuple[Kind, str]]:
    """Compare two responses word by word, as far as their first MOST_WORDS words."""
    return word_difference(a, b, MOST_WORDS)


def choices(place: Place, view: RunView) -> Choices:
    """Look up what the rows of a run can be filtered by."""
    scope = _scope(place, view)
    n_responses = _n_responses(place, view)
    there = _once(place, view, ("choices", n_responses), lambda: row_choices.row_choices(place.store, scope))
    return Choices(there, row_choices.annotators(place.store, scope.dataset_id))


def tag_values(place: Place, view: RunView, name: str) -> dict[str, int]:
    """Give the most frequent values of a tag, with their counts over the dataset."""
    dataset_id = view.record.dataset_id
    return _once(place, view, ("tag", name), lambda: row_choices.tag_values(place.store, dataset_id, name))


def forget() -> None:
    """Forget what was found: for measuring what finding it takes."""
    with _remembering:
        _remembered.clear()


def _scope(place: Place, view: RunView) -> RowScope:
    run_id = view.record.run_id
    # Another run over the same dataset may add responses to its items.
    n_responses = _n_responses(place, view)
    scope = _once(place, view, ("scope", n_responses), lambda: rows.scope_of(place.store, run_id))
    if scope is None:
        raise NotFoundError("The run is no longer there.", hint="Choose another one.")
    return scope


def _n_responses(place: Place, view: RunView) -> int:
    ((n,),) = place.store.read(
        "SELECT count(*) FROM completion WHERE dataset_id = ?", [view.record.dataset_id]
    )
    return int(n)


def _label_version(place: Place) -> tuple[object, ...]:
    counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in _LABEL_TABLES)  # noqa: S608 - fixed names
    return place.store.read(f"SELECT {counted}")[0]  # noqa: S608 - fixed names


def _once(place: Place, view: RunView, what: tuple[Hashable, ...], work: Callable[[], Result]) -> Result:
    """Do some work once for a run as it is, and every time while the run is under way."""
    if view.live is not None or view.record.status in UNDER_WAY:
        return work()
    key = (str(place.store.path), view.record.run_id, view.record.event_no, *what)
    with _remembering:
        if key in _remembered:
            _remembered.move_to_end(key)
            return cast(Result, _remembered[key])
    result = work()
    with _remembering:
        _remembered[key] = result
        while len(_remembered) > _MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return result
