"""What a file is, whatever its ending says, and the one call that makes it ready to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tlm_dash.errors import InvalidInputError
from tlm_dash.interchange.delimited import prepare_delimited, table_delimiter
from tlm_dash.interchange.encodings import Encoding, checked_encoding, detect_encoding, read_head
from tlm_dash.interchange.evals_log import evals_rows, is_evals_log
from tlm_dash.interchange.json_rows import is_json_lines, json_table, line_rows
from tlm_dash.interchange.json_tables import tabular
from tlm_dash.interchange.openai_batch import batch_rows, is_batch_line
from tlm_dash.interchange.prepared import FORMATS, Format, Overrides, Prepared
from tlm_dash.interchange.spool import Row, Spooled, spool
from tlm_dash.interchange.workbook import sheet_of

_HEAD_BYTES = 256 << 10
# As much as an object may have that is read as a whole.
_LONGEST_LINE = 256 << 20
_EVENT_LINES = 3
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zX", b"\x28\xb5\x2f\xfd")
"""How gzip, bzip2, xz and zstd begin."""
_ENDINGS: dict[str, Format] = {".tsv": "tsv", ".tab": "tsv", ".txt": "text", ".csv": "csv"}


def prepare(paths: Sequence[Path], overrides: Overrides, work_dir: Path) -> Prepared:
    """Make one upload ready: find its format, and lay its rows out where DuckDB cannot read them itself.

    `work_dir` is an empty folder that must live as long as the result. Raises InvalidInputError with one
    clear sentence where a file cannot be used.
    """
    for path in paths:
        _check(path)
    if len(paths) != 1:
        return _prepare_batch(paths, work_dir)
    (path,) = paths
    try:
        return _prepare_one(path, overrides, work_dir)
    except UnicodeError as error:
        # Not every encoding can replace what it cannot read: UTF-16 without its mark ends here.
        taken_as = overrides.encoding or "the text that it seems to be"
        raise InvalidInputError(
            f"{path.name} cannot be read as {taken_as} ({error}).",
            hint="Choose another encoding, or none, to have it found out.",
        ) from None


def _prepare_one(path: Path, overrides: Overrides, work_dir: Path) -> Prepared:
    found = overrides.format or detect_format(path)
    if found not in FORMATS:
        raise InvalidInputError(f"There is no format {found!r}.", hint=f"Formats: {', '.join(FORMATS)}.")
    if found == "openai-batch":
        return _prepare_batch((path,), work_dir)
    if found == "xlsx":
        return _prepare_workbook(path, overrides, work_dir)
    if found == "parquet":
        return Prepared(format="parquet", layout="parquet", paths=(path,))
    if found in ("csv", "tsv"):
        return prepare_delimited(path, overrides, work_dir, is_tsv=found == "tsv")
    return _prepare_text(path, found, overrides, work_dir)


def detect_format(path: Path) -> Format:
    """Tell the format of a file by its content; the ending decides only between kinds of text."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1":
        return "parquet"
    if magic.startswith(_COMPRESSED):
        raise InvalidInputError(f"{path.name} is compressed.", hint="Unpack it and choose the file in it.")
    if magic.startswith(b"PK\x03\x04"):
        return "xlsx"
    encoding = detect_encoding(path)
    head = _head(path, encoding).lstrip("\ufeff \t\r\n")
    if head[:1] == "{" and "\n" not in head:
        head = _first_line_and_more(path, encoding)
    if head[:1] in "{[" and head:
        if is_batch_line(head.partition("\n")[0]):
            return "openai-batch"
        if is_json_lines(head, is_whole=path.stat().st_size <= _HEAD_BYTES):
            return "jsonl"
        if (
            path.suffix.lower() in (".json", ".jsonl", ".ndjson")
            or head[:1] == "{"
            or head[1:].lstrip()[:1] in '{"'
        ):
            return "json"
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    found = _ENDINGS.get(path.suffix.lower(), "csv")
    if found == "text" and (delimiter := table_delimiter(head)):
        return "tsv" if delimiter == "\t" else "csv"
    return found


def _prepare_text(path: Path, found: Format, overrides: Overrides, work_dir: Path) -> Prepared:
    encoding = checked_encoding(overrides.encoding) if overrides.encoding else detect_encoding(path)
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_open = False
    if found == "json":
        table = json_table(path, _python_name(encoding), overrides.sheet, overrides.has_header)
        sheet, sheets, warnings, is_open = table.key, table.keys, table.warnings, table.is_header_open
        spooled = spool(table.rows, work_dir)
    else:
        with path.open(encoding=_python_name(encoding), errors="replace", newline="\n") as file:
            rows = _plain_lines(file)
            if found == "jsonl" and is_evals_log(list(islice(file, _EVENT_LINES))):
                file.seek(0)
                joined, warnings = evals_rows(line_rows(file))
                rows = iter(joined)
            elif found == "jsonl":
                file.seek(0)
                rows, is_open = tabular(line_rows(file), overrides.has_header)
            spooled = spool(rows, work_dir)
    prepared = prepared_spool(
        path.name, found, spooled, encoding=encoding.name, sheet=sheet, sheets=sheets, warnings=warnings
    )
    return replace(prepared, is_header_open=is_open)


def _prepare_batch(paths: Sequence[Path], work_dir: Path) -> Prepared:
    others = [path.name for path in paths if len(paths) > 1 and detect_format(path) != "openai-batch"]
    if others or not paths:
        raise InvalidInputError(
            f"Several files are one upload only where all are OpenAI Batch files, not {', '.join(others)}.",
            hint="Import the files one after another.",
        )
    return prepared_spool(paths[0].name, "openai-batch", spool(batch_rows(paths), work_dir), encoding="utf-8")


def _prepare_workbook(path: Path, overrides: Overrides, work_dir: Path) -> Prepared:
    has_header = overrides.has_header is not False
    sheet, sheets = sheet_of(path, overrides.sheet, overrides.header_row, has_header=has_header)
    warnings: tuple[str, ...] = ()
    if len(sheets) > 1 and overrides.sheet is None:
        others = ", ".join(repr(name) for name in sheets if name != sheet.name)
        warnings += (f"The sheet {sheet.name!r} was taken; there are also {others}.",)
    if sheet.n_above:
        warnings += (f"{sheet.n_above} row{'s' if sheet.n_above > 1 else ''} above the header left out.",)
    if sheet.n_unknown:
        warnings += (
            f"{sheet.n_unknown} formulas have no stored result and are empty here: open the file in a "
            "spreadsheet program and save it.",
        )
    spooled = spool(sheet.rows, work_dir)
    return prepared_spool(path.name, "xlsx", spooled, sheet=sheet.name, sheets=sheets, warnings=warnings)


def prepared_spool(
    name: str,
    found: Format,
    spooled: Spooled,
    *,
    encoding: str | None = None,
    sheet: str | None = None,
    sheets: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Prepared:
    """Describe rows that were laid out. Raises InvalidInputError where there is none that can be used."""
    if not spooled.n_rows:
        raise InvalidInputError(f"{name} has no rows.", hint="Choose a file with rows.")
    if not spooled.names:
        reason = spooled.rejects[0].reason if spooled.rejects else "They hold nothing that has a name."
        raise InvalidInputError(
            f"No row of {name} can be used. {reason}",
            hint="Check the format, or save the file as CSV or JSONL.",
        )
    if spooled.n_surrogates:
        warnings += (f"{spooled.n_surrogates} broken characters (half emoji) were replaced by \ufffd.",)
    return Prepared(
        format=found, layout="spool", paths=spooled.paths, names=spooled.names, encoding=encoding,
        sheet=sheet, sheets=sheets, rejects=spooled.rejects, warnings=warnings,
    )  # fmt: skip


def _plain_lines(lines: Iterable[str]) -> Iterator[Row]:
    """Take every line that is not blank as a prompt."""
    kept = (line.rstrip("\r\n").lstrip("\ufeff") for line in lines)
    return (Row(number, line) for number, line in enumerate((line for line in kept if line.strip()), 1))


def _check(path: Path) -> None:
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise InvalidInputError(
            f"The name {str(path)!r} is not in UTF-8, so that the file cannot be read under it.",
            hint="Rename the file or its folder.",
        ) from None
    try:
        if path.is_dir():
            raise InvalidInputError(f"{path.name} is a folder.", hint="Choose one file in it.")
        if not path.is_file() and path.exists():
            raise InvalidInputError(
                f"{path.name} is a device or a pipe, not a file.", hint="Save what it gives as a file first."
            )
        if path.stat().st_size == 0:
            raise InvalidInputError(f"{path.name} is empty.", hint="Choose a file with rows.")
        path.open("rb").close()
    except OSError as error:
        raise InvalidInputError(
            f"The file {path} cannot be read ({error.strerror}).", hint="Check its name and who may read it."
        ) from None


def _head(path: Path, encoding: Encoding) -> str:
    if encoding.is_utf8:
        return read_head(path, _HEAD_BYTES)
    with path.open(encoding=encoding.name, errors="replace", newline="") as file:
        return file.read(_HEAD_BYTES // 2)


def _first_line_and_more(path: Path, encoding: Encoding) -> str:
    """Read on to the end of a line that is longer than a head: one row may hold a very long text."""
    with path.open(encoding=_python_name(encoding), errors="replace", newline="\n") as file:
        line = next((line for line in iter(lambda: file.readline(_LONGEST_LINE), "") if line.strip()), "")
        return (line + file.read(_HEAD_BYTES)).lstrip()


def _python_name(encoding: Encoding) -> str:
    return "utf-8-sig" if encoding.name == "utf-8" else encoding.name
