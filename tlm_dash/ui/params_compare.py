"""What the address of the Compare page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `baseline` and `candidate` (repeated) are runs, `metric` auroc or accuracy,
`margin` and `confidence` fractions, `threshold` a score of the baseline, `of` the candidate whose table and
rows are shown (the first where absent), `rows` what is listed, `page` counts from 1, `row` is the baseline's
item that is open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from tlm_dash.services.compare import MOST_RUNS, CompareRequest
from tlm_dash.services.compare_rows import ROWS_WANTED, RowsWanted
from tlm_dash.ui.params import QueryParams

Metric = Literal["auroc", "accuracy"]
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class CompareParams:
    """The address; None is the page's own choice."""

    baseline: str | None = None
    candidate: tuple[str, ...] = ()
    metric: Metric | None = None
    margin: float | None = None
    confidence: float = 0.95
    threshold: float | None = None
    of: str | None = None
    rows: RowsWanted | None = None
    page: int = 1
    row: int | None = None

    @classmethod
    def from_query(cls, query: QueryParams) -> CompareParams:
        """Read the address."""

        def last(name: str) -> str:
            return (query.get_all(name) or [""])[-1].strip()

        candidates = tuple(dict.fromkeys(c.strip() for c in query.get_all("candidate") if c.strip()))
        baseline = last("baseline") or None
        return cls(
            baseline=baseline,
            candidate=tuple(c for c in candidates if c != baseline)[: MOST_RUNS - 1],
            metric=next((m for m in METRICS if m == last("metric")), None),
            margin=_share(last("margin")),
            confidence=_share(last("confidence")) or cls.confidence,
            threshold=_number(last("threshold")),
            of=last("of") or None,
            rows=next((w for w in ROWS_WANTED if w == last("rows")), None),
            page=_whole(last("page")) or 1,
            row=_whole(last("row")),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        values: dict[str, str | list[str]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                values[field.name] = list(value) if isinstance(value, tuple) else str(value)
        return values

    def between(self, baseline: str, candidates: tuple[str, ...]) -> CompareParams:
        """Give the address of other runs."""
        kept = tuple(c for c in candidates if c != baseline)[: MOST_RUNS - 1]
        return replace(self, baseline=baseline, candidate=kept, threshold=None, of=None, page=1, row=None)

    def listing(self, of: str | None = None, rows: RowsWanted | None = None) -> CompareParams:
        """Give the address of the first page of other rows."""
        return replace(self, of=of or self.of, rows=rows or self.rows, page=1, row=None)

    def request(self) -> CompareRequest:
        """Give what is asked; both sides must be there."""
        assert self.baseline is not None and self.candidate
        return CompareRequest(
            (self.baseline, *self.candidate), self.metric, self.margin, self.confidence,
            threshold=self.threshold,
        )  # fmt: skip

    @property
    def shown(self) -> int:
        """Give which candidate's table and rows are shown, from 0."""
        return self.candidate.index(self.of) if self.of in self.candidate else 0


def _share(text: str) -> float | None:
    value = _number(text)
    return value if value is not None and 0.0001 <= value <= 0.9999 else None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10**9 else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
