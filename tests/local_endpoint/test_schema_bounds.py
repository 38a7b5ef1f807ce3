"""The bounds of schemas: above each a refusal that names it and the place, below each none, always soon."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.pattern_cost import cost_of
from tlm_dash.local_endpoint.schema_bounds import check_response_format, check_schema

Schema = dict[str, Any]


def refusal(schema: Schema) -> ApiError | None:
    """Give how a schema is refused, or None; it has to be soon."""
    began = time.monotonic()
    try:
        check_schema(schema, "schema")
    except ApiError as error:
        assert error.status == 400 and error.param and error.code
        assert error.message.endswith((".", "…")) and error.param.startswith("schema")
        return error
    finally:
        assert time.monotonic() - began < 1
    return None


def nested(depth: int, around: str = "items") -> Schema:
    inside: Schema = {"type": "string"}
    for _ in range(depth - 1):
        inside = {around: [inside] if around in ("anyOf", "prefixItems") else inside}
    return inside


def pattern(text: str) -> Schema:
    return {"type": "string", "pattern": text}


def whole(**bounds: float) -> Schema:
    return {"type": "integer", **bounds}


def properties(count: int) -> Schema:
    return {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(count)}}


def alternatives(count: int, kind: str = "anyOf") -> Schema:
    return {kind: [{"type": "string", "maxLength": i} for i in range(count)]}


def doubling(depth: int) -> Schema:
    """Each definition leads to the next by two ways that begin alike: 2 to the power of depth places."""
    steps = {
        str(i): {"anyOf": [{"type": "array", "items": {"$ref": f"#/$defs/{i + 1}"}} for _ in range(2)]}
        for i in range(depth)
    }
    return {"$ref": "#/$defs/0", "$defs": {**steps, str(depth): {"type": "string"}}}


def circle(*alternatives_of_it: Schema) -> Schema:
    return {"$ref": "#/$defs/it", "$defs": {"it": {"anyOf": list(alternatives_of_it)}}}


IT = {"$ref": "#/$defs/it"}
LIST_OF_IT = {"type": "array", "items": IT}


def operation(name: str, *, named_first: bool) -> Schema:
    name_property, sides = {"op": {"const": name}}, {"left": IT, "right": IT}
    both = {**name_property, **sides} if named_first else {**sides, **name_property}
    return {"type": "object", "properties": both, "required": ["op", "left", "right"]}


BOUNDS: dict[str, tuple[Schema, Schema, str]] = {
    "bytes": ({"const": "x" * 63_000}, {"const": "x" * 64_000}, "64,000"),
    "bytes, not characters": ({"const": "é" * 31_000}, {"const": "é" * 32_000}, "64,000"),
    "properties": (properties(500), properties(501), "the bound is 500"),
    "enum values": ({"enum": list(range(500))}, {"enum": list(range(501))}, "the bound is 500"),
    "alternatives": (alternatives(400), alternatives(501), "the bound is 500"),
    "alternatives that are lists": (
        {"anyOf": [{"items": {"type": "string"}, "maxItems": i} for i in range(450)]},
        {"anyOf": [{"items": {"type": "string"}, "maxItems": i} for i in range(501)]},
        "the bound is 500",
    ),
    "one of them": (alternatives(400, "oneOf"), alternatives(501, "oneOf"), "the bound is 500"),
    "all of them": (alternatives(400, "allOf"), alternatives(501, "allOf"), "the bound is 500"),
    "a row of items": (
        alternatives(400, "prefixItems"),
        alternatives(501, "prefixItems"),
        "the bound is 500",
    ),
    "an older row": (alternatives(400, "items"), alternatives(501, "items"), "the bound is 500"),
    "names of a pattern": (
        {"patternProperties": {f"^{i}$": {} for i in range(500)}},
        {"patternProperties": {f"^{i}$": {} for i in range(501)}},
        "the bound is 500",
    ),
    "names in all": (
        {"properties": {"a": properties(249), "b": properties(249)}},
        {"properties": {"a": properties(250), "b": properties(249)}},
        "the bound is 500",
    ),
    "in definitions": (
        {"$defs": {"a": properties(300), "b": {"enum": list(range(200))}}},
        {"$defs": {"a": properties(300), "b": {"enum": list(range(201))}}},
        "the bound is 500",
    ),
    "a name": ({"properties": {"n" * 200: {}}}, {"properties": {"n" * 201: {}}}, "201 characters"),
    "depth": (nested(16), nested(17), "schema.items.items"),
    "depth of alternatives": (nested(16, "anyOf"), nested(17, "anyOf"), "17 schemas deep"),
    "depth of additional": (
        nested(16, "additionalProperties"),
        nested(17, "additionalProperties"),
        "17 schemas deep",
    ),
    "minItems": ({"minItems": 1000}, {"minItems": 1001}, "schema.minItems"),
    "maxItems": ({"maxItems": 1000}, {"maxItems": 10**9}, "schema.maxItems"),
    "minLength": ({"minLength": 0}, {"minLength": -1}, "schema.minLength"),
    "maxLength": ({"maxLength": 1000}, {"maxLength": 1000.5}, "schema.maxLength"),
    "a count that is none": ({"maxLength": 1}, {"maxLength": True}, "a whole number"),
    "a pattern": (pattern("a" * 200), pattern("a" * 201), "201 characters"),
    "repetitions": (pattern("^a{1,1000}$"), pattern("^a{1,1001}$"), "the bound is 1,000"),
    "open repetitions": (pattern("^a{990,}$"), pattern("^a{1000,}$"), "the bound is 1,000"),
    "repetitions in a row": (
        pattern("^a{1,500}b{1,500}$"),
        pattern("^a{1,500}b{1,501}$"),
        "the bound is 1,000",
    ),
    "a long repetition": (pattern("^(abcde){200}$"), pattern("^(abcde){201}$"), "the bound is 1,000"),
    "ways in a pattern": (pattern("^(a|b|cd){250}$"), pattern("^(a|b|cd){251}$"), "the bound is 1,000"),
    "repetitions in repetitions": (
        pattern("^(a{1,20}){1,10}$"),
        pattern("^(a{1,20}){1,11}$"),
        "a repetition within a repetition",
    ),
    "three of them": (
        pattern("^((a{1,5}){1,5}){1,8}$"),
        pattern("^((a{1,5}){1,5}){1,9}$"),
        "a repetition within",
    ),
    "repeated nothing": (pattern("^(a?){0,20}$"), pattern("^(a?){0,21}$"), "something that may be empty"),
    "a number that may be nothing": (
        pattern("^(a{0,1}){0,40}$"),
        pattern("^(a{0,1}){0,41}$"),
        "something that may be empty",
    ),
    "nothing as one of two": (pattern("^(aa|){13}$"), pattern("^(aa|){21}$"), "something that may be empty"),
    "what may be skipped": (
        pattern("^" + "a*" * 50 + "$"),
        pattern("^" + "a*" * 90 + "$"),
        "the bound is 1,000",
    ),
    "open at once": (
        {"anyOf": [pattern("^a{1,300}$"), pattern("^b{1,300}$"), pattern("^c{1,300}$")]},
        {"anyOf": [pattern("^a{1,400}$"), pattern("^b{1,400}$"), pattern("^c{1,400}$")]},
        "places of the grammar open at once",
    ),
    "bounds of numbers open at once": (
        {"anyOf": [{"type": "integer", "maximum": 10**16 + i} for i in range(25)]},
        {"anyOf": [{"type": "integer", "maximum": 10**16 + i} for i in range(58)]},
        "places of the grammar open at once",
    ),
    "a bound without end": (whole(minimum=10**15 - 1), whole(minimum=10**15), "the bound is 15"),
    "a bound without end below": (whole(maximum=-(10**15 - 1)), whole(maximum=-(10**15)), "the bound is 15"),
    "a bound without end, as a fraction": (whole(minimum=1e14), whole(exclusiveMinimum=1e16), "17 digits"),
    "a bound without end, of one kind of two": (
        {"type": ["string", "number"], "minimum": 10**16},
        {"type": ["string", "integer"], "minimum": 10**16},
        "the bound is 15",
    ),
    "a bound with an end": (
        whole(minimum=-(2**53 - 1), exclusiveMaximum=2**53),
        whole(minimum=2**53),
        "without a maximum beside it",
    ),
    "a bound on the side of nought": (
        whole(minimum=-(2**63), maximum=-1),
        whole(exclusiveMaximum=-(2**63)),
        "without a minimum beside it",
    ),
    "open by references": (doubling(6), doubling(12), "places of the grammar open at once"),
    "circles": (
        circle({"type": "null"}, LIST_OF_IT, {"type": "object", "additionalProperties": IT}),
        circle({"type": "null"}, LIST_OF_IT, {**LIST_OF_IT, "minItems": 1}),
        "alternatives that lead back",
    ),
    "circles by a name": (
        circle(operation("add", named_first=True), operation("multiply", named_first=True)),
        circle(operation("add", named_first=False), operation("multiply", named_first=False)),
        "alternatives that lead back",
    ),
    "the same name": (
        circle(operation("add", named_first=True), {"type": "null"}),
        circle(operation("add", named_first=True), operation("add", named_first=True)),
        "alternatives that lead back",
    ),
    "references": (
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}},
        {"$ref": "https://example.com/schema.json"},
        "https://example.com",
    ),
    "references deep inside": (
        {"properties": {"a": {"$ref": "#"}}},
        {"properties": {"a": {"enum": [{"$ref": "file:///etc/passwd"}]}}},
        "file:///etc",
    ),
    "references to what is there": (
        {"items": {"$ref": "#/anyOf/0"}, "anyOf": [{}]},
        {"items": {"$ref": "#/anyOf/1"}, "anyOf": [{}]},
        "leads nowhere",
    ),
}


@pytest.mark.parametrize(("below", "above", "words"), BOUNDS.values(), ids=BOUNDS)
def test_each_bound_is_named_above_and_silent_below(below: Schema, above: Schema, words: str) -> None:
    assert refusal(below) is None
    found = refusal(above)
    assert found is not None and words in found.message


def test_a_place_is_named() -> None:
    schema = {"properties": {"a": {"type": "array", "items": {"anyOf": [{}, pattern("a" * 300)]}}}}
    found = refusal(schema)
    assert found is not None and found.param == "schema.properties.a.items.anyOf[1].pattern"


def test_a_schema_behind_a_reference_is_looked_at_wherever_it_stands() -> None:
    assert refusal({"$ref": "#/x/0/y", "x": [{"y": {"enum": list(range(501))}}]}) is not None
    assert refusal({"$ref": "#/examples/0", "examples": [pattern("^(a?){0,200}$")]}) is not None


@pytest.mark.parametrize(
    "response_format",
    [
        {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": properties(501)}},
        {"type": "json_object", "schema": properties(501)},
        {"type": "text", "schema": properties(501)},
        {"type": "unheard-of", "schema": {}, "json_schema": {"schema": properties(501)}},
        {"type": "json_schema", "json_schema": "a"},
        {"type": "json_schema", "json_schema": {"schema": "{}"}},
        {"type": "json_object", "schema": [properties(2)]},
    ],
)
def test_both_forms_of_a_response_format_are_looked_at(response_format: Schema) -> None:
    with pytest.raises(ApiError) as caught:
        check_response_format(response_format)
    assert caught.value.status == 400 and (caught.value.param or "").startswith("response_format.")


@pytest.mark.parametrize("response_format", [None, {}, {"type": "text"}, {"type": "json_object"}])
def test_a_response_format_without_a_schema_has_no_bound(response_format: Schema | None) -> None:
    check_response_format(response_format)


HUGE: dict[str, Schema] = {
    "100,000 values": {"enum": [f"value number {i}" for i in range(100_000)]},
    "100,000 properties": properties(100_000),
    "90 schemas deep": nested(90),
    "a chain of references": {
        "$ref": "#/$defs/0",
        "$defs": {str(i): {"$ref": f"#/$defs/{i + 1}"} for i in range(1_800)} | {"1800": {}},
    },
    "references of all to all": {
        "$defs": {
            f"{i}": {"anyOf": [{"$ref": f"#/$defs/{j}"} for j in range(22)]} for i in range(22)
        },
        "$ref": "#/$defs/0",
    },
    "open parentheses": pattern("(" * 100_000),
    "many quantifiers": pattern("a" + "{1000}" * 33),
    "digits of a quantifier": pattern("a{" + "9" * 190 + "}"),
}  # fmt: skip


def test_long_references_take_no_time() -> None:
    steps = "/items" * 59
    refusal({"x": nested(60), "anyOf": [{"$ref": f"#/x{steps}"} for _ in range(150)]})


@pytest.mark.parametrize("schema", HUGE.values(), ids=HUGE)
def test_far_above_the_bounds_is_refused_soon(schema: Schema) -> None:
    assert refusal(schema) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
WORDS = st.sampled_from(
    [
        "properties",
        "items",
        "anyOf",
        "allOf",
        "oneOf",
        "prefixItems",
        "enum",
        "const",
        "type",
        "pattern",
        "required",
        "minItems",
        "maxLength",
        "$ref",
        "$defs",
        "additionalProperties",
        "not",
        "if",
        "patternProperties",
        "definitions",
    ]
)
REFERENCES = st.sampled_from(["#", "#/$defs/a", "#/properties/a", "#/anyOf/0", "#/items", "#/", "#//", "x"])
SCHEMAS = st.recursive(
    JSON | REFERENCES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(["a", "0"]), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(st.dictionaries(WORDS, SCHEMAS, max_size=5))
def test_any_json_is_a_schema_or_refused(schema: Schema) -> None:
    refusal(schema)


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab(|)[]{},0129*+?.\\^$:="), max_size=60))
def test_any_text_is_read_as_a_pattern(text: str) -> None:
    cost = cost_of(text)
    assert cost.places >= 0
    assert cost.places >= cost.nested or cost.nested <= cost.places * 2


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_places_are_those_of_the_pattern_written_out(inner: int, outer: int, letters: int) -> None:
    cost = cost_of(f"^({'a' * letters}[bc]{{{inner}}}){{{outer}}}$")
    assert cost.places == (letters + inner) * outer
    assert cost.nested == (letters + inner) * outer and cost.repetitions == max(inner, outer)
    assert json.dumps(cost.empty) == "0"
