"""What the scoring library's results come to: one score, why, and the scores of single fields."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlm_dash.local_endpoint.checks import RecallChecks
from tlm_dash.local_endpoint.explanations import explain_recalls, explain_without_checks
from tlm_dash.local_endpoint.field_scores import field_scores
from tlm_dash.local_endpoint.library import Component, get_explainability_message
from tlm_dash.local_endpoint.model_calls import ModelCalls
from tlm_dash.local_endpoint.presets import ScoringPlan


@dataclass(frozen=True)
class ScoreResult:
    """One score and what it took.

    `trustworthiness_score` is in [0, 1], or None when no check gave anything to go by: `explanation` says why
    then. `per_field_score`, where asked for, maps a JSON response's fields to {score, explanation}, or
    "error" to why there are none. Tokens are those of scoring alone.
    """

    trustworthiness_score: float | None
    explanation: str | None
    per_field_score: dict[str, Any] | None
    n_model_calls: int
    input_tokens: int
    output_tokens: int


def read_result(
    results: Mapping[str, Any],
    checks: Component | None,
    plan: ScoringPlan,
    calls: ModelCalls,
    *,
    response: str,
    structured: bool,
) -> ScoreResult:
    """Return the score in a finished pipeline's results; `checks` is what stood for its reflections."""
    raw = float(results["trustworthiness_scores"][0])
    score = min(max(raw, 0.0), 1.0) if np.isfinite(raw) else None
    by_field = None
    if plan.per_field:
        found = results.get("self_reflection_metadata_per_field")
        bundled, reflected = calls.source.bundled, checks is not None
        by_field = field_scores(found, response, bundled=bundled, structured=structured, reflected=reflected)
    return ScoreResult(
        trustworthiness_score=score,
        explanation=_explanation(score, results, checks, plan) if plan.explain or score is None else None,
        per_field_score=by_field,
        n_model_calls=calls.n_calls,
        input_tokens=calls.input_tokens,
        output_tokens=calls.output_tokens,
    )


def _explanation(
    score: float | None, results: Mapping[str, Any], checks: Component | None, plan: ScoringPlan
) -> str:
    if isinstance(checks, RecallChecks) and checks.findings:
        return explain_recalls(checks.findings)
    reflections = results.get("self_reflection_completions") or [[]]
    consistency = np.asarray(results["consistency_scores_flat"], dtype=float)
    compared = bool(consistency.size) and not np.isnan(consistency).all()
    if score is None or not (reflections[0] or compared):
        asked = bool(plan.num_self_reflections or plan.num_consistency_samples)
        return explain_without_checks(scored=score is not None, asked=asked)
    with warnings.catch_warnings():
        # The library takes the mean of the reflections' scores, also of none.
        warnings.simplefilter("ignore", RuntimeWarning)
        message = get_explainability_message(
            score,
            reflections,
            results["consistency_completions"],
            float(np.nanmean(consistency)) if compared else np.nan,
            consistency,
            0,
            results["reference_answers"][0],
        )
    return str(message)
