"""Prices from the file that TLM_DASH_PRICES names: a CSV or JSON table with the date that it stands for."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from tlm_dash.errors import SettingsError
from tlm_dash.models import QUALITY_PRESETS

LARGEST_FILE_BYTES = 10_000_000

HINT = (
    "A CSV file has the columns name, input_per_million and output_per_million, for presets name and "
    'per_request. A JSON file has {"date": …, "models": {name: [in, out]}, "per_request": {preset: price}}.'
)


@dataclass(frozen=True)
class PriceFile:
    """What a price file says: per million tokens in and out by model, per scoring request by preset."""

    models: Mapping[str, tuple[float, float]]
    per_request: Mapping[str, float]
    as_of: date


def read_price_file(path: Path) -> PriceFile:
    """Read a price file. Raises SettingsError where it cannot be read or holds something else than prices.

    Without a date in it, the day when the file was last changed counts.
    """
    try:
        facts = path.stat()
        return _read(path, facts.st_mtime_ns, facts.st_size)
    except OSError as error:
        raise SettingsError(
            f"The price file {path} cannot be read ({error.strerror or type(error).__name__}).",
            hint="Correct TLM_DASH_PRICES and restart, or enter prices on the Settings page.",
        ) from None


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int, size: int) -> PriceFile:
    """Read a file once for as long as it stays as it is."""
    if size > LARGEST_FILE_BYTES:
        raise SettingsError(f"The price file {path} is too large to be a list of prices.", hint=HINT)
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    changed = datetime.fromtimestamp(changed_ns / 1e9, UTC).date()
    try:
        found = _of_json(text, changed) if text.lstrip().startswith("{") else _of_csv(text, changed)
        unknown = [name for name in found.per_request if name not in QUALITY_PRESETS]
        if unknown:
            raise ValueError(f"there is no quality preset called {unknown[0]}")
        return found
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise SettingsError(f"The price file {path} cannot be used: {error}.", hint=HINT) from None


def _of_json(text: str, changed: date) -> PriceFile:
    values = json.loads(text)
    models = {str(name): _pair(price, name) for name, price in values.get("models", {}).items()}
    per_request = {str(name): _amount(price, name) for name, price in values.get("per_request", {}).items()}
    as_of = values.get("date")
    return PriceFile(models, per_request, date.fromisoformat(as_of) if as_of else changed)


def _pair(price: Any, name: object) -> tuple[float, float]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(price, Mapping):
        price = [price.get("input_per_million"), price.get("output_per_million")]
    if not isinstance(price, list) or len(price) != 2:
        raise ValueError(f"the price of {name} is not a pair")
    return _amount(price[0], name), _amount(price[1], name)


def _of_csv(text: str, changed: date) -> PriceFile:
    rows = list(_rows(text))
    models: dict[str, tuple[float, float]] = {}
    per_request: dict[str, float] = {}
    for row in rows:
        name = row["name"]
        if row.get("per_request"):
            per_request[name] = _amount(row["per_request"], name)
        if row.get("input_per_million") or row.get("output_per_million"):
            into, out = row.get("input_per_million"), row.get("output_per_million")
            models[name] = (_amount(into, name), _amount(out, name))
    dates = [date.fromisoformat(row["date"]) for row in rows if row.get("date")]
    return PriceFile(models, per_request, max(dates, default=changed))


def _rows(text: str) -> Iterable[dict[str, str]]:
    reader = csv.DictReader(text.splitlines())
    if "name" not in (reader.fieldnames or ()):
        raise ValueError("it has no column called name")
    for row in reader:
        cells = {key: value.strip() for key, value in row.items() if key and isinstance(value, str)}
        if cells.get("name"):
            yield cells


def _amount(value: Any, name: object) -> float:  # noqa: ANN401 - text or a number
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 <= number < math.inf:
        raise ValueError(f"the price of {name} is not a number of 0 or more")
    return number
