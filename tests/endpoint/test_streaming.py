"""Streams: pieces as they come, and everything that can end one early."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from tests.conftest import wait_until
from tests.endpoint.asking import (
    GENERATE,
    MESSAGES,
    a_request,
    check_sentence,
    collect,
    collect_until_error,
    run,
)
from tests.fake_endpoint import (
    Answer,
    CutStream,
    Events,
    Exchange,
    FakeEndpoint,
    Reply,
    fake_answer,
    fake_score,
)
from tlm_dash.endpoint import client as client_module
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.errors import (
    AnswerWithheldError,
    ConnectionDroppedError,
    EndpointError,
    EndpointTimeoutError,
    NotTlmEndpointError,
    OnlyReasoningError,
    RateLimitedError,
    RequestRefusedError,
    ServerFailedError,
    TokenLimitError,
)
from tlm_dash.models import Generated, Usage

ANSWER = fake_answer(MESSAGES, "gpt-4.1-mini")


def delta(content: object, finish: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}],
    }


def streamed(endpoint: FakeEndpoint, *events: object) -> tuple[list[str], Generated]:
    endpoint.script(GENERATE, [Events(events)])
    return run(endpoint, collect)


def failed(endpoint: FakeEndpoint, *events: object) -> tuple[list[str], EndpointError]:
    endpoint.script(GENERATE, [Events(events)])
    pieces, error = run(endpoint, collect_until_error)
    check_sentence(error)
    return pieces, error


def test_a_stream_gives_the_pieces_and_then_what_generate_gives(fake_endpoint: FakeEndpoint) -> None:
    pieces, generated = run(fake_endpoint, collect)
    assert len(pieces) == len(ANSWER.split())
    assert "".join(pieces) == ANSWER
    whole = run(fake_endpoint, lambda client: client.generate(a_request()))
    assert generated.completion == whole.completion
    assert generated.score == whole.score
    assert generated.score is not None
    assert generated.score.trustworthiness_score == fake_score(ANSWER, "low")
    body = fake_endpoint.requests[0].body
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert "stream" not in fake_endpoint.requests[1].body


def test_pieces_come_as_they_are_sent_and_the_times_are_right(fake_endpoint: FakeEndpoint) -> None:
    """No word is sent before the last one was taken: no machine is too slow to see each of them come."""
    taken = [threading.Event() for _ in range(4)]

    async def word_by_word(exchange: Exchange) -> None:
        await exchange.open_stream()
        await asyncio.sleep(0.1)
        for number, word in enumerate(("one", " two", " three", " four")):
            await exchange.send_event(delta(word))
            while not taken[number].is_set():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await exchange.send_event(delta("", "stop"))
        await exchange.send_event("[DONE]")
        await exchange.close_stream()

    fake_endpoint.script(GENERATE, [word_by_word])

    async def arrivals(client: EndpointClient) -> tuple[list[float], Generated]:
        started, times = time.perf_counter(), []
        async with aclosing(client.stream(a_request())) as stream:
            async for piece in stream:
                if isinstance(piece, Generated):
                    return times, piece
                times.append((time.perf_counter() - started) * 1000)
                taken[len(times) - 1].set()
        raise AssertionError("no Generated came")

    times, generated = run(fake_endpoint, arrivals)
    assert len(times) == 4
    assert generated.first_token_ms is not None and 99 <= generated.first_token_ms <= times[0]
    assert generated.latency_ms >= generated.first_token_ms + times[-1] - times[0] + 99


def test_a_stream_leaves_its_connection_for_the_next_stream(fake_endpoint: FakeEndpoint) -> None:
    async def two(client: EndpointClient) -> None:
        await collect(client)
        await collect(client)

    run(fake_endpoint, two)
    assert fake_endpoint.connections == 1


def test_a_stream_without_score_has_none(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Answer(stream_score=False)])
    pieces, generated = run(fake_endpoint, collect)
    assert "".join(pieces) == generated.completion.text == ANSWER
    assert generated.score is None


def test_a_finish_reason_is_enough_of_an_end(fake_endpoint: FakeEndpoint) -> None:
    pieces, generated = streamed(fake_endpoint, delta("Bl"), delta("ue.", "length"))
    assert pieces == ["Bl", "ue."]
    assert generated.completion.finish_reason == "length"
    assert generated.completion.usage == Usage()
    assert generated.score is None


def test_done_is_enough_of_an_end(fake_endpoint: FakeEndpoint) -> None:
    pieces, generated = streamed(fake_endpoint, delta("Blue."), "[DONE]")
    assert pieces == ["Blue."]
    assert generated.completion.finish_reason is None


@pytest.mark.parametrize(
    "ending", [b"data: [DONE]", b"data:[DONE]\r\n\r\n", b"data: [DONE]\n", b"data: [DONE]\r"]
)
def test_done_in_every_form(fake_endpoint: FakeEndpoint, ending: bytes) -> None:
    assert streamed(fake_endpoint, delta("Blue."), ending)[0] == ["Blue."]


def test_what_comes_after_done_is_ignored(fake_endpoint: FakeEndpoint) -> None:
    after = b"data: [DONE]\n\ndata: oops\n\n"
    assert streamed(fake_endpoint, delta("Blue."), after, "rest")[1].completion.text == "Blue."


def test_refusals_parts_and_empty_pieces(fake_endpoint: FakeEndpoint) -> None:
    pieces, generated = streamed(
        fake_endpoint,
        delta(None),
        delta("", refusal="I "),
        delta(None, refusal="cannot."),
        delta([{"type": "text", "text": " Sorry."}], "content_filter"),
        "[DONE]",
    )
    assert pieces == ["I ", "cannot.", " Sorry."]
    assert generated.completion.text == "I cannot. Sorry."
    assert generated.completion.finish_reason == "content_filter"
    assert generated.completion.extra["message"] == {"refusal": "I cannot."}


def test_an_answer_without_text(fake_endpoint: FakeEndpoint) -> None:
    pieces, error = failed(fake_endpoint, delta(None, "content_filter"), "[DONE]")
    assert pieces == []
    assert type(error) is AnswerWithheldError
    pieces, error = failed(fake_endpoint, delta(None, "length", reasoning_content="First I"), "[DONE]")
    assert (pieces, type(error)) == ([], OnlyReasoningError)


def called(*calls: object, finish: str | None = None) -> dict[str, Any]:
    return delta(None, finish, tool_calls=list(calls))


def test_a_call_in_pieces_is_one_call(fake_endpoint: FakeEndpoint) -> None:
    function = {"name": "look", "arguments": ""}
    generated = streamed(
        fake_endpoint,
        called({"index": 0, "id": "t", "type": "function", "function": function}),
        called({"index": 0, "function": {"arguments": '{"q"'}}),
        called({"index": 0, "function": {"arguments": ":1}"}}),
        delta(None, "tool_calls"),
        "[DONE]",
    )[1]
    assert generated.completion.text == "look(q: 1)"
    (call,) = generated.completion.extra["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"q":1}'}


def message(content: str, finish: str | None = None, **choice: object) -> dict[str, Any]:
    return {"model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish, **choice}
    ]}  # fmt: skip


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ((message(""), message("The capital "), message("is Paris.", "stop")), "The capital is Paris."),
        ((message("ha"), message("ha", "stop")), "haha"),
        (
            (message("The"), message("The Par"), message("The Paris."), message("The Paris.", "stop")),
            "The Paris.",
        ),
        ((delta("The"), message("The Paris.", "stop", delta={"content": "Paris."})), "The Paris."),
    ],
)
def test_messages_in_place_of_deltas(fake_endpoint: FakeEndpoint, events: tuple[Any, ...], text: str) -> None:
    assert streamed(fake_endpoint, *events, "[DONE]")[1].completion.text == text


def test_an_empty_finish_reason_ends_nothing(fake_endpoint: FakeEndpoint) -> None:
    assert type(failed(fake_endpoint, delta("Blue", ""))[1]) is ConnectionDroppedError


def test_unknown_fields_are_put_together(fake_endpoint: FakeEndpoint) -> None:
    first = delta("Bl", reasoning_content="I ")
    first["choices"][0]["logprobs"] = {"content": [{"token": "Bl"}]}
    second = delta("ue.", "stop", reasoning_content="think")
    second["choices"][0]["logprobs"] = {"content": [{"token": "ue."}]}
    last = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}, "system_fingerprint": "fp"}
    completion = streamed(fake_endpoint, first, second, last, "[DONE]")[1].completion
    assert completion.extra == {
        "system_fingerprint": "fp",
        "message": {"reasoning_content": "I think"},
        "choice": {"logprobs": {"content": [{"token": "Bl"}, {"token": "ue."}]}},
    }
    assert completion.usage == Usage(1, 2)


def test_a_null_that_comes_later_takes_nothing_back(fake_endpoint: FakeEndpoint) -> None:
    known = {"choices": [], "usage": {"prompt_tokens": 1}, "tlm_metadata": {"trustworthiness_score": 0.5}}
    nulls = {"choices": [], "usage": None, "tlm_metadata": None, "model": None}
    generated = streamed(fake_endpoint, known, delta("Blue.", "stop"), nulls, "[DONE]")[1]
    assert generated.completion.usage == Usage(1, None)
    assert generated.completion.resolved_model == "m"
    assert generated.score is not None and generated.score.trustworthiness_score == 0.5


def test_only_the_first_alternative_counts(fake_endpoint: FakeEndpoint) -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "Red."}, "finish_reason": "stop"}]}
    assert streamed(fake_endpoint, delta("Blue."), other, "[DONE]")[0] == ["Blue."]
    assert type(failed(fake_endpoint, delta("Blue."), other)[1]) is ConnectionDroppedError


def test_comments_and_empty_events_are_nothing(fake_endpoint: FakeEndpoint) -> None:
    pieces, _ = streamed(
        fake_endpoint, b": ping\n\n", b"data:\n\n", b"event: x\n\n", b"id: 1\n", delta("Blue."), "[DONE]"
    )
    assert pieces == ["Blue."]


def test_bytes_may_be_cut_anywhere(fake_endpoint: FakeEndpoint) -> None:
    raw = "".join(
        f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n"
        for event in (delta("Blaü 🙂"), delta("!", "stop"))
    ).encode()
    pieces, generated = streamed(fake_endpoint, *(raw[i : i + 1] for i in range(len(raw))), "[DONE]")
    assert pieces == ["Blaü 🙂", "!"]
    assert generated.completion.text == "Blaü 🙂!"


@pytest.mark.parametrize("how", ["end", "close", "reset", "mid-json"])
def test_a_cut_stream_is_a_dropped_connection_after_its_text(fake_endpoint: FakeEndpoint, how: str) -> None:
    fake_endpoint.script(GENERATE, [CutStream(after=3, how=how)])
    pieces, error = run(fake_endpoint, collect_until_error)
    assert pieces == ["one", " two", " three"]
    assert type(error) is ConnectionDroppedError
    check_sentence(error)
    assert len(fake_endpoint.requests) == 1, "a stream that has begun is not asked for again"


def test_a_stream_that_stops_moving_times_out(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [CutStream(after=2, how="hang")])
    pieces, error = run(fake_endpoint, collect_until_error, timeout_s=1.5)
    assert pieces == ["one", " two"]
    assert type(error) is EndpointTimeoutError
    assert "within 1.5 s" in error.message
    wait_until(lambda: fake_endpoint.requests[0].disconnected, what="the disconnect")


def test_the_time_limit_counts_anew_with_every_piece(fake_endpoint: FakeEndpoint) -> None:
    # Longer than the limit as a whole, and far below it from piece to piece.
    fake_endpoint.script(GENERATE, [Answer(text="a b c d e f g h i j", word_delay_s=0.2)])
    assert "".join(run(fake_endpoint, collect, timeout_s=2.0)[0]) == "a b c d e f g h i j"


def test_keep_alive_comments_do_not_count_as_an_answer(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Events((delta("a"), *[b": ping\n\n"] * 600), delay_s=0.1)])
    pieces, error = run(fake_endpoint, collect_until_error, timeout_s=1.5)
    assert pieces == ["a"]
    assert type(error) is EndpointTimeoutError


def test_a_stream_without_end_is_given_up(
    fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client_module.STREAM_LIMIT_FACTOR == 10
    # Twice the limit from piece to piece in place of ten times: that one may be longer here.
    monkeypatch.setattr(client_module, "STREAM_LIMIT_FACTOR", 2)
    fake_endpoint.script(GENERATE, [Events((delta("a "),) * 2000, delay_s=0.05)])
    pieces, error = run(fake_endpoint, collect_until_error, timeout_s=1.5)
    assert type(error) is EndpointTimeoutError
    assert "within 3 s" in error.message
    assert 1 < len(pieces) < 2000


AFTER_THE_TEXT = {
    "error": [{"error": {"message": "scoring failed", "code": 500}}],
    "cut json": [b'data: {"choices": [], "tlm_meta'],
    "odd": ["5"],
    "broken": ["{oops}"],
}


@pytest.mark.parametrize("name", AFTER_THE_TEXT)
def test_trouble_after_the_text_does_not_lose_the_text(fake_endpoint: FakeEndpoint, name: str) -> None:
    """A complete answer may be paid for: it is kept, unscored, and the caller can score it."""
    pieces, generated = streamed(fake_endpoint, delta("Blue.", "stop"), *AFTER_THE_TEXT[name])
    assert pieces == ["Blue."]
    assert generated.completion.text == "Blue."
    assert generated.score is None


def test_a_socket_that_dies_after_the_text_does_not_lose_it_either(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [CutStream(after=2, how="reset", text="one two")] * 1)
    assert type(run(fake_endpoint, collect_until_error)[1]) is ConnectionDroppedError
    fake_endpoint.script(GENERATE, [CutStream(after=3, how="reset", text="one two")])
    pieces, generated = run(fake_endpoint, collect)
    assert pieces == ["one", " two"]
    assert generated.score is None


ERRORS = {
    "429": ({"error": {"message": "Slow down", "code": 429}}, RateLimitedError),
    "server": ({"error": {"message": "The model died", "type": "server_error"}}, ServerFailedError),
    "tokens": ({"error": {"message": "x", "code": "context_length_exceeded"}}, TokenLimitError),
    "text": ({"error": "model overloaded"}, ServerFailedError),
    "with choices": ({"choices": [], "error": {"message": "bad", "code": 400}}, RequestRefusedError),
    "old form": ({"object": "error", "message": "bad", "code": 400}, RequestRefusedError),
    "named": (b'event: error\ndata: {"message": "Slow down", "code": 429}\n\n', RateLimitedError),
    "named text": (b"event: error\ndata: model overloaded\n\n", ServerFailedError),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_in_mid_stream_has_its_own_kind(fake_endpoint: FakeEndpoint, name: str) -> None:
    event, kind = ERRORS[name]
    pieces, error = failed(fake_endpoint, delta("Bl"), event)
    assert pieces == ["Bl"]
    assert type(error) is kind


@pytest.mark.parametrize("event", ["5", "[]", '"text"', "{oops}", "null"])
def test_an_event_that_is_no_chunk_is_not_tlm(fake_endpoint: FakeEndpoint, event: str) -> None:
    pieces, error = failed(fake_endpoint, delta("Bl"), event)
    assert pieces == ["Bl"]
    assert type(error) is NotTlmEndpointError


@pytest.mark.parametrize(
    "events",
    [("[DONE]",), ({"choices": []}, "[DONE]"), ({"usage": {}, "tlm_metadata": {}}, "[DONE]")],
)
def test_a_stream_without_an_answer_in_it_is_not_tlm(
    fake_endpoint: FakeEndpoint, events: tuple[object]
) -> None:
    assert type(failed(fake_endpoint, *events)[1]) is NotTlmEndpointError


def test_a_stream_without_anything_was_cut(fake_endpoint: FakeEndpoint) -> None:
    assert type(failed(fake_endpoint)[1]) is ConnectionDroppedError
    assert type(failed(fake_endpoint, b": ping\n\n")[1]) is ConnectionDroppedError


def test_events_under_a_wrong_content_type_are_a_stream(fake_endpoint: FakeEndpoint) -> None:
    raw = f"data: {json.dumps(delta('Blue.', 'stop'))}\n\ndata: [DONE]\n\n".encode()
    fake_endpoint.script(GENERATE, [Reply(200, raw, {}, "text/plain")])
    assert run(fake_endpoint, collect)[0] == ["Blue."]


def test_an_endpoint_that_ignores_stream_gives_one_piece(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Answer(streams=False)])
    pieces, generated = run(fake_endpoint, collect)
    assert pieces == [ANSWER]
    assert generated.completion.text == ANSWER
    assert generated.score is not None
    assert len(fake_endpoint.requests) == 1


def test_closing_the_iterator_closes_the_connection(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Answer(text="word " * 5000, word_delay_s=0.02)])

    async def leave(client: EndpointClient) -> None:
        async with aclosing(client.stream(a_request())) as stream:
            async for _ in stream:
                break
        # The client stays open: it is the closed iterator that must have told the endpoint.
        await until(lambda: fake_endpoint.requests[0].disconnected, "the endpoint still sends")

    run(fake_endpoint, leave)
    assert not fake_endpoint.requests[0].answered


async def until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait on the client's loop, which must go on meanwhile."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(otherwise)


CANCELLED = {
    "waiting for an answer": (Answer(delay_s=100), lambda client: client.generate(a_request())),
    "waiting for a stream": (Answer(delay_s=100), collect),
    "inside a stream": (Answer(text="word " * 5000, word_delay_s=0.05), collect),
    "inside a body": (CutStream(after=1, how="hang"), collect),
}


@pytest.mark.parametrize("when", CANCELLED)
def test_cancelling_passes_through_and_closes_the_connection(fake_endpoint: FakeEndpoint, when: str) -> None:
    reply, ask = CANCELLED[when]
    fake_endpoint.script(GENERATE, [reply])

    async def cancel(client: EndpointClient) -> None:
        await client.models()  # The pool exists: what is cancelled is the call.
        task = asyncio.ensure_future(ask(client))
        await until(lambda: bool(fake_endpoint.requests_to(GENERATE)), "the endpoint was not asked")
        await asyncio.sleep(0.15)  # the first words, where there are some
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: fake_endpoint.requests[-1].disconnected, "the endpoint still works on it")

    run(fake_endpoint, cancel)
