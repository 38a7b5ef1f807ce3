"""Which rows of two runs belong together: by item in one dataset, by the text of the messages across two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tlm_dash.services.labelled import LabelledRun
from tlm_dash.services.place import Place
from tlm_dash.store.source_ids import source_ids

Positions = npt.NDArray[np.int64]

EXCLUSION_WORDS = {
    "only_in_a": "only the baseline has the prompt",
    "only_in_b": "only the candidate has the prompt",
    "surplus_repeats_in_a": "the baseline repeats the prompt more often",
    "surplus_repeats_in_b": "the candidate repeats the prompt more often",
    "same_id_other_text": "the same id has another text",
    "not_answered_by_a": "the baseline has no response",
    "not_answered_by_b": "the candidate has no response",
    "not_answered_by_either": "neither has a response",
}


@dataclass(frozen=True, eq=False)
class Pairing:
    """Rows `a` of one run and `b` of the other, both of shape (n_pairs,), in the order of the first run.

    `prompt` is a code of each pair's prompt; `n_excluded` counts rows that are in no pair by reason (two rows
    that would be a pair, were both answered, count once).
    """

    kind: Literal["item", "prompt"]
    a: Positions
    b: Positions
    prompt: Positions
    n_excluded: dict[str, int]

    @property
    def n(self) -> int:
        """Give the number of pairs."""
        return len(self.a)


def pair_runs(place: Place, a: LabelledRun, b: LabelledRun) -> Pairing:
    """Pair the rows that both runs answered, never by row number.

    In one dataset rows of one item belong together. Across datasets rows of the same messages do (CRLF as LF,
    outer white space trimmed, nothing else); repeats in order of occurrence. So do those of one file that has
    a row for each prompt and model, where no two runs share an item. Raises StoreError.
    """
    excluded: dict[str, int] = {}
    _, at_a, at_b = np.intersect1d(a.item_no, b.item_no, assume_unique=True, return_indices=True)
    by_item = a.record.dataset_id == b.record.dataset_id and len(at_a) > 0
    if by_item:
        excluded["only_in_a"], excluded["only_in_b"] = a.n_rows - len(at_a), b.n_rows - len(at_b)
    else:
        at_a, at_b = _by_prompt(place, a, b, excluded)
    answered_a, answered_b = (a.status == "done")[at_a], (b.status == "done")[at_b]
    excluded["not_answered_by_a"] = int((~answered_a & answered_b).sum())
    excluded["not_answered_by_b"] = int((answered_a & ~answered_b).sum())
    excluded["not_answered_by_either"] = int((~answered_a & ~answered_b).sum())
    kept = answered_a & answered_b
    pairs_a, pairs_b = at_a[kept], at_b[kept]
    return Pairing(
        "item" if by_item else "prompt", pairs_a, pairs_b, a.prompt[pairs_a],
        {reason: count for reason, count in excluded.items() if count},
    )  # fmt: skip


def _by_prompt(
    place: Place, a: LabelledRun, b: LabelledRun, excluded: dict[str, int]
) -> tuple[Positions, Positions]:
    codes_a, codes_b = _shared_codes(a, b)
    nth_a, nth_b = _occurrence(codes_a), _occurrence(codes_b)
    most = int(max(nth_a.max(initial=0), nth_b.max(initial=0))) + 1
    _, at_a, at_b = np.intersect1d(
        codes_a * most + nth_a, codes_b * most + nth_b, assume_unique=True, return_indices=True
    )
    order = np.argsort(at_a)
    at_a, at_b = at_a[order], at_b[order]
    left_a, left_b = np.ones(a.n_rows, dtype=bool), np.ones(b.n_rows, dtype=bool)
    left_a[at_a], left_b[at_b] = False, False
    known_a, known_b = np.isin(codes_a, codes_b), np.isin(codes_b, codes_a)
    excluded["surplus_repeats_in_a"] = int((left_a & known_a).sum())
    excluded["surplus_repeats_in_b"] = int((left_b & known_b).sum())
    alone_a, alone_b = a.item_no[left_a & ~known_a], b.item_no[left_b & ~known_b]
    clashes = _same_ids(place, a, alone_a, b, alone_b) if len(alone_a) and len(alone_b) else 0
    excluded["same_id_other_text"] = clashes
    excluded["only_in_a"], excluded["only_in_b"] = len(alone_a) - clashes, len(alone_b) - clashes
    return at_a, at_b


def _shared_codes(a: LabelledRun, b: LabelledRun) -> tuple[Positions, Positions]:
    """Number the prompts of both runs alike: each distinct text is looked at once."""
    numbers: dict[str, int] = {}
    found = []
    for run in (a, b):
        own, first = np.unique(run.prompt, return_index=True)
        shared = np.array(
            [numbers.setdefault(text, len(numbers)) for text in run.prompt_hash[first]], dtype=np.int64
        )
        found.append(shared[np.searchsorted(own, run.prompt)] if len(own) else shared)
    return found[0], found[1]


def _occurrence(codes: Positions) -> Positions:
    """Tell of each row which of the rows of its code it is, from 0 on, in the order given."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    nth = np.empty(len(codes), dtype=np.int64)
    nth[order] = np.arange(len(codes)) - np.searchsorted(ordered, ordered, side="left")
    return nth


def _same_ids(place: Place, a: LabelledRun, alone_a: Positions, b: LabelledRun, alone_b: Positions) -> int:
    """Count the ids of the files that name a row without partner in both."""
    ids_a, ids_b = (source_ids(place.store, run.record.dataset_id) for run in (a, b))
    named_a = {ids_a[item] for item in alone_a.tolist() if item in ids_a}
    named_b = {ids_b[item] for item in alone_b.tolist() if item in ids_b}
    return len(named_a & named_b)
