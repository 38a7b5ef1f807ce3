"""The sentence that carries the Decide page, with what is asked as small inputs inside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from tlm_dash.services.asking import AskedDecision
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decide import Answer, Decision
from tlm_dash.services.operating_point import OperatingPoint
from tlm_dash.ui.params import MOST_ROWS
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.parts import decision_asking
from tlm_dash.ui.text import plain, visible
from tlm_dash.words.numbers import at_most, percent, threshold_text
from tlm_dash.words.threshold import fresh_words

WAYS = {"target": "a target", "budget": "rows we can read a day", "share": "a share we can read"}
SMALL = 104


def draw(running: Dashboard, asked: AskedDecision, params: DecideParams) -> None:
    """Draw the question with its inputs, and the answer under it once it was asked."""
    decision = asked.decision
    # The address decides what every widget shows, so that links, Back and buttons move them too.
    st.session_state["decide-by"] = params.by
    st.segmented_control(
        "Start from", list(WAYS), required=True, format_func=WAYS.__getitem__,
        key="decide-by", on_change=_take, args=("by", "decide-by"),
    )  # fmt: skip
    with st.container(border=True, gap="small", key="decision"):
        ASKED[params.by](decision, params)
        if asked.is_answered:
            for line in answer_lines(decision):
                st.markdown(line)
        else:
            decision_asking.draw(running, asked, params)
        if decision.with_open_wrong is not None:
            st.caption(open_line(decision))
        for note in _notes(asked):
            st.text(visible(note))
        if asked.is_answered and asked.first and not asked.is_first and params.by == "target":
            decision_asking.back_to_first(asked, params)


def _notes(asked: AskedDecision) -> list[str]:
    """Say whose labels these are, what was asked of them before, and what else the answer stands on."""
    first = decision_asking.first_line(asked)
    whose = asked.decision.labels.notes
    told = " ".join([*whose, *([] if first is None else [first]), *asked.notes()])
    return [*([told] if told else []), *asked.decision.notes]


def answer_lines(decision: Decision) -> list[str]:
    """Say the answer: the sentence in large letters, then what it means; numbers and our own words only."""
    answer, best, question = decision.answer, decision.best, decision.question
    confidence = percent(question.confidence)
    if answer.point is not None:
        lines = [
            f"## Send everything below {threshold_text(answer.point.threshold)} to people.",
            consequence(decision, answer.point),
        ]
        if question.max_risk is None or question.from_band:
            lines.append(bound_line(answer, confidence))
        else:
            lines.append(promise_line(answer, confidence))
        return lines
    if question.max_risk is None:
        return ["## Not possible.", f"{_sentence(answer.reason)}"]
    said = f"## Not with these {decision.n_labelled:,} labels"
    if not decision.n_labelled:
        said = f"## Not without {_missing(decision)}"
    said += f": at best {at_most(best.risk_high)} can be guaranteed." if best and best.risk_high else "."
    fresh = fresh_words([(one.n, one.chance) for one in answer.fresh])
    return [said, " ".join(filter(None, (_sentence(answer.reason), fresh)))]


def _missing(decision: Decision) -> str:
    """Name what a threshold needs and this run has not."""
    if decision.points:
        return "labels"
    return "answers that may be accepted" if sum(decision.not_accepted.values()) else "scores"


def consequence(decision: Decision, point: OperatingPoint) -> str:
    """Say what share goes to people, with its interval for future rows, and what passes."""
    review, n_rows = 1 - point.coverage, point.n_to_review + point.n_accepted
    weighted = f" (weighted: {percent(point.risk)})" if decision.basis.kind == "stratified" else ""
    return (
        f"That is **{percent(review)} of rows** ({percent(1 - point.coverage_high)} to "
        f"{percent(1 - point.coverage_low)}; {point.n_to_review:,} of {n_rows:,} here); "
        f"{percent(point.coverage)} pass. Seen so far: {point.n_wrong_accepted:,} wrong among the "
        f"{point.n_accepted_labelled:,} labelled ones that pass{weighted}."
    )


def bound_line(answer: Answer, confidence: str) -> str:
    """Say what the band guarantees of what passes."""
    if answer.bound is None:
        return "How many of those that pass are wrong cannot be said: fewer than 30 of them are labelled."
    return (
        f"Of the rows that pass, at most **{at_most(answer.bound)}** are wrong, with {confidence} confidence "
        "(read from the band, which holds at all thresholds at once)."
    )


def promise_line(answer: Answer, confidence: str) -> str:
    """Say what is guaranteed, and of what: rows, as often as they are asked."""
    return (
        f"Of the rows that pass, at most **{at_most(answer.bound)}** are wrong, with {confidence} "
        "confidence: of later rows like these, where a prompt counts as often as it is asked."
    )


def open_line(decision: Decision) -> str:
    """Say what would hold if every row left open were wrong."""
    worst = decision.with_open_wrong
    assert worst is not None
    rows = "1 row was left open" if decision.n_open == 1 else f"{decision.n_open:,} rows were left open"
    if worst.point is None:
        return f"{rows}. With all of them counted as wrong there is no such threshold."
    bound = "" if worst.bound is None else f", at most {at_most(worst.bound)} of it wrong"
    return (
        f"{rows}. With all of them counted as wrong: below {threshold_text(worst.point.threshold)}, "
        f"{percent(worst.point.coverage)} pass{bound}."
    )


def _target(decision: Decision, _params: DecideParams) -> None:
    question = decision.question
    assert question.max_risk is not None
    with _row():
        st.text("To keep wrong answers among the accepted rows at or below", width="content")
        _percent("Most wrong among the accepted, percent", question.max_risk, "decide-risk", _ask)
        st.text("% with", width="content")
        _percent("Confidence, percent", question.confidence, "decide-confidence", _ask)
        st.text("% confidence:", width="content")


def _budget(decision: Decision, params: DecideParams) -> None:
    with _row():
        st.text("We can read", width="content")
        budget, volume = params.budget(decision.n_rows)
        _rows("Rows that people can read a day", budget, "review_budget")
        st.text("of", width="content")
        _rows("Rows a day", volume, "daily_volume")
        st.text("rows a day:", width="content")


def _share(_decision: Decision, params: DecideParams) -> None:
    with _row():
        st.text("We can read", width="content")
        _percent("Share that people can read, percent", params.review_share, "decide-share", _ask_share)
        st.text("% of the rows:", width="content")


ASKED: dict[str, Callable[[Decision, DecideParams], None]] = {
    "target": _target, "budget": _budget, "share": _share,
}  # fmt: skip


def _row() -> st.delta_generator.DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", gap="xsmall")


def _percent(label: str, share: float, key: str, on_change: Callable[[], None]) -> None:
    st.session_state[key] = round(100 * share, 9)
    st.number_input(
        label, 0.01, 99.99, step=1.0, format="%.4g", key=key, label_visibility="collapsed", width=SMALL,
        on_change=on_change,
    )  # fmt: skip


def _rows(label: str, rows: int, name: str) -> None:
    key = f"decide-{name}"
    st.session_state[key] = rows
    st.number_input(
        label, 1, MOST_ROWS, key=key, label_visibility="collapsed", width=SMALL, on_change=_take,
        args=(name, key),
    )  # fmt: skip


def _sentence(reason: str | None) -> str:
    return "" if not reason else plain(f"{reason[:1].upper()}{reason[1:]}.")


def _ask() -> None:
    params = DecideParams.from_query(st.query_params)
    risk, confidence = (round(st.session_state[key] / 100, 9) for key in ("decide-risk", "decide-confidence"))
    asked = replace(params, max_risk=risk, confidence=confidence, threshold=None)
    st.query_params.from_dict(asked.to_dict())


def _ask_share() -> None:
    params = DecideParams.from_query(st.query_params)
    share = round(st.session_state["decide-share"] / 100, 9)
    st.query_params.from_dict(replace(params, review_share=share, threshold=None).to_dict())


def _take(name: str, key: str) -> None:
    params = DecideParams.from_query(st.query_params)
    st.query_params.from_dict(replace(params, threshold=None, **{name: st.session_state[key]}).to_dict())
