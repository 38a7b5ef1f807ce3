"""What the tests of the Runs page share: datasets to run, waiting for the end, the page's links."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.services.running import wait_for
from tlm_dash.services import dataset_inspection, dataset_upload, runs
from tlm_dash.services.dashboard import Dashboard


def save_dataset(dashboard: Dashboard, text: str, name: str) -> str:
    """Upload a CSV file; gives the dataset's id."""
    folder = dashboard.settings.data_dir / "files"
    folder.mkdir(exist_ok=True)
    path = folder / "questions.csv"
    path.write_text(text, encoding="utf-8")
    found = dataset_inspection.inspect(dashboard, [path])
    return dataset_upload.save(dashboard, found, name=name).dataset_id


def questions(n: int) -> str:
    return "prompt\n" + "".join(f"What is {number} plus one?\n" for number in range(n))


def links(app: AppTest) -> dict[str, Any]:
    """Give the page's links by their label."""
    return {link.proto.label: link.proto for link in app.get("page_link")}


def ended(app: AppTest, dashboard: Dashboard) -> AppTest:
    """Wait for all runs, then draw the page as the next look would."""
    wait_for(dashboard, [view.record.run_id for view in runs.list_runs(dashboard)])
    app.run()
    assert not app.exception
    return app
