"""The documented options of a request and what this endpoint makes of each: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tlm_dash.local_endpoint import fields
from tlm_dash.local_endpoint.api_error import refused

MAX_CANDIDATE_RESPONSES = 20

# Longer limits count as this one (ten days): some numbers are too large for the clock.
LONGEST_LIMIT_S = 864_000.0

# Where no limit is given. OpenAI's clients wait as long for an answer.
DEFAULT_LIMIT_S = 600.0

Check = Callable[[Mapping[str, Any], str], object]


@dataclass(frozen=True)
class Option:
    """What an option does here, in words, and the check of its value (`scoring_plan` checks the others)."""

    does: str
    check: Check | None = None


def _flag(options: Mapping[str, Any], name: str) -> None:
    fields.flag(options, name, f"options.{name}")


def _seconds(options: Mapping[str, Any], name: str) -> None:
    value = options[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise refused(f"options.{name}", f"options.{name} must be a number of seconds above 0.")


def _candidates(options: Mapping[str, Any], name: str) -> None:
    fields.number(options[name], f"options.{name}", 1, MAX_CANDIDATE_RESPONSES, whole=True)


def _use_self_reflection(options: Mapping[str, Any], name: str) -> None:
    _flag(options, name)
    if "num_self_reflections" in options:
        raise refused(
            f"options.{name}", f"options.{name} cannot go with options.num_self_reflections. Give the latter."
        )


def _refuse(why: str) -> Check:
    def check(options: Mapping[str, Any], name: str) -> None:
        # The value is not quoted: that of model_provider holds another provider's key.
        if options[name]:
            raise refused(f"options.{name}", f"options.{name} cannot be used here: {why}.")

    return check


OPTIONS: Mapping[str, Option] = {
    "model": Option("names the served model that scores"),
    "max_tokens": Option("bounds each reply of the model"),
    "max_timeout": Option(
        "limits generating and scoring together, in seconds; 504 when it is over", _seconds
    ),
    "log": Option("says what comes along with the score"),
    "reasoning_effort": Option("none: the checks come without reasoning; any other: with"),
    "num_self_reflections": Option("how often the model judges the response, or recalls its own answer"),
    "use_self_reflection": Option(
        "false is the older way to say num_self_reflections: 0", _use_self_reflection
    ),
    "num_consistency_samples": Option("how often the model answers again, to compare"),
    "similarity_measure": Option("how those answers are compared; embeddings become shared words"),
    "num_candidate_responses": Option("1 to generate; without effect on a score", _candidates),
    "disable_trustworthiness": Option("true: no score", _flag),
    "disable_persistence": Option("without effect: this endpoint keeps nothing", _flag),
    "custom_eval_criteria": Option("refused", _refuse("this endpoint scores trustworthiness only")),
    "model_provider": Option("refused", _refuse("this endpoint calls only the model it was started with")),
}


def check_options(options: Mapping[str, Any], *, generating: bool) -> None:
    """Refuse options that are not known or cannot be used; `options` holds no None."""
    if unknown := [name for name in options if name not in OPTIONS]:
        raise refused(f"options.{unknown[0]}", f"options has no {unknown[0]!r}. It has {', '.join(OPTIONS)}.")
    for name in options:
        if (check := OPTIONS[name].check) is not None:
            check(options, name)
    if generating and options.get("num_candidate_responses", 1) != 1:
        raise refused(
            "options.num_candidate_responses",
            "options.num_candidate_responses must be 1 here: each request brings one answer.",
        )
