"""How the cells of a plan end: in the store first, then off the board, so that each is always in one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from tlm_dash.batch.ledger import commit
from tlm_dash.batch.live import LiveBoard, Phase
from tlm_dash.batch.plan import AnswerPlan, PlannedCell
from tlm_dash.batch.rows import completion_row, pending_row
from tlm_dash.errors import StoreClosedError, StoreError
from tlm_dash.models import Completion, Generated
from tlm_dash.store.database import Store

logger = logging.getLogger(__name__)

SAVE_AGAIN_EVERY_S = 3.0
"""How often rows that the store did not take (a full disk) are offered again."""

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


class Endings:
    """Writes what a plan brings, and keeps the board true to it. Used on the engine's loop."""

    def __init__(self, store: Store, board: LiveBoard, plan: AnswerPlan) -> None:
        self._store = store
        self._board = board
        self._plan = plan
        self.enter("waiting")

    def enter(self, phase: Phase, cell: PlannedCell | None = None) -> None:
        """Show a cell, or all of them, in a phase."""
        for each in self._plan.cells if cell is None else (cell,):
            self._board.enter(self._plan.entry_id, each.run_id, phase)

    def note(self, note: str, cell: PlannedCell | None = None) -> None:
        """Say what a cell, or all of them, wait for."""
        for each in self._plan.cells if cell is None else (cell,):
            self._board.enter(self._plan.entry_id, each.run_id, "waiting", note=note)

    def clear_board(self) -> None:
        """Take what is left of the plan off the board."""
        for cell in self._plan.cells:
            self._board.leave(self._plan.entry_id, cell.run_id)

    async def save_response(
        self, generated: Generated, completion: Completion, completion_id: str, *, is_complete: bool = True
    ) -> None:
        """Store a response, and that every cell is about to score it."""
        plan = self._plan
        tables = {
            "completion": [completion_row(plan, completion_id, generated, is_complete=is_complete)],
            "run_item": [pending_row(plan, cell, completion, completion_id) for cell in plan.cells],
        }
        await self._commit(plan.cells, tables)

    async def save(self, cell: PlannedCell, tables: Tables) -> None:
        """Store a cell's end and take it off the board."""
        await self._commit((cell,), tables)
        self._board.leave(self._plan.entry_id, cell.run_id)

    async def _commit(self, cells: Sequence[PlannedCell], tables: Tables) -> None:
        """Commit, again where the store cannot take it now: what was paid for is not thrown away."""
        # A cancellation must not come between a commit and what is said of it.
        await asyncio.shield(asyncio.ensure_future(self._commit_patiently(cells, tables)))

    async def _commit_patiently(self, cells: Sequence[PlannedCell], tables: Tables) -> None:
        while True:
            try:
                await commit(self._store, tables)
                return
            except StoreClosedError:
                raise
            except StoreError as error:
                logger.error("A result is not stored yet: %s", error)
                for cell in cells:
                    self._board.enter(
                        self._plan.entry_id, cell.run_id, "unsaved", note=_unsaved_note(error, tables)
                    )
            await asyncio.sleep(SAVE_AGAIN_EVERY_S)


def _unsaved_note(error: StoreError, tables: Tables) -> str:
    """Tell what is not on disk yet, with its score, so that nobody has to wait to see it."""
    scores = [row.get("trustworthiness_score") for row in tables.get("run_item", ())]
    known = [f"{score:.3f}" for score in scores if score is not None]
    score = f" Its score is {', '.join(known)}." if known else ""
    return f"Not saved yet, tried again every few seconds: {error}{score}"
