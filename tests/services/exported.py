"""A dataset with two runs that has everything an export must carry, and what can be seen of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tlm_dash.models import canonical_json, messages_identity, new_id, text_hash, utc_now
from tlm_dash.responses import hash_of_response, refusal_of, told_text
from tlm_dash.store.conversation import messages_of_item
from tlm_dash.store.database import Store
from tlm_dash.store.labels import run_labels

Row = dict[str, Any]

_SEEN = """
WITH {labels}
SELECT
    run.name AS run, run.mode, run.answered_by, run.endpoint, run.provider, run.model, run.quality_preset,
    run.scorer_model, run.settings, r.item_no, i.prompt, i.messages, i.prompt_hash, i.reference, e.source_id,
    coalesce(e.tags, '{{}}') AS tags, coalesce(e.extra, '{{}}') AS extra, r.status, r.attempt_no,
    r.response_hash, r.trustworthiness_score, r.unscored_reason, r.error_kind, r.error_message, r.error_hint,
    r.score_latency_ms, c.response, c.model AS answered_model, c.resolved_model, c.finish_reason,
    c.input_tokens, c.output_tokens, c.latency_ms, c.first_token_ms, c.is_complete,
    c.is_refusal, c.extra AS response_extra, t.explanation,
    coalesce(t.log, '{{}}') AS log, r.label, r.label_state, r.n_annotators, r.annotators,
    l.label AS label_text
FROM run_label AS r JOIN run USING (run_id)
JOIN item AS i ON i.dataset_id = run.dataset_id AND i.item_no = r.item_no
LEFT JOIN item_extra AS e ON e.dataset_id = run.dataset_id AND e.item_no = r.item_no
LEFT JOIN completion AS c ON c.completion_id = r.completion_id
LEFT JOIN run_item_text AS t
    ON t.run_id = r.run_id AND t.item_no = r.item_no AND t.attempt_no = r.attempt_no
LEFT JOIN imported_label AS l ON l.run_id = r.run_id AND l.item_no = r.item_no
ORDER BY r.item_no, run.name
"""

_SAID = """
SELECT response_hash, item_no, kind, verdict, note, annotator, plan_id, inclusion_probability, score_visible,
    created_at
FROM annotation WHERE dataset_id = ? ORDER BY response_hash, created_at, kind
"""


def seen(store: Store, dataset_id: str) -> list[Row]:
    """Give everything that a person can see of the runs of a dataset, row by row."""
    run_ids = [row[0] for row in store.read("SELECT run_id FROM run WHERE dataset_id = ?", [dataset_id])]
    sql = _SEEN.format(labels=run_labels(store, run_ids))
    rows = store.read_rows(sql, {"run_ids": run_ids})
    return [{**row, "messages": messages_of_item(row["messages"], row["prompt"])} for row in rows]


def said(store: Store, dataset_id: str) -> list[Row]:
    """Give every annotation of a dataset, but for its id, source and run."""
    return store.read_rows(_SAID, [dataset_id])


@dataclass(frozen=True)
class Made:
    """A dataset and its two runs: both score the same responses."""

    dataset_id: str
    run_ids: tuple[str, str]


def make(store: Store, texts: Sequence[tuple[str, str | None]], name: str = "Mine") -> Made:
    """Store prompts with responses (None: the first run failed there) in two runs, one of them unscored.

    Every second response has a label of one kind or another, prompts and responses serve as notes and extras.
    """
    dataset_id, now = new_id(), utc_now()
    runs = [_run(dataset_id, f"{name} · low", "low"), _run(dataset_id, f"{name} · medium", "medium")]
    tables: dict[str, list[Row]] = {
        "dataset": [{"dataset_id": dataset_id, "name": name, "kind": "uploaded", "created_at": now}],
        "run": runs,
        "imported_run": [
            {
                "run_id": run["run_id"], "dataset_id": dataset_id, "response_column": "answer",
                "label_column": "is it right?", "n_items": len(texts),
            }
            for run in runs
        ],
        "label_spelling": [
            {
                "dataset_id": dataset_id, "label_column": "is it right?", "spelling": spelling,
                "meaning": meaning, "created_at": now,
            }
            for spelling, meaning in (("O", "correct"), ("X", "incorrect"), ("?", "unsure"))
        ],
    }  # fmt: skip
    for number, (prompt, response) in enumerate(texts):
        _add(tables, runs, number, prompt, response)
    store.append(tables).result(60)
    return Made(dataset_id, (runs[0]["run_id"], runs[1]["run_id"]))


def _run(dataset_id: str, name: str, preset: str) -> Row:
    return {
        "run_id": new_id(), "dataset_id": dataset_id, "name": name, "mode": "generate-then-score",
        "answered_by": "provider", "endpoint": "http://127.0.0.1:9/api", "provider": "http://127.0.0.1:9/v1",
        "model": "gpt-4.1-nano", "quality_preset": preset, "scorer_model": "gpt-4.1-mini",
        "settings": {"params": {"temperature": 0.1}, "template": "{prompt}\n\u2028"},
        "settings_hash": new_id(), "created_at": utc_now(),
    }  # fmt: skip


def _add(
    tables: dict[str, list[Row]], runs: Sequence[Row], number: int, prompt: str, response: str | None
) -> None:
    dataset_id, item_no, now = runs[0]["dataset_id"], 3 * number + 1, utc_now()
    messages: list[Row] = [{"role": "user", "content": prompt}]
    if number % 3 == 1:
        messages.insert(0, {"role": "system", "content": prompt + " Be brief."})
    elif number % 3 == 2:
        messages[:0] = [{"role": "user", "content": "Before."}, {"role": "assistant", "content": "Yes."}]

    def put(table: str, **row: object) -> None:
        tables.setdefault(table, []).append(row)

    put(
        "item", dataset_id=dataset_id, item_no=item_no, prompt=prompt, messages=canonical_json(messages),
        prompt_hash=text_hash(messages_identity(messages)), reference=response if number % 2 else None,
        created_at=now,
    )  # fmt: skip
    put(
        "item_extra", dataset_id=dataset_id, item_no=item_no, source_id=prompt if number % 2 else None,
        tags={"topic": "a", "odd": prompt[:5]}, extra={"left": response or "", prompt[:9]: "x"},
    )  # fmt: skip
    completion_id, hashed = None, None
    if response is not None:
        response, extra = _answer(number, response)
        completion_id, hashed = new_id(), hash_of_response(messages, response, extra)
        put(
            "completion", completion_id=completion_id, dataset_id=dataset_id, item_no=item_no,
            response_hash=hashed, response=response, answered_by="provider", model="gpt-4.1-nano",
            resolved_model="gpt-4.1-nano-2025", finish_reason="stop", input_tokens=7, output_tokens=number,
            latency_ms=0.1 + number, first_token_ms=1 / 3,
            is_complete=number % 2 == 0 and bool(response.strip(" \t\n\v\f\r\xa0")),
            is_refusal=True if refusal_of(extra) else None, extra=extra, created_at=now,
        )  # fmt: skip
        _label(put, dataset_id, item_no, hashed, number, response, [run["run_id"] for run in runs])
    for run, score in zip(runs, (1 / (number + 3), None), strict=True):
        same = {"run_id": run["run_id"], "item_no": item_no, "attempt_no": 1 + number % 2}
        if hashed is None:
            put(
                "run_item", **same, status="error", error_kind="timeout",
                error_message=f"No answer: {prompt}", error_hint="Try again.", written_at=now,
            )  # fmt: skip
            continue
        put(
            "run_item", **same, status="done", completion_id=completion_id, response_hash=hashed,
            trustworthiness_score=score, unscored_reason=None if score else "Not asked.",
            score_latency_ms=12.25, written_at=now,
        )  # fmt: skip
        put("run_item_text", **same, explanation=response, log={"why": prompt, "n": 0.1})


def _answer(number: int, text: str) -> tuple[str, Row]:
    """Make every fourth response a call beside text, and another a refusal; give its text and its extra."""
    extra: Row = {"fingerprint": [1, None]}
    if number % 4 == 1:
        function = {"name": "look", "arguments": canonical_json({"q": text, "n": number})}
        extra["message"] = {"tool_calls": [{"id": "t", "type": "function", "function": function}]}
    elif number % 4 == 3:
        extra["message"] = {"refusal": text}
    return told_text(text, extra), extra


def _label(
    put: Any,  # noqa: ANN401 - a function of `_add`
    dataset_id: str,
    item_no: int,
    hashed: str,
    number: int,
    note: str,
    run_ids: Sequence[str],
) -> None:
    first = utc_now()

    def annotate(after_s: int, annotator: str, kind: str, verdict: str | None, **more: object) -> None:
        row = {
            "annotation_id": new_id(), "dataset_id": dataset_id, "item_no": item_no, "response_hash": hashed,
            "kind": kind, "verdict": verdict, "annotator": annotator, "source": "person",
            "score_visible": False, "created_at": first + timedelta(seconds=after_s),
        }  # fmt: skip
        put("annotation", **(row | more))

    match number % 8:
        case 0:
            annotate(0, "Ann", "verdict", "correct", note=note, plan_id="plan", inclusion_probability=0.1)
        case 1:
            for run_id, spelling in zip(run_ids, ("O", " X "), strict=True):
                put("imported_label", run_id=run_id, item_no=item_no, response_hash=hashed, label=spelling)
        case 2:
            annotate(0, "Ann", "verdict", "correct")
            annotate(1, "Bob", "verdict", "incorrect", score_visible=True)
            annotate(2, "Cas", "resolution", "incorrect", note="Both looked again.")
        case 3:
            annotate(0, "Ann", "verdict", "correct")
            annotate(1, "Ann", "retraction", None)
            annotate(2, "Bob", "skip", None)
        case 4:
            annotate(0, "Ann", "verdict", "correct")
            annotate(1, "file.csv", "verdict", "incorrect", source="imported")
        case 5:
            put("imported_label", run_id=run_ids[0], item_no=item_no, response_hash=hashed, label="?")
        case 6:
            put(
                "imported_label", run_id=run_ids[1], item_no=item_no, response_hash=hashed, label="never read"
            )
        case _:
            annotate(0, "Ann", "verdict", "unsure")
