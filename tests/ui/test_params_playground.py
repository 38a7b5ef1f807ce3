"""The address of the playground: what is written is read back, and what is not offered falls back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.ui.query import Query, words
from tlm_dash.models import QUALITY_PRESETS
from tlm_dash.ui.params import LONGEST_DRAFT
from tlm_dash.ui.params_playground import PlaygroundParams

addresses = st.builds(
    PlaygroundParams,
    entry=st.none() | words,
    models=st.none() | st.lists(words, min_size=1, max_size=3).map(tuple),
    presets=st.none() | st.lists(st.sampled_from(QUALITY_PRESETS), min_size=1, unique=True).map(tuple),
    answered_by=st.sampled_from([None, "endpoint", "provider"]),
    prompt=st.none() | words,
    search=st.just("") | words,
    page=st.integers(min_value=1, max_value=999_999),
)


@given(addresses)
def test_an_address_is_read_back_as_it_was_written(params: PlaygroundParams) -> None:
    assert PlaygroundParams.from_query(Query(params.to_dict())) == params


def test_what_is_not_offered_falls_back() -> None:
    query = {"preset": ["best", "low"], "answered_by": "nobody", "model": [" ", "m"], "page": "-1"}
    assert PlaygroundParams.from_query(Query(query)) == PlaygroundParams(models=("m",), presets=("low",))


def test_a_long_draft_is_not_put_into_the_address() -> None:
    assert "prompt" in PlaygroundParams(prompt="x" * LONGEST_DRAFT).to_dict()
    assert "prompt" not in PlaygroundParams(prompt="x" * (LONGEST_DRAFT + 1)).to_dict()


def test_opening_an_entry_leaves_its_settings_to_it() -> None:
    params = PlaygroundParams(entry="a", models=("m",), presets=("low",), prompt="p", search="s", page=3)
    assert params.opening("b") == PlaygroundParams(entry="b", search="s", page=3)
