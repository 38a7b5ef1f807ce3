"""What the address of the Runs page says, typed: unknown or broken values fall back, they never fail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tlm_dash.ui.params import Address, QueryParams, written
from tlm_dash.ui.params_new_run import Choices

MOST_PILOTS = 30
"""Runs of a pilot that the address names: a grid of ten models at three presets."""


@dataclass(frozen=True)
class RunsParams:
    """The address. `dataset` filters the list and is the one to run; `run` is opened in the list.

    `new` says that the drawer is open; `choices` is what was chosen in it, which stays when it is closed;
    `pilots` are the runs of its pilot, `pilot_of` tells of what.
    """

    dataset: str | None = None
    run: str | None = None
    page: int = 1
    new: bool = False
    pilots: tuple[str, ...] = ()
    pilot_of: str | None = None
    choices: Choices = field(default_factory=Choices)

    @classmethod
    def from_query(cls, query: QueryParams) -> RunsParams:
        """Read the address."""
        address = Address(query)
        return cls(
            dataset=address.text("dataset") or None,
            run=address.text("run") or None,
            page=address.page(),
            new=address.is_yes("new"),
            pilots=address.names("pilot")[:MOST_PILOTS],
            pilot_of=address.text("pilot_of") or None,
            choices=Choices.from_query(query),
        )

    def to_dict(self) -> dict[str, str | list[str]]:
        """Write the address; defaults are left out."""
        values = written({
            "dataset": self.dataset, "run": self.run, "page": self.page if self.page > 1 else None,
            "new": self.new, "pilot": self.pilots, "pilot_of": self.pilot_of,
        })  # fmt: skip
        return values | self.choices.to_dict()

    def drawer(self, *, is_open: bool) -> RunsParams:
        """Give the address with the drawer open or closed; what was chosen in it stays."""
        return replace(self, new=is_open)

    def started(self) -> RunsParams:
        """Give the address after Start: a closed drawer with nothing chosen, the list from its first page."""
        return RunsParams(dataset=self.dataset)

    def opening(self, run_id: str | None) -> RunsParams:
        """Give the address with this run opened in the list, or none."""
        return replace(self, run=run_id)

    def filtered(self, dataset: str | None) -> RunsParams:
        """Give the address of the first page of one dataset's runs, or of all."""
        return replace(self, dataset=dataset, run=None, page=1)
