"""SQL that makes chat messages of prompts while a file is read, the same text as models.canonical_json makes.

Rows with rare control characters get NULL here and are made one by one in identity.py: DuckDB writes their
JSON escapes in capitals. A test holds both equal to models.py.
"""

from __future__ import annotations

from collections.abc import Sequence

# Everything that str.strip() takes away.
_WHITE = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
                           0x2028, 0x2029, 0x202F, 0x205F, 0x3000)))  # fmt: skip


# Several copies of a longer prompt would stand beside each other: it is left to be made by itself.
_LONG_BYTES = 1 << 20


def quoted_text(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def prompt_expression(parts: Sequence[tuple[str, str | None]]) -> str:
    """Join texts and the expressions after them; of one bare expression, that itself."""
    if len(parts) == 1 and parts[0][0] == "" and parts[0][1] is not None:
        return parts[0][1]
    joined = [
        piece for text, name in parts for piece in (quoted_text(text), name and f"coalesce({name}, '')")
    ]
    return "concat(" + ", ".join(piece for piece in joined if piece) + ")"


def with_messages(source: str, columns: Sequence[str], prompt: str, system: str | None) -> str:
    """Select `columns` with prompt, system, messages and identity.

    `identity` is NULL where the messages are their own identity; `messages` is NULL for rows that are to be
    made one by one, empty prompts among them.
    """
    white = quoted_text(_WHITE)
    listed = "".join(f"{column}, " for column in columns)
    names = "".join(f"{column.rpartition(' AS ')[2]}, " for column in columns)
    return f"""
    SELECT {names} prompt, system,
        CASE WHEN plain = '' OR contains(messages, '\\u00') THEN NULL ELSE messages END AS messages,
        CASE WHEN plain = short AND plain_system IS NOT DISTINCT FROM system THEN NULL
            ELSE {_messages("plain", "plain_system")} END AS identity
    FROM (
        SELECT *, {_messages("short", "system")} AS messages,
            {_plain("short", white)} AS plain, {_plain("system", white)} AS plain_system
        FROM (
            SELECT *, CASE WHEN strlen(prompt) <= {_LONG_BYTES} THEN prompt END AS short
            FROM (
                SELECT {listed} {prompt} AS prompt, {_unless_blank(system, white)} AS system FROM {source}
            )
        )
    )
    """  # noqa: S608 - names of our own and quoted literals


def _plain(name: str, white: str) -> str:
    return f"trim(replace({name}, chr(13) || chr(10), chr(10)), {white})"


def _unless_blank(system: str | None, white: str) -> str:
    return (
        "NULL::VARCHAR"
        if system is None
        else f"CASE WHEN trim({system}, {white}) = '' THEN NULL ELSE {system} END"
    )


def _messages(prompt: str, system: str) -> str:
    user = f"""'{{"content":' || CAST(to_json({prompt}) AS VARCHAR) || ',"role":"user"}}]'"""
    first = f"""'[{{"content":' || CAST(to_json({system}) AS VARCHAR) || ',"role":"system"}},'"""
    return f"CASE WHEN {system} IS NULL THEN '[' ELSE {first} END || {user}"
