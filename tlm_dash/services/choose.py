"""Choosing among settings: a promise for the one that is taken, which allows for all that were tried.

The settings (runs over one dataset) are stored with target and confidence before anything is answered. Each
gets its share of the level, 1 - (1 - c) / k for k settings tried on this data, so that with confidence c no
statement about any of them is false, whichever is taken (Bonferroni over settings, over the test of
services/asking.py for each). k counts every setting that was asked on these prompts, named here or alone
before. A subset that is asked later keeps its k; a setting that was not named gets no promise.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tlm_dash.errors import InvalidInputError, NotFoundError
from tlm_dash.models import new_id
from tlm_dash.services import asking
from tlm_dash.services.asking import AskedDecision, asked_now, decided_on
from tlm_dash.services.choice import Choice, ChooseRequest, Setting
from tlm_dash.services.choose_words import setting_names
from tlm_dash.services.compare_effort import cost_of
from tlm_dash.services.decide import Question
from tlm_dash.services.label_basis import SamplingBasis
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.place import Place
from tlm_dash.services.standing import standing_of, usable_rows, was_asked
from tlm_dash.store.data_version import data_version
from tlm_dash.store.questions import AskedQuestion, add_questions, questions_of

_MOST_KEPT = 3
_kept: dict[tuple[Any, ...], Choice] = {}
_kept_lock = threading.Lock()


def choose(place: Place, request: ChooseRequest, *, asked_by: str | None = None) -> Choice:
    """Store the settings with their target, then answer each with its share and take the best.

    Raises InvalidInputError for runs of several datasets or a run that is named twice, NotFoundError,
    StoreError.
    """
    runs = _runs(place, request)
    with asking.asking:
        fresh = _to_store(runs, _history(place, runs), request, asked_by)
        if fresh:
            add_questions(place.store, fresh)
    return _chosen(place, runs, request, is_look=False)


def choice_before(place: Place, runs: Sequence[LabelledRun]) -> AskedQuestion | None:
    """Give the first question of the choice that one of these runs was named for; None where none was."""
    earlier = _earlier_choice(runs, _history(place, runs))
    return earlier[0] if earlier else None


def known_choice_of(place: Place, runs: Sequence[LabelledRun], request: ChooseRequest) -> Choice:
    """Give `known_choice` of runs whose rows are there already; kept while nothing new is stored."""
    key = (str(place.store.path), request, data_version(place.store))
    with _kept_lock:
        if key in _kept:
            return _kept[key]
    found = _chosen(place, runs, request, is_look=False)
    if place.store.path is not None:
        with _kept_lock:
            _kept[key] = found
            for old in list(_kept)[:-_MOST_KEPT]:
                del _kept[old]
    return found


def known_choice(place: Place, request: ChooseRequest) -> Choice:
    """Answer what was asked of these settings already; else show nothing but their names. Stores nothing."""
    return _chosen(place, _runs(place, request), request, is_look=False)


def look_at_choice(place: Place, request: ChooseRequest) -> Choice:
    """Read every setting from its band, at the share that it has or would have. Stores nothing."""
    return _chosen(place, _runs(place, request), request, is_look=True)


def _runs(place: Place, request: ChooseRequest) -> list[LabelledRun]:
    runs = [_on_basis(place, run_id, request.bases) for run_id in request.run_ids]
    other = next((r for r in runs if r.record.dataset_id != runs[0].record.dataset_id), None)
    if other is not None:
        raise InvalidInputError(
            f"“{other.record.name}” is over another dataset than “{runs[0].record.name}”.",
            hint="A choice is among settings over the same prompts: name runs of one dataset.",
        )
    return runs


def _on_basis(place: Place, run_id: str, bases: Sequence[str]) -> LabelledRun:
    run = labelled_run(place, run_id)
    if not bases:
        return run
    basis = sample_named(run, bases)
    if basis is None:
        raise NotFoundError(
            f"“{run.record.name}” has none of the samples {', '.join(map(repr, bases))}.",
            hint=f"It has: {', '.join(basis.name for basis in run.samples)}.",
        )
    return replace(run, basis=basis)


def sample_named(run: LabelledRun, bases: Sequence[str]) -> SamplingBasis | None:
    """Give the first of the named samples that a run has, one with labels before one without."""
    known = {basis.name: basis for basis in run.samples}
    named = [known[name] for name in bases if name in known]
    return next((basis for basis in named if basis.kind != "none"), named[0] if named else None)


def _history(place: Place, runs: Sequence[LabelledRun]) -> tuple[AskedQuestion, ...]:
    return questions_of(place.store, runs[0].record.dataset_id)


def _earlier_choice(runs: Sequence[LabelledRun], history: Sequence[AskedQuestion]) -> Sequence[AskedQuestion]:
    """Give the first choice that one of the runs was named for, on the labels that it has now."""
    bases = {run.record.run_id: run.basis.name for run in runs}
    own = (
        q.choice_id for q in history
        if q.choice_id is not None and q.run_id in bases
        and (q.basis == bases[q.run_id] or not q.n_labelled)
    )  # fmt: skip
    choice_id = next(own, None)
    return [q for q in history if choice_id is not None and q.choice_id == choice_id]


def _members(runs: Sequence[LabelledRun], history: Sequence[AskedQuestion]) -> tuple[set[str], int]:
    """Give which runs are compared with a promise, and how many settings share the level."""
    earlier = _earlier_choice(runs, history)
    if earlier:
        return {q.run_id for q in earlier}, max(q.n_settings for q in earlier)
    standings = {run.record.run_id: standing_of(run, history) for run in runs}
    named = {run_id for run_id, standing in standings.items() if standing.state != "late"}
    tried = {other for run_id in named for other in standings[run_id].tried}
    return named, max(1, len(named | tried))


def _to_store(
    runs: Sequence[LabelledRun],
    history: Sequence[AskedQuestion],
    request: ChooseRequest,
    asked_by: str | None,
) -> list[AskedQuestion]:
    """Give what is not stored yet: a new choice, another target of it, or a setting labelled since."""
    earlier = _earlier_choice(runs, history)
    members, n_settings = _members(runs, history)
    choice_id = earlier[0].choice_id if earlier else new_id()
    assert choice_id is not None
    found = []
    for position, run in enumerate(runs):
        if run.record.run_id not in members or _is_stored(run, earlier, request.question):
            continue
        standing = standing_of(run, history)
        place_in_it = (choice_id, position, n_settings)
        found.append(asked_now(run, standing, request.question, asked_by, choice=place_in_it))
    return found


def _is_stored(run: LabelledRun, choice: Sequence[AskedQuestion], question: Question) -> bool:
    mine = [q for q in choice if q.run_id == run.record.run_id]
    if not usable_rows(run).any():
        return bool(mine)
    if question.max_risk is not None:
        return was_asked(run, mine, question)
    budget = (question.review_budget, question.daily_volume, question.review_share, question.confidence)
    return any(
        q.n_labelled and (q.review_budget, q.daily_volume, q.review_share, q.confidence) == budget
        for q in mine
    )


def _chosen(place: Place, runs: Sequence[LabelledRun], request: ChooseRequest, *, is_look: bool) -> Choice:
    history = _history(place, runs)
    earlier = _earlier_choice(runs, history)
    members, n_settings = _members(runs, history)
    labelled = [run for run in runs if usable_rows(run).any()]
    # Where nothing can be promised there is nothing that an answer would cost.
    is_answered = (
        is_look
        or not members
        or not labelled
        or any(_is_stored(run, earlier, request.question) for run in labelled)
    )
    names = setting_names([run.record for run in runs])
    settings = []
    for run, name in zip(runs, names, strict=True):
        standing = replace(standing_of(run, history), n_settings=n_settings)
        if run.record.run_id not in members and standing.state != "late":
            late_to = tuple(earlier)
            standing = replace(standing, state="late", first=None, settled_by=None, late_to=late_to)
        question = request.question
        if is_look:
            question = replace(question, from_band=question.max_risk is not None)
        asked = decided_on(run, standing, question, is_answered=is_answered)
        settings.append(_setting(place, run, name, asked, request))
    is_by_price = request.price_per_review is not None and all(
        s.price_per_1000 is not None for s in settings if s.is_certified
    )
    taken = _taken(settings, request, is_by_price=is_by_price) if is_answered else None
    return Choice(request, tuple(runs), tuple(settings), taken, n_settings, is_answered, is_look, is_by_price)


def _setting(
    place: Place,
    run: LabelledRun,
    name: str,
    asked: AskedDecision,
    request: ChooseRequest,
) -> Setting:
    cost, point = cost_of(place, run), asked.decision.answer.point
    price = None
    if cost.per_1000 is not None and request.price_per_review is not None and point is not None:
        price = cost.per_1000 + 1000 * (1 - point.coverage) * request.price_per_review
    return Setting(name, asked, cost, price, asked.standing.state != "late")


def _taken(settings: Sequence[Setting], request: ChooseRequest, *, is_by_price: bool) -> int | None:
    """Give the place of the setting to take: the cheapest certified one, of equal ones the first.

    Where people's reading is given, all read alike: the one with the lowest bound is taken. Any rule may be
    used here, since all statements hold together.
    """

    def rank(place: int) -> tuple[float, ...]:
        setting = settings[place]
        bound = setting.asked.decision.answer.bound
        price = setting.price_per_1000 if is_by_price else None
        by_bound = request.question.max_risk is None and bound is not None
        first = bound if by_bound and bound is not None else 0.0
        return first, 0.0 if price is None else price, setting.review_share, float(place)

    certified = [place for place, setting in enumerate(settings) if setting.is_certified]
    return min(certified, key=rank) if certified else None
