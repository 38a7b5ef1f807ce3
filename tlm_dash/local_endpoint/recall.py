"""Recall checks for the bundled model: ask the same question again, in few words, and see whether it agrees.

A model of 135 million parameters cannot judge an answer: asked to rate one, it ranks at chance. What it can
do is answer the bare question once more behind a few worked examples, and the probability that it gives its
own short answer tells how much it knows. If that answer occurs in the response, trust rises with the
probability; if it does not, trust falls with it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from tlm_dash.local_endpoint.agreement import occurs_in, overlap, words_of

Shots = tuple[tuple[str, str], ...]

# Worked examples that every check begins with, so that the server keeps them read in all its slots: a check
# with examples of its own takes five times as long. Names, numbers and words are mixed, or the model answers
# all questions alike. Of five sets tried on the fitting half of tests/benchmarks this one ranks best.
EXAMPLES: Shots = (
    ("In which year did Nelson Mandela become president of South Africa?", "1994"),
    ("What is 6 + 5?", "11"),
    ("What is the capital of Cuba?", "Havana"),
    ("What is the opposite of loud?", "quiet"),
    ("Who wrote Oliver Twist?", "Charles Dickens"),
    ("What is a young bear called?", "cub"),
    ("What is 4 times 6?", "24"),
    ("Which gas do balloons float with?", "helium"),
)


@dataclass(frozen=True)
class Wording:
    """How one check asks: more examples after the common ones, and the words around the question."""

    more: Shots = ()
    asks: str = "Question:"
    answers: str = "Answer:"


# Four checks that differ, so that they are not one check four times. On the fitting half the first alone has
# an AUROC of .82 to .88 over five kinds of responses, the first three .83 to .90, all four the same.
WORDINGS = (
    Wording(),
    Wording(answers="Short answer:"),
    Wording(more=(("What is 12 minus 5?", "7"), ("In which country is the city of Kyoto?", "Japan"))),
    Wording(asks="Q:", answers="A:"),
)

# Where the preset lets a model reason (medium), the bundled one recalls once more instead: its written
# reasoning is nonsense, and one more recall is what it has to offer.
CHECKS_FOR_REASONING = 1

# A short answer ends at its line's end; twelve tokens hold every name in the worked examples twice over.
ANSWER_TOKENS = 12

# From this many words on, a recalled answer is a sentence rather than a name.
SENTENCE_WORDS = 5

# Long prompts keep their end, where the question usually is. 1,200 characters are about 300 tokens: with
# the worked examples that stays far below one slot of the bundled server and costs a fraction of a second.
MAX_QUESTION_CHARACTERS = 1200

# Words after the last question mark that only say how to answer ("Answer in one word."): behind the worked
# examples they are needless and throw so small a model off.
_ON_FORM = re.compile(
    r"^[\s(]*(please\s+)?(answer|reply|respond|give|keep|be|use|in|just|only)\b.{0,80}$", re.IGNORECASE
)


@dataclass(frozen=True)
class Recall:
    """One recalled answer: its text, its probability and its agreement with the response, both in [0, 1]."""

    answer: str
    probability: float
    agreement: float

    @property
    def score(self) -> float:
        """Trust in the response, in [0, 1]; 0.5 says nothing."""
        return 0.5 + self.probability * (self.agreement - 0.5)


def n_checks(n_reflections: int, *, reasons: bool) -> int:
    """Return how many recall checks stand for that many reflections, with or without reasoning."""
    if not n_reflections:
        return 0
    return min(n_reflections + (CHECKS_FOR_REASONING if reasons else 0), len(WORDINGS))


def bare_question(text: str) -> str:
    """Return what is asked, on one line: long texts cut to their end, words on the form dropped."""
    question = " ".join(text[-MAX_QUESTION_CHARACTERS:].split())
    asked, mark, rest = question.rpartition("?")
    return asked + mark if mark and _ON_FORM.match(rest) else question


def recall_prompt(question: str, wording: Wording) -> str:
    """Return the few-shot prompt that ends where the short answer begins."""
    shots = (*EXAMPLES, *wording.more)
    examples = "".join(f"Question: {asked}\nAnswer: {answer}\n\n" for asked, answer in shots)
    return f"{examples}{wording.asks} {bare_question(question)}\n{wording.answers}"


def recall_request(question: str, wording: Wording) -> dict[str, Any]:
    """Return the body for a llama.cpp server's completion call."""
    return {
        "prompt": recall_prompt(question, wording),
        "n_predict": ANSWER_TOKENS,
        "temperature": 0,
        "stop": ["\n"],
        "n_probs": 1,
        "cache_prompt": True,
    }


def agreement(recalled: str, response: str) -> float:
    """Return how far the response says what was recalled, in [0, 1].

    A short answer is either in the response or not. Where the model began a whole sentence instead, its words
    will hardly stand there in the same order: the share of them that the response has too counts.
    """
    if occurs_in(recalled, response):
        return 1.0
    return overlap(recalled, response) if len(words_of(recalled)) >= SENTENCE_WORDS else 0.0


def read_recall(answer: dict[str, Any], response: str) -> Recall | None:
    """Return what the model recalled, or None where it said nothing or the reply cannot be read."""
    text = answer.get("content")
    tokens = answer.get("completion_probabilities")
    if not isinstance(text, str) or not text.strip() or not isinstance(tokens, list) or not tokens:
        return None
    try:
        probability = math.exp(sum(float(token["logprob"]) for token in tokens))
    except (KeyError, TypeError, ValueError):
        return None
    return Recall(text.strip(), min(max(probability, 0.0), 1.0), agreement(text, response))
