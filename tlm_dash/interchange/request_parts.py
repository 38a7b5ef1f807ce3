"""What belongs to a request beside its messages: kept with the item, and told that it is not sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tlm_dash.interchange.column_names import NAMED, phrase_of
from tlm_dash.interchange.contents import contents_of, number_in
from tlm_dash.models import REQUEST_OBJECTS

_STRUCTURED = {*REQUEST_OBJECTS, "parallel_tool_calls", "stop", "modalities"}
_NUMBERS = {
    "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "top_logprobs",
    "max_tokens", "max_completion_tokens", "max_output_tokens",
}  # fmt: skip
_WORDS = {"reasoning_effort", "verbosity", "service_tier"}
_ANSWERS_OWN = {"usage", "response", "response id", "outputs", "output", "choices"}
"""Groups of what an answer tells about itself: its `service_tier` was never asked for."""

_CONTEXTS = {
    "context", "contexts", "retrieved contexts", "retrieved context", "retrieval context",
    "retrieval contexts", "documents", "retrieved documents", "passages", "reference contexts",
    "source documents",
}  # fmt: skip
_LONG_CHARACTERS = 60


def left_out_parts(
    columns: Sequence[tuple[str, Sequence[str]]], *, every: bool, has_messages: bool
) -> tuple[str, ...]:
    """Name those of the columns kept beside the items that are a part of a request.

    Each column comes with some of its values. `every`: all names under `body.` are parts of a request.
    `has_messages`: whole conversations are sent, so that a prompt beside them is in them.
    """
    return tuple(
        name
        for name, samples in columns
        if (every and name.startswith("body."))
        or _is_part(name, samples)
        or _is_context(name, samples)
        or _is_prompt(name, samples, has_messages=has_messages)
    )


def _is_part(name: str, samples: Sequence[str]) -> bool:
    group, _, key = name.replace("/", ".").rpartition(".")
    if any(phrase_of(part) in _ANSWERS_OWN for part in group.split(".") if part):
        return False
    if not samples:  # none in the first rows: later ones are counted
        return key in _STRUCTURED | _NUMBERS | _WORDS
    if key in _STRUCTURED:
        return key in ("tool_choice", "function_call", "stop") or all(
            _is_structured(cell) for cell in samples
        )
    if key in _NUMBERS:
        return all(number_in(cell) is not None for cell in samples)
    return key in _WORDS


def _is_prompt(name: str, samples: Sequence[str], *, has_messages: bool) -> bool:
    """Tell whether a column is called like a prompt, or the system's: what stands in it was asked as well."""
    names = NAMED["system"] if has_messages else (*NAMED["prompt"], *NAMED["system"])
    return phrase_of(name) in names and contents_of(samples).is_text


def _is_structured(cell: str) -> bool:
    return cell.lstrip().startswith(("[", "{")) or cell.strip().lower() in ("true", "false")


def _is_context(name: str, samples: Sequence[str]) -> bool:
    """Tell whether a column holds passages: by its name, and by a list or long text in it."""
    phrase = phrase_of(name.replace("/", ".").rpartition(".")[2])
    if phrase not in _CONTEXTS or not samples:
        return False
    is_list = all(cell.lstrip().startswith("[") for cell in samples)
    found = contents_of(samples)
    return is_list or (found.is_text and sum(map(len, samples)) > _LONG_CHARACTERS * len(samples))


def kept_beside(name: str) -> Callable[[str], str]:
    """Say of a part of requests that it is not sent."""
    shown = name.removeprefix("body.")
    return lambda rows: f"`{shown}` of {rows} is kept beside the item and not sent."


def answer_taken(source: str, response: str) -> Callable[[str], str]:
    """Say of the assistant's last turn that it became the response."""
    return lambda rows: (
        f"The assistant's last turn in `{source}` of {rows} is taken as the response `{response}` "
        "and not sent."
    )
