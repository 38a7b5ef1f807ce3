"""What the address of the Review page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `run` (repeated) are the runs, `of` the one whose rows are listed (the first
where absent), `view` is rows, queue or labels. Rows are filtered by `score_from` and `score_below`,
`unscored` (only, also), `status` (done, error, pending), `error_kind`, `label` (correct, incorrect, unsure,
skipped, none), `label_source`, `annotator`, `tag` (name=value) and `finish_reason`, several of which may be
repeated; by `length_min`, `length_max` (characters of the response), `latency_ms_min`, `latency_ms_max`; by
`text`, looked for in `text_in` (any, prompt, response, explanation), a regular expression with `regex=yes`.
`axis` is linear or logit, `sort` item, score, score_down, length_down or latency_down, `page` counts from 1,
`row` is the item that is open. `plan` belongs to the queue. So the failures of one kind are at
/review?run=…&status=error&error_kind=….
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import get_args

from tlm_dash.services.review import LABELS, SOURCES, STATUSES, Axis, RowFilter, Sort, TextIn
from tlm_dash.ui.params import Address, QueryParams, written

VIEWS = ("rows", "queue", "labels")
MOST_RUNS = 4
"""Panels that fit side by side."""

LONGEST_TEXT = 500
_HIGHEST = 10**15


@dataclass(frozen=True)
class ReviewParams:
    """The address. `of` is one of `runs`, or None where there are none."""

    runs: tuple[str, ...] = ()
    of: str | None = None
    view: str = "rows"
    filter: RowFilter = field(default_factory=RowFilter)
    axis: Axis = "linear"
    sort: Sort = "score"
    page: int = 1
    row: int | None = None
    plan: str | None = None

    @classmethod
    def from_query(cls, query: QueryParams) -> ReviewParams:
        """Read the address."""
        address = Address(query)
        runs = address.ids("run")[:MOST_RUNS]
        of = address.text("of")
        return cls(
            runs=runs,
            of=of if of in runs else (runs[0] if runs else None),
            view=address.one_of("view", VIEWS, "rows"),
            filter=_filter(address),
            axis=address.one_of("axis", get_args(Axis), "linear"),
            sort=address.one_of("sort", get_args(Sort), "score"),
            page=address.page(),
            row=address.whole("row", least=0),
            plan=address.text("plan") or None,
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        wanted = self.filter
        return written({
            "run": self.runs,
            "of": self.of if self.runs and self.of != self.runs[0] else None,
            "view": self.view if self.view != "rows" else None,
            "score_from": wanted.score_from, "score_below": wanted.score_below, "unscored": wanted.unscored,
            "status": wanted.statuses, "error_kind": wanted.error_kinds,
            "label": wanted.labels, "label_source": wanted.label_sources,
            "annotator": wanted.annotators,
            "tag": [f"{name}={value}" for name, value in wanted.tags],
            "finish_reason": wanted.finish_reasons,
            "length_min": wanted.length_min, "length_max": wanted.length_max,
            "latency_ms_min": wanted.latency_min, "latency_ms_max": wanted.latency_max,
            "text": wanted.text, "text_in": wanted.text_in if wanted.text_in != "any" else None,
            "regex": wanted.is_regex,
            "axis": self.axis if self.axis != "linear" else None,
            "sort": self.sort if self.sort != "score" else None,
            "page": self.page if self.page > 1 else None,
            "row": self.row, "plan": self.plan,
        })  # fmt: skip

    def filtered(self, wanted: RowFilter) -> ReviewParams:
        """Give the address of the first page of what a filter finds."""
        return replace(self, filter=wanted, page=1, row=None)

    def choosing(self, runs: tuple[str, ...]) -> ReviewParams:
        """Give the address of other runs; what was filtered for stays, scores of another run do not."""
        of = self.of if self.of in runs else (runs[0] if runs else None)
        wanted = self.filter if of == self.of else self.filter.without_scores()
        return replace(self, runs=runs[:MOST_RUNS], of=of, filter=wanted, page=1, row=None)

    def listing(self, run_id: str) -> ReviewParams:
        """Give the address with the rows of this run listed: the interval was one of another run's scores."""
        if run_id == self.of:
            return self
        return replace(self, of=run_id, filter=self.filter.without_scores(), page=1, row=None)

    def opening(self, item_no: int | None) -> ReviewParams:
        """Give the address with this row open, or none."""
        return replace(self, row=item_no)


def _filter(address: Address) -> RowFilter:
    def several(name: str, allowed: tuple[str, ...] | None = None) -> tuple[str, ...]:
        found = dict.fromkeys(address.all(name))
        return tuple(value for value in found if (value in allowed if allowed else value))

    def number(name: str) -> float | None:
        return address.number(name, least=-_HIGHEST, most=_HIGHEST)

    tags = [value.partition("=") for value in dict.fromkeys(address.all("tag"))]
    text = address.text("text")[:LONGEST_TEXT].rstrip()
    return RowFilter(
        score_from=number("score_from"),
        score_below=number("score_below"),
        unscored=address.one_of("unscored", ("only", "also"), ""),
        statuses=several("status", STATUSES),
        error_kinds=several("error_kind"),
        labels=several("label", LABELS),
        label_sources=several("label_source", SOURCES),
        annotators=several("annotator"),
        tags=tuple((name, value) for name, equals, value in tags if equals),
        finish_reasons=tuple(dict.fromkeys(address.all("finish_reason"))),
        length_min=address.whole("length_min", least=0),
        length_max=address.whole("length_max", least=0),
        latency_min=number("latency_ms_min"),
        latency_max=number("latency_ms_max"),
        text=text,
        text_in=address.one_of("text_in", get_args(TextIn), "any"),
        is_regex=bool(text) and address.is_yes("regex"),
    )
