"""What comes with a score beside the number: the scores of single fields, or why there are none."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest

from tests.local_endpoint.model_server import ModelServer, running
from tests.local_endpoint.test_scoring import completion, scored
from tlm_dash.local_endpoint.field_scores import (
    NO_REFLECTIONS,
    NONE_USABLE,
    NOT_STRUCTURED,
    TOO_SMALL,
    field_scores,
)
from tlm_dash.local_endpoint.generation import ServedModel
from tlm_dash.local_endpoint.scoring import Scorer
from tlm_dash.local_endpoint.wire import score_request

NO_CHECK = {"use_self_reflection": False}
BY_FIELD = {"log": ["per_field_score"]}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "t", "schema": {"type": "object"}}}
TWO_FIELDS = completion('{"a": 1, "b": 2}')
SURE = [math.log(0.9), math.log(0.7)]


def judged(_: str) -> str:
    wrong = [{"field_name": name, "explanation": "not so"} for name in ("b", "made up")]
    return json.dumps({"explanation": "ok", "incorrect_fields": wrong, "rating": 5})


def metadata(
    server: ModelServer,
    *,
    bundled: bool = False,
    given: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Score through the wire's own request, as a caller would see it."""
    body = {
        "messages": [{"role": "user", "content": "Where?"}],
        "completion": TWO_FIELDS if given is None else given,
        **more,
    }

    async def run() -> dict[str, Any]:
        async with running(server):
            source = server.source(bundled=bundled)
            model = ServedModel(source, Scorer(source))
            try:
                return await model.score_given(score_request(body))
            finally:
                await model.close()

    return asyncio.run(run())


@pytest.mark.parametrize("bundled", [False, True])
@pytest.mark.parametrize("preset", ["base", "low", "medium"])
def test_without_any_check_the_token_probability_is_the_score(preset: str, bundled: bool) -> None:
    server = ModelServer()
    options = {**NO_CHECK, "log": ["explanation"]}
    result = scored(server, completion("Paris", SURE), preset, bundled=bundled, options=options)
    assert server.n_calls == 0
    assert result.trustworthiness_score == pytest.approx(0.8)
    assert result.explanation.startswith("No check was asked for: the score is the mean probability")


@pytest.mark.parametrize("bundled", [False, True])
@pytest.mark.parametrize("options", [NO_CHECK, {**NO_CHECK, "log": ["perplexity"]}])
def test_with_nothing_to_score_by_the_score_is_null_and_the_log_says_why(
    options: dict[str, Any], bundled: bool
) -> None:
    answer = metadata(ModelServer(), bundled=bundled, options=options)
    assert answer["trustworthiness_score"] is None
    assert "there is nothing to score it by" in answer["log"]["explanation"]
    assert set(answer["log"]) == {"explanation", *options.get("log", ())}


def test_self_reflection_that_is_wanted_is_the_presets() -> None:
    for preset, n_calls in (("base", 1), ("low", 3)):
        server = ModelServer()
        scored(server, preset=preset, options={"use_self_reflection": True})
        assert server.n_calls == n_calls


@pytest.mark.parametrize("bundled", [False, True])
def test_samples_alone_are_explained_by_what_they_say(bundled: bool) -> None:
    options = {
        **NO_CHECK,
        "num_consistency_samples": 2,
        "similarity_measure": "string",
        "log": ["explanation"],
    }
    server = ModelServer(reply=lambda _: "Lyon")
    result = scored(server, completion("Paris"), bundled=bundled, options=options)
    assert result.trustworthiness_score < 0.5
    assert "Lyon" in result.explanation


def test_checks_that_say_nothing_leave_the_token_probability() -> None:
    server = ModelServer(reply=lambda _: "hm", recalled="")
    for bundled in (False, True):
        result = scored(server, completion("Paris", SURE), "medium", bundled=bundled)
        assert result.trustworthiness_score == pytest.approx(0.8)
        assert result.explanation.startswith("No check gave a usable answer: the score is the mean")


def test_fields_that_a_model_makes_up_are_left_out() -> None:
    answer = metadata(ModelServer(reply=judged), response_format=SCHEMA, options=BY_FIELD)
    by_field = answer["log"]["per_field_score"]
    assert set(by_field) == {"a", "b"}
    assert by_field["b"]["score"] < by_field["a"]["score"]
    assert {"score", "explanation"} == set(by_field["a"])
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize(
    ("server", "more", "why"),
    [
        (ModelServer(), {"bundled": True, "response_format": SCHEMA}, TOO_SMALL),
        (ModelServer(), {}, NOT_STRUCTURED),
        (ModelServer(), {"given": completion("Paris"), "response_format": SCHEMA}, NOT_STRUCTURED),
        (ModelServer(reply=lambda _: "hm"), {"response_format": SCHEMA}, NONE_USABLE),
        (ModelServer(), {"response_format": SCHEMA, "options": {**BY_FIELD, **NO_CHECK}}, NO_REFLECTIONS),
        (
            ModelServer(),
            {"options": {**BY_FIELD, "disable_trustworthiness": True}},
            "Scoring was switched off by options.disable_trustworthiness.",
        ),
    ],
)
def test_where_there_are_no_field_scores_the_log_says_why(
    server: ModelServer, more: dict[str, Any], why: str
) -> None:
    answer = metadata(server, **{"options": BY_FIELD, **more})
    assert answer["log"]["per_field_score"] == {"error": why}


def test_a_field_score_that_is_no_number_is_left_out() -> None:
    found = {"a": {"score": math.nan, "explanation": None}, "b": {"score": 0.5, "explanation": "so-so"}}
    kept = field_scores(found, '{"a": 1, "b": 2}', bundled=False, structured=True, reflected=True)
    assert kept == {"b": {"score": 0.5, "explanation": "so-so"}}
