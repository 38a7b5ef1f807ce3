"""The benchmark's questions, their two halves, and what counts as a right answer."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from tlm_dash.local_endpoint.agreement import occurs_in

QUESTIONS_FILE = Path(__file__).with_name("questions.jsonl")

# Everything that was fitted or picked was picked on the fitting half; figures are told from the other one.
SPLIT_SEED = 20260101

BREVITY = " Answer in one or a few words."

# Ways to word a written response, taken in turn: bare, a sentence, a hedged sentence.
WORDINGS = ("{}", "It is {}.", "The answer is {}, as far as I know.")


@dataclass(frozen=True)
class Question:
    """One question with its reference, other spellings of it, and a plausible wrong answer."""

    id: str
    topic: str
    difficulty: str
    question: str
    reference: str
    aliases: tuple[str, ...]
    wrong_answer: str

    def is_right(self, response: str) -> bool:
        """Whether the reference or an alias stands in the response, word by word."""
        return any(occurs_in(answer, response) for answer in (self.reference, *self.aliases))


def load_questions(path: Path = QUESTIONS_FILE) -> list[Question]:
    """Return all questions in the file's order."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Question(**{**row, "aliases": tuple(row["aliases"])}) for row in rows]


def halves(questions: list[Question]) -> tuple[list[Question], list[Question]]:
    """Return the fitting and the unseen half; which is which depends on the ids and the seed alone."""
    ids = sorted(question.id for question in questions)
    random.Random(SPLIT_SEED).shuffle(ids)
    fitting = set(ids[: len(ids) // 2])
    return (
        [question for question in questions if question.id in fitting],
        [question for question in questions if question.id not in fitting],
    )


def written_responses(questions: list[Question]) -> list[tuple[Question, str, bool]]:
    """Return a right and a wrong written response to each question, worded in turn."""
    return [
        (question, WORDINGS[turn % len(WORDINGS)].format(answer), right)
        for turn, question in enumerate(questions)
        for answer, right in ((question.reference, True), (question.wrong_answer, False))
    ]
