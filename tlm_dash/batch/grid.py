"""A grid: runs over one dataset that are carried out together, with all that is frozen about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.prices import PriceTable
from tlm_dash.models import AnsweredBy, Messages, RunMode
from tlm_dash.store.run_models import Selection

TemplateParts = tuple[tuple[str, str | None], ...]
"""A prompt template, taken apart: texts, each with the name of the value that follows it, or None."""


@dataclass(frozen=True, slots=True)
class GridRun:
    """One run of a grid. Runs with the same `lead_run_id` score the same response."""

    run_id: str
    model: str | None
    quality_preset: str
    lead_run_id: str
    source_run_id: str | None
    n_items: int


@dataclass(frozen=True)
class Limits:
    """What may change on resume: None is no limit. The caps are for the grid as a whole."""

    max_in_flight: int | None = None
    requests_per_minute: float | None = None
    max_requests: int | None = None
    max_cost: float | None = None
    prices: PriceTable | None = None

    def as_mapping(self) -> dict[str, Any]:
        """Give the limits as they are stored with an event; what is not set is left out."""
        prices = None if self.prices is None else self.prices.as_mapping()
        values = {name: getattr(self, name) for name in self.__dataclass_fields__} | {"prices": prices}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Limits:
        """Read back what `as_mapping` wrote; fields that a newer version added are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        if "prices" in known:
            known["prices"] = PriceTable.from_mapping(known["prices"])
        return cls(**known)


@dataclass(frozen=True)
class Grid:
    """What is asked, of whom, over which items. `params` are OpenAI's, `options` TLM's.

    `send_repeats_once`: in mode "score", rows with equal prompt and response share one request per preset.
    """

    grid_id: str
    dataset_id: str
    mode: RunMode
    answered_by: AnsweredBy
    scorer_model: str
    runs: tuple[GridRun, ...]
    selection: Selection
    provider: EndpointAddress | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    system_prompt: str = ""
    template: TemplateParts = ()
    send_repeats_once: bool = False

    def run_ids_of(self, call: str, run_id: str) -> set[str]:
        """Give the runs that need a call: a run's own scores, or an answer that runs with one lead share."""
        if call == "score":
            return {run_id}
        return {run.run_id for run in self.runs if run.lead_run_id == run_id}

    @property
    def needs_values(self) -> bool:
        """Tell whether the template names anything but the prompt."""
        return any(name not in (None, "prompt") for _, name in self.template)

    def messages_to_send(self, messages: Messages, values: Mapping[str, str] | None = None) -> Messages:
        """Put the template and the system prompt of the run around an item's messages.

        `values` are the item's own, by the names that the template has in braces.
        """
        if self.template and messages:
            last = dict(messages[-1])
            if isinstance(last.get("content"), str):
                last["content"] = filled(self.template, last["content"], values or {})
                messages = (*messages[:-1], last)
        if self.system_prompt:
            turns = tuple(message for message in messages if message.get("role") != "system")
            messages = ({"role": "system", "content": self.system_prompt}, *turns)
        return messages


def filled(template: TemplateParts, prompt: str, values: Mapping[str, str]) -> str:
    """Fill a template; nothing stands where an item lacks a value."""
    own = {**values, "prompt": prompt}
    return "".join(text + ("" if name is None else own.get(name, "")) for text, name in template)
