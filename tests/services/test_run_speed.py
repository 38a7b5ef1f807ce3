"""What a forecast of time reckons with: the requests that are truly under way at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeDashboard
from tests.fake_endpoint import FakeEndpoint
from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.batch.grid import Limits
from tlm_dash.batch.in_flight import START
from tlm_dash.local_endpoint.capacity import SERVED_AT_ONCE
from tlm_dash.services.run_words import fewer_at_once
from tlm_dash.settings import Settings, load_settings

EMBEDDED = EndpointAddress("http://127.0.0.1:5000/api", ".", serves_at_once=SERVED_AT_ONCE)
OTHER = EndpointAddress("http://endpoint.test/api", ".")


@pytest.mark.parametrize(
    ("wanted", "setting", "expected"),
    [(None, None, 4), (64, None, 4), (3, None, 3), (64, "2", 2), (None, "50", 4)],
)
def test_the_embedded_endpoint_is_reckoned_with_what_it_serves(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint, wanted: int | None, setting: str | None,
    expected: int,
) -> None:  # fmt: skip
    said = {} if setting is None else {"TLM_DASH_MAX_IN_FLIGHT": setting}
    batches = make_dashboard(fake_endpoint.base_url, **said).batches
    assert batches.speed(Limits(max_in_flight=wanted), [EMBEDDED])[0] == expected
    assert batches.gate(EMBEDDED).limit.ceiling == min(4, int(setting or 4))


def test_another_endpoints_gate_says_nothing_of_this_one(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    batches = make_dashboard(fake_endpoint.base_url).batches
    batches.gate(EMBEDDED)
    assert batches.speed(Limits(), [OTHER])[0] == START
    assert batches.speed(Limits(max_in_flight=64), [OTHER])[0] == 64
    # Answered elsewhere, scored by the embedded one: no more rows at once than that takes.
    assert batches.speed(Limits(max_in_flight=64), [OTHER, EMBEDDED])[0] == 4


def test_the_embedded_endpoint_keeps_its_gate_at_another_port(
    make_dashboard: MakeDashboard, fake_endpoint: FakeEndpoint
) -> None:
    batches = make_dashboard(fake_endpoint.base_url).batches
    moved = EndpointAddress("http://127.0.0.1:5001/api", ".", serves_at_once=SERVED_AT_ONCE)
    assert batches.gate(moved) is batches.gate(EMBEDDED)
    assert batches.gate(OTHER) is not batches.gate(EMBEDDED)


@pytest.mark.parametrize(
    ("base_url", "setting", "wanted", "reason"),
    [
        (None, None, 64, "The embedded endpoint serves 4 requests at once: "
                         "so many are under way at most, not 64."),
        (None, "2", 64, "TLM_DASH_MAX_IN_FLIGHT allows 2 at once: so many are under way at most, not 64."),
        (None, "2", 3, "TLM_DASH_MAX_IN_FLIGHT allows 2 at once: so many are under way at most, not 3."),
        (None, None, 4, None), (None, None, None, None), ("http://endpoint.test/api", None, 64, None),
    ],
)  # fmt: skip
def test_why_fewer_are_under_way_is_said(
    base_url: str | None, setting: str | None, wanted: int | None, reason: str | None
) -> None:
    said = {"BASE_URL": base_url, "TLM_DASH_MAX_IN_FLIGHT": setting}
    settings: Settings = load_settings({k: v for k, v in said.items() if v}, env_file=Path("no.env"))
    assert fewer_at_once(settings, wanted) == reason
