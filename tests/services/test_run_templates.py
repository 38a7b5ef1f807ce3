"""Prompt templates of runs: columns of the file in the prompt, end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.services.running import MODEL, wait_for
from tlm_dash.errors import InvalidInputError
from tlm_dash.services import dataset_inspection, dataset_upload, run_template, runs
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.run_request import RunRequest

Row = dict[str, str | None]

ROWS: list[Row] = [
    {"id": "a", "question": "Why?", "context": "It {rained}.", "a/b~c": "x", "reference": "wet"},
    {"id": "b", "question": "Why?", "context": "Snow.", "a/b~c": None, "reference": "cold"},
    {"id": "c", "question": "When?", "context": None, "a/b~c": "z", "reference": "now"},
]


def save(dashboard: Dashboard, tmp_path: Path, rows: list[Row]) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    found = dataset_inspection.inspect(dashboard, [path])
    return dataset_upload.save(dashboard, found, name="Rows").dataset_id


def sent_prompts(endpoint: FakeEndpoint, call: str) -> list[str]:
    return sorted(request.body["messages"][-1]["content"] for request in endpoint.requests_to(call))


def test_columns_of_the_file_stand_in_the_prompt_that_is_sent_and_scored(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save(dashboard, tmp_path, ROWS)
    assert {"prompt", "reference", "id", "context", "a/b~c"} <= set(
        run_template.columns(dashboard, dataset_id)
    )
    template = "{{{context}}} {question} ({id}, {a/b~c})"
    request = RunRequest(dataset_id, (MODEL,), ("base", "low"), template=template)
    views = wait_for(dashboard, runs.start(dashboard, request))
    assert [view.counts.n_done for view in views] == [3, 3]
    expected = ["{It {rained}.} Why? (a, x)", "{Snow.} Why? (b, )", "{} When? (c, z)"]
    assert sent_prompts(fake_endpoint, "chat/completions") == sorted(expected)
    assert sent_prompts(fake_endpoint, "chat/score") == sorted(2 * expected)
    assert {view.record.settings["template"] for view in views} == {template.replace("question", "prompt")}
    shown = run_template.preview(dashboard, dataset_id, template)
    assert shown.first == expected[0] and shown.missing == {"context": 1, "a/b~c": 1}


@pytest.mark.parametrize("template", ["no place", "{nothing like it}", "{prompt", "{}", "} {prompt}"])
def test_a_template_that_cannot_be_filled_is_refused(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path, template: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = save(dashboard, tmp_path, ROWS)
    with pytest.raises(InvalidInputError) as refused:
        runs.start(dashboard, RunRequest(dataset_id, (MODEL,), template=template))
    assert refused.value.hint
    assert not fake_endpoint.requests_to("chat/completions")


def test_a_column_that_only_later_rows_have_can_be_named(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    rows: list[Row] = [{"prompt": f"What is {n}?"} for n in range(600)]
    dataset_id = save(dashboard, tmp_path, [*rows, {"prompt": "Last?", "hint": "yes"}])
    assert run_template.preview(dashboard, dataset_id, "{prompt} {hint}").missing == {"hint": 600}


def test_repeats_are_shared_only_where_the_filled_prompts_are_equal(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    rows: list[Row] = [
        {"prompt": "Why?", "response": "So.", "context": context} for context in ("one", "two", "two")
    ]
    dataset_id = save(dashboard, tmp_path, rows)
    request = RunRequest(
        dataset_id,
        quality_presets=("low",),
        mode="score",
        send_repeats_once=True,
        template="{context}: {prompt}",
    )
    (view,) = wait_for(dashboard, runs.start(dashboard, request))
    assert view.counts.n_done == 3
    assert sent_prompts(fake_endpoint, "chat/score") == ["one: Why?", "two: Why?"]
