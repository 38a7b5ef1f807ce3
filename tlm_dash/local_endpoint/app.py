"""The endpoint's HTTP side: the wire API's four calls as a FastAPI application."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tlm_dash.front_door import FrontDoor, Refusal, Rules
from tlm_dash.local_endpoint.answer import Answer
from tlm_dash.local_endpoint.api_error import ApiError
from tlm_dash.local_endpoint.bodies import BodyReader
from tlm_dash.local_endpoint.disconnects import (
    RETRY_AFTER_S,
    CallerGoneError,
    EventStream,
    while_connected,
)
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.readiness import Readiness
from tlm_dash.local_endpoint.served_models import ServedModels
from tlm_dash.local_endpoint.wire import GenerateRequest, generate_request, score_request
from tlm_dash.sites import Names

API_PREFIX = "/api"

CLIENT_CLOSED_REQUEST = 499


class Serving:
    """The models that requests may use, once they are loaded."""

    def __init__(self, readiness: Readiness | None = None) -> None:
        self.readiness = readiness or Readiness()
        self._served: ServedModels | None = None
        self._models: dict[str, ServedModel] = {}
        self.stopping = asyncio.Event()

    def open(self, models: list[ServedModel]) -> None:
        """Begin to answer with these models."""
        self._served = ServedModels([model.source for model in models])
        self._models = {model.source.name: model for model in models}
        self.readiness.ready = True

    async def close(self) -> None:
        """Stop answering and close the models' connections."""
        self.readiness.ready = False
        for model in self._models.values():
            await model.close()

    async def trouble(self) -> str:
        """Return why a model cannot answer, as a sentence; empty where all can."""
        found = await asyncio.gather(*(model.trouble() for model in self._models.values()))
        return next(filter(None, found), "")

    @property
    def names(self) -> list[str]:
        """The served models' names; 503 until they are loaded."""
        self.readiness.require()
        return self._served.names if self._served else []

    def model(self, asked: str | None, *, param: str = "model") -> ServedModel:
        """Return the model for a name; 503 until loaded, 404 for a name that is not served."""
        self.readiness.require()
        assert self._served is not None
        return self._models[self._served.resolve(asked, param=param).name]


def create_app(
    serving: Serving,
    start: Callable[[Serving], Awaitable[None]] | None = None,
    names: Names = Names(),  # noqa: B008  (it cannot be changed)
) -> FastAPI:
    """Return the application, which answers to these names alone.

    `start` loads the models beside the first requests and opens `serving`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.ensure_future(start(serving)) if start else None
        yield
        if starting:
            starting.cancel()
        await serving.close()

    app = FastAPI(title="TLM endpoint", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(FrontDoor, rules=Rules(names), answer=_refused_at_the_door)
    app.include_router(_routes(serving), prefix=API_PREFIX)
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)
    app.add_exception_handler(CallerGoneError, _on_caller_gone)
    app.add_exception_handler(ClientDisconnect, _on_caller_gone)
    return app


def _routes(serving: Serving) -> APIRouter:
    router, bodies = APIRouter(), BodyReader()

    @router.get("/health")
    async def health() -> JSONResponse:
        if not serving.readiness.ready:
            return JSONResponse({"status": "starting", "detail": serving.readiness.detail}, status_code=503)
        if trouble := await serving.trouble():
            error = ApiError(503, f"{trouble} Send the request again in a while.", code="stuck")
            facts = {"status": "stuck", "detail": trouble, **error.body()}
            return JSONResponse(facts, status_code=503, headers={"Retry-After": RETRY_AFTER_S})
        return JSONResponse({"status": "ok"})

    @router.get("/models")
    async def models() -> dict[str, Any]:
        facts = {"object": "model", "created": STARTED_AT, "owned_by": "tlm_dash"}
        return {"object": "list", "data": [{"id": name, **facts} for name in serving.names]}

    @router.post("/chat/completions")
    async def completions(request: Request) -> Response:
        serving.readiness.require()
        wanted = generate_request(await bodies.json_object(request))
        model = serving.model(wanted.model)
        scorer = serving.model(wanted.settings.scorer_model or wanted.model, param="options.model")
        stopping, limit_s = serving.stopping, wanted.settings.limit_s
        if wanted.stream:
            return EventStream(_events(wanted, model, scorer), stopping, limit_s)
        work = while_connected(request.receive, _whole(wanted, model, scorer), stopping, limit_s)
        return JSONResponse(await work)

    @router.post("/chat/score")
    async def score(request: Request) -> Response:
        serving.readiness.require()
        wanted = score_request(await bodies.json_object(request))
        scorer = serving.model(wanted.settings.scorer_model, param="options.model")
        work, limit_s = scorer.score_given(wanted), wanted.settings.limit_s
        metadata = await while_connected(request.receive, work, serving.stopping, limit_s)
        return JSONResponse({"tlm_metadata": metadata})

    return router


STARTED_AT = int(time.time())


async def _whole(wanted: GenerateRequest, model: ServedModel, scorer: ServedModel) -> dict[str, Any]:
    answer = await model.generate(wanted)
    return answer.for_caller(await scorer.tlm_metadata(wanted, answer.completion()))


async def _events(
    wanted: GenerateRequest, model: ServedModel, scorer: ServedModel
) -> AsyncIterator[dict[str, Any]]:
    answer = Answer(model.source, show_logprobs=wanted.logprobs)
    async for chunk in model.stream(wanted, answer):
        yield chunk
    yield answer.last_chunk(await scorer.tlm_metadata(wanted, answer.completion()))


def _refused_at_the_door(refusal: Refusal) -> tuple[str, bytes]:
    """Write a refusal of the front door as the wire API does."""
    error = ApiError(refusal.status, refusal.sentence, code=f"{refusal.kind}_not_allowed")
    return "application/json", json.dumps(error.body()).encode()


async def _on_api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    known = f"This endpoint has {API_PREFIX}/chat/completions, /chat/score, /models and /health."
    message = f"{request.method} {request.url.path} is not part of the API. {known}"
    return ApiError(error.status_code, message, code="not_found").response()


async def _on_bug(_request: Request, _error: Exception) -> Response:
    """Answer for a bug; the server writes its traceback to the log and closes the connection."""
    response = ApiError(500, "The endpoint failed; see its log.").response()
    response.headers["Connection"] = "close"
    return response


async def _on_caller_gone(_request: Request, _error: Exception) -> Response:
    """End a request that nobody waits for; this answer is never read."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)
