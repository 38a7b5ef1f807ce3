"""Endpoints for the tests: one over a fake model server, and one process over the real bundled model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.local_endpoint.fake_model_server import BEHAVIOURS, FakeModelServer, serving
from tlm_dash.local_endpoint.app import Serving, create_app
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.process import LocalEndpoint
from tlm_dash.local_endpoint.readiness import Readiness

DATA_DIR = Path(__file__).resolve().parents[2] / "data"

API_KEY = "sk-secret-key"

MODELS = (
    "plain", "no-logprobs", "empty", "cut", "failing-midway", "garbled", "stalling", "silent", *BEHAVIOURS,
)  # fmt: skip


@dataclass(frozen=True)
class FixedScore:
    """What FixedScorer returns."""

    trustworthiness_score: float | None = 0.75
    explanation: str | None = "because"
    per_field_score: dict[str, Any] | None = None


class FixedScorer:
    """A scorer that always says the same and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        completion: Mapping[str, Any],
        **rest: Any,  # noqa: ANN401
    ) -> FixedScore:
        self.asked.append({"messages": messages, "completion": completion, **rest})
        return FixedScore()

    async def close(self) -> None:
        pass


@dataclass
class Endpoint:
    """An endpoint under test: its base URL, its scorer, and the model server behind it."""

    base_url: str
    scorer: FixedScorer
    upstream: FakeModelServer


@pytest.fixture(scope="session")
def upstream() -> Iterator[FakeModelServer]:
    server = FakeModelServer()
    with serving(server) as url:
        server.url = f"{url}/v1"
        yield server


@pytest.fixture(scope="session")
def running_endpoint(upstream: FakeModelServer) -> Iterator[Endpoint]:
    scorer = FixedScorer()

    async def start(serving_state: Serving) -> None:
        sources = [ModelSource(name=name, base_url=upstream.url, api_key=API_KEY) for name in MODELS]
        serving_state.open([ServedModel(source, scorer) for source in sources])

    started = Serving(Readiness(announce=lambda _line: None))
    with serving(create_app(started, start)) as url:
        wait_until(lambda: started.readiness.ready)
        yield Endpoint(f"{url}/api", scorer, upstream)


@pytest.fixture
def endpoint(running_endpoint: Endpoint) -> Endpoint:
    """An endpoint over the fake model server, with nothing remembered from the tests before."""
    running_endpoint.upstream.calls.clear()
    running_endpoint.scorer.asked.clear()
    return running_endpoint


def wait_until(condition: Any, timeout_s: float = 60.0) -> None:  # noqa: ANN401
    """Wait until a condition holds; fails the test if it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def local_endpoint(model_file: Path) -> Iterator[LocalEndpoint]:
    """The real thing: the supervisor with its process over the bundled model."""
    endpoint = LocalEndpoint(model_file.parents[1])
    endpoint.start()
    wait_until(lambda: endpoint.status().state in ("ready", "failed"), 180)
    assert endpoint.status().state == "ready", endpoint.status().detail
    yield endpoint
    endpoint.stop()
