"""The run in hand: pages opened from the menu take what was chosen last in this tab, and say so."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT, MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.stored import make_dataset, make_run, make_scored_run
from tlm_dash.services import runs
from tlm_dash.services.dashboard import Dashboard

SCORES = [number / 10 for number in range(10)]
NEWEST = "The newest run, since none was chosen in this tab."
GONE = "The run that was chosen in this tab is not here any more"


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


@pytest.fixture
def three(dashboard: Dashboard) -> list[str]:
    """Store three runs over one dataset, oldest first."""
    first = make_scored_run(dashboard.store, SCORES, name="oldest")
    ((dataset_id,),) = dashboard.store.read("SELECT dataset_id FROM run")
    others = [
        make_scored_run(dashboard.store, SCORES, name=name, dataset_id=dataset_id)
        for name in ("middle", "newest")
    ]
    return [first, *others]


def menu(app: AppTest, page: str) -> AppTest:
    """Open a page as the menu does: without an address."""
    app.query_params.clear()
    app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    assert not app.exception
    return app


def named(app: AppTest, key: str) -> list[str]:
    """Give the values of a key of the address."""
    found = app.query_params.get(key, [])
    return [found] if isinstance(found, str) else list(found)


def choose(app: AppTest, **query: str | list[str]) -> AppTest:
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_pages_of_the_menu_keep_the_run_that_was_chosen(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    oldest, middle, _ = three
    app = choose(open_app(dashboard, "review"), run=oldest)
    assert "Run: oldest" in texts(app) and NEWEST not in texts(app)
    assert named(menu(app, "decide"), "run") == [oldest]
    assert app.selectbox(key="decide-run").value == oldest and NEWEST not in texts(app)
    assert named(menu(app, "compare"), "baseline") == [oldest] and NEWEST not in texts(app)
    menu(app, "datasets")
    assert named(menu(app, "review"), "run")[0] == oldest
    menu(app, "decide").selectbox(key="decide-run").set_value(middle).run()
    assert named(menu(app, "review"), "run")[0] == middle and "Run: middle" in texts(app)


def test_the_newest_run_is_taken_only_where_nothing_was_chosen_and_is_said(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    newest = three[-1]
    for page, key in (("review", "run"), ("decide", "run"), ("compare", "baseline")):
        app = menu(open_app(dashboard), page)
        assert named(app, key) == [newest]
        assert NEWEST in texts(app), page
        assert NEWEST in texts(app.run()), "until another one is chosen"
    # A newer one comes: nothing was chosen yet, so it is the one; and then one is chosen.
    newer = make_scored_run(dashboard.store, SCORES, name="newer")
    app = menu(app, "decide")
    assert named(app, "run") == [newer] and NEWEST in texts(app)
    app.selectbox(key="decide-run").set_value(newest).run()
    assert NEWEST not in texts(app)
    assert named(menu(app, "review"), "run") == [newest] and NEWEST not in texts(app)
    other_tab = menu(open_app(dashboard), "decide")
    assert named(other_tab, "run") == [newer], "another tab has its own"


def test_candidates_stay_with_their_baseline(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    oldest, middle, newest = three
    app = choose(open_app(dashboard, "compare"), baseline=middle, candidate=[oldest, newest])
    assert named(menu(app, "decide"), "run") == [middle]
    app = menu(app, "compare")
    assert (named(app, "baseline"), named(app, "candidate")) == ([middle], [oldest, newest])
    assert named(menu(app, "review"), "run") == [middle, oldest, newest]
    assert "Run: " in texts(app) and "beside " in texts(app)


def test_a_run_that_was_deleted_meanwhile_gives_way_to_the_newest_with_a_word(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    oldest, middle, newest = three
    for page, key in (("review", "run"), ("decide", "run"), ("compare", "baseline")):
        doomed = make_scored_run(dashboard.store, SCORES, name=f"doomed before {page}")
        app = choose(open_app(dashboard, "runs"), run=doomed)
        runs.delete(dashboard, [doomed])
        menu(app, page)
        assert named(app, key) == [newest]
        assert GONE in texts(app), page
        assert GONE in texts(app.run())
    app = choose(open_app(dashboard, "compare"), baseline=middle, candidate=[oldest, newest])
    runs.delete(dashboard, [oldest])
    menu(app, "compare")
    assert (named(app, "baseline"), named(app, "candidate")) == ([middle], [newest])


def test_a_run_without_answers_is_not_what_is_decided(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    dataset_id = make_dataset(dashboard.store, 1)
    waiting = make_run(dashboard.store, dataset_id, [None], name="waiting")
    app = choose(open_app(dashboard, "review"), run=waiting)
    assert named(menu(app, "decide"), "run") == [three[-1]]
    assert "has no answered row" in texts(app)


def test_a_link_says_all_and_is_in_hand_from_then_on(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    oldest, middle, _ = three
    app = choose(open_app(dashboard, "review"), run=oldest)
    choose(menu(app, "decide"), run=middle)
    assert app.selectbox(key="decide-run").value == middle
    assert named(menu(app, "compare"), "baseline") == [middle]


def test_the_run_opened_on_the_runs_page_is_in_hand(
    dashboard: Dashboard, open_app: OpenApp, three: list[str]
) -> None:
    app = choose(open_app(dashboard, "runs"), run=three[0])
    assert named(menu(app, "decide"), "run") == [three[0]]
