"""Who counts as one person among those who labelled a run, and the way to say otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.services import people
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.people import Person, Voice, said_words
from tlm_dash.ui.parts.label_change import change
from tlm_dash.ui.text import one_line

NAME_CHARACTERS = 60


def draw(running: Dashboard, run_ids: Sequence[str], name: str | None) -> None:
    """Draw those who count as one, and a form for two who are one; nothing where one person said it all."""
    found = people.voices(running, run_ids)
    if sum(len(voice.people) for voice in found) < 2:
        return
    several = [voice for voice in found if len(voice.people) > 1]
    if not several:
        with st.expander(f"People ({len(found):,})", key="people-here"):
            _unite(running, run_ids, found, name)
        return
    st.header("Who counts as one person", anchor=False)
    for voice in several:
        _voice(running, run_ids, voice, name)
    if len(found) > 1:
        with st.expander("Two of these people are one", key="people-here"):
            _unite(running, run_ids, found, name)


def _voice(running: Dashboard, run_ids: Sequence[str], voice: Voice, name: str | None) -> None:
    who = " and ".join(_words(person) for person in voice.people)
    names = {person.name.casefold() for person in voice.people}
    why = "since they have one name" if len(names) == 1 else "as somebody said"
    st.text(
        f"{who} count as one person, {why}: nobody is counted twice, and of what they said of a row the "
        "later counts in the agreement."
    )
    with st.container(horizontal=True):
        for person in voice.people[1:]:
            if st.button(
                "They are two people" if len(voice.people) == 2 else f"Not the one {_known(person)}",
                key=f"people-apart-{person.person_id}", disabled=name is None,
            ):  # fmt: skip
                change(lambda it=person: people.set_apart(running, run_ids, it.person_id, name or ""))  # type: ignore[misc]


def _unite(running: Dashboard, run_ids: Sequence[str], found: Sequence[Voice], name: str | None) -> None:
    names = {voice.voice: one_line(voice.name, NAME_CHARACTERS) for voice in found}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        one = st.selectbox(
            "This person", list(names), format_func=names.__getitem__, key="people-one", width=260
        )
        rest = [voice for voice in names if voice != one]
        other = st.selectbox(
            "and this one", rest, format_func=names.__getitem__, key="people-other", width=260
        )
        if st.button("are one person", key="people-unite", disabled=name is None):
            change(lambda: people.unite(running, run_ids, one, other, name or ""))


def _words(person: Person) -> str:
    return one_line(said_words(person), NAME_CHARACTERS)


def _known(person: Person) -> str:
    # Our own words: a button's label is Markdown.
    return f"known {people.KNOWN_WORDS[person.known_by]}, {person.n_said:,} said"
