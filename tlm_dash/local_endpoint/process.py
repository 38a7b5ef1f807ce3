"""The embedded endpoint as the dashboard holds it: a separate process that is started, watched and restarted.

Light on purpose: nothing that serves or scores is imported here. The model is fetched on this side, with
pip's own settings and proxies; the serving process gets an environment without any of them.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tlm_dash.errors import TlmDashError
from tlm_dash.local_endpoint.child_log import ChildLog
from tlm_dash.local_endpoint.environment import for_fetching, for_serving
from tlm_dash.local_endpoint.model_file import check_model_file, ensure_model_file
from tlm_dash.local_endpoint.progress import progress_sentence

HOST = "127.0.0.1"
POLL_S = 0.2
HEALTH_TIMEOUT_S = 5.0

# How long it may take to become ready, on a busy laptop; after that it is taken for stuck.
START_LIMIT_S = 120.0

# A process that served for this long was healthy: its end counts as the first of a new series.
HEALTHY_AFTER_S = 60.0
MAX_QUICK_DEATHS = 5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

# The process needs at most two seconds to leave; then it is killed.
TERMINATE_LIMIT_S = 4.0

State = Literal["starting", "fetching", "loading", "ready", "restarting", "failed", "stopped"]


@dataclass(frozen=True)
class LocalEndpointStatus:
    """What the embedded endpoint is doing. `detail` is a sentence for a person.

    `base_url` is known from the moment a port is chosen, and stays the same across restarts unless another
    program takes the port in between. `restarts` counts the restarts since `start`.
    """

    state: State
    detail: str
    base_url: str | None = None
    pid: int | None = None
    restarts: int = 0


class LocalEndpoint:
    """Keeps one endpoint process alive between `start` and `stop`. Any thread may call any method."""

    def __init__(self, data_dir: Path, *, model_file: Path | None = None) -> None:
        self._data_dir = Path(data_dir).resolve()
        self._model_file = model_file.resolve() if model_file else None
        self._log = ChildLog(self._data_dir / "logs" / "endpoint.log")
        self._lock = threading.Lock()
        self._status = LocalEndpointStatus("stopped", "The embedded endpoint is not running.")
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start the endpoint and return at once; `status` tells how far it is. Starting twice is fine."""
        with self._lock:
            if self._watcher is not None and self._watcher.is_alive():
                return
            # The watcher owns its event: one that is still ending cannot be revived by a new start.
            self._stop = threading.Event()
            self._status = LocalEndpointStatus("starting", "The embedded endpoint is starting.")
            self._watcher = threading.Thread(
                target=self._watch, args=[self._stop], name="local-endpoint", daemon=True
            )
            self._watcher.start()

    def stop(self) -> None:
        """Stop the endpoint; returns when its process is gone, within some five seconds."""
        with self._lock:
            watcher = self._watcher
            self._stop.set()
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join(TERMINATE_LIMIT_S + 5.0)

    def status(self) -> LocalEndpointStatus:
        """Return what the endpoint is doing now."""
        with self._lock:
            return self._status

    def _say(self, state: State, detail: str, **changes: object) -> None:
        with self._lock:
            self._status = replace(self._status, state=state, detail=detail, **changes)  # type: ignore[arg-type]

    def _watch(self, stop: threading.Event) -> None:
        """The watching thread: fetch, then serve and restart until told to stop."""
        try:
            self._fetch(stop)
            self._keep_serving(stop)
        except TlmDashError as error:
            if not stop.is_set():
                self._log.note(f"{error}")
                self._say("failed", str(error), pid=None)
        except OSError as error:
            self._say(
                "failed", f"The embedded endpoint cannot be started: {error.strerror or error}.", pid=None
            )
        if stop.is_set():
            self._say("stopped", "The embedded endpoint is stopped.", pid=None, base_url=None)

    def _fetch(self, stop: threading.Event) -> None:
        if self._model_file is not None:
            check_model_file(self._model_file)
            return

        def progress(done_bytes: int, total_bytes: int | None, text: str) -> None:
            self._say("fetching", f"{progress_sentence(done_bytes, total_bytes, text)}.")

        environment = for_fetching(os.environ)
        ensure_model_file(self._data_dir, progress=progress, environment=environment, stop=stop)

    def _keep_serving(self, stop: threading.Event) -> None:
        port, quick_deaths = _free_port(), 0
        while not stop.is_set():
            self._say("loading", "The local model is being loaded.", base_url=_base_url(port))
            started = time.monotonic()
            exit_code = self._serve_once(port, stop)
            if stop.is_set():
                return
            quick_deaths = 1 if time.monotonic() - started > HEALTHY_AFTER_S else quick_deaths + 1
            what, hint = self._log.failure()
            self._log.note(f"the process ended with exit code {exit_code}")
            if quick_deaths >= MAX_QUICK_DEATHS:
                self._say("failed", self._gave_up(quick_deaths, what, hint), pid=None)
                return
            restarts = self.status().restarts + 1
            reason = f": {what.rstrip('.')}" if what else ""
            detail = f"The embedded endpoint stopped (exit code {exit_code}){reason}. It is being restarted."
            self._say("restarting", detail, pid=None, restarts=restarts)
            stop.wait(min(FIRST_PAUSE_S * 2 ** (quick_deaths - 1), LONGEST_PAUSE_S))
            if not _is_free(port):
                port = _free_port()

    def _gave_up(self, deaths: int, what: str, hint: str) -> str:
        last = f" Last error: {what.rstrip('.')}." if what else ""
        return (
            f"The embedded endpoint stopped {deaths} times in a row and is not started again.{last} "
            f"{hint + ' ' if hint else ''}Its log is {self._log.path}."
        )

    def _serve_once(self, port: int, stop: threading.Event) -> int:
        """Run the process until it ends or `stop` is set; returns its exit code."""
        process = self._spawn(port)
        try:
            self._say("loading", "The local model is being loaded.", pid=process.pid)
            give_up_at, ready = time.monotonic() + START_LIMIT_S, False
            while process.poll() is None and not stop.wait(POLL_S):
                if not ready:
                    ready = self._look(port)
                    if not ready and time.monotonic() > give_up_at:
                        self._log.note(f"not ready after {START_LIMIT_S:.0f} s; it is stopped")
                        break
        finally:
            _end(process)
            self._log.wait(1.0)
        return process.returncode

    def _look(self, port: int) -> bool:
        """Ask the process how it is and note it; returns whether it is ready."""
        health = _health(port)
        if health.get("status") == "ok":
            self._say("ready", f"The embedded endpoint is ready at {_base_url(port)}.")
            return True
        if isinstance(health.get("detail"), str):
            self._say("loading", str(health["detail"]))
        return False

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        # An empty working folder, so that no file lying about (a `.env`, a module) changes what runs.
        folder = self._data_dir / "endpoint"
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tlm_dash.local_endpoint", "--exit-with-parent"]
        command += ["--host", HOST, "--port", str(port), "--data-dir", str(self._data_dir)]
        if self._model_file is not None:
            command += ["--model-file", str(self._model_file)]
        environment = for_serving(os.environ)
        project = str(Path(__file__).resolve().parents[2])
        given = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([project, given] if given else [project])
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal is the dashboard's to handle: it stops us in order.
            start_new_session=True,
        )
        assert process.stdout is not None
        self._log.follow(process.stdout)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminate the process, or kill it if it does not leave, and collect it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(TERMINATE_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _base_url(port: int) -> str:
    return f"http://{HOST}:{port}/api"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _health(port: int) -> dict[str, object]:
    """Return the body of the health call, or nothing while there is none. No proxy is ever used."""
    connection = http.client.HTTPConnection(HOST, port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/api/health")
        health = json.loads(connection.getresponse().read(65536))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return health if isinstance(health, dict) else {}
