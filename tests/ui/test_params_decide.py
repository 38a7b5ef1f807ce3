"""The address of the Decide page: what was set comes back, what is broken falls back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.query import Query
from tlm_dash.ui.params_decide import DecideParams

shares = st.floats(0.0001, 0.9999)
whole = st.integers(1, 10**6)


@settings(deadline=None)
@given(
    st.builds(
        DecideParams, run=st.none() | st.just("r1"), basis=st.none() | st.just("census"),
        by=st.sampled_from(["target", "budget", "share"]), max_risk=st.none() | shares,
        confidence=st.none() | shares, review_budget=st.none() | whole, review_share=shares,
        daily_volume=st.none() | whole, threshold=st.none() | st.floats(0, 1), seconds_per_row=whole,
    )
)  # fmt: skip
def test_what_was_set_comes_back(params: DecideParams) -> None:
    assert DecideParams.from_query(Query(params.to_dict())) == params


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(DecideParams.__dataclass_fields__)), st.text(max_size=12)))
def test_broken_values_fall_back(values: dict[str, str]) -> None:
    found = DecideParams.from_query(Query(values))
    found.question(100)
    assert DecideParams.from_query(Query(found.to_dict())) == found


def test_a_target_is_the_address_s_else_the_first_else_the_default() -> None:
    plain = DecideParams(run="r1")
    assert (plain.target(None), plain.target((0.08, 0.9))) == ((0.05, 0.95), (0.08, 0.9))
    named = DecideParams(run="r1", max_risk=0.1)
    assert named.target((0.08, 0.9)) == (0.1, 0.9)
    assert (named.question(10, (0.08, 0.9)).max_risk, named.question(10).from_band) == (0.1, False)
    # Other labels have a first target of their own.
    assert named.of_run("r2") == DecideParams(run="r2")
    assert named.on_sample("census") == DecideParams(run="r1", basis="census")
    assert DecideParams(by="budget").budget(2000) == (200, 2000)


def test_what_an_old_link_says_of_a_first_target_is_not_read() -> None:
    old = Query({"run": "r1", "max_risk": "0.08", "first": "0.05:0.95"})
    assert DecideParams.from_query(old) == DecideParams(run="r1", max_risk=0.08)
