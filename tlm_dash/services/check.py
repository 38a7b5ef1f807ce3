"""Does it work: endpoint, database, model and settings, in plain words. For the settings page and `check`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tlm_dash import __version__
from tlm_dash.errors import StoreBusyError, TlmDashError
from tlm_dash.services.connection import Connection
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.settings import SettingSource
from tlm_dash.store.facts import StorageFacts, storage_facts

CHECK_TIMEOUT_S = 30.0
PACKAGES = ("streamlit", "duckdb", "openai", "plotly", "pandas")


@dataclass(frozen=True)
class StoreCheck:
    """The database: its facts, or why it is not open."""

    facts: StorageFacts | None
    problem: TlmDashError | None

    @property
    def state(self) -> str:
        """Say in a word or two how it is."""
        if self.problem is None:
            return "open"
        return "in use" if isinstance(self.problem, StoreBusyError) else "not open"

    @property
    def detail(self) -> str:
        """Say why it is not open; nothing where it is."""
        if isinstance(self.problem, StoreBusyError):
            return f"{self.problem} Where that is your running dashboard, nothing is wrong."
        return str(self.problem) if self.problem is not None else ""


@dataclass(frozen=True)
class Report:
    """Everything that the settings page and `check` tell."""

    connection: Connection
    store: StoreCheck
    settings: tuple[SettingSource, ...]
    data_dir: Path
    log_file: Path
    versions: tuple[tuple[str, str], ...]

    @property
    def works(self) -> bool:
        """Tell whether a prompt could be answered, scored and kept: a database in use is no failure."""
        kept = self.store.problem is None or isinstance(self.store.problem, StoreBusyError)
        return self.connection.state == "ready" and kept

    def as_dict(self) -> dict[str, object]:
        """Give the facts under stable names, for `check --json`. No secret is among them."""
        connection, stored = self.connection, self.store.facts
        return {
            "works": self.works,
            "endpoint": connection.state,
            "endpoint_state": connection.endpoint_state,
            "endpoint_detail": f"{connection.sentence} {connection.hint}".strip(),
            "base_url": connection.base_url,
            "embedded": connection.is_embedded,
            "models": list(connection.models),
            "provider": None if connection.provider is None else connection.provider.detail,
            "provider_models": list(connection.provider_models),
            "database": self.store.state,
            "database_detail": self.store.detail,
            "database_path": str(stored.path) if stored is not None and stored.path else None,
            "schema_version": stored.schema_version if stored is not None else None,
            "labels_set_aside": stored.row_counts["label_set_aside"] if stored is not None else None,
            "data_dir": str(self.data_dir),
            "settings": [{"name": s.name, "value": s.shown, "source": s.source} for s in self.settings],
            "versions": [{"name": name, "version": number} for name, number in self.versions],
        }


def report(dashboard: Dashboard, *, test_now: bool = True) -> Report:
    """Look at everything; with `test_now` the endpoint is asked again instead of remembered."""
    connection = dashboard.monitor.current
    if test_now:
        connection = dashboard.engine.ask(dashboard.monitor.check_now(), timeout_s=CHECK_TIMEOUT_S)
    data_dir = dashboard.settings.data_dir
    return Report(
        connection,
        _check_store(dashboard),
        dashboard.settings.sources,
        data_dir,
        data_dir / "logs" / "endpoint.log",
        versions(),
    )


def _check_store(dashboard: Dashboard) -> StoreCheck:
    try:
        return StoreCheck(storage_facts(dashboard.store), None)
    except TlmDashError as error:
        return StoreCheck(None, error)


def versions() -> tuple[tuple[str, str], ...]:
    """List what is running, for a bug report."""
    python = ".".join(map(str, sys.version_info[:3]))
    own = (("tlm_dash", __version__), ("Python", python))
    return own + tuple((name, version(name)) for name in PACKAGES)
