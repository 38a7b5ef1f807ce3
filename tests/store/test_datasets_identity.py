"""Hashes made by the thousand are those that models.py makes one by one."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from tlm_dash.models import canonical_json, messages_identity, response_hash, text_hash
from tlm_dash.store.identity import rows_of_messages, rows_of_prompts

AWKWARD = '\x00\x1f\x7f \x85\xa0\u2028\ufdd0"\\/\r\n\té😀 x'


@given(st.text(), st.none() | st.text(), st.text())
@example(f" {AWKWARD}\r\n", "  ", AWKWARD)
@example("a\r\nb", "be brief\r\n", "")
def test_prompts(prompt: str, system: str | None, response: str) -> None:
    (row,) = rows_of_prompts([prompt], [system])
    if not prompt.strip():
        assert row.problem == "The prompt is empty."
        return
    messages = [{"role": "user", "content": prompt}]
    if system and system.strip():
        messages.insert(0, {"role": "system", "content": system})
    assert row.messages == canonical_json(messages)
    assert row.prompt == prompt
    assert row.digest().hex() == text_hash(messages_identity(messages))
    assert row.response_digest(response.encode()).hex() == response_hash(messages, response)


content = st.text(min_size=1) | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}))
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]), "content": content}
)


@given(st.lists(message, max_size=4), st.text())
def test_messages(messages: list[dict[str, object]], response: str) -> None:
    (row,) = rows_of_messages([json.dumps(messages)])
    if row.problem is not None:
        return
    assert row.messages == canonical_json(messages)
    assert row.digest().hex() == text_hash(messages_identity(messages))
    assert row.response_digest(response.encode()).hex() == response_hash(messages, response)


def test_messages_that_cannot_be_used() -> None:
    texts = [None, "", "[", "{}", '["x"]', '[{"content": "x"}]', '[{"role": "system", "content": "x"}]',
             '[{"role": "user", "content": " "}]', "null", "[[[["]  # fmt: skip
    rows = rows_of_messages(texts)
    assert all(row.problem for row in rows)
