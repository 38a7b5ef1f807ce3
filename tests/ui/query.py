"""What an address holds, in tests: query parameters as Streamlit gives them, and words to put into them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

words = st.text(alphabet=st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)


class Query:
    """The part of Streamlit's query parameters that addresses are read from."""

    def __init__(self, values: Mapping[str, str | list[str]]) -> None:
        self.values = values

    def get_all(self, key: str) -> list[str]:
        value = self.values.get(key, [])
        return list(value) if isinstance(value, list) else [value]
