"""A playground entry as the page shows it: the stored cells, with what is under way laid over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tlm_dash.batch.live import LiveCell
from tlm_dash.errors import NotFoundError
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.store import playground as stored
from tlm_dash.store.playground import PlaygroundCell, PlaygroundEntry

CellStatus = Literal["waiting", "answering", "scoring", "done", "error"]


@dataclass(frozen=True)
class CellView:
    """One card: the stored cell, with what is under way laid over it. `text` is the response so far."""

    cell: PlaygroundCell
    status: CellStatus
    text: str | None
    note: str = ""
    since: float | None = None
    standing: stored.Standing | None = None


@dataclass(frozen=True)
class EntryView:
    """One playground entry as the page shows it."""

    entry: PlaygroundEntry
    request: PlaygroundRequest
    cells: tuple[CellView, ...]

    @property
    def is_live(self) -> bool:
        """Tell whether anything is still under way."""
        return any(cell.status in ("waiting", "answering", "scoring") for cell in self.cells)


def view(dashboard: Dashboard, entry_id: str) -> EntryView:
    """Look at one entry, stored and under way. Raises NotFoundError, StoreError."""
    # The board first: a cell leaves it only after its end is in the store, so it is seen in one of the two.
    live = dashboard.board.cells(entry_id)
    entry = stored.entry(dashboard.store, entry_id)
    if entry is None:
        raise NotFoundError(
            "This result is not in the database.",
            hint="It may belong to another database. Open one from the history below.",
        )
    cells = tuple(_cell_view(dashboard, entry, cell, live.get(cell.run_id)) for cell in entry.cells)
    return EntryView(entry, PlaygroundRequest.from_mapping(entry.request), cells)


def _cell_view(
    dashboard: Dashboard, entry: PlaygroundEntry, cell: PlaygroundCell, live: LiveCell | None
) -> CellView:
    if live is None:
        scored = cell.trustworthiness_score is not None
        standing = stored.standing(dashboard.store, cell.run_id, entry.item_no) if scored else None
        return CellView(cell, "done" if cell.status == "done" else "error", cell.response, standing=standing)
    text = live.text or cell.response
    if live.phase == "unsaved":
        return CellView(cell, "error", text, note=live.note)
    return CellView(cell, live.phase, text, note=live.note, since=live.since)
