"""How the scores of each chosen run lie: a panel per run, in words and as a chart that filters the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from tlm_dash.charts.distribution import distribution_chart, distribution_words, interval_of
from tlm_dash.charts.theme import model_color
from tlm_dash.errors import InvalidInputError
from tlm_dash.services import review
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.review import BINS, Axis, Distribution, RowFilter, RowLook
from tlm_dash.services.run_view import RunView
from tlm_dash.ui.params_review import ReviewParams
from tlm_dash.ui.parts.dataset_list import counted
from tlm_dash.ui.parts.review_runs import listed_run, title
from tlm_dash.ui.text import score_text
from tlm_dash.words.not_accepted import not_accepted_parts

AXES: dict[Axis, str] = {"linear": "0 to 1", "logit": "near 1, spread out"}
TIES_WORTH_SAYING = 0.02
JUST_ABOVE_HALF = 0.5000000000000001
"""The next number above 0.5: an interval that holds 0.5 and nothing else ends here."""


def draw(running: Dashboard, views: Sequence[RunView], params: ReviewParams) -> None:
    """Draw the panels, side by side."""
    _axis(views, params)
    reason = _why_apart(views)
    if reason:
        st.text(reason)
    listed = listed_run(views, params)
    seen = [_seen(running, view, params, is_listed=view.record.run_id == listed) for view in views]
    # Row by row, so that charts side by side stand at the same height.
    for column, view in zip(st.columns(len(views)), views, strict=True):
        column.text(title(view))
    for column, view, one in zip(st.columns(len(views)), views, seen, strict=True):
        with column:
            _words(view, one)
    for column, view, one in zip(st.columns(len(views)), views, seen, strict=True):
        with column:
            _panel(view, one, params)
    for column, one in zip(st.columns(len(views)), seen, strict=True):
        column.caption(spread(one.found))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run as its panel shows it: words and bars are of the same rows.

    `found` measures the rows that the filters let through, whatever their score; `n_all` counts those of the
    run. `look` has the bars, with the interval of scores that `wanted` marks in them; None where there are
    none to draw.
    """

    found: Distribution
    n_all: int
    wanted: RowFilter
    look: RowLook | None


def _seen(running: Dashboard, view: RunView, params: ReviewParams, *, is_listed: bool) -> _Seen:
    whole = review.distribution_of(running, view)
    wanted = params.filter if is_listed else params.filter.without_scores()
    if not whole.n_scored:
        return _Seen(whole, whole.n, wanted, None)
    try:
        look = review.found(
            running, view, wanted, sort=params.sort, page=params.page if is_listed else 1, axis=params.axis
        )
    except InvalidInputError:
        # The table says it, once.
        return _Seen(whole, whole.n, wanted, None)
    return _Seen(look.figures or whole, whole.n, wanted, look)


def _axis(views: Sequence[RunView], params: ReviewParams) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Axis",
            options=list(AXES),
            default=params.axis,
            format_func=AXES.__getitem__,
            key=f"review-axis-{params.axis}",
            label_visibility="collapsed",
            required=True,
            on_change=_turn_axis,
            args=(f"review-axis-{params.axis}",),
        )
        st.caption("Drag over the bars to see only their rows.")
        if params.filter.has_interval:
            # Beside the axis, where it moves nothing that is below.
            st.button(
                f"{interval_words(params.filter)}: show all scores",
                key="all-scores",
                type="tertiary",
                icon=":material/filter_alt_off:",
                on_click=_choose,
                args=(listed_run(views, params), (None, None)),
            )


def told(found: Distribution, n_all: int) -> str:
    """Say how many rows of the run's there are, how many have no score, and what is odd about the others."""
    rows = counted(found.n, "row") if found.n == n_all else f"{found.n:,} of {counted(n_all, 'row')}"
    if not found.n and n_all:
        return f"{rows}: none that the filters let through."
    words = [rows, f"{found.n_unscored:,} unscored" if found.n_unscored else "all scored"]
    if found.not_accepted:
        words.append(f"{not_accepted_parts(found.not_accepted)} and so never accepted")
    if found.n and not found.n_scored:
        return f"{words[0]}, none of them scored."
    sentence = ", ".join(words)
    if _has_ties(found):
        sentence += f", {found.n_ties_at_half:,} tie at 0.5: the scorer could not read its own rating there"
    return sentence + "."


def _has_ties(found: Distribution) -> bool:
    return found.n_ties_at_half > 1 and found.n_ties_at_half >= TIES_WORTH_SAYING * found.n_scored


def spread(found: Distribution) -> str:
    """Say where the scored rows lie: quartiles, ends, and how many are next to 1."""
    if found.quantiles is None or found.lowest is None or found.highest is None:
        return ""
    _, low, middle, high, _ = found.quantiles
    sentence = (
        f"Median {score_text(middle)}; half of them between {score_text(low)} and {score_text(high)}; "
        f"lowest {score_text(found.lowest)}, highest {score_text(found.highest)}"
    )
    if found.n_above_high:
        sentence += f"; {found.n_above_high:,} above {review.HIGH:g}"
    return f"{sentence} (n = {found.n_scored:,} scored)."


def _why_apart(views: Sequence[RunView]) -> str:
    """Say why runs are not drawn on one axis."""
    if len(views) < 2:
        return ""
    ways = {(view.record.quality_preset, view.record.scorer_model or view.record.model) for view in views}
    if len(ways) > 1:
        return (
            "Each run has an axis of its own: scores of different presets or scorers cannot be compared by "
            "size, only by how they rank the same rows."
        )
    return "Each run has an axis of its own, so that each can be filtered by itself."


def _words(view: RunView, seen: _Seen) -> None:
    run_id = view.record.run_id
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(told(seen.found, seen.n_all), width="content")
        if _has_ties(seen.found):
            st.button(
                "Show the ties",
                key=f"ties-{run_id}",
                type="tertiary",
                icon=":material/filter_alt:",
                on_click=_choose,
                args=(run_id, (0.5, JUST_ABOVE_HALF)),
            )


def _panel(view: RunView, seen: _Seen, params: ReviewParams) -> None:
    if seen.look is None:
        if seen.found.n and not seen.found.n_scored:
            st.page_link(
                "../../pages/runs.py",
                label="Score its responses in a new run",
                icon=":material/play_circle:",
                query_params={"new": "yes", "dataset": view.record.dataset_id},
            )
        return
    _chart(view, seen.look, seen.wanted, params)


def _chart(view: RunView, look: RowLook, wanted: RowFilter, params: ReviewParams) -> None:
    run_id = view.record.run_id
    edges = BINS[params.axis].edges()
    chosen = (wanted.score_from, wanted.score_below) if wanted.has_interval else None
    # A chart of its own for every interval: what it shows as chosen is what the address says.
    key = f"distribution-{run_id}-{params.axis}-{chosen}"
    st.plotly_chart(
        distribution_chart(
            edges,
            look.counts,
            axis=params.axis,
            chosen=chosen,
            color=model_color(view.record.model or view.record.name),
            is_narrow=len(params.runs) > 2,
        ),
        key=key,
        on_select=lambda: _select(key, run_id, params.axis),
        selection_mode="box",
        config={"displayModeBar": False, "doubleClick": False, "scrollZoom": False},
        alt=distribution_words(edges, look.counts, chosen),
    )


def interval_words(wanted: RowFilter) -> str:
    """Write the interval of scores that is filtered by."""
    low, high = wanted.score_from, wanted.score_below
    if (low, high) == (0.5, JUST_ABOVE_HALF):
        return "Scores of exactly 0.5"
    if low is not None and high is not None:
        return f"Scores from {_rounded(low)} to {_rounded(high)}"
    return f"Scores from {_rounded(low)}" if low is not None else f"Scores below {_rounded(high or 0.0)}"


def _rounded(score: float) -> str:
    text = score_text(score)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _select(key: str, run_id: str, axis: Axis) -> None:
    boxes = st.session_state[key]["selection"]["box"]
    if boxes:
        low, high = boxes[-1]["x"]
        _choose(run_id, interval_of(BINS[axis].edges(), low, high))


def _choose(run_id: str, interval: tuple[float | None, float | None]) -> None:
    params = ReviewParams.from_query(st.query_params).listing(run_id)
    wanted = replace(params.filter, score_from=interval[0], score_below=interval[1], unscored="")
    st.query_params.from_dict(params.filtered(wanted).to_dict())


def _turn_axis(key: str) -> None:
    params = ReviewParams.from_query(st.query_params)
    st.query_params.from_dict(replace(params, axis=st.session_state[key]).to_dict())
