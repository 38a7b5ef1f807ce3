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
        by=st.sampled_from(["target", "budget", "share"]), max_risk=shares, confidence=shares,
        first=st.none() | st.tuples(shares, shares), review_budget=st.none() | whole, review_share=shares,
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


def test_a_second_target_remembers_the_first_until_the_labels_are_others() -> None:
    first = DecideParams(run="r1")
    second = first.asking(0.08, 0.95)
    assert (second.first, second.is_second_target, second.question(10).from_band) == (
        (0.05, 0.95),
        True,
        True,
    )
    third = second.asking(0.1, 0.9)
    assert third.first == (0.05, 0.95)
    assert not third.asking(0.05, 0.95).is_second_target
    assert third.of_run("r2").first is None
    # Samples of one run may hold the same labels: another target on another sample is a second one.
    elsewhere = first.on_sample("census")
    assert (elsewhere.basis, elsewhere.is_second_target) == ("census", False)
    assert elsewhere.asking(0.08, 0.95).is_second_target
    assert second.on_sample("column").is_second_target
    assert DecideParams(run="r1", by="share").on_sample("census").first is None
    assert DecideParams(by="budget").budget(2000) == (200, 2000)
