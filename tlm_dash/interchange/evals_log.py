"""Logs of OpenAI Evals: events of samples, joined to one row a sample."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tlm_dash.interchange.conversations import conversation_of
from tlm_dash.interchange.spool import Row

_EVENT = {"event_id", "sample_id", "type", "data"}


def is_evals_log(lines: Iterable[str]) -> bool:
    """Tell whether one of the first lines is an event of a sample."""
    return any(isinstance(value, dict) and value.keys() >= _EVENT for value in map(_parsed, lines))


def evals_rows(rows: Iterable[Row]) -> tuple[list[Row], tuple[str, ...]]:
    """Join the events of each sample, in the order of the samples, and tell how many of each kind there were.

    A line that is no JSON is a row with a problem; specification and report are no rows.
    """
    samples: dict[str, dict[str, Any]] = {}
    kinds: Counter[str] = Counter()
    broken: list[Row] = []
    model = None
    for row in rows:
        value = row.value
        if row.problem is not None or not isinstance(value, dict):
            broken.append(row)
        elif value.keys() >= _EVENT and isinstance(value["data"], dict):
            kinds[str(value["type"])] += 1
            _add(samples.setdefault(str(value["sample_id"]), {}), str(value["type"]), value["data"])
        else:
            kind = next((name for name in ("spec", "final_report") if name in value), "other")
            kinds[kind] += 1
            model = model or _model(value.get("spec"))
    made = [{"sample_id": name, "model": model, **cells} for name, cells in samples.items()]
    found = [Row(number, cells) for number, cells in enumerate(made, 1)]
    found += [Row(number, None, row.problem, row.content) for number, row in enumerate(broken, len(made) + 1)]
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    n_events = sum(kinds.values())
    return found, (f"A log of OpenAI Evals: {n_events:,} events ({told}) are {len(made):,} samples.",)


def _add(cells: dict[str, Any], kind: str, data: dict[str, Any]) -> None:
    """Put an event into the row of its sample. Of several samplings the first is the one that was graded."""
    if kind == "sampling":
        prompt = data.get("prompt")
        cells.setdefault("messages" if conversation_of(prompt) is not None else "prompt", prompt)
        sampled = data.get("sampled")
        first = sampled[0] if isinstance(sampled, list) and sampled else sampled
        cells.setdefault("response", first if isinstance(first, str) else None)
        return
    for name, part in data.items():
        cells.setdefault(name if name in ("expected", "correct") else f"{kind}.{name}", part)


def _model(spec: object) -> str | None:
    names = spec.get("completion_fns") if isinstance(spec, dict) else None
    return names[0] if isinstance(names, list) and names and isinstance(names[0], str) else None


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
