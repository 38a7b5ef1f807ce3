"""Right answers are never what a model said, notes about an answer are none, and what is open is asked."""

from __future__ import annotations

import shlex

import pytest

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.guessing import Guessed, Said, guess
from tlm_dash.interchange.questions import OpenQuestionsError

GOLD = [
    "expected_output", "expectedOutput", "expected_response", "reference_output", "Reference Answer",
    "ground_truth", "Ground Truth Answer", "groundTruth", "gold", "golden_response", "ideal",
    "ideal_completion",
    "target", "target_output", "correct answer", "correct_answers", "reference_outputs.answer",
    "expectations/expected_response",
]  # fmt: skip

NOTES = {
    "response_id": ("resp_0", "resp_1"), "response_format": ("json", "json"),
    "response_time": ("1.2s", "0.9s"),
    "output_tokens": ("12", "15"), "output_language": ("en", "de"),
    "completion_id": ("cmpl-0", "cmpl-1"),
    "input_output_ratio": ("1:3", "1:4"), "response_hash": ("ab12", "cd34"),
    "response_status": ("ok", "failed"),
    "response_date": ("2026-01-01", "2026-01-02"), "completion_tokens": ("1", "2"),
    "output_cost": ("0.1", "0.2"),
    "response.tokenUsage.completion": ("5", "6"), "usage.output": ("5 tokens", "6 tokens"),
    "metadata.output": ("x", "y"), "response_cached": ("true", "false"),
    "model_output_latency": ("1", "2"),
    "response_at": ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z"),
    "number_of_responses": ("1", "2"),
    "final_output": ("00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"),
    "first_response": ("350 ms", "1.2 s"), "suggestions.quality.response": ("good", "bad"),
}  # fmt: skip


def guessed(columns: dict[str, tuple[str, ...]], said: Said | None = None) -> Guessed:
    return guess(list(columns), list(zip(*columns.values(), strict=True)), said)


PROMPT = {"prompt": ("Why is it so?", "Who built it?")}


@pytest.mark.parametrize("name", GOLD)
@pytest.mark.parametrize("response", [{}, {"response": ("x", "y")}])
def test_a_right_answer_is_the_reference_and_no_run(name: str, response: dict[str, tuple[str, ...]]) -> None:
    found = guessed(PROMPT | {name: ("1987", "Monks")} | response)
    assert found.mapping.reference == name
    assert [part.response for part in found.mapping.responses] == list(response)
    assert not found.questions


@pytest.mark.parametrize("name", NOTES)
def test_what_is_noted_about_an_answer_is_no_response(name: str) -> None:
    found = guessed(PROMPT | {"model_response": ("1987", "Kings"), name: NOTES[name]})
    assert [part.response for part in found.mapping.responses] == ["model_response"]


@pytest.mark.parametrize(
    "name", ["response", "model_output", "gpt_response", "output_text", "actualOutput", "outputs"]
)
def test_names_that_stay_responses(name: str) -> None:
    found = guessed(PROMPT | {name: ("It closed in 1987.", "Kings"), "reference": ("1987", "Monks")})
    assert [part.response for part in found.mapping.responses] == [name]


def test_numbers_are_responses_where_the_name_says_so() -> None:
    assert guessed(PROMPT | {"response": ("8", "54")}).mapping.responses[0].response == "response"


def test_several_right_answers_are_asked() -> None:
    gold = ("expected_response", "reference_output", "ideal_completion")
    columns = PROMPT | {"model_response": ("1987", "Kings")} | dict.fromkeys(gold, ("1987", "Monks"))
    found = guessed(columns)
    assert found.mapping.reference is None
    (asked,) = found.questions
    assert "reference" in asked.question and asked.samples == ("1987", "Monks")
    assert [dict(answer.roles)[name] for answer, name in zip(asked.answers, gold, strict=True)] == [
        "reference"
    ] * 3
    for answer, name in zip(asked.answers, gold, strict=True):
        again = guessed(columns, said(answer.arguments))
        assert (again.mapping.reference, again.questions) == (name, ())
        assert [part.response for part in again.mapping.responses] == ["model_response"]


def said(arguments: tuple[str, ...]) -> Said:
    """Read what is to be typed as a shell would."""
    words = shlex.split(" ".join(arguments))
    given = list(zip(words[::2], words[1::2], strict=True))
    pairs = [tuple(word.split("=", 1)) for option, word in given if option == "--map"]
    left_out = tuple(word for option, word in given if option == "--leave-out")
    return Said(tuple(pairs), left_out)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("beside", "role"),
    [({"ground_truth": ("1987", "Monks")}, "response"), ({"expected_answer": ("1987", "Monks")}, "response"),
     ({"response": ("In 1987.", "Kings")}, "reference"),
     ({"gpt.output": ("In 1987.", "Kings")}, "reference")],
)  # fmt: skip
def test_an_answer_is_what_the_file_lacks(beside: dict[str, tuple[str, ...]], role: str) -> None:
    found = guessed({"question": PROMPT["prompt"], "answer": ("1987", "Monks")} | beside)
    assert found.mapping.as_dict()[role] == "answer"
    assert not found.questions


@pytest.mark.parametrize("name", ["answer", "Answers", "fields.answer"])
def test_a_lone_answer_is_asked(name: str) -> None:
    columns = {"question": PROMPT["prompt"], name: ("1987", "it's old")}
    found = guessed(columns)
    assert found.mapping.as_dict() == {"prompt": "question"}
    (asked,) = found.questions
    roles = [guessed(columns, said(answer.arguments)).mapping.as_dict() for answer in asked.answers]
    assert roles == [{"prompt": "question", "response": name}, {"prompt": "question", "reference": name}]


def test_preferences_and_tables_of_models_are_asked() -> None:
    found = guessed(PROMPT | {"chosen": ("1987", "Monks"), "rejected": ("no", "idea")})
    assert len(found.questions[0].answers) == 3 and not found.mapping.responses
    talks = guessed({"chosen.response": ("1987", "Monks"), "rejected.response": ("no", "idea")} | PROMPT)
    assert len(talks.questions[0].answers) == 3 and not talks.mapping.responses
    name = "[openai:gpt-4.1-mini] Answer in a word.\nQuestion: {{question}}"
    columns = {"question": PROMPT["prompt"], name: ("[PASS] 1987", "[FAIL] no")}
    (asked,) = guessed(columns).questions
    assert "openai:gpt-4.1-mini" in asked.question
    again = guessed(columns, said(asked.answers[0].arguments))
    assert [part.response for part in again.mapping.responses] == [name]


def test_scores_without_a_response_are_asked_about() -> None:
    columns = {
        "log": ("a", "b"),
        "prompt": ("x", "y"),
        "violates": ("False", "True"),
        "trustworthiness": ("0.9", "1"),
    }
    found = guessed(columns)
    assert not found.mapping.responses
    (asked,) = found.questions
    assert "'violates'" in asked.question
    again = guessed(columns, said(asked.answers[0].arguments))
    (part,) = again.mapping.responses
    assert (part.response, part.score, again.questions) == ("violates", "trustworthiness", ())


def test_where_no_name_speaks_of_prompts_it_is_asked() -> None:
    found = guessed({"id": ("1", "2"), "short": ("x", "y"), "long": ("Why is it so? " * 9, "b")})
    (asked,) = found.questions
    assert [dict(answer.roles) for answer in asked.answers] == [{"long": "prompt"}, {"short": "prompt"}]
    for nothing in ({"rating": ("3", "4")}, {"verdict": ("partly", "?")}, {"predicted_text": ("a", "b")}):
        assert not guessed({"id": ("1", "2")} | nothing).questions  # nothing could be one


def test_what_was_said_wins_and_the_rest_is_guessed() -> None:
    columns = PROMPT | {
        "output": ("a", "b"),
        "response": ("c", "d"),
        "score": ("0.1", "0.2"),
        "gold": ("e", "f"),
    }
    found = guessed(columns, Said((("response", "response"),), ("gold",)))
    assert found.mapping.as_dict() == {"prompt": "prompt", "response": "response", "score": "score"}
    with pytest.raises(InvalidInputError, match="no column 'x'"):
        guessed(columns, Said((("response", "x"),)))


def test_verdicts_of_people_are_labels_and_suggestions_are_not() -> None:
    columns = {
        "fields.prompt": PROMPT["prompt"],
        "fields.response": ("1987", "Kings"),
        "responses.quality": ("good", "bad"),
        "suggestions.quality.value": ("good", "good"),
    }
    (part,) = guessed(columns).mapping.responses
    assert (part.response, part.label) == ("fields.response", "responses.quality")


def test_a_score_of_another_judge_is_told() -> None:
    columns = PROMPT | {"response.output": ("a", "b"), "score": ("1", "0"), "gradingResult.score": ("1", "0")}
    found = guessed(columns)
    assert found.mapping.responses[0].score is None
    assert any("'score' is a score of another judge" in note for note in found.notes)


def test_the_error_shows_values_and_what_to_type_for_each_answer() -> None:
    (asked,) = guessed({"question": PROMPT["prompt"], "answer": ("1987", "Monks")}).questions
    error = OpenQuestionsError([asked])
    assert "'1987', 'Monks'" in error.message
    assert "--map prompt=question --map response=answer" in error.hint
    assert "--map prompt=question --map reference=answer" in error.hint


def test_a_column_has_a_role_or_is_left_out() -> None:
    columns = {"prompt": ("Why?", "Who?"), "response": ("So.", "He.")}
    with pytest.raises(InvalidInputError, match="'response' has a role and is to be left out"):
        guessed(columns, Said((("prompt", "prompt"), ("response", "response")), ("response",)))


def test_a_score_column_without_a_number_is_told() -> None:
    columns = {"prompt": ("Why?", "Who?"), "response": ("So.", "He."), "score": ("NaN", "-Infinity")}
    (note,) = guessed(columns).notes
    assert "'score' is called like a score, but no row has a number in it ('NaN')" in note
    assert not guessed(columns | {"score": ("", "")}).notes, "nothing was there to be taken"
