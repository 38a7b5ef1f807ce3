"""A playground entry as the page shows it: the stored cells, with what is under way laid over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tlm_dash.batch.live import LiveCell
from tlm_dash.errors import NotFoundError, SettingsError
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.services.prices import PriceTable, price_table
from tlm_dash.store import playground as stored
from tlm_dash.store.playground import PlaygroundCell, PlaygroundEntry

CellStatus = Literal["waiting", "answering", "scoring", "done", "error"]


@dataclass(frozen=True)
class CellView:
    """One card: the stored cell, with what is under way laid over it. `text` is the response so far.

    `cost` is what answer and score take by the prices of today, None where a price is missing. An answer that
    several cards share is in the cost of each; `costs_score` tells whether the score has a price too.
    """

    cell: PlaygroundCell
    status: CellStatus
    text: str | None
    note: str = ""
    since: float | None = None
    standing: stored.Standing | None = None
    cost: float | None = None
    costs_score: bool = False


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
    prices = _prices(dashboard)
    cells = tuple(_cell_view(dashboard, entry, cell, live.get(cell.run_id), prices) for cell in entry.cells)
    return EntryView(entry, PlaygroundRequest.from_mapping(entry.request), cells)


def _prices(dashboard: Dashboard) -> PriceTable:
    try:
        return price_table(dashboard)
    except SettingsError:
        # A price file that cannot be used: the Settings page says so, and no card is lost for it.
        return PriceTable()


def _cell_view(
    dashboard: Dashboard, entry: PlaygroundEntry, cell: PlaygroundCell, live: LiveCell | None,
    prices: PriceTable,
) -> CellView:  # fmt: skip
    if live is None:
        scored = cell.trustworthiness_score is not None
        standing = stored.standing(dashboard.store, cell.run_id, entry.item_no) if scored else None
        cost = prices.cost(
            cell.model, cell.quality_preset, input_tokens=cell.input_tokens,
            output_tokens=cell.output_tokens, n_scored=1,
        )  # fmt: skip
        status: CellStatus = "done" if cell.status == "done" else "error"
        return CellView(
            cell, status, cell.response, standing=standing, cost=cost if status == "done" else None,
            costs_score=cell.quality_preset in prices.per_request,
        )  # fmt: skip
    text = live.text or cell.response
    if live.phase == "unsaved":
        return CellView(cell, "error", text, note=live.note)
    return CellView(cell, live.phase, text, note=live.note, since=live.since)
