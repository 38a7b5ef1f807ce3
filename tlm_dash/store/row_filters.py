"""Which rows of a run are wanted: one filter, and the one place that writes it as SQL.

A condition speaks of a row `r` with the columns of `run_item` (of `run_label` where labels are asked for);
everything else is looked up in subqueries, so that a condition stands alone in any statement over such rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Unscored = Literal["", "only", "also"]
TextIn = Literal["prompt", "response", "explanation", "any"]

LABELS = ("correct", "incorrect", "unsure", "skipped", "none")
STATUSES = ("done", "error", "pending")
TEXTS: tuple[TextIn, ...] = ("any", "prompt", "response", "explanation")

# Time of the answer and of its score together, in milliseconds; NULL where neither is known.
LATENCY_MS = "coalesce({answered} + coalesce(r.score_latency_ms, 0), r.score_latency_ms)"


@dataclass(frozen=True, slots=True)
class RowFilter:
    """All conditions hold together; within one list any value does. The default lets every row through.

    `score_from` is the lowest score, `score_below` the first one above; with either, unscored rows are left
    out unless `unscored` is "also". `labels` are of LABELS, `statuses` of STATUSES, `tags` are pairs of name
    and value, a finish reason of "" means that none was told. Lengths are characters of the response,
    latencies milliseconds, both inclusive. `text` is literal without upper and lower case, or a regular
    expression as RE2 reads it where `is_regex`; `text_in` says where it is looked for.
    """

    score_from: float | None = None
    score_below: float | None = None
    unscored: Unscored = ""
    statuses: tuple[str, ...] = ()
    error_kinds: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    label_sources: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    finish_reasons: tuple[str, ...] = ()
    length_min: int | None = None
    length_max: int | None = None
    latency_min: float | None = None
    latency_max: float | None = None
    text: str = ""
    text_in: TextIn = "any"
    is_regex: bool = False

    @property
    def has_interval(self) -> bool:
        """Tell whether scores of an interval are wanted."""
        return self.score_from is not None or self.score_below is not None

    @property
    def needs_labels(self) -> bool:
        """Tell whether labels decide."""
        return bool(self.labels or self.label_sources or self.annotators)

    def without_scores(self) -> RowFilter:
        """Give the same filter for all scores: what a histogram shows, of which an interval is chosen."""
        return replace(self, score_from=None, score_below=None, unscored="")

    def only_scores(self) -> RowFilter:
        """Give what `without_scores` leaves out."""
        return RowFilter(score_from=self.score_from, score_below=self.score_below, unscored=self.unscored)


@dataclass(frozen=True, slots=True)
class RowScope:
    """What looking rows of a run up takes: its dataset, and what can be left out for this run.

    `has_one_response`: no item of the dataset has a second response, of whichever run. `is_whole`: every item
    has its one row, which is done.
    """

    run_id: str
    dataset_id: str
    has_one_response: bool = False
    is_whole: bool = False


def row_filter_sql(wanted: RowFilter, scope: RowScope) -> tuple[str, dict[str, Any]]:
    """Write a filter as a condition on `r`, with its parameters; "true" where everything is wanted.

    Parameters begin with `f_`, so that they stand beside any others. Where the filter `needs_labels`, `r` is
    a row of `run_label` (store/labels.py), else one of `run_item` is enough.
    """
    conditions = _Conditions(scope)
    conditions.scores(wanted)
    conditions.one_of("r.status", "statuses", wanted.statuses)
    conditions.one_of("r.error_kind", "error_kinds", wanted.error_kinds)
    conditions.labels(wanted)
    conditions.tags(wanted.tags)
    conditions.responses(wanted)
    conditions.latency(wanted)
    conditions.text(wanted)
    return " AND ".join(conditions.written) or "true", conditions.params


class _Conditions:
    """Conditions in the making, with the parameters that they use."""

    def __init__(self, scope: RowScope) -> None:
        self.written: list[str] = []
        self.params: dict[str, Any] = {}
        self._scope = scope

    def scores(self, wanted: RowFilter) -> None:
        score = "r.trustworthiness_score"
        if wanted.unscored == "only":
            self.written.append(f"{score} IS NULL")
            return
        inside = self._between(score, "score", wanted.score_from, None)
        if wanted.score_below is not None:
            inside.append(f"{score} < {self._named('score_below', wanted.score_below)}")
        if inside:
            within = " AND ".join(inside)
            self.written.append(
                f"({within} OR {score} IS NULL)" if wanted.unscored == "also" else f"({within})"
            )

    def one_of(self, column: str, name: str, values: Sequence[str]) -> None:
        if values:
            self.written.append(f"{column} IN ({self._each(name, values)})")

    def labels(self, wanted: RowFilter) -> None:
        self.one_of(
            "CASE WHEN r.label = 1 THEN 'correct' WHEN r.label = 0 THEN 'incorrect' ELSE r.label_state END",
            "labels",
            wanted.labels,
        )
        self.one_of("r.label_source", "label_sources", wanted.label_sources)
        if wanted.annotators:
            named = self._named("annotators", list(wanted.annotators))
            self.written.append(f"list_has_any(r.annotators, {named})")

    def tags(self, tags: Sequence[tuple[str, str]]) -> None:
        for number, name in enumerate(dict.fromkeys(name for name, _ in tags)):
            pointer = self._named(f"tag_{number}", "/" + name.replace("~", "~0").replace("/", "~1"))
            values = self._each(f"tag_{number}_is", [value for tag, value in tags if tag == name])
            self._items(
                "item_no", "item_extra", "",
                f"json_extract_string(x.tags, {pointer}) IN ({values})",
            )  # fmt: skip

    def responses(self, wanted: RowFilter) -> None:
        found = []
        if wanted.finish_reasons:
            reasons = self._each("finish_reason", wanted.finish_reasons)
            found.append(f"coalesce(x.finish_reason, '') IN ({reasons})")
        found += self._length(wanted.length_min, wanted.length_max)
        if found:
            self._completions(" AND ".join(found))

    def _length(self, low: int | None, high: int | None) -> list[str]:
        """Compare bytes first: their number is known without reading the text, a character has 1 to 4."""
        found = self._between("length(x.response)", "length", low, high)
        if low is not None:
            found.insert(0, "strlen(x.response) >= $f_length_min")
        if high is not None:
            found.insert(0, "strlen(x.response) <= 4 * $f_length_max")
        return found

    def latency(self, wanted: RowFilter) -> None:
        same = "x.item_no = r.item_no"
        if not self._scope.has_one_response:
            same += " AND x.completion_id = r.completion_id"
        answered = f"SELECT x.latency_ms FROM completion AS x WHERE x.dataset_id = $f_dataset_id AND {same}"  # noqa: S608
        within = self._between(
            LATENCY_MS.format(answered=f"({answered})"), "latency", wanted.latency_min, wanted.latency_max
        )
        if within:
            self.params["f_dataset_id"] = self._scope.dataset_id
            self.written += within

    def text(self, wanted: RowFilter) -> None:
        if not wanted.text:
            return
        if wanted.is_regex:
            matches = "regexp_matches(x.{}, " + self._named("text", wanted.text) + ")"
        else:
            matches = "contains(lower(x.{}), lower(" + self._named("text", wanted.text) + "))"
        found, before = [], self.written
        for place in TEXTS[1:]:
            if wanted.text_in in (place, "any"):
                self.written = []
                self._text_in(place, matches)
                found += self.written
        self.written = [*before, f"({' OR '.join(found)})"]

    def _text_in(self, place: TextIn, matches: str) -> None:
        if place == "prompt":
            self._items("item_no", "item", "", matches.format("prompt"))
        elif place == "response":
            self._completions(matches.format("response"))
        else:
            self.params["f_run_id"] = self._scope.run_id
            told = f"x.run_id = $f_run_id AND {matches.format('explanation')}"
            tries = f"SELECT (x.item_no, x.attempt_no) FROM run_item_text AS x WHERE {told}"  # noqa: S608
            self.written.append(f"(r.item_no, r.attempt_no) IN ({tries})")

    def _completions(self, condition: str) -> None:
        # Numbers are found much faster than ids, where they are enough.
        if self._scope.has_one_response:
            self._items("item_no", "completion", "AND r.completion_id IS NOT NULL", condition)
        else:
            self._items("completion_id", "completion", "", condition)

    def _items(self, column: str, table: str, beside: str, condition: str) -> None:
        self.params["f_dataset_id"] = self._scope.dataset_id
        self.written.append(
            f"(r.{column} IN (SELECT x.{column} FROM {table} AS x "  # noqa: S608 - our own names
            f"WHERE x.dataset_id = $f_dataset_id AND {condition}) {beside})"
        )

    def _between(self, value: str, name: str, low: float | None, high: float | None) -> list[str]:
        least = None if low is None else self._named(f"{name}_min", low)
        most = None if high is None else self._named(f"{name}_max", high)
        if least is not None and most is not None:
            return [f"{value} BETWEEN {least} AND {most}"]
        if least is not None:
            return [f"{value} >= {least}"]
        return [] if most is None else [f"{value} <= {most}"]

    def _each(self, name: str, values: Sequence[str]) -> str:
        # One parameter each: a list of constants is compared while the table is read.
        return ", ".join(self._named(f"{name}_{number}", value) for number, value in enumerate(values))

    def _named(self, name: str, value: Any) -> str:  # noqa: ANN401 - whatever a column holds
        self.params[f"f_{name}"] = value
        return f"$f_{name}"
