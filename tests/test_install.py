"""README's two lines, run by a bare Python in a small project of the same form, and what stands in their way.

The packages are two little wheels of our own, so that no network is needed: what is tested is the line, not
what it installs.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tlm_dash.install import InstallError, check_version, python_of

SUPPORTED = ("3.11", "3.12", "3.13")
PROGRAM = "import sys, tlm_probe\n\ndef main():\n    print('ran', *sys.argv[1:], 'in', sys.prefix)\n"

WITHOUT_ENSUREPIP = """
import runpy, sys
sys.modules["ensurepip"] = None
sys.argv = ["install"]
runpy.run_module("tlm_dash.install", run_name="__main__")
"""
NO_FILE_HOLDS_A_BYTE = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
sys.argv = ["install"]
runpy.run_module("tlm_dash.install", run_name="__main__")
"""


def readme_line(heading: str) -> str:
    """Give the first line of code under a heading of README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}$.*?^```\n(.*?)\n```$", readme, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def make_wheel(folder: Path, name: str, files: dict[str, str], script: str = "") -> None:
    """Write a wheel of version 1 with these files and, if asked, a program of the package's name."""
    info = f"{name}-1.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {script}\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


class Newcomer:
    """Somebody with a bare Python and a fresh copy of a project, whose folder has a space and an umlaut."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "Größe mit Raum"
        self.env = self.project / ".venv"
        self.wheels = folder / "wheels"
        (self.project / "tlm_dash").mkdir(parents=True)
        for name in ("__init__.py", "__main__.py", "install.py"):
            shutil.copy(ROOT / "tlm_dash" / name, self.project / "tlm_dash" / name)
        (self.project / "requirements.txt").write_text("streamlit==1\npytest==1\n")
        self.wheels.mkdir()
        for name in ("streamlit", "pytest"):
            make_wheel(self.wheels, name, {f"{name}.py": PROGRAM, "tlm_probe.py": ""}, f"{name}:main")
        # Not the Python of these tests, which has everything: the one that it was made from.
        (folder / "bin").mkdir()
        (folder / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LANG") if name in os.environ}
        self.environ = {
            **kept,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder / "no home"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self.wheels.as_uri(),
        }

    def types(self, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a line in the project's folder, as a shell does."""
        return self._runs(["bash", "-c", line], environ)

    def runs_python(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run a program by the bare Python."""
        return self._runs(["python3", "-c", program], {})

    def _runs(self, command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.project, env={**self.environ, **environ}, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def only_sentence(told: subprocess.CompletedProcess[str]) -> str:
    """Give the one line on standard error of a run that failed as expected."""
    assert told.returncode == 1, told.stderr
    (line,) = told.stderr.splitlines()
    assert line.startswith("error: ") and line.endswith(".")
    return line


def test_the_lines_make_the_environment_once_and_run(newcomer: Newcomer) -> None:
    start, test = readme_line("Start it"), readme_line("Test it")
    first = newcomer.types(start)
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith(f"ran run app.py in {newcomer.env}\n")
    again = newcomer.types(test)
    assert (again.stdout, again.stderr) == (f"ran in {newcomer.env}\n", ""), "nothing is left to install"


def test_ci_runs_the_readmes_test_line() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    told = script[script.index('line="$(') :].replace("bash -euc", "false ")
    ran = subprocess.run(["bash", "-c", told], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{readme_line('Test it')}\n"
    assert "pytest" in ran.stdout and "pytest" not in script and "pip install" not in script


def test_a_requirement_that_comes_later_is_added(newcomer: Newcomer) -> None:
    assert newcomer.types("python3 -m tlm_dash.install").returncode == 0
    kept = newcomer.env / "kept"
    kept.touch()
    make_wheel(newcomer.wheels, "latecomer", {"latecomer.py": ""})
    with (newcomer.project / "requirements.txt").open("a") as file:
        file.write("latecomer==1\n")
    assert (
        newcomer.types("python3 -m tlm_dash.install && .venv/bin/python -c 'import latecomer'").returncode
        == 0
    )
    assert kept.exists(), "the environment is not made anew for it"


def test_what_was_cut_short_or_moved_is_made_anew(newcomer: Newcomer) -> None:
    short = newcomer.types("python3 -m tlm_dash.install", PIP_FIND_LINKS="")
    assert short.returncode == 1 and (newcomer.env / "pyvenv.cfg").exists()
    assert short.stderr.splitlines()[-1].startswith(
        "error: Not all packages could be installed: the package index"
    )
    shutil.rmtree(newcomer.env / "lib")
    assert newcomer.types(readme_line("Start it")).returncode == 0
    moved = newcomer.project.with_name("elsewhere")
    newcomer.project.rename(moved)
    newcomer.project = moved
    assert newcomer.types(readme_line("Start it")).stdout.endswith(f"ran run app.py in {moved / '.venv'}\n")


def test_what_debians_venv_left_without_pip_is_made_anew(newcomer: Newcomer) -> None:
    assert newcomer.types("python3 -m venv --without-pip .venv").returncode == 0
    assert newcomer.types(readme_line("Test it")).stdout.endswith(f"ran in {newcomer.env}\n")


def test_an_environment_of_ones_own_is_filled(newcomer: Newcomer) -> None:
    assert newcomer.types("python3 -m venv .venv && touch .venv/mine").returncode == 0
    assert newcomer.types(readme_line("Test it")).stdout.endswith(f"ran in {newcomer.env}\n")
    assert (newcomer.env / "mine").exists()


def test_settings_for_the_user_alone_do_not_stop_it(newcomer: Newcomer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    make_wheel(tmp_path / "other", "streamlit", {})
    for wheel in (tmp_path / "other").iterdir():
        zipfile.ZipFile(wheel).extractall(tmp_path / "other")
    told = newcomer.types(readme_line("Test it"), PIP_USER="1", PYTHONPATH=str(tmp_path / "other"))
    assert told.stdout.endswith(f"ran in {newcomer.env}\n"), told.stderr
    assert (newcomer.env / "bin" / "streamlit").exists(), "the same package elsewhere is not taken for ours"


def test_a_python_without_venv(newcomer: Newcomer) -> None:
    told = newcomer.runs_python(WITHOUT_ENSUREPIP)
    sentence = only_sentence(told)
    if shutil.which("apt-get"):
        assert f'"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv' in sentence
    assert "venv" in sentence and not newcomer.env.exists()


@pytest.mark.parametrize("version", ["2.7", "3.1", "3.9", "3.10", "3.14"])
def test_a_python_too_old_or_too_new(version: str) -> None:
    with pytest.raises(InstallError, match=rf"needs Python 3\.11, 3\.12 or 3\.13, and this is {version}: \w"):
        check_version(version)


def test_the_pythons_that_it_is_made_for() -> None:
    for version in SUPPORTED:
        check_version(version)


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py", "install.py"])
def test_an_old_python_can_read_what_refuses_it(name: str) -> None:
    source = (ROOT / "tlm_dash" / name).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))


@pytest.mark.parametrize("make", [
    lambda env: env.write_text("a file"),
    lambda env: env.symlink_to("nowhere"),
    lambda env: (env.mkdir(), (env / "mine.txt").write_text("keep me")),
])  # fmt: skip
def test_something_else_of_its_name_is_left_alone(newcomer: Newcomer, make: Callable[[Path], object]) -> None:
    make(newcomer.env)
    assert "rename it" in only_sentence(newcomer.types(readme_line("Start it")))
    assert os.path.lexists(newcomer.env)
    assert not newcomer.env.is_dir() or (newcomer.env / "mine.txt").read_text() == "keep me"


def test_a_folder_that_cannot_be_written(newcomer: Newcomer) -> None:
    pytest.importorskip("resource", reason="this system has no limits on files")
    sentence = only_sentence(newcomer.runs_python(NO_FILE_HOLDS_A_BYTE))
    assert f"{newcomer.env} cannot be made (File too large): copy the project" in sentence


def test_the_command_line_without_its_packages_says_how_to_get_them(newcomer: Newcomer) -> None:
    (newcomer.project / "tlm_dash" / "cli.py").write_text("import a_package_that_nobody_has")
    check = "python3 -m tlm_dash check"
    assert "tlm_dash.install" in only_sentence(newcomer.types(check))
    python_of(newcomer.project).parent.mkdir(parents=True)
    python_of(newcomer.project).touch()
    assert f'write "{Path(".venv/bin/python")}"' in only_sentence(newcomer.types(check))


def test_all_that_the_command_line_lacks_is_packages() -> None:
    check = [sys.executable, "-S", "-m", "tlm_dash", "check"]
    told = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "lacks what tlm_dash needs" in only_sentence(told)
