"""The embedded endpoint as the dashboard holds it: a separate process that is started, watched and restarted.

Light on purpose: nothing that serves or scores is imported here. The model is fetched on this side, with
pip's own settings and proxies; the serving process gets an environment without any of them.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tlm_dash.errors import TlmDashError
from tlm_dash.local_endpoint.child_log import ChildLog
from tlm_dash.local_endpoint.environment import for_fetching, for_serving
from tlm_dash.local_endpoint.model_file import check_model_file, ensure_model_file
from tlm_dash.local_endpoint.progress import progress_sentence
from tlm_dash.local_endpoint.pulse import HEALTH_TIMEOUT_S, HOST, Pulse

logger = logging.getLogger(__name__)

POLL_S = 0.2

# A process that served for this long was healthy: its end counts as the first of a new series.
HEALTHY_AFTER_S = 60.0
MAX_QUICK_DEATHS = 5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

# The process needs at most two seconds to leave; then it is killed.
TERMINATE_LIMIT_S = 4.0

State = Literal["starting", "fetching", "loading", "ready", "restarting", "failed", "stopped"]


@dataclass(frozen=True)
class _Ending:
    """How one process ended, to follow its name in a sentence, and for how long it had served.

    One that was stuck with a request had started well: it is never a reason to give up.
    """

    how: str
    served_s: float
    stuck: bool
    by_a_request: bool


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
        """Stop the endpoint; returns when its process is gone: within some five seconds, ten if it hangs."""
        with self._lock:
            watcher = self._watcher
            self._stop.set()
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join(HEALTH_TIMEOUT_S + TERMINATE_LIMIT_S + 3.0)

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
        except Exception:
            # A bug must not leave a "ready" behind that nobody looks after.
            logger.exception("The embedded endpoint is given up because of a bug")
            self._log.note(f"given up because of a bug\n{traceback.format_exc().rstrip()}")
            self._say("failed", self._given_up_for_a_bug(), pid=None)
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
            ending = self._serve_once(port, stop)
            if stop.is_set():
                return
            started_well = ending.served_s > HEALTHY_AFTER_S or ending.by_a_request
            quick_deaths = 1 if started_well else quick_deaths + 1
            # What a process that hangs has logged last need not be why.
            what, hint = ("", "") if ending.stuck else self._log.failure()
            self._log.note(f"the process {ending.how}")
            if quick_deaths >= MAX_QUICK_DEATHS:
                self._say("failed", self._gave_up(quick_deaths, what or f"it {ending.how}", hint), pid=None)
                return
            restarts = self.status().restarts + 1
            reason = f": {what.rstrip('.')}" if what else ""
            detail = f"The embedded endpoint {ending.how}{reason}. It is being restarted."
            self._say("restarting", detail, pid=None, restarts=restarts)
            stop.wait(min(FIRST_PAUSE_S * 2 ** (quick_deaths - 1), LONGEST_PAUSE_S))
            if not _is_free(port):
                port = _free_port()

    def _gave_up(self, deaths: int, what: str, hint: str) -> str:
        return (
            f"The embedded endpoint stopped {deaths} times in a row and is not started again. "
            f"Last error: {what.rstrip('.')}. {hint + ' ' if hint else ''}Its log is {self._log.path}."
        )

    def _given_up_for_a_bug(self) -> str:
        return (
            "The embedded endpoint is stopped because of a fault in this program. Start the dashboard again; "
            f"if it stays, the log says more: {self._log.path}."
        )

    def _serve_once(self, port: int, stop: threading.Event) -> _Ending:
        """Run the process until it ends, hangs or `stop` is set."""
        process, pulse, trouble = self._spawn(port), Pulse(port), ""
        try:
            assert process.stdout is not None
            self._log.follow(process.stdout)
            self._say("loading", "The local model is being loaded.", pid=process.pid)
            while not trouble and process.poll() is None and not stop.wait(POLL_S):
                if pulse.look():
                    self._tell(pulse, port)
                trouble = pulse.trouble
        finally:
            _end(process)
            self._log.wait(1.0)
        how = trouble or f"stopped (exit code {process.returncode})"
        return _Ending(how, pulse.served_s, stuck=bool(trouble), by_a_request=pulse.model_is_stuck)

    def _tell(self, pulse: Pulse, port: int) -> None:
        if pulse.ready:
            self._say("ready", f"The embedded endpoint is ready at {_base_url(port)}.")
        elif pulse.detail:
            self._say("loading", pulse.detail)

    def _command(self, port: int) -> list[str]:
        command = [sys.executable, "-m", "tlm_dash.local_endpoint", "--exit-with-parent"]
        command += ["--host", HOST, "--port", str(port), "--data-dir", str(self._data_dir)]
        return command + (["--model-file", str(self._model_file)] if self._model_file is not None else [])

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        # An empty working folder, so that no file lying about (a `.env`, a module) changes what runs.
        folder = self._data_dir / "endpoint"
        folder.mkdir(parents=True, exist_ok=True)
        environment = for_serving(os.environ)
        project = str(Path(__file__).resolve().parents[2])
        given = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([project, given] if given else [project])
        return subprocess.Popen(
            self._command(port),
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal is the dashboard's to handle: it stops us in order.
            start_new_session=True,
        )


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
