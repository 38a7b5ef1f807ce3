"""The looks at a model server: past its queue, never beside fresh answers, and one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from tlm_dash.local_endpoint import vital_signs
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.vital_signs import VitalSigns


@dataclass
class Loop:
    """llama.cpp's two calls that matter here: its slots, and one token."""

    working: tuple[bool, ...] = (False, False)
    turns: bool = True
    makes_tokens: bool = True
    asked: list[str] = field(default_factory=list)

    async def slots(self, _: web.Request) -> web.Response:
        self.asked.append("slots")
        await self._stand(self.turns)
        return web.json_response([{"is_processing": works} for works in self.working])

    async def completion(self, _: web.Request) -> web.Response:
        self.asked.append("token")
        await self._stand(self.turns and self.makes_tokens)
        return web.json_response({"content": "1"})

    async def _stand(self, goes_on: bool) -> None:
        if not goes_on:
            await asyncio.sleep(600)


@asynccontextmanager
async def served(loop: Loop) -> AsyncIterator[ModelSource]:
    app = web.Application()
    app.router.add_get("/slots", loop.slots)
    app.router.add_post("/completion", loop.completion)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield ModelSource("m", f"{root}/v1", bundled=True, native_url=root)
    finally:
        await runner.cleanup()


def looking(loop: Loop, look: Callable[[VitalSigns, ModelSource], Awaitable[None]]) -> None:
    """Run a test's looks at a server."""

    async def run() -> None:
        async with served(loop) as source:
            signs = VitalSigns(source)
            await look(signs, source)
            await signs.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital_signs, "FRESH_S", 0.3)
    monkeypatch.setattr(vital_signs, "LOOK_LIMIT_S", 2.0)
    monkeypatch.setattr(vital_signs, "TOKEN_LIMIT_S", 0.2)


def test_an_idle_server_makes_one_token_and_is_left_alone_then() -> None:
    loop = Loop()

    async def look(signs: VitalSigns, _: ModelSource) -> None:
        assert [await signs.trouble() for _ in range(5)] == [""] * 5

    looking(loop, look)
    assert loop.asked == ["slots", "token"]


def test_one_that_has_just_answered_is_not_asked() -> None:
    loop = Loop()

    async def look(signs: VitalSigns, source: ModelSource) -> None:
        with source.least_busy():
            pass
        assert await signs.trouble() == ""

    looking(loop, look)
    assert loop.asked == []


def test_one_whose_slots_all_work_is_well_without_a_token() -> None:
    loop = Loop(working=(True, True), makes_tokens=False)

    async def look(signs: VitalSigns, _: ModelSource) -> None:
        assert await signs.trouble() == ""

    looking(loop, look)
    assert loop.asked == ["slots"]


def test_a_token_that_others_have_overtaken_is_no_trouble() -> None:
    loop = Loop(makes_tokens=False)

    async def look(signs: VitalSigns, _: ModelSource) -> None:
        looked = asyncio.create_task(signs.trouble())
        await asyncio.sleep(0.1)
        loop.working = (True, True)
        assert await looked == ""

    looking(loop, look)


@pytest.mark.parametrize("loop", [Loop(turns=False), Loop(makes_tokens=False)])
def test_one_that_makes_no_token_is_in_trouble_and_asked_once(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vital_signs, "LOOK_LIMIT_S", 0.1)

    async def look(signs: VitalSigns, source: ModelSource) -> None:
        looks = await asyncio.gather(*(signs.trouble() for _ in range(5)))
        assert looks == ["The local model has made no token yet."] * 5
        assert loop.asked.count("slots") == 1
        source.has_answered(source)
        await asyncio.sleep(0.6)
        assert (await signs.trouble()).startswith("The local model has made no token for ")
        source.has_answered(source)
        assert await signs.trouble() == ""

    looking(loop, look)


def test_one_of_two_servers_that_is_silent_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital_signs, "LOOK_LIMIT_S", 0.5)

    async def run() -> None:
        async with served(Loop()) as well, served(Loop(turns=False)) as stuck:
            signs = VitalSigns(replace(well, twins=(stuck,)))
            assert await signs.trouble()
            await signs.close()

    asyncio.run(run())


def test_a_server_that_is_gone_is_in_trouble() -> None:
    async def run() -> None:
        async with served(Loop()) as source:
            pass
        assert await VitalSigns(source).trouble()

    asyncio.run(run())
