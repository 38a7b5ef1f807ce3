"""A first run as a person has it: a file, its columns, a forecast, two presets, the tab closed, all there."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import StartApp, new_window, settled

pytestmark = pytest.mark.browser

# Saved by a spreadsheet program on Windows: a mark at the beginning, semicolons, CRLF, a quoted line break.
QUESTIONS = """\ufeffnumber;question;expected
1;What is the capital of France? Answer in one word.;Paris
2;What is 3 plus 4? Answer with a number.;7
3;"Which planet is called the Red Planet?\r\nAnswer in one word.";Mars
4;Is the sun a star? Answer yes or no.;yes
5;How many legs does a spider have? Answer with a number.;8
6;Which ocean lies between Europe and America? Answer in one word.;Atlantic
"""
N_ROWS = 6


def test_a_file_is_mapped_forecast_and_run_while_nobody_looks(
    page: Page, browser: Browser, start_app: StartApp, data_dir_with_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "Questions of our users.csv").write_bytes(QUESTIONS.replace("\n", "\r\n").encode())
    server = start_app(data_dir=data_dir_with_model)
    page.goto(f"{server.url}/datasets")
    page.set_input_files("input[type=file]", tmp_path / "Questions of our users.csv")
    page.wait_for_url("**upload=*")
    expect(page.get_by_text("3 Check")).to_be_visible()
    page.get_by_role("combobox", name="Role of column 1").click()
    page.get_by_role("option", name="Tag").click()
    settled(page)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**dataset=*")
    expect(page.get_by_text("Has references")).to_be_visible()

    page.get_by_role("button", name="Run this dataset").click()
    drawer = page.get_by_role("dialog")
    for preset in ("base", "low", "medium"):  # the last is ticked at first
        drawer.get_by_text(preset, exact=True).click()
    expect(drawer.get_by_text(f"2 runs over {N_ROWS} rows · {3 * N_ROWS} requests")).to_be_visible()
    settled(page)
    drawer.get_by_role("button", name="Pilot with 5 rows").click()
    # Whenever the model is loaded: the pilot waits for it.
    expect(drawer.get_by_text(re.compile("^Judged by a pilot of 5 random rows, "))).to_be_visible(
        timeout=900_000
    )
    expect(drawer.get_by_text(re.compile(r"^All together: time .*18 requests"))).to_be_visible()
    drawer.get_by_role("button", name="Start").click()
    expect(drawer).to_have_count(0)
    page.context.close()

    later = new_window(browser)
    later.goto(f"{server.url}/runs")
    done = later.get_by_text(re.compile(rf"^{N_ROWS} rows: {N_ROWS} done$"))
    expect(done).to_have_count(2, timeout=900_000)
    expect(later.locator(".stMarkdownBadge", has_text="done")).to_have_count(2)
    for preset in ("base", "low"):
        name = re.compile(rf"^Questions of our users · .* · {preset}$")
        expect(later.get_by_text(name)).to_be_visible()
    later.context.close()
    server.stop()
    _every_row_is_scored_or_says_why(data_dir_with_model)


def _every_row_is_scored_or_says_why(data_dir: Path) -> None:
    with duckdb.connect(str(data_dir / "tlm_dash.duckdb"), read_only=True) as store:
        rows = store.execute("""
            SELECT run.quality_preset, r.item_no, r.completion_id,
                coalesce(r.trustworthiness_score::VARCHAR, r.unscored_reason, r.error_message)
            FROM run_item AS r JOIN run USING (run_id)
            WHERE r.status IN ('done', 'error') ORDER BY ALL
        """).fetchall()
        ((sent,),) = store.execute("SELECT count(*) FROM attempt").fetchall()
    assert [row[:2] for row in rows] == [(p, n) for p in ("base", "low") for n in range(1, N_ROWS + 1)]
    assert all(told for *_, told in rows)
    # The pilot's rows were kept, and both presets scored one and the same response.
    assert sent == 3 * N_ROWS
    assert len({completion_id for _, _, completion_id, _ in rows}) == N_ROWS
