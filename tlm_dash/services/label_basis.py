"""Which labels of a run are a sample that estimates may stand on, and what weight each row has in it.

Labels chosen by score speak for their own rows alone. A sample is: every answered row (a census); the
finished part of a uniform or stratified plan, whose order is random; or the labels of a source of which a
person said that they are a uniform sample. Weights are those of Horvitz and Thompson (1952): one over the
chance of being in the sample that was really visited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tlm_dash.errors import NotFoundError
from tlm_dash.services.place import Place
from tlm_dash.store import labelled as stored
from tlm_dash.store.labelled import Plan, Position
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.numbers import percent

BasisKind = Literal["census", "uniform", "stratified", "none"]

LEAST_COVERED = 0.99
"""A plan speaks for a run when it could have taken at least this share of the run's answered rows."""

STATED_SOURCES = ("imported", "column", "matcher")
SOURCE_WORDS = {"imported": "imported verdicts", "column": "the label column", "matcher": "the matcher"}
HOW_DRAWN = {
    "uniform": "drawn uniformly at random",
    "stratified": "drawn at random within strata of the score",
}

NO_LABELS = "No row of this run has a label yet."
NO_SAMPLE = (
    "These labels are no sample of the run: label a uniform or stratified plan to its end or in part, or say "
    "under Labels that they were chosen at random."
)


@dataclass(frozen=True, eq=False)
class SamplingBasis:
    """A sample of a run's rows; every array has the shape (n_rows,).

    `in_sample` rows were drawn; `weight` is one over their chance of it, NaN for the others; `is_open` rows
    were drawn but have no usable label (unsure, skipped, disagreement). `sentence` says it in words, `reason`
    why there is no sample; None where there is one. `name` is what `labelled_run` takes as `basis`.
    """

    kind: BasisKind
    plan_id: str | None
    in_sample: npt.NDArray[np.bool_]
    weight: npt.NDArray[np.float64]
    is_open: npt.NDArray[np.bool_]
    sentence: str
    reason: str | None
    name: str = "census"

    @property
    def n_labelled(self) -> int:
        """Rows of the sample with a usable label."""
        return int((self.in_sample & ~self.is_open).sum())


def candidates(
    place: Place,
    record: RunRecord,
    columns: Any,  # noqa: ANN401 - an Arrow table
    fields: Mapping[str, Any],
) -> tuple[SamplingBasis, ...]:
    """Give all samples of a run, those that cannot be used with the reason and no rows."""
    rows = _Rows(columns, fields)
    found = [_census(rows)]
    for plan in stored.plans_of(place.store, record.dataset_id):
        found.append(_of_plan(place, record, plan, rows))
    stated = stored.statements(place.store, record.run_id)
    for source in STATED_SOURCES:
        if source in stated and stated[source].is_uniform:
            found.append(
                _of_source(source, stated[source].decided_by, rows, _spoken_at(place, record, source))
            )
    return tuple(found)


def chosen(found: Sequence[SamplingBasis], name: str | None) -> SamplingBasis:
    """Choose the sample that is named, else the one with most labelled rows; kind "none" where none fits.

    Raises NotFoundError for a name that no sample of the run has.
    """
    named = [basis for basis in found if name is None or basis.name == name]
    if not named:
        raise NotFoundError(
            f"This run has no sample called {name!r}.",
            hint=f"It has: {', '.join(basis.name for basis in found)}.",
        )
    usable = [basis for basis in named if basis.kind != "none"]
    if usable:
        return max(usable, key=lambda basis: basis.n_labelled)
    census = found[0]
    if name is not None:
        return _none(name, len(census.in_sample), named[0].reason or NO_SAMPLE)
    # A plan that somebody made says best what is missing.
    return next((b for b in reversed(found[1:]) if b.reason), census)


class _Rows:
    """What the samples are taken from: labels, which rows are open, which are answered."""

    def __init__(self, columns: Any, fields: Mapping[str, Any]) -> None:  # noqa: ANN401
        self.n = len(fields["item_no"])
        self.item_no = fields["item_no"]
        self.response_hash = fields["response_hash"]
        self.is_done = fields["status"] == "done"
        self.has_label = ~np.isnan(fields["label"])
        state = columns["state"].combine_chunks().fill_null("none")
        self.is_spoken = np.asarray(state.to_numpy(zero_copy_only=False) != "none", dtype=bool)
        self._columns = columns

    def said_by(self, source: str) -> npt.NDArray[np.bool_]:
        """Tell which rows a source says anything of."""
        flags = self._columns[f"has_{source}"].combine_chunks().fill_null(fill_value=False)
        return np.asarray(flags.to_numpy(zero_copy_only=False), dtype=bool)

    def sample(
        self,
        name: str,
        kind: BasisKind,
        weights: npt.NDArray[np.float64],
        words: str,
        plan_id: str | None = None,
    ) -> SamplingBasis:
        """Make a basis of the rows that have a weight."""
        inside = ~np.isnan(weights)
        is_open = inside & ~self.has_label
        n_open = int(is_open.sum())
        told = f"{words}; {n_open:,} left open" if n_open else words
        return SamplingBasis(kind, plan_id, inside, weights, is_open, told, None, name)


def _census(rows: _Rows) -> SamplingBasis:
    n_done = int(rows.is_done.sum())
    n_labelled = int((rows.is_done & rows.has_label).sum())
    if not n_labelled:
        return _none("census", rows.n, NO_LABELS)
    if not rows.is_spoken[rows.is_done].all():
        return _none("census", rows.n, NO_SAMPLE)
    words = f"all {n_done:,} answered rows" if n_done > 1 else "the one answered row"
    return rows.sample("census", "census", np.where(rows.is_done, 1.0, np.nan), words)


def _spoken_at(place: Place, record: RunRecord, source: str) -> set[tuple[int, str]] | None:
    """Give the rows that a source took; None where it speaks of rows one by one.

    A label file speaks of responses: a copy of one is labelled by it too, but nobody drew the copy.
    """
    return stored.imported_at(place.store, record.dataset_id) if source == "imported" else None


def _of_source(
    source: str, decided_by: str | None, rows: _Rows, taken: set[tuple[int, str]] | None
) -> SamplingBasis:
    n_done = int(rows.is_done.sum())
    inside = rows.is_done & rows.said_by(source)
    if taken is not None:
        at = np.flatnonzero(inside)
        pairs = zip(rows.item_no[at].tolist(), rows.response_hash[at].tolist(), strict=True)
        inside[at] = [pair in taken for pair in pairs]
    n = int(inside.sum())
    if not n:
        return _none(source, rows.n, f"There are no labels from {SOURCE_WORDS[source]}.")
    by = f", as {decided_by} says" if decided_by else ""
    words = f"{n:,} of {n_done:,} rows, a uniform sample from {SOURCE_WORDS[source]}{by}"
    return rows.sample(source, "uniform", np.where(inside, n_done / n, np.nan), words)


def _of_plan(place: Place, record: RunRecord, plan: Plan, rows: _Rows) -> SamplingBasis:
    prefix = finished_prefix(stored.positions(place.store, plan.plan_id))
    if not prefix:
        return _none(plan.plan_id, rows.n, "Nobody has labelled the first row of the plan yet.", plan)
    n, covered = stored.covered_rows(place.store, record.run_id, plan)
    if covered < LEAST_COVERED * n:
        reason = (
            f"The plan could have taken {covered:,} of the {n:,} answered rows only, and it speaks for a run "
            f"of which it could have taken {percent(LEAST_COVERED)}: make one for this run."
        )
        return _none(plan.plan_id, rows.n, reason, plan)
    weights = np.full(rows.n, np.nan)
    places, is_in_run = _in_run(rows, prefix)
    weights[places] = prefix_weights(plan, prefix)[is_in_run]
    drawn = int((~np.isnan(weights)).sum())
    words = f"{drawn:,} of {plan.n_population:,} rows, {HOW_DRAWN[plan.kind]}"
    if len(prefix) < plan.n_items:
        words += f" (the first {len(prefix):,} of {plan.n_items:,} of the plan)"
    if covered < n:
        is_own = plan.run_id == record.run_id
        late = "too late for the plan" if is_own else "that it was not drawn from"
        share = f"at most {percent(1 - LEAST_COVERED)} of the run; the figures leave them out"
        words += f"; {n - covered:,} answered {'row' if n - covered == 1 else 'rows'} {late}: {share}"
    kind: BasisKind = "uniform" if plan.kind == "uniform" else "stratified"
    return rows.sample(plan.plan_id, kind, weights, words, plan.plan_id)


def finished_prefix(positions: Sequence[Position]) -> Sequence[Position]:
    """Give the rows of a plan before the first one that it has led nobody to.

    A row that was labelled for another reason, by its score say, is no visit: where the prefix ends must not
    depend on what is in it.
    """
    end = next((n for n, position in enumerate(positions) if not position.is_visited), len(positions))
    return positions[:end]


def prefix_weights(plan: Plan, prefix: Sequence[Position]) -> npt.NDArray[np.float64]:
    """Give one over the chance that each row had of being in the finished part of a plan. Shape (m,).

    A prefix of m of n rows in random order takes each of them with the chance m / n, whatever brought it
    into the plan.
    """
    if plan.kind == "uniform":
        return np.full(len(prefix), plan.n_population / len(prefix))
    chances = np.array([position.inclusion_probability or np.nan for position in prefix])
    return 1.0 / (chances * (len(prefix) / plan.n_items))


def _in_run(rows: _Rows, prefix: Sequence[Position]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Find the rows of the run that hold the responses of a plan, and tell which of those are there."""
    wanted = np.array([position.item_no for position in prefix], dtype=np.int64)
    hashes = np.array([position.response_hash for position in prefix], dtype=object)
    places = np.minimum(np.searchsorted(rows.item_no, wanted), max(rows.n - 1, 0))
    is_there = (rows.item_no[places] == wanted) & (rows.response_hash[places] == hashes)
    return places[is_there], is_there


def _none(name: str, n_rows: int, reason: str, plan: Plan | None = None) -> SamplingBasis:
    nothing = np.zeros(n_rows, dtype=bool)
    plan_id = None if plan is None else plan.plan_id
    return SamplingBasis(
        "none", plan_id, nothing, np.full(n_rows, np.nan), nothing.copy(), "no sample", reason, name
    )
