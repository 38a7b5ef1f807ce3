"""Items of an export: their prompts with hashes made anew, and which of them were seen already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.models import messages_identity, response_hash, text_hash
from tlm_dash.responses import calls_of, hash_of_response, refusal_of, told_text, written_content
from tlm_dash.store.arrow_text import hexadecimal
from tlm_dash.store.conversation import kept_messages
from tlm_dash.store.identity import PromptRows, rows_of_messages, rows_of_prompts
from tlm_dash.store.restored_values import json_value
from tlm_dash.store.text import ESCAPE, original_text, stored_text

_WITH_CALLS = '"(tool_calls|function_call|refusal)"'
_TWICE = "The run has a row for this item already."
_OTHER_PROMPT = "The item has another prompt in an earlier row."


class RowHashes:
    """The conversations of some rows: `prompts`, `messages`, and in hexadecimal the two hashes of each row.

    `problems` says by number why a conversation cannot be used. `responses` are the texts, calls as people
    read them, and `refused` the refusals among them. `is_older` marks calls and refusals of an export that
    knew them by their text alone: what was said of one may have been said of another.
    """

    def __init__(self, columns: Mapping[str, Any], response_extra: Any) -> None:  # noqa: ANN401 - Arrow
        rows = _conversations(columns)
        self.problems = rows.problems
        self.prompts, self.messages = rows.prompts, rows.messages
        self.prompt_hash = hexadecimal(rows.digests())
        self.response_hash = hexadecimal(rows.response_digests(columns["response"]))
        self.responses = columns["response"]
        self._mend(columns)
        self.refused, self.is_older = np.zeros(len(rows.hashers), bool), np.zeros(len(rows.hashers), bool)
        self._tell_apart(columns, response_extra)

    def __len__(self) -> int:
        return len(self.prompts)

    def keep(self, kept: Any) -> None:  # noqa: ANN401 - an Arrow column of truths
        """Leave out the other rows."""
        for name in ("prompts", "messages", "prompt_hash", "response_hash", "responses"):
            setattr(self, name, getattr(self, name).filter(kept))
        self.refused, self.is_older = (mask[kept.to_numpy(False)] for mask in (self.refused, self.is_older))

    def digests(self) -> list[bytes]:
        """Give the hashes of the prompts as bytes."""
        return [bytes.fromhex(text) for text in self.prompt_hash.to_pylist()]

    def _tell_apart(self, columns: Mapping[str, Any], response_extra: Any) -> None:  # noqa: ANN401
        """Give calls and refusals the identity of their own, also where an older export did not."""
        marked = pc.match_substring_regex(response_extra, _WITH_CALLS)
        for number in pc.indices_nonzero(pc.fill_null(marked, fill_value=False)).to_pylist():
            text, extra = columns["response"][number].as_py(), json_value(response_extra[number].as_py())
            is_one = bool(calls_of(extra) or refusal_of(extra))
            if number in self.problems or text is None or not is_one:
                continue
            told = {name: columns[name][number].as_py() for name in ("prompt", "system", "messages")}
            messages = json_value(told["messages"]) if told["messages"] else _plain(told)
            text = original_text(text)
            shown = told_text(written_content(text, extra), extra)
            known = columns["response_hash"][number].as_py()
            self.is_older[number] = known is not None and known == self.response_hash[number].as_py()
            hashed = hash_of_response(messages, shown, extra)
            self.response_hash = _with(self.response_hash, number, hashed)
            self.responses = _with(self.responses, number, stored_text(shown))
            self.refused[number] = bool(refusal_of(extra))

    def _mend(self, columns: Mapping[str, Any]) -> None:
        """Take the texts that UTF-8 cannot hold, and stand in the file as they are stored, as they were."""
        rare = [
            pc.fill_null(pc.match_substring(columns[name], ESCAPE), fill_value=False)
            for name in ("prompt", "system", "messages", "response")
        ]
        for number in pc.indices_nonzero(
            pc.or_(pc.or_(rare[0], rare[1]), pc.or_(rare[2], rare[3]))
        ).to_pylist():
            if number in self.problems:
                continue
            told = {
                name: columns[name][number].as_py() for name in ("prompt", "system", "messages", "response")
            }
            messages = json_value(told["messages"]) if told["messages"] else _plain(told)
            prompt = next((m.get("content") for m in reversed(messages) if m["role"] == "user"), None)
            if isinstance(prompt, str):
                self.prompts = _with(self.prompts, number, stored_text(prompt))
            kept = kept_messages(messages)
            self.messages = _with(self.messages, number, None if kept is None else stored_text(kept))
            self.prompt_hash = _with(self.prompt_hash, number, text_hash(messages_identity(messages)))
            if told["response"] is not None:
                hashed = response_hash(messages, original_text(told["response"]))
                self.response_hash = _with(self.response_hash, number, hashed)


def _conversations(columns: Mapping[str, Any]) -> PromptRows:
    prompts, systems, messages = columns["prompt"], columns["system"], columns["messages"]
    whole = pc.is_valid(messages)
    if not pc.any(whole).as_py():
        return rows_of_prompts(prompts, systems if systems.null_count < len(systems) else None)
    short = pc.invert(whole)
    parts = (
        rows_of_messages(messages.filter(whole)),
        rows_of_prompts(prompts.filter(short), systems.filter(short)),
    )
    places = np.concatenate([pc.indices_nonzero(mask).to_numpy() for mask in (whole, short)])
    order = np.argsort(places)
    hashers = [*parts[0].hashers, *parts[1].hashers]
    n_whole = len(parts[0].hashers)
    problems = {int(places[n]): told for n, told in parts[0].problems.items()}
    problems |= {int(places[n_whole + n]): told for n, told in parts[1].problems.items()}
    return PromptRows(
        pa.concat_arrays([parts[0].prompts, parts[1].prompts]).take(pa.array(order)),
        pa.concat_arrays([parts[0].messages, parts[1].messages]).take(pa.array(order)),
        [hashers[place] for place in order],
        problems,
    )


def _plain(told: Mapping[str, str | None]) -> list[dict[str, str]]:
    messages = [{"role": "user", "content": original_text(told["prompt"] or "")}]
    if (system := original_text(told["system"] or "")).strip():
        messages.insert(0, {"role": "system", "content": system})
    return messages


def _with(column: Any, number: int, text: str | None) -> Any:  # noqa: ANN401 - an Arrow column
    return pa.concat_arrays(
        [column.slice(0, number), pa.array([text], pa.string()), column.slice(number + 1)]
    )


class KnownItems:
    """Which items there were so far, with which prompt, and in which runs."""

    def __init__(self) -> None:
        self._numbers = np.zeros(0, np.int64)
        self._codes = np.zeros(0, np.uint64)
        self._of_runs: dict[str, list[Any]] = {}

    @property
    def n_items(self) -> int:
        """Tell how many different items there were."""
        return len(self._numbers)

    def problems(self, item_no: Any, run_id: Any, hashes: RowHashes, usable: Any) -> dict[int, str]:  # noqa: ANN401
        """Say by number which of the usable rows repeat an item of their run, or give it another prompt."""
        places = pc.indices_nonzero(usable).to_numpy()
        numbers = item_no.filter(usable).to_numpy()
        codes = _codes(hashes.prompt_hash.filter(usable))
        found: dict[int, str] = {}
        if not len(places):
            return found
        _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
        other = codes != codes[first][inverse]
        is_known, spot = self._spots(numbers)
        other[is_known] |= self._codes[spot[is_known]] != codes[is_known]
        found |= {int(place): _OTHER_PROMPT for place in places[other]}
        coded = run_id.filter(usable).dictionary_encode()
        for number, old_id in enumerate(coded.dictionary.to_pylist()):
            mine = np.flatnonzero(coded.indices.to_numpy() == number)
            repeated = self._repeated(old_id, numbers[mine])
            found |= {int(place): _TWICE for place in places[mine[repeated]]}
        return found

    def add(self, item_no: Any, run_id: Any, hashes: RowHashes) -> Any:  # noqa: ANN401 - Arrow columns
        """Take the rows that are kept, and tell which of them are the first of their item."""
        numbers = item_no.to_numpy()
        is_known, _ = self._spots(numbers)
        _, first = np.unique(numbers, return_index=True)
        fresh = np.zeros(len(numbers), bool)
        fresh[first] = True
        fresh &= ~is_known
        joined = np.concatenate([self._numbers, numbers[fresh]])
        codes = np.concatenate([self._codes, _codes(hashes.prompt_hash)[fresh]])
        order = np.argsort(joined, kind="stable")
        self._numbers, self._codes = joined[order], codes[order]
        coded = run_id.dictionary_encode()
        for number, old_id in enumerate(coded.dictionary.to_pylist()):
            mine = numbers[coded.indices.to_numpy() == number]
            self._of_runs.setdefault(old_id, []).append(np.sort(mine))
        return pa.array(fresh)

    def _spots(self, numbers: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Find numbers among the known ones: which are, and where."""
        spot = np.searchsorted(self._numbers, numbers)
        inside = np.minimum(spot, max(0, len(self._numbers) - 1))
        is_known = self._numbers[inside] == numbers if len(self._numbers) else np.zeros(len(numbers), bool)
        return is_known, inside

    def _repeated(self, old_id: str, numbers: Any) -> Any:  # noqa: ANN401
        """Tell which rows of a run have an item that it had before."""
        repeated = np.ones(len(numbers), bool)
        repeated[np.unique(numbers, return_index=True)[1]] = False
        lowest = numbers.min()
        for earlier in self._of_runs.get(old_id, []):
            if len(earlier) and earlier[-1] >= lowest:
                repeated |= np.isin(numbers, earlier)
        return repeated


def _codes(hashes: Any) -> Any:  # noqa: ANN401
    """Give eight bytes of each hash: enough to tell prompts of one item apart."""
    return np.frombuffer(bytes.fromhex("".join(text[:16] for text in hashes.to_pylist())), np.uint64)
