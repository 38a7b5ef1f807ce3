"""The Decide page: the sentence, what moves it, and every state without an answer."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.deciding import make_decidable_run, ranked_rows
from tests.services.labelled_runs import say
from tests.services.stored import make_dataset, make_run
from tlm_dash.services import label_matchers, label_plans
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decide import Question, decide
from tlm_dash.services.decision_records import save
from tlm_dash.services.label_plans import PlanRequest
from tlm_dash.services.record_drafts import threshold_record
from tlm_dash.store.plans import plan_items
from tlm_dash.words.numbers import bounds, percent, threshold_text


@pytest.fixture
def dashboard(make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint) -> Dashboard:
    return make_dashboard(fake_endpoint.base_url)


def headline(app: AppTest) -> str:
    (found,) = [one.value for one in app.markdown if str(one.value).startswith("## ")]
    return str(found)


def last(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return str(value[-1] if isinstance(value, list) else value)


def ask(app: AppTest) -> AppTest:
    app.button(key="decide-ask").click().run()
    assert not app.exception
    return app


def n_asked(dashboard: Dashboard) -> int:
    return int(dashboard.store.read("SELECT count(*) FROM question")[0][0])


def test_nothing_is_answered_before_it_is_asked(dashboard: Dashboard, open_app: OpenApp) -> None:
    scores, labels = ranked_rows(500)
    run_id = make_decidable_run(dashboard, scores, labels)
    expected = decide(dashboard, run_id, Question(max_risk=0.05)).answer.point
    assert expected is not None
    app = open_app(dashboard, "decide")
    assert not app.exception
    assert not any(str(one.value).startswith("## ") for one in app.markdown)
    before = texts(app)
    assert app.number_input(key="decide-risk").value == 5.0
    assert app.number_input(key="decide-confidence").value == 95.0
    assert "Nothing has been asked of these labels yet." in before
    assert "Asking settles it at the 500 labels that are there now" in before
    assert "500 labels feed this: all 500 answered rows. 500 from a file." in before
    assert "at all thresholds at once" in before, "the band is a look, which costs nothing"
    assert not [one for one in app.button if one.key == "save-decision"]
    assert n_asked(dashboard) == 0

    ask(app)
    assert headline(app) == f"## Send everything below {threshold_text(expected.threshold)} to people."
    shown = texts(app)
    assert f"**{percent(1 - expected.coverage)} of rows**" in shown
    assert "Right and wrong are told by the labels of a file." in shown
    assert "any other needs its own" in shown
    assert "The first target of these labels, asked on " in shown
    assert "No other setting of this dataset was asked." in shown
    assert app.select_slider(key="decide-slider").value == expected.threshold
    assert [one.label for one in app.get("page_link")][-1].startswith("Next step: compare it")
    assert n_asked(dashboard) == 1


def test_another_tab_and_a_link_know_the_first_target(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_decidable_run(dashboard, *ranked_rows(500))
    # An old link fills the form and answers nothing; what it said of a first target is not believed.
    app = open_app(dashboard, "decide", run=run_id, max_risk="0.06", first="0.06:0.95")
    assert app.number_input(key="decide-risk").value == 6.0
    assert "Nothing has been asked of these labels yet." in texts(app) and n_asked(dashboard) == 0
    answer = headline(ask(app))

    again = open_app(dashboard, "decide", run=run_id)
    assert again.number_input(key="decide-risk").value == 6.0
    assert headline(again) == answer == headline(open_app(dashboard, "decide", run=run_id, max_risk="0.06"))
    other = open_app(dashboard, "decide", run=run_id, max_risk="0.1")
    assert not any(str(one.value).startswith("## ") for one in other.markdown)
    assert "6% with 95% confidence was asked of these labels first" in texts(other)


def test_a_second_target_is_read_from_the_band(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_decidable_run(dashboard, *ranked_rows(500))
    first = headline(ask(open_app(dashboard, "decide", run=run_id)))
    app = open_app(dashboard, "decide", run=run_id)
    app.number_input(key="decide-risk").set_value(8.0).run()
    assert last(app, "max_risk") == "0.08"
    assert "was asked of these labels first" in texts(app)
    assert not any(str(one.value).startswith("## ") for one in app.markdown)
    ask(app)
    second = decide(dashboard, run_id, Question(max_risk=0.08, from_band=True)).answer.point
    assert second is not None
    assert headline(app) == f"## Send everything below {threshold_text(second.threshold)} to people."
    assert "was asked of these labels first" in texts(app) and "read from the band" in texts(app)
    app.button(key="decide-first").click().run()
    assert "max_risk" not in app.query_params
    assert app.number_input(key="decide-risk").value == 5.0 and headline(app) == first


def test_asking_a_plan_in_the_middle_settles_its_rows(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_decidable_run(dashboard, [n / 300 for n in range(300)], [None] * 300)
    plan = label_plans.create(dashboard, run_id, PlanRequest("uniform", 200, "Ada", seed=1, double_share=0.0))
    items = plan_items(dashboard.store, plan.plan_id)
    say(dashboard, run_id, {i.item_no: "correct" for i in items[:100]}, plan_id=plan.plan_id)
    app = open_app(dashboard, "decide", run=run_id)
    assert "Asking settles it at the 100 labels that are there now" in texts(app)
    answer = headline(ask(app))
    say(dashboard, run_id, {i.item_no: "incorrect" for i in items[100:]}, plan_id=plan.plan_id)
    later = open_app(dashboard, "decide", run=run_id)
    assert headline(later) == answer
    assert "there are 200 now: the promise is that of then. Fresh labels need a new plan" in texts(later)


def test_moving_the_threshold_reads_the_band(dashboard: Dashboard, open_app: OpenApp) -> None:
    scores, labels = ranked_rows(300)
    run_id = make_decidable_run(dashboard, scores, labels)
    found = decide(dashboard, run_id, Question(max_risk=0.05))
    app = ask(open_app(dashboard, "decide", run=run_id))
    answer = headline(app)
    chosen = found.points[30]
    app.select_slider(key="decide-slider").set_value(chosen.threshold).run()
    assert float(last(app, "threshold")) == chosen.threshold
    assert f"{bounds(chosen.risk_low, chosen.risk_high)} of those are wrong" in texts(app)
    assert headline(app) == answer
    app.number_input(key="decide-threshold").set_value(chosen.threshold - 1e-6).run()
    assert app.select_slider(key="decide-slider").value == chosen.threshold
    app.number_input(key="decide-day").set_value(1000).run()
    app.number_input(key="decide-pace").set_value(36).run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Pass a day"] == f"{1000 * chosen.coverage:,.0f}"
    assert metrics["Reading a day"] == f"{10 * (1 - chosen.coverage):,.1f} h"
    # The upper end is a bound: 30.07 rows are at most 31.
    assert chosen.risk_high is not None
    assert 30 < 970 * chosen.coverage * chosen.risk_high < 30.5
    app.number_input(key="decide-day").set_value(970).run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Wrong among those that pass a day"].endswith(" to 31")
    app.number_input(key="decide-day").set_value(100).run()
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Reading a day"] == f"{60 * (1 - chosen.coverage):,.0f} min"
    app.number_input(key="decide-threshold").set_value(0.0).run()
    assert app.select_slider(key="decide-slider").value == found.points[-1].threshold


def test_what_people_can_read(dashboard: Dashboard, open_app: OpenApp) -> None:
    scores, labels = ranked_rows(200)
    run_id = make_decidable_run(dashboard, scores, labels)
    app = open_app(dashboard, "decide", run=run_id, by="share", review_share="0.25")
    assert "50 of 200 here" in texts(app)
    assert "read from the band" in texts(app)
    app.number_input(key="decide-share").set_value(10.0).run()
    assert "20 of 200 here" in texts(app)
    app.segmented_control(key="decide-by").set_value("budget").run()
    assert last(app, "by") == "budget"
    app.number_input(key="decide-daily_volume").set_value(1000).run()
    app.number_input(key="decide-review_budget").set_value(200).run()
    assert "40 of 200 here" in texts(app)
    app.number_input(key="decide-review_budget").set_value(1000).run()
    assert headline(app) == "## Not possible."


def test_no_run_and_a_run_that_is_not_there(dashboard: Dashboard, open_app: OpenApp) -> None:
    app = open_app(dashboard, "decide")
    assert "No run has an answered row yet." in texts(app)
    app.button(key="decide-to-runs").click().run()
    assert app.title[0].value == "Runs"
    make_decidable_run(dashboard, [0.5], ["1"])
    app = open_app(dashboard, "decide", run="nowhere")
    assert "not here" in texts(app)
    app.button(key="decide-newest").click().run()
    assert "the one label that is there now" in texts(app)
    assert headline(ask(app)).startswith("## Not with")


def test_no_labels_lead_to_the_queue(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_decidable_run(dashboard, [n / 100 for n in range(100)], [None] * 100)
    app = open_app(dashboard, "decide", run=run_id)
    shown = texts(app)
    assert headline(app) == "## Not without labels."
    assert "would do" not in shown
    assert "Ranking quality: AUROC is not available: no scored row is labelled." in shown
    app.button(key="decide-to-review").click().run()
    assert app.title[0].value == "Review"
    assert (last(app, "run"), last(app, "view")) == (run_id, "queue")


def test_a_run_without_scores_leads_to_scoring_it(dashboard: Dashboard, open_app: OpenApp) -> None:
    make_decidable_run(dashboard, [None] * 30, ["1"] * 30)
    app = open_app(dashboard, "decide")
    assert "100% (88.4% to 100%) of 30 labelled rows" in texts(app)
    assert "30 labelled, but without a score" in texts(app)
    app.button(key="decide-to-score").click().run()
    assert app.title[0].value == "Runs"
    assert last(app, "new") == "yes"


def test_a_sample_that_is_not_there_is_told_and_can_be_left(dashboard: Dashboard, open_app: OpenApp) -> None:
    make_decidable_run(dashboard, *ranked_rows(100))
    app = open_app(dashboard, "decide", basis="no-such-plan")
    assert "This run has no sample called 'no-such-plan'." in texts(app)
    app.button(key="decide-best-sample").click().run()
    assert "basis" not in app.query_params
    assert "100 labels feed this" in texts(app)


def test_labels_that_do_not_suffice(dashboard: Dashboard, open_app: OpenApp) -> None:
    hundred: list[float | None] = [n / 100 for n in range(100)]
    cases: list[tuple[list[float | None], list[str], str, str]] = [
        (
            [0.1, 0.5, 0.9],
            ["1", "0", "1"],
            "Not with these 3 labels",
            "a sample without a single error needs 62.",
        ),
        ([0.5] * 100, ["1"] * 80 + ["0"] * 20, "Not with these 100 labels", "All scores are equal"),
        (hundred, ["0"] * 100, "Not with these 100 labels", "only one of the two classes is present"),
        (hundred, ["1"] * 50 + ["0"] * 50, "Not with these", "wrong rows score higher than right ones here"),
        (hundred, ["1", "0"] * 2 + ["1"] * 48 + ["0"] * 48, "Not with these", "worse than chance"),
        ([None] * 30, ["1"] * 30, "Not without scores.", "No row of this run has a score."),
    ]
    for number, (scores, labels, head, told) in enumerate(cases):
        run_id = make_decidable_run(dashboard, scores, labels, name=f"run {number}")
        app = open_app(dashboard, "decide", run=run_id)
        assert not app.exception
        if head != "Not without scores.":
            ask(app)
        assert headline(app).startswith(f"## {head}")
        assert told in texts(app) + "".join(expander.label for expander in app.expander)


def test_open_rows_and_untrusted_names(dashboard: Dashboard, open_app: OpenApp) -> None:
    scores, labels = ranked_rows(200)
    name = "![x](http://127.0.0.1:9/x.png) # run"
    run_id = make_decidable_run(dashboard, scores, ["?", *labels[1:]], name=name)
    app = ask(open_app(dashboard, "decide", run=run_id))
    assert any("1 row was left open. With all of them" in str(caption.value) for caption in app.caption)
    assert name in app.selectbox(key="decide-run").options[0]
    assert not any(name in str(one.value) for kind in (app.markdown, app.caption) for one in kind)


def test_a_matcher_s_verdicts_are_never_taken_for_people_s(dashboard: Dashboard, open_app: OpenApp) -> None:
    dataset_id = make_dataset(dashboard.store, 60, [f"yes {n}" for n in range(60)])
    run_id = make_run(
        dashboard.store, dataset_id, [f"no {n}" if n < 6 else f"yes {n}" for n in range(60)],
        scores=[n / 60 for n in range(60)],
    )  # fmt: skip
    label_matchers.apply(dashboard, run_id, "exact", "Ada")
    other = make_run(
        dashboard.store, dataset_id, [f"no {n}" if n < 9 else f"yes {n}" for n in range(60)], name="Other"
    )
    label_matchers.apply(dashboard, other, "exact", "Ada")
    said = "Right and wrong are told by the matcher “exact”, not by people."
    shown = texts(open_app(dashboard, "decide", run=run_id))
    assert said in shown and "60 from a matcher" in shown
    assert said in texts(open_app(dashboard, "compare", baseline=run_id, candidate=[other]))


def test_what_the_promise_is_about_and_a_prompt_that_is_a_third_of_the_rows(
    dashboard: Dashboard, open_app: OpenApp
) -> None:
    prompts = ["Good morning"] * 90 + [f"Question {n}" for n in range(160)]
    responses = ["Good night."] * 90 + [f"answer {n}" for n in range(160)]
    make_decidable_run(
        dashboard, [0.5] * 250, ["0"] * 90 + ["1"] * 160, prompts=prompts, responses=responses
    )  # fmt: skip
    app = ask(open_app(dashboard, "decide"))
    shown = texts(app)
    assert headline(app).startswith("## Not with these 250 labels")
    assert "1 prompt is 36% of the rows; its answer is wrong." in shown
    assert "161 distinct prompts among them" in shown
    other = make_decidable_run(dashboard, [n / 200 for n in range(200)], ["1"] * 200, name="right")
    app = ask(open_app(dashboard, "decide", run=other))
    assert "Of the rows that pass, at most **5%** are wrong, with 95% confidence" in texts(app)
    assert "a prompt counts as often as it is asked" in texts(app)


def test_a_new_plan_is_offered_with_its_chance_never_more_labels_of_this_one(
    dashboard: Dashboard, open_app: OpenApp
) -> None:
    labels = ["0" if n % 50 == 7 else "1" for n in range(100)]
    run_id = make_decidable_run(dashboard, [n / 100 for n in range(100)], labels)
    app = ask(open_app(dashboard, "decide", run=run_id))
    shown = texts(app)
    assert headline(app).startswith("## Not with these 100 labels: at best ")
    assert "A new plan, its size settled beforehand and asked once, would answer: one of " in shown
    assert "more labels" not in shown and "would do" not in shown
    assert [one.label for one in app.get("page_link")][-1].startswith("Next step: compare it")


def test_repeated_prompts_are_declared_requests_before_asking_only(
    dashboard: Dashboard, open_app: OpenApp
) -> None:
    scores, labels = ranked_rows(600)
    prompts = [f"question {n // 3}" for n in range(600)]
    run_id = make_decidable_run(dashboard, scores, labels, prompts=prompts)
    app = open_app(dashboard, "decide", run=run_id)
    app.checkbox(key="decide-requests").check().run()
    ask(app)
    assert n_asked(dashboard) == 1
    assert dashboard.store.read("SELECT rows_are_requests FROM question") == [(True,)]
    assert "Rows with the same prompt were declared separate requests: rows alone are tested." in texts(app)
    assert not app.checkbox


def test_rows_of_different_prompts_need_no_such_word(dashboard: Dashboard, open_app: OpenApp) -> None:
    scores, labels = ranked_rows(100)
    app = open_app(dashboard, "decide", run=make_decidable_run(dashboard, scores, labels))
    assert not app.checkbox


def test_a_decision_from_before_targets_were_kept_is_told(dashboard: Dashboard, open_app: OpenApp) -> None:
    run_id = make_decidable_run(dashboard, *ranked_rows(500))
    record = threshold_record(dashboard, run_id, Question(max_risk=0.08))
    save(dashboard, record, decided_by="Ada", reason="Good enough.")
    assert n_asked(dashboard) == 0
    app = open_app(dashboard, "decide", run=run_id)
    told = "One decision about a target was saved on this run before targets were kept, the first for 8% on "
    assert told in texts(app)
    ask(app)
    assert told not in texts(app)
