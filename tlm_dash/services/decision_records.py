"""Records of decisions: drafted from what a page shows, saved for good, written as a page or as JSON.

A record is a JSON object:

    kind, question, answer, run_ids    what was asked of which runs, and the answer in a sentence
    decided_by, decided_at, reason     who took it, when and why; None in a report
    request                            what asks the same again (services/record_check.py does)
    findings                           [{title, text, figures}], figures as on the command line
    charts                             what the figures are drawn from
    data, runs, labels                 files, frozen settings and counts, where labels come from
    method, versions                   how it was computed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import utc_now
from tlm_dash.services.decide import Decision, Question, decision_of, threshold_facts
from tlm_dash.services.decision_words import threshold_answer, threshold_question
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.operating_point import OperatingPoint
from tlm_dash.services.place import Place
from tlm_dash.services.record_data import data_facts, label_facts, run_facts, versions
from tlm_dash.store import decisions as stored
from tlm_dash.store.decisions import DecisionKind, SavedDecision

__all__ = ["Record", "SavedDecision", "drafted_again", "listed", "save", "show", "threshold_record"]

Record = dict[str, Any]

LONGEST_REASON = 2_000


def threshold_record(
    place: Place, run_id: str, question: Question, *, chosen_threshold: float | None = None
) -> Record:
    """Draft the record of a threshold: the answer to a question, or one that a person chose on the curve.

    Raises NotFoundError, InvalidInputError, StoreError.
    """
    run = labelled_run(place, run_id, basis=question.basis)
    decision = decision_of(run, question)
    chosen = None if chosen_threshold is None else decision.point_at(chosen_threshold)
    figures = threshold_facts(decision)
    findings = [{"title": "The threshold", "text": "", "figures": figures}]
    if chosen is not None:
        findings.append({"title": "The threshold that was chosen", "text": "", "figures": asdict(chosen)})
    findings.append({
        "title": "How well the score ranks", "text": "", "figures": decision.quality.facts(),
    })  # fmt: skip
    return _record(
        place,
        "threshold",
        [run],
        question=threshold_question(question, run.record.name),
        answer=threshold_answer(decision, chosen),
        request={"run_id": run_id, "question": asdict(question), "chosen_threshold": chosen_threshold},
        findings=findings,
        charts={
            "curve": _curve(decision),
            "max_risk": question.max_risk,
            "coverage": _coverage(decision, chosen),
        },
        method=decision.answer.method,
        settings={name: value for name, value in asdict(question).items() if value is not None},
    )


def save(place: Place, record: Record, *, decided_by: str, reason: str) -> str:
    """Save a drafted record as somebody's decision; gives its id.

    Raises InvalidInputError without a name or a reason, StoreError.
    """
    decided_by, reason = decided_by.strip(), reason.strip()
    if not decided_by or not reason:
        raise InvalidInputError(
            "A decision needs a name and a reason.", hint="Say who decides, and why, in a sentence."
        )
    if len(reason) > LONGEST_REASON:
        raise InvalidInputError(f"The reason is longer than {LONGEST_REASON:,} characters.")
    signed = {**record, "decided_by": decided_by, "reason": reason, "decided_at": utc_now().isoformat()}
    return stored.save_decision(
        place.store, kind=record["kind"], run_ids=record["run_ids"], question=record["question"],
        verdict=record["answer"], decided_by=decided_by, reason=reason, record=signed,
    )  # fmt: skip


def drafted_again(place: Place, record: Mapping[str, Any]) -> Record:
    """Draft a record anew from its request and what the store holds now. Raises NotFoundError."""
    request = record["request"]
    return threshold_record(
        place,
        request["run_id"],
        Question(**request["question"]),
        chosen_threshold=request["chosen_threshold"],
    )


def listed(place: Place, run_id: str | None = None) -> list[SavedDecision]:
    """Give saved decisions, newest first; with `run_id` those about that run."""
    return stored.decisions(place.store, run_id)


def show(place: Place, wanted: str) -> SavedDecision:
    """Find a saved decision by its id or a unique beginning of it. Raises NotFoundError."""
    return stored.find_decision(place.store, wanted)


def _record(
    place: Place,
    kind: DecisionKind,
    runs: Sequence[LabelledRun],
    *,
    question: str,
    answer: str,
    request: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    charts: Mapping[str, Any],
    method: str,
    settings: Mapping[str, Any],
) -> Record:
    return {
        "format": "tlm_dash record 1",
        "kind": kind,
        "question": question,
        "answer": answer,
        "run_ids": [run.record.run_id for run in runs],
        "decided_by": None,
        "decided_at": None,
        "reason": None,
        "made_at": utc_now().isoformat(),
        "request": dict(request),
        "findings": [dict(finding) for finding in findings],
        "charts": dict(charts),
        "data": data_facts(place, [run.record.dataset_id for run in runs]),
        "runs": [run_facts(place, run) for run in runs],
        "labels": [label_facts(run) for run in runs],
        "method": {"sentence": method, "settings": dict(settings)},
        "versions": versions(),
    }


def _curve(decision: Decision) -> list[dict[str, Any]]:
    names = (
        "threshold",
        "coverage",
        "risk",
        "risk_low",
        "risk_high",
        "n_accepted_labelled",
        "n_wrong_accepted",
    )
    return [{name: getattr(point, name) for name in names} for point in decision.points]


def _coverage(decision: Decision, chosen: OperatingPoint | None) -> float | None:
    point = chosen or decision.answer.point
    return None if point is None else point.coverage
