"""Which encoding a text file is in, and a copy of it in UTF-8 where it is in another one."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from tlm_dash.errors import InvalidInputError
from tlm_dash.models import EXPORT_MARK

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK_BYTES = 1 << 20
# Text beyond this is taken to be like the text before it; a row that is not is rejected with that reason.
_CHECKED_BYTES = 256 << 20
_EVIDENCE_BYTES = 64 << 10
# A file in UTF-8 with some broken characters stays UTF-8: its broken rows are rejected one by one.
_BROKEN_SHARE = 0.1
# Words of Western languages are mostly plain letters; those of others, misread as Western, are not.
_MOST_WESTERN_SHARE = 0.4
_CHINESE = set(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后么心多天而能好都然没"
    "這個來說們為時會過學對後麼沒問答哪什问"
)
_WESTERN = set("àâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝ«»–—‘’“”„…€£§°·•™©®´¿¡\xa0šŠžŽ")
_LIKENESSES: tuple[tuple[str, float, Callable[[str], bool]], ...] = (
    ("cp932", 0.25, lambda c: "\u3040" <= c <= "\u30ff"),
    ("cp949", 0.7, lambda c: "\uac00" <= c <= "\ud7a3"),
    ("gb18030", 0.08, _CHINESE.__contains__),
    ("big5", 0.08, _CHINESE.__contains__),
    ("cp1252", 0.95, _WESTERN.__contains__),
)
"""Encodings in the order of trying: the share of foreign characters that must be common ones there."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` is one that Python knows. `is_utf8`: DuckDB can read the file as it is."""

    name: str
    is_utf8: bool


def detect_encoding(path: Path) -> Encoding:
    """Tell the encoding of a text file by its mark, its bytes, or its likeliest reading.

    Raises InvalidInputError where the bytes are no text at all.
    """
    with path.open("rb") as file:
        head = file.read(_EVIDENCE_BYTES)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return Encoding(name, name == "utf-8")
    if wide := _wide_without_mark(head):
        return Encoding(wide, is_utf8=False)
    # What we exported ourselves is text, whatever a model answered.
    if head.count(0) > len(head) // 1000 + 2 and EXPORT_MARK.encode() not in head:
        raise InvalidInputError(
            f"{path.name} is not text: it holds binary data.",
            hint="Save it as CSV, JSONL, Parquet or XLSX, with the ending of that format.",
        )
    evidence = _not_utf8(path)
    return Encoding("utf-8", is_utf8=True) if evidence is None else Encoding(_legacy(evidence), is_utf8=False)


def checked_encoding(name: str) -> Encoding:
    """Take the name of an encoding from a person. Raises InvalidInputError for one that does not exist."""
    try:
        found = codecs.lookup(name.strip()).name
        "".encode(found)
    except (LookupError, ValueError):
        raise InvalidInputError(
            f"There is no text encoding {name!r}.",
            hint="Examples: utf-8, utf-16, cp1252, gb18030, shift_jis.",
        ) from None
    return Encoding(found, found in ("utf-8", "utf-8-sig", "ascii"))


def as_utf8(path: Path, encoding: Encoding, work_dir: Path) -> tuple[Path, int]:
    """Give a file with the same text in UTF-8, and how many characters could not be read.

    The file itself is given where it is UTF-8 already; a copy is written piece by piece.
    """
    if encoding.is_utf8:
        return path, 0
    copy = work_dir / f"{path.stem}.utf8{path.suffix}"
    decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")
    replaced = 0
    with path.open("rb") as source, copy.open("w", encoding="utf-8", newline="") as target:
        while True:
            chunk = source.read(_CHUNK_BYTES)
            text = decoder.decode(chunk, final=not chunk)
            replaced += text.count("\ufffd")
            target.write(text)
            if not chunk:
                return copy, replaced


def read_head(path: Path, n_bytes: int = _EVIDENCE_BYTES) -> str:
    """Give the beginning of a UTF-8 file as text, without its mark and without a character cut in half."""
    with path.open("rb") as file:
        head = file.read(n_bytes)
    return codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode(head)


def _wide_without_mark(head: bytes) -> str | None:
    """Recognise UTF-16 without a mark: every other byte of common text is 0."""
    pairs = len(head) // 2
    if pairs < 4:
        return None
    even, odd = head[0::2].count(0) / pairs, head[1::2].count(0) / pairs
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else None


def _not_utf8(path: Path) -> bytes | None:
    """Give the lines that show that a file is not UTF-8; None where it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    checked = 0
    with path.open("rb") as file:
        while (chunk := file.read(_CHUNK_BYTES)) and checked < _CHECKED_BYTES:
            checked += len(chunk)
            if chunk.isascii() and not decoder.getstate()[0]:
                continue
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                break
        else:
            return None
    return _evidence(path, max(0, checked - 2 * _CHUNK_BYTES))


def _evidence(path: Path, offset: int) -> bytes | None:
    lines: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        file.seek(offset)
        for line in iter(lambda: file.readline(_EVIDENCE_BYTES), b""):
            if not line.isascii():
                lines.append(line)
                size += len(line)
            if size > _EVIDENCE_BYTES:
                break
    found = b"".join(lines)
    text = found.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    foreign = sum(1 for character in text if character > "\x7f")
    return None if broken < _BROKEN_SHARE * foreign else found


def _legacy(evidence: bytes) -> str:
    """Name the likeliest encoding of text that is not UTF-8: one whose reading looks like its languages."""
    for name, share, common in _LIKENESSES:
        try:
            text = evidence.decode(name)
        except UnicodeDecodeError:
            continue
        foreign = [character for character in text if character > "\x7f"]
        if name == "cp1252" and len(foreign) > _MOST_WESTERN_SHARE * sum(map(str.isalpha, text)):
            continue
        if sum(1 for character in foreign if common(character)) >= share * len(foreign):
            return name
    best = from_bytes(evidence).best()
    return "cp1252" if best is None or best.encoding == "latin_1" else str(best.encoding)
