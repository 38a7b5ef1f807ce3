"""Roles from a person, and roles from names and contents."""

from __future__ import annotations

import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.guessing import guess
from tlm_dash.interchange.mapping import (
    ResponseColumns,
    checked_mapping,
    mapping_from_dict,
    mapping_from_pairs,
    template_parts,
)

NAMES = ("q", "a", "a_score", "b", "b_label", "topic")


def test_a_score_belongs_to_the_response_before_it() -> None:
    pairs = [
        ("prompt", "q"),
        ("response", "a"),
        ("score", "a_score"),
        ("response", "b"),
        ("label", "b_label"),
    ]
    mapping = mapping_from_pairs([*pairs, ("tag", "topic")], NAMES)
    assert mapping.responses == (ResponseColumns("a", score="a_score"), ResponseColumns("b", label="b_label"))
    assert mapping.as_dict() == {
        "prompt": "q", "response": ["a", "b"], "score": "a_score", "label": "b_label", "tag": "topic",
    }  # fmt: skip
    assert mapping.columns() == ("q", "a", "a_score", "b", "b_label", "topic")


def test_what_was_told_can_be_read_again() -> None:
    told = {"prompt": "q", "response": "a", "score": "a_score", "tag": ["topic", "b"]}
    assert mapping_from_dict(told, NAMES).as_dict() == told


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("prompts", "q")], "no role"),
        ([("prompt", "Q")], "no column"),
        ([("score", "a_score"), ("response", "a")], "belongs to no response"),
        ([("response", "a"), ("score", "a_score"), ("score", "b")], "has a score column already"),
        ([("prompt", "q"), ("prompt", "a")], "one column only"),
    ],
)
def test_refused(pairs: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        mapping_from_pairs(pairs, NAMES)


def test_no_prompts_is_said_politely() -> None:
    with pytest.raises(InvalidInputError, match="looks like prompts") as caught:
        checked_mapping(mapping_from_pairs([("id", "q")], NAMES), NAMES)
    assert "prompt=COLUMN" in caught.value.hint


def test_templates() -> None:
    parts = template_parts("{a}: {b:c} {{d}}")
    assert parts[:2] == (("", "a"), (": ", "b:c"))
    assert "".join(text for text, name in parts[2:] if name is None) == " {d}"
    for broken in ("{", "{}", "a } b", "{a!r}"):
        with pytest.raises(InvalidInputError):
            template_parts(broken)
    mapping = mapping_from_pairs([("prompt", "Q: {q}")], NAMES)
    assert checked_mapping(mapping, NAMES).template == "Q: {q}"
    with pytest.raises(InvalidInputError, match="no column 'x'"):
        checked_mapping(mapping_from_pairs([("prompt", "{x}")], NAMES), NAMES)


GUESSES = [
    (("prompt", "ground_truth", "response_tlm", "trustworthiness_score", "is_correct"),
     ("Why is it so?", "12", "It is 12", "0.93", "True"),
     {"prompt": "prompt", "reference": "ground_truth", "response": "response_tlm",
      "score": "trustworthiness_score", "label": "is_correct"}),
    (("question", "gpt.pred", "gpt.human_eval", "llama.pred", "llama.human_eval", "answers"),
     ("who?", "he", "1", "she", "0", '["he", "him"]'),
     {"prompt": "question", "response": ["gpt.pred", "llama.pred"],
      "label": ["gpt.human_eval", "llama.human_eval"], "reference": "answers"}),
    (("prompt", "response_a", "score_a", "response_b", "score_b"), ("why?", "x", "0.1", "y", "0.2"),
     {"prompt": "prompt", "response": ["response_a", "response_b"], "score": ["score_a", "score_b"]}),
    (("instruction", "output", "generator", "dataset"), ("do it", "done", "davinci", "helpful"),
     {"prompt": "instruction", "response": "output", "model": "generator", "tag": "dataset"}),
    (("Type", "Question", "Best Answer"), ("Adversarial", "why?", "because"),
     {"tag": "Type", "prompt": "Question", "reference": "Best Answer"}),
    (("id", "messages"), ("1", '[{"role": "user", "content": "x"}]'), {"id": "id", "messages": "messages"}),
    (("prompt", "output_tokens", "score"), ("why?", "12", "7.5"), {"prompt": "prompt"}),
    (("prompt", "response", "score", "gpt_response", "gpt_score"), ("why?", "so", "0.5", "then", "0.4"),
     {"prompt": "prompt", "response": ["response", "gpt_response"], "score": ["score", "gpt_score"]}),
    (("prompt", "response", "output", "score"), ("why?", "so", "then", "0.4"),
     {"prompt": "prompt", "response": ["response", "output"]}),
    (("id", "prompt", "result", "model"), ("1", "8", "text", "97"),
     {"id": "id", "response": "result", "model": "model"}),
]  # fmt: skip


@pytest.mark.parametrize(("names", "row", "expected"), GUESSES)
def test_guesses(names: tuple[str, ...], row: tuple[str, ...], expected: dict[str, object]) -> None:
    found = guess(names, [row])
    assert found.mapping.as_dict() == expected
    assert all(part.reason for part in found.guesses)
    assert {part.column for part in found.guesses if part.role} == set(found.mapping.columns())


def test_a_failed_row_among_scores_is_no_number() -> None:
    rows = [("why?", "so", score) for score in ("0.5", "NaN", None, "null", "N/A")]
    found = guess(("prompt", "response", "score"), rows)
    assert found.mapping.responses == (ResponseColumns("response", score="score"),)
    assert not found.questions


@pytest.mark.parametrize("score", ["87%", "8.7", "0,87", "-0.1"])
def test_a_score_that_is_none_is_told(score: str) -> None:
    rows = [("why?", "so", "0.5"), ("where?", "here", "NaN"), ("who?", "he", score)]
    found = guess(("prompt", "response", "score"), rows)
    assert found.mapping.responses == (ResponseColumns("response"),)
    (note,) = found.notes
    assert f"'score' is called like a score, but {score!r} is no number" in note


def test_a_cell_that_is_no_score_costs_its_row_and_not_the_column() -> None:
    rows = [
        ("why?", "so", score)
        for score in ("0.9", "N/A", "#N/A", "Infinity", "error: timeout", "1.2", " 0.3 ", "8e-1")
    ]
    found = guess(("prompt", "response", "score"), rows)
    assert found.mapping.responses == (ResponseColumns("response", score="score"),)
    ratings = [("why?", "so", score) for score in ("1", "1", "1", "4", "1")]
    assert guess(("prompt", "response", "score"), ratings).mapping.responses == (ResponseColumns("response"),)


@pytest.mark.parametrize("roles", [("prompt", "response"), ("response", "reference"), ("system", "messages")])
def test_one_text_is_not_two_things(roles: tuple[str, str]) -> None:
    with pytest.raises(InvalidInputError, match=f"'q' cannot be both {roles[0]} and {roles[1]}"):
        mapping_from_pairs([(role, "q") for role in roles], NAMES)
