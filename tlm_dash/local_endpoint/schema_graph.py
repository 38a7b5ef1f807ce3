"""A JSON schema as the graph of its parts, references followed: how deep, how wide, how recursive it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tlm_dash.local_endpoint.api_error import refused
from tlm_dash.local_endpoint.pattern_cost import cost_of

# Where a schema holds others. Those of the first group are told apart by what comes before them in the text;
# several of the second may be open at the same time.
MAPPINGS = ("properties", "patternProperties", "dependentSchemas")
SINGLE = (
    "items", "additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then",
    "else", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
SEQUENCES = ("prefixItems", "items")
ALTERNATIVES = ("anyOf", "oneOf", "allOf")
# Used only where a reference leads to them.
DEFINITIONS = ("$defs", "definitions")

# llama.cpp writes the bound of a whole number out: alternatives for each digit, in each the digits after it.
NUMBER_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
DIGIT_PAIRS_FOR_A_PLACE = 8
"""Measured: 58 bounds of 17 digits side by side held the server for 20 s, 27 of them do not."""
MAX_DIGITS = 19
"""Of what it reads; a longer number is refused there."""

SHOWN_CHARACTERS = 40


@dataclass
class Part:
    """One schema of the graph: its place in the request, how deep it lies, and the parts that it leads to."""

    schema: dict[str, Any]
    where: str
    depth: int
    alternatives: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)

    @property
    def leads_to(self) -> list[int]:
        """Give all parts that the grammar may go to from here."""
        return [*self.alternatives, *self.others]

    @property
    def own_width(self) -> int:
        """Give how many places of the grammar may be open at once in this part alone."""
        schema = self.schema
        counts = [len(schema[name]) for name in ("enum", "properties", "type") if _sized(schema.get(name))]
        counts += [_places_of_bound(schema[name]) for name in NUMBER_BOUNDS if name in schema]
        pattern = schema.get("pattern")
        return max(1, sum(counts) + (cost_of(pattern).places if isinstance(pattern, str) else 0))


class SchemaGraph:
    """All schemas inside one schema. Refuses (ApiError) references that lead out of it or nowhere."""

    def __init__(self, root: dict[str, Any], where: str) -> None:
        self.parts: list[Part] = []
        self._root, self._where = root, where
        self._known: dict[int, int] = {}
        _refuse_foreign_references(root, where)
        self._enter(root, where, 1)
        for part in self.parts:  # grows while it is walked
            self._lead_on(part)

    def _enter(self, schema: dict[str, Any], where: str, depth: int) -> int:
        if id(schema) not in self._known:
            self._known[id(schema)] = len(self.parts)
            self.parts.append(Part(schema, where, depth))
        return self._known[id(schema)]

    def _lead_on(self, part: Part) -> None:
        for group, name, child in _children(part.schema):
            if isinstance(child, dict):
                index = self._enter(child, f"{part.where}.{name}", part.depth + 1)
                if group is not None:
                    (part.alternatives if group else part.others).append(index)
        reference = part.schema.get("$ref")
        if isinstance(reference, str):
            target, where = self._resolve(reference, part.where)
            if isinstance(target, dict):
                part.others.append(self._enter(target, where, part.depth))

    def _resolve(self, reference: str, where: str) -> tuple[object, str]:
        target: object = self._root
        place = self._where
        for raw in reference[1:].split("/")[1:]:
            step = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and step in target:
                target = target[step]
            elif isinstance(target, list) and step.isdecimal() and int(step[:9]) < len(target):
                target = target[int(step[:9])]
            else:
                said = f"{where} has the $ref {shown(reference)!r}, which leads nowhere in the schema."
                raise refused(where, said, code="schema_out_of_bounds")
            place += f".{shown(step)}"
        return target, place

    @cached_property
    def _groups(self) -> list[list[int]]:
        """Parts that lead to each other in a circle, every other part by itself; what is led to comes first.

        Tarjan's algorithm (1972) without recursion: a chain of references may be thousands long.
        """
        order: dict[int, int] = {}
        lowest: dict[int, int] = {}
        open_parts: list[int] = []
        is_open: set[int] = set()
        groups: list[list[int]] = []
        for start in range(len(self.parts)):
            work = [(start, iter(self.parts[start].leads_to))] if start not in order else []
            while work:
                current, following = work[-1]
                if current not in order:
                    order[current] = lowest[current] = len(order)
                    open_parts.append(current)
                    is_open.add(current)
                for one in following:
                    if one not in order:
                        work.append((one, iter(self.parts[one].leads_to)))
                        break
                    if one in is_open:
                        lowest[current] = min(lowest[current], order[one])
                else:
                    work.pop()
                    if work:
                        before = work[-1][0]
                        lowest[before] = min(lowest[before], lowest[current])
                    if lowest[current] == order[current]:
                        at = open_parts.index(current)
                        groups.append(open_parts[at:])
                        is_open.difference_update(open_parts[at:])
                        del open_parts[at:]
        return groups

    def widest(self) -> tuple[int, Part]:
        """Return the largest number of places that may be open at once (from above), and in which part.

        Alternatives add up, since a text may fit all of them for long; properties and items follow each
        other. In a circle everything is added up.
        """
        width: dict[int, int] = {}
        for group in self._groups:
            inside = set(group)
            leading_out = [one for index in group for one in self.parts[index].leads_to if one not in inside]
            if len(group) > 1 or group[0] in self.parts[group[0]].leads_to:
                total = sum(self.parts[index].own_width for index in group)
                total += sum(width[one] for one in leading_out)
            else:
                part = self.parts[group[0]]
                total = part.own_width + sum(width[one] for one in part.alternatives)
                total += max((width[one] for one in part.others), default=0)
            width.update(dict.fromkeys(group, total))
        index = max(width, key=lambda one: (width[one], -self.parts[one].depth))
        return width[index], self.parts[index]

    def ambiguous_circle(self) -> Part | None:
        """Return a part of which two alternatives lead back to it and begin alike, if there is one.

        With every turn of the circle the places that are open would double.
        """
        for group in self._groups:
            inside = set(group)
            for index in group:
                back = [one for one in self.parts[index].alternatives if one in inside]
                if len(back) > 1 and not self._told_apart(back):
                    return self.parts[index]
        return None

    def _told_apart(self, alternatives: list[int]) -> bool:
        """Whether the first characters tell alternatives apart, or a constant as the first property does."""
        targets = [self._behind_references(one) for one in alternatives]
        kinds = [_kind(part.schema) for part in targets]
        if None not in kinds and len(set(kinds)) == len(kinds):
            return True
        constants = [_first_constant(part.schema) for part in targets]
        return None not in constants and len(set(constants)) == len(constants)

    def _behind_references(self, index: int) -> Part:
        seen = set()
        while index not in seen and isinstance(self.parts[index].schema.get("$ref"), str):
            seen.add(index)
            index = next(iter(self.parts[index].others[-1:]), index)
        return self.parts[index]


def _children(schema: dict[str, Any]) -> Iterator[tuple[bool | None, str, object]]:
    """Yield the schemas inside one: whether it is an alternative (None: a definition), its place, itself."""
    for name in (*MAPPINGS, *DEFINITIONS):
        if isinstance(schema.get(name), dict):
            group = False if name in MAPPINGS else None
            yield from ((group, f"{name}.{shown(key)}", child) for key, child in schema[name].items())
    for name in (*ALTERNATIVES, *SEQUENCES):
        if isinstance(schema.get(name), list):
            yield from ((name in ALTERNATIVES, f"{name}[{i}]", one) for i, one in enumerate(schema[name]))
    yield from ((False, name, schema[name]) for name in SINGLE if isinstance(schema.get(name), dict))


def _refuse_foreign_references(value: object, where: str) -> None:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            reference = one.get("$ref")
            if isinstance(reference, str) and reference != "#" and not reference.startswith("#/"):
                said = (
                    f"{where} holds the $ref {shown(reference)!r}; only those within it (#/…) are followed."
                )
                raise refused(where, said, code="schema_out_of_bounds")
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)


def _kind(schema: dict[str, Any]) -> str | None:
    """Return "array" or "object" for a schema that can be nothing else and has no alternatives of its own."""
    if any(name in schema for name in (*ALTERNATIVES, "$ref")):
        return None
    kind = schema.get("type")
    return kind if kind in ("array", "object") else None


def _first_constant(schema: dict[str, Any]) -> tuple[str, str] | None:
    """Return name and value of the first property where it must be there and is a constant."""
    properties = schema.get("properties")
    if _kind(schema) != "object" or not isinstance(properties, dict) or not properties:
        return None
    name, value = next(iter(properties.items()))
    required = schema.get("required")
    if not isinstance(required, list) or name not in required or not isinstance(value, dict):
        return None
    allowed = [value["const"]] if "const" in value else value.get("enum")
    return (name, json.dumps(allowed[0])) if isinstance(allowed, list) and len(allowed) == 1 else None


def _places_of_bound(bound: object) -> int:
    digits = n_digits(bound)
    return digits * digits // DIGIT_PAIRS_FOR_A_PLACE


def n_digits(bound: object) -> int:
    """Return how many digits a bound has before its point; 0 for anything but a number, which is refused."""
    if not isinstance(bound, int | float):
        return 0
    return len(str(abs(int(bound)))) if abs(bound) < 10**MAX_DIGITS else MAX_DIGITS


def _sized(value: object) -> bool:
    return isinstance(value, list | dict)


def shown(name: str) -> str:
    """Return a name as a message may hold it."""
    return name if len(name) <= SHOWN_CHARACTERS else name[: SHOWN_CHARACTERS - 1] + "…"
