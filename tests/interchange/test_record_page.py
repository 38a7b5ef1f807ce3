"""A record as a page: everything in it, every text escaped, nothing loaded and nothing run."""

from __future__ import annotations

import copy
import json
from html.parser import HTMLParser
from typing import Any

from tlm_dash.interchange.record_page import Figure, record_json, record_page
from tlm_dash.interchange.record_words import figure_rows

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"

RECORD: dict[str, Any] = {
    "question": "Which responses may pass unread?",
    "answer": "Send everything below 0.713 to people.",
    "decided_by": "Ada",
    "decided_at": "2026-11-23T10:00:00+00:00",
    "reason": "Good enough for the help desk.",
    "findings": [
        {
            "title": "The threshold",
            "text": "36% of rows go to people.",
            "figures": {
                "threshold": 0.713, "coverage": 0.64, "n_to_review": 1720, "risk": 0.021,
                "risk_upper_bound": 0.05, "confidence": 0.95, "auroc": 0.8, "auroc_ci": [0.75, 0.85],
                "accuracy_difference": -0.004, "accuracy_difference_ci": [-0.019, 0.011],
                "n_excluded": {"not_in_b": 3}, "label_sources": {"person": 500}, "reason": None,
                "brier": None, "notes": ["Two prompts repeat."],
            },
        }
    ],
    "labels": [{"run": "low", "sentence": "500 of 4,800 rows, drawn uniformly.", "counts": {"person": 500}}],
    "method": {"sentence": "Fixed-sequence testing.", "settings": {"max_risk": 0.05, "seed": 0}},
    "data": [{"name": "Help desk", "content_hash": "ab" * 32, "n_items": 4800, "n_rejected": 2}],
    "runs": [{"name": "low", "model": "m", "quality_preset": "low", "settings": {"params": {}}}],
    "versions": {"tlm_dash": "1", "python": "3.11"},
}  # fmt: skip


class Seen(HTMLParser):
    """Collects the tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def hostile(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: hostile(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


def test_everything_is_said_with_units_and_intervals() -> None:
    texts = Seen(record_page(RECORD, [Figure("<svg></svg>", "Risk")], "hash of it")).texts
    for said in (
        "Which responses may pass unread?", "Send everything below 0.713 to people.", "Ada",
        "Good enough for the help desk.", "64%", "1,720", "5%", "0.800 (0.750 to 0.850)",
        "−0.4 points (−1.9 points to +1.1 points)", "Left out: not in b", "Labels from people",
        "not available", "Two prompts repeat.", "500 of 4,800 rows, drawn uniformly.", "Help desk",
        "params", "SHA-256 of the record: hash of it", "Fixed-sequence testing.",
    ):  # fmt: skip
        assert any(said in text for text in texts), said


def test_a_bound_among_the_figures_is_rounded_up() -> None:
    told = dict(figure_rows({"risk_upper_bound": 0.05454, "best_guaranteed_risk": 0.071111, "risk": 0.05454}))
    assert sorted(told.values()) == ["5.45%", "5.46%", "7.12%"]


def test_the_data_in_the_page_is_the_record() -> None:
    seen = Seen(record_page(RECORD, [], ""))
    (data,) = [text for text in seen.texts if text.startswith("{")]
    assert json.loads(data) == RECORD == json.loads(record_json(RECORD))


def test_nothing_is_loaded_or_run_whatever_the_texts_are() -> None:
    plain = Seen(record_page(RECORD, [Figure("<svg></svg>", "Risk")], ""))
    attacked = Seen(record_page(hostile(copy.deepcopy(RECORD)), [Figure("<svg></svg>", HOSTILE)], HOSTILE))
    assert attacked.tags == plain.tags
    assert "script" not in attacked.tags
    names = {name for name, _ in attacked.attributes}
    assert not names & {"src", "href", "srcset", "onerror", "action", "data"}
    policy = [value or "" for _, value in attacked.attributes if "default-src" in (value or "")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert not any(text == "49" for text in attacked.texts)


def test_a_report_without_a_decision_says_so() -> None:
    report = {**RECORD, "decided_by": None, "made_at": "2026-11-23T10:00:00+00:00"}
    texts = Seen(record_page(report, [], "")).texts
    assert any("no decision has been recorded" in text for text in texts)
