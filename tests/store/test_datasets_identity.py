"""Messages and hashes made by the thousand are those that models.py makes one by one."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlm_dash.models import canonical_json, messages_identity, response_hash, text_hash
from tlm_dash.store.identity import EMPTY_PROMPT, PromptRows, joined, rows_of_messages, rows_of_prompts

AWKWARD = '\x00\x0b\x1f\x7f \x85\xa0\u2028\ufdd0"\\/\r\n\té😀 x'
WHITE = [chr(code) for code in range(0x110000) if chr(code).isspace()]

any_text = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
text = any_text | st.text(st.sampled_from([*WHITE, "a", '"']))
Prompt = tuple[str, str | None, str | None]


def column(values: list[str | None]) -> object:
    return pa.array(values, pa.string())


def made(rows: PromptRows, number: int, answers: list[str | None]) -> tuple[object, str, str | None]:
    """Give messages, prompt_hash and response_hash of one row."""
    answered = rows.response_digests(column(answers))[number]
    return rows.messages[number].as_py(), rows.digests()[number].hex(), answered and answered.hex()


@given(st.lists(st.tuples(text, st.none() | text, st.none() | any_text), min_size=1, max_size=5))
@example([(AWKWARD, None, AWKWARD), (f" {AWKWARD}\r\n", "  ", ""), ("a\r\nb", "be brief\r\n", None)])
@example([(white + "x" + white, white + "y", white) for white in WHITE])
@settings(deadline=None)
def test_prompts(prompts: list[Prompt]) -> None:
    answers = [answer for _, _, answer in prompts]
    rows = rows_of_prompts(column([p for p, _, _ in prompts]), column([system for _, system, _ in prompts]))
    kept = [prompt for prompt in prompts if prompt[0].strip()]
    assert set(rows.problems.values()) <= {EMPTY_PROMPT}
    assert len(rows.problems) == len(prompts) - len(kept)
    rows = rows.without_refused()
    answers = [answer for _, _, answer in kept]
    for number, (prompt, system, answer) in enumerate(kept):
        messages = [{"role": "user", "content": prompt}]
        if system and system.strip():
            messages.insert(0, {"role": "system", "content": system})
        assert made(rows, number, answers) == (
            canonical_json(messages) if len(messages) > 1 else None,
            text_hash(messages_identity(messages)),
            None if answer is None else response_hash(messages, answer),
        )


content = any_text | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": any_text}))
role = st.sampled_from(["system", "user", "assistant"])
message = st.fixed_dictionaries({"role": role, "content": content})


@given(st.lists(message, max_size=4), any_text)
@example([{"role": "user", "content": AWKWARD}], "yes")
@example([{"role": "user", "content": [{"type": "text", "text": "Why?"}]}], "yes")
@settings(deadline=None)
def test_messages(messages: list[dict[str, object]], answer: str) -> None:
    rows = rows_of_messages(column([json.dumps(messages)]))
    if rows.problems:
        return
    said = messages[-1]["content"]
    is_plain = messages == [{"role": "user", "content": said}] and isinstance(said, str)
    assert made(rows, 0, [answer]) == (
        None if is_plain else canonical_json(messages),
        text_hash(messages_identity(messages)),
        response_hash(messages, answer),
    )


def test_messages_that_cannot_be_used() -> None:
    texts = [None, "", "[", "{}", '["x"]', '[{"content": "x"}]', '[{"role": "system", "content": "x"}]',
             '[{"role": "user", "content": " "}]', "null", "[[[["]  # fmt: skip
    assert rows_of_messages(column(texts)).problems.keys() == set(range(len(texts)))


def test_templates_join_texts_and_columns() -> None:
    parts = [("it's ", column(["x", None])), (": ", column([None, "y"])), ("!", None)]
    assert joined(parts, 2).to_pylist() == ["it's x: !", "it's : y!"]


def test_more_rows_than_a_slice() -> None:
    prompts: list[str | None] = [f"{number}?" if number % 3 else "" for number in range(40_000)]
    rows = rows_of_prompts(column(prompts), None)
    assert len(rows.problems) == len([prompt for prompt in prompts if not prompt])
    kept = rows.without_refused()
    assert kept.prompts.to_pylist() == [prompt for prompt in prompts if prompt]
    last = [{"role": "user", "content": "39998?"}]
    assert kept.messages.null_count == len(kept.prompts)
    assert kept.response_digests(kept.prompts)[-1] == bytes.fromhex(response_hash(last, "39998?"))
