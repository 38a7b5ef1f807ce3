"""What is written comes back as it was: any text at all, and times in UTC."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.rows import completion_row, dataset_row, item_row, write
from tlm_dash.models import new_id
from tlm_dash.store import Store
from tlm_dash.store.text import ESCAPE, original_text, stored_text

# Everything that Python holds as text: lone surrogates and U+0000 too, and what they are written as.
ANY_TEXT = st.text(
    st.characters(codec=None) | st.sampled_from(["\x00", "\ud83d", "\udfff", ESCAPE, "0", "d", "😀"])
)


@given(ANY_TEXT)
def test_every_text_has_a_form_that_can_be_stored(text: str) -> None:
    stored = stored_text(text)
    stored.encode("utf-8")
    assert "\x00" not in stored
    assert original_text(stored) == text


@given(ANY_TEXT)
def test_a_cut_text_ends_without_a_broken_piece(text: str) -> None:
    stored = stored_text(text)
    for length in range(len(stored)):
        assert text.startswith(original_text(stored[:length]))


@settings(deadline=None)
@given(prompt=ANY_TEXT, response=ANY_TEXT)
def test_round_trip(shared_store: Store, prompt: str, response: str) -> None:
    dataset_id, request = new_id(), {"prompt": prompt, response: [prompt]}
    completion = completion_row(1, response, dataset_id, extra=request)
    write(shared_store, item=item_row(1, prompt, dataset_id, reference=response), completion=completion)
    ((held, messages, reference),) = shared_store.read(
        "SELECT prompt, messages, reference FROM item WHERE dataset_id = ?", [dataset_id]
    )
    assert (held, reference) == (prompt, response)
    assert json.loads(messages)[0]["content"] == json.loads(json.dumps(prompt))
    ((held, extra),) = shared_store.read(
        "SELECT response, extra FROM completion WHERE dataset_id = ? AND response = ?", [dataset_id, response]
    )
    assert held == response
    assert json.loads(extra) == json.loads(json.dumps(request))


def test_lists_in_a_result_are_text_too(store: Store) -> None:
    write(store, dataset=[dataset_row(name="a\x00"), dataset_row(name="\ud83d")])
    assert store.read("SELECT list(name ORDER BY name) FROM dataset") == [(["a\x00", "\ud83d"],)]
    assert store.read_rows(
        "SELECT {'name': name} AS one FROM dataset WHERE name = $name", {"name": "a\x00"}
    ) == [{"one": {"name": "a\x00"}}]


@settings(deadline=None)
@given(microseconds=st.integers(0, 7_000_000_000_000_000), hours=st.integers(-12, 14))
def test_times_come_back_in_utc(shared_store: Store, microseconds: int, hours: int) -> None:
    moment = datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)
    local = moment.astimezone(timezone(timedelta(hours=hours)))
    row = dataset_row(created_at=local)
    write(shared_store, dataset=row)
    query = "SELECT created_at FROM dataset WHERE dataset_id = ? AND created_at = ?"
    ((held,),) = shared_store.read(query, [row["dataset_id"], local])
    assert held == local
    assert held.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="zone"):
        store.append({"dataset": [dataset_row(created_at=datetime(2026, 11, 23))]})  # noqa: DTZ001
