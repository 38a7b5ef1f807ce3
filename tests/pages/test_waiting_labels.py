"""Labels that came with the file and wait for somebody to say what they mean."""

from __future__ import annotations

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.stored import make_dataset, make_run
from tlm_dash.services.label_spellings import decide


@pytest.mark.parametrize("page", ["decide", "compare"])
def test_they_are_offered_before_new_ones(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp, page: str
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    dataset_id = make_dataset(dashboard.store, 40)
    scores = [n / 40 for n in range(40)]
    answers = [f"r{n}" for n in range(40)]
    runs = [
        make_run(dashboard.store, dataset_id, answers, scores=scores, labels=labels, name=name,
                 label_column=column)
        for name, labels, column in (("other", [], None), ("judged", ["o", "x"] * 20, "judged"))
    ]  # fmt: skip
    app = open_app(dashboard, page, run=runs[1], baseline=runs[1], candidate=[runs[0]])
    assert not app.exception
    assert "judged: labels that count when somebody says what they mean (2 spellings not decided)." in texts(
        app
    )
    app.button(key=f"to-spellings-{runs[1]}").click().run()
    assert app.title[0].value == "Review"
    # Not beside a run that has none of them (a candidate's count too), and not once it is said.
    other = texts(open_app(dashboard, page, run=runs[0], baseline=runs[0], candidate=[runs[1]]))
    assert ("labels that count when" in other) == (page == "compare")
    decide(dashboard, dataset_id, "judged", {"o": "correct", "x": "incorrect"}, decided_by="Ada")
    assert "labels that count when" not in texts(
        open_app(dashboard, page, run=runs[1], baseline=runs[1], candidate=[runs[0]])
    )
