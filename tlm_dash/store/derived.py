"""Columns that are made of the cells of others while a file is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Derived:
    """Columns made of the cells of `source`, row by row; the first of `names` stands in its place.

    `read` is given the cell of `beside` too, where there is one.
    """

    source: str
    names: tuple[str, ...]
    read: Callable[..., tuple[str | None, ...]]
    beside: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Name the columns that are read."""
        return (self.source,) if self.beside is None else (self.source, self.beside)


def with_derived(
    batch: Any,  # noqa: ANN401 - Arrow
    names: Sequence[str],
    sources: Sequence[str],
    made: Mapping[str, Derived],
) -> Any:  # noqa: ANN401
    """Make the columns called `names` of those that were read: `sources`, after row_no."""
    columns = dict(zip(sources, batch.columns[1:], strict=True))
    cells = {}
    for part in dict.fromkeys(made[name] for name in names if name in made):
        given = zip(*(columns[source].to_pylist() for source in part.sources), strict=True)
        read = [part.read(*row) for row in given]
        for number, name in enumerate(part.names):
            cells[name] = pa.array([row[number] for row in read], pa.string())
    wanted = [cells[name] if name in made else columns[name] for name in names]
    return pa.RecordBatch.from_arrays(
        [batch.column(0), *wanted], names=["row_no", *(f"c{number}" for number in range(len(names)))]
    )
