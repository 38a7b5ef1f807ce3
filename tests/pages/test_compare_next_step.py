"""Where the Compare page leads when its verdict is none, or prices are missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import ApiError, FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.pages.runs_page import links, questions, save_dataset
from tests.services.compared import make_labelled_run, two_models
from tests.services.running import MODEL, wait_for
from tests.services.stored import make_dataset
from tlm_dash.services import labels as label_service
from tlm_dash.services import runs
from tlm_dash.services.compare import CompareRequest, compare
from tlm_dash.services.compare_effort import ENTER_PRICES
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.prices import Price, change_prices
from tlm_dash.services.record_drafts import comparison_record
from tlm_dash.services.run_request import RunRequest


@pytest.mark.parametrize(
    ("labels", "leads_to"),
    [
        ([1, 0] * 10, "Next step: upload a larger dataset"),
        ([1, 0] * 9 + [None, None], "Next step: label more rows"),
    ],
)
def test_more_labels_are_asked_for_only_where_a_row_waits_for_one(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp,
    labels: list[int | None], leads_to: str,
) -> None:  # fmt: skip
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, len(labels))
    for name in ("one", "other"):
        make_labelled_run(dashboard, dataset_id, labels, name=name)
    app = open_app(dashboard, "compare")
    assert not app.exception
    words = [str(getattr(link, "label", "")) for link in app.get("page_link")]
    links = [word for word in words if word.startswith("Next step")]
    assert links == [leads_to]


def test_not_distinguishable_is_an_answer_and_sends_nobody_to_label_on_and_look_again(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    runs_of_two = two_models(dashboard, (20, 20, 20, 20))
    app = open_app(dashboard, "compare", baseline=runs_of_two[0], candidate=runs_of_two[1])
    assert "not distinguishable" in texts(app)
    assert [name for name in links(app) if name.startswith("Next step")] == [
        "Next step: decide on a threshold"
    ]


def test_labels_are_asked_for_of_the_run_whose_rows_wait_for_them(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    labelled = make_labelled_run(dashboard, dataset_id, [1, 0] * 20, name="one")
    bare = make_labelled_run(dashboard, dataset_id, [None] * 40, name="other")
    app = open_app(dashboard, "compare", baseline=labelled, candidate=bare)
    assert not app.exception
    step = links(app)["Next step: label more rows"]
    assert f"run={bare}" in step.query_string


def test_missing_prices_can_be_entered_and_leave_no_hole(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(6), "Sums")
    run_ids = runs.start(dashboard, RunRequest(dataset_id, (MODEL,), ("base", "low")))
    wait_for(dashboard, run_ids)
    label_all(dashboard, run_ids[0])
    app = open_app(dashboard, "compare")
    assert not app.exception
    assert "Cost of 1,000 rows: there are no prices." in texts(app)
    assert links(app)["Enter prices"].page == "settings"
    # The command line and the record, which have no such link, say it in words.
    request = CompareRequest(tuple(run_ids))
    told = f"cost_per_1000 is not available: there are no prices. {ENTER_PRICES}"
    comparison = compare(dashboard, request)
    assert [note.endswith(told) for note in comparison.facts()["notes"]].count(True) == 2
    assert told in json.dumps(comparison_record(dashboard, request)["findings"])
    change_prices(dashboard, [Price("model", "another-model", 1.0, 2.0)])
    app.run()
    assert f"Cost of 1,000 rows: there is no price for {MODEL}." in texts(app)
    assert "Enter prices" in links(app)
    change_prices(dashboard, [Price("model", MODEL, 1.0, 2.0)])
    app.run()
    assert "Enter prices" not in links(app)
    notes = compare(dashboard, request).facts()["notes"]
    assert not [note for note in notes if "cost_per_1000" in note]
    # Nothing can be entered for what came with a file.
    two = two_models(dashboard, (20, 20, 20, 20))
    app = open_app(dashboard, "compare", baseline=two[0], candidate=two[1])
    assert "responses that came with a file have no cost." in texts(app)
    assert "Enter prices" not in links(app)


def label_all(dashboard: Dashboard, run_id: str) -> None:
    """Label every answered row of a run, right and wrong in turn."""
    answers = dashboard.store.read(
        "SELECT item_no, response_hash FROM run_item WHERE run_id = ? AND status = 'done'", [run_id]
    )
    for item_no, response_hash in answers:
        label_service.annotate(
            dashboard, dataset_id=runs.show(dashboard, run_id).record.dataset_id, item_no=item_no,
            response_hash=response_hash, verdict="correct" if item_no % 2 else "incorrect", annotator="Ada",
            score_visible=False,
        )  # fmt: skip


def test_more_rows_are_run_only_where_the_dataset_has_more(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save_dataset(dashboard, questions(8), "Sums")

    def steps(*run_ids: str) -> dict[str, str]:
        app = open_app(dashboard, "compare", baseline=run_ids[0], candidate=run_ids[1])
        assert not app.exception
        found = links(app)
        return {name: found[name].query_string for name in found if name.startswith("Next step")}

    request = RunRequest(dataset_id, (MODEL,), ("base", "low"))
    some = runs.start(dashboard, replace(request, first=4))
    wait_for(dashboard, some)
    label_all(dashboard, some[0])
    assert steps(*some) == {"Next step: run more rows": f"new=yes&dataset={dataset_id}"}
    fake_endpoint.script("chat/completions", [ApiError(413, "Too large")] * 2)
    all_of_it = runs.start(dashboard, request)
    wait_for(dashboard, all_of_it)
    label_all(dashboard, all_of_it[0])
    (finish,) = steps(*all_of_it).items()
    assert finish[0] == "Next step: finish the rows that failed or wait" and finish[1][4:] in all_of_it
    runs.retry(dashboard, all_of_it)
    wait_for(dashboard, all_of_it)
    label_all(dashboard, all_of_it[0])
    assert steps(*all_of_it) == {"Next step: upload a larger dataset": ""}
    # A run over a part of responses that are there can be run over the others.
    score = replace(request, models=(), mode="score", quality_presets=("low",), source_runs=(all_of_it[0],))
    (scored,) = runs.start(dashboard, replace(score, first=3))
    wait_for(dashboard, [scored])
    assert steps(scored, some[0]) == {"Next step: run more rows": f"new=yes&dataset={dataset_id}"}
