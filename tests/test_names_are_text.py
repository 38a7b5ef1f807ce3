"""Names are text on every page: what is drawn as Markdown is a literal, a figure of ours, or plain(…).

How to fix a failure: write `plain(…)` around what is not known (tlm_dash/ui/text.py). Where Streamlit draws
no Markdown, as in options of select boxes and cells of tables, it is `visible(…)` or `one_line(…)`.
"""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import streamlit

from tests.drawn_text import Module, NotKnownError, Parameter, Reading, Sources, handed_over

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("pages", "tlm_dash.ui")
READ = ("pages", "tlm_dash")

MARKDOWN, TEXT, HTML, FIGURE = "Markdown", "text", "HTML", "a text of Plotly"
ESCAPES = {
    MARKDOWN: frozenset({"plain"}),
    TEXT: frozenset({"visible", "one_line", "beginning"}),
    HTML: frozenset({"html.escape"}),
    FIGURE: frozenset({"escaped"}),
}
"""What makes an unknown text fit for each kind of place."""

# How the installed Streamlit draws the arguments that may hold text; tried in a browser, see
# tests/browser/test_names.py. None: it is not drawn, or drawn as what it is (numbers, cells of tables).
NEITHER = """
    accept_multiple_files accept_new_options alignment anchor args border color column_config
    columns config data default disabled expanded figure_or_data file_name format func gap height
    hide_index horizontal horizontal_alignment index initial_sidebar_state key kwargs
    label_visibility language layout max_chars max_selections max_value mime min_column_width
    min_value num_pages num_rows on_change on_click on_dismiss on_select options page page_icon
    page_title pages persist_state position query_params required row_height run_every
    selection_mode shortcut show_spinner size spec step type url value vertical_alignment width
    wrap wrap_lines
"""
ARGUMENTS: dict[str, str | None] = {
    **dict.fromkeys(("label", "body", "help", "captions", "title", "icon", "delta"), MARKDOWN),
    **dict.fromkeys(("placeholder", "alt"), TEXT),
    **dict.fromkeys(NEITHER.split()),
}
OWN: dict[tuple[str, str], str | None] = {
    ("text", "body"): TEXT, ("code", "body"): TEXT, ("html", "body"): HTML,
    ("selectbox", "options"): TEXT, ("multiselect", "options"): TEXT,
    ("radio", "options"): MARKDOWN, ("pills", "options"): MARKDOWN,
    ("segmented_control", "options"): MARKDOWN, ("select_slider", "options"): MARKDOWN,
    ("metric", "value"): MARKDOWN, ("progress", "text"): MARKDOWN, ("spinner", "text"): MARKDOWN,
    ("write", "args"): MARKDOWN, ("table", "data"): MARKDOWN,
}  # fmt: skip
"""Where an argument of one function is drawn otherwise."""

ON_PLACES = {
    "badge", "button", "caption", "header", "markdown", "metric", "progress", "subheader", "text", "title"
}  # fmt: skip
"""What is drawn by a method of a place too, as `column.caption(…)`."""

NOT_DRAWING = {
    "App", "cache_resource", "column_config", "components", "context", "delta_generator", "fragment",
    "query_params", "rerun", "session_state", "sidebar", "switch_page",
}  # fmt: skip
"""What is called, or reached, without drawing anything."""


@dataclass(frozen=True)
class Drawn:
    """A text that is drawn. Where it is a function that shows options, `handed` are the options."""

    kind: str
    where: str
    text: ast.expr
    handed: ast.expr | None = None


def drawn(module: Module, call: ast.Call) -> Iterator[Drawn]:
    """Give what a call of Streamlit draws. Raises KeyError where it is not known how it draws an argument."""
    if not module.name.startswith(PAGES):
        return
    if (function := _streamlit_function(module, call.func)) is None:
        return
    names = [*inspect.signature(function).parameters]
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    handed = [(names[min(number, len(names) - 1)], text) for number, text in enumerate(call.args)]
    handed += [(keyword.arg or "**", keyword.value) for keyword in call.keywords]
    shown_as = dict(handed).get("format_func")
    for argument, text in handed:
        if argument == "format_func" or (argument == "body" and _is_style(text)):
            continue
        kind = OWN[name, argument] if (name, argument) in OWN else ARGUMENTS[argument]
        if argument == "label" and name.endswith("Column"):
            kind = TEXT
        if kind is None:
            continue
        if argument == "options" and shown_as is not None:
            yield Drawn(kind, f"{argument} of {name}", shown_as, handed=text)
        else:
            yield Drawn(kind, f"{argument} of {name}", text)


def _streamlit_function(module: Module, called: ast.expr) -> Callable[..., object] | None:
    """Give the function of Streamlit that is called, on `st` itself or on a place, as a column."""
    owner: object = streamlit
    match called:
        case ast.Attribute(value=ast.Name(id="st"), attr=name) if name not in NOT_DRAWING:
            pass
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="st"), attr="sidebar"), attr=name):
            pass
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="st"), attr="column_config"), attr=name):
            owner = streamlit.column_config
        case ast.Attribute(value=ast.Name(id=place), attr=name) if name in ON_PLACES:
            if place in ("st", "self", *module.imports):
                return None
        case _:
            return None
    function: Callable[..., object] = getattr(owner, name)
    return function


def hidden_calls(sources: Sources) -> Iterator[tuple[Module, ast.AST, str]]:
    """Give the places from where Streamlit may be called so that `drawn` does not see it."""
    for module in sources.modules.values():
        if not module.name.startswith(PAGES):
            continue
        for node in ast.walk(module.tree):
            match node:
                case ast.ImportFrom(module="streamlit.delta_generator", names=[ast.alias("DeltaGenerator")]):
                    pass  # the type of a place
                case ast.ImportFrom(module=str() as origin) if origin.partition(".")[0] == "streamlit":
                    yield module, node, f"write `import streamlit as st`, not `from {origin} import`"
                case ast.Import() if any(a.name == "streamlit" and a.asname != "st" for a in node.names):
                    yield module, node, "write `import streamlit as st`"
                case ast.Attribute(value=ast.Name(id="st"), attr=name) if name not in NOT_DRAWING:
                    whole = module.inside[node]
                    is_decorator = isinstance(whole, ast.FunctionDef) and node in whole.decorator_list
                    if not is_decorator and not (isinstance(whole, ast.Call) and whole.func is node):
                        yield module, node, f"st.{name} is handed on, so that what it draws is not seen"


def _is_style(body: ast.expr) -> bool:
    """Tell whether st.html gets a style sheet of ours, by its path."""
    match body:
        case ast.Call(func=ast.Attribute(attr="with_name"), args=[ast.Constant(value=str() as name)]):
            return name.endswith(".css")
    return False


FIGURE_TEXTS = {
    "name", "text", "title", "ticktext", "customdata", "hovertext", "hovertemplate", "texttemplate",
    "annotation_text", "ticksuffix", "tickprefix", "legendgrouptitle", "meta",
}  # fmt: skip


def drawn_in_figures(module: Module, call: ast.Call) -> Iterator[Drawn]:
    """Give the texts of a call that makes a figure: Plotly reads tags, links too, in all of them."""
    if module.name.startswith("tlm_dash.charts"):
        for keyword in call.keywords:
            if keyword.arg in FIGURE_TEXTS:
                yield Drawn(FIGURE, f"{keyword.arg} of {ast.unparse(call.func)}", keyword.value)
            elif isinstance(keyword.value, ast.Dict):
                for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in FIGURE_TEXTS:
                        yield Drawn(FIGURE, f"{key.value} of {keyword.arg}", value)


def offences(sources: Sources) -> list[str]:
    """List what is drawn and not known, in words."""
    found: list[str] = []
    calls = [*sources.calls((*PAGES, "tlm_dash.charts"))]
    readings = {kind: Reading(sources, escapes=names) for kind, names in ESCAPES.items()}
    drawing: list[tuple[str, Parameter]] = []
    callers = defaultdict[ast.AST, list[tuple[Module, ast.Call]]](list)
    for module, call in calls:
        if (called := sources.function(module, call.func)) is not None:
            callers[called[1]].append((module, call))
    mentioned = sources.functions_as_values((*PAGES, "tlm_dash.charts"))

    def tell(module: Module, place: ast.AST, words: str) -> None:
        found.append(f"{module.name}:{getattr(place, 'lineno', 0)}: {words}")

    def look(module: Module, one: Drawn) -> None:
        try:
            needs = readings[one.kind].needs(module, one.text)
        except NotKnownError as unknown:
            tell(module, one.text, f"{one.where} is drawn as {one.kind} and holds {unknown}")
            return
        if one.kind != MARKDOWN and (escaped := _escaped_for_markdown(one.text)):
            tell(module, one.text, f"{one.where} is no Markdown, and would show what {escaped} adds")
        for need in needs:
            if one.handed is not None and need.function is sources.function_meant(module, one.text):
                look(module, Drawn(one.kind, one.where, ast.Call(ast.Name("iter"), [one.handed], [])))
            elif (one.kind, need) not in drawing:
                drawing.append((one.kind, need))
                if not callers[need.function] or need.function in mentioned:
                    tell(
                        module, one.text, f"{one.where} is drawn as {one.kind}, and not all callers are seen"
                    )

    for module, place, words in hidden_calls(sources):
        tell(module, place, words)
    for module, call in calls:
        try:
            for one in chain(drawn(module, call), drawn_in_figures(module, call)):
                look(module, one)
        except KeyError as unknown:
            tell(module, call, f"how is the argument {unknown} drawn? Say so in this test")
    # Who draws what was handed to it draws as Streamlit does; the list grows while it is gone through.
    for kind, need in drawing:
        for module, call in callers[need.function]:
            try:
                for text in handed_over(call, need):
                    look(module, Drawn(kind, f"{need.name} of {ast.unparse(call.func)}", text))
            except NotKnownError as unknown:
                tell(module, call, f"{need.name} is drawn as {kind}: {unknown}")
    return found


def _escaped_for_markdown(text: ast.expr) -> str | None:
    calls = (node for node in ast.walk(text) if isinstance(node, ast.Call))
    return next((ast.unparse(call) for call in calls if ast.unparse(call.func) == "plain"), None)


def test_what_is_drawn_is_known() -> None:
    found = offences(Sources.of(ROOT, READ))
    assert not found, "\n".join([*found, __doc__ or ""])


HEAD = "import html\nimport streamlit as st\nfrom tlm_dash.ui.text import one_line, plain, visible\n"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("def f(x): go.Scatter(name=escaped(x.name), text=[escaped(one) for one in x.names])", 0),
        ("def f(x): go.Scatter(hovertemplate='%{customdata}', customdata=[f'{x.n:,}'], x=x.values)", 0),
        ("def f(x): figure.update_xaxes(title={'text': escaped(x.name)}, ticktext=['a'])", 0),
        ("def f(x): go.Scatter(name=x.name)", 1),
        ("def f(x): go.Scatter(text=[one for one in x.names], customdata=[[x.name]])", 2),
        ("def f(x): figure.update_layout(xaxis={'title': {'text': x.name}})", 1),
        ("def f(x): figure.add_hline(y=1, annotation={'text': f'at {x.name}'})", 1),
        ("def f(name: str): figure.update_yaxes(title=name)", 1),
    ],
)
def test_the_reading_of_figures_finds_what_is_not_known(source: str, count: int) -> None:
    found = offences(Sources({"tlm_dash.charts.some": source}))
    assert len(found) == count, found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        # What is known.
        ("def f(x): st.caption(plain(x.name))", 0),
        ("def f(x): st.button(f'{x.n:,} rows of {plain(x.name)}', help='Says **more**')", 0),
        ("WORDS = {'a': 'one'}\ndef f(x): st.badge(WORDS[x.kind])", 0),
        ("WORDS = {'a': 'one'}\ndef f(x): st.radio('a', list(WORDS), format_func=WORDS.__getitem__)", 0),
        ("def f(n: int, at: float | None): st.caption(f'{n} of {at}')", 0),
        ("def words(n: int): return 'a' if n == 1 else f'{n} rows'\ndef f(x): st.header(words(x.n))", 0),
        ("def draw(title: str): st.title(title)\ndef f(): draw('Runs')", 0),
        ("def f(x):\n    for name, icon in (('a', 'b'), ('c', 'd')):\n        st.button(name, icon=icon)", 0),
        ("def f(x): st.text(visible(x.name))\ndef g(x): st.selectbox('a', x.all, format_func=visible)", 0),
        ("def f(x): st.html('<b>' + html.escape(x.name) + '</b>')", 0),
        ("def f(x): st.selectbox('a', x.ids, format_func=lambda one: one_line(x.names[one], 60))", 0),
        # What is not.
        ("def f(x): st.caption(x.name)", 1),
        ("def f(x): st.caption(visible(x.name))", 1),
        ("def f(x): st.caption(f'{x.name}')", 1),
        ("def f(x): st.caption('by %s' % x.name)", 1),
        ("def f(x): st.caption('{}'.format(x.name))", 1),
        ("def f(x): st.caption(f'{x.name:>10}')", 1),
        ("def f(x): st.button('a', help=x.name)", 1),
        ("def f(x): st.badge(label=x.name)", 1),
        ("def f(x): st.metric('a', x.name, delta=x.name)", 2),
        ("def f(x): st.radio('a', ['b'], captions=[x.name])", 1),
        ("def f(x): st.radio('a', x.names)", 1),
        ("def f(x): st.pills('a', x.ids, format_func=lambda one: x.names[one])", 1),
        ("def f(x): st.pills('a', x.names, format_func=lambda one: f'the {one}')", 1),
        ("def f(x): st.pills('a', list({x.name: 'one'}))", 1),
        ("def f(x): st.column_config.TextColumn('a', help=x.name)", 1),
        ("def f(x):\n    with st.expander(x.name): pass", 1),
        ("def f(x):\n    @st.dialog(x.name)\n    def g(): pass", 1),
        ("def f(x):\n    left, _ = st.columns(2)\n    left.caption(x.name)", 1),
        ("def f(x):\n    told = 'a'\n    told += x.name\n    st.caption(told)", 1),
        ("def f(x):\n    told = []\n    told.append(x.name)\n    st.caption(' '.join(told))", 1),
        ("def draw(title: str): st.title(title)\ndef f(x): draw(x.name)", 1),
        ("def draw(title: str): st.title(title)\ndef f(x): x.each(draw)\ndef g(): draw('a')", 1),
        ("def draw(title: str): st.title(title)", 1),
        ("def words(x): return x.name\ndef f(x): st.caption(words(x))", 1),
        ("def f(x): st.text(x.name)", 1),
        ("def f(x): st.text(plain(x.name))", 1),
        ("def f(x): st.selectbox('a', x.names)", 1),
        ("def f(x): st.text_input('a', placeholder=x.name)", 1),
        ("def f(x): st.html(f'<b>{plain(x.name)}</b>')", 1),
        ("def f(x): st.button('a', new_argument=x.name)", 1),
        ("def f(x): st.error('a', **x.more)", 1),
        ("def f(x): st.text(visible(x.name) + plain('a'))", 1),
        ("def f(x): st.sidebar.caption(x.name)", 1),
        ("def f(x): st.write(x.name)", 1),
        ("def f(x): (st.caption if x.small else st.text)(x.name)", 2),
        ("from streamlit import caption\ndef f(x): caption(x.name)", 1),
        ("from streamlit.delta_generator import DeltaGenerator\ndef f(x: DeltaGenerator): x.text('a')", 0),
    ],
)
def test_the_reading_finds_what_is_not_known_and_nothing_else(source: str, count: int) -> None:
    found = offences(Sources({"pages.some": HEAD + source, "tlm_dash.ui.text": TEXT_MODULE}))
    assert len(found) == count, found


TEXT_MODULE = "\n".join(
    f"def {name}(*text): return unknown(text)" for name in ("plain", "visible", "one_line")
)
