"""The questions that a grid still has to ask, page by page, in the order of the items."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby

from tlm_dash.batch.grid import Grid
from tlm_dash.batch.questions import Cell, Question
from tlm_dash.models import Completion, Usage
from tlm_dash.store.database import Store
from tlm_dash.store.item_values import values_of
from tlm_dash.store.run_feed import FeedRun, messages_of, open_cells, responses_of
from tlm_dash.store.run_models import OpenCell, StoredResponse

PAGE_CELLS = 1000
WIDEST_WINDOW = 100_000
"""A stretch of finished items is passed over in windows that grow up to this many."""


class Feed:
    """Reads ahead by one page. The order of the runs changes from item to item: none is always first."""

    def __init__(
        self, store: Callable[[], Store], grid: Grid, retry_at: dict[str, datetime | None], *, pilot: bool
    ) -> None:
        self._store = store
        self._grid = grid
        self._retry_at = retry_at
        self._pilot = pilot
        self._runs = {run.run_id: run for run in grid.runs}
        self._members = [FeedRun(r.run_id, r.lead_run_id, r.source_run_id) for r in grid.runs]
        self._narrow = max(1, PAGE_CELLS // max(1, len(retry_at)))
        self._width = self._narrow
        self._next_item = 0

    async def page(self) -> list[Question] | None:
        """Give the next questions, at least one; None at the end."""
        return await asyncio.to_thread(self._page)

    def _page(self) -> list[Question] | None:
        store, grid = self._store(), self._grid
        while self._next_item <= grid.selection.last_item_no:
            low, high = self._next_item, self._next_item + self._width - 1
            cells = open_cells(
                store, grid.dataset_id, grid.selection, low, high, self._members, self._retry_at,
                pilot=self._pilot,
            )  # fmt: skip
            self._next_item = high + 1
            if cells:
                if len(cells) > 2 * PAGE_CELLS:
                    # The first of a wide window: go on behind what one page can take.
                    cells = _whole_items(cells)
                    self._next_item = cells[-1].item_no + 1
                self._width = self._narrow
                return self._questions(store, cells)
            self._width = min(2 * self._width, WIDEST_WINDOW)
        return None

    def _questions(self, store: Store, cells: Sequence[OpenCell]) -> list[Question]:
        dataset_id = self._grid.dataset_id
        low, high = cells[0].item_no, cells[-1].item_no
        item_nos = sorted({cell.item_no for cell in cells})
        messages = messages_of(store, dataset_id, item_nos)
        values = values_of(store, dataset_id, item_nos) if self._grid.needs_values else {}
        ids = {cell.completion_id for cell in cells if cell.completion_id is not None}
        responses = responses_of(store, dataset_id, sorted(ids), low, high)
        questions: list[Question] = []
        for item_no, of_item in groupby(cells, lambda cell: cell.item_no):
            by_lead: dict[str, list[OpenCell]] = {}
            for cell in of_item:
                by_lead.setdefault(self._runs[cell.run_id].lead_run_id, []).append(cell)
            for lead in _turned(sorted(by_lead), item_no):
                of_lead = sorted(by_lead[lead], key=lambda cell: cell.run_id != lead)
                found = [responses[c.completion_id] for c in of_lead if c.completion_id in responses]
                question = Question(
                    item_no, messages[item_no],
                    self._grid.messages_to_send(messages[item_no], values.get(item_no)),
                    [Cell(self._runs[cell.run_id], cell.attempt_no) for cell in of_lead],
                )  # fmt: skip
                if found:
                    _give(question, found[0])
                elif of_lead and self._runs[of_lead[0].run_id].source_run_id is not None:
                    continue  # The response that was to be scored is not whole.
                questions.append(question)
        return questions


def _give(question: Question, stored: StoredResponse) -> None:
    question.completion = Completion(
        stored.response, model=stored.model or "", resolved_model=stored.resolved_model,
        finish_reason=stored.finish_reason, usage=Usage(stored.input_tokens, stored.output_tokens),
        extra=stored.extra,
    )  # fmt: skip
    question.completion_id, question.response_hash = stored.completion_id, stored.response_hash


def _whole_items(cells: Sequence[OpenCell]) -> list[OpenCell]:
    """Cut a page so that no item is torn apart."""
    cut = PAGE_CELLS
    while cut < len(cells) and cells[cut].item_no == cells[cut - 1].item_no:
        cut += 1
    return list(cells[:cut])


def _turned(names: Sequence[str], by: int) -> list[str]:
    turn = by % len(names)
    return [*names[turn:], *names[:turn]]
