"""What llama.cpp would compile into a grammar has a bound first: no schema keeps it from other requests.

A grammar is compiled, and followed token by token, on the one loop that serves all requests of a model
server: an enum of 100,000 values held it for nine minutes. The bounds were found with the real server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tlm_dash.local_endpoint.api_error import ApiError, refused
from tlm_dash.local_endpoint.pattern_cost import cost_of
from tlm_dash.local_endpoint.schema_graph import SchemaGraph, n_digits

MAX_BYTES = 64_000
MAX_DEPTH = 16
MAX_NAMES = 500
"""Properties, values of enums and alternatives, over the whole schema."""
MAX_NAME_CHARACTERS = 200
"""Of a property's name: llama.cpp descends one call a character, and 60,000 of them ended its process."""
MAX_REPETITIONS = 1_000
MAX_PATTERN_CHARACTERS = 200
MAX_NESTED_PLACES = 200
"""Places of a repetition that holds another one, both written out; `(a{1,10}){1,10}` has 100."""
MAX_EMPTY_PLACES = 40
"""Places of a repetition of something that may be empty; `(a?){0,20}` has 40."""
MAX_AT_ONCE = 1_000
"""Places of the grammar that may be open at the same token, by the estimate of SchemaGraph."""
MAX_OPEN_DIGITS = 15
"""Of a whole number's bound with none on the other side: llama.cpp has room for 16 digits there and then
counts below zero, and `{"type": "integer", "minimum": 9999999999999999}` held it until it was restarted."""

REPETITIONS = ("minItems", "maxItems", "minLength", "maxLength")
MINIMA, MAXIMA = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
NAMED = ("properties", "patternProperties")
LISTED = ("enum", "anyOf", "oneOf", "allOf", "prefixItems", "items", "type")

FORMAT = "response_format"


def check_response_format(value: Mapping[str, Any] | None) -> None:
    """Refuse a response format whose schema is above a bound, naming the bound and the place.

    Both forms are looked at, whatever `type` says: `json_schema.schema` and a bare `schema`.
    """
    given = value or {}
    wrapper = given.get("json_schema")
    if wrapper is not None and not isinstance(wrapper, dict):
        raise refused(f"{FORMAT}.json_schema", f"{FORMAT}.json_schema must be an object.")
    for holder, where in ((wrapper or {}, f"{FORMAT}.json_schema.schema"), (given, f"{FORMAT}.schema")):
        schema = holder.get("schema")
        if isinstance(schema, dict):
            check_schema(schema, where)
        elif schema is not None:
            raise refused(where, f"{where} must be an object.")


def check_schema(schema: dict[str, Any], where: str) -> None:
    """Refuse a schema above any bound; `where` is its place in the request."""
    n_bytes = len(json.dumps(schema, ensure_ascii=False).encode())
    if n_bytes > MAX_BYTES:
        raise _above(where, f"has {n_bytes:,} bytes", f"{MAX_BYTES:,}")
    graph, n_names = SchemaGraph(schema, where), 0
    for part in graph.parts:
        if part.depth > MAX_DEPTH:
            raise _above(part.where, f"is {part.depth} schemas deep", f"{MAX_DEPTH}")
        n_names += _count_names(part.schema, part.where)
        if n_names > MAX_NAMES:
            said = f"brings the schema to {n_names:,} properties, enum values and alternatives"
            raise _above(part.where, said, f"{MAX_NAMES}")
        _check_repetitions(part.schema, part.where)
        _check_open_bounds(part.schema, part.where)
        _check_pattern(part.schema, f"{part.where}.pattern")
    if (circle := graph.ambiguous_circle()) is not None:
        said = f"{circle.where} has several alternatives that lead back to it and begin alike."
        hint = "Let each begin with a required property of one constant value."
        raise refused(circle.where, f"{said} {hint}", code="schema_out_of_bounds")
    at_once, widest = graph.widest()
    if at_once > MAX_AT_ONCE:
        said = f"leaves up to {at_once:,} places of the grammar open at once"
        raise _above(widest.where, said, f"{MAX_AT_ONCE:,}")


def _above(where: str, said: str, bound: str) -> ApiError:
    return refused(where, f"{where} {said}; the bound is {bound}.", code="schema_out_of_bounds")


def _count_names(schema: Mapping[str, Any], where: str) -> int:
    for kind in NAMED:
        names = schema.get(kind)
        longest = max(names, key=len, default="") if isinstance(names, dict) else ""
        if len(longest) > MAX_NAME_CHARACTERS:
            said = f"holds a name of {len(longest):,} characters"
            raise _above(f"{where}.{kind}", said, f"{MAX_NAME_CHARACTERS}")
    named = sum(len(schema[name]) for name in NAMED if isinstance(schema.get(name), dict))
    return named + sum(len(schema[name]) for name in LISTED if isinstance(schema.get(name), list))


def _check_repetitions(schema: Mapping[str, Any], where: str) -> None:
    for name in REPETITIONS:
        value = schema.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_REPETITIONS:
            said = f"{where}.{name} must be a whole number from 0 to {MAX_REPETITIONS:,}."
            raise refused(f"{where}.{name}", said, code="schema_out_of_bounds")


def _check_open_bounds(schema: Mapping[str, Any], where: str) -> None:
    kinds = schema.get("type")
    if "integer" not in (kinds if isinstance(kinds, list) else [kinds]):
        return
    for sign, sides in ((1, (MINIMA, MAXIMA)), (-1, (MAXIMA, MINIMA))):
        near, far = ([name for name in side if name in schema] for side in sides)
        for name in [] if far else near:
            bound = schema[name]
            if n_digits(bound) > MAX_OPEN_DIGITS and bound * sign > 0:
                opposite = sides[1][0]
                said = f"has {n_digits(bound)} digits, without a {opposite} beside it"
                raise _above(f"{where}.{name}", said, f"{MAX_OPEN_DIGITS}")


def _check_pattern(schema: Mapping[str, Any], where: str) -> None:
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise _above(where, f"has {len(pattern):,} characters", f"{MAX_PATTERN_CHARACTERS}")
    cost = cost_of(pattern)
    if cost.repetitions > MAX_REPETITIONS or cost.places > MAX_AT_ONCE:
        said = f"has {max(cost.repetitions, cost.places):,} repetitions once it is written out"
        raise _above(where, said, f"{MAX_REPETITIONS:,}")
    if cost.nested > MAX_NESTED_PLACES:
        said = f"has a repetition within a repetition of {cost.nested:,} places once it is written out"
        raise _above(where, said, f"{MAX_NESTED_PLACES}")
    if cost.empty > MAX_EMPTY_PLACES:
        said = f"repeats something that may be empty, with {cost.empty:,} places once it is written out"
        raise _above(where, said, f"{MAX_EMPTY_PLACES}")
