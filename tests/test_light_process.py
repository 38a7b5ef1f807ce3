"""The dashboard's own process stays light: nothing that serves or scores is loaded into it.

How to fix a failure: find the import with `python -X importtime -c "import tlm_dash.server.lifespan"`, and
keep what only the embedded endpoint needs in its own process (tlm_dash/local_endpoint/process.py).
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

HEAVY = {"litellm", "tlm", "xllamacpp", "fastapi"}
IMPORT_LIMIT_S = 300

# Modules are imported one by one; then the top-level packages that are loaded are told.
TELL_LOADED = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(modules: list[str]) -> set[str]:
    """Give the top-level packages that a fresh interpreter has loaded after these imports."""
    run = subprocess.run(
        [sys.executable, "-c", TELL_LOADED, json.dumps(modules)],
        cwd=ROOT, capture_output=True, text=True, timeout=IMPORT_LIMIT_S, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout))


def imported_by(script: Path) -> list[str]:
    """List the modules that a script imports, also inside its functions."""
    found = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            found.append(node.module or "")
    return found


def dashboard_modules() -> list[str]:
    """List what the dashboard's process imports: the server, the interface, and what its scripts import."""
    main = ROOT / "tlm_dash" / "ui" / "main.py"
    folders = (ROOT / "tlm_dash" / "server", ROOT / "tlm_dash" / "ui")
    # Scripts that Streamlit runs can be read here, but not imported.
    scripts = [ROOT / "app.py", main, *sorted((ROOT / "pages").glob("*.py"))]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py")) if file != main]
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    modules = [module.removesuffix(".__init__") for module in modules]
    return sorted({*modules, *(name for script in scripts for name in imported_by(script))})


def test_nothing_heavy_is_loaded() -> None:
    modules = dashboard_modules()
    assert {"streamlit", "tlm_dash.server.lifespan", "tlm_dash.ui.parts.cards"} <= set(modules)
    loaded = loaded_by(modules)
    assert {"streamlit", "tlm_dash"} <= loaded
    assert not loaded & HEAVY, f"{sorted(loaded & HEAVY)} loaded\n{__doc__}"


def test_the_check_sees_what_is_heavy() -> None:
    assert "fastapi" in loaded_by(["tlm_dash.local_endpoint.app"])
