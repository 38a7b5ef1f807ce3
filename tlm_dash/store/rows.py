"""The rows of a run: filtered, counted in bins, by the page. What is long is read for one page only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from tlm_dash.errors import InvalidInputError
from tlm_dash.store.answer_marks import MARK
from tlm_dash.store.database import Store
from tlm_dash.store.labels import run_labels
from tlm_dash.store.row_filters import LATENCY_MS, RowFilter, RowScope, row_filter_sql
from tlm_dash.store.score_figures import FIGURES, Distribution, distribution_from
from tlm_dash.store.selected_items import NOT_REACHED

Sort = Literal["item", "score", "score_down", "length_down", "latency_down"]

# Each with the expression that is sorted by, always upwards: what is to come first is negative.
SORTS: dict[Sort, str] = {
    "item": "CAST(r.item_no AS DOUBLE)",
    "score": "r.trustworthiness_score",
    "score_down": "-r.trustworthiness_score",
    "length_down": "-length(c.response)",
    "latency_down": f"-({LATENCY_MS.format(answered='c.latency_ms')})",
}

# In the playground a response can be scored again: rows there are not to be counted as items.
_SCOPE = """
WITH mine AS (
    SELECT count(*) AS n, count(*) FILTER (WHERE status = 'done') AS n_done,
        count(completion_id) FILTER (WHERE status = 'done') AS n_responses
    FROM run_item WHERE run_id = $run_id
)
SELECT
    run.dataset_id,
    NOT asked AND n_responses = (SELECT count(*) FROM completion WHERE dataset_id = run.dataset_id),
    NOT asked AND n = n_done
        AND n_done >= coalesce((SELECT n_items FROM run_plan WHERE run_id = $run_id), 0)
FROM (SELECT run.*, d.kind = 'playground' AS asked FROM run JOIN dataset AS d USING (dataset_id)) AS run
CROSS JOIN mine WHERE run.run_id = $run_id
"""

_PLAIN = """
SELECT * FROM run_item WHERE run_id IN (SELECT unnest($run_ids))"""

_LOOK = """
hit AS MATERIALIZED (
    SELECT r.item_no, r.trustworthiness_score, {sort} AS place FROM listed AS r {joined} WHERE {filter}
),
bin AS (
    SELECT {bin} AS bin, count(*) AS n FROM (
        SELECT s, CAST({step} AS INTEGER) AS b
        FROM (SELECT trustworthiness_score AS s FROM hit WHERE trustworthiness_score IS NOT NULL)
    ) GROUP BY ALL
),
page AS (
    SELECT r.item_no, r.place FROM hit AS r WHERE {scores}
    ORDER BY r.place NULLS LAST, r.item_no LIMIT $limit OFFSET $offset
),
counted AS (
    SELECT count(*) FILTER (WHERE {scores}) AS n_rows,
        count(r.trustworthiness_score) FILTER (WHERE {scores}) AS n_scored
    FROM hit AS r
)
SELECT
    (SELECT list({{'bin': bin, 'n': n}}) FROM bin) AS bins,
    (SELECT list(item_no ORDER BY place NULLS LAST, item_no) FROM page) AS item_nos, counted.*{figures}
FROM counted
"""

# Of the rows that are counted in bins, since the picture and the words beside it speak of the same rows.
_MEASURED = f""",
    (SELECT m FROM (SELECT {FIGURES} FROM (SELECT trustworthiness_score AS s FROM hit)) AS m) AS figures"""  # noqa: S608 - our own text

# A join with few numbers, three times: only the parts of the tables that hold them are read.
_TEXTS = f"""
page AS (
    SELECT * FROM listed
    WHERE item_no BETWEEN $low AND $high AND item_no IN (SELECT unnest($item_nos))
)
SELECT
    r.item_no, r.status, r.trustworthiness_score, r.error_kind, r.unscored_reason, r.response_hash, r.label,
    r.label_state, r.label_source,
    left(i.prompt, $characters) || if(length(i.prompt) > $characters, '…', '') AS prompt,
    left(c.response, $characters) || if(length(c.response) > $characters, '…', '') AS response,
    length(c.response) AS n_characters, c.finish_reason, c.is_complete, c.mark
FROM page AS r
LEFT JOIN (
    SELECT item_no, prompt FROM item
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
        AND item_no IN (SELECT unnest($item_nos))
) AS i ON i.item_no = r.item_no
LEFT JOIN (
    SELECT item_no, completion_id, response, finish_reason, is_complete, {MARK} AS mark
    FROM completion
    WHERE dataset_id = $dataset_id AND item_no BETWEEN $low AND $high
        AND item_no IN (SELECT unnest($item_nos))
) AS c ON c.item_no = r.item_no AND c.completion_id = r.completion_id
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Bins:
    """Equal steps on an axis: scores as they are, or their log10 odds. n steps from `low` to `high`."""

    axis: Literal["linear", "logit"]
    low: float
    high: float
    n: int

    @property
    def width(self) -> float:
        """Give the width of a bin on the axis."""
        return (self.high - self.low) / self.n

    def edges(self) -> tuple[float, ...]:
        """Give the n + 1 edges as scores; the outermost bins take in what lies beyond them."""
        # One division each, so that an edge is the number that is written on it: 0.3, not three tenths of 1.
        steps = [self.low + number * (self.high - self.low) / self.n for number in range(self.n + 1)]
        return tuple(steps) if self.axis == "linear" else tuple(_score(step) for step in steps)


def _score(log_odds: float) -> float:
    return 1 / (1 + 10**-log_odds)


LINEAR = Bins("linear", 0.0, 1.0, 20)
LOGIT = Bins("logit", -2.0, 6.0, 40)


@dataclass(frozen=True, slots=True)
class RowLook:
    """What a filter finds. `counts`: scored rows per bin, before the score interval is applied.

    `item_nos`: the page. `n_rows`, `n_scored`: inside the interval. `figures` are of the rows in the bins and
    those without a score beside them, under the same filter; None where it lets all rows of the run through.
    """

    counts: tuple[int, ...]
    item_nos: tuple[int, ...]
    n_rows: int
    n_scored: int
    figures: Distribution | None = None


@dataclass(frozen=True, slots=True)
class RowSummary:
    """A row as the table shows it; texts are cut, `n_characters` is the whole length of the response.

    `mark` says why an answer is never accepted: cut, refused or empty; None where it may be.
    """

    item_no: int
    status: str
    trustworthiness_score: float | None
    error_kind: str | None
    unscored_reason: str | None
    response_hash: str | None
    label: int | None
    label_state: str
    label_source: str | None
    prompt: str
    response: str | None
    n_characters: int | None
    finish_reason: str | None
    is_complete: bool | None
    mark: str | None


def scope_of(store: Store, run_id: str) -> RowScope | None:
    """Tell what looking rows of a run up takes; None where there is no such run."""
    found = store.read(_SCOPE, {"run_id": run_id})
    return RowScope(run_id, *found[0]) if found else None


def look(
    store: Store, scope: RowScope, wanted: RowFilter, *,
    sort: Sort = "item", limit: int = 100, offset: int = 0, bins: Bins = LINEAR,
) -> RowLook:  # fmt: skip
    """Find rows once, and give their histogram, their number and one page of them in this order.

    Ties stand in the order of the items, rows without what is sorted by come last. Raises InvalidInputError
    for a regular expression that cannot be read.
    """
    check_pattern(store, wanted)
    rows, params = listed_sql(store, scope, with_labels=wanted.needs_labels)
    condition, told = row_filter_sql(wanted.without_scores(), scope)
    scores, interval = row_filter_sql(wanted.only_scores(), scope)
    joined = ""
    if "c." in SORTS[sort]:
        joined = "LEFT JOIN completion AS c ON c.dataset_id = $dataset_id AND c.item_no = r.item_no"
        joined += "" if scope.has_one_response else " AND c.completion_id = r.completion_id"
        params["dataset_id"] = scope.dataset_id
    step, bin_ = _bin_sql(bins)
    asked = _LOOK.format(
        sort=SORTS[sort], joined=joined, filter=condition, scores=scores, step=step, bin=bin_,
        figures="" if wanted.without_scores() == RowFilter() else _MEASURED,
    )  # fmt: skip
    paging = {"limit": limit, "offset": offset}
    ((found, item_nos, *counts),) = store.read(f"{rows}, {asked}", params | told | interval | paging)
    by_bin = {part["bin"]: part["n"] for part in found or ()}
    n_rows, n_scored, *measured = counts
    return RowLook(
        tuple(by_bin.get(number, 0) for number in range(bins.n)), tuple(item_nos or ()), n_rows, n_scored,
        distribution_from(measured[0]) if measured else None,
    )  # fmt: skip


def texts(
    store: Store, scope: RowScope, item_nos: Sequence[int], *, characters: int = 300
) -> list[RowSummary]:
    """Read some rows for a table, in the order of `item_nos`; ones that are not there are left out.

    Texts are cut after `characters`; one that was cut ends in ….
    """
    if not item_nos:
        return []
    rows, params = listed_sql(store, scope, with_labels=True)
    asked = {
        "dataset_id": scope.dataset_id, "low": min(item_nos), "high": max(item_nos),
        "item_nos": list(item_nos), "characters": characters,
    }  # fmt: skip
    found = {
        row["item_no"]: RowSummary(**row) for row in store.read_rows(f"{rows}, {_TEXTS}", params | asked)
    }
    return [found[item_no] for item_no in item_nos if item_no in found]


def listed_sql(store: Store, scope: RowScope, *, with_labels: bool) -> tuple[str, dict[str, Any]]:
    """Write the table expression `listed`: one row per item that the run takes, reached or not.

    It begins with WITH and has the columns of `run_item`, with labels those of `run_label`.
    """
    params = {"run_ids": [scope.run_id]}
    if scope.is_whole and not with_labels:
        return f"WITH listed AS ({_PLAIN})", params
    source, more = ("run_label", ", 'none' AS label_state") if with_labels else ("run_row", "")
    tables, rows = run_labels(store, [scope.run_id]), f"SELECT * FROM {source}"  # noqa: S608 - one of two
    if not scope.is_whole:
        tables += f", {NOT_REACHED}"
        rows += f" UNION ALL BY NAME SELECT *{more} FROM not_reached"  # noqa: S608 - our own text
    return f"WITH {tables}, listed AS ({rows})", params


def check_pattern(store: Store, wanted: RowFilter) -> None:
    """Refuse a regular expression that cannot be read, with the reason, before anything is searched."""
    if not (wanted.is_regex and wanted.text):
        return
    try:
        store.read("SELECT regexp_matches('', $pattern)", {"pattern": wanted.text})
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].partition(": ")[2] or "it cannot be read"
        raise InvalidInputError(
            f"The regular expression cannot be used: {reason}.",
            hint="Correct it, or search for the text as it stands.",
        ) from error


def _bin_sql(bins: Bins) -> tuple[str, str]:
    """Write the bin of a score `s`: a first step `b` by arithmetic, and that set right by the edges."""
    if bins.axis == "linear":
        low, span = f"CAST({bins.low!r} AS DOUBLE)", f"CAST({bins.high - bins.low!r} AS DOUBLE)"
        step = f"least(greatest(floor((s - {low}) * {bins.n} / {span}), 0), {bins.n - 1})"

        def edge(number: str) -> str:
            return f"{low} + CAST({number} AS DOUBLE) * {span} / {bins.n}"

        return step, (
            f"b - CAST(s < {edge('b')} AND b > 0 AS INTEGER)"
            f" + CAST(s >= {edge('b + 1')} AND b < {bins.n - 1} AS INTEGER)"
        )
    edges = bins.edges()
    step = f"floor((log10(s / (1 - s)) - {bins.low!r}) / {bins.width!r})"
    step = f"CASE WHEN s < {edges[1]!r} THEN 0 WHEN s >= {edges[-2]!r} THEN {bins.n - 1} ELSE {step} END"
    listed = ", ".join(repr(edge) for edge in edges)
    return step, (
        f"b - CAST(s < list_extract([{listed}]::DOUBLE[], b + 1) AND b > 0 AS INTEGER)"
        f" + CAST(s >= list_extract([{listed}]::DOUBLE[], b + 2) AND b < {bins.n - 1} AS INTEGER)"
    )
