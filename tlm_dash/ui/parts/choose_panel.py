"""Choose one of these: a target is confirmed, then one of the settings is taken, with its promise."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.services.asking_words import count, second_target
from tlm_dash.services.choice import Choice, ChooseRequest, Setting
from tlm_dash.services.choose import choice_before, choose, known_choice_of
from tlm_dash.services.choose_words import best_of
from tlm_dash.services.compare import Comparison
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.record_drafts import choice_record
from tlm_dash.ui import who
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts import decision_save
from tlm_dash.ui.text import one_line, visible
from tlm_dash.words.numbers import at_most, percent, threshold_text

NAME_CHARACTERS = 60


def draw(running: Dashboard, comparison: Comparison, params: CompareParams) -> None:
    """Draw the form, and what follows where its target was asked."""
    runs = [run.run for run in comparison.runs]
    if len({run.record.dataset_id for run in runs}) > 1:
        return
    with st.container(border=True, gap="small", key="choose"):
        st.subheader("Choose one of these", anchor=False)
        before = choice_before(running, runs)
        has_target = before is not None and before.max_risk is not None
        target = params.target((before.max_risk, before.confidence) if before and before.max_risk else None)
        request = params.choice(target)
        choice = known_choice_of(running, runs, request)
        if before is not None and has_target and not choice.is_answered:
            st.text(second_target(before))
        if not choice.is_answered:
            st.text(_before_asking(choice))
        _form(running, request, params, target, is_answered=choice.is_answered)
        if choice.is_answered:
            _answer(running, choice)


def _before_asking(choice: Choice) -> str:
    names = ", ".join(one_line(setting.name, NAME_CHARACTERS) for setting in choice.settings)
    n = choice.n_settings
    more = n - len(choice.settings)
    earlier = "" if more <= 0 else f" ({count(more, '')} that were asked before on this data count too)"
    return (
        f"Settle the target first. These {count(len(choice.settings), 'setting')} are kept with it: {names}. "
        f"Each gets its share of what may go wrong, for {count(n, 'setting')}{earlier}, so that the promise "
        "holds for the one you take. A setting that is named later gets no promise from the same labels."
    )


def _form(
    running: Dashboard,
    request: ChooseRequest,
    params: CompareParams,
    target: tuple[float, float],
    *,
    is_answered: bool,
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        risk = _number("At most wrong of what passes, %", 100 * target[0], "choose-risk", most=99.99)
        confidence = _number("Confidence, %", 100 * target[1], "choose-confidence", most=99.99)
        minutes = _number("Minutes to read a row", params.minutes_per_row, "choose-minutes")
        price = _number("Price of an hour of reading", params.price_per_hour, "choose-price")
        asked = replace(
            params, max_risk=_share(risk, target[0]), target_confidence=_share(confidence, target[1]),
            minutes_per_row=minutes, price_per_hour=price,
        )  # fmt: skip
        is_new = asked.target() != target
        if is_answered and not is_new:
            if (minutes, price) != (params.minutes_per_row, params.price_per_hour):
                _go(asked)
            return
        names = count(len(request.run_ids), "setting")
        if st.button(f"Choose among these {names}", key="choose-ask", icon=":material/check:"):
            choose(running, asked.choice(asked.target()), asked_by=who.name())
            _go(asked)


def _number(label: str, value: float | None, key: str, *, most: float = 1e9) -> float | None:
    # A key of its own for each value, so that links and Back move it too.
    shown = None if value is None else round(value, 7)
    return st.number_input(
        label,
        0.0 if most > 100 else 0.01,
        most,
        shown,
        step=1.0,
        format="%.4g",
        key=f"{key}-{shown}",
        width=190,
    )


def _share(shown: float | None, otherwise: float) -> float:
    return otherwise if shown is None else round(shown / 100, 9)


def _go(params: CompareParams) -> None:
    st.query_params.from_dict(params.to_dict())
    st.rerun()


def _answer(running: Dashboard, choice: Choice) -> None:
    st.text(visible(choice.sentence), width="stretch")
    rows = [_row(setting, is_taken=n == choice.taken) for n, setting in enumerate(choice.settings)]
    if all(row["price per 1,000"] == "" for row in rows):
        rows = [{name: cell for name, cell in row.items() if name != "price per 1,000"} for row in rows]
    st.dataframe(rows, hide_index=True, key="choose-table")
    # Beside the answer and whole: in a cell of the table they would be cut.
    for line in [*_reasons(choice), *choice.whose_labels()]:
        st.text(visible(line))
    with st.expander("What this stands on"):
        for note in choice.notes():
            st.text(visible(note))
    decision_save.draw(
        running, lambda: choice_record(running, choice.request), leads=False, what="choice",
        label="Save this choice",
    )  # fmt: skip


def _reasons(choice: Choice) -> list[str]:
    """Say of each setting that gets no promise why, and what can be had at best."""
    said = []
    for setting in choice.settings:
        if setting.why_not is not None:
            best = best_of(setting)
            at_best = "" if best is None else f"; at best {at_most(best)} can be guaranteed"
            said.append(f"{setting.name}, no promise: {setting.why_not}{at_best}.")
    return said


def _row(setting: Setting, *, is_taken: bool) -> dict[str, str]:
    answer = setting.asked.decision.answer
    point, bound = answer.point, answer.bound
    price = setting.price_per_1000
    return {
        "setting": visible(setting.name),
        "taken": "✓" if is_taken else "",
        "threshold": "" if point is None else threshold_text(point.threshold),
        "people read": "" if point is None else percent(setting.review_share),
        "promise": "no" if bound is None else f"yes, at most {at_most(bound)} wrong",
        "price per 1,000": "" if price is None else f"{price:,.2f}",
    }
