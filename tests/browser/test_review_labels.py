"""The view of labels in a real browser: a name once, a suggestion confirmed, a matcher applied, all kept."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import StartApp, choose_contains, settled
from tests.fake_endpoint import FakeEndpoint
from tests.services.stored import make_dataset, make_run
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings


def test_labels_are_decided_by_a_person_and_kept(
    start_app: StartApp, fake_endpoint: FakeEndpoint, page: Page, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    settings = load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=tmp_path / "no.env")
    with OpenStore(settings) as place:
        dataset_id = make_dataset(place.store, ["Capital of France?", "Capital of Italy?"], ["Paris", "Rome"])
        responses = ["Paris ![x](http://127.0.0.1:9/x.png)", "Milan"]
        run_id = make_run(place.store, dataset_id, responses, labels=["yes", "no"])
    app = start_app(fake_endpoint.base_url, data_dir=data_dir)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app.url}/review?run={run_id}&view=labels")
    page.get_by_role("textbox", name="Your name, kept with what you decide here").fill("Ada")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("as Ada", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Save what they mean").click()
    expect(page.get_by_text("Estimates can stand on all 2 answered rows.")).to_be_visible()
    choose_contains(page)
    expect(page.get_by_text("1 of 2 compared rows agree (50%)")).to_be_visible()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text("Contains is applied by Ada: 1 correct, 1 incorrect")).to_be_visible()
    page.reload()
    settled(page)
    expect(page.get_by_text("Contains is applied by Ada")).to_be_visible()
    expect(page.get_by_text("by Ada", exact=True).first).to_be_visible()
    assert not [url for url in asked if ":9/" in url]
