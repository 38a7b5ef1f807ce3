"""What the address of the Compare page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `baseline` and `candidate` (repeated) are runs, `metric` auroc or accuracy,
`margin` and `confidence` fractions, `threshold` a score of the baseline, `of` the candidate whose table and
rows are shown (the first where absent), `rows` what is listed, `page` counts from 1, `row` is the baseline's
item that is open. `max_risk` and `target_confidence` are the target for choosing one of the runs, fractions;
`minutes_per_row` and `price_per_hour` what reading takes and costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from tlm_dash.services.choice import ChooseRequest
from tlm_dash.services.compare import MOST_RUNS, CompareRequest
from tlm_dash.services.compare_rows import ROWS_WANTED, RowsWanted
from tlm_dash.services.decide import Question
from tlm_dash.ui.params import MOST_ROWS, Address, QueryParams, changed, written

Metric = Literal["auroc", "accuracy"]
DEFAULT_TARGET = (0.05, 0.95)
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
    max_risk: float | None = None
    target_confidence: float | None = None
    minutes_per_row: float | None = None
    price_per_hour: float | None = None

    @classmethod
    def from_query(cls, query: QueryParams) -> CompareParams:
        """Read the address."""
        address = Address(query)
        baseline = address.text("baseline") or None
        return cls(
            baseline=baseline,
            candidate=tuple(c for c in address.ids("candidate") if c != baseline)[: MOST_RUNS - 1],
            metric=address.one_of("metric", METRICS, None),
            margin=address.share("margin"),
            confidence=address.share("confidence") or cls.confidence,
            threshold=address.number("threshold"),
            of=address.text("of") or None,
            rows=address.one_of("rows", ROWS_WANTED, None),
            page=address.page(),
            row=address.whole("row"),
            max_risk=address.share("max_risk"),
            target_confidence=address.share("target_confidence"),
            minutes_per_row=address.number("minutes_per_row", least=0, most=MOST_ROWS),
            price_per_hour=address.number("price_per_hour", least=0, most=MOST_ROWS),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        return written(changed(self))

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

    def target(self, before: tuple[float, float] | None = None) -> tuple[float, float]:
        """Give most wrong and confidence: the address's, else those asked before, else 5% with 95%."""
        risk, confidence = before or DEFAULT_TARGET
        return self.max_risk or risk, self.target_confidence or confidence

    def choice(self, target: tuple[float, float]) -> ChooseRequest:
        """Give what is asked of all runs together."""
        assert self.baseline is not None
        return ChooseRequest(
            (self.baseline, *self.candidate), Question(max_risk=target[0], confidence=target[1]),
            minutes_per_row=self.minutes_per_row, price_per_hour=self.price_per_hour,
        )  # fmt: skip

    @property
    def shown(self) -> int:
        """Give which candidate's table and rows are shown, from 0."""
        return self.candidate.index(self.of) if self.of in self.candidate else 0
