"""Fixtures that every part of the tests may use: a clean environment, dashboards over scripted endpoints."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fake_endpoint import FakeEndpoint
from tlm_dash.errors import ModelFetchError
from tlm_dash.local_endpoint.model_file import ensure_model_file
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.settings import load_settings
from tlm_dash.store import opening
from tlm_dash.store.database import Store

ROOT = Path(__file__).resolve().parent.parent
WAIT_S = 60.0
"""No goal: what comes at all comes within this, also where other processes keep every core busy."""

SETTING_NAMES = ("BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID")


# How long an example takes says nothing on a busy machine. Where skips are forbidden (CI) the examples are
# the same each time; at a desk each run looks at new ones.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="TLM_DASH_FORBID_SKIPS" in os.environ,
    print_blob=True,
)
settings.load_profile("any machine")


WORKERS = 3
"""Tests wait a lot (for servers, browsers, disks): three at a time keep two cores busy."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run the whole suite in several processes; what somebody picks runs in this one, sooner and plainer."""
    picked = config.args_source == pytest.Config.ArgsSource.ARGS
    return 0 if picked or config.option.keyword else WORKERS


LONGEST = ("test_decision_path.py", "test_style.py", "test_workflows.py")
"""Files of which one test alone takes most of a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name in SETTING_NAMES or (name.startswith("TLM_DASH_") and name != "TLM_DASH_FORBID_SKIPS"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that has all tables and no rows."""
    path = tmp_path_factory.mktemp("empty") / "empty.duckdb"
    Store.open(f"duckdb:///{path}", temp_dir=path.parent / "tmp").close()
    return path


@pytest.fixture(autouse=True)
def databases_begin_as_a_copy(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    """Making the tables anew takes longer than most tests do: only those of the store make them."""
    if "store" not in request.path.relative_to(ROOT).parts:
        monkeypatch.setattr(opening, "_make_file", lambda path, _: shutil.copyfile(empty_database, path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where skips are forbidden (CI), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("TLM_DASH_FORBID_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skips are forbidden here: {report.longrepr}"
    return report


def wait_until(condition: Callable[[], object], *, within_s: float = WAIT_S, what: str = "it") -> None:
    """Wait for a condition, and say which one did not come true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)


MakeDashboard = Callable[..., Dashboard]


@pytest.fixture
def make_dashboard(tmp_path: Path) -> Iterator[MakeDashboard]:
    """Start dashboards over an endpoint, each stopped at the end; the database is a real file."""
    started: list[Dashboard] = []

    def make(
        base_url: str,
        *,
        wait: bool = True,
        data_dir: Path = tmp_path,
        on_open: Callable[[Dashboard], None] | None = None,
        **settings: str,
    ) -> Dashboard:
        environment = {"BASE_URL": base_url, "TLM_DASH_DATA_DIR": str(data_dir), **settings}
        dashboard = Dashboard(load_settings(environment, env_file=tmp_path / "no.env"), on_open)
        dashboard.start()
        started.append(dashboard)
        if wait:
            wait_until(lambda: dashboard.store_problem is None, what="opening the store")
            wait_until(lambda: dashboard.monitor.current.state != "starting", what="the first health check")
        return dashboard

    yield make
    for dashboard in started:
        dashboard.stop()


@pytest.fixture
def fake_endpoint() -> Iterator[FakeEndpoint]:
    """A well-behaved TLM endpoint until a test scripts it otherwise."""
    with FakeEndpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def model_file() -> Path:
    """The bundled model, fetched once for all tests and kept in the data folder."""
    try:
        return ensure_model_file(ROOT / "data")
    except ModelFetchError as error:
        pytest.skip(f"the bundled model cannot be fetched: {error}")
