"""The migration that gives what was said before its persons: nothing else of it is changed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tlm_dash.store.person_rule import person_of
from tlm_dash.store.text import original_text, stored_text

_NAMES = """
SELECT source, annotator, min(created_at) FROM annotation WHERE person_id IS NULL
GROUP BY source, annotator ORDER BY min(created_at), source, annotator
"""
_GIVE = """
UPDATE annotation SET person_id = w.person_id FROM wanted AS w
WHERE annotation.source = w.source AND annotation.annotator = w.annotator
"""


def know_people(cursor: Any) -> None:  # noqa: ANN401 - duckdb ships no types that fit
    """Make the person of every name, and let what they said refer to them."""
    names = cursor.execute(_NAMES).fetchall()
    if not names:
        return
    people = [person_of(source, original_text(name), first_at) for source, name, first_at in names]
    wanted = pa.table({  # noqa: F841 - DuckDB finds it by its name
        "source": [source for source, _, _ in names], "annotator": [name for _, name, _ in names],
        "person_id": [person["person_id"] for person in people],
    })  # fmt: skip
    cursor.execute(_GIVE).fetchall()
    # The first spelling of a name is how the person is called.
    first = {person["person_id"]: person for person in reversed(people)}
    for person in first.values():
        row = {**person, "name": stored_text(person["name"]), "name_key": stored_text(person["name_key"])}
        cursor.execute("INSERT INTO person VALUES (?, ?, ?, ?, ?)", list(row.values())).fetchall()
