"""The figures of a record in words: what each name means to a reader, and how its value is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tlm_dash.words.label_origins import origin_words
from tlm_dash.words.not_accepted import not_accepted_parts
from tlm_dash.words.numbers import at_most, decimal, p_value, percent, points, threshold_text

Rows = list[tuple[str, str]]

NOT_AVAILABLE = "not available"

# Name in the record, what a reader calls it, and how it is written: a share becomes percent.
_FIGURES = (
    ("threshold", "Threshold: accept from this score on", "threshold"),
    ("coverage", "Share of all rows that pass", "share"),
    ("n_to_review", "Rows that go to people", "count"),
    ("n_labelled", "Labelled rows used", "count"),
    ("n_prompts", "Distinct prompts among them", "count"),
    ("n_accepted_labelled", "Labelled rows among the accepted", "count"),
    ("n_wrong_accepted", "Wrong among those", "count"),
    ("risk", "Observed share of wrong among the accepted", "share"),
    ("risk_upper_bound", "At most this share of the accepted rows is wrong", "bound"),
    ("confidence", "Confidence", "share"),
    ("method", "Method", "text"),
    ("p_row", "p of the test of rows", "p"),
    ("p_prompt", "p of the test of prompts", "p"),
    ("level_used", "Level that these were held against", "p"),
    ("method_version", "Version of the method", "count"),
    ("best_guaranteed_risk", "Least share of wrong that can be guaranteed", "bound"),
    ("reason", "Why it cannot be had", "text"),
    ("n_pairs", "Prompts that both answered", "count"),
    ("both", "Both right", "count"),
    ("only_a", "Only the baseline right", "count"),
    ("only_b", "Only the candidate right", "count"),
    ("neither", "Neither right", "count"),
    ("accuracy", "Accuracy", "share"),
    ("accuracy_difference", "Difference of accuracy", "points"),
    ("p_mcnemar", "McNemar's exact test of accuracy, p", "p"),
    ("p_sign_flip", "Test of accuracy over prompts, p", "p"),
    ("p_level", "Level that p is held against", "p"),
    ("auroc", "AUROC", "number"),
    ("auroc_difference", "Difference of AUROC", "points"),
    ("average_precision_incorrect", "Average precision for wrong answers", "number"),
    ("prr", "Prediction rejection ratio", "number"),
    ("brier", "Brier score", "number"),
    ("ece", "Expected calibration error, 10 bins (biased upward with few rows)", "number"),
    ("n_scored_labelled", "Labelled rows with a score, which AUROC and calibration stand on", "count"),
    ("kendall_tau", "Kendall's tau of the scores", "number"),
    ("spearman", "Spearman's correlation of the scores", "number"),
    ("n_flips", "Rows that change side at the threshold", "count"),
)

_IF_ANY = ("reason", "p_row", "p_prompt", "level_used")

_RUN = (
    ("name", "Run"), ("model", "Model asked for"), ("resolved_model", "Model that answered"),
    ("quality_preset", "Quality preset"), ("scorer_model", "Scorer"), ("mode", "What was done"),
    ("answered_by", "Responses from"), ("endpoint", "Endpoint"), ("n_items", "Rows"), ("n_done", "Done"),
    ("n_error", "Failed"), ("n_unscored", "Done without a score"),
    ("n_not_accepted", "Never accepted: cut off, refused or empty"), ("created_at", "Made"),
    ("rows_hash", "SHA-256 of rows, scores and labels"),
)  # fmt: skip

_DATA = (
    ("name", "Dataset"), ("file_name", "File"), ("content_hash", "SHA-256 of the file"),
    ("n_rows_in", "Rows in the file"), ("n_items", "Rows used"), ("n_rejected", "Rows left out"),
)  # fmt: skip


def figure_rows(figures: Mapping[str, Any]) -> Rows:
    """Write the figures that a reader knows by name, each with its interval where it has one."""
    rows: Rows = []
    for name, told, form in _FIGURES:
        if name not in figures or (figures[name] is None and name in _IF_ANY):
            continue
        value = written(figures[name], form)
        interval = figures.get(f"{name}_ci")
        if interval and figures[name] is not None and None not in interval:
            value += f" ({' to '.join(written(end, form) for end in interval)})"
        rows.append((told, value))
    for reason, count in (figures.get("n_excluded") or {}).items():
        rows.append((f"Left out: {str(reason).replace('_', ' ')}", written(count, "count")))
    return [*rows, *_label_rows(figures.get("label_sources") or {})]


def _label_rows(sources: Mapping[str, Any]) -> Rows:
    """Write whose labels the figures stand on: counts, of a pair those of both runs."""
    if not any(isinstance(count, Mapping) for count in sources.values()):
        return [(f"Labels from {origin_words(name)}", written(n, "count")) for name, n in sources.items()]
    of = {"a": "the baseline", "b": "the candidate"}
    return [
        (f"Labels of {of[side]} from {origin_words(name)}", written(count, "count"))
        for side, counts in sources.items()
        for name, count in counts.items()
    ]


def run_rows(run: Mapping[str, Any]) -> Rows:
    """Write what is frozen of a run, and how it ended."""
    # Records of before do not know it.
    told = not_accepted_parts(run.get("n_not_accepted") or {})
    shown = {name: value for name, value in run.items() if name != "n_not_accepted"}
    return _told(shown | ({"n_not_accepted": told} if told else {}), _RUN)


def data_rows(data: Mapping[str, Any]) -> Rows:
    """Write which data a run is over."""
    return _told(data, _DATA)


def plain_rows(values: Mapping[str, Any]) -> Rows:
    """Write values by the names they have."""
    return [(name.replace("_", " "), written(value, "text")) for name, value in values.items()]


def written(value: object, form: str) -> str:
    """Write a value: shares as percent, bounds rounded up, differences in points, counts with thousands."""
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if form == "text" or not isinstance(value, int | float):
        return _plain(value)
    if form == "count":
        return f"{value:,}"
    if form == "points":
        return f"{points(value)} points"
    return {"share": percent, "bound": at_most, "p": p_value, "threshold": threshold_text}.get(form, decimal)(
        value
    )


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(inner) for inner in value) or "none"
    return str(value)


def _told(values: Mapping[str, Any], names: Sequence[tuple[str, str]]) -> Rows:
    return [(told, written(values[name], "count")) for name, told in names if values.get(name) is not None]
