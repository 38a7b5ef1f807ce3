"""The label queue on the Review page: the name, the plan, the row, the end, and what can go wrong."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint, evil_text
from tests.pages.conftest import OpenApp, texts
from tests.services.stored import make_scored_run
from tlm_dash.errors import StoreFullError
from tlm_dash.services import label_plans, label_queue
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.label_plans import PlanRequest

SCORES = [number / 40 for number in range(40)]


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


def planned(dashboard: Dashboard, run_id: str, n: int = 3, **said: object) -> str:
    wanted = {"kind": "uniform", "n": n, "created_by": "Ada", "double_share": 0.0, "seed": 1} | said
    return label_plans.create(dashboard, run_id, PlanRequest(**wanted)).plan_id  # type: ignore[arg-type]


def button(app: AppTest, start: str) -> object:
    """Find the button whose key begins so."""
    (found,) = [b for b in app.button if (b.key or "").startswith(start)]
    return found


def click(app: AppTest, start: str) -> None:
    button(app, start).click().run()  # type: ignore[attr-defined]
    assert not app.exception


def test_a_name_then_a_plan_in_one_line_then_the_first_row(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_scored_run(dashboard.store, SCORES, references=True)
    app = open_app(dashboard, "review", run=run_id, view="queue")
    assert "Who is labelling?" in app.text_input(key="who-name-queue").label
    app.text_input(key="who-name-queue").set_value("  Ada  Byron ")
    app.button(key="who-go-queue").click().run()
    assert "as Ada Byron" in texts(app)
    assert "Ada" not in str(app.query_params)

    app.number_input(key="plan-n").set_value(20).run()
    assert "20 rows, drawn uniformly, score hidden: about 10 minutes at 30 s a row" in texts(app)
    assert "an assumption" in texts(app)
    app.number_input(key="need-wrong").set_value(1.6).run()
    assert "124 labels among the accepted rows, if at most 2 of them are wrong" in texts(app)
    click(app, "take-needed")
    assert "40 rows, drawn uniformly" in texts(app), "no more than the run has"
    click(app, "make-plan")
    (plan,) = label_plans.plans_of(dashboard, run_id)
    assert app.query_params["plan"] == plan.plan_id
    assert (plan.kind, plan.n_items, plan.created_by, plan.is_score_blind) == (
        "uniform",
        40,
        "Ada Byron",
        True,
    )
    assert "What is" in texts(app) and "It is" in texts(app)
    assert "score" not in texts(app).casefold().replace("see how the scores", ""), "blind"


def test_plans_for_reading_say_so_and_show_the_score(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_scored_run(dashboard.store, SCORES)
    app = open_app(dashboard, "review", run=run_id, view="queue", as_person="Ada")
    app.radio(key="plan-kind").set_value("around").run()
    assert "score shown" in texts(app)
    app.number_input(key="plan-threshold").set_value(0.75).run()
    app.number_input(key="plan-n").set_value(2).run()
    click(app, "make-plan")
    (plan,) = label_plans.plans_of(dashboard, run_id)
    assert plan.settings == {"threshold": 0.75}
    assert "Response · score 0.750" in texts(app)
    for _ in range(2):
        click(app, "queue-correct")
    assert "own rows alone" in texts(app)
    visible = dashboard.store.read("SELECT DISTINCT score_visible FROM annotation")
    assert visible == [(True,)]


def test_rows_are_labelled_taken_back_and_summed_up(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_scored_run(dashboard.store, SCORES)
    plan_id = planned(dashboard, run_id)
    app = open_app(dashboard, "review", run=run_id, view="queue", as_person="Ada", plan=plan_id)
    click(app, "queue-correct")
    click(app, "queue-incorrect")
    click(app, "queue-undo")
    turn = label_queue.take(dashboard, plan_id, "Ada")
    assert turn.item is not None and turn.item.position == 1
    click(app, "queue-skip")
    click(app, "queue-correct")
    assert "Nothing is left for you in this plan" in [s.value for s in app.header]
    assert "Correct responses 100%" in texts(app)
    assert "95% interval 15.8% to 100%; 2 labelled rows" in texts(app)
    assert "3 of 40 rows, drawn uniformly at random; 1 left open" in texts(app)
    click(app, "queue-open-1")
    assert app.query_params["item"] == ["1"] or app.query_params["item"] == "1"
    click(app, "queue-incorrect")
    assert "Correct responses 66.7%" in texts(app)
    again = open_app(dashboard, "review", run=run_id, view="queue", as_person="Ada", plan=plan_id)
    click(again, "queue-decide")
    assert again.title[0].value == "Decide" and again.query_params["run"] == run_id
    click(app, "queue-leave")
    assert "plan" not in app.query_params
    assert "3 of 3 visited · 3 labelled" in texts(app)
    assert "Rows by person: Ada 3" in texts(app)


def test_texts_are_shown_as_text(dashboard: Dashboard, open_app: OpenApp) -> None:
    evil = evil_text("http://leak.invalid") + "\u202e"
    run_id = make_scored_run(dashboard.store, [0.5], responses=[evil], name=evil)
    plan_id = planned(dashboard, run_id)
    app = open_app(dashboard, "review", run=run_id, view="queue", as_person=evil[:60], plan=plan_id)
    assert not app.exception
    assert any("leak.invalid" in text.value and "⟨U+202E⟩" in text.value for text in app.text)
    click(app, "queue-correct")
    click(app, "queue-leave")
    in_markdown = [*app.markdown, *app.caption]
    assert not [element.value for element in in_markdown if "leak.invalid" in str(element.value)]
    assert not [b.label for b in app.button if "leak.invalid" in b.label]


@pytest.mark.parametrize("query", [{"plan": "gone"}, {"plan": "gone", "item": "-1"}, {"item": "x"}])
def test_an_address_that_leads_nowhere_says_so(
    dashboard: Dashboard, open_app: OpenApp, query: dict[str, str]
) -> None:
    run_id = make_scored_run(dashboard.store, SCORES)
    app = open_app(dashboard, "review", run=run_id, view="queue", as_person="Ada", **query)
    assert not app.exception
    if "plan" in query:
        assert "This labelling plan is not here any more." in texts(app)
        click(app, "queue-leave")
    assert "New labelling plan" in [s.value for s in app.header]


def test_a_row_past_the_end_of_the_plan_is_the_next_open_one(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_scored_run(dashboard.store, SCORES)
    plan_id = planned(dashboard, run_id)
    app = open_app(dashboard, "review", run=run_id, view="queue", as_person="Ada", plan=plan_id, item="99")
    assert button(app, "queue-correct-0-0")


def test_a_press_that_cannot_be_kept_says_why(
    dashboard: Dashboard, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = make_scored_run(dashboard.store, SCORES)
    plan_id = planned(dashboard, run_id)
    app = open_app(dashboard, "review", run=run_id, view="queue", as_person="Ada", plan=plan_id)

    def full(*_args: object, **_said: object) -> None:
        raise StoreFullError("No room is left on the disk.", hint="Free some space.")

    with monkeypatch.context() as patched:
        patched.setattr(label_queue.labels, "annotate", full)
        click(app, "queue-correct")
    assert "No room is left on the disk." in texts(app)
    assert button(app, "queue-correct-0-0"), "the row is still there to be labelled"
    click(app, "queue-correct")
    assert "No room" not in texts(app)
    assert button(app, "queue-correct-1-0")
