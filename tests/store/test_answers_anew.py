"""A database of version 7 opens with its answers read anew: nothing shared, nothing guessed, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.store.conftest import OpenStore
from tests.store.next_version import VERSIONS, older_database
from tlm_dash.models import response_hash
from tlm_dash.responses import hash_of_response
from tlm_dash.store import Store
from tlm_dash.store.answer_marks import MARKED_ANSWERS, are_blank


@pytest.fixture
def anew(tmp_path: Path, open_store: OpenStore) -> Store:
    older_database(tmp_path / "tlm_dash.duckdb", 7, VERSIONS / "answers" / "v7.sql")
    return open_store()


def answers(store: Store) -> dict[str, dict[str, Any]]:
    return {row["completion_id"]: row for row in store.read_rows("SELECT * FROM completion")}


def test_calls_and_refusals_have_an_identity_of_their_own(anew: Store) -> None:
    found = answers(anew)
    said = {name: row["response_hash"] for name, row in found.items()}
    assert len({said["a-1"], said["b-1"], "shared 1"}) == 3
    assert said["a-2"] == said["b-2"] != "shared 2"
    assert said["a-3"] != said["b-3"] == "refused 3"
    assert (said["a-4"], said["b-4"], said["a-5"]) == ("plain 4", "plain 4", "cut 5")
    assert dict(anew.read("SELECT completion_id, response_hash FROM run_item")) == said
    messages = [{"role": "user", "content": "Weather in city 1?"}]
    extra = json.loads(found["a-1"]["extra"])
    assert said["a-1"] == hash_of_response(messages, found["a-1"]["response"], extra)
    assert said["a-1"] != response_hash(messages, found["a-1"]["response"])


def test_calls_are_readable(anew: Store) -> None:
    found = {name: row["response"] for name, row in answers(anew).items()}
    assert found["a-1"] == 'get_weather(city: "Paris")'
    assert found["a-2"] == found["b-2"] == 'get_weather(city: "Nice")'
    assert found["a-6"] == "Let me look.\nlook()"
    assert (found["a-3"], found["a-4"]) == ("I cannot.", "Sunny.")
    (call,) = json.loads(answers(anew)["b-2"]["extra"])["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{ "city": "Nice" }'}


def test_marks(anew: Store) -> None:
    found = answers(anew)
    assert {name for name, row in found.items() if row["is_refusal"]} == {"a-3"}
    assert {name for name, row in found.items() if not row["is_complete"]} == {"a-5", "a-7", "a-8", "a-9"}


def test_a_label_follows_its_answer_or_is_set_aside(anew: Store) -> None:
    said = {name: row["response_hash"] for name, row in answers(anew).items()}
    notes = dict(anew.read("SELECT annotation_id, response_hash FROM annotation"))
    assert notes == {
        "n1": said["a-1"], "n2": said["b-1"], "n6": said["a-2"], "n7": said["a-3"], "n8": said["b-3"],
        "n9": "plain 4",
    }  # fmt: skip
    assert dict(anew.read("SELECT item_no, response_hash FROM imported_label")) == {
        1: said["b-1"], 4: "plain 4"
    }  # fmt: skip
    assert dict(anew.read("SELECT item_no, response_hash FROM matcher_label")) == {
        1: said["a-1"], 6: said["a-6"]
    }  # fmt: skip
    assert dict(anew.read("SELECT item_no, response_hash FROM label_plan_item")) == {
        1: said["b-1"], 4: "plain 4"
    }  # fmt: skip


def test_what_is_set_aside_is_whole(anew: Store) -> None:
    aside = anew.read_rows("SELECT * FROM label_set_aside ORDER BY content")
    content = [json.loads(row["content"]) for row in aside]
    people = {row["annotation_id"]: row for row in content if "annotation_id" in row}
    # A verdict of which nobody knows the run; and one that would stand again, with what took it back.
    assert set(people) == {"n3", "n4", "n5"}
    assert people["n3"]["note"] == "Which?" and people["n3"]["verdict"] == "incorrect"
    assert sorted(row["source"] for row in aside) == ["matcher", "person", "person", "person"]
    assert {row["response_hash"] for row in aside} == {"shared 1"}
    assert all(row["dataset_id"] == "d" and row["item_no"] == 1 for row in aside)


def test_answers_that_are_none_are_failures_to_try_again(anew: Store) -> None:
    failed = anew.read(
        "SELECT item_no, error_kind, trustworthiness_score FROM run_item WHERE status = 'error' ORDER BY 1"
    )
    assert failed == [(7, "empty_answer", None), (8, "only_reasoning", None), (9, "withheld", None)]
    assert all(row[0] for row in anew.read("SELECT error_hint FROM run_item WHERE status = 'error'"))
    counts = {run: json.loads(told) for run, told in anew.read("SELECT run_id, counts FROM run_event")}
    assert (counts["a"]["n_done"], counts["a"]["n_error"]) == (6, 3)
    assert counts["a"]["errors"] == {"empty_answer": 1, "only_reasoning": 1, "withheld": 1}
    assert (counts["b"]["n_done"], counts["b"]["n_error"]) == (9, 0)


def test_reasoning_in_tags_alone_is_no_answer(tmp_path: Path, open_store: OpenStore) -> None:
    path = tmp_path / "tlm_dash.duckdb"
    older_database(path, 7, VERSIONS / "answers" / "v7.sql")
    texts = {
        "open": "<think>Hm", "closed": "\n<THINK>Hm.</THINK>\n ", "answered": "<think>Hm.</think>\nParis",
        "told": "Write <think> first.",
    }  # fmt: skip
    with duckdb.connect(str(path)) as connection:
        for name, text in texts.items():
            connection.execute(
                "INSERT INTO completion BY NAME SELECT * REPLACE (? AS completion_id, ? AS response) "
                "FROM completion WHERE completion_id = 'a-4'",
                [name, text],
            ).fetchall()
            connection.execute(
                "INSERT INTO run_item BY NAME SELECT * REPLACE (? AS completion_id, ? AS run_id) "
                "FROM run_item WHERE completion_id = 'a-4'",
                [name, name],
            ).fetchall()
    found = dict(open_store().read("SELECT run_id, error_kind FROM run_item WHERE run_id NOT IN ('a', 'b')"))
    assert found == {"open": "only_reasoning", "closed": "only_reasoning", "answered": None, "told": None}


def test_what_was_cut_keeps_its_score(anew: Store) -> None:
    kept = anew.read("SELECT status, trustworthiness_score FROM run_item WHERE completion_id = 'a-5'")
    assert kept == [("done", 0.75)]


def test_records_stay(anew: Store) -> None:
    assert anew.read("SELECT record, record_hash FROM decision") == [
        ('{"method":"exact"}', "hash of the record")
    ]


def test_an_empty_answer_of_a_file_is_found_without_its_text(tmp_path: Path, open_store: OpenStore) -> None:
    path = tmp_path / "tlm_dash.duckdb"
    older_database(path, 12)
    texts = {"empty": "", "blank": " \n\t\u00a0\r\v\f", "short": " .", "long": " " * 65, "wide": "\u2003"}
    with duckdb.connect(str(path)) as connection:
        for name, text in texts.items():
            connection.execute(
                "INSERT INTO completion BY NAME SELECT ? AS completion_id, ? AS response, 'd' AS dataset_id, "
                "1 AS item_no, '' AS response_hash, 'given' AS answered_by, true AS is_complete, "
                "'{}' AS extra, TIMESTAMP '2026-12-01 10:00:00' AS created_at",
                [name, text],
            ).fetchall()
    store = open_store()
    found = dict(store.read("SELECT completion_id, is_complete FROM completion WHERE dataset_id = 'd'"))
    assert {name for name, whole in found.items() if not whole} == {"empty", "blank"}
    marked = store.read(f"WITH {MARKED_ANSWERS} SELECT * FROM marked_answer", {"dataset_id": "d"})  # noqa: S608
    assert dict(marked) == {"empty": "empty", "blank": "empty"}
    told = are_blank(pa.array([*texts.values(), None])).to_pylist()
    assert told == [not found[name] for name in texts] + [False]
