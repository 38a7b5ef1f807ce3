"""Which items of its dataset a run takes, as its selection says, and which of them it has not come to."""

from __future__ import annotations

from typing import Any

from tlm_dash.store.run_models import Selection

PILOT_SEED = "pilot"


def draw_hash(seed: str, item_no: str = "item_no") -> str:
    """Write by what items are drawn: the same in every engine and version, unlike a random function."""
    return f"md5(concat({seed}, ':', {item_no}))"


def is_drawn(cut: str, seed: str, item_no: str = "item_no") -> str:
    """Write the condition that an item is drawn; without a cut every item is."""
    return f"({cut} IS NULL OR {draw_hash(seed, item_no)} <= {cut})"


def is_in_pilot(cut: str, item_no: str = "item_no") -> str:
    """Write the condition that an item of a run is one of its pilot."""
    return is_drawn(cut, f"'{PILOT_SEED}'", item_no)


IS_DRAWN = is_drawn("$cut", "$cut_seed")
IS_SELECTED = f"item_no <= $last AND {IS_DRAWN}"
"""Condition on the items of a dataset, with `selection_parameters`."""

NOT_REACHED = f"""
not_reached AS (
    SELECT p.run_id, i.item_no, 1 AS attempt_no, 'pending' AS status
    FROM run_plan AS p JOIN run USING (run_id)
    JOIN item AS i ON i.dataset_id = run.dataset_id AND i.item_no <= p.last_item_no
        AND {is_drawn("p.sample_cut", "p.sample_seed", "i.item_no")}
    ANTI JOIN (SELECT item_no FROM run_item WHERE run_id IN (SELECT unnest($run_ids))) AS reached
        ON reached.item_no = i.item_no
    WHERE p.run_id IN (SELECT unnest($run_ids)) AND (p.source_run_id IS NULL OR i.item_no IN (
        SELECT given.item_no FROM run_item AS given
        JOIN run_plan AS taker ON taker.source_run_id = given.run_id
        WHERE taker.run_id IN (SELECT unnest($run_ids)) AND given.completion_id IS NOT NULL
    ))
)"""  # noqa: S608 - fixed text
"""Table expression: items that the one run of `$run_ids` takes and has no row of yet; they are pending.

A run that scores responses which are there takes the items that have one."""


def selection_parameters(selection: Selection) -> dict[str, Any]:
    """Give the parameters of `IS_SELECTED`."""
    return {
        "last": selection.last_item_no, "cut": selection.sample_cut, "cut_seed": selection.sample_seed,
    }  # fmt: skip
