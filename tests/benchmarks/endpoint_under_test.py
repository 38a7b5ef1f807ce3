"""The embedded endpoint as a process of its own, talked to over the wire API and watched for memory."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

# The first start may have to fetch the model file.
START_TIMEOUT_S = 300.0


class EndpointUnderTest:
    """A running endpoint: its two calls, and the memory of its processes."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession, pid: int | None) -> None:
        self.base_url, self._session, self._pid = base_url, session, pid

    async def generate(self, prompt: str, preset: str, max_tokens: int = 64) -> dict[str, Any]:
        """Return the ChatCompletion with its tlm_metadata, log-probabilities included."""
        return await self._post(
            "chat/completions",
            {
                "messages": [{"role": "user", "content": prompt}],
                "quality_preset": preset,
                "max_tokens": max_tokens,
                "logprobs": True,
            },
        )

    async def score(
        self, prompt: str, response: str, preset: str, logprobs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what chat/score says of a response, which may come with its log-probabilities."""
        message = {"role": "assistant", "content": response}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": logprobs}
        completion = {"id": "given", "object": "chat.completion", "created": 0, "model": "given"}
        return await self._post(
            "chat/score",
            {
                "messages": [{"role": "user", "content": prompt}],
                "completion": {**completion, "choices": [choice]},
                "quality_preset": preset,
            },
        )

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(f"{self.base_url}/{path}", json=body) as reply:
            if reply.status != 200:
                raise RuntimeError(f"{path} answered {reply.status}: {(await reply.text())[:300]}")
            return dict(await reply.json())

    def memory_mb(self) -> float | None:
        """Return the resident memory of the endpoint and all its child processes, in MB (Linux only)."""
        return None if self._pid is None else sum(map(_resident_mb, _family(self._pid)))


@asynccontextmanager
async def running_endpoint(base_url: str | None = None) -> AsyncIterator[EndpointUnderTest]:
    """Start the embedded endpoint on a free loopback port, or use the one at `base_url`."""
    process = None
    if base_url is None:
        port = _free_port()
        base_url = f"http://127.0.0.1:{port}/api"
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            [sys.executable, "-m", "tlm_dash.local_endpoint", "--port", str(port), "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:
            await _until_healthy(session, base_url, process)
            yield EndpointUnderTest(base_url, session, process.pid if process else None)
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)


async def _until_healthy(
    session: aiohttp.ClientSession, base_url: str, process: subprocess.Popen[bytes] | None
) -> None:
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_at:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the endpoint ended with exit code {process.returncode}")
        try:
            async with session.get(f"{base_url}/health") as reply:
                if reply.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError("the endpoint did not become ready")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    """Return the process and its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit() and (parent := _status_number(int(entry.name), "PPid")) is not None:
            parents.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(parents.get(member, []))
    return found


def _resident_mb(pid: int) -> float:
    return (_status_number(pid, "VmRSS") or 0) / 1024


def _status_number(pid: int, name: str) -> int | None:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None
