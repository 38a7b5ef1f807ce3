"""Prompt templates of runs: which columns they can name, and what the first row becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tlm_dash.batch.grid import TemplateParts, filled
from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.mapping import template_parts
from tlm_dash.services.place import Place
from tlm_dash.store.database import Store
from tlm_dash.store.item_values import count_without, role_columns, value_names, values_of
from tlm_dash.store.run_feed import messages_of, select_items

SHOWN_NAMES = 12


@dataclass(frozen=True, slots=True)
class TemplatePreview:
    """What the first row's prompt becomes, and how many rows lack a column that is named in it."""

    first: str
    missing: Mapping[str, int]


def columns(place: Place, dataset_id: str) -> tuple[str, ...]:
    """Name what a template over this dataset can have in braces."""
    return value_names(place.store, dataset_id)


def parsed_template(store: Store, dataset_id: str, template: str) -> TemplateParts:
    """Read a template; "" is none. Raises InvalidInputError where it names nothing, or no column of these.

    The column of the file that became the prompt, the reference or the id may be called by its own name.
    """
    own = role_columns(store, dataset_id) if template else {}
    parts = tuple((text, name and own.get(name, name)) for text, name in template_parts(template))
    names = [name for _, name in parts if name is not None]
    if template and not names:
        raise InvalidInputError(
            "The template names no column: every row would be the same prompt.",
            hint="Put {prompt}, or the name of a column in braces, into it.",
        )
    known = value_names(store, dataset_id) if names else ()
    ((n_items,),) = store.read("SELECT count(*) FROM item WHERE dataset_id = ?", [dataset_id])
    for name in names:
        # A column that the first rows do not have may still be in later ones.
        if name not in known and count_without(store, dataset_id, name) == n_items:
            more = " …" if len(known) > SHOWN_NAMES else ""
            raise InvalidInputError(
                f"The dataset has no column “{name}”.",
                hint=f"There are: {', '.join(known[:SHOWN_NAMES])}{more}.",
            )
    return parts


def template_text(parts: TemplateParts) -> str:
    """Write a template as it was read."""
    return "".join(
        text.replace("{", "{{").replace("}", "}}") + ("" if name is None else f"{{{name}}}")
        for text, name in parts
    )


def preview(place: Place, dataset_id: str, template: str) -> TemplatePreview:
    """Show what a template makes of the first row. Raises InvalidInputError where it cannot be used."""
    store = place.store
    parts = parsed_template(store, dataset_id, template)
    selection, _ = select_items(store, dataset_id, first=1, sample=None, seed=0, pilot=None)
    first = selection.last_item_no
    (message,) = messages_of(store, dataset_id, [first])[first][-1:]
    values = values_of(store, dataset_id, [first])[first]
    missing = {name: count_without(store, dataset_id, name) for _, name in parts if name is not None}
    return TemplatePreview(
        filled(parts, str(message.get("content")), values), {name: n for name, n in missing.items() if n}
    )
