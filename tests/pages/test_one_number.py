"""One number reads the same on the page, in the record, in the verdict and in the words of the charts."""

from __future__ import annotations

import html

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tests.pages.conftest import OpenApp, texts
from tests.services.compared import two_models, two_presets
from tests.services.deciding import make_decidable_run, ranked_rows
from tlm_dash.commands.analyse_compare import _print
from tlm_dash.services import record_files
from tlm_dash.services.compare import CompareRequest, compare
from tlm_dash.services.decide import Question, decide
from tlm_dash.services.record_drafts import comparison_record, threshold_record
from tlm_dash.words.numbers import decimal, percent, percent_range, points


def test_a_threshold_and_what_it_stands_on(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp
) -> None:
    dashboard = make_dashboard(fake_endpoint.base_url)
    scores, labels = ranked_rows(487)
    run_id = make_decidable_run(dashboard, scores, labels)
    app = open_app(dashboard, "decide", run=run_id, max_risk="0.0625")
    app.button(key="decide-ask").click().run()
    shown = texts(app) + "\n".join(str(block.label) for block in app.expander)
    record = threshold_record(dashboard, run_id, Question(max_risk=0.0625))
    page = html.unescape(record_files.as_html(record))
    decision = decide(dashboard, run_id, Question(max_risk=0.0625))
    point, quality = decision.answer.point, decision.quality
    assert point is not None
    assert percent(point.coverage) not in ("100%", f"{point.coverage:.0%}")
    for told in (f"{percent(point.coverage)} pass", percent(1 - point.coverage)):
        assert told in shown and told in record["answer"] and told in page
    assert f"target 6.25%; at the threshold {percent(point.coverage)} accepted." in page
    assert "6.25%" in shown and "6.25%" in record["question"] and "at most 6.25%" in record["answer"]
    for told in (
        percent(quality.accuracy.value), decimal(quality.auroc.value), decimal(quality.brier.value),
        decimal(quality.prr.value),
    ):  # fmt: skip
        assert told in shown and told in page, told


def test_a_comparison(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, open_app: OpenApp,
    capsys: object,
) -> None:  # fmt: skip
    dashboard = make_dashboard(fake_endpoint.base_url)
    for runs in (two_models(dashboard, (60, 5, 20, 32)), two_presets(dashboard, 183)):
        request = CompareRequest(runs)
        found = compare(dashboard, request)
        pair = found.pairs[0]
        figure = pair.right.difference if pair.verdict.metric == "accuracy" else pair.auroc_difference
        assert figure.value is not None and figure.low is not None and figure.high is not None
        app = open_app(dashboard, "compare", baseline=runs[0], candidate=[runs[1]])
        shown = texts(app) + "".join(str(one.proto.alt) for one in app.get("plotly_chart"))
        record = comparison_record(dashboard, request)
        page = html.unescape(record_files.as_html(record))
        _print(found)
        printed = capsys.readouterr().out  # type: ignore[attr-defined]
        ends = f"{points(figure.low)} to {points(figure.high)}"
        for told in (points(figure.value), ends):
            assert told in pair.verdict.text and told in shown and told in printed, told
        assert f"{points(figure.value)} points ({points(figure.low)} points to" in page
        assert f": {points(figure.value)} ({ends})" in page
        accuracy = found.runs[0].quality.accuracy
        both = f"{percent(accuracy.value)} ({percent_range(accuracy.low, accuracy.high)})"
        (table,) = [one.value for one in app.dataframe if "PRR" in one.value]
        assert table["accuracy"][0] == both and both in page
