"""The second step of an upload: every column with sample values and what it means."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tlm_dash.services.dataset_inspection import InspectedColumn, Question
from tlm_dash.ui.column_choices import KEPT, OF_A_RESPONSE, ROLE_NAMES, ColumnChoices
from tlm_dash.ui.pending import PendingUpload
from tlm_dash.ui.text import one_line, visible

SHOWN_AT_ONCE = 30
"""Columns that are always drawn; of wider files, those without a role are folded away."""

NAME_CHARACTERS = 60
SAMPLE_CHARACTERS = 62
REASON_CHARACTERS = 100
ANSWER_CHARACTERS = 80
TEMPLATE_HEIGHT = 120
EVERY = ""
"""A model that holds for all responses of a row; no column has an empty name."""


def draw(upload: PendingUpload) -> None:
    """Draw a role menu for each column, the questions that only a person can answer, and the template."""
    for number, question in enumerate(upload.inspection.questions):
        _question(upload, number, question)
    columns = list(enumerate(upload.inspection.columns))
    folded: list[tuple[int, InspectedColumn]] = []
    if len(columns) > SHOWN_AT_ONCE:
        folded = [pair for pair in columns if upload.choices.roles[pair[0]] == KEPT]
        columns = [pair for pair in columns if pair not in folded]
    for number, column in columns:
        _column(upload, number, column)
    if folded:
        with st.expander(f"{len(folded):,} more columns without a role: they are kept beside the item"):
            for number, column in folded:
                _column(upload, number, column)
    _template(upload)


def _question(upload: PendingUpload, number: int, question: Question) -> None:
    """Draw a question with the values it is about; an answer gives the columns below their roles."""
    is_open = question in upload.open_questions()
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            if is_open:
                st.badge("Please answer", color="orange", icon=":material/help:")
            else:
                st.badge("Answered", color="gray", icon=":material/check:")
            st.text(visible(question.question), width="stretch")
        if question.samples:
            shown = " · ".join(one_line(sample, SAMPLE_CHARACTERS) for sample in question.samples)
            st.text(visible(f"{one_line(question.column or '', NAME_CHARACTERS)}: {shown}"))
        if is_open:
            # A menu and not buttons: their labels would be Markdown, and names are the file's.
            st.selectbox(
                f"Answer to question {number + 1}",
                options=list(question.answers),
                index=None,
                format_func=lambda answer: one_line(answer.label, ANSWER_CHARACTERS),
                placeholder="Choose an answer",
                key=_key(upload, "answer", number),
                on_change=_answer,
                args=(upload, number, question),
                label_visibility="collapsed",
            )


def _answer(upload: PendingUpload, number: int, question: Question) -> None:
    if (answer := st.session_state[_key(upload, "answer", number)]) is not None:
        upload.answer(question, answer)


def _key(upload: PendingUpload, name: str, number: int) -> str:
    return f"{name}-{upload.upload_id}-{upload.looks}-{number}"


def _column(upload: PendingUpload, number: int, column: InspectedColumn) -> None:
    name, samples, role = st.columns([3, 6, 4], gap="medium", vertical_alignment="center")
    with name:
        st.text(one_line(column.name, NAME_CHARACTERS))
    with samples, st.container(gap=None):
        for sample in column.samples:
            st.text(one_line(sample, SAMPLE_CHARACTERS))
        if not column.samples:
            st.caption("No value in the first rows")
    with role, st.container(gap="xsmall"):
        key = _key(upload, "role", number)
        # Set here and not as the default: another column may take the role away.
        st.session_state[key] = upload.choices.roles[number]
        st.selectbox(
            f"Role of column {number + 1}",
            options=list(ROLE_NAMES),
            format_func=lambda chosen: ROLE_NAMES[chosen],
            key=key,
            label_visibility="collapsed",
            on_change=_set_role,
            args=(upload, number),
        )
        if upload.choices.roles[number] in OF_A_RESPONSE:
            _response_of(upload, number)
        if column.role is not None and upload.choices.roles[number] == column.role:
            st.text(one_line(f"Guessed: {column.reason}", REASON_CHARACTERS))
        if upload.choices.roles[number] == "label":
            _is_label(upload, number)


def _set_role(upload: PendingUpload, number: int) -> None:
    upload.set_role(number, st.session_state[_key(upload, "role", number)])


def _is_label(upload: PendingUpload, number: int) -> None:
    key = _key(upload, "label", number)
    st.session_state[key] = upload.choices.names[number] in upload.choices.stated
    st.checkbox(
        "It says whether the response was right",
        key=key,
        on_change=_set_label,
        args=(upload, number),
        help="Without this the column is kept, but counts only when somebody says what its cells mean.",
    )


def _set_label(upload: PendingUpload, number: int) -> None:
    is_label = st.session_state[_key(upload, "label", number)]
    upload.choices = upload.choices.with_label(number, is_label=is_label)


def _response_of(upload: PendingUpload, number: int) -> None:
    choices = upload.choices
    options = list(choices.responses)
    if len(options) < 2:
        return
    if choices.roles[number] == "model":
        options.insert(0, EVERY)
    key = _key(upload, "of", number)
    st.session_state[key] = choices.response_of(number) or EVERY
    st.selectbox(
        f"Response that column {number + 1} belongs to",
        options=options,
        format_func=lambda name: "of every response" if name == EVERY else f"of {one_line(name, 40)}",
        key=key,
        label_visibility="collapsed",
        on_change=_set_response,
        args=(upload, number),
    )


def _set_response(upload: PendingUpload, number: int) -> None:
    response = st.session_state[_key(upload, "of", number)]
    upload.choices = upload.choices.with_response(number, None if response == EVERY else response)


def _template(upload: PendingUpload) -> None:
    on = st.toggle(
        "Make the prompt of several columns",
        value=upload.choices.template is not None,
        key=_key(upload, "use-template", 0),
        on_change=_set_template,
        args=(upload,),
    )
    if not on:
        return
    st.text_area(
        "Prompt template",
        value=upload.choices.template or "",
        key=_key(upload, "template", 0),
        height=TEMPLATE_HEIGHT,
        on_change=_set_template,
        args=(upload,),
        help="Write a column's name in braces, {like this}, where its cell is to stand, and {{ or }} for a "
        "brace of the text itself.",
    )
    st.text("Columns: " + ", ".join(f"{{{one_line(name, 40)}}}" for name in upload.choices.names[:40]))


def _set_template(upload: PendingUpload) -> None:
    if not st.session_state[_key(upload, "use-template", 0)]:
        template = None
    else:
        template = st.session_state.get(_key(upload, "template", 0)) or _first_template(upload.choices)
    upload.choices = replace(upload.choices, template=template)


def _first_template(choices: ColumnChoices) -> str:
    """Start from the prompt as it is, so that there is something to add to."""
    named = [name for name, role in zip(choices.names, choices.roles, strict=True) if role == "prompt"]
    return "{" + (named or list(choices.names))[0] + "}"
