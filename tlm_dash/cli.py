"""The command line: every command prints facts, exits 0, 1, 2 or 130, and says what to do when it fails."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence

from tlm_dash import __version__
from tlm_dash.commands import analyse, datasets, labels, report, runs, store
from tlm_dash.commands.command import CommandParser, make_command
from tlm_dash.errors import TlmDashError
from tlm_dash.local_endpoint import command as endpoint_command
from tlm_dash.settings import load_settings
from tlm_dash.terminal.parser import TextParser
from tlm_dash.terminal.printer import cells, entries, say, say_json, tell, tell_error
from tlm_dash.terminal.streams import printing, tell_bug

DONE, FAILED, INTERRUPTED = 0, 1, 130

CHECK_PATIENCE_S = 60.0
"""How long `check` gives the embedded endpoint and the database to come up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    with printing():
        logging.basicConfig(level=logging.ERROR, format="%(message)s")
        return _exit_code(arguments)


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        parsed = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], int] = parsed.run
        return run(parsed)
    except TlmDashError as error:
        tell_error(error)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        # A bug; its traceback quotes whatever it was about, so it is printed as everything else is.
        tell_bug(error)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = TextParser(
        prog="python -m tlm_dash",
        description="Decide which LLM responses can be trusted. "
        "The dashboard: python -m streamlit run app.py",
    )
    parser.add_argument("--version", action="version", version=f"tlm_dash {__version__}")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=CommandParser
    )
    endpoint = commands.add_parser(
        "endpoint",
        help="run the embedded TLM endpoint",
        description="Run a TLM endpoint on this machine, over the bundled small model, a model file of your "
        "own, or any OpenAI-compatible server. It prints the base URL to use.",
    )
    endpoint_command.add_arguments(endpoint)
    endpoint.set_defaults(run=endpoint_command.run)
    make_command(
        commands, "check", _check, "endpoint, database, model: works or not, and why",
        "Test the endpoint, the database and the model, and say in plain words what works.",
    )  # fmt: skip
    for noun in (datasets, runs, labels, analyse, report, store):
        noun.add_commands(commands)
    return parser


def _check(parsed: argparse.Namespace) -> int:
    # Imported here: the endpoint command must start without them.
    from tlm_dash.services.check import report
    from tlm_dash.services.dashboard import Dashboard

    dashboard = Dashboard(load_settings())
    try:
        dashboard.start()
        deadline = time.monotonic() + CHECK_PATIENCE_S
        said = ""
        while True:
            found = report(dashboard)
            settled = found.connection.state != "starting" and dashboard.store_settled
            if settled or time.monotonic() > deadline:
                break
            if found.connection.sentence != said:
                said = found.connection.sentence
                tell(said)
            time.sleep(0.5)
        _print_check(found.as_dict(), as_json=parsed.json)
        return DONE if found.works else FAILED
    finally:
        dashboard.stop()


def _print_check(facts: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        say_json(facts)
        return
    for name, value in facts.items():
        if isinstance(value, list):
            say(f"{name}:")
            for line in entries(cells(part) for part in value):
                say(f"  {line}")
        else:
            say(f"{name}: {value}")
