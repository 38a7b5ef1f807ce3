"""What runs are called beside each other: by what makes them differ."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.local_endpoint.capacity import SERVED_AT_ONCE
from tlm_dash.settings import Settings
from tlm_dash.store.import_runs import IMPORTED
from tlm_dash.store.run_models import RunRecord


def most_at_once(settings: Settings) -> tuple[int, str] | None:
    """Tell how many requests an endpoint gets at once whatever a run asks for, and why; None without such."""
    limits = []
    if settings.base_url is None:
        limits.append((SERVED_AT_ONCE, f"The embedded endpoint serves {SERVED_AT_ONCE} requests at once"))
    if (allowed := settings.max_in_flight) is not None:
        limits.append((allowed, f"TLM_DASH_MAX_IN_FLIGHT allows {allowed:,} at once"))
    return min(limits, default=None)


def fewer_at_once(settings: Settings, wanted: int | None) -> str | None:
    """Say why fewer requests are under way at once than a person set; None where they are not fewer."""
    most = most_at_once(settings)
    if wanted is None or most is None or wanted <= most[0]:
        return None
    return f"{most[1]}: so many are under way at most, not {wanted:,}."


def configuration(run: RunRecord, *, with_scorer: bool = True) -> str:
    """Name a run by its configuration where it is known, else by its name."""
    if run.grid_id is None or run.model is None:
        return run.name
    parts = [run.model, run.quality_preset]
    if with_scorer and run.scorer_model not in (None, run.model, IMPORTED):
        parts.append(f"scored by {run.scorer_model}")
    return " · ".join(parts)


def what_differs(runs: Sequence[RunRecord]) -> list[str] | None:
    """Name runs by the one part of their configuration that differs; None where there is no such part."""
    for name in ("quality_preset", "model"):
        words = [getattr(run, name) for run in runs]
        others = [part for part in ("quality_preset", "model", "scorer_model") if part != name]
        shared = {tuple(getattr(run, part) for part in others) for run in runs}
        known = not {None, IMPORTED} & set(words)
        if len(shared) == 1 and len(set(words)) == len(words) and known:
            return words
    return None


def instead_of(b: RunRecord, a: RunRecord) -> str:
    """Say b instead of a by the one thing that differs: “low instead of medium”."""
    for name in ("quality_preset", "model", "scorer_model"):
        others = [n for n in ("quality_preset", "model", "scorer_model", "dataset_id") if n != name]
        mine, theirs = getattr(b, name), getattr(a, name)
        known = mine not in (None, IMPORTED) and theirs not in (None, IMPORTED)
        if mine != theirs and known and all(getattr(a, n) == getattr(b, n) for n in others):
            return f"{mine} instead of {theirs}"
    differ = a.scorer_model != b.scorer_model
    first, second = (configuration(run, with_scorer=differ) for run in (b, a))
    if first == second:
        first, second = b.name, a.name
    return f"“{first}” instead of “{second}”"
