"""A dashboard's data in which every name is hostile: of its file, columns, tags, models, people and notes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.browser.hostile_names import ELSEWHERE
from tests.services.compared import MEANINGS, understand
from tlm_dash.services import (
    dataset_inspection,
    dataset_upload,
    decision_records,
    label_matchers,
    label_plans,
    labels,
    record_files,
)
from tlm_dash.services.dataset_upload import ColumnMapping, ResponseColumns
from tlm_dash.services.decide import Question
from tlm_dash.services.place import OpenStore
from tlm_dash.services.record_drafts import threshold_record
from tlm_dash.settings import load_settings

N_ROWS = 120


def hostile(what: str) -> str:
    """Give a name that says what it is the name of, and is a link, an image and HTML where it is not text."""
    return f"{linked(what)}<img src=//127.0.0.1:9>![](//a.bc/i)"


def linked(what: str) -> str:
    """Give the beginning of such a name, which is short enough to be shown everywhere."""
    return f"[{what}]({ELSEWHERE}{what})"


@dataclass(frozen=True)
class HostileData:
    """What the pages need of it for their addresses."""

    dataset_id: str
    run_ids: tuple[str, str]
    plan_id: str
    record_id: str
    record_page: str


def write_file(path: Path) -> None:
    """Write a table with two models' responses, scores and labels, and hostile names for all of it."""
    draw = np.random.default_rng(3)
    with path.open("w", newline="", encoding="utf-8") as target:
        rows = csv.writer(target)
        rows.writerow([hostile(name) for name in COLUMNS])
        for number in range(N_ROWS):
            right = draw.random(2) < 0.8
            scores = 1 / (1 + np.exp(-draw.normal(2.0 * right - 0.5)))
            said = [f"It is {2 * number if one else number + 1}{hostile('said')}" for one in right]
            rows.writerow([
                f"What is {number} + {number}? {hostile('prompt')}", f"{hostile('id')}{number}",
                str(2 * number), said[0], scores[0], int(right[0]), hostile("model-a"),
                said[1], scores[1], int(right[1]), hostile("model-b"),
                hostile(f"value-{number % 2}"), hostile("beside-cell"),
            ])  # fmt: skip


COLUMNS = (
    "prompt-column", "id-column", "reference-column",
    "response-a", "score-a", "label-a", "model-a-column",
    "response-b", "score-b", "label-b", "model-b-column",
    "tag", "beside",
)  # fmt: skip


def mapping() -> ColumnMapping:
    """Say what the columns are."""
    parts = [
        ResponseColumns(
            hostile(f"response-{of}"), hostile(f"score-{of}"), hostile(f"label-{of}"),
            model=hostile(f"model-{of}-column"),
        )
        for of in "ab"
    ]  # fmt: skip
    return ColumnMapping(
        prompt=hostile("prompt-column"), id=hostile("id-column"), reference=hostile("reference-column"),
        responses=tuple(parts), tags=(hostile("tag"),),
    )  # fmt: skip


def make(data_dir: Path, file: Path) -> HostileData:
    """Fill a data folder: the dataset, labels of a person with a note, a plan, a matcher."""
    write_file(file)
    settings = load_settings({"TLM_DASH_DATA_DIR": str(data_dir)}, env_file=data_dir / "no.env")
    with OpenStore(settings) as place:
        found = dataset_inspection.inspect(place, [file])
        saved = dataset_upload.save(place, found, mapping(), hostile("dataset"))
        first, second = (run.run_id for run in saved.runs)
        for of in "ab":
            understand(place, saved.dataset_id, hostile(f"label-{of}"), MEANINGS)
        hashes = place.store.read(
            "SELECT item_no, response_hash FROM run_item WHERE run_id = ? ORDER BY item_no LIMIT 4", [first]
        )
        for item_no, hashed in hashes:
            for person, verdict in ((hostile("person"), "correct"), (hostile("other"), "incorrect")):
                labels.annotate(
                    place, dataset_id=saved.dataset_id, item_no=item_no, response_hash=hashed, run_id=first,
                    verdict=verdict, annotator=person, note=hostile("note"), score_visible=False,
                )  # fmt: skip
        request = label_plans.PlanRequest("uniform", 20, hostile("person"))
        plan = label_plans.create(place, first, request)
        label_matchers.apply(place, second, "contains", hostile("person"))
        record = decision_records.save(
            place, threshold_record(place, first, Question(max_risk=0.1)), decided_by=hostile("decider"),
            reason=hostile("reason"),
        )  # fmt: skip
        page = record_files.as_html(decision_records.show(place, record).record)
    return HostileData(saved.dataset_id, (first, second), plan.plan_id, record, page)
