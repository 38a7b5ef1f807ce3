"""Parts of scoring that need no server: what a preset means, when answers agree, what is explained."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.local_endpoint.agreement import occurs_in, overlap, words_of
from tlm_dash.local_endpoint.conversation import mean_token_probability, plain_messages, response_text
from tlm_dash.local_endpoint.explanations import explain_recalls
from tlm_dash.local_endpoint.presets import PLANS, scoring_plan
from tlm_dash.local_endpoint.recall import (
    WORDINGS,
    Recall,
    bare_question,
    n_checks,
    read_recall,
    recall_prompt,
)


def test_presets_are_the_documented_table() -> None:
    table = {
        name: (plan.num_consistency_samples, plan.num_self_reflections, plan.reasoning_effort)
        for name, plan in PLANS.items()
    }
    assert table == {"base": (0, 1, "none"), "low": (0, 3, "none"), "medium": (0, 3, "high")}


def test_explanations_come_with_reasoning_or_when_asked_for() -> None:
    assert [scoring_plan(preset).explain for preset in ("base", "low", "medium")] == [False, False, True]
    assert scoring_plan("base", {"log": ["explanation"]}).explain
    assert not scoring_plan("medium", {"reasoning_effort": "none"}).explain
    assert scoring_plan("low", {"log": ["per_field_score"], "model": "other", "unknown": 1}).per_field


def test_presets_load_nothing_heavy() -> None:
    script = (
        "import sys, tlm_dash.local_endpoint.presets; "
        "print([name for name in ('tlm', 'litellm', 'aiohttp', 'numpy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("short", "text"),
    [
        ("Paris", "The capital is Paris."),
        ("paris.", "PARIS"),
        ("seven", "There are 7 days."),
        ("1000", "It is 1,000.0 metres"),
        ("a dog", "Dogs bark."),
        ("Brasilia", "Bras\u00edlia"),
        ("William Shakespeare", "It was William Shakespeare, surely"),
        ("H2O", "Water is H2O."),
        ("55", "100 - 45 = 55"),
        ("1918", "from 1914-1918"),
        ("Hadrian's Wall", "Hadrian\u2019s wall"),
    ],
)
def test_answers_found(short: str, text: str) -> None:
    assert occurs_in(short, text)


@pytest.mark.parametrize(
    ("short", "text"),
    [
        ("Paris", "Parisian"),
        ("5", "It is 55."),
        ("5", "It is -5."),
        ("0.5", "It is 5."),
        ("", "anything"),
        ("...", "..."),
        ("New York City", "New York"),
        ("glass", "glas"),
    ],
)
def test_answers_not_found(short: str, text: str) -> None:
    assert not occurs_in(short, text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_compared(left: str, right: str) -> None:
    assert 0 <= overlap(left, right) <= 1
    assert occurs_in(left, f"{left} ") == bool(words_of(left))
    assert isinstance(occurs_in(left, right), bool)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("What is 2 + 2? Answer in one word.", "What is 2 + 2?"),
        ("Who? (please be brief)", "Who?"),
        ("Is it hot? It says 30 degrees. Should I go?", "Is it hot? It says 30 degrees. Should I go?"),
        ("What is wrong with this?  x = 1", "What is wrong with this? x = 1"),
        ("Name a\nfruit.", "Name a fruit."),
        ("x" * 5000, "x" * 1200),
    ],
)
def test_words_on_the_form_of_the_answer_are_dropped(text: str, asked: str) -> None:
    assert bare_question(text) == asked


def test_all_checks_begin_alike_and_differ() -> None:
    prompts = [recall_prompt("Who?", wording) for wording in WORDINGS]
    assert len(set(prompts)) == len(WORDINGS) == n_checks(3, reasons=True)
    common = prompts[0][: prompts[0].rindex("Question:")]
    assert all(prompt.startswith(common) for prompt in prompts)
    assert [n_checks(n, reasons=False) for n in range(4)] == [0, 1, 2, 3]
    assert n_checks(0, reasons=True) == 0


def recalled(text: Any, *logs: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"content": text, "completion_probabilities": [{"token": "x", "logprob": log} for log in logs]}


def test_agreement_raises_the_score_by_its_probability_and_contradiction_lowers_it() -> None:
    half = math.log(0.5)
    assert read_recall(recalled(" Paris", half), "Paris").score == pytest.approx(0.75)
    assert read_recall(recalled(" Paris", half), "Lyon").score == pytest.approx(0.25)
    assert read_recall(recalled(" Paris", half, half), "Lyon").score == pytest.approx(0.375)


def test_a_recalled_sentence_agrees_by_its_share_of_words() -> None:
    found = read_recall(
        recalled(" plants take in light and make sugar", 0.0), "Plants make sugar out of light."
    )
    assert 0.5 < found.agreement < 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        recalled(""),
        recalled(" \n", -1.0),
        recalled(None, -1.0),
        recalled("x"),
        recalled("x", None),
        recalled("x", "high"),
        {"content": "x", "completion_probabilities": [{}]},
        {"content": "x", "completion_probabilities": {"a": 1}},
    ],
)
def test_unreadable_recalls_are_none(answer: dict[str, Any]) -> None:
    assert read_recall(answer, "x") is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_recall_scores_stay_in_range(probability: float, agreement: float) -> None:
    assert 0 <= Recall("x", probability, agreement).score <= 1


def test_explanations_say_what_was_found_and_no_more() -> None:
    text = explain_recalls([Recall("Lyon", 0.2, 0.0), Recall("lyon", 0.41, 0.0), Recall("Paris", 0.3, 1.0)])
    assert text == (
        "Asked the same question again, the model answered \u201clyon\u201d (probability 0.41), "
        "which is not in this response. "
        "Asked the same question again, the model answered \u201cParis\u201d (probability 0.30), "
        "which this response also says."
    )
    assert "of whose words this response has 50%" in explain_recalls([Recall("one two", 0.5, 0.5)])
    assert "(probability less than 0.01)" in explain_recalls([Recall("x", 0.004, 0.5)])
    assert "(probability 0.01)" in explain_recalls([Recall("x", 0.005, 0.5)])
    assert len(explain_recalls([Recall("word " * 100, 0.5, 0.0)])) < 250


def test_token_probabilities_are_averaged() -> None:
    def with_tokens(*logs: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"choices": [{"logprobs": {"content": [{"logprob": log} for log in logs]}}]}

    assert mean_token_probability(with_tokens(0.0, math.log(0.5))) == pytest.approx(0.75)
    assert mean_token_probability(with_tokens(-math.inf)) == 0.0
    assert mean_token_probability(with_tokens(1e-9)) == 1.0
    for broken in (
        with_tokens(),
        with_tokens(None),
        with_tokens(math.nan),
        {},
        {"choices": [{"logprobs": None}]},
    ):
        assert mean_token_probability(broken) is None


def test_requests_are_reduced_to_text() -> None:
    parts = [{"type": "text", "text": "What is"}, {"type": "image_url"}, {"type": "text", "text": "this?"}]
    assert plain_messages([{"role": "user", "content": parts}]) == [
        {"role": "user", "content": "What is\nthis?"}
    ]
    assert plain_messages([{"role": "system", "content": "Hi"}])[-1] == {"role": "user", "content": "Hi"}
    assert plain_messages([])[-1]["role"] == "user"
    called = {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "f"}}]}}]}
    assert response_text(called) == '{"name": "f"}'
    assert response_text({"choices": [{"message": None}]}) == ""
