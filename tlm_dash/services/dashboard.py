"""Everything that one process runs, put together once: store, engine, embedded endpoint, monitor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack

from tlm_dash.batch.answering import Answering
from tlm_dash.batch.batches import Batches
from tlm_dash.batch.engine import Engine
from tlm_dash.batch.live import LiveBoard
from tlm_dash.errors import StoreClosedError, StoreError, TlmDashError
from tlm_dash.local_endpoint.process import LocalEndpoint
from tlm_dash.services.connection import ConnectionMonitor
from tlm_dash.services.private_files import tighten
from tlm_dash.settings import Settings
from tlm_dash.store import playground as playground_store
from tlm_dash.store.database import Store

logger = logging.getLogger(__name__)

OPEN_AGAIN_EVERY_S = 1.0


class Dashboard:
    """The running parts of one process. Pages reach them through the services, never directly."""

    def __init__(self, settings: Settings, on_open: Callable[[Dashboard], None] | None = None) -> None:
        """`on_open` is called once, when the store has been opened."""
        self.settings = settings
        self._on_open = on_open
        self.engine = Engine()
        self.board = LiveBoard()
        self.local_endpoint = LocalEndpoint(settings.data_dir) if settings.base_url is None else None
        self.monitor = ConnectionMonitor(settings, self.engine, self.local_endpoint)
        self.batches = Batches(
            self.engine,
            lambda: self.store,
            self.monitor,
            settings.max_in_flight,
            settings.requests_per_minute,
        )
        self._store: Store | None = None
        self._store_problem: TlmDashError = StoreClosedError(
            "The database is being opened.", hint="This takes a moment."
        )
        self._tried_to_open = False
        self._stopping = threading.Event()
        self._opener = threading.Thread(target=self._open_store, name="store opener")

    def start(self) -> None:
        """Start everything; returns at once, whatever the endpoint and the database file do."""
        tighten(self.settings.data_dir)
        self.engine.start_thread()
        if self.local_endpoint is not None:
            self.local_endpoint.start()
        self.engine.start("connection", self.monitor.watch)
        self._opener.start()

    def stop(self) -> None:
        """Stop in the order of need: no new work, then the endpoint, then the store."""
        self._stopping.set()
        # Each part stops whatever happens to the others: one that stays would keep the process from ending.
        with ExitStack() as stopping:
            stopping.callback(self._close_store)
            if self.local_endpoint is not None:
                stopping.callback(self.local_endpoint.stop)
            stopping.callback(self.engine.stop)
            if self._opener.ident is not None:
                self._opener.join()

    def _close_store(self) -> None:
        store, self._store = self._store, None
        self._store_problem = StoreClosedError("tlm_dash is shutting down.", hint="Start it again.")
        if store is not None:
            store.close()

    @property
    def store(self) -> Store:
        """Give the open store. Raises the error that says why there is none."""
        if self._store is None:
            raise self._store_problem
        return self._store

    @property
    def store_problem(self) -> TlmDashError | None:
        """Tell why the store is not open, or None when it is."""
        return None if self._store is not None else self._store_problem

    @property
    def store_settled(self) -> bool:
        """Tell whether the first try to open the store has ended, well or not."""
        return self._store is not None or self._tried_to_open

    def answering(self) -> Answering:
        """Make the runner of answer plans. Raises StoreError while there is no store."""
        return Answering(self.engine, self.store, self.board, self.monitor, self.batches.gate)

    def _open_store(self) -> None:
        """Open the store, or keep trying: a command may hold the file for a while."""
        settings = self.settings
        while not self._stopping.is_set():
            try:
                store = Store.open(settings.database_url, temp_dir=settings.data_dir / "tmp")
            except TlmDashError as error:
                if str(error) != str(self._store_problem):
                    logger.warning("The database is not open: %s", error)
                self._store_problem = error
                self._tried_to_open = True
                self._stopping.wait(OPEN_AGAIN_EVERY_S)
                continue
            except Exception as error:
                # A bug, but the page must still say something better than "being opened" forever.
                logger.exception("Opening the database failed")
                self._store_problem = StoreError(
                    f"The database could not be opened ({type(error).__name__}).", hint="The log has details."
                )
                self._tried_to_open = True
                self._stopping.wait(10 * OPEN_AGAIN_EVERY_S)
                continue
            _close_interrupted(store)
            self._store = store
            self._tell_open()
            return

    def _tell_open(self) -> None:
        if self._on_open is None or self._stopping.is_set():
            return
        try:
            self._on_open(self)
        except Exception:
            logger.exception("What was to be done with the open database failed")


def _close_interrupted(store: Store) -> None:
    """End what an earlier process left under way; a disk too full for that must not close the store."""
    try:
        interrupted = playground_store.close_interrupted(store)
    except StoreError as error:
        logger.warning("Unfinished answers could not be marked as interrupted: %s", error)
        return
    if interrupted:
        logger.info("%d unfinished playground answers were marked as interrupted", interrupted)
