"""Responses and scores of an export, as rows of the tables that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.models import AnsweredBy
from tlm_dash.store.hygiene import Hygiene
from tlm_dash.store.restored_items import RowHashes
from tlm_dash.store.staging import Staged

# Runs that score one response have one row for it; two responses that only read the same differ in these.
_OF_A_RESPONSE = (
    "item_no", "response_hash", "answered_by", "model", "resolved_model", "finish_reason", "latency_ms",
    "first_token_ms", "input_tokens", "output_tokens",
)  # fmt: skip


def result_tables(
    columns: Mapping[str, Any],
    typed: Mapping[str, Any],
    hashes: RowHashes,
    run_ids: Any,  # noqa: ANN401 - an Arrow column
    hygiene: Hygiene,
) -> tuple[Staged, Any]:
    """Give the rows of completion, run_item and run_item_text, and which rows have a score."""
    given = pc.is_valid(columns["response"])
    ids = pc.binary_join_element_wise(run_ids, typed["item_no"].cast(pa.string()), "-")
    first = _first_of_response(columns, typed, hashes)
    ids = pc.if_else(given, ids.take(first), None)
    own = pc.and_(given, pa.array(first.to_numpy() == np.arange(len(first))))
    scores, reasons = _scores(columns, typed["trustworthiness_score"], hygiene)
    attempt_no = pc.fill_null(typed["attempt_no"], 1).cast(pa.int32())
    run_item = {
        "run_id": run_ids, "item_no": typed["item_no"], "attempt_no": attempt_no,
        "status": columns["status"], "completion_id": ids, "response_hash": hashes.response_hash,
        "trustworthiness_score": scores, "unscored_reason": reasons,
        "score_latency_ms": typed["score_latency_ms"],
    } | {name: columns[name] for name in ("error_kind", "error_message", "error_hint")}  # fmt: skip
    # An item that a run never came to has no row.
    reached = pc.or_(pc.not_equal(columns["status"], "pending"), given)
    text = {
        "run_id": run_ids, "item_no": typed["item_no"], "attempt_no": attempt_no,
        "explanation": columns["explanation"], "log": pc.fill_null(typed["log"], "{}"),
    }  # fmt: skip
    with_text = pc.or_(pc.is_valid(columns["explanation"]), pc.is_valid(typed["log"]))
    completion = _completion(columns, typed, hashes, ids)
    found = (
        ("completion", completion, own),
        ("run_item", run_item, reached),
        ("run_item_text", text, with_text),
    )
    staged = {
        table: [{name: column.filter(kept) for name, column in made.items()}]
        for table, made, kept in found
        if pc.any(kept).as_py()
    }
    return staged, pc.is_valid(scores)


def _completion(
    columns: Mapping[str, Any],
    typed: Mapping[str, Any],
    hashes: RowHashes,
    ids: Any,  # noqa: ANN401
) -> dict[str, Any]:
    texts = ("response", "model", "resolved_model", "finish_reason")
    numbers = (
        "item_no",
        "input_tokens",
        "output_tokens",
        "latency_ms",
        "first_token_ms",
        "is_complete",
        "is_refusal",
    )
    known = pc.is_in(columns["answered_by"], pa.array(get_args(AnsweredBy)))
    return {
        "completion_id": ids, "response_hash": hashes.response_hash,
        "answered_by": pc.if_else(known, columns["answered_by"], "given"),
        "extra": pc.fill_null(typed["response_extra"], "{}"),
    } | {name: columns[name] for name in texts} | {name: typed[name] for name in numbers}  # fmt: skip


def _first_of_response(columns: Mapping[str, Any], typed: Mapping[str, Any], hashes: RowHashes) -> Any:  # noqa: ANN401
    """Give for each row the number of the first row with the same response."""
    n_rows = len(hashes)
    if len(pc.unique(columns["run_id"])) < 2:
        return pa.array(np.arange(n_rows))
    told = {**columns, **typed, "response_hash": hashes.response_hash}
    parts = [told[name].cast(pa.string()) for name in _OF_A_RESPONSE]
    keys = pc.binary_join_element_wise(*parts, "\x1f", null_handling="replace", null_replacement="")
    coded = keys.dictionary_encode().indices.to_numpy()
    _, first = np.unique(coded, return_index=True)
    return pa.array(first[coded])


def _scores(columns: Mapping[str, Any], numbers: Any, hygiene: Hygiene) -> tuple[Any, Any]:  # noqa: ANN401
    """Give scores from 0 to 1 and, without one, the reason."""
    fits = pc.and_(pc.greater_equal(numbers, 0.0), pc.less_equal(numbers, 1.0))
    scores = pc.if_else(pc.fill_null(fits, fill_value=False), numbers, None)
    bad = pc.and_(pc.is_valid(columns["trustworthiness_score"]), pc.is_null(scores))
    if not (n_bad := int(pc.sum(bad).as_py() or 0)):
        return scores, columns["unscored_reason"]
    hygiene.bad_scores += n_bad
    told = "The file says something here that is not a number from 0 to 1."
    return scores, pc.if_else(bad, told, columns["unscored_reason"])
