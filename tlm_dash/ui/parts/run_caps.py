"""What a new run may take at most: a cap on requests, and one on the cost where there are prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from tlm_dash.models import RunMode
from tlm_dash.services.prices import PriceTable
from tlm_dash.ui.params_new_run import Choices
from tlm_dash.ui.parts.run_grid import Ticked
from tlm_dash.ui.parts.run_options import whole_number


def draw(prices: PriceTable, grids: Sequence[Ticked], mode: RunMode, kept: Choices) -> Choices:
    """Ask for the caps; that on the cost is open only where everything that is ticked has a price."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        max_requests = whole_number(
            "At most, requests",
            "no cap",
            kept.max_requests,
            "Past this many requests the runs stop cleanly, and can go on later.",
        )
        kept = replace(kept, max_requests=max_requests)
        if _unpriced(prices, grids, mode):
            st.page_link(
                "../../pages/settings.py",
                label="Enter prices to cap the cost",
                icon=":material/payments:",
                width="stretch",
            )
            return replace(kept, max_cost=None)
        max_cost = st.number_input(
            "At most, cost",
            min_value=0.0,
            max_value=1e9,
            value=kept.max_cost,
            step=1.0,
            format="%.6g",
            key="new-at-most-cost",
            placeholder="no cap",
            help="An estimate by the price table, in its currency. The runs stop cleanly before that, "
            "and can go on later.",
        )
    return replace(kept, max_cost=max_cost or None)


def _unpriced(prices: PriceTable, grids: Sequence[Ticked], mode: RunMode) -> bool:
    if mode == "score":
        return not {preset for grid in grids for preset in grid.presets} <= set(prices.per_request)
    return not {model for grid in grids for model in grid.rows} <= set(prices.models)
