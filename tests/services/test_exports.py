"""Exports that are imported again: the same items, scores, labels and notes, through every exact format."""

from __future__ import annotations

import json
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.exported import Made, make, said, seen
from tlm_dash.errors import InvalidInputError, StoreFullError
from tlm_dash.interchange import workbook_export
from tlm_dash.models import response_hash
from tlm_dash.services import exports
from tlm_dash.services.dataset_inspection import discard, inspect
from tlm_dash.services.dataset_upload import ImportResult, check, preview, save
from tlm_dash.services.exports import RowFilter, export
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings

EXACT = ("csv", "safe csv", "jsonl", "parquet")
AWKWARD: list[tuple[str, str | None]] = [
    ('a,b;c\td|"quoted" and ""doubled""', "line\nends\r\nof\rall kinds\n"),
    ("\x00 \x1f \x7f \ufdd0 \ufeff", "\u2028\u2029 e\u0301 😀 \u202e"),
    ("=1+1", "+1"),
    ("-1", "@SUM(A1)"),
    ("'=1", "''"),
    ("\t=1", "\r\n=2"),
    (" =cmd|' /C calc'!A0", "\uff1d1"),
    ("\x00 \x1f \x07", "NULL"),
    ("null", ""),
    ("nothing came", None),
    ('"', "\\"),
    ("{not json", '[1, 2'),
    ("half an emoji \ud83d", "\udc00"),
    ("\ufdd0d83d written out", "nan"),
    ("  outer space  ", " "),
    ("very long", "x" * 1_000_000),
    ("<script>", "![](http://127.0.0.1/x.png)"),
]  # fmt: skip


def opened(folder: Path, **said: str) -> OpenStore:
    environment = {"TLM_DASH_DATA_DIR": str(folder / "data"), **said}
    return OpenStore(load_settings(environment, env_file=folder / "no.env"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[OpenStore]:
    with opened(tmp_path) as place:
        yield place


def written(place: OpenStore, folder: Path, made: Made, kind: str) -> Path:
    ending = "csv" if kind == "safe csv" else kind
    done = export(
        place, made.run_ids, folder / f"rows.{ending}", is_spreadsheet_safe=kind == "safe csv"
    )  # fmt: skip
    return done.output


def again(place: OpenStore, path: Path) -> ImportResult:
    return save(place, inspect(place, [path]))


def check_round_trip(folder: Path, texts: list[tuple[str, str | None]], kind: str) -> None:
    """Export from one database, import into another one, and compare all that can be seen of them."""
    in_memory = {"TLM_DASH_DATABASE_URL": "duckdb:///:memory:"}
    with opened(folder, **in_memory) as here, opened(folder, **in_memory) as there:
        made = make(here.store, texts)
        result = again(there, written(here, folder, made, kind))
        assert result.rejected == ()
        assert (result.n_rows_in, result.n_items) == (2 * len(texts), len(texts))
        assert seen(there.store, result.dataset_id) == seen(here.store, made.dataset_id)
        assert said(there.store, result.dataset_id) == said(here.store, made.dataset_id)
        # Every third conversation is its prompt alone, which is kept once.
        plain = "SELECT count(*) FROM item WHERE messages IS NULL"
        assert there.store.read(plain) == [(-(-len(texts) // 3),)]
        # Two runs that score one response still share it.
        counted = "SELECT count(*) FROM completion"
        assert there.store.read(counted) == here.store.read(counted)


@pytest.mark.parametrize("kind", EXACT)
def test_awkward_texts_come_back(tmp_path: Path, kind: str) -> None:
    check_round_trip(tmp_path, AWKWARD, kind)


@pytest.mark.parametrize("kind", EXACT)
def test_a_note_with_a_zero_byte_comes_back(tmp_path: Path, kind: str) -> None:
    check_round_trip(tmp_path, [("Why?", "So\0."), ("Who?", "He\ufdd0")], kind)


@pytest.mark.parametrize("kind", EXACT)
def test_a_response_that_is_a_zero_byte_comes_back(tmp_path: Path, kind: str) -> None:
    check_round_trip(tmp_path, [("Why?", "\0")], kind)


# An item always has text in its prompt.
anything = st.text(min_size=1, max_size=30).filter(str.strip)


@pytest.mark.parametrize("kind", EXACT)
@given(texts=st.lists(st.tuples(anything, st.none() | st.text(max_size=30)), min_size=1, max_size=16))
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_text_comes_back(tmp_path: Path, kind: str, texts: list[tuple[str, str | None]]) -> None:
    check_round_trip(tmp_path, texts, kind)


def test_labels_of_every_source_keep_their_state(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, [(f"Question {n}?", f"Answer {n}.") for n in range(8)])
    states = [(row["label"], row["label_state"]) for row in seen(place.store, made.dataset_id)[::2]]
    assert states == [
        (1, "labelled"), (1, "labelled"), (0, "labelled"), (None, "skipped"), (1, "labelled"),
        (None, "unsure"), (None, "none"), (None, "unsure"),
    ]  # fmt: skip
    result = again(place, written(place, tmp_path, made, "csv"))
    sources = place.store.read(
        "SELECT item_no, source, annotator FROM annotation WHERE dataset_id = ? ORDER BY item_no, created_at",
        [result.dataset_id],
    )
    # A person's verdict comes back as imported, unless that would change which one counts.
    assert sources[0] == (1, "imported", "Ann")
    assert [row[1:] for row in sources if row[0] == 13] == [("person", "Ann"), ("imported", "file.csv")]


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


QUESTIONS: list[tuple[str, str | None]] = [(f"Question {n}?", f"Answer {n}.") for n in range(4)]


def test_what_was_changed_after_the_export_is_rejected(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, QUESTIONS)
    rows = lines_of(written(place, tmp_path, made, "jsonl"))
    rows[0]["response"] = "Better."
    rows[2]["run_id"] = None
    rows[4]["status"] = "finished"
    rows[5]["annotations"] = "nothing of ours"
    rows.append({**rows[3], "dataset_id": "elsewhere"})
    rows.append(rows[3])
    rows.append({**rows[7], "item_no": "x"})
    result = again(place, write_lines(tmp_path / "changed.jsonl", rows))
    reasons = {row.row_no: row.reason for row in result.rejected}
    assert list(reasons) == [1, 3, 5, 6, 9, 10, 11]
    assert result.n_rows_in == 11
    for row_no, words in {
        1: "not the one that was exported",
        3: "which run",
        9: "another dataset",
        10: "already",
    }.items():
        assert words in reasons[row_no]


def test_a_call_that_was_changed_after_the_export_is_rejected(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, QUESTIONS)
    rows = lines_of(written(place, tmp_path, made, "jsonl"))
    rows[2]["response_extra"]["message"]["tool_calls"][0]["function"]["arguments"] = '{"q":"other"}'
    del rows[6]["response_extra"]["message"]
    result = again(place, write_lines(tmp_path / "changed.jsonl", rows))
    assert [row.row_no for row in result.rejected] == [3, 7]
    assert all("not the one that was exported" in row.reason for row in result.rejected)


def test_an_older_export_of_calls_is_read_anew(place: OpenStore, tmp_path: Path) -> None:
    """As version 7 wrote it: a call has the text beside it, and the hash of that; so has a refusal."""
    made = make(place.store, QUESTIONS)
    rows = lines_of(written(place, tmp_path, made, "jsonl"))
    n_annotated = 0
    for row in rows:
        row.pop("is_refusal", None)
        if "message" in (row["response_extra"] or {}):
            row["response"] = row["response"].partition("\nlook(")[0]
            messages = row["messages"] or [{"role": "user", "content": row["prompt"]}]
            if row["system"]:
                messages = [{"role": "system", "content": row["system"]}, *messages]
            row["response_hash"] = response_hash(messages, row["response"])
            n_annotated += row["annotations"] is not None
    with opened(tmp_path, TLM_DASH_DATABASE_URL="duckdb:///:memory:") as there:
        result = again(there, write_lines(tmp_path / "older.jsonl", rows))
        found, before = seen(there.store, result.dataset_id), seen(place.store, made.dataset_id)
        told = said(there.store, result.dataset_id)
    assert result.rejected == ()
    for name in ("response", "response_hash", "is_refusal", "trustworthiness_score"):
        assert [row[name] for row in found] == [row[name] for row in before], name
    # Nobody knows which of several calls a verdict was given to: it is left out, and said so.
    assert 0 < result.hygiene["labels_set_aside"] == n_annotated
    calls = {row["response_hash"] for row in found if "message" in row["response_extra"]}
    assert not calls & {row["response_hash"] for row in told}


def test_a_label_typed_into_the_file_counts(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, [*QUESTIONS, *QUESTIONS[:3]])
    rows = lines_of(written(place, tmp_path, made, "jsonl"))
    for row in rows:
        row |= {"label": None, "label_source": None, "label_text": None, "annotations": None}
    rows[0]["label"], rows[2]["label"], rows[4]["label"] = 1, "0", "fine"
    with opened(tmp_path, TLM_DASH_DATABASE_URL="duckdb:///:memory:") as there:
        result = again(there, write_lines(tmp_path / "labelled.jsonl", rows))
        labels = [(row["label"], row["label_text"]) for row in seen(there.store, result.dataset_id)]
    assert labels[0] == (1, "correct") and labels[2] == (0, "incorrect") and labels[4] == (None, "fine")
    assert labels[6] == (None, None)


def test_only_the_wanted_rows(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, QUESTIONS)
    done = export(place, made.run_ids, tmp_path / "some.parquet", wanted=RowFilter(score_from=0.24))
    assert done.n_rows == 2
    table = pq.read_table(done.output)
    assert table.column("trustworthiness_score").to_pylist() == [1 / 3, 1 / 4]
    # What the run was set to stands in its first row, whichever that is.
    assert [bool(text) for text in table.column("run_settings").to_pylist()] == [True, False]
    assert again(place, done.output).n_items == 2


def test_items_that_a_run_has_not_come_to(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, QUESTIONS)
    run = place.store.read_rows("SELECT * FROM run WHERE run_id = ?", [made.run_ids[0]])[0]
    run |= {"run_id": "f" * 32, "name": "not begun"}
    plan = {
        "run_id": run["run_id"], "grid_id": "g", "position": 0, "lead_run_id": run["run_id"], "n_items": 3,
        "last_item_no": 7, "grid_hash": "h",
    }  # fmt: skip
    place.store.append({"run": [run], "run_plan": [plan]}).result(30)
    done = export(place, [run["run_id"]], tmp_path / "open.csv")
    result = again(place, done.output)
    assert (done.n_rows, result.n_rows_in, result.n_items, result.n_rejected) == (3, 3, 3, 0)
    assert (result.runs[0].name, result.runs[0].n_items, result.runs[0].n_scored) == ("not begun", 3, 0)


def test_a_run_over_given_responses_that_has_not_begun(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, [QUESTIONS[0], ("No answer?", None), *QUESTIONS[1:3]])
    run = place.store.read_rows("SELECT * FROM run WHERE run_id = ?", [made.run_ids[0]])[0]
    run |= {"run_id": "f" * 32, "name": "not begun"}
    plan = {
        "run_id": run["run_id"], "grid_id": "g", "position": 0, "lead_run_id": run["run_id"], "n_items": 2,
        "source_run_id": made.run_ids[1], "last_item_no": 7, "grid_hash": "h",
    }  # fmt: skip
    place.store.append({"run": [run], "run_plan": [plan]}).result(30)
    assert export(place, [run["run_id"]], tmp_path / "open.csv").n_rows == 2


def test_an_empty_run(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, QUESTIONS)
    nothing = RowFilter(score_from=2.0)
    for ending in exports.EXPORT_FORMATS:
        done = export(place, made.run_ids, tmp_path / f"none.{ending}", wanted=nothing)
        assert done.n_rows == 0 and done.output.exists()
    assert (tmp_path / "none.csv").read_text().count("\n") == 1
    with pytest.raises(InvalidInputError, match="no rows"):
        again(place, tmp_path / "none.csv")


def test_a_plain_table_where_a_person_says_so(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, QUESTIONS)
    found = inspect(place, [written(place, tmp_path, made, "csv")])
    assert found.is_export and found.mapping.responses[0].score == "trustworthiness_score"
    assert [row["item_no"] for row in preview(found, None)] == [1, 4, 7]
    assert (check(found, None).n_rows_in, check(found, None).n_items) == (8, 4)
    assert check(found, found.mapping).n_items == 8
    discard(found)


def test_a_workbook_is_text_and_numbers(place: OpenStore, tmp_path: Path) -> None:
    made = make(place.store, AWKWARD)
    done = export(place, made.run_ids, tmp_path / "rows.xlsx")
    # The long response is in two runs: as response, reference, explanation and in the extras of the item; as
    # a refusal it is in those of the response too.
    assert (done.n_rows, done.n_shortened_cells) == (2 * len(AWKWARD), 10)
    sheet = openpyxl.load_workbook(done.output).active
    header = [cell.value for cell in sheet[1]]
    rows = [dict(zip(header, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for row in rows for cell in row.values()} <= {"s", "inlineStr", "n", "b"}
    prompts = [row["prompt"].value for row in rows[::2]]
    assert prompts[2:5] == ["=1+1", "-1", "'=1"]
    assert prompts[7] == "⟨U+0000⟩ ⟨U+001F⟩ ⟨U+0007⟩"
    cut = rows[-4]["response"].value
    assert len(cut) == 32_767 and cut.endswith(" …")
    assert rows[0]["trustworthiness_score"].value == 1 / 3 and rows[0]["is_complete"].value is True


def test_a_workbook_has_an_end(place: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(place.store, QUESTIONS)
    monkeypatch.setattr(workbook_export, "MOST_ROWS", 7)
    with pytest.raises(InvalidInputError, match="These are 8 rows; a sheet of a workbook holds 7 at most"):
        export(place, made.run_ids, tmp_path / "rows.xlsx")
    assert not list(tmp_path.glob("*.xlsx")) and not list(tmp_path.glob(".*partial"))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_no_room_leaves_nothing(place: OpenStore, tmp_path: Path, ending: str) -> None:
    made = make(place.store, [("Long?", random.Random(1).randbytes(300_000).hex())])
    earlier = tmp_path / f"rows.{ending}"
    earlier.write_text("as it was")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreFullError, match="There is no room for the export"):
            export(place, made.run_ids, earlier)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert earlier.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", earlier.name]


def test_refused(place: OpenStore, tmp_path: Path) -> None:
    one, other = make(place.store, QUESTIONS), make(place.store, QUESTIONS, "Other")
    with pytest.raises(InvalidInputError, match="runs of one dataset"):
        export(place, [one.run_ids[0], other.run_ids[0]], tmp_path / "rows.csv")
    with pytest.raises(InvalidInputError, match="names no format"):
        export(place, one.run_ids, tmp_path / "rows.txt")
    with pytest.raises(InvalidInputError, match="an option of CSV"):
        export(place, one.run_ids, tmp_path / "rows.parquet", is_spreadsheet_safe=True)
    with pytest.raises(InvalidInputError, match="cannot be written"):
        export(place, one.run_ids, tmp_path / "nowhere" / "rows.csv")
    with pytest.raises(InvalidInputError, match="regular expression"):
        export(place, one.run_ids, tmp_path / "rows.csv", wanted=RowFilter(text="(", is_regex=True))


def test_downloads(place: OpenStore) -> None:
    made = make(place.store, QUESTIONS)
    assert exports.prepared_download(place, made.run_ids, "csv") is None
    found = exports.download(place, made.run_ids, "csv", name="Mine · low/../x", is_spreadsheet_safe=True)
    assert (found.name, found.n_rows) == ("Mine-low-..-x.spreadsheet-safe.csv", 8)
    assert exports.prepared_download(place, made.run_ids, "csv", is_spreadsheet_safe=True) == found
    _, token, name = found.url.split("/")
    path = exports.download_path(place.settings, token, name)
    assert path is not None and path.stat().st_size == found.size_bytes
    for wrong in ((token, "rows"), ("..", name), ("0" * 32, name), (token, "../" + name)):
        assert exports.download_path(place.settings, *wrong) is None
    exports.sweep_downloads(place)
    assert exports.download_path(place.settings, token, name) is None
