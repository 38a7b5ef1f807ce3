"""What was said before people were rows gets its persons, and stays as it was otherwise."""

from __future__ import annotations

from pathlib import Path

from tests.store.conftest import OpenStore
from tests.store.next_version import older_database
from tlm_dash.store.connection import Connection
from tlm_dash.store.person_rule import person_id

_SAID = """
INSERT INTO annotation
SELECT
    'more-' || n, 'dataset-1', 1, 'hash of both', 'verdict', 'correct', NULL, who[1], who[2], NULL, NULL,
    NULL, false, TIMESTAMP '2026-11-24 10:00:00' + n * INTERVAL 1 SECOND
FROM (SELECT unnest([
    ['ADA', 'person'], ['Ada', 'imported'], ['Stra\u00dfe', 'person'], ['STRASSE', 'person'],
    ['Bo', 'imported']
]) AS who, generate_subscripts([1, 2, 3, 4, 5], 1) AS n)
"""


def test_every_name_gets_its_person(tmp_path: Path, open_store: OpenStore) -> None:
    path = tmp_path / "tlm_dash.duckdb"
    older_database(path, 9)
    connection = Connection(path, tmp_path / "temporary")
    connection.use(lambda cursor: cursor.execute(_SAID).fetchall())
    said = "SELECT annotation_id, kind, verdict, annotator, source FROM annotation ORDER BY annotation_id"
    before = connection.use(lambda cursor: cursor.execute(said).fetchall())
    connection.close()
    store = open_store()
    assert store.read(said) == before
    told = store.read("SELECT annotator, source, person_id FROM annotation")
    assert {(name, source): person_id(source, name) for name, source, _ in told} == {
        (name, source): person for name, source, person in told
    }
    people = store.read("SELECT name, name_key, known_by FROM person ORDER BY created_at, name")
    assert people == [
        ("Ada", "ada", "browser"), ("Ada", "ada", "file"), ("Stra\u00dfe", "strasse", "browser"),
        ("Bo", "bo", "file"),
    ]  # fmt: skip
