"""Records in the making: everything that an answer about runs stands on, drafted from what the store holds.

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
from dataclasses import asdict, replace
from typing import Any

from tlm_dash.models import utc_now
from tlm_dash.services.asking import without_answer
from tlm_dash.services.choice import Choice, ChooseRequest, Setting
from tlm_dash.services.choose import known_choice, sample_named
from tlm_dash.services.choose_words import choice_question
from tlm_dash.services.compare import COMPARISON_VERSION, CompareRequest, Comparison, compare
from tlm_dash.services.decide import METHOD_VERSION, Decision, Question, decided_run, threshold_facts
from tlm_dash.services.decision_words import comparison_question, threshold_answer, threshold_question
from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.operating_point import OperatingPoint
from tlm_dash.services.place import Place
from tlm_dash.services.record_data import data_facts, label_facts, run_facts, versions
from tlm_dash.services.run_words import instead_of
from tlm_dash.store.decisions import DecisionKind

Record = dict[str, Any]

CHOICE_METHOD = "{method}; {n} settings tried share what the confidence leaves (Bonferroni)"

COMPARISON_METHOD = (
    "paired by prompt; accuracy: Tango's score interval and McNemar's exact test, better or worse only where "
    "both say so; AUROC: DeLong's paired "
    "interval; where prompts repeat, methods that respect it; several candidates: Bonferroni"
)


def threshold_record(
    place: Place,
    run_id: str,
    question: Question,
    *,
    chosen_threshold: float | None = None,
    told: Sequence[str] = (),
    withheld: str | None = None,
) -> Record:
    """Draft the record of a threshold: the answer to a question, or one that a person chose on the curve.

    `told` says what was asked of these labels before, and how many settings were tried; `withheld` why they
    give no answer.
    Raises NotFoundError, InvalidInputError, StoreError.
    """
    run, decision = decided_run(place, run_id, question)
    if withheld is not None:
        decision = without_answer(decision, withheld)
    chosen = None if chosen_threshold is None else decision.point_at(chosen_threshold)
    figures = threshold_facts(decision)
    findings = [{"title": "The threshold", "text": "", "figures": figures}]
    if chosen is not None:
        findings.append({"title": "The threshold that was chosen", "text": "", "figures": asdict(chosen)})
    findings.append({
        "title": "How well the score ranks", "text": "", "figures": decision.quality.facts(),
    })  # fmt: skip
    if told:
        findings.append({"title": "What was asked of these labels", "text": " ".join(told), "figures": {}})
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


def comparison_record(place: Place, request: CompareRequest) -> Record:
    """Draft the record of a comparison: the verdict on every candidate. Raises NotFoundError, StoreError."""
    comparison = compare(place, request)
    sentences = [comparison.sentence(number) for number in range(len(comparison.pairs))]
    findings: list[dict[str, Any]] = [
        {"title": instead_of(pair.b, pair.a), "text": sentence, "figures": pair.facts()}
        for pair, sentence in zip(comparison.pairs, sentences, strict=True)
    ]
    findings += [{"title": run.record.name, "text": "", "figures": run.facts()} for run in comparison.runs]
    findings[0]["figures"] |= {"notes": comparison.notes()}
    return _record(
        place,
        "comparison",
        [run.run for run in comparison.runs],
        question=comparison_question([run.record.name for run in comparison.runs]),
        answer=" ".join(sentences),
        request=asdict(request),
        findings=findings,
        charts={"differences": _differences(comparison)},
        method=COMPARISON_METHOD,
        settings={name: value for name, value in asdict(request).items() if name != "run_ids"},
    )


def choice_record(place: Place, request: ChooseRequest) -> Record:
    """Draft the record of a choice among settings that was asked: the one taken, and every other.

    Raises NotFoundError, InvalidInputError, StoreError.
    """
    choice = known_choice(place, request)
    taken = None if choice.taken is None else choice.settings[choice.taken]
    tested = taken or choice.settings[0]
    settings = {name: value for name, value in asdict(request.question).items() if value is not None}
    return _record(
        place,
        "choice",
        choice.runs,
        question=choice_question(choice),
        answer=choice.sentence,
        request=asdict(replace(request, bases=_bases(choice))),
        findings=[_finding(setting, taken) for setting in choice.settings],
        charts={} if taken is None else {
            "curve": _curve(taken.asked.decision), "max_risk": request.question.max_risk,
            "coverage": _coverage(taken.asked.decision, None),
        },
        method=CHOICE_METHOD.format(n=choice.n_settings, method=tested.asked.decision.answer.method),
        settings=settings | {"settings tried": choice.n_settings},
    ) | {"taken": None if taken is None else taken.asked.decision.record.run_id}  # fmt: skip


def _bases(choice: Choice) -> tuple[str, ...]:
    """Name the samples that answer, so that a record stays with them when others have more labels.

    What was asked for stays where the names alone would lead a run to another sample.
    """
    names = tuple(dict.fromkeys(run.basis.name for run in choice.runs))
    leads_back = all(sample_named(run, names) is run.basis for run in choice.runs)
    return names if leads_back else choice.request.bases


def _finding(setting: Setting, taken: Setting | None) -> dict[str, Any]:
    told = f"Nothing is promised: {setting.why_not}." if setting.why_not else ""
    title = f"{setting.name}: taken" if setting is taken else setting.name
    return {"title": title, "text": told, "figures": setting.facts()}


def drafted_again(place: Place, record: Mapping[str, Any], *, by_today: bool = False) -> Record:
    """Draft a record anew from its request and what the store holds now. Raises NotFoundError.

    It is found by the method that the record was made with, or `by_today`'s.
    """
    request = record["request"]
    if record["kind"] == "choice":
        version = METHOD_VERSION if by_today else made_by(record)
        named = {"run_ids": tuple(request["run_ids"]), "bases": tuple(request["bases"])}
        question = Question(**request["question"] | {"method_version": version})
        return choice_record(place, ChooseRequest(**request | named | {"question": question}))
    if record["kind"] == "comparison":
        version = COMPARISON_VERSION if by_today else made_by(record)
        asked = {**request, "run_ids": tuple(request["run_ids"]), "method_version": version}
        return comparison_record(place, CompareRequest(**asked))
    return threshold_record(
        place,
        request["run_id"],
        Question(**request["question"] | {"method_version": METHOD_VERSION if by_today else made_by(record)}),
        chosen_threshold=request["chosen_threshold"],
    )


def made_by(record: Mapping[str, Any]) -> int:
    """Give the version of the method that a record was made with: 1 where it names none."""
    request = record["request"]
    return int(request.get("question", request).get("method_version", 1))


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


def _differences(comparison: Comparison) -> list[dict[str, Any]]:
    """Give what is drawn: every difference of every candidate with its interval."""
    several = len(comparison.pairs) > 1
    return [
        {
            "name": f"{name}, {pair.b.name}" if several else name,
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
        }
        for pair in comparison.pairs
        for name, figure in pair.differences()
    ]
