"""The Decide page of a run of 100,000 labelled rows: `python -m tests.benchmarks.decide_page`.

Server time of one drawing of the page (the script, over a real database file), and of its parts: reading the
rows, and every figure of the decision. `[--rows 100000]`. Goal: 2 s.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.fake_endpoint import FakeEndpoint
from tests.services.deciding import make_decidable_run, ranked_rows
from tlm_dash.server.lifespan import set_current_dashboard
from tlm_dash.services.dashboard import Dashboard
from tlm_dash.services.decide import Question, decision_of
from tlm_dash.services.labelled import labelled_run
from tlm_dash.settings import load_settings

GOAL_S = 2.0
REPEATS = 5


def main() -> int:
    """Make the run, draw the page some times, print the fastest and the middle one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    n_rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, FakeEndpoint() as endpoint:
        environment = {"BASE_URL": endpoint.base_url, "TLM_DASH_DATA_DIR": folder}
        dashboard = Dashboard(load_settings(environment, env_file=Path(folder) / "none"))
        dashboard.start()
        try:
            while not dashboard.store_settled:
                time.sleep(0.01)
            scores, labels = ranked_rows(n_rows)
            run_id = make_decidable_run(dashboard, scores, labels)
            middle = _measure(dashboard, run_id, n_rows)
        finally:
            dashboard.stop()
    print(f"goal: {GOAL_S} s, {'reached' if middle <= GOAL_S else 'missed'}")
    return 0 if middle <= GOAL_S else 1


def _measure(dashboard: Dashboard, run_id: str, n_rows: int) -> float:
    reading, deciding, drawing = [], [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run = labelled_run(dashboard, run_id)
        read = time.perf_counter()
        decision_of(run, Question(max_risk=0.05))
        reading.append(read - began)
        deciding.append(time.perf_counter() - read)
    set_current_dashboard(dashboard)
    app = AppTest.from_file(ROOT / "tlm_dash" / "ui" / "main.py", default_timeout=120)
    app.query_params["run"] = run_id
    app.run()
    app.switch_page(str(ROOT / "pages" / "decide.py"))
    app.run()
    app.button(key="decide-ask").click().run()
    for _ in range(REPEATS):
        began = time.perf_counter()
        app.run()
        drawing.append(time.perf_counter() - began)
        assert any("Send everything below" in str(one.value) for one in app.markdown)
    set_current_dashboard(None)
    print(f"{n_rows:,} labelled rows; fastest and middle of {REPEATS}:")
    for name, times in (("reading the rows", reading), ("all figures", deciding), ("the page", drawing)):
        print(f"{name:<18}{min(times):>7.2f} s{sorted(times)[REPEATS // 2]:>7.2f} s")
    return sorted(drawing)[REPEATS // 2]


if __name__ == "__main__":
    sys.exit(main())
