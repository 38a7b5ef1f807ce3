"""Datasets from files to tables and back: what is in is an item or a reject, and reads as it was written."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import resource
import threading
import time
from pathlib import Path

import pytest

from tlm_dash.errors import InvalidInputError, NotFoundError, StoreFullError
from tlm_dash.models import response_hash
from tlm_dash.services import datasets
from tlm_dash.services.dataset_inspection import Overrides, discard, inspect, inspect_text, sweep_uploads
from tlm_dash.services.dataset_upload import (
    ImportResult,
    check,
    mapping_from_pairs,
    preview,
    save,
    save_sample,
)
from tlm_dash.services.place import OpenStore
from tlm_dash.store.facts import storage_facts


def write(tmp_path: Path, text: str, name: str = "questions.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def imported(place: OpenStore, path: Path, *pairs: tuple[str, str], name: str | None = None) -> ImportResult:
    found = inspect(place, [path])
    mapping = mapping_from_pairs(pairs, found.names) if pairs else None
    return save(place, found, mapping, name)


FULL = (
    "id,prompt,gold,response,trustworthiness_score,is_correct,topic,left\n"
    'a,"Why, ""so""?\r\nAnd",Because,It is so.,0.75,yes,physics,1\n'
    "b,What?,That,,,,physics,2\n"
    "c,,x,y,0.5,no,chess,3\n"
    "d,Who?,He,Him.,8.5,no,chess,4\n"
)


def test_a_whole_table(place: OpenStore, tmp_path: Path) -> None:
    found = inspect(place, [write(tmp_path, FULL)])
    assert (found.format, found.encoding, found.delimiter) == ("csv", "utf-8", ",")
    assert not found.questions
    assert {c.name: c.role for c in found.columns} == {
        "id": "id", "prompt": "prompt", "gold": "reference", "response": "response",
        "trustworthiness_score": "score", "is_correct": "label", "topic": "tag", "left": None,
    }  # fmt: skip
    assert found.columns[0].samples == ("a", "b", "c")
    pairs = [
        ("id", "id"), ("prompt", "prompt"), ("reference", "gold"), ("response", "response"),
        ("score", "trustworthiness_score"), ("label", "is_correct"), ("tag", "topic"),
    ]  # fmt: skip
    result = save(place, found, mapping_from_pairs(pairs, found.names), "Mine")
    assert (result.n_rows_in, result.n_items, result.n_rejected) == (4, 3, 1)
    assert [(r.row_no, r.reason) for r in result.rejected] == [(3, "The prompt is empty.")]
    assert (
        result.hygiene["empty_responses"]
        == result.hygiene["empty_prompts"]
        == result.hygiene["bad_scores"]
        == 1
    )
    (run,) = result.runs
    assert (run.name, run.n_items, run.n_scored) == ("Mine · response", 3, 1)
    rows = place.store.read_rows("SELECT * FROM run_item ORDER BY item_no")
    assert [(r["item_no"], r["status"], r["trustworthiness_score"]) for r in rows] == [
        (1, "done", 0.75), (2, "error", None), (4, "done", None),
    ]  # fmt: skip
    assert rows[1]["error_kind"] == "no_response"
    assert "'8.5'" in rows[2]["unscored_reason"]
    messages = [{"role": "user", "content": 'Why, "so"?\r\nAnd'}]
    assert rows[0]["response_hash"] == response_hash(messages, "It is so.")
    assert place.store.read("SELECT item_no, label FROM imported_label ORDER BY 1") == [(1, "yes"), (4, "no")]
    first = datasets.page(place, result.dataset_id).rows[0]
    assert (first.source_id, first.tags, first.extra) == ("a", {"topic": "physics"}, {"left": "1"})
    assert first.prompt == messages[0]["content"]
    assert not found.work_dir.exists()


def test_the_preview_and_the_check_are_what_is_stored(place: OpenStore, tmp_path: Path) -> None:
    found = inspect(place, [write(tmp_path, FULL)])
    seen = preview(found, found.mapping, n_rows=2)
    counted = check(found, found.mapping)
    result = save(place, found)
    stored = place.store.read_rows(
        "SELECT item_no, prompt, messages, prompt_hash, reference FROM item ORDER BY 1"
    )
    assert [{name: row[name] for name in stored[0]} for row in seen] == stored[:2]
    assert seen[0]["responses"][0]["response"] == "It is so."
    assert (counted.n_rows_in, counted.n_items, dict(counted.hygiene)) == (4, 3, dict(result.hygiene))


def test_ragged_rows_are_rejected_by_number(place: OpenStore, tmp_path: Path) -> None:
    text = 'prompt,b\n"one\ntwo",1\nshort\nfine,2\n,3\nlong,4,5\nlast,6\n'
    result = imported(place, write(tmp_path, text))
    assert (result.n_rows_in, result.n_items) == (6, 3)
    assert [row.row_no for row in result.rejected] == [2, 4, 5]
    assert "fewer cells" in result.rejected[0].reason and "more cells" in result.rejected[2].reason
    table = list(csv.reader(io.StringIO(datasets.rejects_csv(place, result.dataset_id))))
    assert table[0] == ["row", "reason", "content"] and table[1][2] == "short" and len(table) == 4


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(place: OpenStore, tmp_path: Path, ending: str) -> None:
    result = imported(place, write(tmp_path, ending.join(["prompt,b", "Why?,1", "Who?,2"])))
    assert result.n_items == 2


def test_mixed_line_ends(place: OpenStore, tmp_path: Path) -> None:
    result = imported(place, write(tmp_path, "prompt,b\r\nWhy?,1\nWho?,2\rWhat?,3\n"))
    assert (result.n_rows_in, result.n_items) == (3, 3)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_open_quotation_mark_costs_its_row(place: OpenStore, tmp_path: Path, ending: str) -> None:
    rows = [f"Question {n}?,{n}" for n in range(3000)]
    rows[1000] = '"Question 1000?,1000'
    result = imported(place, write(tmp_path, ending.join(["prompt,b", *rows])))
    assert (result.n_rows_in, result.n_items, result.n_rejected) == (3000, 2999, 1)
    (reject,) = result.rejected
    assert (reject.row_no, reject.reason) == (
        1001,
        "A quotation mark is not closed, or stands where none may be.",
    )
    assert reject.content.strip() == rows[1000]
    found = inspect(place, [write(tmp_path, ending.join(["prompt,b", *rows]))])
    assert check(found, found.mapping).n_items == 2999
    discard(found)


def test_mixed_line_ends_and_an_open_quotation_mark(place: OpenStore, tmp_path: Path) -> None:
    text = 'prompt,b\r\nWhy?,1\nWho?,2\r"What?,3\n\nWhere?,4\r\n"""Even"" so?\nYes?",5\n'
    result = imported(place, write(tmp_path, text))
    assert (result.n_rows_in, result.n_items) == (5, 4)
    prompts = [row.prompt for row in datasets.page(place, result.dataset_id).rows]
    assert prompts == ["Why?", "Who?", "Where?", '"Even" so?\nYes?']


def test_a_full_disk_leaves_nothing_half_done(place: OpenStore, tmp_path: Path) -> None:
    chance = random.Random(3)
    text = "\n".join(["prompt", *(f"{n} {chance.randbytes(2000).hex()}" for n in range(3000))])
    path = write(tmp_path, text)
    found = inspect(place, [path])
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, hard))
    try:
        with pytest.raises(StoreFullError, match="No room is left on the disk of the database"):
            save(place, found)
        with pytest.raises((StoreFullError, InvalidInputError), match="room|laid out"):
            inspect(place, [path], Overrides(encoding="latin-1"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert datasets.listed(place) == []
    assert place.store.read("SELECT count(*) FROM item") == [(0,)]
    assert save(place, found).n_items == 3000


def test_a_cell_of_50_megabytes(place: OpenStore, tmp_path: Path) -> None:
    result = imported(place, write(tmp_path, "id,prompt\n1," + "long " * 10_000_000 + "\n2,short\n"))
    assert (result.n_items, result.hygiene["longest_prompt"]) == (2, 50_000_000)
    assert result.hygiene["very_long_prompts"] == 1


def test_lines_of_json(place: OpenStore, tmp_path: Path) -> None:
    lines = [
        {
            "question": "Why?",
            "gpt": {"pred": "a", "human_eval": "1"},
            "llama": {"pred": "b", "human_eval": "0"},
        },
        {"question": "Who?", "gpt": {"pred": "c", "human_eval": "0"}, "llama": {"pred": None}},
    ]
    text = "\n".join([json.dumps(lines[0]), "broken", "", json.dumps(lines[1]), "[1]"])
    result = imported(place, write(tmp_path, text, "wide.jsonl"))
    assert (result.format, result.n_rows_in, result.n_items) == ("jsonl", 4, 2)
    assert [row.row_no for row in result.rejected] == [2, 4]
    assert [run.name for run in result.runs] == ["wide · gpt.pred", "wide · llama.pred"]
    assert place.store.read("SELECT model, count(*) FROM run GROUP BY 1 ORDER BY 1") == [
        ("gpt", 1),
        ("llama", 1),
    ]
    assert place.store.read("SELECT count(*) FROM imported_label") == [(3,)]


def test_a_long_table_has_a_run_per_model(place: OpenStore, tmp_path: Path) -> None:
    header = "prompt,response,model,quality_preset,score\n"
    text = header + "Why?,a,m1,low,0.1\nWhy?,b,m2,low,0.2\nWho?,c,m1,low,0.3\n"
    result = imported(place, write(tmp_path, text))
    assert [(run.name, run.n_items, run.n_scored) for run in result.runs] == [
        ("questions · m1 · low", 2, 2), ("questions · m2 · low", 1, 1),
    ]  # fmt: skip
    assert result.hygiene["duplicate_prompts"] == 1
    assert place.store.read("SELECT DISTINCT mode, answered_by, endpoint, scorer_model FROM run") == [
        ("score", "given", "imported", "imported")
    ]


def test_prompts_of_several_columns(place: OpenStore, tmp_path: Path) -> None:
    path = write(tmp_path, "context,question\nSky,Why blue?\n,Who?\n")
    result = imported(place, path, ("prompt", "{context}: {question}"))
    assert result.mapping["prompt"] == "{context}: {question}"
    rows = datasets.page(place, result.dataset_id).rows
    assert [row.prompt for row in rows] == ["Sky: Why blue?", ": Who?"]


def test_pasted_text(place: OpenStore) -> None:
    lines = save(place, inspect_text(place, "Why?\n\n  Who is it?\n"), name="Pasted")
    assert (lines.format, lines.n_items) == ("text", 2)
    objects = save(place, inspect_text(place, '{"prompt": "a"}\n{"prompt": "b"}'))
    assert (objects.format, objects.n_items, objects.name) == ("jsonl", 2, "pasted")
    table = inspect_text(place, "prompt,response\nWhy?,So.\nWho?,He.\n")
    assert (table.format, table.names) == ("csv", ("prompt", "response"))
    assert save(place, table).n_items == 2
    chosen = save(place, inspect_text(place, "prompt\nWhy?\nWho?\n", Overrides(format="csv")))
    assert (chosen.format, chosen.n_items) == ("csv", 2)
    with pytest.raises(InvalidInputError, match="no text"):
        inspect_text(place, " \n")


def test_the_sample_and_the_same_bytes_again(place: OpenStore, tmp_path: Path) -> None:
    assert save_sample(place).n_items == 60
    path = write(tmp_path, "prompt\nWhy?\n")
    first = imported(place, path)
    again = inspect(place, [path])
    assert again.same_content == (first.name,)
    assert "imported before" in again.warnings[-1]
    assert save(place, again).name == "questions (2)"


def test_pages_and_search(place: OpenStore, tmp_path: Path) -> None:
    rows = [f"Question {n}?,{'50% of it_' if n == 7 else 'No.'}" for n in range(25)]
    text = "\n".join(["prompt,response", *rows])
    result = imported(place, write(tmp_path, text))
    page = datasets.page(place, result.dataset_id, limit=10, offset=20)
    assert (page.total, [row.item_no for row in page.rows]) == (25, [21, 22, 23, 24, 25])
    found = datasets.page(place, result.dataset_id, search="50% OF IT_")
    assert [row.item_no for row in found.rows] == [8]
    assert found.rows[0].responses[0]["response"] == "50% of it_"
    assert datasets.page(place, result.dataset_id, search="%").total == 1


def test_found_by_id_beginning_and_name(place: OpenStore, tmp_path: Path) -> None:
    result = imported(place, write(tmp_path, "prompt\nWhy?\n"), name="Mine")
    for wanted in (result.dataset_id, result.dataset_id[:6], "Mine"):
        assert datasets.show(place, wanted).dataset_id == result.dataset_id
    with pytest.raises(NotFoundError, match="no dataset 'x'"):
        datasets.show(place, "x")


def test_deleting_takes_everything(place: OpenStore, tmp_path: Path) -> None:
    kept = imported(place, write(tmp_path, FULL), name="kept")
    before = storage_facts(place.store).row_counts
    gone = imported(place, write(tmp_path, FULL), name="gone")
    with pytest.raises(InvalidInputError, match="would be gone"):
        datasets.delete(place, "gone", confirmed=False)
    assert datasets.delete(place, "gone", confirmed=True).dataset_id == gone.dataset_id
    assert [dataset.dataset_id for dataset in datasets.listed(place)] == [kept.dataset_id]
    after = storage_facts(place.store).row_counts
    assert after.pop("dataset_deletion") == 1 and before.pop("dataset_deletion") == 0
    assert after == before
    assert place.store.read("SELECT name, n_items FROM dataset_deletion") == [("gone", 3)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"a,b\n", "no rows"),
        ("a.csv", b"id,short\n1,x\n", "holds the prompts"),
        ("a.csv", bytes(range(256)) * 9, "binary"),
        ("a.jsonl.gz", gzip.compress(b'{"prompt": "a"}', mtime=0), "is compressed"),
        ("a.parquet", b"PAR1 and nothing else", "cannot be read"),
        ("a.json", b'{"a": 1,\n"b": {}}', "without a list of rows"),
        ("a.jsonl", b"x\ny\n", "No row of a.jsonl can be used"),
        ("a.csv", b"prompt,b\n,1\n,2\n", "No row of a.csv can be used"),
    ],
)
def test_one_clear_sentence(place: OpenStore, tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=told) as caught:
        imported(place, path)
    assert caught.value.hint
    assert datasets.listed(place) == []
    sweep_uploads(place)
    assert not list((place.settings.data_dir / "tmp").glob("upload-*"))


def test_a_wrong_ending_does_not_matter(place: OpenStore, tmp_path: Path) -> None:
    assert imported(place, write(tmp_path, '[{"prompt": "Why?"}]', "a.csv")).format == "json"
    assert imported(place, write(tmp_path, "prompt;b\nWhy?;1\n", "a.json")).format == "csv"


def test_overrides(place: OpenStore, tmp_path: Path) -> None:
    path = write(tmp_path, "prompt|größe\nWas?|1\n", encoding="cp1252")
    found = inspect(place, [path], Overrides(encoding="latin-1", delimiter="|"))
    assert found.names == ("prompt", "größe")
    discard(found)


def test_what_cannot_be_read_is_refused_before_all_of_it_was_read(place: OpenStore, tmp_path: Path) -> None:
    path = tmp_path / "huge.parquet"
    with path.open("wb") as file:
        file.write(b"PAR1")
        file.truncate(1 << 37)  # Nothing of it is on disk, yet hashing it would take minutes.
    began = time.monotonic()
    with pytest.raises(InvalidInputError) as refused:
        inspect(place, [path])
    assert refused.value.hint and time.monotonic() - began < 60
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("content")]


def test_a_text_that_a_page_cuts_says_how_much_is_missing(place: OpenStore, tmp_path: Path) -> None:
    path = write(tmp_path, f"prompt,response\n{'p' * 30_000},{'a' * 20_000}\n")
    result = imported(place, path)
    (row,) = datasets.page(place, result.dataset_id).rows
    assert row.prompt == "p" * 20_000 + "… (10,000 more characters)"
    assert row.responses[0]["response"] == "a" * 20_000
