"""A page that draws hostile names in every kind of place, for a browser to read back.

Started by tests/browser/test_names.py as a Streamlit script of its own, without our server's headers: what is
not escaped would really be fetched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser.hostile_names import FIRST, NAMES
from tlm_dash.ui.text import plain, visible


def in_expander(name: str, key: str) -> None:
    st.expander(plain(name), key=key).text("inside")


def in_form(name: str, key: str) -> None:
    with st.form(key):
        st.form_submit_button(plain(name))


# Each draws a name once, as Markdown: what is read must be the name and nothing else.
AS_MARKDOWN: dict[str, Callable[[str, str], object]] = {
    "markdown": lambda name, _: st.markdown(plain(name)),
    "caption": lambda name, _: st.caption(plain(name)),
    "badge": lambda name, _: st.badge(plain(name)),
    "title": lambda name, _: st.title(plain(name), anchor=False),
    "header": lambda name, _: st.header(plain(name), anchor=False),
    "button": lambda name, key: st.button(plain(name), key=key),
    "download": lambda name, key: st.download_button(plain(name), "x", key=key),
    "link": lambda name, _: st.link_button(plain(name), "http://localhost/"),
    "page link": lambda name, _: st.page_link("http://localhost/", label=plain(name)),
    "form": in_form,
    "checkbox": lambda name, key: st.checkbox(plain(name), key=key),
    "input": lambda name, key: st.text_input(plain(name), key=key),
    "radio": lambda name, key: st.radio(
        "a", [name], format_func=plain, key=key, label_visibility="collapsed"
    ),
    "pills": lambda name, key: st.pills(
        "a", [name], format_func=plain, key=key, label_visibility="collapsed"
    ),
    "segments": lambda name, key: st.segmented_control(
        "a", [name], format_func=plain, key=key, label_visibility="collapsed"
    ),
    "metric": lambda name, _: st.metric("a", plain(name), label_visibility="collapsed"),
    "metric label": lambda name, _: st.metric(plain(name), ""),
    "progress": lambda name, _: st.progress(0.5, text=plain(name)),
    "status": lambda name, _: st.status(plain(name), state="complete"),
    "error": lambda name, _: st.error(plain(name)),
    "expander": in_expander,
    "popover": lambda name, _: st.popover(plain(name)),
    "tabs": lambda name, _: st.tabs([plain(name), "the other"]),
}
# These draw text: there a backslash would be seen.
AS_TEXT: dict[str, Callable[[str, str], object]] = {
    "text": lambda name, _: st.text(visible(name)),
    "code": lambda name, _: st.code(visible(name), language=None),
    "multiselect": lambda name, key: st.multiselect("a", [name], [name], format_func=visible, key=key),
    "selectbox": lambda name, key: st.selectbox("a", [name], format_func=visible, key=key),
    "placeholder": lambda name, key: st.text_input("a", placeholder=visible(name), key=key),
}


def draw() -> None:
    """Draw all names in a few kinds of places, and the first of them in all kinds."""
    for number, name in enumerate(NAMES):
        with st.container(key=f"place-markdown-{number}"):
            AS_MARKDOWN["markdown"](name, "")
        with st.container(key=f"place-badge-{number}"):
            AS_MARKDOWN["badge"](name, "")
        with st.container(key=f"place-button-{number}"):
            AS_MARKDOWN["button"](name, f"one-{number}")
    for number, name in enumerate(NAMES[:FIRST]):
        for kind, draw_one in (AS_MARKDOWN | AS_TEXT).items():
            with st.container(key=f"kind-{kind.replace(' ', '_')}-{number}"):
                draw_one(name, f"{kind}-{number}")
    with st.container(key="help"):
        st.button("help", help=plain(NAMES[0]))
    st.container(key="table").dataframe({visible(NAMES[0]): [visible(NAMES[0])]})
    st.container(key="the-end").text("the end")


if __name__ == "__main__":
    draw()
