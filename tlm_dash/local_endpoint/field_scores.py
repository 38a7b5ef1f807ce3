"""The scores of a structured response's single fields, in the form that the official client reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

TOO_SMALL = "The bundled model is too small to judge the fields of a response one by one."
NOT_STRUCTURED = "Field scores need a response_format and a response that is a JSON object."
NO_REFLECTIONS = "Field scores come from self-reflections, and none were asked for."
NONE_USABLE = "No self-reflection gave usable field scores."


def without_field_scores(why: str) -> dict[str, Any]:
    """Return what stands in place of field scores; the official client prints the sentence."""
    return {"error": why}


def field_scores(
    found: object, response: str, *, bundled: bool, structured: bool, reflected: bool
) -> dict[str, Any]:
    """Return {score, explanation} by field of the response, or why there are none.

    `found` is what the library made of the reflections, None where there were none to make something of.
    """
    if bundled:
        return without_field_scores(TOO_SMALL)
    if not structured:
        return without_field_scores(NOT_STRUCTURED)
    if not reflected:
        return without_field_scores(NO_REFLECTIONS)
    return _usable(found, response) or without_field_scores(NONE_USABLE)


def _usable(found: object, response: str) -> dict[str, Any]:
    """Return the scores of the response's own fields: a model may make some up, which nobody can look up."""
    names = json.loads(response)
    return {
        name: {"score": float(field["score"]), "explanation": field.get("explanation")}
        for name, field in (found.items() if isinstance(found, Mapping) else ())
        if name in names and math.isfinite(field["score"])
    }
