"""Tables come up to date from nothing and from every older version, whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from tests.store.conftest import OpenStore
from tests.store.next_version import VERSIONS, older_database
from tlm_dash.errors import StoreBrokenError, StoreTooNewError
from tlm_dash.store.connection import Connection
from tlm_dash.store.migrations import STEPS, Migration, known_migrations, migrate, schema_version
from tlm_dash.store.playground import entry, history
from tlm_dash.store.tables import TABLES

KNOWN = known_migrations()

# A change that has been applied somewhere never changes; the next one is a new file. (Until the first
# release: put the new sum here.)
CHECKSUMS = {
    1: "a74ba08ba755138a",
    2: "25b65590f3bb5fe5",
    3: "f28acaa177962558",
    4: "98bab62f13e9600f",
    5: "b79b658ed9731029",
    6: "998357b8ba7bedd0",
    7: "5b8954e2f71aeb42",
    8: "b5d96e3e654d864e",
    9: "4bf7804809e66ed0",
    10: "9e786715e11dc09c",
    11: "fc0ce68e4bcad8de",
    12: "426c2f21b41677da",
    13: "17b9dc0045c46da2",
}


def test_every_version_has_rows_to_start_from() -> None:
    missing = {f"v{m.version}" for m in KNOWN} ^ {file.stem for file in VERSIONS.glob("*.sql")}
    assert not missing, "python -m tests.store.next_version writes those of the newest version"


def test_every_table_has_rows_in_the_newest_version() -> None:
    rows = (VERSIONS / f"v{len(KNOWN)}.sql").read_text(encoding="utf-8")
    assert not [name for name in TABLES if f"INSERT INTO {name} VALUES" not in rows]


def test_every_step_belongs_to_a_file() -> None:
    assert set(STEPS) == {migration.name for migration in KNOWN if migration.step is not None}
    assert all(migration.step or "CREATE" in migration.sql or "ALTER" in migration.sql for migration in KNOWN)


def test_applied_changes_stay_as_they_are() -> None:
    assert {m.version: sha256(m.sql.encode()).hexdigest()[:16] for m in KNOWN} == CHECKSUMS


def test_blank(open_store: OpenStore) -> None:
    store = open_store()
    applied = store.read("SELECT version, name, applied_at FROM schema_migration ORDER BY version")
    assert [(version, name) for version, name, _ in applied] == [(m.version, m.name) for m in KNOWN]
    assert all(abs((datetime.now(UTC) - at).total_seconds()) < 600 for _, _, at in applied)


@pytest.mark.parametrize("version", [m.version for m in KNOWN])
def test_from_an_older_version(tmp_path: Path, open_store: OpenStore, version: int) -> None:
    older_database(tmp_path / "tlm_dash.duckdb", version)
    store = open_store()
    assert store.read("SELECT max(version), count(*) FROM schema_migration") == [(len(KNOWN), len(KNOWN))]
    assert history(store).total == 1
    found = entry(store, "entry-1")
    assert found is not None
    assert found.messages == ({"role": "user", "content": "Why is the sky blue?"},)
    (cell,) = found.cells
    assert (cell.trustworthiness_score, cell.explanation) == (0.875, "A known fact.")
    assert cell.written_at == datetime(2026, 11, 23, 10, 0, 3, 250, tzinfo=UTC)


def test_opening_again_changes_nothing(open_store: OpenStore) -> None:
    first = open_store()
    applied = first.read("SELECT * FROM schema_migration")
    first.close()
    assert open_store().read("SELECT * FROM schema_migration") == applied


def test_newer_tables_are_refused_and_left_alone(tmp_path: Path, open_store: OpenStore) -> None:
    store = open_store()
    path = store.path
    assert path is not None
    store.close()
    newer = (*KNOWN, Migration(len(KNOWN) + 1, "of_tomorrow", "CREATE TABLE tomorrow (a INTEGER)"))
    connection = Connection(path, tmp_path / "temporary")
    assert migrate(connection, newer) == len(KNOWN) + 1
    connection.close()
    before = path.read_bytes()
    with pytest.raises(
        StoreTooNewError, match=rf"version {len(KNOWN) + 1}.* up to version {len(KNOWN)}\b"
    ) as caught:
        open_store()
    assert caught.value.hint
    assert path.read_bytes() == before


def test_a_change_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    broken = Migration(1, "half", "CREATE TABLE one (a INTEGER); CREATE TABLE two (a NO_SUCH_TYPE)")
    connection = Connection(tmp_path / "a.duckdb", tmp_path / "temporary")
    with pytest.raises(duckdb.Error):
        migrate(connection, (broken,))
    assert schema_version(connection) == 0
    assert (
        connection.use(lambda cursor: cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall())
        == []
    )
    connection.close()


def test_the_file_holds_the_change_itself_not_its_log(tmp_path: Path) -> None:
    connection = Connection(tmp_path / "a.duckdb", tmp_path / "temporary")
    migrate(connection)
    assert not (tmp_path / "a.duckdb.wal").exists()
    connection.close()


def test_a_database_of_another_program_is_refused(tmp_path: Path, open_store: OpenStore) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE wine (name VARCHAR)")
    before = path.read_bytes()
    with pytest.raises(StoreBrokenError, match="not one of tlm_dash"):
        open_store("other.duckdb")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "names", [["0002_late.sql"], ["0001_a.sql", "0003_b.sql"], ["1_a.sql"], ["0001_A b.sql"]]
)
def test_badly_numbered_files_are_found(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(ValueError, match="numbered without gaps"):
        known_migrations(tmp_path)
