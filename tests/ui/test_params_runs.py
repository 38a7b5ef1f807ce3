"""The address of the Runs page: what was chosen in the drawer is read back; nonsense never fails."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.ui.query import Query, words
from tlm_dash.models import QUALITY_PRESETS
from tlm_dash.ui.params import LONGEST_DRAFT
from tlm_dash.ui.params_new_run import Choices
from tlm_dash.ui.params_runs import RunsParams

cells = st.builds("{}~{}".format, st.sampled_from(QUALITY_PRESETS), words)
texts = st.text(max_size=40)
whole = st.none() | st.integers(min_value=1, max_value=10**9)
choices = st.builds(
    Choices,
    new_dataset=st.none() | words,
    mode=st.sampled_from([None, "generate", "score", "generate-then-score"]),
    provider_answers=st.booleans(),
    models=st.none() | st.lists(words, min_size=1, max_size=3).map(tuple),
    cells=st.none() | st.lists(cells, max_size=3).map(tuple),
    row_kind=st.sampled_from(["first", "random"]),
    n_rows=st.integers(min_value=1, max_value=10**9),
    template=texts,
    system_prompt=texts,
    temperature=st.none() | st.floats(min_value=0, max_value=2),
    max_tokens=st.none() | st.integers(min_value=1, max_value=100_000),
    explain=st.booleans(),
    repeats_once=st.booleans(),
    scorer_model=st.none() | words,
    max_requests=whole,
    max_cost=st.none() | st.floats(min_value=1e-6, max_value=1e9),
    requests_per_minute=whole,
    max_in_flight=whole,
)
addresses = st.builds(
    RunsParams,
    dataset=st.none() | words,
    run=st.none() | words,
    page=st.integers(min_value=1, max_value=999_999),
    new=st.booleans(),
    pilots=st.lists(words, max_size=3).map(tuple),
    pilot_of=st.none() | words,
    choices=choices | st.just(Choices()),
)


@given(addresses)
def test_an_address_is_read_back_as_it_was_written(params: RunsParams) -> None:
    assert RunsParams.from_query(Query(params.to_dict())) == params
    closed = params.drawer(is_open=False)
    assert (closed.new, closed.choices, closed.pilots) == (False, params.choices, params.pilots)
    assert params.started().choices == Choices()


NAMES = st.sampled_from([
    "mode", "cell", "model", "rows", "temperature", "max_tokens", "max_cost", "max_requests", "answered_by",
    "page", "new",
])  # fmt: skip


@given(st.dictionaries(NAMES, st.lists(st.text() | st.sampled_from(["-1", "1e400", "nan", "0"]), max_size=3)))
def test_nonsense_in_the_address_falls_back(query: dict[str, list[str]]) -> None:
    found = RunsParams.from_query(Query(query)).choices
    assert found.n_rows >= 1 and found.row_kind in ("all", "first", "random")
    assert found.temperature is None or 0 <= found.temperature <= 2
    assert found.max_cost is None or 0 < found.max_cost <= 1e9
    assert all(cell.partition("~")[0] in QUALITY_PRESETS for cell in found.cells or ())


def test_texts_too_long_for_an_address_are_left_out() -> None:
    long = Choices(template="x" * (LONGEST_DRAFT + 1), system_prompt="y" * LONGEST_DRAFT)
    assert list(long.to_dict()) == ["system_prompt"]
