"""What the address of the Review page says, typed: unknown or broken values fall back, they never fail.

Keys, for links from elsewhere: `run` (repeated) are the runs, `of` the one whose rows are listed (the first
where absent), `view` is rows, queue or labels. Rows are filtered by `score_from` and `score_below`,
`unscored` (only, also), `status` (done, error, pending), `error_kind`, `label` (correct, incorrect, unsure,
skipped, none), `label_source`, `annotator`, `tag` (name=value) and `finish_reason`, several of which may be
repeated; by `length_min`, `length_max` (characters of the response), `latency_ms_min`, `latency_ms_max`; by
`text`, looked for in `text_in` (any, prompt, response, explanation), a regular expression with `regex=yes`.
`axis` is linear or logit, `sort` item, score, score_down, length_down or latency_down, `page` counts from 1,
`row` is the item that is open. `plan` and `reviewer` belong to the queue. So the failures of one kind are at
/review?run=…&status=error&error_kind=….
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from tlm_dash.services.review import LABELS, SOURCES, STATUSES, Axis, RowFilter, Sort, TextIn
from tlm_dash.ui.params import QueryParams

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
    reviewer: str | None = None

    @classmethod
    def from_query(cls, query: QueryParams) -> ReviewParams:
        """Read the address."""

        def last(name: str) -> str:
            return (query.get_all(name) or [""])[-1].strip()

        runs = tuple(dict.fromkeys(run.strip() for run in query.get_all("run") if run.strip()))[:MOST_RUNS]
        of = last("of")
        return cls(
            runs=runs,
            of=of if of in runs else (runs[0] if runs else None),
            view=_one_of(last("view"), VIEWS, "rows"),
            filter=_filter(query),
            axis=_one_of(last("axis"), get_args(Axis), "linear"),
            sort=_one_of(last("sort"), get_args(Sort), "score"),
            page=_whole(last("page"), 1) or 1,
            row=_whole(last("row"), 0),
            plan=last("plan") or None,
            reviewer=last("reviewer") or None,
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        wanted = self.filter
        values: dict[str, Any] = {
            "run": list(self.runs),
            "of": self.of if self.runs and self.of != self.runs[0] else None,
            "view": self.view if self.view != "rows" else None,
            "score_from": wanted.score_from, "score_below": wanted.score_below, "unscored": wanted.unscored,
            "status": list(wanted.statuses), "error_kind": list(wanted.error_kinds),
            "label": list(wanted.labels), "label_source": list(wanted.label_sources),
            "annotator": list(wanted.annotators),
            "tag": [f"{name}={value}" for name, value in wanted.tags],
            "finish_reason": list(wanted.finish_reasons),
            "length_min": wanted.length_min, "length_max": wanted.length_max,
            "latency_ms_min": wanted.latency_min, "latency_ms_max": wanted.latency_max,
            "text": wanted.text, "text_in": wanted.text_in if wanted.text_in != "any" else None,
            "regex": "yes" if wanted.is_regex else None,
            "axis": self.axis if self.axis != "linear" else None,
            "sort": self.sort if self.sort != "score" else None,
            "page": self.page if self.page > 1 else None,
            "row": self.row, "plan": self.plan, "reviewer": self.reviewer,
        }  # fmt: skip
        return {
            name: value if isinstance(value, list) else _written(value)
            for name, value in values.items()
            if value is not None and value != "" and value != []
        }

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


def _filter(query: QueryParams) -> RowFilter:
    def last(name: str) -> str:
        return (query.get_all(name) or [""])[-1].strip()

    def several(name: str, allowed: tuple[str, ...] | None = None) -> tuple[str, ...]:
        found = dict.fromkeys(query.get_all(name))
        return tuple(value for value in found if (value in allowed if allowed else value))

    tags = [value.partition("=") for value in dict.fromkeys(query.get_all("tag"))]
    text = last("text")[:LONGEST_TEXT]
    return RowFilter(
        score_from=_number(last("score_from")),
        score_below=_number(last("score_below")),
        unscored=_one_of(last("unscored"), ("only", "also"), ""),
        statuses=several("status", STATUSES),
        error_kinds=several("error_kind"),
        labels=several("label", LABELS),
        label_sources=several("label_source", SOURCES),
        annotators=several("annotator"),
        tags=tuple((name, value) for name, equals, value in tags if equals),
        finish_reasons=tuple(dict.fromkeys(query.get_all("finish_reason"))),
        length_min=_whole(last("length_min"), 0),
        length_max=_whole(last("length_max"), 0),
        latency_min=_number(last("latency_ms_min")),
        latency_max=_number(last("latency_ms_max")),
        text=text,
        text_in=_one_of(last("text_in"), get_args(TextIn), "any"),
        is_regex=bool(text) and last("regex") == "yes",
    )


def _one_of(value: str, allowed: tuple[str, ...], otherwise: str) -> Any:  # noqa: ANN401 - a Literal of `allowed`
    return value if value in allowed else otherwise


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < _HIGHEST else None


def _whole(value: str, least: int) -> int | None:
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        return None
    return int(value) if int(value) >= least else None


def _written(value: object) -> str:
    """Write a number so that it comes back as the same one."""
    return repr(value) if isinstance(value, float) else str(value)
