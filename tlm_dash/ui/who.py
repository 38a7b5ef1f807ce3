"""Who is at this browser: a name that lives in its storage, holds for this tab, and is part of no link.

The browser tells the name once for each visit; until then `name` gives None and `has_answered` is false. What
comes from its storage is as untrusted as what is typed, and goes through the same check. What another tab
says meanwhile changes nothing here: a verdict is given in the name that is on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import new_id
from tlm_dash.services.labels import checked_annotator

OLD_KEY = "reviewer"
"""Key of addresses that carried a name once: whoever opened such a link labelled as somebody else."""

_STATE, _PART = "who-i-am", "browser-name"

_COMPONENT = st.components.v2.component(
    "browser_name",
    html="<span></span>",
    js=(Path(__file__).parent / "components" / "browser_name.js").read_text(encoding="utf-8"),
)


@dataclass
class Me:
    """What is known in this tab of the person in front of it.

    `changes` counts the names that were said here. `is_kept`: the browser keeps a name beyond this tab.
    `problem` is why the name in its storage cannot be used. `is_waited_for`: a page wanted the name before
    the browser had told it.
    """

    token: str = field(default_factory=new_id)
    name: str | None = None
    changes: int = 0
    has_answered: bool = False
    is_kept: bool = True
    problem: str | None = None
    is_waited_for: bool = False


def me() -> Me:
    """Give what is known of who is at this tab."""
    return st.session_state.setdefault(_STATE, Me())  # type: ignore[no-any-return]


def name() -> str | None:
    """Give the name of who is at this tab; None where none is said, or where it is not known yet."""
    known = me()
    known.is_waited_for = known.is_waited_for or not known.has_answered
    return known.name


def say(text: str) -> str:
    """Take a name from now on, and give it as it is kept. Raises InvalidInputError for what is no name."""
    known = me()
    known.name, known.problem = checked_annotator(text), None
    known.changes += 1
    return known.name


def listen() -> None:
    """Draw the part that talks to the browser's storage, and take the name out of an old link."""
    if OLD_KEY in st.query_params:
        del st.query_params[OLD_KEY]
    with st.container(key=_PART):
        _listen()


# A fragment: what the browser tells draws the page anew only where the page has asked for it.
@st.fragment
def _listen() -> None:
    known = me()
    _COMPONENT(
        key="browser-name-part", on_told_change=_hear, height=1,
        data={"token": known.token, "name": known.name, "change": known.changes},
    )  # fmt: skip
    if known.has_answered and known.is_waited_for:
        known.is_waited_for = False
        st.rerun()


def _hear() -> None:
    hear(st.session_state["browser-name-part"].told)


def hear(told: Any) -> None:  # noqa: ANN401 - whatever a browser sends
    """Take what a browser says: its name, and whether it keeps one. What is not of this visit is nothing."""
    known = me()
    if not isinstance(told, dict) or told.get("token") != known.token:
        return
    known.has_answered = True
    known.is_kept = told.get("can_keep") is True
    found = told.get("name")
    if known.changes or found is None:
        return
    try:
        known.name = checked_annotator(found if isinstance(found, str) else "")
    except InvalidInputError as error:
        known.problem = f"The name that this browser keeps cannot be used. {error.message}"
