"""The prices on the settings page: two tables to edit, saved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tlm_dash.errors import TlmDashError
from tlm_dash.models import QUALITY_PRESETS, text_hash
from tlm_dash.services import prices
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.prices import Price
from tlm_dash.ui.guard import guarded
from tlm_dash.ui.parts.notice import failure
from tlm_dash.ui.text import visible

NAME, INPUT, OUTPUT, REQUEST, SINCE = "model", "input", "output", "a request", "from"
PRESET = "preset"
MOST_OFFERED = 50
MODELS_WIDTH, PRESETS_WIDTH = 760, 480


def draw(running: Dashboard) -> None:
    """Draw both tables and Save. A part of the page of its own: a changed cell asks no endpoint."""
    st.header("Prices", anchor=False)
    st.caption(
        "For estimates of cost, all in one currency: yours. They stay estimates: the endpoint reports the "
        "tokens of answers, not what scoring used. A run keeps the prices that it was started with. Without "
        "a price, requests and tokens are shown, never an amount."
    )
    st.fragment(lambda: guarded(lambda: _draw(running)))()


def _draw(running: Dashboard) -> None:
    try:
        known = prices.listed(running)
    except TlmDashError as error:
        failure(error.message, error.hint, label="No prices")
        return
    version = text_hash(repr(known))[:8]
    models = st.data_editor(
        _models(known, running.monitor.current.models),
        hide_index=True,
        num_rows="dynamic",
        column_config={
            NAME: st.column_config.TextColumn("Model", required=True, width="medium"),
            INPUT: _amount("Input, per million tokens"),
            OUTPUT: _amount("Output, per million tokens"),
            SINCE: st.column_config.TextColumn("From", disabled=True),
        },
        placeholder="—",
        width=MODELS_WIDTH,
        key=f"model-prices-{version}",
    )
    st.caption("Where the endpoint bills by request, what a request that scores costs at each preset:")
    presets = st.data_editor(
        _presets(known),
        hide_index=True,
        column_config={
            PRESET: st.column_config.TextColumn("Preset", disabled=True),
            REQUEST: _amount("A scoring request"),
            SINCE: st.column_config.TextColumn("From", disabled=True),
        },
        placeholder="—",
        width=PRESETS_WIDTH,
        key=f"preset-prices-{version}",
    )
    if st.button("Save prices", icon=":material/save:", key="save-prices"):
        _save(running, [*_model_prices(models), *_preset_prices(presets)])


def _amount(label: str) -> Any:  # noqa: ANN401 - Streamlit names no public type for it
    return st.column_config.NumberColumn(label, min_value=0.0, format="plain")


def _since(price: Price | None) -> str | None:
    if price is None:
        return None
    return f"{'the price file' if price.from_file else 'entered'}, {price.since}"


def _models(known: Sequence[Price], offered: Sequence[str]) -> dict[str, list[Any]]:
    """Lay out the models with a price, then those that can be asked and have none yet."""
    priced = {price.name: price for price in known if price.subject == "model"}
    # A name that would have to be shown otherwise than it is could not be read back.
    plain = [name for name in offered[:MOST_OFFERED] if visible(name) == name]
    names = [*priced, *(name for name in plain if name not in priced)]
    rows = [priced.get(name) for name in names]
    return {
        NAME: names,
        INPUT: [None if price is None else price.input_per_million for price in rows],
        OUTPUT: [None if price is None else price.output_per_million for price in rows],
        SINCE: [_since(price) for price in rows],
    }


def _presets(known: Sequence[Price]) -> dict[str, list[Any]]:
    priced = {price.name: price for price in known if price.subject == "preset"}
    rows = [priced.get(preset) for preset in QUALITY_PRESETS]
    return {
        PRESET: list(QUALITY_PRESETS),
        REQUEST: [None if price is None else price.per_request for price in rows],
        SINCE: [_since(price) for price in rows],
    }


def _model_prices(table: Mapping[str, Any]) -> list[Price]:
    """Read the table; a model without any amount has no price."""
    found = (
        Price("model", str(name or ""), _number(into), _number(out))
        for name, into, out in zip(table[NAME], table[INPUT], table[OUTPUT], strict=True)
    )
    return [
        price
        for price in found
        if price.input_per_million is not None or price.output_per_million is not None
    ]


def _preset_prices(table: Mapping[str, Any]) -> list[Price]:
    found = (
        Price("preset", name, per_request=_number(amount))
        for name, amount in zip(table[PRESET], table[REQUEST], strict=True)
    )
    return [price for price in found if price.per_request is not None]


def _number(value: Any) -> float | None:  # noqa: ANN401 - an empty cell is None or not a number
    return None if value is None or value != value else float(value)


def _save(running: Dashboard, wanted: Sequence[Price]) -> None:
    try:
        n = prices.change_prices(running, wanted)
    except TlmDashError as error:
        failure(error.message, error.hint, label="Not saved")
        return
    if n:
        st.rerun()
    st.caption("Nothing has changed.")
