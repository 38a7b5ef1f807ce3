"""The playground's queries: what was submitted comes back, in order, with the result that counts."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise
from statistics import median

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.conftest import OpenStore
from tests.store.rows import (
    answer,
    completion_row,
    dataset_row,
    item_row,
    make_entry,
    make_runs,
    run_item_row,
    run_row,
    write,
)
from tlm_dash.models import new_id, utc_now
from tlm_dash.store import Store
from tlm_dash.store.playground import (
    HistoryCell,
    HistoryPage,
    LatencyNote,
    Standing,
    ensure_playground_dataset,
    entry,
    find_run,
    history,
    next_item_no,
    preset_latencies,
    standing,
)


def test_one_playground_dataset(open_store: OpenStore) -> None:
    store = open_store()
    barrier = threading.Barrier(6)
    made: list[str] = []

    def make() -> None:
        barrier.wait()
        made.append(ensure_playground_dataset(store))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    store = open_store()
    assert {*made, ensure_playground_dataset(store)} == {made[0]}
    assert store.read("SELECT kind FROM dataset") == [("playground",)]


def test_no_item_number_is_given_twice(open_store: OpenStore) -> None:
    store = open_store()
    dataset_id = ensure_playground_dataset(store)
    assert next_item_no(store, dataset_id) == 1
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.extend(next_item_no(store, dataset_id) for _ in range(10)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(2, 52))
    write(store, item=item_row(70))
    assert next_item_no(store, dataset_id) == 71
    assert next_item_no(store, "another") == 1
    store.close()
    assert next_item_no(open_store(), dataset_id) == 71


def test_a_run_is_found_by_its_whole_configuration(store: Store) -> None:
    now = utc_now()
    rows = [
        run_row(run_id="second", settings_hash="a", created_at=now),
        run_row(run_id="first", settings_hash="a", created_at=now - timedelta(seconds=1)),
        run_row("another", run_id="elsewhere", settings_hash="b"),
    ]
    write(store, run=rows)
    assert find_run(store, "playground", "a") == "first"
    assert find_run(store, "playground", "b") is None
    assert find_run(store, "another", "b") == "elsewhere"


def test_an_entry_comes_back_whole(store: Store) -> None:
    low, given = make_runs(
        store,
        {"quality_preset": "low"},
        {
            "quality_preset": "base",
            "mode": "score",
            "answered_by": "given",
            "model": None,
            "scorer_model": "judge",
        },
    )
    entry_id, item_no = make_entry(store, low, given, request={"prompt": "Why?", "n": [1]})
    completion = completion_row(
        item_no, resolved_model="small-1", finish_reason="stop", input_tokens=3, output_tokens=4,
        latency_ms=5.5, first_token_ms=1.5,
    )  # fmt: skip
    result = run_item_row(
        low,
        item_no,
        completion_id=completion["completion_id"],
        trustworthiness_score=0.0,
        score_latency_ms=2.5,
    )
    text = {"run_id": low, "item_no": item_no, "attempt_no": 1, "explanation": "Hm.", "log": {"a": {"b": 1}}}
    write(store, completion=completion, run_item=result, run_item_text=text)

    found = entry(store, entry_id)
    assert found is not None
    assert (found.entry_id, found.item_no, found.request) == (entry_id, item_no, {"prompt": "Why?", "n": [1]})
    assert found.messages == ({"role": "user", "content": "Why?"},)
    done, pending = found.cells
    assert (done.run_id, done.position, done.mode, done.answered_by) == (low, 0, "generate", "endpoint")
    assert (done.status, done.trustworthiness_score, done.explanation) == ("done", 0.0, "Hm.")
    assert (done.response, done.is_complete, done.log) == ("Because.", True, {"a": {"b": 1}})
    assert (done.resolved_model, done.finish_reason) == ("small-1", "stop")
    assert (done.input_tokens, done.output_tokens) == (3, 4)
    assert (done.latency_ms, done.first_token_ms, done.score_latency_ms) == (5.5, 1.5, 2.5)
    assert done.written_at == result["written_at"]
    assert (pending.status, pending.model, pending.scorer_model) == ("pending", None, "judge")
    assert (pending.response, pending.is_complete, pending.trustworthiness_score) == (None, None, None)
    assert (pending.log, pending.written_at) == ({}, None)
    assert entry(store, "unknown") is None


def test_the_latest_try_counts(store: Store) -> None:
    (run,) = make_runs(store, {})
    entry_id, item_no = make_entry(store, run)
    start = utc_now()
    told = [
        (1, "pending", 0, None),
        (1, "error", 1, None),
        (2, "pending", 2, None),
        (2, "done", 3, 0.5),
        (2, "pending", 9, None),  # a clock that went back: within one try the end counts
        (3, "done", 4, 0.7),
    ]
    seen = []
    for attempt_no, status, second, score in told:
        row = run_item_row(
            run, item_no, attempt_no=attempt_no, status=status, trustworthiness_score=score,
            written_at=start + timedelta(seconds=second),
        )  # fmt: skip
        write(store, run_item=row, run_item_text=text_row(run, item_no, attempt_no))
        found = entry(store, entry_id)
        assert found is not None
        (cell,) = found.cells
        seen.append((cell.attempt_no, cell.status, cell.trustworthiness_score, cell.explanation))
    assert seen == [
        (1, "pending", None, "try 1"),
        (1, "error", None, "try 1"),
        (2, "pending", None, "try 2"),
        (2, "done", 0.5, "try 2"),
        (2, "done", 0.5, "try 2"),
        (3, "done", 0.7, "try 3"),
    ]


def text_row(run_id: str, item_no: int, attempt_no: int) -> dict[str, object]:
    return {
        "run_id": run_id, "item_no": item_no, "attempt_no": attempt_no, "explanation": f"try {attempt_no}",
        "log": {},
    }  # fmt: skip


def test_one_answer_scored_at_two_presets(store: Store) -> None:
    runs = make_runs(store, {"quality_preset": "base"}, {"quality_preset": "low"})
    entry_id, item_no = make_entry(store, *runs)
    completion_id = answer(store, runs[0], item_no, trustworthiness_score=0.2)
    write(
        store, run_item=run_item_row(runs[1], item_no, completion_id=completion_id, trustworthiness_score=0.9)
    )
    found = entry(store, entry_id)
    assert found is not None
    assert [(cell.response, cell.trustworthiness_score) for cell in found.cells] == [
        ("Because.", 0.2),
        ("Because.", 0.9),
    ]


def test_history_is_newest_first_and_paged(store: Store) -> None:
    big, low, base = make_runs(
        store,
        {"model": "big", "quality_preset": "base"},
        {"model": "small", "quality_preset": "low"},
        {"model": None, "quality_preset": "low"},
    )
    made = [make_entry(store, big, low, base, prompt=f"prompt {number}") for number in range(7)]
    _, item_no = made[3]
    answer(store, big, item_no, trustworthiness_score=0.25)
    write(store, run_item=run_item_row(low, item_no, status="error", error_kind="timeout"))

    everything = history(store, limit=100)
    assert [row.entry_id for row in everything.rows] == [entry_id for entry_id, _ in reversed(made)]
    assert all(newer.created_at > older.created_at for newer, older in pairwise(everything.rows))
    pages = [history(store, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [page.total for page in pages] == [7] * 4
    assert sum((page.rows for page in pages), ()) == everything.rows
    row = everything.rows[3]
    assert row.prompt == "prompt 3"
    assert row.cells == (
        HistoryCell("big", "base", "done", 0.25),
        HistoryCell("small", "low", "error", None, "timeout"),
        HistoryCell(None, "low", "pending", None),
    )


def test_history_of_nothing(store: Store) -> None:
    assert history(store) == HistoryPage((), 0)
    assert history(store, search="x") == HistoryPage((), 0)


def test_a_long_prompt_is_cut(store: Store) -> None:
    (run,) = make_runs(store, {})
    make_entry(store, run, prompt="é" * 100_000)
    make_entry(store, run, prompt="\x00" * 100_000)
    binary, accented = (row.prompt for row in history(store).rows)
    assert accented == "é" * 300 + "…"
    assert binary == "\x00" * (300 // 5) + "…"


def test_search_looks_into_prompts_and_the_responses_that_are_shown(store: Store) -> None:
    (run,) = make_runs(store, {})
    by_prompt, _ = make_entry(store, run, prompt="Where is ZÜRICH?")
    by_response, item_no = make_entry(store, run, prompt="Which town?")
    answer(store, run, item_no, "It is Zürich, again.")
    replaced, item_no = make_entry(store, run, prompt="And now?")
    answer(store, run, item_no, "Was zürich.")
    answer(store, run, item_no, "Bern.", attempt_no=2)
    found = history(store, search="zürich")
    assert [row.entry_id for row in found.rows] == [by_response, by_prompt]
    assert found.total == 2
    assert [row.entry_id for row in history(store, search="bern").rows] == [replaced]
    assert history(store, search="zürich", limit=1, offset=1).rows == found.rows[1:]
    # An uploaded dataset with the same item numbers is not the playground's.
    write(store, dataset=dataset_row(dataset_id="d"), completion=completion_row(item_no, "Genf", "d"))
    assert history(store, search="genf").total == 0


SEARCHED = st.text(st.sampled_from("aAbB%_\\*?.[]()^$'\"; \n\x00\ud83d😀-üÜ"), max_size=6)


@settings(deadline=None, max_examples=25)
@given(
    prompts=st.lists(SEARCHED, min_size=1, max_size=3),
    responses=st.lists(SEARCHED, max_size=3),
    search=SEARCHED,
)
def test_search_is_literal(
    shared_store: Store, prompts: list[str], responses: list[str], search: str
) -> None:
    """Against Python: every character stands for itself, in either case."""
    (run,) = make_runs(shared_store, {})
    expected = set()
    mark = new_id()
    mine = {}
    for number, prompt in enumerate(prompts):
        entry_id, item_no = make_entry(shared_store, run, prompt=prompt)
        mine[entry_id] = mark
        texts = [prompt]
        if number < len(responses):
            answer(shared_store, run, item_no, responses[number])
            texts.append(responses[number])
        if any(search.lower() in text.lower() for text in texts):
            expected.add(entry_id)
    found = history(shared_store, search=search, limit=100_000)
    assert {row.entry_id for row in found.rows if row.entry_id in mine} == expected
    assert found.total == len(found.rows)


PEERS = (
    {"model": "small", "quality_preset": "low", "scorer_model": None},
    {"model": "small", "quality_preset": "low", "scorer_model": None, "mode": "score"},
    {"model": "small", "quality_preset": "base", "scorer_model": None},
    {"model": "small", "quality_preset": "low", "scorer_model": "judge"},
    {"model": "small", "quality_preset": "low", "scorer_model": None, "provider": "http://other/v1"},
    {"model": None, "quality_preset": "low", "scorer_model": None},
)
RESULT = st.tuples(
    st.integers(0, len(PEERS) - 1),
    st.integers(1, 5),
    st.integers(1, 2),
    st.sampled_from(["pending", "done", "done", "done", "error"]),
    st.sampled_from([None, 0.0, 0.1, 0.5, 0.5, 0.9, 1.0]),
)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_standing_against_a_plain_count(shared_store: Store, data: st.DataObject) -> None:
    results = data.draw(st.lists(RESULT, min_size=1, max_size=40))
    run, item_no, *_ = data.draw(st.sampled_from(results))
    endpoint = new_id()
    runs = make_runs(shared_store, *({**peer, "endpoint": endpoint} for peer in PEERS))
    start = utc_now()
    rows = [
        run_item_row(
            runs[of_run], number, attempt_no=attempt_no, status=status,
            trustworthiness_score=score if status == "done" else None,
            written_at=start + timedelta(seconds=second),
        )
        for second, (of_run, number, attempt_no, status, score) in enumerate(results)
    ]  # fmt: skip
    uploaded = run_row("uploaded", endpoint=endpoint, **PEERS[run])
    foreign = run_item_row(
        uploaded["run_id"], 99, trustworthiness_score=0.0, written_at=start - timedelta(seconds=9)
    )
    write(
        shared_store, run_item=[*rows, foreign], run=uploaded,
        dataset=dataset_row(dataset_id="uploaded"),
    )  # fmt: skip
    assert standing(shared_store, runs[run], item_no) == counted(rows, runs, run, item_no)


def counted(rows: list[dict[str, object]], runs: list[str], run: int, item_no: int) -> Standing | None:
    """Count in plain Python what `standing` asks of SQL."""

    def latest(of: list[dict[str, object]]) -> dict[str, object]:
        return max(
            of,
            key=lambda row: (
                row["status"] == "done", row["attempt_no"], row["status"] != "pending", row["written_at"]
            ),
        )  # fmt: skip

    own = [row for row in rows if (row["run_id"], row["item_no"]) == (runs[run], item_no)]
    if not own or latest(own)["trustworthiness_score"] is None:
        return None
    mine = latest(own)
    comparable = ("model", "quality_preset", "scorer_model", "provider")
    peers = {
        run_id
        for run_id, peer in zip(runs, PEERS, strict=True)
        if all(peer.get(name) == PEERS[run].get(name) for name in comparable)
    }
    cells: dict[tuple[object, object], list[dict[str, object]]] = {}
    for row in rows:
        earlier = row["written_at"] < mine["written_at"]  # type: ignore[operator]
        if row["run_id"] in peers and row["item_no"] != item_no and earlier:
            cells.setdefault((row["run_id"], row["item_no"]), []).append(row)
    scores = [latest(cell)["trustworthiness_score"] for cell in cells.values()]
    known = [score for score in scores if isinstance(score, float)]
    own_score = mine["trustworthiness_score"]
    assert isinstance(own_score, float)
    return Standing(sum(s < own_score for s in known), sum(s == own_score for s in known), len(known))


def test_standing_of_what_has_no_score(store: Store) -> None:
    (run,) = make_runs(store, {})
    _, item_no = make_entry(store, run)
    assert standing(store, run, item_no) is None
    assert standing(store, "unknown", 1) is None
    answer(store, run, item_no, trustworthiness_score=None, unscored_reason="not a number")
    assert standing(store, run, item_no) is None


def test_standing_does_not_change_when_more_is_scored(store: Store) -> None:
    (run,) = make_runs(store, {})
    items = [make_entry(store, run)[1] for _ in range(3)]
    for item_no, score in zip(items, (0.2, 0.4, 0.1), strict=True):
        answer(store, run, item_no, trustworthiness_score=score)
    assert [standing(store, run, item_no) for item_no in items] == [
        Standing(0, 0, 0),
        Standing(1, 0, 1),
        Standing(0, 0, 2),
    ]


def test_preset_latencies(store: Store) -> None:
    base, low = make_runs(store, {"quality_preset": "base"}, {"quality_preset": "low"})
    write(
        store, dataset=dataset_row(dataset_id="d"), run=run_row("d", run_id="of d", quality_preset="medium")
    )
    timed = [10.0, 700.0, 0.5, 1.0]
    for score_latency_ms in timed:
        _, item_no = make_entry(store, base, low)
        answer(store, base, item_no, latency_ms=100.0, score_latency_ms=score_latency_ms)
        # This score came together with its answer.
        answer(store, low, item_no, latency_ms=100.0, score_latency_ms=None)
    _, item_no = make_entry(store, base, low)
    answer(store, base, item_no, score_latency_ms=5.0, status="error")
    answer(store, "of d", item_no, score_latency_ms=1.0)
    assert preset_latencies(store, "http://elsewhere/api") == {}
    notes = preset_latencies(store, run_row("d")["endpoint"])
    assert notes == {"base": LatencyNote(median(timed), 4)}
