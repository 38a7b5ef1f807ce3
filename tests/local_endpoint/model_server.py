"""A model server for tests: Chat Completions and llama.cpp's completion call, keeping what it was asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tlm_dash.local_endpoint.model_source import ModelSource


def any_rating(prompt: str) -> str:
    """Answer every reply format of the library's templates at once."""
    think = "<think>I checked it.</think>\n" if "<think>" in prompt else ""
    return think + "<rating>8</rating>" if "<rating>" in prompt else think + "<score>80</score>"


@dataclass
class ModelServer:
    """A server that counts; `reply` makes a chat answer of the last message, recall gets `recalled`."""

    reply: Callable[[str], str] = any_rating
    recalled: str = " Paris"
    probability: float = 0.64
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    chats: list[dict[str, Any]] = field(default_factory=list)
    completions: list[dict[str, Any]] = field(default_factory=list)
    n_hung_up: int = 0
    port: int = 0

    @property
    def n_calls(self) -> int:
        return len(self.chats) + len(self.completions)

    def source(self, *, bundled: bool = False, name: str = "some-model") -> ModelSource:
        root = f"http://127.0.0.1:{self.port}"
        return ModelSource(name, f"{root}/v1", bundled=bundled, native_url=root if bundled else None)

    async def chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.chats.append(body)
        await self._wait()
        text = self.reply(body["messages"][-1]["content"])
        used = len(str(body["messages"])) // 4
        return web.json_response(
            {
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}],
                "usage": {"prompt_tokens": used, "completion_tokens": 7, "total_tokens": used + 7},
            },
            status=self.status,
            headers=self.headers,
        )

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.completions.append(body)
        await self._wait()
        words = self.recalled.split(" ")[1:] or [self.recalled]
        chances = [
            {"token": f" {word}", "logprob": math.log(self.probability) / len(words)} for word in words
        ]
        return web.json_response(
            {
                "content": self.recalled,
                "completion_probabilities": chances if self.recalled else [],
                "tokens_evaluated": len(body["prompt"]) // 4,
                "tokens_predicted": len(chances),
            },
            status=self.status,
            headers=self.headers,
        )

    async def _wait(self) -> None:
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.n_hung_up += 1
            raise


@asynccontextmanager
async def running(server: ModelServer) -> AsyncIterator[ModelServer]:
    """Serve on a free loopback port; a request whose client goes away is cancelled, as llama.cpp does."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.chat)
    app.router.add_post("/completion", server.complete)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
