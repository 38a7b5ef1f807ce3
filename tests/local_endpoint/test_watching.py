"""The supervisor over small fake processes: one that hangs is restarted, a bug of ours is told."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.local_endpoint.conftest import wait_until
from tlm_dash.local_endpoint import pulse
from tlm_dash.local_endpoint.process import LocalEndpoint

# Answers the health call as often as told and is silent then, with its socket open.
FAKE = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

answers = int(sys.argv[2])

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        global answers
        answers -= 1
        if answers < 0:
            time.sleep(600)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""

# Says from then on that its model is stuck.
FAKE_STUCK = FAKE.replace(
    "            time.sleep(600)",
    """            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"status": "stuck"}')
            return""",
)

PULSE = "tlm_dash.local_endpoint.pulse"
PROCESS = "tlm_dash.local_endpoint.process"


class FakeEndpoint(LocalEndpoint):
    """Runs the fake process in place of the real one."""

    def __init__(self, folder: Path, answers: int) -> None:
        (folder / "model.gguf").write_bytes(b"GGUF")
        super().__init__(folder, model_file=folder / "model.gguf")
        self.answers = answers

    def _command(self, port: int) -> list[str]:
        return [sys.executable, "-c", FAKE, str(port), str(self.answers)]


class StuckEndpoint(FakeEndpoint):
    """Runs a process whose model is stuck after some answers."""

    def _command(self, port: int) -> list[str]:
        return [sys.executable, "-c", FAKE_STUCK, str(port), str(self.answers)]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeEndpoint]]:
    """Start an endpoint whose process answers so many health calls; it is looked at all the time.

    A look that is slow because the machine is busy is not missed, but where a test is about one that hangs.
    """
    for name, value in {
        "LOOK_WHILE_SERVING_S": 0.05,
        "HEALTH_TIMEOUT_S": 10.0,
        "MAX_MISSED_LOOKS": 3,
    }.items():
        monkeypatch.setattr(f"{PULSE}.{name}", value)
    monkeypatch.setattr(f"{PROCESS}.FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(f"{PROCESS}.POLL_S", 0.05)
    started: list[FakeEndpoint] = []

    def start(answers: int, kind: type[FakeEndpoint] = FakeEndpoint) -> FakeEndpoint:
        started.append(kind(tmp_path, answers))
        started[0].start()
        wait_until(lambda: started[0].status().state == "ready")
        return started[0]

    yield start
    for endpoint in started:
        endpoint.stop()


def log_of(folder: Path) -> str:
    return (folder / "logs" / "endpoint.log").read_text()


def test_a_process_that_answers_is_left_alone(watch: Callable[..., FakeEndpoint]) -> None:
    endpoint = watch(10_000)
    pid = endpoint.status().pid
    with pytest.raises(AssertionError, match="waited too long"):
        wait_until(lambda: endpoint.status().restarts, 1.5)
    assert endpoint.status().state == "ready" and endpoint.status().pid == pid


def test_a_process_that_hangs_is_restarted(
    watch: Callable[..., FakeEndpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = watch(10_000)
    hung = endpoint.status()
    assert hung.pid is not None
    monkeypatch.setattr(f"{PULSE}.HEALTH_TIMEOUT_S", 0.5)
    psutil.Process(hung.pid).suspend()
    wait_until(lambda: endpoint.status().restarts)
    monkeypatch.setattr(f"{PULSE}.HEALTH_TIMEOUT_S", 10.0)
    wait_until(lambda: endpoint.status().state == "ready")
    assert endpoint.status().base_url == hung.base_url
    assert not psutil.pid_exists(hung.pid)
    assert "[supervisor] the process did not answer for" in log_of(tmp_path)


def test_a_process_that_always_hangs_is_given_up(
    watch: Callable[..., FakeEndpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{PROCESS}.MAX_QUICK_DEATHS", 2)
    monkeypatch.setattr(f"{PULSE}.HEALTH_TIMEOUT_S", 0.5)
    # Some answers may come too late for the look that asked for them; the first that does not makes it ready.
    endpoint = watch(20)
    wait_until(lambda: endpoint.status().state == "failed")
    detail = endpoint.status().detail
    assert "2 times in a row" in detail and "Last error: it did not answer for" in detail
    assert log_of(tmp_path).count("did not answer for") == 2


def test_a_model_that_is_stuck_with_requests_is_restarted_as_often_as_need_be(
    watch: Callable[..., FakeEndpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{PROCESS}.MAX_QUICK_DEATHS", 2)
    monkeypatch.setattr(f"{PULSE}.LOOK_IN_TROUBLE_S", 0.05)
    endpoint = watch(3, kind=StuckEndpoint)
    wait_until(lambda: endpoint.status().restarts >= 3)
    assert endpoint.status().state != "failed"
    assert log_of(tmp_path).count("[supervisor] the process made no token for") >= 3


def test_a_model_that_is_stuck_now_and_then_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{PULSE}.LOOK_WHILE_SERVING_S", 0.0)
    monkeypatch.setattr(f"{PULSE}.LOOK_WHILE_STARTING_S", 0.0)
    said = iter(["ok", "stuck", "stuck", "ok", "stuck", "stuck", "stuck"])
    monkeypatch.setattr(f"{PULSE}.health_of", lambda _port: {"status": next(said)})
    looked_at = pulse.Pulse(port=0)
    for _ in range(6):
        assert looked_at.look() and not looked_at.trouble
    assert looked_at.look() and looked_at.trouble.startswith("made no token for")


def test_looks_that_are_missed_now_and_then_are_forgiven(
    watch: Callable[..., FakeEndpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    real = pulse.health_of

    def every_second(port: int) -> dict[str, object]:
        looks.append(port)
        return {} if len(looks) % 2 else real(port)

    monkeypatch.setattr(f"{PULSE}.health_of", every_second)
    endpoint = watch(10_000)
    wait_until(lambda: len(looks) > 20)
    assert endpoint.status().state == "ready" and endpoint.status().restarts == 0


def test_a_bug_while_watching_is_logged_and_told(
    watch: Callable[..., FakeEndpoint],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint = watch(10_000)
    pid = endpoint.status().pid
    assert pid is not None

    def broken(_: int) -> dict[str, object]:
        raise ValueError("a detail for the log")

    with caplog.at_level(logging.ERROR):
        monkeypatch.setattr(f"{PULSE}.health_of", broken)
        wait_until(lambda: endpoint.status().state == "failed")
    status = endpoint.status()
    assert "stopped because of a fault in this program" in status.detail
    assert str(tmp_path / "logs" / "endpoint.log") in status.detail
    assert "a detail" not in status.detail and status.pid is None
    assert not psutil.pid_exists(pid)
    assert "ValueError: a detail for the log" in log_of(tmp_path)
    assert "ValueError: a detail for the log" in caplog.text


def test_after_a_bug_it_can_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = FakeEndpoint(tmp_path, 10_000)
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
        patch.setattr(f"{PROCESS}.check_model_file", None)
        endpoint.start()
        wait_until(lambda: endpoint.status().state == "failed")
    endpoint.start()
    wait_until(lambda: endpoint.status().state == "ready")
    endpoint.stop()
    assert endpoint.status().state == "stopped"
