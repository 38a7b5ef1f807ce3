"""The options of `runs`: what is asked for on the command line, as a request and its limits."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, get_args

from tlm_dash.commands.command import HOW_NAMED
from tlm_dash.errors import InvalidInputError
from tlm_dash.models import RunMode
from tlm_dash.settings import Settings, load_settings

if TYPE_CHECKING:
    from tlm_dash.services.run_request import Limits, RunRequest

DEFAULT_PRESET = "medium"


def add_grid(command: argparse.ArgumentParser) -> None:
    """Add the options that say what is run over which rows."""
    command.add_argument("dataset", metavar="DATASET", help=HOW_NAMED)
    # Extended: of an option that is given twice, argparse would else forget what came first.
    command.add_argument(
        "--model", nargs="+", action="extend", default=[], metavar="M", help="models that answer"
    )
    command.add_argument(
        "--preset", nargs="+", action="extend", default=[], metavar="P",
        help="base, low, medium (default: medium)",
    )  # fmt: skip
    command.add_argument(
        "--mode", choices=get_args(RunMode),
        help="what is done (default: generate where one model answers at one preset and scores itself; "
        "generate-then-score with several of them, another --scorer-model or --answered-by provider)",
    )  # fmt: skip
    command.add_argument(
        "--answered-by", choices=("endpoint", "provider"), default="endpoint",
        help="who writes the answers (default: endpoint; provider is that of OPENAI_BASE_URL)",
    )  # fmt: skip
    command.add_argument("--scorer-model", metavar="M", help="model that scores (default: the endpoint's)")
    command.add_argument("--base-url", metavar="URL", help="TLM endpoint (default: BASE_URL)")
    rows = command.add_mutually_exclusive_group()
    rows.add_argument("--limit", type=int, metavar="N", help="only the first N rows")
    rows.add_argument("--random", type=int, metavar="N", help="only N random rows")
    command.add_argument("--seed", type=int, default=0, help="seed of the random rows (default: 0)")
    command.add_argument("--temperature", type=float, metavar="T")
    command.add_argument("--max-tokens", type=int, metavar="N", help="longest answer")
    command.add_argument("--system-prompt", default="", metavar="TEXT")
    command.add_argument(
        "--template",
        default="",
        metavar="TEXT",
        help="prompt of each row, with {prompt} or {column} where their text goes",
    )
    command.add_argument("--explain", action="store_true", help="ask for explanations of the scores")


def add_limits(command: argparse.ArgumentParser) -> None:
    """Add the options that may change when a run is resumed."""
    command.add_argument(
        "--max-in-flight", type=int, metavar="N",
        help="most requests at once; the embedded endpoint never gets more than it serves",
    )  # fmt: skip
    command.add_argument("--requests-per-minute", type=float, metavar="N")
    command.add_argument("--max-requests", type=int, metavar="N", help="stop after so many requests")
    command.add_argument("--max-cost", type=float, metavar="X", help="stop at this cost")
    command.add_argument(
        "--price", action="append", default=[], metavar="MODEL=IN,OUT",
        help="price of a model per million tokens in and out, may be repeated",
    )  # fmt: skip
    command.add_argument(
        "--price-per-request", action="append", default=[], metavar="PRESET=X",
        help="price of a request at a preset, may be repeated",
    )  # fmt: skip


def settings_of(parsed: argparse.Namespace) -> Settings:
    """Read the settings, with the endpoint that the command line names."""
    base_url = getattr(parsed, "base_url", None)
    return load_settings({**os.environ, "BASE_URL": base_url}) if base_url else load_settings()


def request_of(parsed: argparse.Namespace) -> RunRequest:
    """Give what is asked for. Raises InvalidInputError."""
    from tlm_dash.services.run_request import RunRequest

    params: dict[str, Any] = {"temperature": parsed.temperature, "max_tokens": parsed.max_tokens}
    return RunRequest(
        parsed.dataset, tuple(dict.fromkeys(parsed.model)),
        tuple(dict.fromkeys(parsed.preset)) or (DEFAULT_PRESET,), parsed.mode, parsed.answered_by,
        parsed.scorer_model, first=parsed.limit, sample=parsed.random, seed=parsed.seed,
        params={name: value for name, value in params.items() if value is not None},
        system_prompt=parsed.system_prompt, template=parsed.template, explain=parsed.explain,
        limits=_limits(parsed),
    )  # fmt: skip


def limits_of(parsed: argparse.Namespace) -> Limits | None:
    """Give the limits that are set anew; None where none is."""
    from tlm_dash.services.run_request import Limits

    limits = _limits(parsed)
    return None if limits == Limits() else limits


def _limits(parsed: argparse.Namespace) -> Limits:
    from tlm_dash.services.run_request import Limits, ModelPrice, PriceTable

    models = {name: ModelPrice(*_numbers(text, 2)) for name, text in map(_pair, parsed.price)}
    per_request = {name: _numbers(text, 1)[0] for name, text in map(_pair, parsed.price_per_request)}
    prices = PriceTable(models, per_request) if models or per_request else None
    return Limits(
        parsed.max_in_flight, parsed.requests_per_minute, parsed.max_requests, parsed.max_cost, prices
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInputError(f"“{text}” is not a price.", hint="For example --price gpt-4.1-nano=0.1,0.4")
    return name, value


def _numbers(text: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(0 <= number < float("inf") for number in numbers):
        raise InvalidInputError(f"“{text}” is not a price.", hint="For example --price gpt-4.1-nano=0.1,0.4")
    return numbers
