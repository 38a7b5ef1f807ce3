"""Prices for estimates of cost: what people entered, over the defaults of a file; never an invented one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tlm_dash.batch.grid import Limits
from tlm_dash.batch.prices import ModelPrice, PriceTable
from tlm_dash.errors import InvalidInputError
from tlm_dash.models import QUALITY_PRESETS
from tlm_dash.services.place import Place
from tlm_dash.services.price_file import read_price_file
from tlm_dash.store.prices import PriceSubject, add_prices, latest_prices

__all__ = ["ModelPrice", "Price", "PriceTable", "change_prices", "listed", "price_table", "with_prices"]

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs per million tokens in and out, or a scoring request at a preset; one currency.

    `from_file` where it is a default of the price file; `since` is the day it was entered, or the file's.
    """

    subject: PriceSubject
    name: str
    input_per_million: float | None = None
    output_per_million: float | None = None
    per_request: float | None = None
    from_file: bool = False
    since: date | None = None

    @property
    def amounts(self) -> tuple[float | None, float | None, float | None]:
        """Give the three amounts."""
        return self.input_per_million, self.output_per_million, self.per_request


def listed(place: Place) -> list[Price]:
    """Give all prices, models first, each by name. Raises SettingsError where the price file is unusable."""
    found = {(price.subject, price.name): price for price in _defaults(place)}
    for row in latest_prices(place.store):
        key = (row.subject, row.name)
        if row.is_removed:
            found.pop(key, None)
        else:
            found[key] = Price(
                row.subject, row.name, row.input_per_million, row.output_per_million, row.per_request,
                since=row.created_at.date(),
            )  # fmt: skip
    return [found[key] for key in sorted(found)]


def price_table(place: Place) -> PriceTable:
    """Give the prices as forecasts, caps and runs use them."""
    models, per_request = {}, {}
    for price in listed(place):
        if price.subject == "preset" and price.per_request is not None:
            per_request[price.name] = price.per_request
        elif price.input_per_million is not None and price.output_per_million is not None:
            models[price.name] = ModelPrice(price.input_per_million, price.output_per_million)
    return PriceTable(models, per_request)


def with_prices(place: Place, limits: Limits) -> Limits:
    """Give limits with the prices of today where they bring none of their own; without any, as they are."""
    if limits.prices is not None:
        return limits
    table = price_table(place)
    return replace(limits, prices=table) if table.models or table.per_request else limits


def change_prices(place: Place, wanted: Sequence[Price]) -> int:
    """Make these all the prices there are: what is new or changed is entered, what is missing is removed.

    Gives the number of changes. Raises InvalidInputError, with the name, for a price that cannot be; then
    nothing is changed.
    """
    checked = [_checked(price) for price in wanted]
    keys = [(price.subject, price.name) for price in checked]
    twice = next((name for at, (_, name) in enumerate(keys) if keys[at] in keys[:at]), None)
    if twice is not None:
        raise InvalidInputError(f"“{twice}” has two prices.", hint="Keep one of them.")
    before = {(price.subject, price.name): price for price in listed(place)}
    rows = [
        _row(price)
        for price, key in zip(checked, keys, strict=True)
        if key not in before or before[key].amounts != price.amounts
    ]
    rows += [
        {"subject": subject, "name": name, "is_removed": True}
        for subject, name in before
        if (subject, name) not in keys
    ]
    if rows:
        add_prices(place.store, rows)
    return len(rows)


def _defaults(place: Place) -> Iterable[Price]:
    if place.settings.prices_file is None:
        return
    found = read_price_file(place.settings.prices_file)
    for name, (into, out) in found.models.items():
        yield Price("model", name, into, out, from_file=True, since=found.as_of)
    for name, amount in found.per_request.items():
        yield Price("preset", name, per_request=amount, from_file=True, since=found.as_of)


def _row(price: Price) -> dict[str, Any]:
    return {
        "subject": price.subject, "name": price.name, "input_per_million": price.input_per_million,
        "output_per_million": price.output_per_million, "per_request": price.per_request,
    }  # fmt: skip


def _checked(price: Price) -> Price:
    name = price.name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInputError("A price has no name, or one that is too long.", hint="Name its model.")
    if price.subject == "preset" and name not in QUALITY_PRESETS:
        raise InvalidInputError(
            f"There is no quality preset called “{name}”.", hint="Use base, low or medium."
        )
    needed = price.amounts[:2] if price.subject == "model" else price.amounts[2:]
    if any(amount is None for amount in needed):
        raise InvalidInputError(
            f"The price of “{name}” is not whole.",
            hint="Give input and output, 0 where it costs nothing, or remove its row."
            if price.subject == "model"
            else "Give the price of a request, or leave the row empty.",
        )
    if any(amount is not None and not 0 <= amount < math.inf for amount in price.amounts):
        raise InvalidInputError(f"The price of “{name}” must be 0 or more.", hint="Correct it, then save.")
    return replace(price, name=name)
