"""Changes of the tables: numbered SQL files, each applied once, whole or not at all.

What SQL cannot do is done by a function of STEPS, named as the file is, after its statements and in the same
transaction. (A table that one transaction alters cannot be updated in it: such a change takes two files.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlm_dash.errors import StoreBrokenError, StoreTooNewError
from tlm_dash.models import utc_now
from tlm_dash.store.answers_anew import mark_empty_answers, read_answers_anew
from tlm_dash.store.connection import Connection
from tlm_dash.store.failures import OTHER_FILE
from tlm_dash.store.persons_anew import know_people
from tlm_dash.store.text import stored_time

_FOLDER = Path(__file__).parent / "sql"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


Step = Callable[[Any], None]
"""Takes the cursor of the transaction."""

STEPS: Mapping[str, Step] = {
    "answers_read_anew": read_answers_anew, "people_known": know_people, "empty_answers": mark_empty_answers,
}  # fmt: skip


@dataclass(frozen=True)
class Migration:
    """One numbered change: statements, and what follows them in Python."""

    version: int
    name: str
    sql: str
    step: Step | None = None


def known_migrations(folder: Path = _FOLDER) -> tuple[Migration, ...]:
    """Read the changes that this version of tlm_dash knows, in order. Their numbers have no gaps."""
    migrations: list[Migration] = []
    for file in sorted(folder.glob("*.sql")):
        found = _FILE_NAME.fullmatch(file.name)
        if not found or int(found[1]) != len(migrations) + 1:
            raise ValueError(
                f"{file.name}: migrations are named 0001_what_it_does.sql and numbered without gaps"
            )
        sql = file.read_text(encoding="utf-8")
        migrations.append(Migration(int(found[1]), found[2], sql, STEPS.get(found[2])))
    return tuple(migrations)


def migrate(connection: Connection, migrations: tuple[Migration, ...] | None = None) -> int:
    """Bring the tables up to date and give their version. Does nothing where they are.

    Raises StoreTooNewError where a newer tlm_dash wrote them, StoreBrokenError where they are not ours.
    """
    known = known_migrations() if migrations is None else migrations
    version = connection.use(lambda cursor: _version(cursor, connection.path))
    if version > len(known):
        raise StoreTooNewError(
            f"The database {connection.path} has tables of version {version}, "
            f"this tlm_dash knows them up to version {len(known)}.",
            hint=f"Update tlm_dash, or {OTHER_FILE}.",
        )
    for migration in known[version:]:
        connection.use(lambda cursor, migration=migration: _apply(cursor, migration))  # type: ignore[misc]
    return len(known)


def schema_version(connection: Connection) -> int:
    """Give the version of the tables; 0 for an empty database."""
    return connection.use(lambda cursor: _version(cursor, connection.path))


def _version(cursor: Any, path: Path | None) -> int:  # noqa: ANN401 - duckdb ships no types that fit
    tables = cursor.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()"
    ).fetchall()
    if not tables:
        return 0
    if ("schema_migration",) not in tables:
        raise StoreBrokenError(
            f"The file {path} is a DuckDB database, but not one of tlm_dash.",
            hint=f"It was left as it is. To keep it so, {OTHER_FILE}.",
        )
    ((version,),) = cursor.execute("SELECT coalesce(max(version), 0) FROM schema_migration").fetchall()
    return int(version)


def _apply(cursor: Any, migration: Migration) -> None:  # noqa: ANN401
    """Apply one change with its record in one transaction, unless it has been applied."""
    cursor.begin()
    try:
        if _version(cursor, None) < migration.version:
            # A file that leaves all to its step has no statement.
            if (done := cursor.execute(migration.sql)) is not None:
                done.fetchall()
            if migration.step is not None:
                migration.step(cursor)
            cursor.execute(
                "INSERT INTO schema_migration (version, name, applied_at) VALUES (?, ?, ?)",
                [migration.version, migration.name, stored_time(utc_now())],
            ).fetchall()
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    # Replaying a change of tables from the write-ahead log after a crash is where DuckDB has had bugs.
    cursor.execute("CHECKPOINT").fetchall()
