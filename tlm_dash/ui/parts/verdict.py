"""The verdict on each candidate in one sentence, and what is missing for a better one."""

from __future__ import annotations

import streamlit as st

from tlm_dash.models import DEFAULT_QUALITY_PRESET
from tlm_dash.services.compare import ComparedRun, Comparison
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.params_compare import CompareParams
from tlm_dash.ui.parts import label_notice, more_rows
from tlm_dash.ui.parts.notice import empty
from tlm_dash.ui.text import visible
from tlm_dash.words.numbers import percent

REVIEW, RUNS, DECIDE = "../../pages/review.py", "../../pages/runs.py", "../../pages/decide.py"

# Words and icon of each verdict; no colour says good or bad of what a person has to weigh.
BADGES = {
    "not_comparable": ("not comparable", ":material/block:"),
    "too_few_labels": ("too few labels", ":material/label_off:"),
    "b_better": ("better", ":material/trending_up:"),
    "b_not_inferior": ("good enough", ":material/check_circle:"),
    "a_better": ("worse", ":material/trending_down:"),
    "not_distinguishable": ("not distinguishable", ":material/drag_handle:"),
}


def draw(running: Dashboard, comparison: Comparison) -> None:
    """Draw the sentences, then what stands where a mean score would be looked for."""
    for number, pair in enumerate(comparison.pairs):
        words, icon = BADGES[pair.verdict.code]
        with st.container(border=True, gap="xsmall", key=f"verdict-{number}"):
            st.badge(words, color="blue" if pair.verdict.code == "b_not_inferior" else "gray", icon=icon)
            st.text(visible(comparison.sentence(number)))
    if len(comparison.pairs) > 1:
        st.caption(
            f"{len(comparison.pairs)} candidates: each interval is wider, so that all of them hold together "
            f"with {percent(comparison.request.confidence)} confidence, and each p is held against its share "
            "of the level."
        )
    if _nothing_in_common(comparison):
        return
    _missing_labels(running, comparison)
    _no_means(comparison)


def _missing_labels(running: Dashboard, comparison: Comparison) -> None:
    """Offer labels that wait, and the queue where no verdict can be had for want of labels."""
    has_verdict = any(pair.verdict.code != "too_few_labels" for pair in comparison.pairs)
    waits = [
        label_notice.draw(running, run.record.dataset_id, of_run=run.record.run_id, leads=not has_verdict)
        for run in comparison.runs
        if not run.quality.n_labelled
    ]
    baseline = comparison.runs[0]
    if has_verdict or baseline.quality.n_labelled:
        return
    empty(
        baseline.run.basis.reason or "No row of the baseline has a label yet.",
        "How alike the scores rank the rows is shown below all the same: that needs no label.",
        label="No labels",
    )
    if st.button(
        "Label rows", icon=":material/rate_review:", key="compare-to-queue",
        type="secondary" if any(waits) else "primary",
    ):  # fmt: skip
        st.switch_page(REVIEW, query_params={"run": baseline.record.run_id, "view": "queue"})


def is_answered(comparison: Comparison) -> bool:
    """Tell whether a candidate has a verdict that a decision can stand on."""
    return any(pair.verdict.code not in ("too_few_labels", "not_comparable") for pair in comparison.pairs)


def _nothing_in_common(comparison: Comparison) -> bool:
    """Tell whether no pair has a row, and say what to do."""
    if any(pair.pairing.n for pair in comparison.pairs):
        return False
    empty(
        "The runs have no answered prompt in common, so there is nothing to set side by side.",
        "Run both models or presets over one dataset, or choose runs over the same prompts.",
        label="Nothing in common",
    )
    if st.button("New run", type="primary", icon=":material/add:", key="compare-run-both"):
        record = comparison.runs[0].record
        # Nothing is run over the playground.
        of = {} if record.is_playground else {"dataset": record.dataset_id}
        st.switch_page(RUNS, query_params={"new": "yes", **of})
    return True


def _no_means(comparison: Comparison) -> None:
    """Say why no mean score is shown, and offer to score all responses alike."""
    if comparison.scores_comparable:
        return
    if comparison.runs[0].record.is_playground:
        st.text(
            "No mean score is shown: scores of different presets or scorers differ in size. To score answers "
            "of the playground alike, add them to a dataset and run that."
        )
        return
    if not comparison.has_scored_pairs:
        st.page_link(
            RUNS, label="Score their responses: none has a score in both", icon=":material/play_circle:",
            query_params=_rescoring(comparison),
        )  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center", key="no-means"):
        st.text(
            "No mean score is shown: scores of different presets or scorers differ in size for reasons that "
            "have nothing to do with the answers. What they rank can be compared.",
            width="stretch",
        )
        if not all(pair.same_responses for pair in comparison.pairs):
            st.page_link(
                RUNS, label="Re-score with one scorer", icon=":material/replay:",
                query_params=_rescoring(comparison),
            )  # fmt: skip


def _rescoring(comparison: Comparison) -> dict[str, str | list[str]]:
    """Give the address of the drawer in which the responses of all runs are ticked for one scorer.

    One dataset at a time: runs over others stay as they are.
    """
    dataset_id = comparison.runs[0].record.dataset_id
    mine = [run.record.run_id for run in comparison.runs if run.record.dataset_id == dataset_id]
    return {
        "new": "yes", "dataset": dataset_id, "mode": "score",
        "cell": [f"{DEFAULT_QUALITY_PRESET}~{run_id}" for run_id in mine],
    }  # fmt: skip


def next_step(running: Dashboard, comparison: Comparison, params: CompareParams) -> None:
    """Lead on: to labels or rows where too few are there for a verdict, else to a threshold.

    A verdict that was given, also "not distinguishable", asks for no more of the same: to label on and look
    again would break what its interval says.
    """
    codes = {pair.verdict.code for pair in comparison.pairs}
    if codes == {"not_comparable"}:
        return
    baseline = comparison.runs[0].record
    is_open = codes <= {"too_few_labels"}
    waiting = next(filter(_waits_for_labels, comparison.runs), None) if is_open else None
    if waiting is not None:
        st.page_link(
            REVIEW, label="Next step: label more rows", icon=":material/rate_review:",
            query_params={"run": waiting.record.run_id, "view": "queue"},
        )  # fmt: skip
    elif is_open:
        more_rows.next_step(running, [run.record.run_id for run in comparison.runs])
    else:
        good = ("b_better", "b_not_inferior")
        shown = comparison.pairs[params.shown]
        run_id = shown.b.run_id if shown.verdict.code in good else baseline.run_id
        st.page_link(
            DECIDE, label="Next step: decide on a threshold", icon=":material/rule:",
            query_params={"run": run_id},
        )  # fmt: skip


def _waits_for_labels(run: ComparedRun) -> bool:
    """Tell whether a row of a run waits for a label; those that people were unsure of do not."""
    waiting = ("without a label", "labelled, but not in the sample")
    return any(run.quality.n_excluded.get(reason, 0) for reason in waiting)
