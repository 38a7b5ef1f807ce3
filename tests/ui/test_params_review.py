"""The address of the Review page: what is written is read back, and nonsense never fails."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from tests.ui.query import Query, words
from tlm_dash.services.review import LABELS, SOURCES, STATUSES, Axis, RowFilter, Sort, TextIn
from tlm_dash.ui.params_review import MOST_RUNS, VIEWS, ReviewParams

some_words = st.lists(words, max_size=2, unique=True).map(tuple)
scores = st.none() | st.floats(0, 1)
wholes = st.none() | st.integers(0, 10**9)


def some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


texts = st.just(("", False)) | st.tuples(words, st.booleans())
filters = texts.flatmap(
    lambda text: st.builds(
        RowFilter,
        score_from=scores, score_below=scores, unscored=st.sampled_from(("", "only", "also")),
        statuses=some(STATUSES), error_kinds=some_words, labels=some(LABELS), label_sources=some(SOURCES),
        annotators=some_words,
        tags=st.lists(
            st.tuples(words.filter(lambda name: "=" not in name), st.text(max_size=5)),
            max_size=2, unique=True,
        ).map(tuple),
        finish_reasons=some_words | st.just(("",)), length_min=wholes, length_max=wholes,
        latency_min=st.none() | st.floats(0, 1e9), latency_max=st.none() | st.floats(0, 1e9),
        text=st.just(text[0]), text_in=st.sampled_from(get_args(TextIn)), is_regex=st.just(text[1]),
    )
)  # fmt: skip
addresses = st.lists(words, max_size=MOST_RUNS, unique=True).flatmap(
    lambda runs: st.builds(
        ReviewParams,
        runs=st.just(tuple(runs)), of=st.sampled_from(runs) if runs else st.none(),
        view=st.sampled_from(VIEWS),
        filter=filters, axis=st.sampled_from(get_args(Axis)), sort=st.sampled_from(get_args(Sort)),
        page=st.integers(1, 10**6), row=wholes, plan=st.none() | words,
    )
)  # fmt: skip


@given(addresses)
def test_an_address_is_read_back_as_it_was_written(params: ReviewParams) -> None:
    assert ReviewParams.from_query(Query(params.to_dict())) == params


KEYS = sorted(ReviewParams(runs=("a",)).to_dict().keys()) + [
    "of", "view", "score_from", "score_below", "unscored", "status", "label", "label_source", "tag",
    "length_min", "latency_ms_max", "text", "text_in", "regex", "axis", "sort", "page", "row",
]  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(KEYS), st.lists(st.text() | st.sampled_from(["nan", "-1", "1e400", "²"])))
)
def test_nonsense_in_the_address_falls_back(query: dict[str, list[str]]) -> None:
    params = ReviewParams.from_query(Query(query))
    assert params.page >= 1
    assert params.of is None or params.of in params.runs
    assert set(params.filter.labels) <= set(LABELS)


def test_defaults_are_not_in_the_address() -> None:
    assert ReviewParams().to_dict() == {}
    assert ReviewParams(runs=("a",), of="a").to_dict() == {"run": ["a"]}


def test_an_interval_of_scores_does_not_go_over_to_another_run() -> None:
    wanted = RowFilter(score_from=0.2, labels=("correct",))
    params = ReviewParams(runs=("a", "b"), of="a", filter=wanted, page=3, row=5)
    other = params.listing("b")
    assert (other.of, other.filter, other.page, other.row) == ("b", RowFilter(labels=("correct",)), 1, None)
    assert params.listing("a") is params
    assert params.choosing(("b",)).filter == RowFilter(labels=("correct",))
    assert params.choosing(("c", "a")).filter == wanted
