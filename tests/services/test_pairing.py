"""Pairing: by item, by text, in order of occurrence; what is left out is counted by reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.stored import make_dataset, make_run
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.pairing import Pairing, pair_runs
from tlm_dash.services.place import OpenStore
from tlm_dash.store.run_models import RunRecord


def run_over(place: OpenStore, prompts: Sequence[str], responses: Sequence[str | None] = ()) -> LabelledRun:
    dataset_id = make_dataset(place.store, prompts)
    return labelled_run(place, make_run(place.store, dataset_id, responses or [f"To {p}" for p in prompts]))


def pairs(a: LabelledRun, b: LabelledRun, found: Pairing) -> list[tuple[int, int]]:
    return list(zip(a.item_no[found.a].tolist(), b.item_no[found.b].tolist(), strict=True))


def test_in_one_dataset_items_pair_whatever_their_order(place: OpenStore) -> None:
    dataset_id = make_dataset(place.store, 4)
    a = labelled_run(place, make_run(place.store, dataset_id, ["w", None, "y", "z"]))
    b = labelled_run(place, make_run(place.store, dataset_id, ["w", "x", None]))
    found = pair_runs(place, a, b)
    assert found.kind == "item" and pairs(a, b, found) == [(1, 1)]
    assert found.n_excluded == {"only_in_a": 1, "not_answered_by_a": 1, "not_answered_by_b": 1}


def test_across_datasets_text_decides_and_line_ends_do_not_count(place: OpenStore) -> None:
    a = run_over(place, ["one\r\ntwo", " three ", "Four", "five"])
    b = run_over(place, ["five", "three", "one\ntwo", "four"])
    found = pair_runs(place, a, b)
    assert found.kind == "prompt" and pairs(a, b, found) == [(1, 3), (2, 2), (4, 1)]
    assert found.n_excluded == {"only_in_a": 1, "only_in_b": 1}


def test_a_file_with_a_row_for_each_prompt_and_model_is_paired_by_text(place: OpenStore) -> None:
    a = in_memory(["one", "two"], "file")
    b = in_memory(["two", "one", "three"], "file", first_item=3)
    found = pair_runs(place, a, b)
    assert found.kind == "prompt" and pairs(a, b, found) == [(1, 4), (2, 3)]
    assert found.n_excluded == {"only_in_b": 1}


def test_repeats_pair_in_order_and_the_surplus_is_counted(place: OpenStore) -> None:
    a = run_over(place, ["x", "y", "x", "x"])
    b = run_over(place, ["x", "x", "y", "y", "z"])
    found = pair_runs(place, a, b)
    assert pairs(a, b, found) == [(1, 1), (2, 3), (3, 2)]
    assert found.n_excluded == {"surplus_repeats_in_a": 1, "surplus_repeats_in_b": 1, "only_in_b": 1}


def test_an_id_with_another_text_is_left_out_and_counted(place: OpenStore) -> None:
    runs = [run_over(place, ["same", own, alone]) for own, alone in (("here", "p"), ("there", "q"))]
    for run, ids in zip(runs, (("1", "2", "3"), ("1", "2", "4")), strict=True):
        rows = [
            {"dataset_id": run.record.dataset_id, "item_no": no, "source_id": i, "tags": {}, "extra": {}}
            for no, i in enumerate(ids, 1)
        ]
        place.store.append({"item_extra": rows}).result(60)
    found = pair_runs(place, *runs)
    assert pairs(*runs, found) == [(1, 1)]
    assert found.n_excluded == {"same_id_other_text": 1, "only_in_a": 1, "only_in_b": 1}


def test_nothing_in_common(place: OpenStore) -> None:
    a, b = run_over(place, ["x", "y"]), run_over(place, ["z"])
    found = pair_runs(place, a, b)
    assert found.n == 0 and found.n_excluded == {"only_in_a": 2, "only_in_b": 1}


texts = st.lists(st.sampled_from("abcd"), min_size=1, max_size=8)


def in_memory(prompts: list[str], dataset_id: str, first_item: int = 1) -> LabelledRun:
    """Make the columns of a run that was never stored."""
    n, nothing = len(prompts), np.full(len(prompts), np.nan)
    texts = np.array(prompts, dtype=object)
    record = RunRecord(**(dict.fromkeys(RunRecord.__dataclass_fields__) | {"dataset_id": dataset_id}))
    _, codes = np.unique(texts.astype(str), return_inverse=True)
    columns = dict.fromkeys((field.name for field in fields(LabelledRun)), nothing)
    return LabelledRun(**columns | {
        "record": record, "n_rows": n,
        "item_no": np.arange(first_item, first_item + n), "prompt_hash": texts, "prompt": codes,
        "response_hash": texts, "status": np.full(n, "done", dtype=object),
    })  # fmt: skip


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts, texts)
def test_every_row_is_in_one_pair_or_counted(place: OpenStore, first: list[str], second: list[str]) -> None:
    a, b = in_memory(first, "one"), in_memory(second, "other")
    found = pair_runs(place, a, b)
    for item_a, item_b in pairs(a, b, found):
        assert first[item_a - 1] == second[item_b - 1]
        assert first[:item_a].count(first[item_a - 1]) == second[:item_b].count(second[item_b - 1])
    left_a = sum(n for reason, n in found.n_excluded.items() if reason.endswith("_a"))
    left_b = sum(n for reason, n in found.n_excluded.items() if reason.endswith("_b"))
    assert (found.n + left_a, found.n + left_b) == (len(first), len(second))
    assert found.n == sum(min(first.count(text), second.count(text)) for text in set(first))


@pytest.mark.parametrize("n", [1, 3])
def test_a_run_over_itself_pairs_everything(place: OpenStore, n: int) -> None:
    run = run_over(place, [f"p{number}" for number in range(n)])
    assert pair_runs(place, run, run).n == n
