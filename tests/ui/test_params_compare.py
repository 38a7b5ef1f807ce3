"""The address of the Compare page: broken values fall back, what is written is read back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.query import Query
from tlm_dash.services.compare_rows import ROWS_WANTED
from tlm_dash.ui.params_compare import METRICS, CompareParams

ids = st.text("abcdef0123456789", min_size=1, max_size=6)
shares = st.one_of(st.none(), st.floats(0.0001, 0.9999))


@settings(max_examples=80, deadline=None)
@given(
    st.builds(
        CompareParams,
        baseline=st.just("base"),
        candidate=st.lists(ids, unique=True, max_size=5).map(tuple),
        metric=st.sampled_from([None, *METRICS]),
        margin=shares,
        confidence=st.floats(0.0001, 0.9999),
        threshold=st.one_of(st.none(), st.floats(0, 1)),
        of=st.one_of(st.none(), ids),
        rows=st.sampled_from([None, *ROWS_WANTED]),
        page=st.integers(1, 1000),
        row=st.one_of(st.none(), st.integers(1, 10**6)),
    )
)
def test_what_is_written_is_read_back(params: CompareParams) -> None:
    assert CompareParams.from_query(Query(params.to_dict())) == params


def test_nonsense_falls_back() -> None:
    query = {
        "baseline": " b ", "candidate": ["b", "c", "c", " "], "metric": "mean", "margin": "-1",
        "confidence": "95", "rows": "best", "page": "0", "row": "x", "threshold": "nan",
    }  # fmt: skip
    params = CompareParams.from_query(Query(query))
    assert params == CompareParams(baseline="b", candidate=("c",))
    assert params.between("c", ("b", "c")).candidate == ("b",)
