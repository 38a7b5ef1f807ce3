"""The review queue: the next row of a plan for a person, and what they say of it.

Two people who work at once are given different rows by a short lease in memory; nothing depends on it: where
both answer the same row, both answers count. A press belongs to the row that was on the screen when the key
went down: it names the row, and how much its person had said of it then, so that repeating it does nothing.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.services import labels
from tlm_dash.services.place import Place
from tlm_dash.services.plan_state import PlanState, plan_state
from tlm_dash.store import persons
from tlm_dash.store import plans as stored
from tlm_dash.store.plans import ItemTexts, LabelPlan, PlanItem, Said

__all__ = ["ItemTexts", "LabelPlan", "PlanItem", "Said", "Turn", "press", "release", "reveal", "take", "undo"]

LEASE_S = 120.0
PRESSES = (*labels.VERDICTS, "skip")
_AHEAD, _MOST_TEXTS = 8, 32
"""Rows that are read at once, and those kept at hand: one of them may have millions of characters."""


@dataclass(frozen=True)
class Turn:
    """What a person sees: a row of a plan, or (item is None) that nothing is left for them.

    `annotator` is their name, `voice` whom they count as. `n_said` goes back with the press. `mine` is what
    stands of theirs here, set where they came back to the row. `last` is the last thing that they said in the
    plan, with its row; `last_texts` come with it where its score may be shown and was asked for. `earlier` is
    a position to go back to, None where there is none. `n_held` rows would be open to them, but are at other
    people just now.
    """

    state: PlanState
    annotator: str
    voice: str
    item: PlanItem | None
    texts: ItemTexts | None
    n_said: int
    mine: Said | None
    last: tuple[PlanItem, Said] | None
    last_texts: ItemTexts | None
    earlier: int | None
    n_held: int


@dataclass
class _Desk:
    """What is known of a plan in memory only: who has which row, and whose scores they have seen."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    leases: dict[str, tuple[int, float]] = field(default_factory=dict)
    revealed: set[tuple[str, str]] = field(default_factory=set)

    def others_at(self, me: str) -> dict[int, set[str]]:
        """Give by position the people other than this one who have it at this moment."""
        now = time.monotonic()
        found: defaultdict[int, set[str]] = defaultdict(set)
        for holder, (position, until) in self.leases.items():
            if holder != me and until > now:
                found[position].add(holder)
        return found


_desks: dict[tuple[str, str], _Desk] = {}
_texts: OrderedDict[tuple[str, str, int], ItemTexts] = OrderedDict()
_memory_lock = threading.Lock()


def take(place: Place, plan_id: str, annotator: str, *, position: int | None = None) -> Turn:
    """Give a person the next row that is open to them, or the one at `position` that they go back to.

    Raises NotFoundError where the plan or the texts of the row are gone, InvalidInputError, StoreError.
    """
    name, me = _who(place, annotator)
    desk = _desk(place, plan_id)
    with desk.lock:
        state = plan_state(place, plan_id)
        others = desk.others_at(me)
        following = _open_items(state, me, others)
        item = _at(state, position) or (following[0] if following else None)
        if item is not None:
            desk.leases[me] = (item.position, time.monotonic() + LEASE_S)
        else:
            desk.leases.pop(me, None)
    ahead = [other.item_no for other in following[:_AHEAD]]
    texts = None if item is None else _texts_of(place, state.plan, item, ahead)
    mine = [other for other in state.items if me in state.visits(other)]
    here = len(state.items) if item is None else item.position
    last = _last_of(state, me)
    is_shown = last is not None and (me, last[0].response_hash) in desk.revealed
    return Turn(
        state=state,
        annotator=name,
        voice=me,
        item=item,
        texts=texts,
        n_said=0 if item is None else state.n_said(item, me),
        mine=None if item is None else state.visits(item).get(me),
        last=last,
        last_texts=_texts_of(place, state.plan, last[0]) if last is not None and is_shown else None,
        earlier=max((other.position for other in mine if other.position < here), default=None),
        n_held=sum(_is_open(state.items[at], state, me) for at in others),
    )


def press(
    place: Place, plan_id: str, annotator: str, *, position: int, said: str, n_said: int, note: str = ""
) -> bool:
    """Write a verdict or "skip" on the row at `position`; tells whether anything was written.

    `n_said` is the Turn's: a press that arrives twice, or after what it was made on was taken back, changes
    nothing; another verdict on the same row replaces the first. Raises as `take` does.
    """
    if said not in PRESSES:
        raise InvalidInputError(f"{said!r} is no verdict.", hint=f"One of: {', '.join(PRESSES)}.")
    name, me = _who(place, annotator)
    desk = _desk(place, plan_id)
    with desk.lock:
        state = plan_state(place, plan_id)
        item = _at(state, position)
        if item is None:
            raise NotFoundError("The plan has no such row.", hint="Reload the page.")
        since = state.said.get((item.response_hash, me), ())[n_said:]
        if any(row.kind == "retraction" for row in since):
            return False
        verdict = None if said == "skip" else said
        stands = state.visits(item).get(me)
        kept_note = note.strip() or (stands.note if stands is not None else None)
        if stands is not None and (stands.verdict, stands.note) == (verdict, kept_note):
            return False
        labels.annotate(
            place,
            dataset_id=state.plan.dataset_id,
            item_no=item.item_no,
            response_hash=item.response_hash,
            verdict=verdict,
            kind="skip" if verdict is None else "verdict",
            annotator=name,
            note=kept_note,
            run_id=state.plan.run_id,
            plan_id=plan_id,
            inclusion_probability=item.inclusion_probability,
            score_visible=not state.plan.is_score_blind or (me, item.response_hash) in desk.revealed,
        )
    return True


def undo(place: Place, plan_id: str, annotator: str, annotation_id: str) -> int | None:
    """Take back what a person said last, if it is still that; gives its position, None where it is not.

    A retraction is written, so that nothing is lost. Raises as `take` does.
    """
    _, me = _who(place, annotator)
    with _desk(place, plan_id).lock:
        state = plan_state(place, plan_id)
        last = _last_of(state, me)
        if last is None or last[1].annotation_id != annotation_id:
            return None
        item = last[0]
        if state.standing(item, me)[-1].annotation_id != annotation_id:
            # Something newer was said of this response outside of the plan: that is not what is taken back.
            return None
        labels.retract(
            place, dataset_id=state.plan.dataset_id, item_no=item.item_no,
            response_hash=item.response_hash, annotator=last[1].annotator, run_id=state.plan.run_id,
            plan_id=plan_id,
        )  # fmt: skip
    return item.position


def reveal(place: Place, plan_id: str, annotator: str, position: int) -> None:
    """Note that a person sees a row's score from now on: what they say of it later is not blind.

    Raises InvalidInputError where they have given no verdict yet and the plan hides scores until then.
    """
    _, me = _who(place, annotator)
    desk = _desk(place, plan_id)
    with desk.lock:
        state = plan_state(place, plan_id)
        item = _at(state, position)
        if item is None or (state.plan.is_score_blind and me not in state.visits(item)):
            raise InvalidInputError(
                "The score is hidden until there is a verdict.", hint="Give a verdict first."
            )
        desk.revealed.add((me, item.response_hash))


def release(place: Place, plan_id: str, annotator: str) -> None:
    """Give back the row that a person has, for others to take at once."""
    desk = _desk(place, plan_id)
    with desk.lock:
        desk.leases.pop(_who(place, annotator)[1], None)


def _who(place: Place, annotator: str) -> tuple[str, str]:
    """Give a name as it is kept, and whom its person counts as."""
    name = labels.checked_annotator(annotator)
    return name, persons.voice_of(place.store, "person", name)


def _last_of(state: PlanState, me: str) -> tuple[PlanItem, Said] | None:
    """Give what a person said last of those things that still stand, with its row."""
    said = [(item, state.visits(item)[me]) for item in state.items if me in state.visits(item)]
    return max(said, key=lambda pair: pair[1].created_at, default=None)


def _desk(place: Place, plan_id: str) -> _Desk:
    with _memory_lock:
        return _desks.setdefault((str(place.store.path), plan_id), _Desk())


def _at(state: PlanState, position: int | None) -> PlanItem | None:
    return state.items[position] if position is not None and 0 <= position < len(state.items) else None


def _is_open(item: PlanItem, state: PlanState, me: str) -> bool:
    visits = state.visits(item)
    return me not in visits and len(visits) < item.n_annotators


def _open_items(state: PlanState, me: str, others: dict[int, set[str]]) -> list[PlanItem]:
    """List the rows that a person may be given, in the plan's order."""
    return [
        item
        for item in state.items
        if _is_open(item, state, me)
        and len(others.get(item.position, set()) | state.visits(item).keys()) < item.n_annotators
    ]


def _texts_of(place: Place, plan: LabelPlan, item: PlanItem, ahead: Sequence[int] = ()) -> ItemTexts:
    """Give the texts of a row; where they have to be read, those of the rows `ahead` are read with them."""
    at = (str(place.store.path), plan.run_id)
    with _memory_lock:
        if (*at, item.item_no) in _texts:
            return _texts[*at, item.item_no]
    found = stored.item_texts(place.store, plan.run_id, plan.dataset_id, [item.item_no, *ahead])
    if item.item_no not in found:
        raise NotFoundError("A row of this plan is not here any more.", hint="Make a new plan.")
    with _memory_lock:
        for item_no, texts in found.items():
            _texts[*at, item_no] = texts
            _texts.move_to_end((*at, item_no))
        while len(_texts) > _MOST_TEXTS:
            _texts.popitem(last=False)
    return found[item.item_no]
