"""A page's address: what is written is read back, and nonsense never fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.models import QUALITY_PRESETS
from tlm_dash.ui.params import LONGEST_DRAFT, PlaygroundParams


class Query(dict[str, list[str]]):
    """The part of Streamlit's query parameters that pages use."""

    def get_all(self, key: str) -> list[str]:
        return self.get(key, [])

    def from_dict(self, params: Mapping[str, str | Iterable[str]]) -> None:
        self.clear()
        self.update({k: [v] if isinstance(v, str) else list(v) for k, v in params.items()})


words = st.text(alphabet=st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
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
    query = Query()
    query.from_dict(params.to_dict())
    assert PlaygroundParams.from_query(query) == params


NAMES = st.sampled_from(["entry", "model", "preset", "page", "answered_by", "prompt", "search", "other"])


@given(st.dictionaries(NAMES, st.lists(st.text(), max_size=3)))
def test_nonsense_in_the_address_falls_back(query: dict[str, list[str]]) -> None:
    params = PlaygroundParams.from_query(Query(query))
    assert params.page >= 1
    assert set(params.presets or ()) <= set(QUALITY_PRESETS)
    assert params.answered_by in (None, "endpoint", "provider")


def test_a_long_draft_is_not_put_into_the_address() -> None:
    assert "prompt" in PlaygroundParams(prompt="x" * LONGEST_DRAFT).to_dict()
    assert "prompt" not in PlaygroundParams(prompt="x" * (LONGEST_DRAFT + 1)).to_dict()


def test_opening_an_entry_leaves_its_settings_to_it() -> None:
    params = PlaygroundParams(entry="a", models=("m",), presets=("low",), prompt="p", search="s", page=3)
    assert params.opening("b") == PlaygroundParams(entry="b", search="s", page=3)
