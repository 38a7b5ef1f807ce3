"""What the columns of a file probably mean, from their names and first values, and what must be asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tlm_dash.interchange.contents import Contents, contents_of, says_nothing
from tlm_dash.interchange.mapping import ColumnMapping, ResponseColumns
from tlm_dash.interchange.prepared import Role

_NAMED: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "chat messages"),
    "scorer_model": ("scorer model", "scorer"),
    "preset": ("preset", "quality preset"),
    "system": ("system", "system prompt", "system message"),
    "score": ("trustworthiness score", "trustworthiness", "confidence score", "confidence", "tlm score",
              "trust score", "score"),
    "label": ("is correct", "correct", "correctness", "human eval", "human label", "label", "truthfulness",
              "truthful", "is truthful", "verdict", "judgement", "judgment", "graded"),
    "prompt": ("prompt", "prompts", "question", "questions", "instruction", "instructions", "query", "input",
               "user prompt", "user message", "user input", "request", "conversation", "log entry", "text"),
    "reference": ("reference", "ground truth", "reference answer", "expected", "expected answer", "gold",
                  "gold answer", "target", "ideal", "best answer", "correct answer", "correct answers"),
    "response": ("response", "responses", "completion", "output", "model response", "model answer",
                 "model output", "generated", "generation", "prediction", "pred", "solution", "reply",
                 "llm response", "assistant", "result", "filtered resps"),
    "model": ("model", "model name", "generator", "llm", "model id", "resolved model"),
    "id": ("id", "custom id", "item id", "row id", "prompt id", "question id", "doc id", "uuid", "key"),
    "finish_reason": ("finish reason", "stop reason"),
}  # fmt: skip
_TAGS = (
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
_UNCERTAIN = ("answer", "answers", "expected output")
_SCORE_ENDINGS = (" trustworthiness", " trustworthiness score", " confidence score", " tlm score", " score")
_ROLE_WORDS = {
    "response", "output", "completion", "score", "correct", "is", "label", "trustworthiness", "answer",
    "confidence", "finish", "reason", "model",
}  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Za-z][a-z]*|\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Guess:
    """A role for one column, with the reason in words. A role of None: kept beside the item."""

    column: str
    role: Role | None
    reason: str


@dataclass(frozen=True, slots=True)
class Guessed:
    """The whole mapping that is proposed, a guess per column, and what only a person can tell."""

    mapping: ColumnMapping
    guesses: tuple[Guess, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Named:
    """A column with what its name says: its group ("gpt" of "gpt.pred") and the words of the rest."""

    name: str
    group: str
    words: tuple[str, ...]
    contents: Contents

    @property
    def phrase(self) -> str:
        return " ".join(self.words)


def guess(names: Sequence[str], samples: Sequence[Sequence[str | None]]) -> Guessed:
    """Guess the role of every column. `samples` are the first rows, cells in the order of `names`."""
    columns = [
        _named(name, contents_of([row[number] for row in samples])) for number, name in enumerate(names)
    ]
    taken: dict[str, tuple[Role | str, str]] = {}
    questions: list[str] = []
    _guess_prompt(columns, taken)
    _guess_by_name(columns, taken)
    _guess_answers(columns, taken, questions)
    _guess_scored_text(columns, taken, questions)
    _ask_about_scores(columns, samples, taken, questions)
    if not any(role in ("prompt", "messages") for role, _ in taken.values()):
        questions.append("Which column holds the prompts? None of them looks like it.")
    mapping = _mapping(columns, taken)
    used = set(mapping.columns())
    guesses = tuple(
        Guess(c.name, None if role == "finish_reason" else role, reason)  # type: ignore[arg-type]
        if (role := taken.get(c.name, (None, ""))[0]) and c.name in used and (reason := taken[c.name][1])
        else Guess(c.name, None, "nothing says what it means; it is kept beside the item")
        for c in columns
    )
    return Guessed(mapping, guesses, tuple(questions))


def is_prompt_name(name: str) -> bool:
    """Tell whether a column of this name would hold prompts."""
    phrase = " ".join(word.lower() for word in _WORD.findall(name))
    return phrase in (*_NAMED["prompt"], *_NAMED["messages"])


def _named(name: str, contents: Contents) -> _Named:
    group, _, last = name.rpartition(".")
    return _Named(name, group, tuple(word.lower() for word in _WORD.findall(last)), contents)


def _guess_prompt(columns: Sequence[_Named], taken: dict[str, tuple[Role | str, str]]) -> None:
    """Take the messages, or the best-named text, or the only long text, as the prompt."""
    for column in columns:
        if column.contents.is_messages:
            taken[column.name] = ("messages", "it holds lists of chat messages")
            return
    for wanted in _NAMED["prompt"]:
        for column in sorted(columns, key=lambda c: c.name.count(".")):
            if column.phrase == wanted and not column.contents.is_number:
                taken[column.name] = ("prompt", f"it is called {column.name!r} and holds text")
                return
    for column in columns:
        if "prompt" in column.words and column.contents.is_text and not {"id", "hash"} & set(column.words):
            taken[column.name] = ("prompt", f"its name {column.name!r} speaks of prompts")
            return


def _guess_by_name(columns: Sequence[_Named], taken: dict[str, tuple[Role | str, str]]) -> None:
    for column in columns:
        if column.name in taken:
            continue
        role = next((role for role in _NAMED if _says(column, role)), None)
        if role == "prompt":
            role = None  # Another column is the prompt already, or this one holds no text.
        if role is None and column.phrase in _TAGS and column.contents.is_short:
            role = "tag"
        if role is not None and (column.contents.n_filled or role == "response"):
            taken[column.name] = (role, f"its name {column.name!r} says so{_proof(role)}")


def _says(column: _Named, role: str) -> bool:
    """Tell whether name and content agree on a role."""
    contents = column.contents
    named = column.phrase in _NAMED[role]
    if role == "score":
        about = column.phrase.startswith(("score ", "trustworthiness ")) or column.phrase.endswith(
            _SCORE_ENDINGS
        )
        return contents.is_share and (named or about)
    if role == "label":
        starts = column.phrase.startswith(("is correct", "correct ", "label ")) and len(column.words) > 1
        return contents.is_verdict and (named or starts or column.phrase.endswith((" correct", " label")))
    if role == "response":
        return named or (not contents.is_number and _mentions_response(column.words))
    if role == "id":
        return named and contents.is_unique
    if role == "reference":
        return named and not contents.is_empty
    return named and contents.is_short


def _mentions_response(words: Sequence[str]) -> bool:
    mentions = ("response", "output", "completion")
    return len(words) > 1 and (words[0] in mentions or words[-1] in mentions)


def _proof(role: str) -> str:
    return {"score": ", and its values lie from 0 to 1", "label": ", and it has a few verdicts only"}.get(
        role, ""
    )


def _guess_answers(
    columns: Sequence[_Named], taken: dict[str, tuple[Role | str, str]], questions: list[str]
) -> None:
    """Tell what "answer" means: the truth where responses are elsewhere, else it must be asked."""
    has_response = any(role == "response" for role, _ in taken.values())
    has_reference = any(role == "reference" for role, _ in taken.values())
    for column in columns:
        if column.name in taken or column.phrase not in _UNCERTAIN or has_reference:
            continue
        taken[column.name] = (
            "reference",
            f"{column.name!r} is the expected answer, since responses are elsewhere",
        )
        has_reference = True
        if not has_response:
            taken[column.name] = (
                "reference",
                f"{column.name!r} is taken for the expected answer; please check",
            )
            questions.append(f"Is {column.name!r} the expected answer, or a model's response?")


def _guess_scored_text(
    columns: Sequence[_Named], taken: dict[str, tuple[Role | str, str]], questions: list[str]
) -> None:
    """A score needs a response: where none is named, take the column before the score."""
    roles = {role for role, _ in taken.values()}
    scores = [number for number, column in enumerate(columns) if taken.get(column.name, ("",))[0] == "score"]
    if "response" in roles or not scores:
        return
    before = [
        column for column in columns[: scores[0]] if column.name not in taken and column.contents.n_filled
    ]
    if before:
        name = before[-1].name
        taken[name] = (
            "response",
            f"there are scores but no responses by name, and {name!r} comes before them",
        )
        questions.append(f"Does {name!r} hold the responses that the scores belong to?")


def _ask_about_scores(
    columns: Sequence[_Named],
    samples: Sequence[Sequence[str | None]],
    taken: dict[str, tuple[Role | str, str]],
    questions: list[str],
) -> None:
    """Say of a column that is called like a score why it is taken for none: 87% and 8.7 of 10 are not."""
    for number, column in enumerate(columns):
        if column.phrase not in _NAMED["score"] or column.name in taken:
            continue
        cells = (row[number] for row in samples)
        value = next((c for c in cells if c and not says_nothing(c) and not contents_of([c]).is_share), None)
        if value is not None:
            questions.append(
                f"{column.name!r} is called like a score, but {value[:40]!r} is no number from 0 to 1: "
                "it is kept beside the item. Write 87% and 8.7 of 10 as 0.87."
            )


def _mapping(columns: Sequence[_Named], taken: dict[str, tuple[Role | str, str]]) -> ColumnMapping:
    def of(role: str) -> list[_Named]:
        return [column for column in columns if taken.get(column.name, ("",))[0] == role]

    def first(role: str) -> str | None:
        return next((column.name for column in sorted(of(role), key=lambda c: c.name.count("."))), None)

    responses = of("response")
    parts = tuple(
        ResponseColumns(
            response.name,
            score=_belonging(response, of("score"), responses),
            label=_belonging(response, of("label"), responses),
            finish_reason=_belonging(response, of("finish_reason"), responses),
            model=_own_model(response, of("model")) if len(responses) > 1 else None,
        )
        for response in responses
    )
    shared = [column for column in of("model") if column.name not in {part.model for part in parts}]
    return ColumnMapping(
        prompt=first("prompt"), messages=first("messages"), id=first("id"), system=first("system"),
        reference=first("reference"), model=shared[0].name if shared else None, preset=first("preset"),
        scorer_model=first("scorer_model"), responses=parts, tags=tuple(column.name for column in of("tag")),
    )  # fmt: skip


def _own_model(response: _Named, models: Sequence[_Named]) -> str | None:
    return next((m.name for m in models if m.group and m.group == response.group), None)


def _belonging(response: _Named, candidates: Sequence[_Named], responses: Sequence[_Named]) -> str | None:
    """Find the column that speaks of a response: same group, or same words beside the role's."""
    same_group = [c for c in candidates if c.group == response.group]
    if response.group and len(same_group) == 1:
        return same_group[0].name
    if len(responses) == 1:
        return candidates[0].name if candidates else None
    own = _own_words(response)
    # "score" is that of "response" beside "gpt_response", but of neither "response" nor "output".
    if not own and sum(not _own_words(other) for other in responses) > 1:
        return None
    return next((c.name for c in same_group if own == _own_words(c)), None)


def _own_words(column: _Named) -> set[str]:
    return set(column.words) - _ROLE_WORDS
