"""The label queue in a real browser: keys pressed fast, held, in a note; undo; two people at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.benchmarks.review_queue import (
    BURST,
    annotations_by_row,
    keys_work,
    label_rows,
    make_plans,
    open_queue,
)
from tests.browser.app_server import AppServer
from tests.browser.conftest import StartApp, new_window, steady_box
from tests.fake_endpoint import FakeEndpoint
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

pytestmark = pytest.mark.browser


def at_row(page: Page, number: int) -> None:
    """Wait until this row, counted from 1, is shown."""
    expect(page.get_by_text(re.compile(rf"^Row {number} of "))).to_be_visible()


def queue_of_ada(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, data_dir: Path, n_population: int, n: int
) -> tuple[AppServer, str]:
    """Open the queue of a new plan of n rows in the running app; gives the server and the plan's id."""
    run_id, (plan_id,) = make_plans(data_dir, n_population, n, 1)
    server = start_app(fake_endpoint.base_url, data_dir=data_dir)
    open_queue(page, server, run_id, plan_id, "Ada")
    return server, plan_id


def test_no_press_is_lost_or_doubled_and_all_can_be_taken_back(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    server, plan_id = queue_of_ada(page, start_app, fake_endpoint, data_dir, 60, 34)
    label_rows(page, 15)
    label_rows(page, 15, presses=3)
    at_row(page, 31)

    for _ in range(10):
        page.keyboard.down("c")  # without going up: the browser marks the later ones as repeated
    page.keyboard.up("c")
    at_row(page, 32)

    page.keyboard.press("z")
    at_row(page, 31)
    for key in "xzczuz":  # faster than the page is drawn: each undo is for the verdict before it
        page.keyboard.press(key)
    expect(page.get_by_text("Last: row 30, skipped.")).to_be_visible()
    at_row(page, 31)
    for key in ("ArrowRight", "n", "c", "x"):  # letters after N are the beginning of a note, no verdicts
        page.keyboard.press(key)
    expect(page.get_by_role("textbox", name="Note")).to_be_focused()
    page.get_by_role("textbox", name="Note").fill("")
    page.evaluate(BURST, ["Escape", "ArrowLeft"])  # the cursor has not left the note when the arrow comes
    at_row(page, 30)
    page.reload()
    keys_work(page)
    at_row(page, 30)
    expect(page.locator(".st-key-queue-verdicts button[kind=primary]")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    at_row(page, 31)

    page.keyboard.press("n")
    expect(page.get_by_role("textbox", name="Note")).to_be_focused()
    page.keyboard.type("cxus is no verdict here")
    page.evaluate(BURST, ["Enter", "x"])
    at_row(page, 32)
    expect(page.get_by_text("Last: row 31, incorrect.")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_text(re.compile(r"^Its score: 0\.\d+$"))).to_be_visible()
    page.keyboard.press("r")  # there is nothing more to show: the verdicts that follow do not wait for it
    label_rows(page, 1, presses=3)
    at_row(page, 33)

    server.stop()
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(data_dir)})) as place:
        said = place.store.read(
            "SELECT kind, verdict, note FROM annotation WHERE plan_id = ? ORDER BY created_at", [plan_id]
        )
    kinds = ("correct", "incorrect", "correct", "unsure")
    taken_back = [
        pair for said_first in kinds for pair in (("verdict", said_first, None), ("retraction", None, None))
    ]
    kept = [("verdict", "incorrect", "cxus is no verdict here"), ("verdict", "correct", None)]
    assert said[30:] == [*taken_back, *kept]
    assert [verdict for _, verdict, _ in said[:5]] == ["correct", "incorrect", "unsure", "correct", None]
    counts = annotations_by_row(data_dir, plan_id)
    assert sorted(counts) == [1] * 31 + [9]


# What the browser says reaches the server late, as it does where the server is busy.
SLOW_SERVER = """
() => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (message) { setTimeout(() => send.call(this, message), 1500); };
}
"""


def test_presses_wait_for_a_server_that_takes_its_time(
    page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    server, plan_id = queue_of_ada(page, start_app, fake_endpoint, data_dir, 12, 12)
    page.keyboard.press("c")
    at_row(page, 2)
    page.evaluate(SLOW_SERVER)
    # Each undo leads back to row 1, and each verdict is for that row, though row 2 is seen all the while.
    page.evaluate(BURST, list("zxzuzszc"))
    expect(page.get_by_text("Last: row 1, skipped.")).to_be_visible()
    expect(page.get_by_text("Last: row 1, correct.")).to_be_visible()
    at_row(page, 2)
    server.stop()
    with OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(data_dir)})) as place:
        said = place.store.read(
            "SELECT kind, verdict FROM annotation WHERE plan_id = ? ORDER BY created_at", [plan_id]
        )
    undone, skip = ("retraction", None), ("skip", None)
    verdicts = [("verdict", verdict) for verdict in ("correct", "incorrect", "unsure", "correct")]
    assert said == [verdicts[0], undone, verdicts[1], undone, verdicts[2], undone, skip, undone, verdicts[3]]
    assert annotations_by_row(data_dir, plan_id) == [9]


def test_two_people_at_once_and_a_response_of_a_million_characters(
    browser: Browser, page: Page, start_app: StartApp, fake_endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    run_id, (plan_id,) = make_plans(
        data_dir, 12, 12, 1, response="It is \u202e<b>x</b> ![i](http://x.invalid) " * 25_000
    )
    server = start_app(fake_endpoint.base_url, data_dir=data_dir)
    other = new_window(browser, 800, 800)
    page.set_viewport_size({"width": 1280, "height": 800})
    for tab, name in ((page, "Ada"), (other, "Ben")):
        open_queue(tab, server, run_id, plan_id, name)
        expect(tab.get_by_text("⟨U+202E⟩").first).to_be_visible()
        # All buttons are in sight, however long the response is.
        verdicts = tab.locator(".st-key-queue-verdicts button")
        expect(verdicts).to_have_count(4)
        bottoms = [steady_box(verdicts.first), *(button.bounding_box() for button in verdicts.all())]
        assert all(box is not None and box["y"] + box["height"] <= 800 for box in bottoms)
    at_row(page, 1)
    at_row(other, 2)
    for _ in range(5):
        label_rows(page, 1)
        label_rows(other, 1)
    page.keyboard.press("c")
    other.keyboard.press("c")
    for tab in (page, other):
        expect(
            tab.get_by_text("12 of 12 visited", exact=False).or_(tab.get_by_text("at other people")).first
        ).to_be_visible()
    server.stop()
    other.context.close()
    assert annotations_by_row(data_dir, plan_id) == [1] * 12
