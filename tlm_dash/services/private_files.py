"""What is kept is its owner's only: data folders of versions that did not see to it are tightened at start.

What is made anew gets its modes from the process (`os.umask` in `server/process.py`, with which `app.py`
begins, and in the `__main__` modules). Only what tlm_dash names itself is changed: a database, an export or a
backup elsewhere has the mode that a person chose. On Windows, where folders of a person are not open to
others, nothing is done.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

FOLDERS = frozenset({"backups", "endpoint", "logs", "models", "rejected", "tmp"})
"""Folders in the data folder in which everything is ours."""

BESIDE = frozenset({"inbox", "sample_questions.csv", "prices.csv", "README.md", ".gitkeep"})
"""What may stand in a data folder and be no reason to leave the folder itself open."""

DATABASE = re.compile(r"[^/]+\.duckdb(\.wal|\.[0-9a-f]{8}\.(partial|new)(\.wal)?)?")

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def tighten(data_dir: Path) -> int:
    """Take the data folder and what is ours in it from everybody else; gives how many files and folders.

    Never raises: what belongs to somebody else, or cannot be changed, stays as it is. The log tells of files
    that others could get at; that a folder was open, as the one that comes with the project, harmed nobody.
    """
    if os.name == "nt":
        return 0
    was_open, changed, left = _is_open(data_dir), list[int](), list[Path]()
    for path in _ours(data_dir):
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) or not mode & OTHERS:
                continue
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)
            changed.append(mode)
        except FileNotFoundError:  # another process has removed it meanwhile
            continue
        except OSError:
            left.append(path)
    if (n_files := sum(map(stat.S_ISREG, changed))) and was_open:
        logger.warning(
            "Other users of this machine could get at the data in %s (files: %s); now only their owner can.",
            data_dir, f"{n_files:,}",
        )  # fmt: skip
    if left and _is_open(data_dir):
        logger.warning(
            "Other users of this machine may get at %s, and this user cannot change that: let its owner run "
            "chmod -R go= on the data folder.", left[0],
        )  # fmt: skip
    return len(changed)


def put_in_place(made: Path, output: Path) -> None:
    """Give a finished file its name; one that it replaces hands on its mode, which a person may have chosen.

    Raises OSError.
    """
    with suppress(OSError):
        shutil.copymode(output, made)
    made.replace(output)


def _ours(data_dir: Path) -> Iterator[Path]:
    """Yield what is ours of a data folder; the folder itself too where nothing of somebody else is in it."""
    try:
        folder = data_dir.resolve()
        inside = sorted(folder.iterdir())
    except (OSError, RuntimeError):  # not there, or not to be read
        return
    ours = [path for path in inside if path.name in FOLDERS or DATABASE.fullmatch(path.name)]
    if all(path in ours or path.name in BESIDE for path in inside) and not _is_shared(folder):
        yield folder
    for path in ours:
        yield path
        if path.is_dir() and not path.is_symlink():
            for below, folders, files in os.walk(path):  # into no link
                yield from (Path(below) / name for name in (*folders, *files))


def _is_shared(folder: Path) -> bool:
    """Tell whether a folder is a common one, such as /tmp, whoever its owner is."""
    return _has(folder, stat.S_ISVTX)


def _is_open(folder: Path) -> bool:
    """Tell whether others come through a folder to what is in it."""
    return _has(folder, stat.S_IXGRP | stat.S_IXOTH)


def _has(folder: Path, bits: int) -> bool:
    try:
        return bool(folder.stat().st_mode & bits)
    except OSError:
        return True
