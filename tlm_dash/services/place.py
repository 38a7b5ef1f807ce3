"""Where a service works: settings and an open store, whoever opened it."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from tlm_dash.services.private_files import tighten
from tlm_dash.settings import Settings, load_settings
from tlm_dash.store.database import Store

MEMORY_BYTES = 384 << 20
"""What a command's database may keep in memory: a command reads or writes most things once."""


class Place(Protocol):
    """What a service needs of a dashboard, or of a command that has none."""

    @property
    def store(self) -> Store:
        """The open store. Raises StoreError while there is none."""

    @property
    def settings(self) -> Settings:
        """All settings."""


class OpenStore:
    """A store without the rest of a dashboard, for commands that only read and write it.

    Raises StoreError where it cannot be opened: StoreBusyError while a dashboard holds it.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        tighten(self.settings.data_dir)
        self.store = Store.open(
            self.settings.database_url,
            temp_dir=self.settings.data_dir / "tmp",
            most_memory_bytes=MEMORY_BYTES,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()
