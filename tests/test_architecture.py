"""The layers of the house: imports point down only, and each outer library is visible in one place.

How to fix a failure: move the code to the layer that may import what it needs, or pass the object in as an
argument. The layers are drawn in the README.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each part of the project may import from the project, from the top down.
BASE = {"finish_reasons", "models", "responses", "errors", "settings", "sites", "words"}
LAYERS: dict[str, set[str]] = {
    "app": {"server"},
    "pages": {"ui", "services", "models", "errors", "words"},
    "install": set(),
    "cli": {"commands", "services", "local_endpoint", "terminal", *BASE},
    "commands": {"services", "terminal", *BASE},
    "ui": {"server", "services", "charts", *BASE},
    "server": {"services", "connections", "front_door", "terminal", "web_log", *BASE},
    "services": {"batch", "analysis", "interchange", "charts", "endpoint", "store", "local_endpoint", *BASE},
    "batch": {"endpoint", "store", *BASE},
    "analysis": BASE,
    "interchange": BASE,
    "charts": BASE,
    "endpoint": BASE,
    "store": BASE,
    "local_endpoint": {"connections", "errors", "front_door", "sites", "terminal", "web_log", "words"},
    "terminal": {"errors", "words"},
    "models": set(),
    "words": {"models"},
    "finish_reasons": set(),
    "responses": {"finish_reasons", "models"},
    "errors": set(),
    "settings": {"errors", "sites"},
    "sites": set(),
    "front_door": {"sites"},
    "web_log": set(),
    "connections": set(),
}

# Which parts may import an outer library.
OWNERS: dict[str, set[str]] = {
    "streamlit": {"app", "pages", "ui"},
    "h11": {"connections"},
    "starlette": {"app", "server", "local_endpoint", "front_door"},
    "uvicorn": {"server", "local_endpoint", "connections"},
    "duckdb": {"store"},
    "openai": {"endpoint", "local_endpoint"},
    "httpx": {"endpoint", "local_endpoint"},
    "httpx2": {"endpoint", "local_endpoint"},
    "aiohttp": {"endpoint", "local_endpoint"},
    "fastapi": {"local_endpoint"},
    "litellm": {"local_endpoint"},
    "tlm": {"local_endpoint"},
    "xllamacpp": {"local_endpoint"},
    "plotly": {"charts"},
}


def project_files() -> list[Path]:
    files = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "tlm_dash").rglob("*.py")]
    return [file for file in files if file.name != "__main__.py"]


def part_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    if parts[0] != "tlm_dash":
        return parts[0]
    return parts[1] if parts[1] != "__init__" else "models"


def imported_names(source: str) -> Iterator[str]:
    """Yield every absolute module name that a source imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)


def offences(part: str, source: str) -> list[str]:
    """List what a source of this part imports and may not."""
    found = []
    for name in imported_names(source):
        top, _, rest = name.partition(".")
        if top == "tlm_dash" and rest:
            target = rest.partition(".")[0]
            if target != "__version__" and target != part and target not in LAYERS[part]:
                found.append(f"{part} imports {name}")
        elif top in OWNERS and part not in OWNERS[top]:
            found.append(f"{part} imports {name}, which only {sorted(OWNERS[top])} may")
    return found


def test_imports_point_down_only() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {offence}"
        for file in project_files()
        for offence in offences(part_of(file), file.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join([*found, __doc__ or ""])


def test_the_walk_really_sees_the_files() -> None:
    seen = {str(file.relative_to(ROOT)) for file in project_files()}
    assert {"app.py", "pages/playground.py", "tlm_dash/ui/main.py", "tlm_dash/store/database.py"} <= seen
    assert {part_of(file) for file in project_files()} <= set(LAYERS)


@pytest.mark.parametrize(
    ("part", "source", "count"),
    [
        ("store", "import streamlit as st", 1),
        ("store", "from streamlit.testing import v1", 1),
        ("services", "from tlm_dash.ui import text", 1),
        ("services", "def f():\n    from tlm_dash import ui", 1),
        ("ui", "import duckdb", 1),
        ("local_endpoint", "from tlm_dash.store.database import Store", 1),
        ("store", "import duckdb\nfrom tlm_dash.errors import StoreError", 0),
        ("ui", "import streamlit as st\nfrom tlm_dash.services import playground", 0),
        ("ui", "text = 'import duckdb'  # import duckdb", 0),
    ],
)
def test_the_detector_finds_offenders_and_only_them(part: str, source: str, count: int) -> None:
    assert len(offences(part, source)) == count


def test_no_grab_bags() -> None:
    bags = {"utils.py", "helpers.py", "common.py", "misc.py", "services.py"}
    assert not [file for file in project_files() if file.name in bags]


def test_the_visible_top_level_is_fixed() -> None:
    expected = {"app.py", "pages", "tlm_dash", "tests", "data", "requirements.txt", "README.md"}
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert visible - {"__pycache__"} == expected


def test_files_stay_small() -> None:
    """Over 300 lines a file is split by noun."""
    long = {
        str(file.relative_to(ROOT)): count
        for file in project_files()
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long
    pages = {f.name: len(f.read_text(encoding="utf-8").splitlines()) for f in (ROOT / "pages").glob("*.py")}
    assert all(count <= 120 for count in pages.values()), pages
