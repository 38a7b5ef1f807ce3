"""The migration that reads stored answers anew: calls and refusals get an identity of their own.

Before it, `response_hash` knew the text alone. All tool calls had the text "", so that different calls to one
prompt shared it, and a verdict on one counted for all. Here what was stored with each answer tells them apart
again. A label follows the answer that it was given to where that is certain: the one of its run and item, or
the only one that there is. Any other is set aside, and counts nowhere. Answers that are none become failures
that can be tried again; their score, of nothing, goes.

It changes rows, as nothing else does: inside one transaction, with a backup made before (migrations.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping

from tlm_dash.finish_reasons import NO_ANSWER, finish_class, is_whole
from tlm_dash.models import canonical_json
from tlm_dash.responses import (
    calls_of,
    hash_of_response,
    is_refusal,
    joined_calls,
    refusal_of,
    told_text,
    why_no_answer,
)
from tlm_dash.store.conversation import messages_of_item
from tlm_dash.store.label_parts import TRIMMED
from tlm_dash.store.labels_anew import Cursor, Row, keep, move_labels, rows_of
from tlm_dash.store.text import stored_text

_AT_ONCE = 5_000

# Most answers say "refusal": null, and have none.
_WITH_CALLS = """
SELECT completion_id FROM completion
WHERE regexp_matches(extra, '"(tool_calls|function_call|refusal)":\\s*\\[?\\s*["{]')
"""
_ANSWERS = """
SELECT c.completion_id, c.response_hash, c.response, c.finish_reason, c.extra, i.messages, i.prompt
FROM completion AS c JOIN item AS i ON i.dataset_id = c.dataset_id AND i.item_no = c.item_no
WHERE c.completion_id IN (SELECT unnest(?))
"""

# All answers that shared an identity with one that changes, and what each is now.
_SHARED = """
CREATE TEMPORARY TABLE shared_answer AS
SELECT c.completion_id, c.response_hash AS old_hash, coalesce(n.new_hash, c.response_hash) AS new_hash
FROM completion AS c LEFT JOIN new_answer AS n USING (completion_id)
WHERE c.response_hash IN (SELECT old_hash FROM new_answer WHERE old_hash <> new_hash)
"""
_MOVE = (
    """
    UPDATE completion SET response = n.response, response_hash = n.new_hash, is_refusal = n.is_refusal,
        extra = n.extra
    FROM new_answer AS n WHERE completion.completion_id = n.completion_id
    """,
    """
    UPDATE run_item SET response_hash = n.new_hash
    FROM new_answer AS n WHERE run_item.completion_id = n.completion_id
    """,
)

_NOTHING = f"""
SELECT completion_id, response, finish_reason, extra FROM completion
WHERE answered_by <> 'given' AND (
    trim(response, {TRIMMED}) = '' OR finish_reason IN (SELECT unnest(?))
    OR (
        regexp_matches(response, '^\\s*<(think|thinking|reasoning)>', 'i')
        AND NOT regexp_matches(response, '</(think|thinking|reasoning)>\\s*\\S', 'i')
    )
)
"""  # noqa: S608 - fixed text
_FAIL = """
UPDATE run_item SET status = 'error', error_kind = n.error_kind, error_message = n.error_message,
    error_hint = n.error_hint, trustworthiness_score = NULL, unscored_reason = NULL
FROM no_answer AS n WHERE run_item.completion_id = n.completion_id AND run_item.status = 'done'
"""
_FAILED_ITEMS = """
SELECT r.run_id, n.error_kind, count(DISTINCT r.item_no)
FROM run_item AS r JOIN no_answer AS n USING (completion_id) WHERE r.status = 'done' GROUP BY ALL
"""
_LAST_EVENTS = """
SELECT run_id, event_no, counts FROM run_event WHERE run_id IN (SELECT unnest(?)) AND counts IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY event_no DESC) = 1
"""
_MARK_EMPTY = f"""
UPDATE completion SET is_complete = false
WHERE is_complete AND strlen(response) <= 64 AND trim(response, {TRIMMED}) = ''
"""  # noqa: S608 - fixed text


def read_answers_anew(cursor: Cursor) -> None:
    """Change all tables that hold an answer or its identity. To be called inside a transaction, once."""
    _mark_endings(cursor)
    answers = _new_answers(cursor)
    if answers:
        keep(cursor, "new_answer", answers)
        cursor.execute(_SHARED).fetchall()
        move_labels(cursor)
        for statement in _MOVE:
            cursor.execute(statement).fetchall()
        for table in ("shared_answer", "new_answer"):
            cursor.execute(f"DROP TABLE {table}").fetchall()
    _fail_empty(cursor)


def mark_empty_answers(cursor: Cursor) -> None:
    """Mark empty answers as not complete. To be called inside a transaction, once."""
    cursor.execute(_MARK_EMPTY).fetchall()


def _mark_endings(cursor: Cursor) -> None:
    """Mark by the finish reason what is not whole, and what is a refusal."""
    found = cursor.execute(
        "SELECT DISTINCT finish_reason FROM completion WHERE finish_reason IS NOT NULL"
    ).fetchall()
    words = [word for (word,) in found]
    for column, wanted in (
        ("is_complete = false", [word for word in words if not is_whole(word)]),
        ("is_refusal = true", [word for word in words if finish_class(word) == "refused"]),
    ):
        if wanted:
            cursor.execute(
                f"UPDATE completion SET {column} WHERE finish_reason IN (SELECT unnest(?))",  # noqa: S608 - above
                [wanted],
            ).fetchall()


def _new_answers(cursor: Cursor) -> list[Row]:
    ids = [found for (found,) in cursor.execute(_WITH_CALLS).fetchall()]
    answers = []
    for start in range(0, len(ids), _AT_ONCE):
        for row in rows_of(cursor, _ANSWERS, [ids[start : start + _AT_ONCE]]):
            extra = json.loads(row["extra"])
            if not calls_of(extra) and not refusal_of(extra):
                continue
            messages = messages_of_item(row["messages"], row["prompt"])
            text = told_text("" if row["response"] == refusal_of(extra) else row["response"], extra)
            answers.append({
                "completion_id": row["completion_id"], "old_hash": row["response_hash"],
                "new_hash": hash_of_response(messages, text, extra), "response": stored_text(text),
                "is_refusal": is_refusal(extra, row["finish_reason"]), "extra": _with_whole_calls(extra),
            })  # fmt: skip
    return answers


def _with_whole_calls(extra: Row) -> str:
    """Write what came with an answer; calls were once stored in the pieces that they were streamed in."""
    message = extra["message"]
    if isinstance(message.get("tool_calls"), list):
        extra = {**extra, "message": {**message, "tool_calls": joined_calls(message["tool_calls"])}}
    return stored_text(canonical_json(extra))


def _fail_empty(cursor: Cursor) -> None:
    """Turn rows whose answer is none into failures, and count them so."""
    words = [
        word
        for (word,) in cursor.execute("SELECT DISTINCT finish_reason FROM completion").fetchall()
        if finish_class(word) == "failed"
    ]
    found = []
    for row in rows_of(cursor, _NOTHING, [words or [""]]):
        why = why_no_answer(row["response"], json.loads(row["extra"]), row["finish_reason"])
        if why is not None:
            kind, sentence, hint = NO_ANSWER[why]
            message = sentence.format(word=row["finish_reason"])
            found.append({
                "completion_id": row["completion_id"], "error_kind": kind,
                "error_message": stored_text(message), "error_hint": hint,
            })  # fmt: skip
    if not found:
        return
    keep(cursor, "no_answer", found)
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    for run_id, kind, n in cursor.execute(_FAILED_ITEMS).fetchall():
        counted[run_id][kind] = n
    cursor.execute(_FAIL).fetchall()
    cursor.execute("DROP TABLE no_answer").fetchall()
    _count_anew(cursor, counted)


def _count_anew(cursor: Cursor, failed: Mapping[str, Mapping[str, int]]) -> None:
    """Move items from done to failed in the counts that the last event of a run keeps."""
    events = []
    for run_id, event_no, written in cursor.execute(_LAST_EVENTS, [list(failed)]).fetchall():
        counts = json.loads(written)
        n = sum(failed[run_id].values())
        counts["n_done"] = max(0, counts.get("n_done", 0) - n)
        counts["n_error"] = counts.get("n_error", 0) + n
        errors = dict(counts.get("errors") or {})
        for kind, of_kind in failed[run_id].items():
            errors[kind] = errors.get(kind, 0) + of_kind
        counts["errors"] = errors
        events.append({"run_id": run_id, "event_no": event_no, "counts": canonical_json(counts)})
    if events:
        keep(cursor, "counted", events)
        cursor.execute(
            "UPDATE run_event SET counts = c.counts FROM counted AS c "
            "WHERE run_event.run_id = c.run_id AND run_event.event_no = c.event_no"
        ).fetchall()
        cursor.execute("DROP TABLE counted").fetchall()
