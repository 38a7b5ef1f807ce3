"""Decisions that people took: a drafted record saved for good under a name, with a reason."""

from __future__ import annotations

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import utc_now
from tlm_dash.services.labels import checked_annotator
from tlm_dash.services.place import Place
from tlm_dash.services.record_drafts import Record
from tlm_dash.store import decisions as stored
from tlm_dash.store.decisions import SavedDecision

__all__ = ["LONGEST_REASON", "Record", "SavedDecision", "listed", "save", "show"]

LONGEST_REASON = 2_000


def save(place: Place, record: Record, *, decided_by: str, reason: str) -> str:
    """Save a drafted record as somebody's decision; gives its id.

    Raises InvalidInputError without a name or a reason, StoreError.
    """
    reason = reason.replace("\0", "").strip()
    if not decided_by.strip() or not reason:
        raise InvalidInputError(
            "A decision needs a name and a reason.", hint="Say who decides, and why, in a sentence."
        )
    decided_by = checked_annotator(decided_by)
    if len(reason) > LONGEST_REASON:
        raise InvalidInputError(f"The reason is longer than {LONGEST_REASON:,} characters.")
    signed = {**record, "decided_by": decided_by, "reason": reason, "decided_at": utc_now().isoformat()}
    return stored.save_decision(
        place.store, kind=record["kind"], run_ids=record["run_ids"], question=record["question"],
        verdict=record["answer"], decided_by=decided_by, reason=reason, record=signed,
    )  # fmt: skip


def listed(place: Place, run_id: str | None = None) -> list[SavedDecision]:
    """Give saved decisions, newest first; with `run_id` those about that run."""
    return stored.decisions(place.store, run_id)


def show(place: Place, wanted: str) -> SavedDecision:
    """Find a saved decision by its id or a unique beginning of it. Raises NotFoundError."""
    return stored.find_decision(place.store, wanted)
