"""A model on several servers: each call goes where the fewest are in hand."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tlm_dash.local_endpoint.model_source import ModelSource


def test_calls_are_spread_over_the_servers_and_none_stays_in_hand() -> None:
    twin = ModelSource("small", "http://two/v1", native_url="http://two")
    source = ModelSource("small", "http://one/v1", native_url="http://one", twins=(twin,))
    with ExitStack() as calls:
        given = [calls.enter_context(source.least_busy()) for _ in range(4)]
        assert sorted(server.base_url for server in given) == ["http://one/v1"] * 2 + ["http://two/v1"] * 2
    with source.least_busy() as first, source.least_busy() as second:
        assert first.base_url != second.base_url
    with pytest.raises(ConnectionError), source.least_busy() as failing:
        raise ConnectionError
    with source.least_busy() as again:
        assert again is failing


def test_one_server_gets_all_calls() -> None:
    source = ModelSource("small", "http://one/v1")
    with source.least_busy() as first, source.least_busy() as second:
        assert first is second is source


def test_what_is_held_to_a_grammar_has_one_server_and_the_others_none_beside_it() -> None:
    last = ModelSource("small", "http://two/v1")
    source = ModelSource("small", "http://one/v1", twins=(last,))
    with source.least_busy(grammar=True) as held, ExitStack() as calls:
        others = [calls.enter_context(source.least_busy()) for _ in range(3)]
        with source.least_busy(grammar=True) as second:
            assert held is last and second is last
    assert others == [source] * 3
    with source.least_busy() as one, source.least_busy() as two:
        assert {one.base_url, two.base_url} == {"http://one/v1", "http://two/v1"}
