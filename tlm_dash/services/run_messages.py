"""What went wrong in runs, in the endpoint's own words: the commonest ones, and what a command ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tlm_dash.batch.caution import same_words
from tlm_dash.errors import TlmDashError
from tlm_dash.services.place import Place
from tlm_dash.services.run_view import RunView
from tlm_dash.store.answer_marks import count_not_accepted
from tlm_dash.store.run_counts import failure_words
from tlm_dash.store.run_models import Refusal

MOST_MESSAGES = 5


def messages_of(place: Place, views: Sequence[RunView]) -> dict[str, list[Refusal]]:
    """Give for each run the commonest words of its failures; first those that paused it, with their requests.

    Messages that differ in numbers and ids alone count as one, shown as the commonest of them.
    """
    failed = [view.record.run_id for view in views if view.counts.n_error]
    words = failure_words(place.store, failed)
    found: dict[str, list[Refusal]] = {}
    for view in views:
        merged: dict[tuple[str, str], Refusal] = {}
        for kind, message, hint, n in words.get(view.record.run_id, ()):
            known = merged.setdefault((kind, same_words(message)), Refusal(kind, message, hint, 0))
            merged[kind, same_words(message)] = replace(known, n=known.n + n)
        first = [] if view.record.refusal is None else [view.record.refusal]
        commonest = sorted(merged.values(), key=lambda refusal: -refusal.n)
        found[view.record.run_id] = [*first, *commonest][:MOST_MESSAGES]
    return found


def facts_of(place: Place, views: Sequence[RunView]) -> list[dict[str, Any]]:
    """Give the facts of runs, with their commonest messages, under the names that scripts rely on.

    `n_not_accepted` counts by why the answers that no threshold accepts.
    """
    messages, counts = messages_of(place, views), not_accepted(place, views)
    return [
        view.facts()
        | {
            "n_not_accepted": counts[view.record.run_id],
            "messages": [said.as_mapping() for said in messages[view.record.run_id]],
        }
        for view in views
    ]


def not_accepted(place: Place, views: Sequence[RunView]) -> dict[str, dict[str, int]]:
    """Count per run the answers that no threshold accepts, by why: cut, empty, refused."""
    found: dict[str, dict[str, int]] = {view.record.run_id: {} for view in views}
    for dataset_id in {view.record.dataset_id for view in views}:
        run_ids = [view.record.run_id for view in views if view.record.dataset_id == dataset_id]
        found |= count_not_accepted(place.store, dataset_id, run_ids)
    return found


def bad_end(place: Place, views: Sequence[RunView]) -> TlmDashError | None:
    """Say what makes a command fail that waited for these runs; None where they went well enough.

    A run that was given up, one that its endpoint refused, one in which nothing succeeded: rows that failed
    in a run where others did not are told in its counts.
    """
    for view in views:
        if view.status == "failed":
            return TlmDashError(
                f"The run was given up. {view.record.detail}", hint="Resume it when that is mended."
            )
    refused = [view for view in views if view.record.refusal is not None]
    if refused:
        return refusal_error(refused, n_runs=len(views))
    for view in views:
        if view.status == "done" and view.counts.n_error and not view.counts.n_done:
            said = messages_of(place, [view])[view.record.run_id][0]
            return TlmDashError(
                f"Not one row of “{view.record.name}” succeeded. {said.message}", hint=said.hint
            )
    return None


def refusal_error(refused: Sequence[RunView], *, n_runs: int) -> TlmDashError:
    """Say that the endpoint refused runs, in its own words, and how to go on."""
    said = refused[0].record.refusal
    assert said is not None, "only runs that were refused"
    what = "The run is paused" if n_runs == 1 else f"{len(refused)} of {n_runs} runs are paused"
    to_resume = " and ".join(f"`runs resume {view.record.run_id[:8]}`" for view in refused[:3])
    return TlmDashError(
        f"{what}, because the endpoint refuses it. {said.message}",
        hint=f"{said.hint} {how_to_go_on(said)}: {to_resume}.".strip(),
    )


def how_to_go_on(refusal: Refusal) -> str:
    """Say when a refused run may be resumed: what it asks is kept with it, and is not mended by a key."""
    if refusal.kind == "request_refused":
        return "Start a new run with other settings, or resume when the endpoint takes these"
    return "Resume when that is mended"
