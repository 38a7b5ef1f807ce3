"""A record as one HTML page: charts inside it, no script, nothing loaded, readable offline and on paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from tlm_dash.interchange.record_words import Rows, data_rows, figure_rows, plain_rows, run_rows


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart as SVG that was made here, its texts escaped, with what it shows in words."""

    svg: str
    told: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: a title, perhaps a sentence, perhaps a table of names and values."""

    title: str
    sentence: str = ""
    rows: Sequence[tuple[str, str]] = ()


def record_page(record: Mapping[str, Any], figures: Sequence[Figure], record_hash: str) -> str:
    """Write a record (its fields: services/decision_records.py) as a complete HTML document.

    Every text in it, of whatever origin, is escaped; only the SVG of `figures` is taken as it is.
    """
    return _template().render(
        record=record,
        figures=[{"svg": Markup(figure.svg), "told": figure.told} for figure in figures if figure.svg],  # noqa: S704 - made here
        sections=_sections(record),
        notes=_notes(record),
        record_hash=record_hash,
        json=record_json(record),
    )


def record_json(record: Mapping[str, Any]) -> str:
    """Write a record as JSON for people and programs: indented, in the order it was made."""
    return json.dumps(record, indent=2, ensure_ascii=False)


def _sections(record: Mapping[str, Any]) -> list[Section]:
    sections = [
        Section(part["title"], part.get("text") or "", figure_rows(part["figures"]))
        for part in record["findings"]
    ]
    for label in record["labels"]:
        rows: Rows = [("Run", label["run"]), *plain_rows(label["counts"])]
        sections.append(Section("Labels", label["sentence"], rows))
    sections.append(Section("Method", record["method"]["sentence"], plain_rows(record["method"]["settings"])))
    sections.extend(Section("Data", rows=data_rows(data)) for data in record["data"])
    sections.extend(
        Section("Run", rows=[*run_rows(run), *plain_rows(run["settings"])]) for run in record["runs"]
    )
    return [*sections, Section("Versions", rows=plain_rows(record["versions"]))]


def _notes(record: Mapping[str, Any]) -> list[str]:
    """Give every note of the findings once, in order."""
    notes = [note for part in record["findings"] for note in part["figures"].get("notes") or ()]
    return list(dict.fromkeys(str(note) for note in notes))


@cache
def _template() -> Template:
    text = Path(__file__).with_name("record.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
