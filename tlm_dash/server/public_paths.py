"""Every path that the dashboard's web server answers, and who may ask for it.

A path that has no row is a page's address or a file of the page, or, where Streamlit's own calls are, closed:
a call that a newer Streamlit brings is closed until somebody gave it a row.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from starlette.routing import compile_path

from tlm_dash.front_door import Refusal
from tlm_dash.sites import is_loopback

if TYPE_CHECKING:
    from starlette.types import Scope


class Access(Enum):
    """Who may ask, as long as nobody signs in."""

    EVERYBODY = "whoever reaches the server"
    THIS_MACHINE = "programs on this machine"
    NOBODY = "nobody"


# The route as the router knows it, and who may ask.
PUBLIC_PATHS: dict[str, Access] = {
    "/downloads/{token}/{name}": Access.EVERYBODY,
    "/_stcore/health": Access.EVERYBODY,
    # The page asks for it before anything else.
    "/_stcore/host-config": Access.EVERYBODY,
    "/_stcore/upload_file/{session_id}/{file_id}": Access.EVERYBODY,
    "/_stcore/bidi-components/{path:path}": Access.EVERYBODY,
    # Memory by cache and session: costly to count, and nobody's business elsewhere.
    "/_stcore/metrics": Access.THIS_MACHINE,
    "/_stcore/script-health-check": Access.THIS_MACHINE,
    # They drive the app for programs; Streamlit has them off unless its own setting turns them on.
    "/_stcore/agent/interact": Access.THIS_MACHINE,
    "/_stcore/agent/openapi.json": Access.THIS_MACHINE,
    "/_stcore/agent/mcp": Access.THIS_MACHINE,
    # Signing in, which there is not yet.
    "/auth/login": Access.NOBODY,
    "/auth/logout": Access.NOBODY,
    "/oauth2callback": Access.NOBODY,
    "/_stcore/{path:path}": Access.NOBODY,
    "/media/{file_id:path}": Access.EVERYBODY,
    "/component/{path:path}": Access.EVERYBODY,
    "/app/static/{path:path}": Access.EVERYBODY,
    # Pages, and the files that draw them.
    "/{path:path}": Access.EVERYBODY,
}

# The connection that carries everything a page shows and does.
WEBSOCKETS: dict[str, Access] = {"/_stcore/stream": Access.EVERYBODY}

_NOT_HERE = Refusal(404, "There is nothing at this address.", "path")
_FROM_HERE_ONLY = Refusal(403, "Only programs on the machine of this server may ask for that.", "path")


def closed_paths(prefix: str) -> Callable[[Scope], Refusal | None]:
    """Give the rule that tells whether a request's path is closed to it.

    `prefix` is the folder below which Streamlit serves (`server.baseUrlPath`), without slashes around it;
    empty where it serves from the top.
    """
    rows = [(compile_path(path)[0], access) for path, access in PUBLIC_PATHS.items()]
    websocket_rows = [(compile_path(path)[0], access) for path, access in WEBSOCKETS.items()]
    folder = f"/{prefix}" if prefix else ""

    def closed(scope: Scope) -> Refusal | None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if folder and path.startswith(f"{folder}/"):
            path = path.removeprefix(folder)
        table = websocket_rows if scope["type"] == "websocket" else rows
        access = next((access for regex, access in table if regex.match(path)), Access.NOBODY)
        if access is Access.THIS_MACHINE and not _from_this_machine(scope):
            return _FROM_HERE_ONLY
        return _NOT_HERE if access is Access.NOBODY else None

    return closed


def _from_this_machine(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and is_loopback(client[0])
