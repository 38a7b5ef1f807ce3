"""What stands at an address, in a sentence: TLM, another provider, a web page, nobody."""

from __future__ import annotations

import pytest

from tests.endpoint.asking import error_of, run
from tests.fake_endpoint import (
    MODELS,
    Answer,
    ApiError,
    Behaviour,
    Drop,
    FakeEndpoint,
    Hang,
    HtmlPage,
    Replier,
    Reply,
)
from tlm_dash.errors import AccessDeniedError, NotTlmEndpointError, ServerFailedError
from tlm_dash.models import EndpointHealth

ABSENT = Reply(404, {"detail": "Not Found"})
NO_PAGE = HtmlPage(404, "404 Not Found")


def health(endpoint: FakeEndpoint | str, **options: object) -> EndpointHealth:
    found = run(endpoint, lambda client: client.health(), **options)
    assert found.detail
    assert not found.hint or found.hint.endswith(".")
    return found


def test_a_healthy_endpoint(fake_endpoint: FakeEndpoint) -> None:
    found = health(fake_endpoint)
    assert found.reachable
    assert found.detail == "The endpoint answers; it lists 3 models."
    assert found.hint == ""
    assert found.models == MODELS
    assert found.latency_ms is not None and found.latency_ms > 0
    assert not fake_endpoint.requests_to("chat/score"), "a healthy endpoint is not bothered further"


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (Reply(200, {"data": [{"id": "one"}]}), "it lists 1 model."),
        (Reply(200, {"data": []}), "its model list is empty."),
        (ABSENT, "it lists no models."),
        (NO_PAGE, "it lists no models."),
    ],
)
def test_how_many_models(fake_endpoint: FakeEndpoint, listed: Reply, told: str) -> None:
    fake_endpoint.script("models", [listed])
    found = health(fake_endpoint)
    assert found.reachable
    assert found.detail == f"The endpoint answers; {told}"
    assert ("TLM_DASH_MODELS" in found.hint) == (not found.models)


def test_a_real_endpoint_without_health_and_models(fake_endpoint: FakeEndpoint) -> None:
    for absent in (ABSENT, NO_PAGE):
        fake_endpoint.behave(Behaviour(Answer(), absent))
        found = health(fake_endpoint)
        assert found.reachable
        assert "it lists no models" in found.detail
    assert all(request.body in (None, {}) for request in fake_endpoint.requests), "nothing that costs"


def test_a_plain_ok_leaves_it_open(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script("health", [Reply(200, b"OK", {}, "text/plain"), Reply(200, b"")])
    assert health(fake_endpoint).reachable
    assert health(fake_endpoint).reachable
    assert len(fake_endpoint.requests_to("chat/score")) == 2


def test_another_provider_is_told_apart(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script("health", [ABSENT, ABSENT])
    fake_endpoint.behave(Behaviour(Answer(), Answer(), score=ABSENT))
    found = health(fake_endpoint)
    assert found.reachable
    assert "no chat/score" in found.detail and "not TLM" in found.detail
    assert "BASE_URL" in found.hint
    assert found.models == MODELS
    expected = health(fake_endpoint, speaks_tlm=False)
    assert expected.reachable
    assert expected.detail == "The provider answers; it lists 3 models."
    assert len(fake_endpoint.requests_to("chat/score")) == 1


def test_a_web_application_that_is_no_endpoint_at_all(fake_endpoint: FakeEndpoint) -> None:
    """The commonest mistake: the base URL without its /api."""
    fake_endpoint.behave(Behaviour(ABSENT, ABSENT))
    for speaks_tlm in (True, False):
        found = health(fake_endpoint, speaks_tlm=speaks_tlm)
        assert not found.reachable
        assert found.detail == "Something answers at this address (404), but it is no TLM endpoint."
        assert "usually ends in /api" in found.hint


@pytest.mark.parametrize(
    ("behaviour", "detail", "hint"),
    [
        ("html", "HTML page titled “Welcome to nginx!”", "usually ends in /api"),
        ("not-found", "HTML page titled “404 Not Found” (404)", "usually ends in /api"),
        ("unauthorized", "does not accept the key (401)", "TLM_DASH_API_KEY"),
        ("starting", "Fetching the model: 42 of 93 MB", "it starts by itself"),
        (Behaviour(facts=ApiError(500, "broken")), "failed on its own side (500): “broken”", "own log"),
        (Behaviour(facts=ApiError(503, "broken")), "failed on its own side (503)", "own log"),
        (Behaviour(facts=Reply(503, {"status": "starting"})), "The endpoint is starting.", "itself"),
        (Behaviour(facts=Reply(200, {"status": "starting", "detail": "Soon\u202e"})), "Soon", "itself"),
        (Behaviour(facts=ApiError(429)), "fewer requests", ""),
        (Behaviour(facts=Drop()), "connection closed", "again"),
        (
            Behaviour(facts=Reply(301, b"", {"Location": "https://new.example/api"})),
            "https://new.example/api",
            "final",
        ),
        (Behaviour(NO_PAGE, ABSENT), "HTML page titled “404 Not Found”", "usually ends in /api"),
        (Behaviour(ApiError(401), ABSENT), "does not accept the key", "TLM_DASH_API_KEY"),
        (Behaviour(Answer(), ABSENT, score=ApiError(403)), "does not allow", "TLM_DASH_API_KEY"),
        (
            Behaviour(Reply(200, b"hello", {}, "text/plain"), ABSENT),
            "(200), but it is no TLM endpoint",
            "/api",
        ),
    ],
)
def test_what_is_wrong(
    fake_endpoint: FakeEndpoint, behaviour: str | Behaviour, detail: str, hint: str
) -> None:
    fake_endpoint.behave(behaviour)
    found = health(fake_endpoint)
    assert not found.reachable
    assert detail in found.detail
    assert found.detail.isprintable()
    assert hint in found.hint
    assert found.models == ()


def test_nobody_and_nothing_in_time(fake_endpoint: FakeEndpoint) -> None:
    nobody = health("http://127.0.0.1:9/api")
    assert not nobody.reachable
    assert "nothing is listening there" in nobody.detail
    fake_endpoint.behave(Behaviour(facts=Hang()))
    late = health(fake_endpoint, timeout_s=1.5)
    assert not late.reachable
    assert "within 1.5 s" in late.detail


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"object": "list", "data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}, ("b", "a")),
        ({"data": ["a", {"id": 7}, {"name": "c"}, None]}, ("a", "c")),
        ({"models": [{"name": "a"}]}, ("a",)),
        (["a"], ("a",)),
        ({"data": []}, ()),
        ({"data": "a"}, None),
        ({}, None),
        ("a", None),
    ],
)
def test_model_lists(fake_endpoint: FakeEndpoint, body: object, names: tuple[str, ...] | None) -> None:
    fake_endpoint.script("models", [Reply(200, body)])
    assert run(fake_endpoint, lambda client: client.models()) == names


@pytest.mark.parametrize("reply", [ABSENT, NO_PAGE, Reply(405, {}), Reply(501, {}), Reply(400, {})])
def test_no_list_is_none(fake_endpoint: FakeEndpoint, reply: Reply) -> None:
    fake_endpoint.script("models", [reply])
    assert run(fake_endpoint, lambda client: client.models()) is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (ApiError(401), AccessDeniedError),
        (ApiError(500), ServerFailedError),
        (HtmlPage(), NotTlmEndpointError),
    ],
)
def test_trouble_with_the_list_is_raised(fake_endpoint: FakeEndpoint, reply: Reply, kind: type) -> None:
    fake_endpoint.script("models", [reply])
    assert type(error_of(fake_endpoint, lambda client: client.models())) is kind


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(), "working"),
        (Reply(503, {"status": "starting", "detail": "Loading the model"}), "starting"),
        (ApiError(401, "No key"), "access_denied"),
        (ApiError(403, "Not you"), "access_denied"),
        (HtmlPage(), "not_tlm"),
        (ApiError(500, "Out of order"), "failing"),
        (Drop(), "unreachable"),
    ],
)
def test_the_state_is_one_word(fake_endpoint: FakeEndpoint, answer: Replier, state: str) -> None:
    fake_endpoint.behave(Behaviour(answer, answer))
    assert health(fake_endpoint).state == state
