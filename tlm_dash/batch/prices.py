"""What runs cost, as far as prices are known: an estimate, since what scoring used is not reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """The price of a model, per million tokens in and out."""

    input_per_million: float
    output_per_million: float


@dataclass(frozen=True)
class PriceTable:
    """Prices by model, and per scoring request by preset where the endpoint bills so. One currency."""

    models: Mapping[str, ModelPrice] = field(default_factory=dict)
    per_request: Mapping[str, float] = field(default_factory=dict)

    def cost(
        self,
        model: str | None,
        quality_preset: str,
        *,
        input_tokens: int | None,
        output_tokens: int | None,
        n_scored: int,
    ) -> float | None:
        """Estimate a cost; None where a price is missing for something that was used, never a guess.

        `n_scored` requests brought a score: the price of a preset is for each of these.
        """
        total, known = 0.0, False
        if input_tokens is not None or output_tokens is not None:
            price = self.models.get(model or "")
            if price is None:
                return None
            per_million = (input_tokens or 0) * price.input_per_million
            per_million += (output_tokens or 0) * price.output_per_million
            total, known = per_million / 1e6, True
        if quality_preset in self.per_request:
            total, known = total + n_scored * self.per_request[quality_preset], True
        return total if known else None

    def as_mapping(self) -> dict[str, Any]:
        """Give the table as it is stored with a run."""
        models = {
            name: [price.input_per_million, price.output_per_million] for name, price in self.models.items()
        }
        return {"models": models, "per_request": dict(self.per_request)}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PriceTable:
        """Read back what `as_mapping` wrote."""
        models = {name: ModelPrice(*pair) for name, pair in values.get("models", {}).items()}
        return cls(models, dict(values.get("per_request", {})))
