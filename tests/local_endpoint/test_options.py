"""Every option that the official client documents: taken, or refused in clear words."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.local_endpoint.conftest import Endpoint
from tlm_dash.local_endpoint.options import OPTIONS
from tlm_dash.local_endpoint.wire import score_request

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
COMPLETION = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris"}}]}

# VPCTLMOptions of cleanlab-tlm 1.1.39 (tlm.py, utils/vpc/tlm.py) with a value as its documentation has it;
# `max_timeout` is what the client makes of its own `timeout`.
DOCUMENTED: dict[str, Any] = {
    "model": "plain",
    "max_tokens": 512,
    "max_timeout": 60,
    "num_candidate_responses": 1,
    "num_consistency_samples": 8,
    "num_self_reflections": 3,
    "use_self_reflection": False,
    "similarity_measure": "discrepancy",
    "reasoning_effort": "high",
    "log": ["explanation"],
    "custom_eval_criteria": [{"name": "polite", "criteria": "Is it polite?"}],
    "disable_trustworthiness": True,
    "disable_persistence": True,
    "model_provider": {"provider": "azure", "api_key": "sk-mine"},
}
REFUSED = ("custom_eval_criteria", "model_provider")


def post(endpoint: Endpoint, path: str, options: dict[str, Any]) -> httpx.Response:
    body = {"messages": MESSAGES, "options": options, "quality_preset": "base"}
    given = {"completion": COMPLETION} if path == "score" else {}
    return httpx.post(f"{endpoint.base_url}/chat/{path}", json={**body, **given}, timeout=99, trust_env=False)


def test_the_table_has_exactly_the_documented_options() -> None:
    assert set(OPTIONS) == set(DOCUMENTED)


@pytest.mark.parametrize("path", ["completions", "score"])
@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_option_is_taken_or_refused_in_clear_words(
    endpoint: Endpoint, name: str, path: str
) -> None:
    answer = post(endpoint, path, {name: DOCUMENTED[name]})
    if name not in REFUSED:
        assert answer.status_code == 200, answer.text
        return
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == f"options.{name}"
    assert re.search(r"cannot be used here: this endpoint .*\.$", answer.json()["error"]["message"])
    assert "sk-mine" not in answer.text


@pytest.mark.parametrize("path", ["completions", "score"])
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"max_timeout": 0}, "max_timeout"),
        ({"max_timeout": -1}, "max_timeout"),
        ({"max_timeout": "60"}, "max_timeout"),
        ({"max_timeout": True}, "max_timeout"),
        ({"disable_persistence": "yes"}, "disable_persistence"),
        ({"use_self_reflection": 0}, "use_self_reflection"),
        ({"use_self_reflection": False, "num_self_reflections": 2}, "use_self_reflection"),
        ({"num_candidate_responses": 0}, "num_candidate_responses"),
        ({"num_candidate_responses": 21}, "num_candidate_responses"),
        ({"num_candidate_responses": True}, "num_candidate_responses"),
        ({"num_candidate_responses": 10**400}, "num_candidate_responses"),
        ({"max_patience": 5}, "max_patience"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_unusable_value_is_refused_by_name(
    endpoint: Endpoint, options: dict[str, Any], name: str, path: str
) -> None:
    answer = post(endpoint, path, options)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == f"options.{name}"
    assert endpoint.upstream.calls == [] and endpoint.scorer.asked == []


def test_several_candidates_are_refused_to_generate_and_mean_nothing_to_a_score(endpoint: Endpoint) -> None:
    refused = post(endpoint, "completions", {"num_candidate_responses": 4})
    assert refused.status_code == 400
    assert "must be 1 here" in refused.json()["error"]["message"]
    assert post(endpoint, "score", {"num_candidate_responses": 4}).status_code == 200


@pytest.mark.parametrize("given", [1e-3, 60, 2.5, 1e308, 10**400])
def test_a_time_limit_is_a_number_that_the_clock_can_hold(given: float) -> None:
    body = {"messages": MESSAGES, "completion": COMPLETION, "options": {"max_timeout": given}}
    assert score_request(body).settings.limit_s == min(given, 864_000)


def test_ten_minutes_are_the_limit_where_none_is_given(endpoint: Endpoint) -> None:
    body = {"messages": MESSAGES, "completion": COMPLETION, "options": {"max_timeout": None}}
    assert score_request(body).settings.limit_s == 600
    assert post(endpoint, "score", {"max_timeout": 1e300}).status_code == 200
