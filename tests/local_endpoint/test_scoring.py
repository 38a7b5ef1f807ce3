"""Scoring over a fake model server: the calls a preset makes, where they go, what survives their failing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local_endpoint.model_server import ModelServer, running
from tlm_dash.errors import InvalidInputError, LocalEndpointError
from tlm_dash.local_endpoint.scoring import Scorer, ScoreResult

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def completion(text: str | None, probabilities_log: list[float] | None = None) -> dict[str, Any]:
    tokens = [{"token": "x", "logprob": value} for value in probabilities_log or []]
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}}
    return {"choices": [choice | ({"logprobs": {"content": tokens}} if tokens else {})]}


def scored(
    server: ModelServer,
    response: dict[str, Any] | None = None,
    preset: str = "base",
    *,
    bundled: bool = False,
    messages: list[dict[str, Any]] | None = None,
    **more: Any,  # noqa: ANN401
) -> ScoreResult:
    async def run() -> ScoreResult:
        async with running(server):
            scorer = Scorer(server.source(bundled=bundled))
            try:
                return await scorer.score(
                    QUESTION if messages is None else messages,
                    completion("Paris") if response is None else response,
                    quality_preset=preset,
                    **more,
                )
            finally:
                await scorer.close()

    return asyncio.run(run())


@pytest.mark.parametrize("bundled", [False, True])
def test_presets_rise_in_calls_and_tokens(bundled: bool) -> None:
    results = []
    for preset in ("base", "low", "medium"):
        server = ModelServer()
        results.append(scored(server, preset=preset, bundled=bundled))
        assert results[-1].n_model_calls == server.n_calls
    tokens = [result.input_tokens + result.output_tokens for result in results]
    assert tokens[0] < tokens[1] < tokens[2]
    assert [result.n_model_calls for result in results][:2] == [1, 3]


def test_only_medium_lets_a_real_model_reason() -> None:
    for preset, reasons in (("base", False), ("low", False), ("medium", True)):
        server = ModelServer()
        scored(server, preset=preset)
        assert all(("<think>" in body["messages"][-1]["content"]) is reasons for body in server.chats)
        assert {body["model"] for body in server.chats} == {"some-model"}


@pytest.mark.parametrize(
    ("options", "n_calls"),
    [
        ({"num_self_reflections": 2}, 2),
        ({"num_self_reflections": 0}, 0),
        ({"num_consistency_samples": 4, "similarity_measure": "string"}, 5),
        ({"num_consistency_samples": 2, "similarity_measure": "embedding", "num_self_reflections": 0}, 2),
        ({"disable_trustworthiness": True}, 0),
    ],
)
def test_options_override_the_preset(options: dict[str, Any], n_calls: int) -> None:
    server = ModelServer()
    result = scored(server, options=options)
    assert (server.n_calls, result.n_model_calls) == (n_calls, n_calls)
    assert (result.trustworthiness_score is None) == (not n_calls)


def test_reply_length_is_the_requests() -> None:
    server = ModelServer()
    scored(server, options={"max_tokens": 77})
    assert server.chats[0]["max_tokens"] == 77


@pytest.mark.parametrize("preset", ["base", "low", "medium"])
def test_a_real_models_score_is_its_rating(preset: str) -> None:
    assert scored(ModelServer(), preset=preset).trustworthiness_score == pytest.approx(0.8)


def test_token_probabilities_of_the_answer_count() -> None:
    sure = scored(ModelServer(), completion("Paris", [-0.01, -0.02]))
    unsure = scored(ModelServer(), completion("Paris", [-2.0, -3.0]))
    assert sure.trustworthiness_score > unsure.trustworthiness_score


@pytest.mark.parametrize("bundled", [False, True])
@pytest.mark.parametrize("preset", ["base", "low", "medium"])
def test_checks_that_say_nothing_leave_no_score(preset: str, bundled: bool) -> None:
    server = ModelServer(reply=lambda _: "I would rather talk about the weather.", recalled="")
    result = scored(server, preset=preset, bundled=bundled, options={"log": ["explanation"]})
    assert result.trustworthiness_score is None
    assert "No check gave a usable answer" in result.explanation


def test_one_unparsed_reflection_is_left_out() -> None:
    def mostly(prompt: str) -> str:
        return "hm" if "<rating>" in prompt else any_score(prompt)

    def any_score(_: str) -> str:
        return "<score>60</score>"

    result = scored(ModelServer(reply=mostly), preset="low")
    assert result.trustworthiness_score == pytest.approx(0.6)


@pytest.mark.parametrize("bundled", [False, True])
def test_a_server_that_only_fails_is_an_error_not_a_score(bundled: bool) -> None:
    with pytest.raises(LocalEndpointError, match="none of the calls"):
        scored(ModelServer(status=500), bundled=bundled)


def test_scorers_at_the_same_time_reach_only_their_own_server() -> None:
    async def run() -> None:
        a, b = (
            ModelServer(reply=lambda _: "<score>10</score>"),
            ModelServer(reply=lambda _: "<score>90</score>"),
        )
        async with running(a), running(b):
            scorers = [Scorer(a.source(name="a")), Scorer(b.source(name="b"))]
            jobs = [
                scorer.score(QUESTION, completion("Paris"), quality_preset="base")
                for _ in range(6)
                for scorer in scorers
            ]
            results = await asyncio.gather(*jobs)
            assert {result.trustworthiness_score for result in results[::2]} == {0.1}
            assert {result.trustworthiness_score for result in results[1::2]} == {0.9}
            assert {body["model"] for body in a.chats} == {"a"}
            assert {body["model"] for body in b.chats} == {"b"}
            assert (a.n_calls, b.n_calls) == (6, 6)
            for scorer in scorers:
                await scorer.close()

    asyncio.run(run())


def test_nothing_in_the_environment_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        other, own = ModelServer(), ModelServer()
        async with running(other), running(own):
            elsewhere = f"http://127.0.0.1:{other.port}"
            for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, elsewhere)
            monkeypatch.setenv("OPENAI_API_KEY", "secret-of-somebody")
            scorer = Scorer(own.source())
            options = {"num_consistency_samples": 2, "similarity_measure": "embedding"}
            await scorer.score(QUESTION, completion("Paris"), quality_preset="medium", options=options)
            await scorer.close()
            assert other.n_calls == 0
            assert own.n_calls == 5

    asyncio.run(run())


@pytest.mark.parametrize("bundled", [False, True])
def test_a_cancelled_score_closes_its_connections(bundled: bool) -> None:
    async def run() -> None:
        async with running(ModelServer(delay_s=600)) as server:
            scorer = Scorer(server.source(bundled=bundled))
            task = asyncio.create_task(scorer.score(QUESTION, completion("Paris"), quality_preset="low"))
            await _until(lambda: server.n_calls == 3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await _until(lambda: server.n_hung_up == 3)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [task for task in left if "scoring" in repr(task) or "Component" in repr(task)]
            await scorer.close()

    asyncio.run(run())


async def _until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("bundled", [False, True])
@pytest.mark.parametrize(
    ("messages", "response"),
    [
        ([], completion("Paris")),
        ([{"role": "system", "content": "Be brief."}], completion("")),
        (
            [{"role": "user", "content": [{"type": "text", "text": "Hi {x}"}, {"type": "image_url"}]}],
            completion("a"),
        ),
        (QUESTION, {"choices": []}),
        (QUESTION, completion(None)),
        (QUESTION, {"choices": [{"message": {"tool_calls": [{"function": {"name": "look_up"}}]}}]}),
        ([{"role": "user", "content": "word " * 5000}], completion("sentence. " * 2000)),
    ],
)
def test_odd_requests_are_scored_or_left_unscored(
    messages: list[dict[str, Any]], response: dict[str, Any], bundled: bool
) -> None:
    result = scored(ModelServer(), response, "medium", messages=messages, bundled=bundled)
    assert result.trustworthiness_score is None or 0 <= result.trustworthiness_score <= 1


def test_bundled_prompts_stay_short() -> None:
    server = ModelServer()
    long = [{"role": "user", "content": "word " * 5000 + "What is the capital of France?"}]
    scored(server, preset="medium", messages=long, bundled=True)
    assert all(len(body["prompt"]) < 4000 for body in server.completions)
    assert all("What is the capital of France?" in body["prompt"] for body in server.completions)


def test_fields_of_a_json_response_are_scored_where_asked() -> None:
    def judged(_: str) -> str:
        wrong = {"field_name": "b", "explanation": "not so"}
        return json.dumps({"explanation": "ok", "incorrect_fields": [wrong], "rating": 5})

    server = ModelServer(reply=judged)
    schema = {"type": "json_schema", "json_schema": {"name": "t", "schema": {"type": "object"}}}
    result = scored(
        server,
        completion('{"a": 1, "b": 2}'),
        "medium",
        response_format=schema,
        options={"log": ["per_field_score"]},
    )
    assert set(result.per_field_score) == {"a", "b"}
    assert result.per_field_score["b"]["score"] < result.per_field_score["a"]["score"]
    assert scored(ModelServer(), completion("not JSON"), response_format=schema).per_field_score is None


@pytest.mark.parametrize(
    ("preset", "options"),
    [
        ("best", {}),
        ("base", {"num_self_reflections": 4}),
        ("base", {"num_consistency_samples": True}),
        ("base", {"reasoning_effort": "huge"}),
        ("base", {"similarity_measure": "guess"}),
        ("base", {"log": "explanation"}),
        ("base", {"max_tokens": 3}),
    ],
)
def test_unusable_options_are_refused_before_any_call(preset: str, options: dict[str, Any]) -> None:
    server = ModelServer()
    with pytest.raises(InvalidInputError):
        scored(server, preset=preset, options=options)
    assert server.n_calls == 0
