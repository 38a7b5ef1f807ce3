"""What the address keeps of the drawer of a new run: all that was chosen in it, until it is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tlm_dash.models import QUALITY_PRESETS, RunMode
from tlm_dash.ui.params import LONGEST_DRAFT, Address, QueryParams, as_whole, changed, written

RowKind = Literal["all", "first", "random"]

ROWS_OFFERED = 100
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
        address = Address(query)
        kind, _, n_rows = address.text("rows").partition("-")
        cells = tuple(cell for cell in address.all("cell") if _is_cell(cell))
        return cls(
            new_dataset=address.text("new_dataset") or None,
            mode=address.one_of("mode", get_args(RunMode), None),
            provider_answers=address.text("answered_by") == "provider",
            models=address.names("model") or None,
            cells=cells if cells or address.all("cell") else None,
            row_kind=kind if kind in ("first", "random") else "all",  # type: ignore[arg-type]
            n_rows=as_whole(n_rows) or ROWS_OFFERED,
            template=address.verbatim("template"),
            system_prompt=address.verbatim("system_prompt"),
            temperature=address.number("temperature", least=0, most=2),
            max_tokens=address.whole("max_tokens", most=100_000),
            explain=address.is_yes("explain"),
            repeats_once=address.is_yes("repeats_once"),
            scorer_model=address.text("scorer_model") or None,
            max_requests=address.whole("max_requests"),
            max_cost=address.number("max_cost", least=0, most=1e9) or None,
            requests_per_minute=address.whole("requests_per_minute"),
            max_in_flight=address.whole("max_in_flight"),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write them; defaults, and texts too long for an address, are left out."""
        values = changed(self)
        for name in ("template", "system_prompt"):
            if len(values.get(name, "")) > LONGEST_DRAFT:
                del values[name]
        for name in ("provider_answers", "models", "cells", "row_kind", "n_rows"):
            values.pop(name, None)
        return written(values | {
            "answered_by": "provider" if self.provider_answers else None,
            "model": self.models,
            "cell": (self.cells or (NOTHING_TICKED,)) if self.cells is not None else None,
            "rows": f"{self.row_kind}-{self.n_rows}" if self.row_kind != "all" else None,
        })  # fmt: skip


def _is_cell(text: str) -> bool:
    preset, separator, row = text.partition("~")
    return preset in QUALITY_PRESETS and bool(separator and row)
