"""The Compare page, as a person meets it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint, evil_text
from tests.pages.conftest import OpenApp, texts
from tests.services.compared import make_labelled_run, two_models, two_presets
from tests.services.stored import make_dataset, make_run


def table(app: AppTest) -> object:
    return app.dataframe[-1].value


def test_fewer_than_two_runs_lead_to_a_new_one(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    app = open_app(dashboard, "compare")
    assert app.title[0].value == "Compare"
    assert "A comparison needs two" in texts(app)
    app.button(key="compare-new-run").click().run()
    assert app.title[0].value == "Runs"


def test_the_verdict_comes_first_and_the_rows_follow_the_choice(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    first, second = two_models(dashboard, (60, 5, 20, 15))
    app = open_app(dashboard, "compare", baseline=first, candidate=[second])
    assert not app.exception
    shown = texts(app)
    assert "“second” instead of “first”: better by 15 points of accuracy" in shown
    assert "which excludes 0; 100 labelled rows" in shown
    # Neither has scores: there is nothing of which a mean could be missing.
    assert "No mean score is shown" not in shown and "p = 0.00408" in shown
    app.button_group(key="compare-rows-differ").set_value("only_b").run()
    assert app.query_params["rows"] == "only_b"
    assert list(table(app)["A"]) == ["wrong"] * 20 and list(table(app)["B"]) == ["right"] * 20
    # The other way round, with a margin, the same runs get another verdict.
    app.selectbox(key=f"compare-baseline-{first}").set_value(second).run()
    assert first in app.query_params["candidate"]
    app.number_input(key="compare-margin-None").set_value(30.0).run()
    assert "worse, but not worse by more than 30 points" in texts(app)


def test_the_table_of_runs_says_why_an_interval_is_missing(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    first, second = two_presets(dashboard, 60, n_wrong=9)
    app = open_app(dashboard, "compare", baseline=first, candidate=[second])
    assert "No mean score is shown" in texts(app)
    (told,) = [one.value for one in app.dataframe if "PRR" in one.value]
    reason = "an interval needs 10 right and 10 wrong rows"
    assert all(cell.endswith(f", without an interval: {reason}") for cell in told["PRR"])
    assert f"low: prr_ci is not available: {reason}." in texts(app)


def test_presets_are_compared_by_rank_and_a_row_opens(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    first, second = two_presets(dashboard, 120)
    app = open_app(dashboard, "compare", baseline=first, candidate=[second], rows="moves", row="7")
    assert not app.exception
    shown = texts(app)
    assert "points of AUROC" in shown or "by AUROC" in shown
    assert "Both responses are the same." in shown and "What is 6 + 6?" in shown
    assert "higher than" in shown


def test_without_labels_ranks_are_compared_and_the_queue_is_offered(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    responses = [f"r{n}" for n in range(40)]
    for name, step in (("one", 1), ("other", 3)):
        scores = [(n * step % 40) / 40 for n in range(40)]
        make_run(dashboard.store, dataset_id, responses, scores=scores, name=name)
    app = open_app(dashboard, "compare")
    assert not app.exception
    shown = texts(app)
    assert "too few labels" in shown and "No row of this run has a label yet." in shown
    assert "Kendall's tau of scores" in shown and "n = 40" in shown
    app.button(key="compare-to-queue").click().run()
    assert app.title[0].value == "Review"


def test_runs_without_a_prompt_in_common_lead_to_a_new_run(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    for name in ("left", "right"):
        dataset_id = make_dataset(dashboard.store, [f"{name} {n}" for n in range(3)], name=name)
        make_labelled_run(dashboard, dataset_id, [1, 0, 1], name=name)
    app = open_app(dashboard, "compare")
    assert not app.exception
    shown = texts(app)
    assert "they have no prompt in common" in shown
    assert "3: only the baseline has the prompt" in shown and "3: only the candidate has the prompt" in shown
    app.button(key="compare-run-both").click().run()
    assert app.title[0].value == "Runs"


def test_runs_that_are_gone_are_said_and_untrusted_text_stays_text(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, [evil_text("p"), "plain"])
    runs = [
        make_labelled_run(
            dashboard, dataset_id, [1, 0], name=f"{evil_text('n')} {number}",
            responses=[evil_text(f"r{number}"), "same"],
        )
        for number in range(2)
    ]  # fmt: skip
    app = open_app(dashboard, "compare", baseline="gone", candidate=runs)
    assert not app.exception
    assert "is not here" in texts(app)
    app.query_params["row"] = "1"
    app.run()
    assert not app.exception
    risky = (app.markdown, app.caption, app.header, app.title)
    assert not any("http" in str(element.value) for kind in risky for element in kind)


@pytest.mark.parametrize("margin", [0.0001, 0.9])
def test_a_margin_that_only_an_address_can_say(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, margin: float
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    first, second = two_models(dashboard, (60, 5, 20, 15))
    app = open_app(dashboard, "compare", baseline=first, candidate=[second], margin=str(margin))
    assert app.number_input(key=f"compare-margin-{margin}").value == 100 * margin
    assert "better by 15 points" in texts(app)


def test_an_interval_that_the_exact_test_does_not_bear_out_says_so_everywhere(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    first, second = two_models(dashboard, (40, 0, 5, 35))
    app = open_app(dashboard, "compare", baseline=first, candidate=[second])
    shown = texts(app)
    assert "not distinguishable by accuracy" in shown and "better by" not in shown
    assert ":gray-badge[:material/drag_handle: not distinguishable]" in shown
    assert "McNemar's exact test of accuracy" in shown and "p = 0.0625, held against 0.05 (n = 80)" in shown
    whiskers = next(one.proto.alt for one in app.get("plotly_chart") if "Differences" in str(one.proto.alt))
    assert "n = 80; the exact test shows no difference, p = 0.0625, held against 0.05)" in whiskers
    # The same responses cannot differ in accuracy: no p of that stands beside a verdict by rank.
    app = open_app(
        dashboard, "compare", baseline=(runs := two_presets(dashboard, 60))[0], candidate=[runs[1]]
    )
    assert "McNemar" not in texts(app)
