"""A file made ready to be read as one table: what it was found to be, and where DuckDB finds its rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Format = Literal["csv", "tsv", "jsonl", "json", "parquet", "xlsx", "openai-batch", "text"]
FORMATS: tuple[Format, ...] = ("csv", "tsv", "jsonl", "json", "parquet", "xlsx", "openai-batch", "text")

Role = Literal[
    "id", "prompt", "messages", "system", "response", "score", "reference", "label", "model", "preset",
    "scorer_model", "tag",
]  # fmt: skip
ROLES: tuple[Role, ...] = (
    "id", "prompt", "messages", "system", "response", "score", "reference", "label", "model", "preset",
    "scorer_model", "tag",
)  # fmt: skip

REJECT_CONTENT_CHARACTERS = 4000
"""How much of a rejected row is kept: enough to find and mend it."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a person says about a file that would otherwise be found out. None: find it out.

    `header_row` counts from 1 the rows that are not blank; those above it are left out.
    """

    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    has_header: bool | None = None
    header_row: int | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used. `row_no` counts from 1 without the header."""

    row_no: int
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """One table on disk. `names` are its columns as a person knows them, in order.

    `is_header_open`: whether the first row names the columns could not be told. `layout` says how to read
    `paths`: "delimited" (UTF-8 text), "parquet" (somebody else's file: its own columns, `names` empty) or
    "spool" (Parquet parts with the columns row_no, c0, c1 …, all text).
    """

    format: Format
    layout: Literal["delimited", "parquet", "spool"]
    paths: tuple[Path, ...]
    names: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    has_header: bool = True
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    longest_line_bytes: int = 0
    rejects: tuple[Reject, ...] = ()
    warnings: tuple[str, ...] = ()
    is_header_open: bool = False
