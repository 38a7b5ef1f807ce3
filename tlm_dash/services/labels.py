"""Verdicts on responses: give one, take one back, see what was said.

A verdict belongs to a prompt and a response text (`response_hash`), not to a run. An annotator's latest row
counts; a skip after a verdict leaves the row open again. A retraction takes back the annotator's last row
that still stands, and only that: what they had said before it counts again, as if the row had never been.
"""

from __future__ import annotations

import math
import threading
import unicodedata
from collections.abc import Sequence

from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services.place import Place
from tlm_dash.store import annotations as stored
from tlm_dash.store.annotations import Annotation
from tlm_dash.store.person_rule import person_id

__all__ = [
    "KINDS",
    "VERDICTS",
    "Annotation",
    "annotate",
    "annotations_of",
    "checked_annotator",
    "of_person",
    "retract",
    "standing",
]

VERDICTS = ("correct", "incorrect", "unsure")
KINDS = ("verdict", "resolution", "skip", "note")
LONGEST_NAME = 80
LONGEST_NOTE = 20_000
_JOINERS = "\u200c\u200d"

# Whether there is anything to take back is read before it is written.
_retracting = threading.Lock()


def annotate(
    place: Place,
    *,
    dataset_id: str,
    item_no: int,
    response_hash: str,
    verdict: str | None,
    annotator: str,
    note: str | None = None,
    run_id: str | None = None,
    plan_id: str | None = None,
    inclusion_probability: float | None = None,
    score_visible: bool,
    kind: str = "verdict",
) -> str:
    """Write what somebody says of a response, and give its annotation_id when it is safe on disk.

    `verdict` is correct, incorrect or unsure for the kinds verdict and resolution, None for skip and note.
    Raises InvalidInputError, StoreError.
    """
    row = _checked(kind, verdict, annotator, note) | {
        "dataset_id": dataset_id, "item_no": item_no, "response_hash": response_hash, "source": "person",
        "run_id": run_id, "plan_id": plan_id, "inclusion_probability": _checked_chance(inclusion_probability),
        "score_visible": score_visible,
    }  # fmt: skip
    return stored.append_annotations(place.store, [row])[0]


def retract(
    place: Place,
    *,
    dataset_id: str,
    item_no: int,
    response_hash: str,
    annotator: str,
    run_id: str | None = None,
    plan_id: str | None = None,
    score_visible: bool = False,
) -> str:
    """Take back the last thing that an annotator said of a response and that still stands.

    What they had said before counts again. Gives the annotation_id of the retraction. Raises NotFoundError
    where nothing of theirs stands, InvalidInputError, StoreError.
    """
    name = checked_annotator(annotator)
    row: dict[str, object] = {
        "dataset_id": dataset_id, "item_no": item_no, "response_hash": response_hash, "kind": "retraction",
        "verdict": None, "note": None, "annotator": name, "source": "person",
        "run_id": run_id, "plan_id": plan_id, "inclusion_probability": None, "score_visible": score_visible,
    }  # fmt: skip
    with _retracting:
        mine = of_person(standing(place, response_hash), name)
        if not mine:
            raise NotFoundError(
                "There is nothing of yours to take back here.", hint="It was taken back already."
            )
        # What is taken back is what was said under the name as it was written then.
        row["annotator"] = mine[-1].annotator
        return stored.append_annotations(place.store, [row])[0]


def of_person(said: Sequence[Annotation], name: str) -> list[Annotation]:
    """Give those that the person of this name said here, in whichever spelling, in their order."""
    me = person_id("person", name)
    return [one for one in said if one.person_id == me]


def annotations_of(place: Place, response_hash: str) -> tuple[Annotation, ...]:
    """Give everything that was ever said of a prompt and response, oldest first, retractions too."""
    return stored.annotations_of(place.store, response_hash)


def standing(place: Place, response_hash: str) -> tuple[Annotation, ...]:
    """Give what was said of a prompt and response and not taken back, oldest first."""
    return stored.standing_annotations(place.store, [response_hash])


def checked_annotator(name: str) -> str:
    """Give a name as it is kept, on one line with single spaces, whoever typed, stored or sent it.

    Raises InvalidInputError for one that is empty or too long, or that has characters which nobody can see:
    two people could not be told apart by it, nor one person from two. Joiners are letters' own business.
    """
    kept = " ".join(name.split())
    if len(kept) > LONGEST_NAME:
        raise InvalidInputError(
            f"The name of who gives a label is {len(kept):,} characters long.",
            hint=f"Enter a name of up to {LONGEST_NAME} characters.",
        )
    if not any(unicodedata.category(character)[0] in "LNPS" for character in kept):
        raise InvalidInputError(
            "A label needs the name of who gives it.",
            hint=f"Enter a name of up to {LONGEST_NAME} characters.",
        )
    if any(_is_hidden(character) for character in kept):
        raise InvalidInputError(
            "The name of who gives a label has characters that nobody can see.",
            hint="Type it anew, without control or direction marks.",
        )
    return kept


def _is_hidden(character: str) -> bool:
    # Surrogates are halves of characters, and cannot be stored.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _JOINERS


def _checked(kind: str, verdict: str | None, annotator: str, note: str | None) -> dict[str, str | None]:
    if kind not in KINDS:
        raise InvalidInputError(f"There is no kind of annotation called {kind!r}.", hint=", ".join(KINDS))
    needs_verdict = kind in ("verdict", "resolution")
    if needs_verdict != (verdict is not None) or (needs_verdict and verdict not in VERDICTS):
        raise InvalidInputError(
            f"A {kind} cannot say {verdict!r}.", hint=f"A verdict is one of: {', '.join(VERDICTS)}."
        )
    kept = (note or "").strip() or None
    if kind == "note" and kept is None:
        raise InvalidInputError("The note is empty.", hint="Write something first.")
    if kept is not None and len(kept) > LONGEST_NOTE:
        raise InvalidInputError(f"A note can have {LONGEST_NOTE:,} characters.", hint="Shorten it.")
    return {"kind": kind, "verdict": verdict, "note": kept, "annotator": checked_annotator(annotator)}


def _checked_chance(chance: float | None) -> float | None:
    if chance is not None and not (math.isfinite(chance) and 0 < chance <= 1):
        raise InvalidInputError(f"{chance} is no inclusion probability.", hint="It lies above 0, up to 1.")
    return chance
