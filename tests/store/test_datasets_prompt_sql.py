"""Messages and identities that SQL makes are those that models.py makes."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlm_dash.models import canonical_json, messages_identity, response_hash, text_hash
from tlm_dash.store.identity import rows_of_batch
from tlm_dash.store.prompt_sql import prompt_expression, with_messages

AWKWARD = '\x00\x0b\x1f\x7f \x85\xa0\u2028\ufdd0"\\/\r\n\té😀 x'
WHITE = [chr(code) for code in range(0x110000) if chr(code).isspace()]

text = st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(
    st.sampled_from([*WHITE, "a", '"'])
)


def made(prompts: list[str | None], systems: list[str | None]) -> list[dict[str, object]]:
    """Run the SQL over some rows; gives for each prompt, messages and hashes of it and of a response."""
    connection = duckdb.connect()
    table = pa.table({"p": pa.array(prompts, pa.string()), "s": pa.array(systems, pa.string())})
    connection.register("rows", table)
    sql = with_messages("rows", ["p AS c0"], prompt_expression([("", "p")]), "s")
    table = connection.sql(sql).to_arrow_table().combine_chunks()
    connection.close()
    columns = [table.column(name).combine_chunks() for name in ("prompt", "system", "messages", "identity")]
    return [
        {
            "problem": row.problem,
            "messages": row.messages,
            "digest": "" if row.problem else row.digest().hex(),
            "answer": "" if row.problem else row.response_digest(b"x").hex(),
        }
        for row in rows_of_batch(*columns)
    ]


@given(st.lists(st.tuples(text, st.none() | text), min_size=1, max_size=30))
@example([(AWKWARD, None), (f" {AWKWARD}\r\n", AWKWARD), ("a\r\nb", "be brief\r\n"), ("", "x"), ("x", " ")])
@example([(white + "x" + white, white + "y") for white in WHITE])
@example([("long " * 300_000, None)])
@settings(deadline=None, max_examples=40)
def test_the_same(pairs: list[tuple[str, str | None]]) -> None:
    found = made([prompt for prompt, _ in pairs], [system for _, system in pairs])
    for (prompt, system), row in zip(pairs, found, strict=True):
        if not prompt.strip():
            assert row["problem"] == "The prompt is empty."
            continue
        messages = [{"role": "user", "content": prompt}]
        if system is not None and system.strip():
            messages.insert(0, {"role": "system", "content": system})
        assert row["messages"] == canonical_json(messages)
        assert row["digest"] == text_hash(messages_identity(messages))
        assert row["answer"] == response_hash(messages, "x")


def test_templates_join_texts_and_columns() -> None:
    sql = "SELECT " + prompt_expression([("it's ", "a"), (": ", "b"), ("!", None)])
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'x' AS a, NULL::VARCHAR AS b").fetchall()
        assert connection.execute(sql + " FROM t").fetchall() == [("it's x: !",)]
