"""What a decision stands on: how many labels, from which sources, chosen how; and for which run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tlm_dash.services.decide import Decision
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.params_decide import DecideParams
from tlm_dash.ui.parts.review_runs import run_names
from tlm_dash.ui.text import one_line, visible
from tlm_dash.words.label_origins import origin_words
from tlm_dash.words.not_accepted import not_accepted_sentence

NAME_CHARACTERS = 90


def choose(views: Sequence[RunView], decision: Decision) -> None:
    """Draw the menus of the run and, where there are several, of the sample that estimates stand on."""
    names = run_names(views)
    with st.container(horizontal=True):
        st.session_state["decide-run"] = decision.record.run_id
        st.selectbox(
            "Run", list(names), key="decide-run", on_change=_choose_run,
            format_func=names.__getitem__, width=520,
        )  # fmt: skip
        if len(decision.samples) > 1:
            told = {basis.name: basis.sentence for basis in decision.samples}
            # An address may name a sample that cannot be used any more.
            st.session_state["decide-basis"] = decision.basis.name if decision.basis.name in told else None
            st.selectbox(
                "Stand on", list(told), index=None, placeholder="choose a sample", key="decide-basis",
                on_change=_choose_basis, format_func=lambda one: one_line(told[one], NAME_CHARACTERS),
                width=520,
            )  # fmt: skip


def draw(decision: Decision) -> None:
    """Draw one line about the labels, one about what the threshold is bound to."""
    sources = " · ".join(f"{n:,} from {origin_words(name)}" for name, n in decision.labels.counts.items())
    said = ["No label feeds this yet"]
    if decision.n_labelled:
        said = [f"{decision.n_labelled:,} {_labels(decision.n_labelled)} this: {decision.basis.sentence}"]
    if sources:
        said.append(sources)
    if decision.n_prompts < decision.n_labelled:
        said.append(f"{decision.n_prompts:,} distinct prompts among them")
    if decision.n_unscored:
        said.append(f"{decision.n_unscored:,} of {decision.n_rows:,} rows have no score and go to people")
    if decision.not_accepted:
        said.append(not_accepted_sentence(decision.not_accepted))
    with st.container(gap="xxsmall", key="label-basis"):
        st.text(visible(". ".join(said) + "."))
        st.text(visible(bound_to(decision)))


def bound_to(decision: Decision) -> str:
    """Say which model, preset and scorer a threshold belongs to."""
    model, preset, scorer = decision.bound_to
    if model is None or preset == "imported":
        return "Holds for the model, preset and scorer behind these scores only: any other needs its own."
    what = f"{model} at {preset}"
    by = f", scored by {scorer}" if scorer and scorer != model else ""
    return f"Holds for {what}{by} only: any other model, preset or scorer needs its own threshold."


def _labels(n: int) -> str:
    return "label feeds" if n == 1 else "labels feed"


def _choose_run() -> None:
    params = DecideParams.from_query(st.query_params)
    st.query_params.from_dict(params.of_run(st.session_state["decide-run"]).to_dict())


def _choose_basis() -> None:
    params = DecideParams.from_query(st.query_params)
    st.query_params.from_dict(params.on_sample(st.session_state["decide-basis"]).to_dict())
