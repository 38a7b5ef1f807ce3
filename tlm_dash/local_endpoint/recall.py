"""Recall checks for the bundled model: ask the same question again, in few words, and see whether it agrees.

A model of 135 million parameters cannot judge an answer: asked to rate one, it ranks at chance. What it can
do is answer the bare question once more behind a few worked examples, and the probability that it gives its
own short answer tells how much it knows. If that answer occurs in the response, trust rises with the
probability; if it does not, trust falls with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tlm_dash.local_endpoint.agreement import occurs_in

Shots = tuple[tuple[str, str], ...]

# Three sets of worked examples, so that three checks are not one check three times.
SHOT_SETS: tuple[Shots, ...] = (
    (
        ("Who wrote the play Macbeth?", "William Shakespeare"),
        ("What is 3 + 6?", "9"),
        ("Which animal lives in a kennel?", "dog"),
        ("What is the capital of Ireland?", "Dublin"),
    ),
    (
        ("What is the largest city of the Netherlands?", "Amsterdam"),
        ("How many wheels does a tricycle have?", "3"),
        ("What do you call a baby duck?", "duckling"),
        ("Who discovered penicillin?", "Alexander Fleming"),
    ),
    (
        ("What is 12 minus 5?", "7"),
        ("Which metal has the chemical symbol Cu?", "copper"),
        ("In which country is the city of Kyoto?", "Japan"),
        ("What is the opposite of early?", "late"),
    ),
)

# A short answer ends at its line's end; twelve tokens hold every name in the worked examples twice over.
ANSWER_TOKENS = 12

# Long prompts keep their end, where the question usually is. 1,200 characters are about 300 tokens: with
# the worked examples that stays far below one slot of the bundled server and costs a fraction of a second.
MAX_QUESTION_CHARACTERS = 1200


@dataclass(frozen=True)
class Recall:
    """One recalled answer: its text, the probability of its tokens together, and whether the response has it."""

    answer: str
    probability: float
    agrees: bool

    @property
    def score(self) -> float:
        """Trust in the response, in [0, 1]; 0.5 says nothing."""
        return 0.5 + self.probability / 2 if self.agrees else 0.5 - self.probability / 2


def recall_prompt(question: str, shots: Shots) -> str:
    """Return the few-shot prompt that ends where the short answer begins."""
    bare = " ".join(question[-MAX_QUESTION_CHARACTERS:].split())
    examples = "".join(f"Question: {asked}\nAnswer: {answer}\n\n" for asked, answer in shots)
    return f"{examples}Question: {bare}\nAnswer:"


def recall_request(question: str, shots: Shots) -> dict[str, Any]:
    """Return the body for a llama.cpp server's completion call."""
    return {
        "prompt": recall_prompt(question, shots),
        "n_predict": ANSWER_TOKENS,
        "temperature": 0,
        "stop": ["\n"],
        "n_probs": 1,
        "cache_prompt": True,
    }


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
    return Recall(text.strip(), min(max(probability, 0.0), 1.0), occurs_in(text, response))
