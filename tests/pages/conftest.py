"""Pages through Streamlit's AppTest: the real script over a real dashboard."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT, wait_until
from tlm_dash.server.lifespan import set_current_dashboard
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.ui.who import Me

SCRIPT = ROOT / "tlm_dash" / "ui" / "main.py"

OpenApp = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def packages_are_searched_once() -> Iterator[None]:
    """For each new app Streamlit reads the facts of all installed packages, in search of components."""
    with pytest.MonkeyPatch.context() as patch:
        search = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", search)
        yield


@pytest.fixture
def open_app() -> Iterator[OpenApp]:
    """Open a page of the app over a dashboard, with query parameters as keyword arguments.

    `as_person` is the name that the browser has kept.
    """

    def open_page(
        dashboard: Dashboard, page_name: str = "", /, as_person: str | None = None, **query: str | list[str]
    ) -> AppTest:
        set_current_dashboard(dashboard)
        app = AppTest.from_file(SCRIPT, default_timeout=120)
        app.session_state["who-i-am"] = Me(name=as_person, has_answered=True)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page_name:
            app.switch_page(str(ROOT / "pages" / f"{page_name}.py")).run()
        return app

    yield open_page
    set_current_dashboard(None)


def texts(app: AppTest) -> str:
    """Give everything that a person can read on the page."""
    kinds = (app.title, app.text, app.caption, app.markdown, app.header, app.code)
    read = [str(element.value) for kind in kinds for element in kind]
    read += [f"{metric.label} {metric.value}" for metric in app.metric]
    return "\n".join(read)


def run_until_done(app: AppTest, dashboard: Dashboard) -> AppTest:
    """Wait for everything under way, then draw the page as the next look would."""
    wait_until(lambda: not dashboard.board.entries_under_way(), what="the answers")
    app.run()
    assert not app.exception
    return app
