"""How addresses are read and written: nonsense never fails, on any page, and what is written is read back."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.query import Query, words
from tlm_dash.services.review import RowFilter
from tlm_dash.ui.params import MOST_ROWS, Address, written
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.params_datasets import DatasetsParams
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.params_new_run import Choices
from tlm_dash.ui.params_playground import PlaygroundParams
from tlm_dash.ui.params_queue import QueueParams
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.params_runs import RunsParams

PAGES: list[Any] = [
    PlaygroundParams, DatasetsParams, RunsParams, Choices, ReviewParams, QueueParams, DecideParams,
    CompareParams,
]  # fmt: skip

# Names that are not those of a field.
KEYS = (
    "model", "preset", "cell", "rows", "pilot", "run", "view", "status", "label", "label_source", "tag",
    "text_in", "regex", "latency_ms_min", "latency_ms_max", "metric",
)  # fmt: skip
TRAPS = (
    "nan", "inf", "-inf", "1e400", "-1", "-0.0", "0", "1", "0.5", "1_000", "²", "٣", "yes", "random-5",
    "base~m", "0.1:0.9", "0.1:nan", "a=b", "=", "\x00", " x ",
)  # fmt: skip
# More digits than Python turns into a number; as a text it is too long for an address.
ENDLESS = "9" * 5000
texts = st.text(max_size=40) | st.sampled_from(TRAPS)


def names_of(page: type[Any]) -> list[str]:
    return sorted({field.name for of in (page, RowFilter) for field in fields(of)} | set(KEYS))


def written_by(params: Any) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(params, QueueParams):
        address: dict[str, Any] = params.to_dict()
        return address
    shared: dict[str, str] = {}
    params.write(shared)
    return shared


@pytest.mark.parametrize("page", PAGES)
@settings(deadline=None)
@given(data=st.data())
def test_any_text_is_read_as_something_that_is_read_back(page: type[Any], data: st.DataObject) -> None:
    names = st.sampled_from(names_of(page))
    query = data.draw(st.dictionaries(names, st.lists(texts, max_size=3), max_size=12))
    params = page.from_query(Query(query))
    again = page.from_query(Query(written_by(params)))
    # How many rows a person last thought of is not kept where all are taken.
    assert written_by(again) == written_by(params)
    assert again == params or page in (Choices, RunsParams)


@pytest.mark.parametrize("page", PAGES)
def test_no_single_value_fails(page: type[Any]) -> None:
    for name in names_of(page):
        for trap in (*TRAPS, ENDLESS, f"1.{ENDLESS}", f"first-{ENDLESS}", f"0.1:{ENDLESS}"):
            page.from_query(Query({name: trap}))


@given(st.none() | words, st.just("") | words, st.integers(1, MOST_ROWS))
def test_the_datasets_page_reads_back_what_it_writes(dataset: str | None, search: str, page: int) -> None:
    for params in (DatasetsParams(dataset, None, search, page), DatasetsParams(None, dataset, search, page)):
        assert DatasetsParams.from_query(Query(params.to_dict())) == params


@given(st.none() | words, st.none() | st.integers(0, MOST_ROWS))
def test_the_queue_reads_back_what_it_writes(plan: str | None, item: int | None) -> None:
    params = QueueParams(plan, item)
    shared = {"run": "r", "item": "7", "plan": "old"}
    params.write(shared)
    assert QueueParams.from_query(Query(shared)) == params
    assert shared["run"] == "r"


def test_values_keep_to_their_bounds() -> None:
    address = Address(Query({
        "low": "-1", "zero": "0", "one": " 1 ", "most": str(MOST_ROWS), "above": str(MOST_ROWS + 1),
        "half": "0.5", "all": "1", "many": ["a", " a ", " ", "b"], "no": "no",
    }))  # fmt: skip
    names = ("low", "zero", "one", "most", "above", "half", "absent")
    assert [address.whole(name) for name in names] == [None, None, 1, MOST_ROWS, None, None, None]
    assert (address.whole("zero", least=0), address.whole("one", most=0)) == (0, None)
    assert (address.number("low"), address.number("low", least=0)) == (-1, None)
    assert (address.number("one"), address.number("one", most=0.5)) == (1, None)
    assert [address.share(name) for name in ("zero", "half", "all")] == [None, 0.5, None]
    assert (address.names("many"), address.ids("many")) == (("a", " a ", "b"), ("a", "b"))
    assert (address.text("many"), address.verbatim("one")) == ("b", " 1 ")
    assert address.one_of("no", ("yes", "no"), "yes") == "no"
    assert address.one_of("half", ("yes", "no"), "yes") == "yes"
    assert (address.is_yes("no"), Address(Query({"new": "yes"})).is_yes("new")) == (False, True)


def test_defaults_are_left_out_and_zero_is_none_of_them() -> None:
    assert written({"a": None, "b": False, "c": "", "d": (), "e": []}) == {}
    values = {"a": 0, "b": 0.0, "c": True, "d": 0.1, "e": ("x", "")}
    assert written(values) == {"a": "0", "b": "0.0", "c": "yes", "d": "0.1", "e": ["x", ""]}
