"""What is under way at this moment, for the page to show: never the record, which is the store."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal

Phase = Literal["waiting", "answering", "scoring", "unsaved"]


@dataclass(frozen=True, slots=True)
class LiveCell:
    """One answer on its way. `text` is what has streamed in so far; `since` is a monotonic time, seconds.

    An "unsaved" cell has ended, but the store did not take its rows; `note` says why.
    """

    phase: Phase
    text: str
    since: float
    note: str = ""


class LiveBoard:
    """Cells under way, by (entry_id, run_id). Written by the engine's thread, read by pages."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], tuple[Phase, list[str], float, str]] = {}
        # The text pieces of a cell are appended by the loop while a page joins them.
        self._lock = threading.Lock()

    def enter(self, entry_id: str, run_id: str, phase: Phase, *, note: str = "") -> None:
        """Put a cell into a phase; its text so far stays, its clock starts anew."""
        with self._lock:
            known = self._cells.get((entry_id, run_id))
            if known is not None and known[0] == phase:
                self._cells[entry_id, run_id] = (phase, known[1], known[2], note)
            else:
                pieces = known[1] if known is not None else []
                self._cells[entry_id, run_id] = (phase, pieces, time.monotonic(), note)

    def add_text(self, entry_id: str, run_id: str, piece: str) -> None:
        """Append a piece of streamed text to a cell that is under way."""
        with self._lock:
            known = self._cells.get((entry_id, run_id))
            if known is not None:
                known[1].append(piece)

    def leave(self, entry_id: str, run_id: str) -> None:
        """Take a cell off the board: the store holds it now."""
        with self._lock:
            self._cells.pop((entry_id, run_id), None)

    def cells(self, entry_id: str) -> dict[str, LiveCell]:
        """Look at an entry's cells that are on the board, by run_id."""
        with self._lock:
            return {
                run_id: LiveCell(phase, "".join(pieces), since, note)
                for (entry, run_id), (phase, pieces, since, note) in self._cells.items()
                if entry == entry_id
            }

    def entries_under_way(self) -> frozenset[str]:
        """List the entries that have a cell which has not ended."""
        with self._lock:
            return frozenset(entry for (entry, _), cell in self._cells.items() if cell[0] != "unsaved")
