"""Makes the environment: `python3 -m tlm_dash.install`, by any Python, with nothing installed yet.

`.venv` beside `app.py` gets what `requirements.txt` names. A second run finds it done and takes no time; one
that was cut short is begun anew; an environment that somebody made there themselves is kept and filled.
Whatever stands in the way is told in one sentence that says what to do.

Only the standard library, and only what Python 3.7 understands: one that is too old has to be able to say so.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SUPPORTED = ("3.11", "3.12", "3.13")
OPENMP = "libgomp.so.1"
DONE, FAILED, INTERRUPTED = 0, 1, 130

# What pip says, what it means, and what to do about it; the first that is found counts.
_CAUSES = (
    ("No space left on device", "the disk is full: make room"),
    ("CERTIFICATE_VERIFY_FAILED", "the package index has a certificate of its own: name it in PIP_CERT"),
    ("ProxyError", "the proxy does not answer: check HTTPS_PROXY"),
    ("Retrying (", "the package index cannot be reached: check the network, pip's index and its proxy"),
    ("No matching distribution", "the package index does not have all of them: check pip's index settings"),
    ("Permission denied", "a folder cannot be written (pip names it above): make it yours"),
)  # fmt: skip


class InstallError(Exception):
    """Why there is no environment, as a sentence that says what to do."""


def main() -> int:
    """Make the environment; the exit code is 0 where it is there, 1 with a sentence, 130 after Ctrl-C."""
    argparse.ArgumentParser(
        prog="python3 -m tlm_dash.install",
        description="Make .venv beside app.py and install requirements.txt into it, unless that is done.",
    ).parse_args()
    try:
        install(PROJECT)
        return DONE
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def install(project: Path) -> None:
    """Bring the project's environment up to its requirements. Raises InstallError."""
    environment = Environment(project)
    try:
        if environment.is_complete():
            return
        if not environment.can_be_filled():
            check_version(_running_version())
            check_parts()
            environment.make()
        environment.fill()
    except OSError as error:
        raise InstallError(_cannot_be_written(environment.folder, error)) from error
    if lacks_openmp():
        print(
            f"note: The embedded endpoint needs {OPENMP}, which this system lacks: install it "
            "(Debian and Ubuntu: sudo apt install libgomp1), or name an endpoint in BASE_URL.",
            file=sys.stderr,
        )


def check_version(version: str) -> None:
    """Refuse a Python, like "3.9", for which not every requirement exists. Raises InstallError."""
    if version in SUPPORTED:
        return
    found = [name for name in (f"python{known}" for known in reversed(SUPPORTED)) if shutil.which(name)]
    if os.name == "nt":
        do = f'install one of these and write "py -{SUPPORTED[-1]}" in place of "py"'
    elif found:
        do = f'write "{found[0]}", which is here, in place of "python3"'
    else:
        do = f'install one of these and write "python{SUPPORTED[-1]}" (or which it is) in place of "python3"'
    raise InstallError(
        f"tlm_dash needs Python {', '.join(SUPPORTED[:-1])} or {SUPPORTED[-1]}, and this is {version}: {do}."
    )


def check_parts() -> None:
    """Refuse a Python that cannot make environments, as Debian's own begins. Raises InstallError."""
    if all(importlib.util.find_spec(part) is not None for part in ("venv", "ensurepip")):
        return
    if shutil.which("apt-get"):
        packages = f"python{_running_version()}-venv{' libgomp1' if lacks_openmp() else ''}"
        do = f'run "sudo apt install {packages}", then the same line again'
    else:
        do = 'install what your system calls "venv" or "ensurepip" of it, then run the same line again'
    raise InstallError(f"This Python ({sys.executable}) comes without venv: {do}.")


def lacks_openmp() -> bool:
    """Whether this is a Linux without the one library that no package brings along."""
    if sys.platform != "linux":
        return False
    try:
        ctypes.CDLL(OPENMP)
    except OSError:
        return True
    return False


class Environment:
    """The project's `.venv`, and the note in it that tells whether it is finished and for what."""

    def __init__(self, project: Path) -> None:
        self.folder = project / ".venv"
        self.python = python_of(project)
        self._requirements = project / "requirements.txt"
        self._note = self.folder / "installed.json"

    def is_complete(self) -> bool:
        """Whether everything that is required now was installed, and here: programs name their folder."""
        return self._noted() == self._wanted() and self._version() in SUPPORTED

    def can_be_filled(self) -> bool:
        """Whether there is an environment to install into, ours from before or somebody's own."""
        noted = self._noted()
        is_whole = noted is None or noted.get("folder") == str(self.folder)
        return is_whole and self._version() in SUPPORTED

    def make(self) -> None:
        """Make it anew, in place of one that was not finished or works no more."""
        import venv  # a Python may come without it: then nobody gets here

        if self._is_something_else():
            raise InstallError(
                f"{self.folder} is no environment of Python: rename it, then run the same line again."
            )
        print(f"Making .venv with Python {_running_version()} ({sys.executable}).", flush=True)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir()
        self._note.write_text("{}", encoding="utf-8")
        try:
            venv.create(self.folder, symlinks=os.name != "nt", with_pip=True)
        except subprocess.CalledProcessError as error:
            said = (error.output or b"").decode(errors="replace")
            raise InstallError(_failure("pip could not be put into .venv", said)) from error

    def fill(self) -> None:
        """Install what is required, by pip with the settings it has (index, proxy, certificates)."""
        print("Installing requirements.txt into .venv: a minute or two, the first time.", flush=True)
        command = [self.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        # Where a person's own settings say "for the user", pip refuses to install into an environment.
        process = subprocess.Popen(
            [*map(str, command), "-r", str(self._requirements)],
            env={**_plain_environ(), "PIP_USER": "0"},
            stderr=subprocess.PIPE,
        )
        said = _pass_on(process)
        if process.returncode != 0:
            raise InstallError(_failure("Not all packages could be installed", said))
        self._note.write_text(json.dumps(self._wanted()), encoding="utf-8")

    def _wanted(self) -> dict[str, str]:
        requirements = hashlib.sha256(self._requirements.read_bytes()).hexdigest()
        return {"folder": str(self.folder), "requirements": requirements}

    def _noted(self) -> dict[str, str] | None:
        """Give what the note says: nothing in it while the environment is made, None where there is none."""
        try:
            noted = json.loads(self._note.read_text(encoding="utf-8"))
        except OSError:
            return None
        except ValueError:
            return {}
        return noted if isinstance(noted, dict) else {}

    def _version(self) -> str:
        """Give the version of the environment's Python, "" where it does not run or has no pip."""
        tell = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
        try:
            told = subprocess.run(
                [str(self.python), "-c", tell], env=_plain_environ(), stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except OSError:
            return ""
        return told.stdout.decode(errors="replace").strip()

    def _is_something_else(self) -> bool:
        """Whether what has its name is not an environment, nor one that was just begun."""
        if (
            not os.path.lexists(self.folder)
            or (self.folder / "pyvenv.cfg").exists()
            or self._noted() is not None
        ):
            return False
        return not self.folder.is_dir() or any(self.folder.iterdir())


def python_of(project: Path) -> Path:
    """Give where the Python of a project's environment is, or would be."""
    return project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def tell_how_to_get_ready() -> int:
    """Say what to do where the Python that runs is not the environment's; gives the exit code."""
    python = python_of(PROJECT)
    if python.exists():
        shown = os.path.relpath(python) if Path.cwd() == PROJECT else str(python)
        do = f'write "{shown}" in place of it'
    else:
        do = 'run "python3 -m tlm_dash.install" in the folder of app.py first'
    print(f"error: This Python ({sys.executable}) lacks what tlm_dash needs: {do}.", file=sys.stderr)
    return FAILED


def _running_version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _plain_environ() -> dict[str, str]:
    """Give this environment without what would show an environment the packages of another Python."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def _pass_on(process: subprocess.Popen[bytes]) -> str:
    """Show a process's standard error as it comes, until it ends; gives it as well."""
    said = []
    assert process.stderr is not None
    try:
        for line in process.stderr:
            said.append(line.decode(errors="replace"))
            sys.stderr.write(said[-1])
            sys.stderr.flush()
    finally:
        process.wait()
    return "".join(said)


def _failure(what: str, said: str) -> str:
    for sign, meaning in _CAUSES:
        if sign in said:
            return f"{what}: {meaning}, then run the same line again."
    return f"{what}: what pip says about it stands above; mend it, then run the same line again."


def _cannot_be_written(folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"{folder} cannot be made because the disk is full: make room, then run the same line again."
    reason = error.strerror or str(error)
    return f"{folder} cannot be made ({reason}): copy the project to a folder that you can write."


if __name__ == "__main__":
    sys.exit(main())
