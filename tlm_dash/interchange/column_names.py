"""What the name of a column says: its words, the role they speak of, and what they rule out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tlm_dash.interchange.contents import Contents

NAMED: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "chat messages", "conversation", "conversations", "turns", "chat", "dialog",
                 "dialogue"),
    "scorer_model": ("scorer model", "scorer"),
    "preset": ("preset", "quality preset"),
    "system": ("system", "system prompt", "system message"),
    "score": ("trustworthiness score", "trustworthiness", "confidence score", "confidence", "tlm score",
              "trust score", "score"),
    "label": ("is correct", "correct", "correctness", "human eval", "human label", "label", "truthfulness",
              "truthful", "is truthful", "verdict", "judgement", "judgment", "graded", "success"),
    "prompt": ("prompt", "prompts", "question", "questions", "instruction", "instructions", "query", "input",
               "inputs", "user prompt", "user message", "user input", "request", "conversation", "log entry",
               "text", "input question", "input query", "input prompt", "input text"),
    "response": ("response", "responses", "completion", "output", "outputs", "model response", "model answer",
                 "model output", "generated", "generation", "prediction", "pred", "solution", "reply",
                 "llm response", "assistant", "result", "filtered resps", "actual output", "choices"),
    "model": ("model", "model name", "generator", "llm", "model id", "resolved model"),
    "id": ("id", "custom id", "item id", "row id", "prompt id", "question id", "doc id", "sample id", "uuid",
           "key"),
    "finish_reason": ("finish reason", "stop reason"),
}  # fmt: skip
TAGS = (
    "category",
    "type",
    "topic",
    "language",
    "lang",
    "dataset",
    "source",
    "split",
    "task",
    "domain",
    "tag",
)
SCORE_ENDINGS = (" trustworthiness", " trustworthiness score", " confidence score", " tlm score", " score")

_ANSWER = ("answer", "answers")
_HOLDERS = ("value", "raw", "text", "content", "data")
"""`input.value` is the input, `prompt.raw` the prompt."""

_GOLD = {"expected", "reference", "references", "gold", "golden", "golds", "ideal", "ideals", "target",
         "targets", "groundtruth"}  # fmt: skip
_GOLD_PAIRS = (("ground", "truth"), ("ground", "truths"), ("correct", "answer"), ("correct", "answers"),
               ("best", "answer"), ("true", "answer"), ("right", "answer"))  # fmt: skip
_NOT_GOLD = {"context", "contexts", "document", "documents", "url", "tool", "tools", "score", "scores",
             "model", "file", "page", "reason"}  # fmt: skip
_NEVER_LAST = {
    "id", "ids", "uuid", "guid", "hash", "sha", "md", "checksum", "format", "time", "times", "timestamp",
    "timestamps", "date", "datetime", "ms", "sec", "secs", "second", "seconds", "duration", "durations",
    "latency", "token", "tokens", "count", "counts", "len", "length", "lengths", "chars", "characters",
    "words", "cost", "costs", "price", "usd", "language", "lang", "locale", "status", "code", "ratio", "rate",
    "type", "url", "index", "idx", "rank", "size", "logprob", "logprobs", "probability", "probabilities",
    "perplexity", "usage", "error", "errors", "metadata", "meta", "created", "updated", "version", "schema",
    "role", "path", "level", "speed", "reasoning", "reason",
}  # fmt: skip
_NEVER_FIRST = {"n", "num", "number", "count", "total", "time", "latency", "tokens", "duration", "id", "is",
                "has", "date", "cost"}  # fmt: skip
_NEVER_GROUPS = {"usage", "token usage", "metadata", "meta", "metrics", "metric", "stats", "suggestions",
                 "config", "settings", "spec", "run config", "test case", "grading result", "vectors",
                 "feedback", "eval", "evals", "scores", "named scores", "timing", "cost"}  # fmt: skip
_OTHER_JUDGES = {"eval", "evals", "feedback", "suggestions", "scores", "grading result", "named scores",
                 "grades", "metrics", "assessments"}  # fmt: skip
_ROLE_WORDS = {
    "response", "output", "completion", "score", "correct", "is", "label", "trustworthiness", "answer",
    "confidence", "finish", "reason", "model",
}  # fmt: skip
_MENTIONS = ("response", "output", "completion")
_MAKERS = {"output", "model", "generated", "predicted", "llm", "ai", "bot", "chatbot", "assistant", "system"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Za-z][a-z]*|\d+|[^\W\d_]+")
_PROMPTFOO = re.compile(r"\s*\[(?P<model>[^\[\]\s]+:[^\[\]]+)\]\s*\S")


@dataclass(frozen=True, slots=True)
class Named:
    """A column with what its name says: its group ("gpt" of "gpt.pred") and the words of the rest."""

    name: str
    group: str
    words: tuple[str, ...]
    contents: Contents

    @property
    def phrase(self) -> str:
        """Give the words of the last part."""
        return " ".join(self.words)

    @property
    def groups(self) -> tuple[str, ...]:
        """Give the phrases of what the column lies in, outermost first."""
        return tuple(phrase_of(part) for part in re.split(r"[./]", self.group) if part)

    @property
    def depth(self) -> int:
        """Tell how deep the column lies."""
        return len(self.groups)


def named(name: str, contents: Contents) -> Named:
    """Take a name apart: objects inside objects have names with dots, some tools write slashes."""
    marks = "./" if not re.search(r"\s", name) else "."
    at = max(name.rfind(mark) for mark in marks)
    group, last = (name[:at], name[at + 1 :]) if at > 0 else ("", name)
    if last.lower() in _HOLDERS and group:
        inner = max(group.rfind(mark) for mark in marks)
        parent = phrase_of(group[inner + 1 :])
        if parent in (*NAMED["prompt"], *NAMED["response"], *_ANSWER) or _is_gold(parent.split()):
            group, last = (group[:inner], group[inner + 1 :]) if inner > 0 else ("", group)
    return Named(name, group, tuple(phrase_of(last).split()), contents)


def phrase_of(name: str) -> str:
    """Give the words of a name in small letters: "expectedOutput" is "expected output"."""
    return " ".join(word.lower() for word in _WORD.findall(name))


def is_known_name(name: str) -> bool:
    """Tell whether a name speaks of a role: then a row that holds it is a header."""
    phrase = phrase_of(name)
    words = phrase.split()
    exact = any(phrase in names for names in NAMED.values())
    return bool(words) and len(name) <= 60 and (exact or phrase in _ANSWER or _is_gold(words))


def is_prompt_name(name: str) -> bool:
    """Tell whether a column of this name would hold prompts."""
    return phrase_of(name) in (*NAMED["prompt"], *NAMED["messages"])


def is_gold(column: Named) -> bool:
    """Tell whether a name speaks of the right answer: it is a reference, never what a model said."""
    words = column.words
    if not words or words[-1] in _NEVER_LAST | _NOT_GOLD or words[0] in _NEVER_FIRST:
        return False
    if "label" in words and column.contents.is_verdict:
        return False
    if _is_gold(words):
        return True
    within = any(_is_gold(group.split()) for group in column.groups)
    return within and column.phrase in (*_ANSWER, *NAMED["response"], *NAMED["prompt"])


def _is_gold(words: list[str] | tuple[str, ...]) -> bool:
    pairs = set(zip(words, words[1:], strict=False))
    return not _NOT_GOLD & set(words) and (bool(_GOLD & set(words)) or any(p in pairs for p in _GOLD_PAIRS))


def is_answer(column: Named) -> bool:
    """Tell whether a column is called "answer", which may be a model's or the right one."""
    words = column.words
    if column.phrase in _ANSWER:
        return True
    return len(words) == 2 and words[0] == "output" and words[1] in _ANSWER


def is_called_otherwise(column: Named) -> bool:
    """Tell whether a name speaks of another role: a column of verdicts or predictions holds no prompts."""
    others = (role for role in NAMED if role not in ("prompt", "messages"))
    words = {"predicted", "prediction", "generated", "image", "images", "verdict", "label", "score"}
    return any(column.phrase in NAMED[role] for role in others) or bool(words & set(column.words))


def is_never_response(column: Named) -> bool:
    """Tell whether a column notes something about an answer, by its name or by what it holds."""
    words = column.words
    if not words or words[-1] in _NEVER_LAST or words[0] in _NEVER_FIRST:
        return True
    return column.contents.is_measure or is_beside(column)


def is_beside(column: Named) -> bool:
    """Tell whether a column lies among what tools note beside a row."""
    return any(group in _NEVER_GROUPS for group in column.groups)


def is_of_another_judge(column: Named) -> bool:
    """Tell whether a score lies among those of an evaluation tool: it is none of a TLM."""
    return any(group in _OTHER_JUDGES for group in column.groups)


def mentions_response(column: Named) -> bool:
    """Tell whether a longer name speaks of responses: "response_a", "gpt_output", "generated_answer"."""
    words = column.words
    if len(words) < 2 or column.contents.is_number or column.contents.is_boolean:
        return False
    if words[-1] in _ANSWER and words[0] in _MAKERS - {"output"}:
        return True
    return words[0] in _MENTIONS or words[-1] in _MENTIONS


def table_model(name: str) -> str | None:
    """Give the model of a column as promptfoo's tables name it: "[openai:gpt-4.1] Answer {{question}}"."""
    found = _PROMPTFOO.match(name)
    return found["model"] if found else None


def own_words(column: Named) -> set[str]:
    """Give the words of a name that are no role."""
    return set(column.words) - _ROLE_WORDS
