"""What the end of a request means for its item: rows for the store, counts, and what is to be done next."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from tlm_dash.batch.grid import Grid
from tlm_dash.batch.lanes import Lane
from tlm_dash.batch.questions import (
    Cell,
    Question,
    Unit,
    completion_row,
    done_rows,
    end_row,
    error_row,
    pending_row,
)
from tlm_dash.batch.recorder import Recorder
from tlm_dash.batch.retries import GivingUp, wait_before_retry
from tlm_dash.batch.serving import Sending
from tlm_dash.batch.tally import Tally
from tlm_dash.errors import EndpointError, RequestRefusedError, TlmDashError
from tlm_dash.models import Generated, Scored, new_id
from tlm_dash.store.run_counts import NOT_SENT

OPTION_REFUSED = (400, 422)
"""The statuses with which an endpoint refuses an option that it does not know."""

UNSCORED_MESSAGE = "The answer is kept, but it has no score."

BUG_MESSAGE = "Something went wrong inside tlm_dash; the details are in its log."
BUG_HINT = "Retry the failed rows; if it stays, report it with the last lines of the log."

Rows = dict[str, list[dict[str, Any]]]


class Outcomes:
    """Takes the ends of the requests of one grid. Everything is queued for the store before it returns."""

    def __init__(
        self,
        grid: Grid,
        recorder: Recorder,
        tallies: Mapping[str, Tally],
        score_lane: Lane,
        closed: Callable[[int], None],
        give_up: Callable[[str, str], None],
        refused: Callable[[Unit, EndpointError], bool],
    ) -> None:
        """`refused` takes what is not tried again, and tells whether its row stays open for now."""
        self._grid = grid
        self._recorder = recorder
        self._tallies = tallies
        self._score_lane = score_lane
        self._closed = closed
        self._give_up = give_up
        self._refused = refused
        self._giving_up = GivingUp()
        self._chance = random.Random()
        self.waiting_for: Callable[[Unit], list[Unit]] = lambda _: []
        """What waits for the outcome of a request, and is given up by asking: it fails as that does."""
        self.leave_out_score = True
        """Whether the endpoint is asked for an answer without a score; some do not know that option."""

    def generated(self, unit: Unit, attempt_id: str, generated: Generated) -> None:
        """Take an answer: store it, and score it where that has not come along."""
        question, run = unit.question, unit.cell.run
        question.answered(generated.completion, new_id())
        tally = self._tallies[run.run_id]
        tally.n_answered += 1
        tally.note_answer(generated.completion.usage, generated.completion.resolved_model)
        rows: Rows = {
            "attempt_end": [end_row(attempt_id, "ok", generated.latency_ms)],
            "completion": [completion_row(self._grid, question, generated, run.model)],
        }
        if self._grid.mode == "generate" and generated.score is not None:
            rows |= done_rows(question, unit.cell, Scored(generated.score, latency_ms=0.0))
            self._recorder.add(rows)
            self._done(unit.cell)
            return
        rows["run_item"] = [pending_row(question, cell) for cell in question.cells]
        self._recorder.add(rows)
        self.ask_for_scores(question)

    def ask_for_scores(self, question: Question) -> None:
        """Queue a request per run that scores this response; no run is always the first."""
        turn = question.item_no % len(question.cells)
        for cell in (*question.cells[turn:], *question.cells[:turn]):
            self._score_lane.follow_up(Unit("score", question, cell))

    def scored(self, unit: Unit, attempt_id: str, scored: Scored) -> None:
        """Take a score."""
        self._tallies[unit.cell.run.run_id].n_answered += 1
        rows = done_rows(unit.question, unit.cell, scored)
        rows["attempt_end"] = [end_row(attempt_id, "ok", scored.latency_ms)]
        self._recorder.add(rows)
        self._done(unit.cell)

    def repeated(self, unit: Unit, scored: Scored) -> None:
        """Take the score of an equal row."""
        self._recorder.add(done_rows(unit.question, unit.cell, scored))
        self._done(unit.cell)

    def failed(
        self, unit: Unit, attempt_id: str, error: EndpointError, latency_ms: float, lane: Lane
    ) -> None:
        """Take a failure: try again later, or close the item with it."""
        self._recorder.add({"attempt_end": [end_row(attempt_id, "error", latency_ms, error)]})
        for cell in unit.cells:
            self._tallies[cell.run.run_id].heard(error.kind)
        if self._refuses_option(unit, error):
            self.leave_out_score = False
            lane.put_later(unit, 0.0)
            return
        wait_s = wait_before_retry(unit, error, self._chance)
        if wait_s is not None:
            lane.put_later(unit, wait_s)
            return
        if self._refused(unit, error):
            return
        self.close(unit, error.kind, error.message, error.hint)
        if self._giving_up.note_error(error.kind):
            self._give_up(error.message, error.hint)

    def not_sent(self, unit: Unit, attempt_id: str, kind: str, error: TlmDashError) -> None:
        """Take a failure on our own side: the request could not be made."""
        self._recorder.add({"attempt_end": [end_row(attempt_id, "error", None, error)]})
        self.close(unit, kind, error.message, error.hint)

    def cut_off(self, sending: Sending, latency_ms: float) -> None:
        """Take a request that was closed; the endpoint may have done it, unless it had not left."""
        tally = self._tallies[sending.unit.cell.run.run_id]
        outcome = "cancelled" if sending.is_cut else "interrupted"
        end = end_row(sending.attempt_id, outcome, latency_ms if sending.has_left else None)
        if sending.has_left:
            tally.note_cut()
        else:
            end["error_kind"] = NOT_SENT
            tally.take_back(maybe_again=sending.maybe_again)
        self._recorder.add({"attempt_end": [end]})

    def close(self, unit: Unit, kind: str, message: str, hint: str) -> None:
        """Close the item with an error: without an answer in all its runs, else in this one."""
        question, cells, told = unit.question, unit.cells, message
        if question.completion_id is not None and self._grid.mode != "score":
            told = f"{UNSCORED_MESSAGE} {message}"
        rows = [error_row(question, cell, kind, told, hint) for cell in cells]
        self._recorder.add({"run_item": rows})
        for cell in cells:
            self._tallies[cell.run.run_id].note_error(kind)
        self._closed(len(cells))
        for waiting in self.waiting_for(unit):
            self.close(waiting, kind, message, hint)

    def _refuses_option(self, unit: Unit, error: EndpointError) -> bool:
        grid = self._grid
        without = unit.call == "generate" and grid.mode != "generate" and grid.answered_by == "endpoint"
        refused = isinstance(error, RequestRefusedError) and error.status in OPTION_REFUSED
        if not (without and refused):
            return False
        first = unit.n_tries == 0
        unit.n_tries += 1
        return first

    def _done(self, cell: Cell) -> None:
        self._giving_up.note_done()
        self._tallies[cell.run.run_id].note_done()
        self._closed(1)
