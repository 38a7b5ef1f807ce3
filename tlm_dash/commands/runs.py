"""`runs forecast | start | list | show | pause | resume | retry | cancel | delete | export`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tlm_dash.commands import run_export
from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.commands.run_options import add_grid, add_limits, limits_of, request_of, settings_of
from tlm_dash.errors import InvalidInputError
from tlm_dash.terminal.printer import entries, say, say_json, shown, tell

if TYPE_CHECKING:
    from tlm_dash.services.place import Place
    from tlm_dash.services.run_view import RunView


def add_commands(subparsers: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `runs` and what follows it to the command line."""
    runs = subparsers.add_parser(
        "runs", help="generate and score the rows of a dataset", description="Runs over datasets."
    )
    commands = runs.add_subparsers(title="commands", required=True, metavar="COMMAND")
    forecast = make_command(
        commands, "forecast", _forecast, "send a few random rows and tell what all will take"
    )
    start = make_command(commands, "start", _start, "start runs and wait for their end")
    for command in (forecast, start):
        add_grid(command)
        add_limits(command)
    forecast.add_argument("--pilot", type=int, default=20, metavar="N", help="rows to send (default: 20)")
    make_command(commands, "list", _list, "all runs, oldest first")
    told = {
        "show": (_show, "one run: what was set, how far it is"),
        "pause": (_pause, "send nothing more until it is resumed"),
        "resume": (_resume, "go on with what is not finished, and wait for the end"),
        "retry": (_retry, "try the failed rows again, and wait for the end"),
        "cancel": (_cancel, "end a run before its end; what it has is kept"),
        "delete": (_delete, "take a run off every list"),
    }
    made = {name: make_command(commands, name, run, help_) for name, (run, help_) in told.items()}
    for command in made.values():
        command.add_argument("wanted", metavar="RUN", help=HOW_NAMED)
    add_limits(made["resume"])
    for command in (start, made["resume"], made["retry"]):
        command.add_argument("--no-wait", action="store_true", help="leave it to the next dashboard")
    made["delete"].add_argument("--yes", action="store_true", help="confirm it")
    run_export.add_command(commands)


def _start(parsed: argparse.Namespace) -> int:
    # Imported here, as in every command: --help must not wait for the engine.
    from tlm_dash.services import runs
    from tlm_dash.services.run_waiting import carrying_out, until_ended

    with carrying_out(settings_of(parsed)) as dashboard:
        run_ids = runs.start(dashboard, request_of(parsed), begin=not parsed.no_wait)
        if not parsed.no_wait:
            until_ended(dashboard, run_ids, tell)
        return _print_ended(dashboard, [runs.show(dashboard, run_id) for run_id in run_ids], parsed)


def _forecast(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.run_forecast import forecast_of
    from tlm_dash.services.run_messages import refusal_error
    from tlm_dash.services.run_waiting import carrying_out, until_ended

    with carrying_out(settings_of(parsed)) as dashboard:
        run_ids = runs.start_pilot(dashboard, request_of(parsed), parsed.pilot)
        until_ended(dashboard, run_ids, tell)
        found = forecast_of(dashboard, run_ids)
        facts = found.facts()
    if parsed.json:
        say_json(facts)
    if found.refused:
        raise refusal_error(found.refused, n_runs=len(run_ids))
    if parsed.json:
        return 0
    for figures in (*facts["runs"], {"name": "all together", **facts["total"]}):
        say(shown(figures["name"]))
        for name, value in figures.items():
            if isinstance(value, dict):
                say(f"  {name}: about {value['estimate']:,.6g}{_interval(value)}")
    for line in entries(facts["notes"]):
        tell(f"note: {line}")
    return 0


def _interval(value: dict[str, Any]) -> str:
    if value["low"] is None:
        return ""
    return f" (95%: {value['low']:,.6g} to {value['high']:,.6g})"


def _list(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        found = runs.list_runs(place)
        if not found:
            tell("There is no run yet: runs start DATASET makes one.")
        return _print_runs(place, found, parsed)


def _show(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.place import OpenStore
    from tlm_dash.services.run_messages import facts_of

    with OpenStore() as place:
        view = runs.show(place, parsed.wanted)
        (facts,) = facts_of(place, [view])
    if parsed.json:
        say_json({"runs": [facts]})
        return 0
    for name, value in facts.items():
        if name != "messages":
            # Why a run is paused is a sentence of ours, which may be long.
            say(f"{name}: {(value or '') if name == 'reason' else shown(value)}")
    for said in facts["messages"]:
        say(f"message: {said['n']:,} × {said['kind']}: {shown(said['message'])} {said['hint']}")
    if view.record.detail:
        tell(f"note: {view.record.detail}")
    return 0


def _pause(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs

    return _change(parsed, runs.pause)


def _cancel(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs

    return _change(parsed, runs.cancel)


def _change(parsed: argparse.Namespace, change: Callable[[Any, Sequence[str]], None]) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        run_id = runs.show(place, parsed.wanted).record.run_id
        change(place, [run_id])
        return _print_runs(place, [runs.show(place, run_id)], parsed)


def _resume(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs

    limits = limits_of(parsed)
    return _go_on(parsed, lambda place, run_ids: runs.resume(place, run_ids, limits))


def _retry(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs

    return _go_on(parsed, runs.retry)


def _go_on(parsed: argparse.Namespace, go_on: Callable[[Any, Sequence[str]], None]) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.run_waiting import carrying_out, until_ended

    if parsed.no_wait:
        return _change(parsed, go_on)
    with carrying_out(settings_of(parsed)) as dashboard:
        run_id = runs.show(dashboard, parsed.wanted).record.run_id
        go_on(dashboard, [run_id])
        until_ended(dashboard, [run_id], tell)
        return _print_ended(dashboard, [runs.show(dashboard, run_id)], parsed)


def _delete(parsed: argparse.Namespace) -> int:
    from tlm_dash.services import runs
    from tlm_dash.services.place import OpenStore

    if not parsed.yes:
        raise InvalidInputError("A deleted run does not come back.", hint="Add --yes to confirm it.")
    with OpenStore() as place:
        view = runs.show(place, parsed.wanted)
        runs.delete(place, [view.record.run_id])
    facts = {"run_id": view.record.run_id, "name": view.record.name, "deleted": True}
    say_json(facts) if parsed.json else say(f"deleted: {shown(view.record.name)}")
    return 0


def _print_ended(place: Place, views: Sequence[RunView], parsed: argparse.Namespace) -> int:
    """Print runs; the command fails with those that were given up, refused, or brought nothing at all."""
    from tlm_dash.services.run_messages import bad_end

    _print_runs(place, views, parsed, next((view for view in views if view.record.refusal), None))
    error = bad_end(place, views)
    if error is not None:
        raise error
    return 0


def _print_runs(
    place: Place, views: Sequence[RunView], parsed: argparse.Namespace, told_below: RunView | None = None
) -> int:
    from tlm_dash.services.run_messages import facts_of

    found = facts_of(place, views)
    if parsed.json:
        say_json({"runs": found})
    for facts in [] if parsed.json else found:
        counts = f"{facts['n_done']:>9} of {facts['n_items']} done, {facts['n_error']} failed"
        say(f"{facts['run_id'][:8]}  {facts['status']:<9}  {counts}  {shown(facts['name'])}")
    for view in views:
        if view.record.detail and view.status == "paused" and view is not told_below:
            tell(f"note: {shown(view.record.name)}: {view.record.detail}")
    return 0
