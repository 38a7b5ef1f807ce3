"""The endpoint command: its options, its exit codes, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.local_endpoint.conftest import wait_until
from tests.local_endpoint.fake_model_server import FakeModelServer
from tests.raw_http import ask_raw, knock
from tlm_dash.connections import HEAD_LIMIT_S

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tlm_dash.local_endpoint", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str], timeout_s: float = 120) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=timeout_s)
    return process.returncode, out, err


def wait_ready(base_url: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base_url}/health", trust_env=False, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the endpoint did not become ready")


def test_a_taken_port_is_told_with_a_next_step(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        code, out, err = finish(command("--port", port, "--data-dir", str(tmp_path)))
    assert (code, out) == (1, "")
    assert err.startswith(f"error: Port {port} on 127.0.0.1 is used by another program.\nhint: ")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["--port", "99999"], 2, "port number"),
        (["--model-server", "localhost:1"], 2, "http://"),
        (["--model-file", "a.gguf", "--model-server", "http://x"], 2, "not allowed"),
        (["--model-server", "http://127.0.0.1:9/v1"], 1, "belong together"),
        (["--model", "a"], 1, "belong together"),
        (["--host", "203.0.113.9", "--port", "0"], 1, "Cannot listen"),
        (["--port", "0", "--model-file", "/nonexistent/a.gguf"], 1, "cannot be read"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], exit_code: int, words: str) -> None:
    code, _, err = finish(command(*arguments))
    assert code == exit_code
    assert words in err and "Traceback" not in err


def test_a_list_of_names_that_cannot_be_read_is_told() -> None:
    code, _, err = finish(command("--port", "0", TLM_DASH_ALLOWED_HOSTS="gpu.lan, *"))
    assert code == 1
    assert err.startswith("error: The setting TLM_DASH_ALLOWED_HOSTS cannot be used (names as a browser")


def test_bound_to_every_address_it_answers_to_its_machines_names_and_to_listed_ones(
    upstream: FakeModelServer, tmp_path: Path
) -> None:
    options = ["--model-server", upstream.url, "--model", "plain", "--data-dir", str(tmp_path), "--port", "0"]
    process = command(*options, "--host", "0.0.0.0", TLM_DASH_ALLOWED_HOSTS="https://tlm.example")
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    port = int(base_url.rpartition(":")[2].partition("/")[0])
    # What it prints is what people set as BASE_URL.
    wait_ready(base_url)
    unfinished = socket.create_connection(("127.0.0.1", port), timeout=HEAD_LIMIT_S + 20)
    unfinished.sendall(b"POST /api/chat")
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"{socket.gethostname()}:{port}", "tlm.example"):
        assert ask_raw(port, "/api/models", f"Host: {host}").status == 200, host
    refused = ask_raw(port, "/api/models", f"Host: evil.example:{port}")
    assert refused.status == 400 and "TLM_DASH_ALLOWED_HOSTS" in refused.body
    for _ in range(20):
        assert knock(port, f"Host: 127.0.0.1:{port}", "Origin: http://evil.example").status == 403
    with unfinished:
        assert unfinished.recv(1) == b"", "who does not finish asking is shown out"
    process.send_signal(signal.SIGTERM)
    _, _, err = finish(process)
    assert len([line for line in err.splitlines() if "Turned away" in line]) == 1
    assert "handshake" not in err and "Traceback" not in err


def hang_on(url: str, body: dict[str, object]) -> None:
    """Ask for what never comes; how the server says goodbye is another test's."""
    with suppress(httpx.TransportError):
        httpx.post(url, json={**body, "model": "silent"}, timeout=600, trust_env=False)


def test_a_system_without_a_library_that_llama_cpp_needs_is_told(tmp_path: Path) -> None:
    missing = "libgomp.so.1: cannot open shared object file"
    (tmp_path / "xllamacpp.py").write_text(f"raise ImportError({missing!r})")
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + bytes(100))
    options = ["--port", "0", "--model-file", str(tmp_path / "a.gguf"), "--data-dir", str(tmp_path)]
    code, _, err = finish(command(*options, PYTHONPATH=str(tmp_path)))
    assert (code, "Traceback" in err) == (1, False)
    assert f"error: llama.cpp cannot be loaded ({missing}).\nhint: " in err and "libgomp1" in err


def test_it_serves_over_a_model_server_with_its_key_and_ends_on_a_signal(upstream: FakeModelServer) -> None:
    upstream.calls.clear()
    process = command(
        "--port", "0", "--model-server", upstream.url, "--model", "plain", "--model", "silent",
        TLM_DASH_MODEL_SERVER_KEY="sk-from-the-environment", OPENAI_API_KEY="sk-other",
    )  # fmt: skip
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    assert base_url.startswith("http://127.0.0.1:") and base_url.endswith("/api")
    wait_ready(base_url)
    with httpx.Client(base_url=base_url, trust_env=False, timeout=120) as client:
        listed = [model["id"] for model in client.get("/models").json()["data"]]
        assert listed == ["plain", "silent"]
        messages = [{"role": "user", "content": "What is the capital of France?"}]
        body = {"model": "plain", "messages": messages, "quality_preset": "base"}
        answer = client.post("/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["tlm_metadata"].keys() == {"trustworthiness_score"}
        hanging = threading.Thread(target=hang_on, args=(f"{base_url}/chat/completions", body))
        hanging.start()
        wait_until(lambda: upstream.calls_of("silent"))
    assert {call.headers["authorization"] for call in upstream.calls} == {"Bearer sk-from-the-environment"}
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    hanging.join(60)
    assert time.monotonic() - began < 40, "the model server would take ten minutes"
    assert code == 0
    assert "Traceback" not in err and "sk-" not in err
    assert upstream.calls_of("silent")[0].closed_by_caller.wait(40)


def test_ctrl_c_during_the_start_ends_with_130(model_file: Path) -> None:
    process = command("--port", "0", "--model-file", str(model_file))
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    assert httpx.get(f"{base_url}/health", trust_env=False, timeout=120).status_code in (200, 503)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130 and "Traceback" not in err
    assert time.monotonic() - began < 40
