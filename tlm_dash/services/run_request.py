"""What a person wants to be run: checked against the dataset, and settled into runs that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tlm_dash.batch.grid import Limits
from tlm_dash.batch.prices import ModelPrice, PriceTable
from tlm_dash.errors import InvalidInputError, SettingsError
from tlm_dash.models import (
    DEFAULT_QUALITY_PRESET,
    QUALITY_PRESETS,
    AnsweredBy,
    RunMode,
    canonical_json,
    new_id,
    text_hash,
    utc_now,
)
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_runs import endpoint_name
from tlm_dash.services.prices import with_prices
from tlm_dash.services.run_template import parsed_template, template_text
from tlm_dash.settings import shown_url
from tlm_dash.store import runs as stored
from tlm_dash.store.database import Store
from tlm_dash.store.run_feed import count_sources, select_items
from tlm_dash.store.run_models import RunRecord

__all__ = ["Limits", "ModelPrice", "PriceTable", "RunRequest", "SettledGrid", "priced", "settle"]

Row = dict[str, Any]


@dataclass(frozen=True)
class RunRequest:
    """A grid of models × presets over a dataset, which is named by its id, a prefix of it, or its name.

    `mode` None: "generate" where one model answers at one preset and scores itself, else
    "generate-then-score". In mode "score" the
    responses of `source_runs` are scored (default: of every run that came with the dataset's file); `models`
    then only narrows these down. `first` n or `sample` n rows (drawn by `seed`), else all. `template` takes
    the place of each prompt, with "{prompt}" or any column of the dataset in braces. `explain` asks
    for explanations at every preset.
    """

    dataset: str
    models: tuple[str, ...] = ()
    quality_presets: tuple[str, ...] = (DEFAULT_QUALITY_PRESET,)
    mode: RunMode | None = None
    answered_by: Literal["endpoint", "provider"] = "endpoint"
    scorer_model: str | None = None
    source_runs: tuple[str, ...] = ()
    first: int | None = None
    sample: int | None = None
    seed: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    system_prompt: str = ""
    template: str = ""
    explain: bool = False
    send_repeats_once: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class SettledGrid:
    """A checked request as rows of the store. `grid_hash` is the same for the same frozen configuration."""

    grid_id: str
    grid_hash: str
    run_rows: tuple[Row, ...]
    plan_rows: tuple[Row, ...]

    @property
    def run_ids(self) -> list[str]:
        """Give the new runs' ids in the order of the grid."""
        return [row["run_id"] for row in self.run_rows]


def priced(dashboard: Dashboard, request: RunRequest) -> RunRequest:
    """Give a request with the prices of today, which its runs keep, where it brings none of its own."""
    return replace(request, limits=with_prices(dashboard, request.limits))


def settle(dashboard: Dashboard, request: RunRequest, *, pilot: int | None = None) -> SettledGrid:
    """Check a request and settle its runs. Raises InvalidInputError, NotFoundError, SettingsError."""
    store = dashboard.store
    dataset_id, dataset_name = stored.find_dataset(store, request.dataset)
    _check(dashboard, request)
    template = template_text(parsed_template(store, dataset_id, request.template))
    request = replace(request, template=template)
    mode = _mode(request)
    sources = _sources(store, request, dataset_id) if mode == "score" else []
    selection, n_items = select_items(
        store, dataset_id, first=request.first, sample=request.sample, seed=request.seed, pilot=pilot,
        sources=[source.run_id for source in sources] if mode == "score" else None,
    )  # fmt: skip
    if not n_items:
        what = "responses to score" if mode == "score" else "items"
        raise InvalidInputError(f"The dataset “{dataset_name}” has no {what}.", hint="Choose another one.")
    source_counts = count_sources(store, dataset_id, selection, [s.run_id for s in sources])
    frozen = _frozen(dashboard, request, mode)
    columns = [(s.model, s) for s in sources] if mode == "score" else [(m, None) for m in request.models]
    grid_id = new_id()
    run_rows: list[Row] = []
    plan_rows: list[Row] = []
    for model, source in columns:
        lead: str | None = None
        for preset in request.quality_presets:
            row = _run_row(frozen, dataset_id, dataset_name, model, preset, source)
            lead = row["run_id"] if lead is None or mode == "generate" else lead
            run_rows.append(row)
            plan_rows.append({
                "run_id": row["run_id"], "grid_id": grid_id, "position": len(plan_rows), "lead_run_id": lead,
                "source_run_id": None if source is None else source.run_id,
                "n_items": n_items if source is None else source_counts.get(source.run_id, 0),
                "last_item_no": selection.last_item_no, "sample_seed": selection.sample_seed,
                "sample_cut": selection.sample_cut, "pilot_cut": selection.pilot_cut,
            })  # fmt: skip
    chosen = [row["settings_hash"] for row in run_rows]
    rows = [selection.last_item_no, selection.sample_seed, selection.sample_cut, n_items]
    grid_hash = text_hash(canonical_json([dataset_id, chosen, rows]))
    plans = tuple(row | {"grid_hash": grid_hash} for row in plan_rows)
    return SettledGrid(grid_id, grid_hash, tuple(run_rows), plans)


def _mode(request: RunRequest) -> RunMode:
    """Settle what is done. What is compared is scored by one scorer, on the same responses."""
    if request.mode is not None:
        return request.mode
    one_call = len(request.models) == len(request.quality_presets) == 1
    alone = request.answered_by == "endpoint" and request.scorer_model in (None, *request.models[:1])
    return "generate" if one_call and alone else "generate-then-score"


def _check(dashboard: Dashboard, request: RunRequest) -> None:
    unknown = [preset for preset in request.quality_presets if preset not in QUALITY_PRESETS]
    if unknown or not request.quality_presets:
        what = (
            f"There is no quality preset called {unknown[0]}." if unknown else "No quality preset is chosen."
        )
        raise InvalidInputError(what, hint="Choose base, low or medium.")
    if request.mode != "score" and not any(model.strip() for model in request.models):
        raise InvalidInputError("No model is chosen.", hint="Choose at least one model.")
    for names in (request.models, request.quality_presets):
        if len(set(names)) < len(names):
            raise InvalidInputError("A model or preset is chosen twice.", hint="Name each of them once.")
    if request.answered_by == "provider" and request.mode in ("generate", "score"):
        raise InvalidInputError(
            f"With mode {request.mode} no other provider answers.", hint="Use the mode generate-then-score."
        )
    if request.answered_by == "provider" and dashboard.monitor.provider_address() is None:
        raise SettingsError(
            "No other provider is set up.", hint="Set OPENAI_BASE_URL and OPENAI_API_KEY, then restart."
        )
    if request.send_repeats_once and request.mode != "score":
        raise InvalidInputError(
            "Repeated rows can share a request only where responses are scored.",
            hint="Leave it off when generating: a model may answer equal prompts differently.",
        )
    if request.first is not None and request.sample is not None:
        raise InvalidInputError("Both the first and random rows are asked for.", hint="Choose one of them.")
    numbers = {"rows": request.first, "random rows": request.sample} | _limit_numbers(request.limits)
    for name, number in numbers.items():
        if number is not None and not 0 < number < float("inf"):
            raise InvalidInputError(
                f"The number of {name} must be above 0.", hint="Leave it out for no limit."
            )
    if request.limits.max_cost is not None:
        _check_prices(request)


def _limit_numbers(limits: Limits) -> dict[str, float | None]:
    return {
        "requests in flight": limits.max_in_flight, "requests per minute": limits.requests_per_minute,
        "requests as a cap": limits.max_requests, "the cap on the cost": limits.max_cost,
    }  # fmt: skip


def _check_prices(request: RunRequest) -> None:
    """Refuse a cap on a cost that could not be known."""
    prices = request.limits.prices
    for model in request.models if request.mode != "score" else ():
        if prices is None or model not in prices.models:
            raise InvalidInputError(
                f"The cost cannot be capped: there is no price for {model}.",
                hint="Add its price on the Settings page, or cap the number of requests instead.",
            )
    if request.mode == "score" and (
        prices is None or not set(request.quality_presets) <= set(prices.per_request)
    ):
        raise InvalidInputError(
            "The cost cannot be capped: there is no price per scoring request.",
            hint="Add one per preset on the Settings page, or cap the number of requests instead.",
        )


def _sources(store: Store, request: RunRequest, dataset_id: str) -> list[RunRecord]:
    """Find the runs whose responses are to be scored."""
    if request.source_runs:
        found = [stored.find_run(store, text) for text in request.source_runs]
        if any(record.dataset_id != dataset_id for record in found):
            raise InvalidInputError("A run to score belongs to another dataset.", hint="Choose its dataset.")
        return found
    found = [
        record for record in stored.records(store)
        if record.dataset_id == dataset_id and record.grid_id is None
        and (not request.models or record.model in request.models)
    ]  # fmt: skip
    if not found:
        raise InvalidInputError(
            "The dataset came without responses that could be scored.",
            hint="Let a model answer (mode generate-then-score), or import a file with responses.",
        )
    return found


def _frozen(dashboard: Dashboard, request: RunRequest, mode: RunMode) -> Row:
    """Settle what all runs of the grid have in common."""
    provider = dashboard.monitor.provider_address() if request.answered_by == "provider" else None
    answered_by: AnsweredBy = "given" if mode == "score" else request.answered_by
    settings = {
        "params": dict(request.params), "system_prompt": request.system_prompt, "template": request.template,
        "options": {"log": ["explanation"]} if request.explain else {},
        "send_repeats_once": request.send_repeats_once,
    }  # fmt: skip
    return {
        "mode": mode, "answered_by": answered_by, "endpoint": endpoint_name(dashboard.settings),
        "provider": None if provider is None else shown_url(provider.base_url),
        "scorer_model": request.scorer_model or dashboard.monitor.current.default_scorer,
        "settings": settings,
    }  # fmt: skip


def _run_row(
    frozen: Mapping[str, Any], dataset_id: str, dataset_name: str, model: str | None, preset: str,
    source: RunRecord | None,
) -> Row:  # fmt: skip
    scorer = model if frozen["mode"] == "generate" else frozen["scorer_model"]
    own = {**frozen, "model": model, "quality_preset": preset, "scorer_model": scorer}
    identity = [own, None if source is None else source.run_id]
    return {
        **own, "run_id": new_id(), "dataset_id": dataset_id, "settings": canonical_json(frozen["settings"]),
        "name": " · ".join([*_named_after(dataset_name, model, source), preset]),
        "settings_hash": text_hash(canonical_json(identity)), "created_at": utc_now(),
    }  # fmt: skip


def _named_after(dataset_name: str, model: str | None, source: RunRecord | None) -> Sequence[str]:
    if source is not None:
        return [source.name]
    return [dataset_name, model or ""]
