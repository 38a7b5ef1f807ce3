"""Where a plan stands: who said what of which row, retractions replayed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median

from tlm_dash.services.place import Place
from tlm_dash.store import plans as stored
from tlm_dash.store.plans import LabelPlan, PlanItem, Said

LONGEST_GAP_S = 300.0
FEWEST_GAPS = 5
_MOST_REMEMBERED = 32

# A plan and its rows never change once they are written.
_plans: dict[tuple[str, str], tuple[LabelPlan, tuple[PlanItem, ...]]] = {}
_plans_lock = threading.Lock()


@dataclass(frozen=True)
class PlanState:
    """A plan with its rows, and by (response_hash, voice) all that was said, oldest first.

    A voice is whom people count as (store/person_rule.py): nobody visits a row twice.
    """

    plan: LabelPlan
    items: tuple[PlanItem, ...]
    said: Mapping[tuple[str, str], Sequence[Said]]

    def n_said(self, item: PlanItem, voice: str) -> int:
        """Count the rows that a person ever wrote of a row's response, retractions too."""
        return len(self.said.get((item.response_hash, voice), ()))

    def standing(self, item: PlanItem, voice: str) -> Sequence[Said]:
        """Give what a person said of a row's response and did not take back, oldest first."""
        return self._standing.get((item.response_hash, voice), ())

    def visits(self, item: PlanItem) -> Mapping[str, Said]:
        """Give by voice what last stands of a row in this plan: a verdict or a skip."""
        return self._visits.get(item.response_hash, {})

    def outcome(self, item: PlanItem) -> str | None:
        """Tell labelled, unsure, contested (people disagree), skipped; None where nobody was there."""
        visits = self.visits(item)
        verdicts = {said.verdict for said in visits.values() if said.kind == "verdict"}
        if not visits:
            return None
        if item.response_hash in self._resolutions:
            verdicts = {self._resolutions[item.response_hash].verdict}
        if not verdicts:
            return "skipped"
        if {"correct", "incorrect"} <= verdicts:
            return "contested"
        return "unsure" if "unsure" in verdicts else "labelled"

    def seconds_a_row(self, voice: str) -> float | None:
        """Give the median time between two presses of a person in this plan, None for under six presses.

        Pauses of over five minutes are no work on a row.
        """
        times = sorted(
            row.created_at
            for (_, who), rows in self.said.items()
            for row in rows
            if who == voice and row.plan_id == self.plan.plan_id and row.kind in ("verdict", "skip")
        )
        gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
        worked = [gap for gap in gaps if gap <= LONGEST_GAP_S]
        return median(worked) if len(worked) >= FEWEST_GAPS else None

    @cached_property
    def _standing(self) -> dict[tuple[str, str], list[Said]]:
        found: dict[tuple[str, str], list[Said]] = {}
        for key, rows in self.said.items():
            # What is taken back is what was said under the same name.
            stacks: dict[str, list[Said]] = {}
            for row in rows:
                stack = stacks.setdefault(row.annotator, [])
                if row.kind != "retraction":
                    stack.append(row)
                elif stack:
                    stack.pop()
            standing = [row for stack in stacks.values() for row in stack]
            found[key] = sorted(standing, key=lambda row: (row.created_at, row.annotation_id))
        return found

    @cached_property
    def _resolutions(self) -> dict[str, Said]:
        settled = [row for rows in self._standing.values() for row in rows if row.kind == "resolution"]
        return {row.response_hash: row for row in sorted(settled, key=lambda row: row.created_at)}

    @cached_property
    def _visits(self) -> dict[str, dict[str, Said]]:
        found: dict[str, dict[str, Said]] = {}
        for (response_hash, voice), rows in self._standing.items():
            for row in rows:
                if row.plan_id == self.plan.plan_id and row.kind in ("verdict", "skip"):
                    found.setdefault(response_hash, {})[voice] = row
        return found


def plan_state(place: Place, plan_id: str) -> PlanState:
    """Read where a plan stands at this moment. Raises NotFoundError."""
    plan, items = _plan(place, plan_id)
    said: dict[tuple[str, str], list[Said]] = {}
    for row in stored.said_of_plan(place.store, plan_id):
        said.setdefault((row.response_hash, row.voice), []).append(row)
    return PlanState(plan, items, said)


def _plan(place: Place, plan_id: str) -> tuple[LabelPlan, tuple[PlanItem, ...]]:
    key = (str(place.store.path), plan_id)
    with _plans_lock:
        if key in _plans:
            return _plans[key]
    plan = stored.find_plan(place.store, plan_id)
    found = (plan, stored.plan_items(place.store, plan_id))
    with _plans_lock:
        if len(_plans) >= _MOST_REMEMBERED:
            _plans.clear()
        _plans[key] = found
    return found
