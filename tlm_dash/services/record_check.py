"""Checking a saved decision again: computed anew from the store, and held against what was recorded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tlm_dash.errors import NotFoundError
from tlm_dash.services.compare import COMPARISON_VERSION
from tlm_dash.services.decide import METHOD_VERSION
from tlm_dash.services.decision_records import Record, SavedDecision, show
from tlm_dash.services.place import Place
from tlm_dash.services.record_drafts import drafted_again, made_by
from tlm_dash.words.label_origins import ORIGIN_OF

Outcome = Literal["same", "holds", "changed", "unknown"]

TOLERANCE = 1e-9
"""Figures that differ by less are the same: the last digits depend on versions and machines."""

MOST_CHANGES = 30

WORDS = ("reason", "notes", "basis", "labels_still_needed", "verdict_text")
"""Told beside the figures, in words that change from version to version; the last was advice that is gone."""


@dataclass(frozen=True)
class RecordCheck:
    """What became of a decision.

    `outcome`: "same" (same data, same figures), "holds" (the data or its labels changed; what was decided
    still follows), "changed" (it does not follow any more), "unknown" (it cannot be computed). `sentence`
    says so; `changes` are the figures that differ: name, then, now. `today` is the answer of today's method
    to the same question, where the record was made by an earlier one.
    """

    outcome: Outcome
    sentence: str
    changes: tuple[tuple[str, str, str], ...] = ()
    today: str | None = None


def check_again(place: Place, wanted: str) -> RecordCheck:
    """Compute a saved decision anew and say whether it still holds. Raises NotFoundError, StoreError.

    It is computed by the method of its record; where that is an earlier one, today's answer stands beside it.
    """
    decision = show(place, wanted)
    if not decision.is_intact:
        return RecordCheck("unknown", "The record is not the text that was saved: its hash differs.")
    try:
        again = drafted_again(place, decision.record)
    except NotFoundError:
        return RecordCheck("unknown", "A run that it is about has been deleted: it cannot be computed anew.")
    checked = _held_against(decision, again)
    today = COMPARISON_VERSION if decision.kind == "comparison" else METHOD_VERSION
    if made_by(decision.record) != today:
        return replace(checked, today=drafted_again(place, decision.record, by_today=True)["answer"])
    return checked


def _held_against(decision: SavedDecision, again: Record) -> RecordCheck:
    changes = tuple(_changes(decision.record, again))[:MOST_CHANGES]
    follows = _still_follows(decision, again)
    if _data(decision.record) == _data(again):
        if not changes:
            return RecordCheck("same", "It holds: the same rows and labels give the same figures.")
        if follows:
            told = "It holds: the rows and labels are the same, and what was decided follows from them."
            return RecordCheck("holds", f"{told} Some figures are computed differently by now.", changes)
        return RecordCheck(
            "changed",
            "The rows and labels are the same, but figures differ: it was computed by other versions.",
            changes,
        )
    what = _what_changed(decision.record, again)
    if follows:
        return RecordCheck("holds", f"It still holds, although {what}.", changes)
    return RecordCheck("changed", f"It does not follow any more, because {what}.", changes)


def _data(record: Record | Mapping[str, Any]) -> list[str]:
    return [run["rows_hash"] for run in record["runs"]]


def _what_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    said = []
    for then, label in zip(before["labels"], now["labels"], strict=True):
        more = label["counts"]["rows with a label"] - then["counts"]["rows with a label"]
        if more:
            said.append(f"{label['run']} has {abs(more):,} {'more' if more > 0 else 'fewer'} labels")
    return "; ".join(said) or "scores or labels changed since"


def _still_follows(decision: SavedDecision, now: Mapping[str, Any]) -> bool:
    """Tell whether what was decided is still supported by figures of now."""
    if decision.kind == "choice":
        return _choice_follows(decision.record, now)
    if decision.kind == "comparison":
        return _verdicts(decision.record) == _verdicts(now)
    if decision.record["request"]["chosen_threshold"] is not None:
        bound, bound_now = (
            record["findings"][1]["figures"]["risk_high"] for record in (decision.record, now)
        )
        return _is_within(bound_now, bound)
    then, again = decision.record["findings"][0]["figures"], now["findings"][0]["figures"]
    if then["feasible"] != again["feasible"]:
        return False
    if then["feasible"] and decision.record["request"]["question"]["max_risk"] is None:
        # Asked from what people can read: what was promised of the rest is the bound at that threshold.
        same = _equal(then["threshold"], again["threshold"])
        return same and _is_within(again["risk_upper_bound"], then["risk_upper_bound"])
    if not then["feasible"]:
        return True
    if made_by(decision.record) == 1:
        # Its curve does not show what was tested: what was stricter than its answer was taken to hold.
        return bool(again["threshold"] <= then["threshold"] + TOLERANCE)
    return _is_promised(now, then["threshold"])


def _choice_follows(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether the setting that was taken is still promised, from a threshold no stricter than then."""
    if then["taken"] is None:
        return now["taken"] is None
    before, again = (
        next(f["figures"] for f in record["findings"] if f["figures"]["run_id"] == then["taken"])
        for record in (then, now)
    )
    if not again["is_certified"] or not _is_within(again["risk_upper_bound"], before["risk_upper_bound"]):
        return False
    if now["charts"]["max_risk"] is None or now["taken"] != then["taken"]:
        # The curve is not this setting's, or no target was tested: the threshold must be the same.
        return _equal(again["threshold"], before["threshold"])
    return _is_promised(now, before["threshold"])


def _is_promised(now: Mapping[str, Any], threshold: float) -> bool:
    """Tell whether the target is met at a threshold, by the curve of now; where it has none, on both sides.

    A looser threshold that is promised says nothing of a stricter one: the sequence of tests has several
    starts, and the highest scores may have gone bad.
    """
    curve, max_risk = now["charts"]["curve"], now["charts"]["max_risk"]
    stricter = [point for point in curve if point["threshold"] >= threshold - TOLERANCE]
    looser = [point for point in curve if point["threshold"] <= threshold + TOLERANCE]
    beside = [*stricter[-1:], *looser[:1]]
    return bool(beside) and all(
        point["risk_high"] is not None and point["risk_high"] <= max_risk + TOLERANCE for point in beside
    )


def _is_within(bound_now: float | None, bound: float | None) -> bool:
    """Tell whether a bound still promises as much; None promises nothing."""
    return bound is None or (bound_now is not None and bound_now <= bound + TOLERANCE)


def _verdicts(record: Mapping[str, Any]) -> list[Any]:
    return [finding["figures"].get("verdict") for finding in record["findings"]]


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the figures that differ, in the order of the record."""
    for then, again in zip(before["findings"], now["findings"], strict=False):
        new = dict(_leaves(again["figures"]))
        told = {name: value for name, value in then["figures"].items() if name not in WORDS}
        for name, value in _leaves(_with_origins(told)):
            if not _equal(value, new.get(name)):
                yield f"{then['title']}: {name.replace('_', ' ')}", _shown(value), _shown(new.get(name))


def _with_origins(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give figures with their labels counted by origin: older records count them by source of the store."""
    sources = figures.get("label_sources")
    if not sources or not set(sources) <= set(ORIGIN_OF):
        return figures
    counts: Counter[str] = Counter()
    for source, count in sources.items():
        counts[ORIGIN_OF[source]] += count
    return {**figures, "label_sources": dict(counts)}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name} {key}".strip())
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{name} {number + 1}".strip())
    else:
        yield name, value


def _equal(a: object, b: object) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return a == b


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
