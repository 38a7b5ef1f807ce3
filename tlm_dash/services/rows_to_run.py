"""What would bring more rows to runs whose rows are all labelled: more of their dataset, or a larger one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tlm_dash.errors import NotFoundError
from tlm_dash.services import datasets, runs
from tlm_dash.services.place import Place
from tlm_dash.services.run_view import RunView

How = Literal["run", "finish", "upload"]
_SHORTEST_FIRST: tuple[How, ...] = ("run", "finish", "upload")


@dataclass(frozen=True, slots=True)
class MoreRows:
    """How there would be more rows, and of which run.

    "run": its dataset has rows that it was not asked for. "finish": rows of it failed or wait. "upload": its
    whole dataset is answered, or came with a file that has no more.
    """

    how: How
    run_id: str
    dataset_id: str


def more_rows(place: Place, run_ids: Sequence[str]) -> MoreRows | None:
    """Tell the shortest way to more rows for one of some runs; None where their prompts are the playground's.

    Raises NotFoundError for a run that is not there.
    """
    found = []
    for view in (runs.show(place, run_id) for run_id in run_ids):
        if not view.record.is_from_playground:
            found.append(MoreRows(_how(place, view), view.record.run_id, view.record.dataset_id))
    return min(found, key=lambda one: _SHORTEST_FIRST.index(one.how), default=None)


def _how(place: Place, view: RunView) -> How:
    record = view.record
    if record.grid_id is None:
        return "upload"
    try:
        if record.source_run_id is not None:
            n_there = runs.show(place, record.source_run_id).counts.n_done
        else:
            n_there = datasets.show(place, record.dataset_id).n_items
    except NotFoundError:
        n_there = 0
    if record.n_items < n_there:
        return "run"
    return "finish" if view.counts.n_done < record.n_items else "upload"
