"""A request that no bound foresaw: it keeps one model server from working, and the endpoint goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.local_endpoint.conftest import wait_until
from tests.local_endpoint.test_attacks import SCHEMAS, ask, schema
from tlm_dash.local_endpoint import pulse
from tlm_dash.local_endpoint.process import LocalEndpoint

# The real endpoint, but for the bounds.
WITHOUT_BOUNDS = """
import sys
from tlm_dash.local_endpoint import __main__, generation

generation.check_response_format = lambda _: None
sys.exit(__main__.main())
"""


class UnboundedEndpoint(LocalEndpoint):
    """Runs a process that takes every schema."""

    def _command(self, port: int) -> list[str]:
        python, _, _, *arguments = super()._command(port)
        return [python, "-c", WITHOUT_BOUNDS, *arguments]


@pytest.fixture
def unbounded(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[UnboundedEndpoint]:
    """An endpoint that can be stuck, and is looked at often."""
    monkeypatch.setattr(pulse, "LOOK_WHILE_SERVING_S", 0.5)
    monkeypatch.setattr(pulse, "LOOK_IN_TROUBLE_S", 0.1)
    endpoint = UnboundedEndpoint(tmp_path, model_file=model_file)
    endpoint.start()
    wait_until(lambda: endpoint.status().state in ("ready", "failed"), 180)
    assert endpoint.status().state == "ready", endpoint.status().detail
    yield endpoint
    endpoint.stop()


def test_a_request_that_never_ends_takes_out_neither_the_others_nor_the_endpoint(
    unbounded: UnboundedEndpoint,
) -> None:
    ends: list[httpx.Response | Exception] = []
    told: set[str] = set()

    def never_ends() -> None:
        try:
            ends.append(ask(unbounded, within_s=300, **schema(SCHEMAS["100,000 values"])))
        except httpx.TransportError as error:
            ends.append(error)

    def is_back() -> bool:
        status = unbounded.status()
        told.add(status.detail if status.state == "restarting" else "")
        return status.restarts == 1 and status.state == "ready"

    caller = threading.Thread(target=never_ends)
    caller.start()
    time.sleep(1)
    assert ask(unbounded).status_code == 200
    assert unbounded.status().restarts == 0, "the other server answered, not the next process"
    wait_until(is_back, 120)
    caller.join(60)
    assert any("made no token for" in detail and "is being restarted" in detail for detail in told), told
    assert_may_be_sent_again(ends[0])
    assert ask(unbounded).status_code == 200


def assert_may_be_sent_again(end: httpx.Response | Exception) -> None:
    """Check that a caller was told to come again, or lost the connection."""
    if isinstance(end, httpx.Response):
        assert end.status_code == 503 and end.headers["retry-after"]
        assert end.json()["error"]["code"] == "stopping"
