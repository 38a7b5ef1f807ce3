"""Which runs a playground request belongs to: each frozen configuration is one run, reused when it recurs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.plan import PlannedCell
from tlm_dash.models import AnsweredBy, RunMode, canonical_json, new_id, text_hash, utc_now
from tlm_dash.services.connection import Connection
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.playground_request import PlaygroundRequest
from tlm_dash.settings import Settings, shown_url
from tlm_dash.store import playground as stored


@dataclass(frozen=True)
class FrozenSettings:
    """What every run of one submission has in common; with model and preset it is a run's identity."""

    mode: RunMode
    answered_by: AnsweredBy
    endpoint: str
    provider: str | None
    scorer_model: str
    params: Mapping[str, Any]

    def run_row(self, dataset_id: str, model: str | None, preset: str) -> dict[str, Any]:
        frozen = {
            "mode": self.mode, "answered_by": self.answered_by, "endpoint": self.endpoint,
            "provider": self.provider, "model": model, "quality_preset": preset,
            "scorer_model": self.scorer_model, "settings": canonical_json({"params": dict(self.params)}),
        }  # fmt: skip
        return frozen | {
            "run_id": new_id(),
            "dataset_id": dataset_id,
            "name": f"Playground · {model or 'given responses'} · {preset}",
            "settings_hash": text_hash(canonical_json(frozen)),
            "created_at": utc_now(),
        }


def endpoint_name(settings: Settings) -> str:
    """Name the TLM endpoint for good: the embedded one gets another port at every start."""
    return "embedded" if settings.base_url is None else shown_url(settings.base_url)


def default_scorer(
    connection: Connection, answered_by: AnsweredBy, models: Sequence[str], presets: Sequence[str]
) -> str:
    """Name who scores where nobody picks a scorer: the answering model in one call, else the endpoint's."""
    return models[0] if _is_one_call(answered_by, models, presets) else connection.default_scorer


def _is_one_call(answered_by: AnsweredBy, models: Sequence[str], presets: Sequence[str]) -> bool:
    return answered_by == "endpoint" and len(models) == len(presets) == 1


def frozen_settings(
    dashboard: Dashboard,
    request: PlaygroundRequest,
    provider: EndpointAddress | None,
) -> FrozenSettings:
    """Settle how the request is run.

    One model at one preset of the TLM endpoint is answered and scored in one call. As soon as anything is
    compared, one scorer scores every response, so that the model or the preset is all that differs.
    """
    answered_by: AnsweredBy = request.answered_by if request.given_response is None else "given"
    models, presets = request.models, request.quality_presets
    scorer = default_scorer(dashboard.monitor.current, answered_by, models, presets)
    one_call = _is_one_call(answered_by, models, presets) and request.scorer_model in (None, "", models[0])
    mode: RunMode = "score" if answered_by == "given" else "generate" if one_call else "generate-then-score"
    return FrozenSettings(
        mode,
        answered_by,
        endpoint=endpoint_name(dashboard.settings),
        provider=None if provider is None else shown_url(provider.base_url),
        scorer_model=request.scorer_model or scorer,
        params=request.params,
    )


def planned_cells(
    dashboard: Dashboard,
    request: PlaygroundRequest,
    frozen: FrozenSettings,
    dataset_id: str,
    new_runs: list[dict[str, Any]],
) -> Iterator[tuple[str | None, tuple[PlannedCell, ...]]]:
    """Plan each model's answer with its cells; runs that do not exist yet are added to `new_runs`."""
    models: tuple[str | None, ...] = request.models if frozen.answered_by != "given" else (None,)
    for model in models:
        cells = []
        for preset in request.quality_presets:
            row = frozen.run_row(dataset_id, model, preset)
            known = stored.find_run(dashboard.store, dataset_id, row["settings_hash"])
            if known is None:
                new_runs.append(row)
            cells.append(PlannedCell(known or row["run_id"], preset))
        yield model, tuple(cells)
