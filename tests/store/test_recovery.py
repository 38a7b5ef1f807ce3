"""After a crash every request has an end and every card a result, and it is told what is not known."""

from __future__ import annotations

from datetime import timedelta

from tests.store.conftest import OpenStore
from tests.store.rows import (
    answer,
    attempt_row,
    completion_row,
    make_entry,
    make_runs,
    run_item_row,
    write,
)
from tlm_dash.models import utc_now
from tlm_dash.store.playground import close_interrupted, entry


def test_nothing_to_close(open_store: OpenStore) -> None:
    assert close_interrupted(open_store()) == 0


def test_what_was_under_way_is_ended(open_store: OpenStore) -> None:
    store = open_store()
    finished, failed, sent, unsent, waiting = make_runs(store, {}, {}, {}, {}, {})
    entry_id, item_no = make_entry(store, finished, failed, sent, unsent, waiting)
    answer(store, finished, item_no, trustworthiness_score=0.5)
    write(store, run_item=run_item_row(failed, item_no, status="error", error_kind="timeout"))
    attempts = [
        attempt_row(finished, item_no),
        attempt_row(sent, item_no, attempt_no=2),
        attempt_row("other", 7),
    ]
    completion = completion_row(item_no, "Half an ans", is_complete=False)
    write(
        store,
        attempt=attempts,
        attempt_end={"attempt_id": attempts[0]["attempt_id"], "outcome": "ok", "ended_at": utc_now()},
        completion=completion,
        run_item=run_item_row(waiting, item_no, status="pending", completion_id=completion["completion_id"]),
    )
    store.close()

    store = open_store()
    assert close_interrupted(store) == 3
    ends = store.read("SELECT attempt_id, outcome FROM attempt_end")
    assert dict(ends) == {
        attempts[0]["attempt_id"]: "ok",
        attempts[1]["attempt_id"]: "interrupted",
        attempts[2]["attempt_id"]: "interrupted",
    }
    found = entry(store, entry_id)
    assert found is not None
    cells = {cell.run_id: cell for cell in found.cells}
    assert [cell.status for cell in found.cells] == ["done", "error", "error", "error", "error"]
    assert cells[finished].trustworthiness_score == 0.5
    assert cells[failed].error_kind == "timeout"
    for run_id in (sent, unsent, waiting):
        assert cells[run_id].error_kind == "interrupted"
        assert cells[run_id].error_message
    assert "billed" in (cells[sent].error_hint or "")
    assert "Nothing had been sent" in (cells[unsent].error_hint or "")
    assert cells[sent].attempt_no == 2
    assert (cells[waiting].response, cells[waiting].is_complete) == ("Half an ans", False)
    assert close_interrupted(store) == 0
    assert len(store.read("SELECT * FROM attempt_end")) == 3


def test_long_done_work_is_not_looked_at_and_what_is_open_beside_it_is_ended(open_store: OpenStore) -> None:
    """Old rows are told apart by the times of the last ones, each kind by its own."""
    store = open_store()
    long_ago, now = utc_now() - timedelta(days=400), utc_now()
    old, again, fresh = make_runs(store, {}, {}, {})
    old_entry, item_no = make_entry(store, old, created_at=long_ago)
    answer(store, old, item_no, trustworthiness_score=0.5)
    make_entry(store, again, created_at=long_ago)
    make_entry(store, fresh)
    open_again = attempt_row(again, 2, sent_at=now - timedelta(hours=20))
    write(store, attempt=[attempt_row("a run of long ago", 1, sent_at=long_ago), open_again])
    assert close_interrupted(store) == 2
    assert store.read("SELECT attempt_id FROM attempt_end") == [(open_again["attempt_id"],)]
    closed = store.read("SELECT run_id FROM run_item WHERE error_kind = 'interrupted'")
    assert {run_id for (run_id,) in closed} == {again, fresh}
    assert entry(store, old_entry) is not None


def test_a_try_after_an_interruption_counts(open_store: OpenStore) -> None:
    store = open_store()
    (run,) = make_runs(store, {})
    entry_id, item_no = make_entry(store, run)
    close_interrupted(store)
    answer(store, run, item_no, attempt_no=2, trustworthiness_score=0.9)
    found = entry(store, entry_id)
    assert found is not None
    assert found.cells[0].trustworthiness_score == 0.9
    assert close_interrupted(store) == 0
