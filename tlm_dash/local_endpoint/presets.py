"""What a quality preset and a request's `options` come to: how many checks of which kind one score may use.

Kept free of heavy imports, so that a request can be refused before the scoring library is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tlm_dash.errors import InvalidInputError

REASONING_EFFORTS = ("none", "low", "medium", "high")

SIMILARITY_MEASURES = ("semantic", "string", "embedding", "embedding_large", "code", "discrepancy")

LOG_FIELDS = ("explanation", "perplexity", "per_field_score")

# Bounds of the wire API; a request outside them is refused, not clipped, so that nobody compares by mistake.
MAX_CONSISTENCY_SAMPLES = 20
MAX_SELF_REFLECTIONS = 3
MIN_TOKENS, MAX_TOKENS, DEFAULT_MAX_TOKENS = 64, 4096, 512


@dataclass(frozen=True)
class ScoringPlan:
    """The checks behind one score.

    `max_tokens` bounds each reply of the model; `explain` and `per_field` say what the log was asked for.
    """

    num_consistency_samples: int
    num_self_reflections: int
    reasoning_effort: str
    similarity_measure: str = "discrepancy"
    max_tokens: int = DEFAULT_MAX_TOKENS
    explain: bool = False
    per_field: bool = False
    disabled: bool = False

    @property
    def reasons(self) -> bool:
        """Whether the model writes its reasoning down before it judges."""
        return self.reasoning_effort != "none"


PLANS = {
    "base": ScoringPlan(0, 1, "none"),
    "low": ScoringPlan(0, 3, "none"),
    "medium": ScoringPlan(0, 3, "high"),
}


def scoring_plan(quality_preset: str, options: Mapping[str, Any] | None = None) -> ScoringPlan:
    """Return the plan of a preset with the request's options laid over it.

    Explanations come where the model reasons, or where `log` asks for them. Unknown option names are left
    to others (the wire API has more than scoring needs); a known one with an unusable value raises
    InvalidInputError that names it.
    """
    if quality_preset not in PLANS:
        raise InvalidInputError(
            f"quality_preset {quality_preset!r} is not known here.", hint=f"Use one of {', '.join(PLANS)}."
        )
    given = {name: value for name, value in (options or {}).items() if value is not None}
    preset = PLANS[quality_preset]
    reflections = 0 if given.get("use_self_reflection") is False else preset.num_self_reflections
    plan = replace(
        preset,
        num_consistency_samples=_count(
            given, "num_consistency_samples", preset.num_consistency_samples, 0, MAX_CONSISTENCY_SAMPLES
        ),
        num_self_reflections=_count(given, "num_self_reflections", reflections, 0, MAX_SELF_REFLECTIONS),
        reasoning_effort=_choice(given, "reasoning_effort", preset.reasoning_effort, REASONING_EFFORTS),
        similarity_measure=_choice(given, "similarity_measure", "discrepancy", SIMILARITY_MEASURES),
        max_tokens=_count(given, "max_tokens", DEFAULT_MAX_TOKENS, MIN_TOKENS, MAX_TOKENS),
        disabled=bool(given.get("disable_trustworthiness", False)),
    )
    log = _log_fields(given)
    return replace(plan, explain="explanation" in log or plan.reasons, per_field="per_field_score" in log)


def _count(options: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInputError(
            f"options.{name} cannot be {value!r}.", hint=f"Give a whole number from {low} to {high}."
        )
    return value


def _choice(options: Mapping[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = options.get(name, default)
    if value not in allowed:
        raise InvalidInputError(
            f"options.{name} cannot be {value!r}.", hint=f"Use one of {', '.join(allowed)}."
        )
    return str(value)


def _log_fields(options: Mapping[str, Any]) -> tuple[str, ...]:
    value = options.get("log", ())
    if not isinstance(value, list | tuple) or any(field not in LOG_FIELDS for field in value):
        raise InvalidInputError(
            f"options.log cannot be {value!r}.", hint=f"Give a list with any of {', '.join(LOG_FIELDS)}."
        )
    return tuple(value)
