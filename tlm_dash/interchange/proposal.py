"""The mapping that the roles of the columns make: which score, label and model belong to which response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tlm_dash.interchange import column_names as cn
from tlm_dash.interchange.column_names import Named
from tlm_dash.interchange.column_table import Table
from tlm_dash.interchange.mapping import ColumnMapping, ResponseColumns

SINGLE_ROLES = ("prompt", "messages", "id", "system", "reference", "model", "preset", "scorer_model")


def proposed_mapping(table: Table, given: ColumnMapping) -> ColumnMapping:
    """Make a mapping of the roles that were found, under those that a person gave."""

    def first(role: str) -> str | None:
        return next((column.name for column in sorted(table.of(role), key=lambda c: c.depth)), None)

    by_name = {column.name: column for column in table.columns}
    responses = [by_name[part.response] for part in given.responses] or table.of("response")
    parts = given.responses or tuple(ResponseColumns(response.name) for response in responses)
    several = len(responses) > 1
    filled = tuple(
        replace(
            part,
            score=part.score or _belonging(response, table.of("score"), responses),
            label=part.label or _belonging(response, table.of("label"), responses),
            finish_reason=_belonging(response, table.of("finish_reason"), responses),
            model=_own_model(response, table.of("model")) if several else None,
        )
        for part, response in zip(parts, responses, strict=True)
    )
    shared = [c for c in table.of("model") if c.name not in {part.model for part in filled}]
    found = {role: first(role) for role in SINGLE_ROLES} | {"model": shared[0].name if shared else None}
    single = {role: getattr(given, role) or found[role] for role in SINGLE_ROLES}
    if given.template is not None:
        single |= {"prompt": None, "messages": None}
    tags = given.tags or tuple(column.name for column in table.of("tag"))
    return ColumnMapping(template=given.template, responses=filled, tags=tags, **single)


def _own_model(response: Named, models: Sequence[Named]) -> str | None:
    own = next((m.name for m in models if m.group and m.group == response.group), None)
    last = (cn.phrase_of(response.group) or response.phrase).split()[-1:]
    return own or next(
        (m.name for m in models if m.words[:1] == ("model",) and list(m.words[1:]) == last), None
    )


def _belonging(response: Named, candidates: Sequence[Named], responses: Sequence[Named]) -> str | None:
    """Find the column that speaks of a response: same group, or same words beside the role's."""
    same_group = [c for c in candidates if c.group == response.group]
    if response.group and len(same_group) == 1:
        return same_group[0].name
    if len(responses) == 1:
        return candidates[0].name if candidates else None
    own = cn.own_words(response)
    # "score" is that of "response" beside "gpt_response", but of neither "response" nor "output".
    if not own and sum(not cn.own_words(other) for other in responses) > 1:
        return None
    return next((c.name for c in same_group if own == cn.own_words(c)), None)
