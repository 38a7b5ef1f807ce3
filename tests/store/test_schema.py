"""The tables: each column explained, the writer's list equal to them, and only SQL that every engine has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tlm_dash.store
from tlm_dash.store import Store
from tlm_dash.store.tables import TABLES

PACKAGE = Path(tlm_dash.store.__file__).parent

SQL_TYPES = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMP",
}

# What the shared engine does not have, what conflicts there, and what DuckDB 2 or a crash punishes.
AVOIDED_SQL = re.compile(
    r"""\b(
        PRIMARY\s+KEY | UNIQUE | FOREIGN\s+KEY | REFERENCES | CHECK\s*\( | CREATE\s+(UNIQUE\s+)?INDEX |
        SEQUENCE | NEXTVAL | ENUM | CREATE\s+TYPE | GENERATED\s+ALWAYS | ON\s+CONFLICT | INSERT\s+OR |
        RETURNING | UPDATE\s+\w+\s+SET | DELETE\s+FROM | TRUNCATE | MERGE\s+INTO | VARIANT | TRIGGER |
        ROW_?ID | SNAPSHOT_ID | FORCE\s+CHECKPOINT | TIMESTAMPTZ | CURRENT_TIMESTAMP | NOW\s*\(
    )""",
    re.IGNORECASE | re.VERBOSE,
)
AVOIDED_CALLS = {"fetchone", "fetchmany", "executemany", "appender", "commit_async"}


def statements(source: str) -> list[str]:
    """Give the texts of a Python source that are not docstrings; among them is its SQL."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def offences(source: str) -> list[str]:
    calls = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    sql = [found[0] for text in statements(source) if (found := AVOIDED_SQL.search(text))]
    return sql + sorted(calls & AVOIDED_CALLS)


def test_sql_files_are_portable() -> None:
    files = sorted((PACKAGE / "sql").glob("*.sql"))
    assert files
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        sql = "\n".join(line for line in lines if not line.startswith(("--", "COMMENT ON")))
        assert not AVOIDED_SQL.search(sql), f"{file.name}: {AVOIDED_SQL.search(sql)}"


def test_sql_in_the_package_is_portable() -> None:
    files = sorted(PACKAGE.glob("*.py"))
    assert {"playground.py", "writer.py", "tables.py"} <= {file.name for file in files}
    found = {file.name: offences(file.read_text(encoding="utf-8")) for file in files}
    # The one place where rows go: a whole dataset that a person deletes.
    assert found.pop("removal.py") == ["DELETE FROM"]
    # The one change of what is stored: answers that a migration reads anew.
    assert {words.split()[0] for words in found.pop("answers_anew.py")} == {"UPDATE"}
    found.pop("labels_anew.py")
    # And the people of what was said before there were any: a column that was empty until then.
    assert found.pop("persons_anew.py") == ["UPDATE annotation SET"]
    assert not {name: what for name, what in found.items() if what}
    assert any("SELECT" in text for file in files for text in statements(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "source",
    [
        'SQL = "CREATE TABLE t (a INTEGER PRIMARY KEY)"',
        'def f(c):\n    c.execute("UPDATE run_item SET a = 1")',
        'SQL = f"DELETE FROM {table}"',
        'SQL = "select rowid from t"',
        "row = cursor.fetchone()",
    ],
)
def test_the_detector_finds_offenders(source: str) -> None:
    assert len(offences(source)) == 1


def test_every_table_and_column_says_what_it_means(store: Store) -> None:
    tables = store.read("SELECT table_name, comment FROM duckdb_tables()")
    columns = store.read("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    assert len(tables) == len(TABLES) + 1
    assert not [name for name, comment in tables if not comment]
    assert not [f"{table}.{column}" for table, column, comment in columns if not comment]


def test_units_are_told(store: Store) -> None:
    columns = store.read("SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal")
    assert all("UTC" in comment for name, comment in columns if name.endswith("_at"))
    assert all("milliseconds" in comment for name, comment in columns if name.endswith("_ms"))
    assert all("NULL" in comment for name, comment in columns if name == "trustworthiness_score")


def test_nullable_columns_say_what_null_means(store: Store) -> None:
    columns = store.read(
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE is_nullable AND NOT internal"
    )
    silent = {f"{table}.{column}" for table, column, comment in columns if "NULL" not in comment}
    assert not silent


def test_the_writer_knows_the_tables_as_they_are(store: Store) -> None:
    for table in TABLES.values():
        held = store.read(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE table_name = ? ORDER BY column_index",
            [table.name],
        )
        assert held == [(c.name, SQL_TYPES[c.kind], c.nullable) for c in table.columns], table.name
        assert {*table.key, table.near or table.key[0]} <= {c.name for c in table.columns if not c.nullable}
