"""A virtual environment with the official client: it wants pandas 2, the project has pandas 3.

It is made once and kept under `.cache/`, in a folder named after the pins and the Python that it is for.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PINS = Path(__file__).with_name("pins.txt")
INSTALL_LIMIT_S = 900


class InstallError(Exception):
    """The packages could not be installed; the message is what pip said."""


def official_client_python(cache: Path) -> Path:
    """Return an interpreter that has the pinned packages, installing them first if need be.

    Raises InstallError.
    """
    kept = cache / _key()
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Made beside its place and moved there whole: an install that was cut short is never used, and two
        # test runs at once do no harm.
        with tempfile.TemporaryDirectory(dir=cache, prefix="new-") as folder:
            made = Path(folder) / "venv"
            venv.EnvBuilder(symlinks=os.name != "nt").create(made)
            _install(_python(made))
            try:
                made.rename(kept)
            except OSError:
                if not kept.exists():
                    raise
                shutil.rmtree(made)
    return _python(kept)


def _key() -> str:
    facts = (PINS.read_text(encoding="utf-8"), sys.base_prefix, sys.version, platform.platform())
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install(python: Path) -> None:
    """Install the pins with the pip of this interpreter, which saves installing another pip first."""
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "2", "--timeout", "15"]
    # Nothing to resolve, build or compile: a third of the time.
    command += ["--no-deps", "--only-binary", ":all:", "--no-compile", "--requirement", str(PINS)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise InstallError(f"pip did not end within {INSTALL_LIMIT_S} s") from None
    if run.returncode != 0:
        lines = run.stderr.strip().splitlines()
        raise InstallError("; ".join([line for line in lines if line.startswith("ERROR")] or lines[-1:]))
