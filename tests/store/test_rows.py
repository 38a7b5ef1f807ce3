"""Rows of a run found by SQL, against the same filter written in plain Python over all rows."""

from __future__ import annotations

import bisect
import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.conftest import OpenStore
from tests.store.rows import (
    attempt_row,
    completion_row,
    dataset_row,
    item_row,
    run_item_row,
    run_row,
    write,
)
from tlm_dash.errors import InvalidInputError
from tlm_dash.models import new_id, utc_now
from tlm_dash.store import Store
from tlm_dash.store.distribution import distribution
from tlm_dash.store.row_choices import row_choices, tag_values
from tlm_dash.store.row_details import row_detail
from tlm_dash.store.row_filters import LABELS, STATUSES, RowFilter, RowScope, row_filter_sql
from tlm_dash.store.rows import LINEAR, LOGIT, SORTS, Bins, Sort, look, scope_of, texts
from tlm_dash.store.text import original_text, stored_text

WORDS = (
    "alpha",
    "Beta",
    "gamma (x)",
    "100%",
    "a_b",
    "naïve",
    "日本",
    "new\nline",
    "[br]acket",
    "\x00nul",
    "\\d+",
)
TAG_NAMES = ("topic", 'we"ird', "a/b~c", "0", "$.x", "sp ace")
SCORES = (0.0, 0.05, 0.15, 0.3, 0.35, 0.5, 0.6, 0.7, 0.9, 0.999, 0.9999999, 1.0)


@dataclass(frozen=True)
class Row:
    """A row as Python knows it."""

    item_no: int
    status: str
    score: float | None
    error_kind: str | None
    prompt: str
    response: str | None
    explanation: str | None
    finish_reason: str | None
    latency_ms: float | None
    score_latency_ms: float | None
    tags: dict[str, str]
    said: tuple[tuple[str, str], ...]

    @property
    def latency(self) -> float | None:
        parts = [part for part in (self.latency_ms, self.score_latency_ms) if part is not None]
        return sum(parts) if parts else None

    @property
    def label(self) -> str:
        verdicts = {verdict for _, verdict in self.said}
        return "none" if not verdicts else verdicts.pop() if len(verdicts) == 1 else "unsure"


class Filed:
    """A store with a run of rows that Python knows too. Not a dataclass: failures would print every row."""

    def __init__(self, store: Store, scope: RowScope, rows: tuple[Row, ...]) -> None:
        self.store, self.scope, self.rows = store, scope, rows


def _made(chance: random.Random, item_no: int) -> Row:
    status = chance.choices(("done", "error", "pending"), (8, 1, 1))[0]
    has_response = status == "done" or chance.random() < 0.3
    words = [" ".join(chance.choices(WORDS, k=chance.randrange(4))) for _ in range(3)]
    scored = status == "done" and chance.random() < 0.85
    people = chance.sample(("Ann", "Bo", "Cé"), chance.choice((0, 0, 1, 1, 2))) if status == "done" else []
    return Row(
        item_no, status,
        (chance.choice(SCORES) if chance.random() < 0.6 else chance.random()) if scored else None,
        chance.choice(("timeout", "server_failed")) if status == "error" else None,
        words[0], words[1] if has_response else None,
        words[2] if status == "done" and chance.random() < 0.5 else None,
        chance.choice(("stop", "length", None)) if has_response else None,
        chance.choice((None, 10.0, 250.5)) if has_response else None,
        chance.choice((None, 5.0, 1000.0)) if status == "done" else None,
        {name: chance.choice(("x", "y", "")) for name in chance.sample(TAG_NAMES, chance.randrange(3))},
        tuple((name, chance.choice(("correct", "incorrect", "unsure"))) for name in people),
    )  # fmt: skip


def _filed(store: Store, rows: list[Row], *, other_run: bool, earlier_tries: bool) -> Filed:
    dataset = dataset_row(name=new_id())
    dataset_id = dataset["dataset_id"]
    run = run_row(dataset_id)
    tables: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("item", "item_extra", "completion", "run_item", "run_item_text", "annotation")
    }
    other = run_row(dataset_id, name="another")
    for row in rows:
        tables["item"].append(item_row(row.item_no, row.prompt, dataset_id, prompt_hash=f"{row.item_no}"))
        if row.tags:
            tables["item_extra"].append(
                {"dataset_id": dataset_id, "item_no": row.item_no, "tags": row.tags, "extra": {}}
            )
        hashed = f"{dataset_id}-{row.item_no}"
        completion = completion_row(
            row.item_no, row.response or "", dataset_id, response_hash=hashed,
            finish_reason=row.finish_reason, latency_ms=row.latency_ms,
        )  # fmt: skip
        if row.response is not None:
            tables["completion"].append(completion)
        result = run_item_row(
            run["run_id"], row.item_no, status=row.status, attempt_no=2 if earlier_tries else 1,
            completion_id=None if row.response is None else completion["completion_id"],
            response_hash=None if row.response is None else hashed, trustworthiness_score=row.score,
            error_kind=row.error_kind, score_latency_ms=row.score_latency_ms,
        )  # fmt: skip
        tables["run_item"].append(result)
        if earlier_tries and row.item_no % 3 == 0:
            tables["run_item"].append(
                run_item_row(run["run_id"], row.item_no, status="error", error_kind="internal")
            )
        if row.explanation is not None:
            tables["run_item_text"].append(
                {"run_id": run["run_id"], "item_no": row.item_no, "attempt_no": result["attempt_no"],
                 "explanation": row.explanation, "log": {}}
            )  # fmt: skip
        if other_run:
            beside = completion_row(row.item_no, "alpha beta of another", dataset_id, finish_reason="stop")
            tables["completion"].append(beside)
            tables["run_item"].append(
                run_item_row(other["run_id"], row.item_no, completion_id=beside["completion_id"],
                             trustworthiness_score=0.2, response_hash=beside["response_hash"])
            )  # fmt: skip
        tables["annotation"] += [
            {"annotation_id": new_id(), "dataset_id": dataset_id, "item_no": row.item_no,
             "response_hash": hashed, "kind": "verdict", "verdict": verdict, "annotator": name,
             "source": "person", "score_visible": True, "created_at": utc_now()}
            for name, verdict in row.said
        ]  # fmt: skip
    write(store, dataset=dataset, run=[run, other], **{name: part for name, part in tables.items() if part})
    scope = scope_of(store, run["run_id"])
    assert scope is not None
    return Filed(store, scope, tuple(rows))


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Filed]]:
    """Two runs of random rows: one alone with its dataset and all done, one with everything that happens."""
    folder: Path = tmp_path_factory.mktemp("rows")
    store = Store.open(f"duckdb:///{folder / 'tlm_dash.duckdb'}", temp_dir=folder / "temporary")
    chance = random.Random(11)
    done = [replace(_made(chance, n), status="done", error_kind=None) for n in range(1, 151)]
    done = [replace(row, response=row.response or "") for row in done]
    mixed = [_made(chance, number) for number in range(1, 151)]
    yield {
        "plain": _filed(store, done, other_run=False, earlier_tries=False),
        "mixed": _filed(store, mixed, other_run=True, earlier_tries=True),
    }
    store.close()


def _keeps(wanted: RowFilter, row: Row) -> bool:
    """The oracle: what a filter means."""
    if wanted.unscored == "only":
        in_scores = row.score is None
    elif not wanted.has_interval:
        in_scores = True
    elif row.score is None:
        in_scores = wanted.unscored == "also"
    else:
        low = -math.inf if wanted.score_from is None else wanted.score_from
        high = math.inf if wanted.score_below is None else wanted.score_below
        in_scores = low <= row.score < high
    return in_scores and _keeps_without_scores(wanted, row)


def _keeps_without_scores(wanted: RowFilter, row: Row) -> bool:
    tags: dict[str, set[str]] = {}
    for name, value in wanted.tags:
        tags.setdefault(name, set()).add(value)
    found = {"prompt": row.prompt, "response": row.response, "explanation": row.explanation}
    if wanted.text_in != "any":
        found = {wanted.text_in: found[wanted.text_in]}
    # As it is kept: a character that no engine stores is written as five.
    length = None if row.response is None else len(stored_text(row.response))
    return (
        (not wanted.statuses or row.status in wanted.statuses)
        and (not wanted.error_kinds or row.error_kind in wanted.error_kinds)
        and (not wanted.labels or row.label in wanted.labels)
        and (not wanted.label_sources or (bool(row.said) and "person" in wanted.label_sources))
        and (not wanted.annotators or any(name in wanted.annotators for name, _ in row.said))
        and all(row.tags.get(name) in values for name, values in tags.items())
        and (
            not wanted.finish_reasons
            or (row.response is not None and (row.finish_reason or "") in wanted.finish_reasons)
        )
        and _within(length, wanted.length_min, wanted.length_max)
        and _within(row.latency if row.response is not None else None, wanted.latency_min, wanted.latency_max)
        and (not wanted.text or any(text is not None and _holds(wanted, text) for text in found.values()))
    )


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    if low is None and high is None:
        return True
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _holds(wanted: RowFilter, text: str) -> bool:
    if wanted.is_regex:
        return re.search(wanted.text, text) is not None
    return wanted.text.lower() in text.lower()


def _some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


SCORE = st.none() | st.sampled_from(SCORES) | st.floats(0, 1)
FILTERS = st.builds(
    RowFilter,
    score_from=SCORE, score_below=SCORE, unscored=st.sampled_from(("", "", "also", "only")),
    statuses=_some(STATUSES), error_kinds=_some(("timeout", "server_failed", "internal")),
    labels=_some(LABELS), label_sources=_some(("person", "column")), annotators=_some(("Ann", "Cé", "Zed")),
    tags=st.just(()) | st.lists(
        st.tuples(st.sampled_from(TAG_NAMES), st.sampled_from(("x", "y", ""))), max_size=2
    ).map(tuple),
    finish_reasons=_some(("stop", "length", "")),
    length_min=st.none() | st.integers(0, 12), length_max=st.none() | st.integers(0, 25),
    latency_min=st.none() | st.sampled_from((0.0, 10.0, 255.5)),
    latency_max=st.none() | st.sampled_from((10.0, 260.0, 1e6)),
    text=st.just("") | st.sampled_from((*(word.strip("\\d+") for word in WORDS), "BETA", "a (", "%")),
    text_in=st.sampled_from(("any", "prompt", "response", "explanation")),
)  # fmt: skip


def _sorted(rows: list[Row], sort: Sort) -> list[int]:
    def place(row: Row) -> float:
        values: dict[str, float | None] = {
            "item": row.item_no,
            "score": row.score,
            "score_down": None if row.score is None else -row.score,
            "length_down": None if row.response is None else -len(stored_text(row.response)),
            "latency_down": None if row.latency is None else -row.latency,
        }
        value = values[sort]
        return math.inf if value is None else value

    return [row.item_no for row in sorted(rows, key=lambda row: (place(row), row.item_no))]


def _counts(bins: Bins, rows: list[Row]) -> list[int]:
    edges = bins.edges()
    counts = [0] * bins.n
    for row in rows:
        if row.score is not None:
            counts[min(max(bisect.bisect_right(edges, row.score) - 1, 0), bins.n - 1)] += 1
    return counts


@pytest.mark.parametrize("kind", ["plain", "mixed"])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    wanted=FILTERS,
    sort=st.sampled_from(list(SORTS)),
    page=st.integers(0, 2),
    bins=st.sampled_from((LINEAR, LOGIT)),
)
def test_a_filter_finds_what_it_means(
    filed: dict[str, Filed], kind: str, wanted: RowFilter, sort: Sort, page: int, bins: Bins
) -> None:
    there = filed[kind]
    inside = [row for row in there.rows if _keeps(wanted, row)]
    before = [row for row in there.rows if _keeps_without_scores(wanted, row)]
    found = look(there.store, there.scope, wanted, sort=sort, limit=20, offset=20 * page, bins=bins)
    assert found.n_rows == len(inside)
    assert found.n_scored == sum(row.score is not None for row in inside)
    assert list(found.item_nos) == _sorted(inside, sort)[20 * page : 20 * page + 20]
    assert list(found.counts) == _counts(bins, before)


def test_the_scopes_are_what_they_claim(filed: dict[str, Filed]) -> None:
    assert filed["plain"].scope.has_one_response and filed["plain"].scope.is_whole
    assert not filed["mixed"].scope.has_one_response and not filed["mixed"].scope.is_whole
    assert scope_of(filed["plain"].store, "nobody") is None


@pytest.mark.parametrize("pattern", [r"alpha|日本", r"^$", r"\(x\)$", r"(?i)beta\s", r"[0-9]{3}%"])
@pytest.mark.parametrize("kind", ["plain", "mixed"])
def test_regular_expressions(filed: dict[str, Filed], kind: str, pattern: str) -> None:
    there = filed[kind]
    wanted = RowFilter(text=pattern, text_in="response", is_regex=True)
    found = look(there.store, there.scope, wanted, limit=1000)
    assert list(found.item_nos) == [row.item_no for row in there.rows if _keeps(wanted, row)]
    assert found.n_rows, "a pattern that finds nothing tests nothing"


@pytest.mark.parametrize("pattern", ["(", "a{2", "[z-a]", "(?<!a)b", "*", "(a{1000}){1000}", "\\"])
def test_a_pattern_that_cannot_be_read_is_refused_in_one_sentence(
    filed: dict[str, Filed], pattern: str
) -> None:
    there = filed["plain"]
    if pattern == "a{2":  # RE2 takes it as it stands
        assert look(there.store, there.scope, RowFilter(text=pattern, is_regex=True)).n_rows == 0
        return
    with pytest.raises(InvalidInputError, match="regular expression cannot be used") as told:
        look(there.store, there.scope, RowFilter(text=pattern, is_regex=True))
    assert "\n" not in told.value.message and told.value.hint


def test_every_value_is_bound_and_never_part_of_the_text(filed: dict[str, Filed]) -> None:
    evil = "'; DROP TABLE run_item; --"
    wanted = RowFilter(
        statuses=(evil,), error_kinds=(evil,), labels=(evil,), label_sources=(evil,), annotators=(evil,),
        tags=((evil, evil),), finish_reasons=(evil,), text=evil,
    )  # fmt: skip
    sql, params = row_filter_sql(wanted, filed["plain"].scope)
    assert "DROP" not in sql and params
    assert look(filed["plain"].store, filed["plain"].scope, wanted).n_rows == 0
    assert row_filter_sql(RowFilter(), filed["plain"].scope) == ("true", {})


@pytest.mark.parametrize(
    "bins", [LINEAR, LOGIT, Bins("linear", 0.0, 1.0, 100)], ids=["linear", "logit", "fine"]
)
def test_scores_at_the_edges_of_bins_count_where_the_filter_finds_them(store: Store, bins: Bins) -> None:
    edges = [edge for edge in bins.edges() if 0 <= edge <= 1]
    scores = [
        float(np.clip(near, 0, 1))
        for edge in edges
        for near in (np.nextafter(edge, 0), edge, np.nextafter(edge, 1))
    ]  # fmt: skip
    rows = [
        Row(number, "done", score, None, "p", "r", None, None, None, None, {}, ())
        for number, score in enumerate([*scores, 0.0, 1.0, 0.5], 1)
    ]
    there = _filed(store, rows, other_run=False, earlier_tries=False)
    counts = look(store, there.scope, RowFilter(), bins=bins).counts
    assert sum(counts) == len(rows)
    for number in range(bins.n):
        wanted = RowFilter(
            score_from=bins.edges()[number] if number else None,
            score_below=bins.edges()[number + 1] if number < bins.n - 1 else None,
        )
        assert look(store, there.scope, wanted).n_rows == counts[number], (number, bins.edges()[number])


def test_figures_equal_numpy(filed: dict[str, Filed]) -> None:
    for there in filed.values():
        scores = np.array([row.score for row in there.rows if row.score is not None])
        found = distribution(there.store, there.scope)
        assert (found.n, found.n_scored) == (len(there.rows), len(scores))
        assert found.mean == pytest.approx(scores.mean(), abs=1e-12)
        assert found.sd == pytest.approx(scores.std(ddof=1), abs=1e-12)
        assert (found.lowest, found.highest) == (scores.min(), scores.max())
        assert found.quantiles == pytest.approx(np.quantile(scores, [0.05, 0.25, 0.5, 0.75, 0.95]), abs=1e-12)
        counts, edges = np.histogram(scores, bins=[number / 20 for number in range(21)])
        assert look(there.store, there.scope, RowFilter()).counts == tuple(counts)
        assert LINEAR.edges() == tuple(edges)
        assert found.n_ties_at_half == (scores == 0.5).sum() > 0
        assert found.n_above_high == (scores > 0.999).sum() > 0


def _cut(text: str) -> str:
    stored = stored_text(text)
    return original_text(stored[:4]) + ("…" if len(stored) > 4 else "")


def test_a_page_has_short_texts_in_its_order(filed: dict[str, Filed]) -> None:
    there = filed["mixed"]
    wanted = [140, 3, 77]
    found = texts(there.store, there.scope, wanted, characters=4)
    assert [row.item_no for row in found] == wanted
    for summary in found:
        row = there.rows[summary.item_no - 1]
        assert summary.prompt == _cut(row.prompt)
        assert summary.response == (None if row.response is None else _cut(row.response))
        assert summary.n_characters == (None if row.response is None else len(stored_text(row.response)))
        assert (summary.status, summary.trustworthiness_score) == (row.status, row.score)
    assert texts(there.store, there.scope, []) == []
    assert [row.item_no for row in texts(there.store, there.scope, [5, 99_999])] == [5]


def test_rows_that_a_run_has_not_come_to_are_pending(open_store: OpenStore) -> None:
    store = open_store()
    dataset = dataset_row()
    run = run_row(dataset["dataset_id"])
    plan = {
        "run_id": run["run_id"], "grid_id": "g", "position": 0, "lead_run_id": run["run_id"], "n_items": 4,
        "last_item_no": 4, "grid_hash": "h",
    }  # fmt: skip
    items = [item_row(number, f"Question {number}", dataset["dataset_id"]) for number in range(1, 7)]
    results = [run_item_row(run["run_id"], 2, trustworthiness_score=0.25)]
    write(store, dataset=dataset, run=run, run_plan=plan, item=items, run_item=results)
    scope = scope_of(store, run["run_id"])
    assert scope is not None and not scope.is_whole
    assert look(store, scope, RowFilter(), sort="item").item_nos == (1, 2, 3, 4)
    assert look(store, scope, RowFilter(statuses=("pending",))).item_nos == (1, 3, 4)
    assert look(store, scope, RowFilter(labels=("none",))).n_rows == 4
    assert [row.prompt for row in texts(store, scope, [4, 2])] == ["Question 4", "Question 2"]
    assert distribution(store, scope).n_unscored == 3
    assert row_detail(store, scope, 3) is not None and row_detail(store, scope, 5) is None


def test_a_run_over_given_responses_has_its_rows_before_it_begins(open_store: OpenStore) -> None:
    store = open_store()
    dataset = dataset_row()
    source, run = run_row(dataset["dataset_id"]), run_row(dataset["dataset_id"], mode="score")
    plan = {
        "run_id": run["run_id"], "grid_id": "g", "position": 0, "lead_run_id": run["run_id"], "n_items": 2,
        "source_run_id": source["run_id"], "last_item_no": 3, "grid_hash": "h",
    }  # fmt: skip
    items = [item_row(number, f"Question {number}", dataset["dataset_id"]) for number in range(1, 5)]
    results = [
        run_item_row(source["run_id"], 1, completion_id="c1"),
        run_item_row(source["run_id"], 2, status="error"),
        run_item_row(source["run_id"], 3, completion_id="c3"),
        run_item_row(source["run_id"], 4, completion_id="c4"),
    ]
    write(store, dataset=dataset, run=[source, run], run_plan=plan, item=items, run_item=results)
    scope = scope_of(store, run["run_id"])
    assert scope is not None and not scope.is_whole
    assert look(store, scope, RowFilter(statuses=("pending",)), sort="item").item_nos == (1, 3)
    write(store, run_item=run_item_row(run["run_id"], 1, completion_id="c1", trustworthiness_score=0.5))
    assert look(store, scope, RowFilter(statuses=("pending",))).item_nos == (3,)


def test_a_row_in_whole_with_its_tries_and_the_same_prompt_elsewhere(filed: dict[str, Filed]) -> None:
    there = filed["mixed"]
    row = next(row for row in there.rows if row.status == "done" and row.tags and row.response)
    sent = attempt_row(there.scope.run_id, row.item_no)
    end = {
        "attempt_id": sent["attempt_id"],
        "outcome": "error",
        "error_kind": "timeout",
        "ended_at": utc_now(),
    }
    write(there.store, attempt=sent, attempt_end=end)
    found = row_detail(there.store, there.scope, row.item_no)
    assert found is not None
    assert (found.response, found.explanation) == (row.response, row.explanation)
    assert (found.trustworthiness_score, dict(found.tags)) == (row.score, row.tags)
    assert found.messages[0]["content"] == row.prompt
    assert [(one.outcome, one.error_kind) for one in found.tries] == [("error", "timeout")]
    names = {other.name for other in found.others if other.response == "alpha beta of another"}
    assert names == {"another"}
    assert all((other.run_id, other.item_no) != (there.scope.run_id, row.item_no) for other in found.others)


def test_choices_are_what_occurs(filed: dict[str, Filed]) -> None:
    there = filed["mixed"]
    found = row_choices(there.store, there.scope)
    for status in STATUSES:
        assert found.statuses[status] == sum(row.status == status for row in there.rows)
    assert found.error_kinds == {
        kind: sum(row.error_kind == kind for row in there.rows) for kind in ("timeout", "server_failed")
    }
    assert set(found.tags) == set(TAG_NAMES)
    for name in TAG_NAMES:
        values = [row.tags[name] for row in there.rows if name in row.tags]
        assert tag_values(there.store, there.scope.dataset_id, name) == {
            v: values.count(v) for v in set(values)
        }
    assert json.dumps(found.finish_reasons)


@pytest.mark.parametrize(
    "wanted",
    [
        RowFilter(statuses=("done",)), RowFilter(labels=("none",)), RowFilter(text="e"),
        RowFilter(statuses=("done",), score_from=0.4), RowFilter(statuses=("pending",)),
    ],
)  # fmt: skip
def test_figures_beside_the_bins_are_of_the_rows_in_them(filed: dict[str, Filed], wanted: RowFilter) -> None:
    there = filed["mixed"]
    found = look(there.store, there.scope, wanted)
    # The interval of scores is only marked in the picture: its rows are not the only ones that are drawn.
    plain = wanted.without_scores()
    numbers = look(there.store, there.scope, plain, limit=10_000).item_nos
    scores = [there.rows[number - 1].score for number in numbers]
    known = np.array([score for score in scores if score is not None])
    figures = found.figures
    assert figures is not None and (figures.n, figures.n_scored) == (len(numbers), len(known))
    assert sum(found.counts) == figures.n_scored
    if len(known):
        assert figures.quantiles == pytest.approx(
            np.quantile(known, [0.05, 0.25, 0.5, 0.75, 0.95]), abs=1e-12
        )
        assert (figures.lowest, figures.highest) == (known.min(), known.max())
        assert figures.n_ties_at_half == (known == 0.5).sum()
    assert look(there.store, there.scope, RowFilter(score_from=0.4)).figures is None
