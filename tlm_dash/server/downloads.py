"""Files that wait to be downloaded, sent from disk a piece at a time, whatever their size."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from tlm_dash.server.lifespan import current_dashboard
from tlm_dash.services.exports import download_path

_GONE = "This file is not here any more. Prepare it again on the page where you found it."


async def _send(request: Request) -> Response:
    token, name = request.path_params["token"], request.path_params["name"]
    path = download_path(current_dashboard().settings, token, name)
    if path is None:
        return PlainTextResponse(_GONE, status_code=404)
    # Named as it is, so that nobody squeezes it on the way: that would take longer than sending it.
    headers = {"Content-Encoding": "identity", "Cache-Control": "no-store"}
    return FileResponse(path, filename=name, media_type="application/octet-stream", headers=headers)


DOWNLOADS = Route("/downloads/{token}/{name}", _send, methods=["GET"])
