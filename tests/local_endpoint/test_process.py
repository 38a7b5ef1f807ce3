"""The supervisor and its process over the real model: ready, answering, restarted, stopped, and alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from starlette.types import Receive, Scope, Send

from tests.local_endpoint.conftest import wait_until
from tests.local_endpoint.fake_model_server import serving
from tlm_dash.local_endpoint.process import LocalEndpoint

ROOT = Path(__file__).resolve().parents[2]
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def ask(endpoint: LocalEndpoint, path: str = "/chat/completions", **fields: Any) -> httpx.Response:  # noqa: ANN401
    body = {"messages": QUESTION, "quality_preset": "base", **fields}
    return httpx.post(f"{endpoint.status().base_url}{path}", json=body, timeout=240, trust_env=False)


def test_it_answers_with_a_score_under_its_own_name(local_endpoint: LocalEndpoint) -> None:
    answer = ask(local_endpoint, model="gpt-4.1-mini", options={"log": ["explanation"]}).json()
    assert answer["model"] == "smollm2-135m-instruct"
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert 0 <= answer["tlm_metadata"]["trustworthiness_score"] <= 1
    assert answer["tlm_metadata"]["log"]["explanation"]
    assert answer["usage"]["completion_tokens"] < 30  # the answer's own tokens, not the scoring's


def test_it_streams_and_scores_and_lists_its_model(local_endpoint: LocalEndpoint) -> None:
    lines = [line for line in ask(local_endpoint, stream=True).text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    last = json.loads(lines[-2][6:])
    assert last["usage"]["total_tokens"] > 0 and last["tlm_metadata"]["trustworthiness_score"] is not None
    wrong, right = (
        ask(local_endpoint, "/chat/score", completion={"choices": [{"message": {"content": text}}]}).json()
        for text in ("London", "Paris")
    )
    assert wrong["tlm_metadata"]["trustworthiness_score"] < right["tlm_metadata"]["trustworthiness_score"]
    listed = httpx.get(f"{local_endpoint.status().base_url}/models", trust_env=False).json()["data"]
    assert [model["id"] for model in listed] == ["smollm2-135m-instruct"]


@pytest.mark.parametrize("words", [5_000, 200_000, 1_500_000])
@pytest.mark.parametrize("path", ["/chat/completions", "/chat/score"])
def test_what_is_too_long_is_refused_quickly(local_endpoint: LocalEndpoint, words: int, path: str) -> None:
    given = {"completion": {"choices": [{"message": {"content": "x"}}]}} if path == "/chat/score" else {}
    began = time.monotonic()
    answer = ask(local_endpoint, path, messages=[{"role": "user", "content": "word " * words}], **given)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert "4,096" in answer.json()["error"]["message"]
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"messages": [{"role": "tool", "content": "5"}]},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "unheard-of"}}}},
    ],
)
def test_what_the_small_model_cannot_do_is_refused(
    local_endpoint: LocalEndpoint, fields: dict[str, Any]
) -> None:
    answer = ask(local_endpoint, **fields)
    assert answer.status_code == 400, answer.text


def test_four_at_once_are_all_answered(local_endpoint: LocalEndpoint) -> None:
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(local_endpoint))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert [answer.status_code for answer in answers] == [200] * 6


def test_a_caller_who_leaves_frees_the_machine(local_endpoint: LocalEndpoint) -> None:
    """An abandoned answer of 3,000 tokens would keep a core busy for half a minute."""
    status = local_endpoint.status()
    assert status.pid is not None
    process = psutil.Process(status.pid)
    story = [{"role": "system", "content": "Tell very long stories."}, *QUESTION]
    for stream in (False, True):
        body = {"max_tokens": 3000, "temperature": 1.8, "stream": stream, "messages": story}
        url = f"{status.base_url}/chat/completions"
        for seed in range(4):
            with pytest.raises(httpx.TimeoutException):
                httpx.post(url, json={**body, "seed": seed}, timeout=0.3, trust_env=False)
        wait_until(lambda: process.cpu_percent(interval=0.4) < 25, 25)


def test_it_comes_back_at_the_same_address_after_a_kill(local_endpoint: LocalEndpoint) -> None:
    before = local_endpoint.status()
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: local_endpoint.status().state != "ready")
    wait_until(lambda: local_endpoint.status().state == "ready", 180)
    after = local_endpoint.status()
    assert after.base_url == before.base_url
    assert after.pid != before.pid and after.restarts == before.restarts + 1
    assert ask(local_endpoint).status_code == 200


def test_the_serving_process_sees_no_setting_of_the_users(local_endpoint: LocalEndpoint) -> None:
    pid = local_endpoint.status().pid
    assert pid is not None
    environment = psutil.Process(pid).environ()
    assert {"PATH", "PYTHONPATH"} <= set(environment)
    assert not [
        n for n in environment if "KEY" in n or "PROXY" in n.upper() or n.startswith(("OPENAI", "PIP"))
    ]
    assert list(Path(psutil.Process(pid).cwd()).iterdir()) == []


class Recorder:
    """A server that answers everything and keeps what it was asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        if scope["type"] == "http":
            self.paths.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})


def test_no_call_leaves_for_a_server_in_the_environment(
    model_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also not for one in a `.env` file of the folder it is started from."""
    recorder = Recorder()
    with serving(recorder) as url:
        names = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "ALL_PROXY")
        leading = {"OPENAI_API_KEY": "sk-user", **dict.fromkeys(names, url)}
        for name, value in leading.items():
            monkeypatch.setenv(name, value)
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in leading.items()))
        monkeypatch.chdir(tmp_path)
        endpoint = LocalEndpoint(tmp_path / "data", model_file=model_file)
        endpoint.start()
        try:
            wait_until(lambda: endpoint.status().state in ("ready", "failed"), 180)
            options = {"num_consistency_samples": 1, "max_tokens": 64}
            assert ask(endpoint, quality_preset="medium", options=options).status_code == 200
        finally:
            endpoint.stop()
    assert recorder.paths == []
    assert endpoint.status().state == "stopped" and endpoint.status().base_url is None


def test_a_model_that_cannot_be_loaded_is_given_up_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlm_dash.local_endpoint.process.MAX_QUICK_DEATHS", 2)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 1000)
    endpoint = LocalEndpoint(tmp_path, model_file=broken)
    endpoint.start()
    wait_until(lambda: endpoint.status().state == "failed", 180)
    status = endpoint.status()
    assert "2 times in a row" in status.detail and str(broken) in status.detail
    assert str(tmp_path / "logs" / "endpoint.log") in status.detail
    assert (tmp_path / "logs" / "endpoint.log").read_text().count("error: ") == 2
    endpoint.stop()


def test_a_model_file_that_is_not_there_fails_at_once(tmp_path: Path) -> None:
    endpoint = LocalEndpoint(tmp_path, model_file=tmp_path / "none.gguf")
    endpoint.start()
    wait_until(lambda: endpoint.status().state == "failed")
    assert "none.gguf" in endpoint.status().detail
    endpoint.start()
    endpoint.stop()
    endpoint.stop()


def test_the_process_ends_with_a_dashboard_that_was_killed(model_file: Path, tmp_path: Path) -> None:
    program = f"""
        import sys, time
        from pathlib import Path
        from tlm_dash.local_endpoint.process import LocalEndpoint
        endpoint = LocalEndpoint(Path({str(tmp_path)!r}), model_file=Path({str(model_file)!r}))
        endpoint.start()
        while endpoint.status().pid is None:
            time.sleep(0.05)
        print(endpoint.status().pid, flush=True)
        time.sleep(600)
    """
    dashboard = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with dashboard:
        assert dashboard.stdout is not None
        pid = int(dashboard.stdout.readline())
        time.sleep(2)
        dashboard.kill()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 60)


def test_the_supervisor_imports_nothing_heavy() -> None:
    program = (
        "import sys, tlm_dash.local_endpoint.process, tlm_dash.local_endpoint.command;"
        "print([n for n in ('litellm','tlm','fastapi','uvicorn','aiohttp','xllamacpp') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_another_port_is_taken_when_the_old_one_is_gone() -> None:
    from tlm_dash.local_endpoint.process import _free_port, _is_free

    port = _free_port()
    assert _is_free(port)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not _is_free(port)
