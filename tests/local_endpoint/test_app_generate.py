"""chat/completions: what goes to the model, what comes back, and how requests are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.local_endpoint.conftest import Endpoint
from tests.local_endpoint.fake_model_server import USAGE

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def ask(endpoint: Endpoint, **fields: Any) -> httpx.Response:  # noqa: ANN401
    body = {"model": "plain", "messages": QUESTION, **fields}
    return httpx.post(f"{endpoint.base_url}/chat/completions", json=body, timeout=120, trust_env=False)


def post(endpoint: Endpoint, body: bytes | Iterator[bytes]) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    url = f"{endpoint.base_url}/chat/completions"
    return httpx.post(url, content=body, headers=headers, trust_env=False)


def client(endpoint: Endpoint) -> OpenAI:
    http = httpx.Client(trust_env=False)
    return OpenAI(base_url=endpoint.base_url, api_key=".", max_retries=0, http_client=http)


def events(text: str) -> list[Any]:
    data = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in data]


def test_the_openai_client_gets_a_completion_with_a_score(endpoint: Endpoint) -> None:
    with client(endpoint) as openai:
        answer = openai.chat.completions.create(
            model="plain", messages=QUESTION, extra_body={"quality_preset": "low"}
        )
    assert answer.choices[0].message.content == "Paris is it."
    assert answer.model == "plain-2025-04-14"
    assert answer.usage is not None
    assert answer.usage.model_dump(include=set(USAGE)) == USAGE
    assert answer.choices[0].logprobs is None
    assert answer.tlm_metadata == {"trustworthiness_score": 0.75}
    assert endpoint.scorer.asked[0]["quality_preset"] == "low"


def test_the_scorer_gets_the_logprobs_that_the_caller_does_not(endpoint: Endpoint) -> None:
    ask(endpoint)
    assert len(endpoint.scorer.asked[0]["completion"]["choices"][0]["logprobs"]["content"]) == 4


def test_logprobs_come_where_they_are_asked_for(endpoint: Endpoint) -> None:
    answer = ask(endpoint, logprobs=True, top_logprobs=2).json()
    assert len(answer["choices"][0]["logprobs"]["content"]) == 4
    assert endpoint.upstream.calls[0].body["top_logprobs"] == 2


def test_a_log_comes_only_where_it_is_asked_for(endpoint: Endpoint) -> None:
    metadata = ask(endpoint, options={"log": ["explanation", "perplexity"]}).json()["tlm_metadata"]
    assert metadata["log"] == {"explanation": "because", "perplexity": pytest.approx(0.5)}


def test_scoring_can_be_switched_off(endpoint: Endpoint) -> None:
    metadata = ask(endpoint, options={"disable_trustworthiness": True}).json()["tlm_metadata"]
    assert metadata == {"trustworthiness_score": None}
    assert endpoint.scorer.asked == []
    assert "logprobs" not in endpoint.upstream.calls[0].body


def test_openai_arguments_go_to_the_model(endpoint: Endpoint) -> None:
    sent = {"temperature": 0.3, "top_p": 0.9, "max_tokens": 7, "stop": ["\n"], "seed": 5,
            "response_format": {"type": "json_object"}, "tools": [{"type": "function"}]}  # fmt: skip
    assert ask(endpoint, **sent, user="me", n=1).status_code == 200
    body = endpoint.upstream.calls[0].body
    assert {name: body.get(name) for name in sent} == sent
    assert "options" not in body and "quality_preset" not in body and "user" not in body


def test_the_answers_length_falls_back_to_the_tlm_option(endpoint: Endpoint) -> None:
    ask(endpoint, options={"max_tokens": 99})
    ask(endpoint)
    assert [call.body["max_tokens"] for call in endpoint.upstream.calls] == [99, 512]


def test_a_server_without_logprobs_is_asked_again_without(endpoint: Endpoint) -> None:
    for stream in (False, True, False):
        assert ask(endpoint, model="no-logprobs", stream=stream).status_code == 200
    assert len(endpoint.upstream.calls) == 4  # refused once, then remembered


def test_a_stream_brings_text_then_usage_and_score_then_done(endpoint: Endpoint) -> None:
    answer = ask(endpoint, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    got = events(answer.text)
    assert got[-1] == "[DONE]"
    last = got[-2]
    assert last["choices"] == [] and last["usage"] == USAGE
    assert last["tlm_metadata"] == {"trustworthiness_score": 0.75}
    assert last["model"] == "plain-2025-04-14"
    text = "".join(e["choices"][0]["delta"].get("content", "") for e in got[:-2])
    assert text == "Paris is it."
    assert len({e["id"] for e in got[:-1]}) == 1
    assert all("logprobs" not in e["choices"][0] for e in got[:-2])
    assert endpoint.scorer.asked[0]["completion"]["choices"][0]["message"]["content"] == "Paris is it."
    assert len(endpoint.scorer.asked[0]["completion"]["choices"][0]["logprobs"]["content"]) == 4


def test_the_openai_client_reads_the_stream(endpoint: Endpoint) -> None:
    with client(endpoint) as openai:
        parts = list(openai.chat.completions.create(model="plain", messages=QUESTION, stream=True))
    assert "".join(p.choices[0].delta.content or "" for p in parts if p.choices) == "Paris is it."
    assert parts[-1].tlm_metadata["trustworthiness_score"] == 0.75


BAD_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": None}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": ["hello"]}, "messages[0]"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
    ({"quality_preset": "best"}, "quality_preset"),
    ({"quality_preset": "high"}, "quality_preset"),
    ({"quality_preset": "turbo"}, "quality_preset"),
    ({"quality_preset": ["low"]}, "quality_preset"),
    ({"quality_prest": "low"}, "quality_prest"),
    ({"options": "fast"}, "options"),
    ({"options": {"speed": 1}}, "options.speed"),
    ({"options": {"max_tokens": 63}}, "options.max_tokens"),
    ({"options": {"max_tokens": True}}, "options.max_tokens"),
    ({"options": {"log": "explanation"}}, "options.log"),
    ({"options": {"num_self_reflections": 4}}, "options.num_self_reflections"),
    ({"options": {"num_candidate_responses": 2}}, "options.num_candidate_responses"),
    ({"options": {"reasoning_effort": "extreme"}}, "options.reasoning_effort"),
    ({"options": {"disable_trustworthiness": "yes"}}, "options.disable_trustworthiness"),
    ({"options": {"custom_eval_criteria": [{"name": "a", "criteria": "b"}]}}, "options.custom_eval_criteria"),
    ({"options": {"model": 7}}, "options.model"),
    ({"n": 2}, "n"),
    ({"stream": "yes"}, "stream"),
    ({"temperature": 3}, "temperature"),
    ({"temperature": "warm"}, "temperature"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"stop": [1]}, "stop"),
    ({"stop": list("abcde")}, "stop"),
    ({"stop": "x" * 501}, "stop"),
    ({"logit_bias": [[1, 2]]}, "logit_bias"),
    ({"logit_bias": {"1": "a"}}, "logit_bias"),
    ({"logit_bias": {str(token): 1 for token in range(1001)}}, "logit_bias"),
    ({"grammar": 'root ::= "a"'}, "grammar"),
    ({"json_schema": {"type": "string"}}, "json_schema"),
    ({"messages": QUESTION * 2001}, "messages"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"seed": 1.5}, "seed"),
    ({"model": 5}, "model"),
]


@pytest.mark.parametrize(("fields", "param"), BAD_REQUESTS, ids=lambda value: str(value)[:40])
def test_a_bad_request_is_refused_by_the_fields_name(
    endpoint: Endpoint, fields: dict[str, Any], param: str
) -> None:
    answer = ask(endpoint, **fields)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert error["message"].endswith(".")
    assert endpoint.upstream.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"a": NaN}',
        b"[" * 100_000,
        b"\xff\xfe\xfa",
        b'{"seed": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda value: repr(value[:12]),
)
def test_a_body_that_is_not_a_json_object_is_refused(endpoint: Endpoint, body: bytes) -> None:
    answer = post(endpoint, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "body"


def test_half_a_character_is_refused(endpoint: Endpoint) -> None:
    body = b'{"model": "plain", "messages": [{"role": "user", "content": "a\\ud800"}]}'
    answer = post(endpoint, body)
    assert answer.status_code == 400 and "surrogate" in answer.text


def test_the_key_of_another_provider_is_never_repeated(endpoint: Endpoint) -> None:
    options = {"model_provider": {"api_key": "sk-mine", "api_base": "http://example.com"}}
    answer = ask(endpoint, options=options)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "options.model_provider"
    assert "sk-mine" not in answer.text


@pytest.mark.parametrize("name", ["other", "gpt-4.1-mini"])
def test_an_unknown_model_is_not_found_and_the_served_ones_are_named(endpoint: Endpoint, name: str) -> None:
    answer = ask(endpoint, model=name)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert "plain" in answer.json()["error"]["message"]
    assert ask(endpoint, options={"model": name}).json()["error"]["param"] == "options.model"


def test_without_a_model_the_first_answers(endpoint: Endpoint) -> None:
    assert ask(endpoint, model=None).json()["model"] == "plain-2025-04-14"


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_body_is_refused(endpoint: Endpoint, chunked: bool) -> None:
    body = b'{"messages": "' + b"x" * (9 * 2**20) + b'"}'
    content = iter([body[i : i + 2**20] for i in range(0, len(body), 2**20)]) if chunked else body
    try:
        answer = post(endpoint, content)
    except httpx.WriteError:  # refused, and closed, while we were still sending
        return
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_unknown_paths_and_methods_get_a_json_error(endpoint: Endpoint) -> None:
    for answer in (
        httpx.get(f"{endpoint.base_url}/nothing", trust_env=False),
        httpx.get(f"{endpoint.base_url}/chat/completions", trust_env=False),
    ):
        assert answer.status_code in (404, 405)
        assert "is not part of the API" in answer.json()["error"]["message"]


def test_models_and_health(endpoint: Endpoint) -> None:
    listed = httpx.get(f"{endpoint.base_url}/models", trust_env=False).json()
    assert listed["object"] == "list" and listed["data"][0]["id"] == "plain"
    assert httpx.get(f"{endpoint.base_url}/health", trust_env=False).json() == {"status": "ok"}
