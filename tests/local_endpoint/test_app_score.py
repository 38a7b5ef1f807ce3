"""chat/score: what the official client sends, and what cannot be scored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.local_endpoint.conftest import Endpoint

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


def completion(content: Any = "Paris") -> dict[str, Any]:  # noqa: ANN401
    message = {"role": "assistant", "content": content}
    return {"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}


def score(endpoint: Endpoint, **fields: Any) -> httpx.Response:  # noqa: ANN401
    body = {"messages": MESSAGES, "completion": completion(), **fields}
    return httpx.post(f"{endpoint.base_url}/chat/score", json=body, timeout=120, trust_env=False)


def test_the_body_of_the_official_client_is_understood(endpoint: Endpoint) -> None:
    answer = score(
        endpoint,
        quality_preset="base",
        options={"model": "plain", "log": ["explanation"]},
        model="plain",
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
        temperature=0.2,
        some_argument_of_another_provider={"a": 1},
    )
    assert answer.json() == {
        "tlm_metadata": {"trustworthiness_score": 0.75, "log": {"explanation": "because"}}
    }
    asked = endpoint.scorer.asked[0]
    assert asked["messages"] == MESSAGES
    assert asked["completion"]["choices"][0]["message"]["content"] == "Paris"
    assert asked["response_format"]["type"] == "json_schema"
    assert asked["quality_preset"] == "base"


def test_the_preset_is_medium_unless_told(endpoint: Endpoint) -> None:
    assert score(endpoint).status_code == 200
    assert endpoint.scorer.asked[0]["quality_preset"] == "medium"


def test_the_scorer_in_the_options_comes_before_the_model(endpoint: Endpoint) -> None:
    assert score(endpoint, options={"model": "plain"}, model="gemini-2.5-pro").status_code == 200
    assert score(endpoint, model="gemini-2.5-pro").status_code == 404


def test_a_null_score_can_be_asked_for(endpoint: Endpoint) -> None:
    answer = score(endpoint, options={"disable_trustworthiness": True})
    assert answer.json() == {"tlm_metadata": {"trustworthiness_score": None}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"completion": None}, "completion"),
        ({"completion": "Paris"}, "completion"),
        ({"completion": {}}, "completion.choices"),
        ({"completion": {"choices": []}}, "completion.choices"),
        ({"completion": {"choices": ["Paris"]}}, "completion.choices[0].message"),
        ({"completion": {"choices": [{"message": None}]}}, "completion.choices[0].message"),
        ({"completion": completion(None)}, "completion.choices[0].message.content"),
        ({"completion": completion(["Paris"])}, "completion.choices[0].message.content"),
        ({"messages": []}, "messages"),
        ({"quality_preset": "best"}, "quality_preset"),
        ({"options": {"num_consistency_samples": 21}}, "options.num_consistency_samples"),
        ({"options": {"similarity_measure": "vibes"}}, "options.similarity_measure"),
        ({"options": {"model_provider": {"api_key": "sk-mine"}}}, "options.model_provider"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_scored_is_refused_by_name(
    endpoint: Endpoint, fields: dict[str, Any], param: str
) -> None:
    answer = score(endpoint, **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert "sk-mine" not in answer.text
    assert endpoint.scorer.asked == []
