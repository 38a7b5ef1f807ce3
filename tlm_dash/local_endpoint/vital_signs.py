"""Whether the local model still makes tokens: asked past its queue, and only if it did not answer lately."""

from __future__ import annotations

import asyncio
import math

import aiohttp

from tlm_dash.local_endpoint.model_source import ModelSource

# A server that answered anything within this time is not asked.
FRESH_S = 5.0

# How long one look waits. A question that is still open then is not given up: the next look finds its answer.
LOOK_LIMIT_S = 3.0

# A token takes milliseconds; on a machine that is busy throughout, a second.
TOKEN_LIMIT_S = 10.0
QUESTION_LIMIT_S = 300.0

ONE_TOKEN = {"prompt": "1", "n_predict": 1, "cache_prompt": False}


class VitalSigns:
    """The looks at the servers of one local model. Many may look at once; each server is asked once."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._open: dict[str, asyncio.Task[None]] = {}

    async def trouble(self) -> str:
        """Return what is wrong, as a sentence; empty where all servers are well."""
        asked = [one for one in self._source.servers if self._source.answered_s_ago(one) > FRESH_S]
        if not asked:
            return ""
        await asyncio.wait([self._ask(server) for server in asked], timeout=LOOK_LIMIT_S)
        silent_s = max(self._source.answered_s_ago(server) for server in asked)
        if silent_s <= FRESH_S + LOOK_LIMIT_S:
            return ""
        since = f"for {silent_s:.0f} s" if math.isfinite(silent_s) else "yet"
        return f"The local model has made no token {since}."

    def _ask(self, server: ModelSource) -> asyncio.Task[None]:
        task = self._open.get(server.base_url)
        if task is None or task.done():
            task = self._open[server.base_url] = asyncio.create_task(self._question(server))
        return task

    async def close(self) -> None:
        """Give up the questions that are open."""
        for task in self._open.values():
            task.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def _question(self, server: ModelSource) -> None:
        """Have a server make one token, or see that all its slots are making some; no answer is no sign."""
        headers = {"Authorization": f"Bearer {server.api_key}"}
        limit = aiohttp.ClientTimeout(total=QUESTION_LIMIT_S)
        try:
            async with aiohttp.ClientSession(server.native_url, headers=headers, timeout=limit) as session:
                while not await _all_slots_work(session):
                    if await _makes_a_token(session):
                        break
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return
        self._source.has_answered(server)


async def _all_slots_work(session: aiohttp.ClientSession) -> bool:
    """Whether every slot has a request. The loop that makes the tokens answers this itself, between turns."""
    async with session.get("/slots") as reply:
        reply.raise_for_status()
        return all(slot.get("is_processing") for slot in await reply.json())


async def _makes_a_token(session: aiohttp.ClientSession) -> bool:
    """Whether one token comes; it may also wait because others have taken the slots in between."""
    limit = aiohttp.ClientTimeout(total=TOKEN_LIMIT_S)
    try:
        async with session.post("/completion", json=ONE_TOKEN, timeout=limit) as reply:
            reply.raise_for_status()
            return bool(await reply.read())
    except TimeoutError:
        return False
