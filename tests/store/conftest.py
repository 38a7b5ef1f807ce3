"""Stores over real files, closed at the end of each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tlm_dash.store import Store

OpenStore = Callable[..., Store]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    """Open (or open again) a database file of this test."""
    opened: list[Store] = []

    def open_one(name: str = "tlm_dash.duckdb") -> Store:
        store = Store.open(f"duckdb:///{tmp_path / name}", temp_dir=tmp_path / "temporary")
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples of a property; each example makes ids of its own."""
    folder = tmp_path_factory.mktemp("shared")
    store = Store.open(f"duckdb:///{folder / 'tlm_dash.duckdb'}", temp_dir=folder / "temporary")
    yield store
    store.close()
