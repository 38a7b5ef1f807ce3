"""What the address keeps of the drawer of a new run: all that was chosen in it, until it is started."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from tlm_dash.models import QUALITY_PRESETS, RunMode
from tlm_dash.ui.params import LONGEST_DRAFT, QueryParams

RowKind = Literal["all", "first", "random"]

ROWS_OFFERED = 100
MOST_ROWS = 10**9
NOTHING_TICKED = "none"


@dataclass(frozen=True)
class Choices:
    """The drawer's choices; None and "" are the drawer's own defaults.

    `cells` are the ticked cells of the grid, each "preset~row", where a row is a model, or the run
    whose responses are scored.
    """

    new_dataset: str | None = None
    mode: RunMode | None = None
    provider_answers: bool = False
    models: tuple[str, ...] | None = None
    cells: tuple[str, ...] | None = None
    row_kind: RowKind = "all"
    n_rows: int = ROWS_OFFERED
    template: str = ""
    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    explain: bool = False
    repeats_once: bool = False
    scorer_model: str | None = None
    max_requests: int | None = None
    max_cost: float | None = None
    requests_per_minute: int | None = None
    max_in_flight: int | None = None

    @classmethod
    def from_query(cls, query: QueryParams) -> Choices:
        """Read them; unknown or broken values fall back."""

        def last(name: str) -> str:
            return (query.get_all(name) or [""])[-1].strip()

        mode, kind = last("mode"), last("rows").partition("-")[0]
        cells = tuple(cell for cell in query.get_all("cell") if _is_cell(cell))
        return cls(
            new_dataset=last("new_dataset") or None,
            mode=mode if mode in get_args(RunMode) else None,  # type: ignore[arg-type]
            provider_answers=last("answered_by") == "provider",
            models=tuple(name for name in query.get_all("model") if name.strip()) or None,
            cells=cells if cells or query.get_all("cell") else None,
            row_kind=kind if kind in ("first", "random") else "all",  # type: ignore[arg-type]
            n_rows=_whole(last("rows").partition("-")[2], MOST_ROWS) or ROWS_OFFERED,
            template=(query.get_all("template") or [""])[-1],
            system_prompt=(query.get_all("system_prompt") or [""])[-1],
            temperature=_number(last("temperature"), 2.0),
            max_tokens=_whole(last("max_tokens"), 100_000),
            explain=last("explain") == "yes",
            repeats_once=last("repeats_once") == "yes",
            scorer_model=last("scorer_model") or None,
            max_requests=_whole(last("max_requests"), MOST_ROWS),
            max_cost=_number(last("max_cost"), 1e9) or None,
            requests_per_minute=_whole(last("requests_per_minute"), MOST_ROWS),
            max_in_flight=_whole(last("max_in_flight"), MOST_ROWS),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write them; defaults, and texts too long for an address, are left out."""
        values: dict[str, str | list[str]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default or field.name in ("models", "cells", "row_kind", "n_rows"):
                continue
            if isinstance(value, bool):
                values[field.name] = "yes"
            elif not isinstance(value, str) or len(value) <= LONGEST_DRAFT:
                values[field.name] = value if isinstance(value, str) else repr(value)
        if values.pop("provider_answers", None):
            values["answered_by"] = "provider"
        if self.models:
            values["model"] = list(self.models)
        if self.cells is not None:
            values["cell"] = list(self.cells) or [NOTHING_TICKED]
        if self.row_kind != "all":
            values["rows"] = f"{self.row_kind}-{self.n_rows}"
        return values


def _is_cell(text: str) -> bool:
    preset, separator, row = text.partition("~")
    return preset in QUALITY_PRESETS and bool(separator and row)


def _whole(text: str, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:20]) <= most else None


def _number(text: str, most: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= most else None
