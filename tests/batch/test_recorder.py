"""The recorder: rows in order, many in a commit, and patience where the store cannot take them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from tlm_dash.batch import recorder as module
from tlm_dash.batch.recorder import Recorder
from tlm_dash.errors import StoreClosedError, StoreError, StoreFullError


class ScriptedStore:
    """Takes rows, or fails as it is told to."""

    def __init__(self, failures: Sequence[StoreError] = ()) -> None:
        self.commits: list[Mapping[str, Sequence[Mapping[str, Any]]]] = []
        self.failures = list(failures)
        self.were_fresh: list[bool] = []

    def append(
        self, tables: Mapping[str, Sequence[Mapping[str, Any]]], *, is_fresh: bool = False
    ) -> Future[None]:
        """Commit at once."""
        self.were_fresh.append(is_fresh)
        done: Future[None] = Future()
        if self.failures:
            done.set_exception(self.failures.pop(0))
        else:
            self.commits.append(tables)
            done.set_result(None)
        return done


def test_rows_of_one_moment_share_a_commit_in_their_order() -> None:
    async def go() -> None:
        store = ScriptedStore()
        recorder = Recorder(lambda: store)  # type: ignore[arg-type, return-value]
        futures = [recorder.add({"attempt": [{"n": n}]}) for n in range(50)]
        await asyncio.gather(*futures)
        await recorder.add({"attempt": [{"n": 50}], "attempt_end": [{"n": 0}]})
        assert [[row["n"] for row in commit["attempt"]] for commit in store.commits] == [
            list(range(50)),
            [50],
        ]

    asyncio.run(go())


def test_a_full_disk_is_waited_for_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRY_AGAIN_AFTER_S", 0.02)

    async def go() -> None:
        # Full until the test makes room, however late it looks.
        store = ScriptedStore([StoreFullError("No room is left.")] * 100_000)
        recorder = Recorder(lambda: store)  # type: ignore[arg-type, return-value]
        written = recorder.add({"attempt": [{"n": 1}]})
        while len(store.were_fresh) < 2:
            await asyncio.sleep(0.005)
        assert isinstance(recorder.problem, StoreFullError)
        later = recorder.add({"attempt": [{"n": 2}]})
        tries = len(store.were_fresh)
        store.failures.clear()
        await asyncio.gather(written, later)
        assert recorder.problem is None
        assert [commit["attempt"] for commit in store.commits] == [[{"n": 1}], [{"n": 2}]]
        # A commit of unknown outcome is repeated with care.
        assert store.were_fresh == [True, *[False] * tries, True]

    asyncio.run(go())


def test_a_closed_store_fails_those_who_wait() -> None:
    async def go() -> None:
        store = ScriptedStore([StoreClosedError("closed")])
        recorder = Recorder(lambda: store)  # type: ignore[arg-type, return-value]
        written = recorder.add({"attempt": [{"n": 1}]})
        await recorder.flush()
        with pytest.raises(StoreClosedError):
            await written

    asyncio.run(go())
