"""A made-up task for the README's pictures: an endpoint that adds up invoices, mostly rightly."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.fake_endpoint import Answer, Behaviour, Exchange

N_ROWS = 1200
WRONG = 0.09
NOISE = {"base": 1.3, "low": 0.65, "medium": 0.4}
DELAYS_S = {"base": 0.04, "low": 0.1, "medium": 0.3}
ANSWER_S = 0.08
NUMBERS = re.compile(r"(\d+) items at ([\d.]+) euros each and ([\d.]+) euros")

PRICES = """\
{"date": "2026-11-01", "models": {"gpt-4.1-mini": [0.4, 1.6]},
 "per_request": {"base": 0.0003, "low": 0.0008, "medium": 0.0024}}
"""


def questions() -> str:
    """Give the task as a CSV file with references."""
    draw = random.Random(5)
    lines = ["prompt,reference"]
    for _ in range(N_ROWS):
        n, price, shipping = draw.randint(2, 40), draw.randint(150, 9900) / 100, draw.randint(390, 1490) / 100
        lines.append(
            f'"An invoice has {n} items at {price:.2f} euros each and {shipping:.2f} euros for shipping. '
            f'What is the total?",{n * price + shipping:.2f}'
        )
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Clerk(Answer):
    """Forgets the shipping now and then, and trusts such answers less, more surely at higher presets."""

    async def __call__(self, exchange: Exchange) -> None:
        """Take as long as the call and the preset do."""
        preset = str(exchange.body.get("quality_preset"))
        takes = {"chat/completions": ANSWER_S, "chat/score": DELAYS_S.get(preset, 0.0)}.get(
            exchange.call, 0.0
        )
        await asyncio.sleep(takes * random.Random(exchange.request.raw).lognormvariate(0, 0.3))
        await super(Clerk, replace(self, with_score=False)).__call__(exchange)

    def _text(self, body: Mapping[str, Any]) -> str:
        asked = _asked(body)
        total = _total(asked) - (_shipping(asked) if _is_wrong(asked) else 0.0)
        return f"The total is {total:.2f} euros."

    def _metadata(self, body: Mapping[str, Any], text: str) -> dict[str, Any]:
        asked, preset = _asked(body), str(body.get("quality_preset"))
        draw = random.Random(f"{asked}{text}").gauss(0.4 if _is_wrong(asked) else 2.4, 0.9)
        noise = random.Random(f"{preset}{asked}").gauss(0, NOISE.get(preset, 1.0))
        return {"trustworthiness_score": round(1 / (1 + math.exp(-draw - noise)), 4)}


def clerk() -> Behaviour:
    """Give the behaviour of the whole endpoint."""
    return Behaviour(Clerk())


def _asked(body: Mapping[str, Any]) -> str:
    return str((body.get("messages") or [{}])[-1].get("content"))


def _is_wrong(asked: str) -> bool:
    return random.Random(asked).random() < WRONG


def _total(asked: str) -> float:
    found = NUMBERS.search(asked)
    return int(found[1]) * float(found[2]) + float(found[3]) if found else 0.0


def _shipping(asked: str) -> float:
    found = NUMBERS.search(asked)
    return float(found[3]) if found else 0.0
