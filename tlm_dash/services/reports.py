"""Reports: what the pages say of one or several runs, as one HTML file, without anybody's decision in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import new_id
from tlm_dash.services.asking import AskedDecision, ask, known, look
from tlm_dash.services.asking_words import late_reason
from tlm_dash.services.compare import CompareRequest
from tlm_dash.services.decide import Question
from tlm_dash.services.place import Place
from tlm_dash.services.private_files import put_in_place
from tlm_dash.services.record_drafts import Record, comparison_record, threshold_record
from tlm_dash.services.record_files import as_html
from tlm_dash.services.runs import show

DEFAULT_RISK = 0.05


def report_record(
    place: Place,
    wanted: Sequence[str],
    *,
    max_risk: float | None = None,
    confidence: float = 0.95,
    margin: float | None = None,
) -> Record:
    """Draft a report: the threshold of one run, or several runs against the first.

    A target that is named is asked, and kept where it is the first of these labels. Without one the first
    that was asked is told again; where none was, 5% is read from the band, and nothing is kept.

    `wanted` are ids, unique beginnings of ids or unique names. Raises NotFoundError, InvalidInputError.
    """
    run_ids = tuple(show(place, run).record.run_id for run in wanted)
    if len(run_ids) == 1:
        asked = _asked(place, run_ids[0], max_risk, confidence)
        late = asked.standing.late_to
        return threshold_record(
            place, run_ids[0], asked.decision.question, told=asked.notes(),
            withheld=late_reason(late) if late else None,
        )  # fmt: skip
    return comparison_record(place, CompareRequest(run_ids, margin=margin, confidence=confidence))


def _asked(place: Place, run_id: str, max_risk: float | None, confidence: float) -> AskedDecision:
    if max_risk is not None:
        return ask(place, run_id, Question(max_risk=max_risk, confidence=confidence))
    found = look(place, run_id, Question(max_risk=DEFAULT_RISK, confidence=confidence))
    if found.first is None:
        return found
    first = Question(max_risk=found.first.max_risk, confidence=found.first.confidence)
    # Where other labels of the run were asked it, nothing was asked of these: they are looked at.
    return known(place, run_id, first) if found.standing.state == "own" else look(place, run_id, first)


def write_report(record: Record, output: Path) -> dict[str, Any]:
    """Write a report and tell about it. Raises InvalidInputError where it cannot be written there."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(
            f"A report is a page: {output.name!r} does not end in .html.", hint="Name it FILE.html."
        )
    unfinished = output.with_name(f".{new_id()}.partial")
    try:
        unfinished.write_text(as_html(record), encoding="utf-8", errors="replace")
        put_in_place(unfinished, output)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise InvalidInputError(
            f"{output} could not be written: {error.strerror or error}.",
            hint="Choose another place with --output.",
        ) from error
    return {"output": str(output), "question": record["question"], "answer": record["answer"]}
