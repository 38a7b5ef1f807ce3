"""A run as statistics take it: a column per fact, and which of its labels may feed an estimate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tlm_dash.errors import NotFoundError
from tlm_dash.services.label_basis import SamplingBasis, candidates, chosen
from tlm_dash.services.place import Place
from tlm_dash.store import labelled as stored
from tlm_dash.store.matching import matchers_in_use
from tlm_dash.store.run_models import RunRecord
from tlm_dash.store.runs import records
from tlm_dash.words.label_origins import LabelOrigins, origins_of

__all__ = ["LabelledRun", "SamplingBasis", "labelled_run", "sampling_bases"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
ItemStatus = Literal["done", "error", "pending"]


@dataclass(frozen=True, eq=False)
class LabelledRun:
    """All rows of a run, in the order of their items; every array has the shape (n_rows,).

    `prompt` numbers the distinct prompts from 0 on. `score` is NaN where there is none, `label` 1.0 correct,
    0.0 incorrect, NaN none or open. `source` is person, imported, column, matcher or None, `matchers` names
    the matchers in use. `latency_ms` is the time of answering and scoring together, of scoring alone where
    responses came with a file; NaN unknown, as are tokens. `basis` is one of `samples`, or says why there is
    none.

    An answer that was cut, refused or is empty (`mark`; None for all others) is never accepted: here its
    `score` is NaN, so that it goes to people at every threshold and is in the denominator of coverage. The
    score that is stored is in `own_score`. Its label stays: it counts for accuracy, and figures about scores
    leave it out as they do any row without one.
    """

    record: RunRecord
    n_rows: int
    item_no: npt.NDArray[np.int64]
    prompt_hash: Texts
    prompt: npt.NDArray[np.int64]
    response_hash: Texts
    status: Texts
    score: Floats
    label: Floats
    source: Texts
    latency_ms: Floats
    input_tokens: Floats
    output_tokens: Floats
    basis: SamplingBasis
    samples: tuple[SamplingBasis, ...]
    matchers: tuple[str, ...] = ()
    mark: Texts | None = None
    own_score: Floats | None = None

    @property
    def not_accepted(self) -> dict[str, int]:
        """Count the answers that are never accepted, by why: cut, empty, refused."""
        if self.mark is None:
            return {}
        return dict(sorted(Counter(str(mark) for mark in self.mark[self.mark != None]).items()))  # noqa: E711 - an array

    @property
    def is_marked(self) -> Bools:
        """Tell which rows have an answer that is never accepted. Shape (n_rows,)."""
        if self.mark is None:
            return np.zeros(self.n_rows, bool)
        marked: Bools = self.mark != None  # noqa: E711 - an array
        return marked

    @property
    def is_labelled(self) -> Bools:
        """Tell which rows of the sample have a usable label. Shape (n_rows,)."""
        return self.basis.in_sample & ~self.basis.is_open & ~np.isnan(self.label)

    def origins(self, rows: Bools | Positions) -> LabelOrigins:
        """Tell whose labels some rows have, given as booleans or positions; each of them has a label."""
        return origins_of(self.source[rows], self.matchers)


def labelled_run(place: Place, run_id: str, *, basis: str | None = None) -> LabelledRun:
    """Give the rows of a run with their labels, and the sample that estimates stand on.

    Of several samples the one with most labelled rows is taken, unless `basis` names one: census, imported,
    column, matcher or a plan_id. Raises NotFoundError, StoreError.
    """
    record, columns, fields = _fields(place, run_id)
    found = candidates(place, record, columns, fields)
    n_rows = len(fields["item_no"])
    matchers = matchers_in_use(place.store, run_id) if (fields["source"] == "matcher").any() else ()
    return LabelledRun(
        record=record, n_rows=n_rows, basis=chosen(found, basis), samples=found, matchers=matchers, **fields
    )


def sampling_bases(place: Place, run_id: str) -> tuple[SamplingBasis, ...]:
    """Give every sample that could feed the estimates of a run, and those that cannot with the reason."""
    return candidates(place, *_fields(place, run_id))


def _fields(place: Place, run_id: str) -> tuple[RunRecord, Any, dict[str, Any]]:
    found = records(place.store, [run_id])
    if not found:
        raise NotFoundError("This run is not here any more.", hint="Choose another run.")
    columns = stored.run_columns(place.store, found[0])
    prompts = columns["prompt_hash"].combine_chunks().dictionary_encode()
    codes = prompts.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return found[0], columns, {
        "item_no": columns["item_no"].to_numpy(),
        "prompt_hash": _texts(prompts.dictionary)[codes] if len(codes) else np.zeros(0, object),
        "prompt": codes,
        **{name: _repeating(columns[name]) for name in ("status", "source")},
        **_scores(columns),
        "response_hash": _texts(columns["response_hash"]),
        **{
            name: _floats(columns[name])
            for name in ("label", "latency_ms", "input_tokens", "output_tokens")
        },
    }  # fmt: skip


def _scores(columns: Any) -> dict[str, Any]:  # noqa: ANN401
    own = _floats(columns["score"])
    if columns["mark"].null_count == len(own):
        return {"score": own, "own_score": own, "mark": None}
    mark = _repeating(columns["mark"])
    return {"score": np.where(mark == None, own, np.nan), "own_score": own, "mark": mark}  # noqa: E711 - an array


def _texts(column: Any) -> Texts:  # noqa: ANN401 - pyarrow ships no types
    texts: Texts = np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
    return texts


def _repeating(column: Any) -> Texts:  # noqa: ANN401
    """Give texts that are few and repeat: each is made once."""
    encoded = column.combine_chunks().dictionary_encode()
    few = np.append(_texts(encoded.dictionary), np.array([None], object))
    repeated: Texts = few[encoded.indices.fill_null(len(few) - 1).to_numpy(zero_copy_only=False)]
    return repeated


def _floats(column: Any) -> Floats:  # noqa: ANN401
    floats: Floats = column.cast("double").to_numpy().astype(np.float64)
    return floats
