"""The fake endpoint is what it says: other tests stand on it."""

from __future__ import annotations

import contextlib
import gc
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from tests.conftest import ROOT
from tests.endpoint.asking import GENERATE, MESSAGES, SCORE, a_request, collect, error_of, run
from tests.fake_endpoint import Answer, ApiError, FakeEndpoint, behaviours, evil_text, fake_answer, fake_score

NAMED = {
    "healthy", "slow", "html", "not-found", "unauthorized", "rate-limited", "no-score", "nan-score",
    "cut-stream", "hang", "dies-mid-stream", "server-error", "refuses-stream", "ignores-stream",
    "evil-text", "long-text",
}  # fmt: skip


def test_the_promised_behaviours_exist() -> None:
    assert set(behaviours()) >= NAMED


def test_answers_and_scores_are_deterministic_and_differ() -> None:
    assert fake_answer(MESSAGES, "a") == fake_answer(MESSAGES, "a") != fake_answer(MESSAGES, "b")
    scores = {fake_score("Blue.", preset) for preset in ("base", "low", "medium")}
    assert len(scores) == 3
    assert all(0 <= score < 1 for score in scores)
    assert fake_score("Blue.", None) == fake_score("Blue.", "medium")


def test_a_script_is_used_up_and_belongs_to_one_call(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(500), Answer(text="scripted")])
    assert run(fake_endpoint, lambda client: client.models()) == fake_endpoint.models
    assert error_of(fake_endpoint).status == 500
    assert run(fake_endpoint, lambda client: client.generate(a_request())).completion.text == "scripted"
    assert run(fake_endpoint, lambda client: client.generate(a_request())).completion.text != "scripted"
    assert len(fake_endpoint.requests_to(GENERATE)) == 3
    assert fake_endpoint.requests_to(SCORE) == []


def test_the_evil_text_arrives_as_it_is_streamed_or_not() -> None:
    beacon = "http://127.0.0.1:9/b"
    with FakeEndpoint("evil-text", beacon=beacon) as endpoint:
        pieces, streamed = run(endpoint, collect)
        whole = run(endpoint, lambda client: client.generate(a_request()))
    assert whole.completion.text == "".join(pieces) == streamed.completion.text == evil_text(beacon)


def test_it_runs_on_its_own() -> None:
    command = [sys.executable, "-m", "tests.fake_endpoint", "--port", "0", "--behaviour", "server-error"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        base_url = re.search(r"http://127\.0\.0\.1:\d+/api", line)
        assert line.startswith("server-error") and base_url
        with urllib.request.urlopen(f"{base_url.group()}/health", timeout=60) as answer:
            assert answer.status == 200
        call = urllib.request.Request(f"{base_url.group()}/chat/completions", b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(call, timeout=60)
        caught.value.close()
        assert caught.value.code == 500
    finally:
        process.terminate()
        process.communicate()


def test_who_comes_while_it_stops_leaves_no_socket_open() -> None:
    def knock(port: int, n: int) -> None:
        for _ in range(n):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                pass

    for number in range(24):
        endpoint = FakeEndpoint().start()
        knocking = [threading.Thread(target=knock, args=(endpoint.port, 4 + 2 * number)) for _ in range(3)]
        for thread in knocking:
            thread.start()
        endpoint.stop()
        for thread in knocking:
            thread.join()
    # What was left open is told now, as a warning, and fails this test and no later one.
    gc.collect()
