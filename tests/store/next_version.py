"""Write the rows of the newest version of the tables, from those of the version before.

    python -m tests.store.next_version

makes tests/store/versions/vN.sql for the last file of tlm_dash/store/sql: a database of version N - 1 with
its rows is brought up to date, and what it holds then is written down. Rows of new tables are added by hand.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from tlm_dash.store.connection import Connection
from tlm_dash.store.migrations import known_migrations, migrate
from tlm_dash.store.tables import TABLES

VERSIONS = Path(__file__).parent / "versions"


def older_database(path: Path, version: int, rows: Path | None = None) -> None:
    """Make a database as that version of tlm_dash left it, with its rows or those of another file."""
    connection = Connection(path, path.parent / "temporary")
    migrate(connection, known_migrations()[:version])
    text = (rows or VERSIONS / f"v{version}.sql").read_text(encoding="utf-8")
    connection.use(lambda cursor: cursor.execute(text).fetchall())
    connection.close()


def rows_of(path: Path) -> str:
    """Write all rows of an up-to-date database as statements."""
    connection = Connection(path, path.parent / "temporary")
    migrate(connection)
    lines = []
    for name in TABLES:
        found = connection.use(lambda cursor, name=name: cursor.table(name).fetchall())  # type: ignore[misc]
        lines += [f"INSERT INTO {name} VALUES ({', '.join(map(_literal, row))});" for row in found]  # noqa: S608
    connection.close()
    return "\n".join(lines)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def main() -> None:
    """Write the file of the newest version."""
    newest = len(known_migrations())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "older.duckdb"
        older_database(path, newest - 1)
        head = (
            f"-- Rows as version {newest} of the tables held them; "
            f"nothing here is ever changed after version {newest + 1} exists.\n"
        )
        target = VERSIONS / f"v{newest}.sql"
        target.write_text(f"{head}{rows_of(path)}\n", encoding="utf-8")
    print(f"{target} is written; add rows of new tables by hand.")


if __name__ == "__main__":
    main()
