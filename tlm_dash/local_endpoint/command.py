"""The `endpoint` command: its options, and serving until it is told to stop.

Importing this module is cheap; what serves is imported when it runs.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import socket
from pathlib import Path

from tlm_dash.errors import LocalEndpointError, PortTakenError, TlmDashError
from tlm_dash.local_endpoint.environment import MODEL_SERVER_KEY, clean_this_process, for_fetching
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.sites import ALLOWED_HOSTS, Names, Site, own_names, read_sites
from tlm_dash.terminal.printer import say, tell_error

# How far a process beside a dashboard stands back where both want the processor; 19 would be the farthest.
POLITENESS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to a parser."""
    add = parser.add_argument
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s); further names under which callers reach it are "
        f"listed in the environment variable {ALLOWED_HOSTS}",
    )
    add("--port", type=_port, default=8080, help="port, 0 for any free one (default: %(default)s)")
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model-file", type=Path, metavar="GGUF", help="a model file instead of the bundled model"
    )
    model.add_argument(
        "--model-server",
        type=_url,
        metavar="URL",
        help=f"an OpenAI-compatible server instead of a local model; its key is read from {MODEL_SERVER_KEY}",
    )
    add(
        "--model", action="append", default=[], metavar="NAME", help="a model of that server; may be repeated"
    )
    add(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("TLM_DASH_DATA_DIR") or "data"),
        metavar="DIR",
        help="folder that keeps the model file (default: TLM_DASH_DATA_DIR, else data)",
    )
    add("--exit-with-parent", action="store_true", help="stop when standard input ends")


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 0 to 65535")
    return port


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with http:// or https://")
    return text.rstrip("/")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop. The exit code is 0 after SIGTERM, 130 after Ctrl-C, 1 for a failure.

    Once it serves, the process ends here: llama.cpp cannot be unloaded while it works.
    """
    try:
        sources = _sources(args)
        names = Names(own_names(args.host, socket.gethostname()), _listed_names())
        listener = _listen(args.host, args.port)
    except TlmDashError as error:
        return report(error)
    if args.exit_with_parent and hasattr(os, "nice"):
        # Beside a dashboard: loading and thinking must not make its pages wait.
        os.nice(POLITENESS)
    pip_environment = for_fetching(os.environ)
    clean_this_process()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    from tlm_dash.local_endpoint.server import EndpointServer, base_url
    from tlm_dash.local_endpoint.startup import Startup

    startup = Startup(args.data_dir.resolve(), args.model_file, sources, pip_environment)
    say(base_url(listener))
    EndpointServer(startup, listener, names, with_parent=args.exit_with_parent).serve_until_told()


def report(error: TlmDashError) -> int:
    """Write an expected failure to standard error; returns the exit code for it."""
    tell_error(error)
    return 1


def _sources(args: argparse.Namespace) -> tuple[ModelSource, ...]:
    """Return the models of the model server, if one was named. Its key leaves the environment here."""
    names = list(dict.fromkeys(args.model))
    if bool(args.model_server) != bool(names):
        raise LocalEndpointError(
            "--model-server and --model belong together.",
            hint="Give the server's address and the name of at least one of its models.",
        )
    key = os.environ.pop(MODEL_SERVER_KEY, "").strip() or "."
    return tuple(ModelSource(name=name, base_url=args.model_server, api_key=key) for name in names)


def _listed_names() -> tuple[Site, ...]:
    """Return the further names under which callers reach this endpoint, out of the environment."""
    try:
        return read_sites(os.environ.get(ALLOWED_HOSTS, ""))
    except ValueError as error:
        raise LocalEndpointError(
            f"The setting {ALLOWED_HOSTS} cannot be used ({error}).", hint="Separate several by commas."
        ) from None


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, taken before anything else so that a taken port is told at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> LocalEndpointError:
    if error.errno == errno.EADDRINUSE:
        return PortTakenError(
            f"Port {port} on {host} is used by another program.",
            hint="Choose another with --port, or --port 0 for any free one.",
        )
    return LocalEndpointError(
        f"Cannot listen on {host} port {port}: {error.strerror or error}.", hint="Check --host and --port."
    )
