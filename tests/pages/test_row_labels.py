"""The label of a row in the drawer of the Review page."""

from __future__ import annotations

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp
from tests.services.stored import make_scored_run
from tlm_dash.services import labels


def test_a_long_note_is_folded_away_under_its_line(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    running = make_dashboard(fake_endpoint.base_url)
    run_id = make_scored_run(running.store, [0.5, 0.7])
    note = "Too long by far. " * 800
    for item_no, said in ((1, note), (2, "short")):
        ((dataset_id, response_hash),) = running.store.read(
            "SELECT r.dataset_id, i.response_hash FROM run r JOIN run_item i USING (run_id) "
            "WHERE r.run_id = ? AND i.item_no = ?",
            [run_id, item_no],
        )
        labels.annotate(
            running, dataset_id=dataset_id, item_no=item_no, response_hash=response_hash, verdict="correct",
            annotator="Kim", note=said, run_id=run_id, score_visible=True,
        )  # fmt: skip
    app = open_app(running, "review")
    app.query_params["run"], app.query_params["row"] = run_id, "1"
    app.run()
    assert not app.exception
    (line,) = [text.value for text in app.text if text.value.startswith("Kim: correct")]
    assert len(line) < 400 and "…" in line
    (fold,) = [fold for fold in app.expander if fold.label == "The whole note, 13,599 characters"]
    assert fold.text[0].value == note.strip()
    app.query_params["row"] = "2"
    app.run()
    assert "Kim: correct, “short”, just now" in [text.value for text in app.text]
    assert not [fold for fold in app.expander if "note" in fold.label]
