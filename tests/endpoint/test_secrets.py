"""Keys stay where they belong: sent to their endpoint, and shown nowhere."""

from __future__ import annotations

import base64
import html
import json
import logging
import traceback
from urllib.parse import quote

import pytest

from tests.endpoint.asking import (
    GENERATE,
    SCORE,
    a_request,
    a_score_request,
    collect,
    collect_until_error,
    run,
)
from tests.fake_endpoint import Answer, ApiError, Events, FakeEndpoint, Hang, HtmlPage, Reply
from tlm_dash.endpoint import refusals
from tlm_dash.endpoint.client import EndpointClient
from tlm_dash.endpoint.redaction import HIDDEN, Secrets, quotable
from tlm_dash.endpoint.wire import completion_of
from tlm_dash.errors import EndpointError, InvalidInputError

KEY = 'sk-Ab"12/34&56+78'

ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-of-the-environment",
    "OPENAI_ADMIN_KEY": "admin-of-the-environment",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/elsewhere",
    "OPENAI_ORG_ID": "org-of-the-environment",
    "OPENAI_PROJECT_ID": "project-of-the-environment",
    "OPENAI_WEBHOOK_SECRET": "hook-of-the-environment",
    "OPENAI_CUSTOM_HEADERS": "X-Environment: leaked\nAuthorization: Bearer of-the-environment",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "all_proxy": "http://127.0.0.1:9",
}


def spellings(secret: str) -> dict[str, str]:
    return {
        "plain": secret,
        "json": json.dumps(secret)[1:-1],
        "url": quote(secret, safe=""),
        "html": html.escape(secret),
        "with invisible characters": "\u200b".join(secret),
        "cut by control characters": "\x00".join(secret),
    }


def shown_of(error: EndpointError) -> str:
    """Give everything that a page, a log or a debugger may show of an error."""
    text = "".join(traceback.format_exception(error))
    return "\n".join([str(error), repr(error), repr(error.__dict__), text])


@pytest.mark.parametrize("spelling", spellings(KEY))
@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_an_echoed_key_is_hidden(fake_endpoint: FakeEndpoint, status: int, spelling: str) -> None:
    told = spellings(KEY)[spelling]
    headers = {"x-request-id": KEY} if spelling == "plain" else {}
    body = {"error": {"message": f"Incorrect key: {told}.", "code": "server_error"}}
    fake_endpoint.script(GENERATE, [Reply(status, body, headers), HtmlPage(status, f"Key {told} is wrong")])

    async def ask(client: EndpointClient) -> list[str]:
        shown = [repr(client), str(vars(client)["_secrets"])]
        for _ in range(2):
            with pytest.raises(EndpointError) as caught:
                await client.generate(a_request())
            shown.append(shown_of(caught.value))
        return shown

    for shown in run(fake_endpoint, ask, api_key=KEY):
        assert KEY not in shown
        assert told not in shown
    assert fake_endpoint.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_key_at_the_clipping_edge_is_hidden_whole() -> None:
    for start in range(250, 310):
        line = quotable("x" * start + KEY + "y" * 100, Secrets([KEY]))
        assert KEY[:4] not in line


def test_header_values_and_logins_are_secrets_too(fake_endpoint: FakeEndpoint) -> None:
    headers = {"X-Gateway": "gate-1234", "Authorization": "Bearer token-5678"}
    told = f"gate-1234 token-5678 {base64.b64encode(b'ann:pass-word').decode()} pass-word q-9999"
    fake_endpoint.script(GENERATE, [ApiError(400, told)])
    base_url = fake_endpoint.base_url.replace("//", "//ann:pass-word@") + "?key=q-9999"
    with pytest.raises(EndpointError) as caught:
        run(base_url, lambda client: client.generate(a_request()), headers=headers)
    assert caught.value.message == f"The endpoint refused the request (400): “{' '.join([HIDDEN] * 5)}”."
    sent = fake_endpoint.requests[0].headers
    assert sent["x-gateway"] == "gate-1234"
    assert sent["authorization"] == "Bearer token-5678"
    assert "pass-word" not in repr(EndpointClient(base_url))


def test_a_login_in_the_base_url_is_basic_authentication(fake_endpoint: FakeEndpoint) -> None:
    base_url = fake_endpoint.base_url.replace("//", "//ann:p%40ss@")
    run(base_url, lambda client: client.generate(a_request()))
    login = base64.b64encode(b"ann:p@ss").decode()
    assert fake_endpoint.requests[0].headers["authorization"] == f"Basic {login}"
    assert "ann" not in fake_endpoint.requests[0].path


def test_the_address_in_a_message_has_no_login() -> None:
    with pytest.raises(EndpointError) as caught:
        run(
            "http://ann:pass-word@no-such-host.invalid/api?key=q-9999",
            lambda client: client.generate(a_request()),
        )
    assert "http://no-such-host.invalid/api" in caught.value.message
    assert not {"ann", "pass-word", "q-9999"} & set(shown_of(caught.value).replace("/", " ").split())


def test_the_providers_key_in_the_options_is_hidden_everywhere(fake_endpoint: FakeEndpoint) -> None:
    options = {"model_provider": {"api_base": "http://x", "api_key": "provider-key-1"}}
    request = a_request(options=options)
    metadata = {"trustworthiness_score": 0.5, "used": options, "log": {"explanation": "by provider-key-1"}}
    answer = Answer(
        extra={"tlm_metadata": metadata, "options": options}, message={"echo": ["provider-key-1"]}
    )
    fake_endpoint.script(
        GENERATE,
        [answer, answer, ApiError(500, "bad provider-key-1"), Events(({"error": "provider-key-1"},))],
    )
    fake_endpoint.script(SCORE, [Reply(200, {"tlm_metadata": metadata}), ApiError(400, "bad provider-key-1")])

    async def ask(client: EndpointClient) -> list[str]:
        shown = [str(await client.generate(request)), str((await collect(client, request))[1])]
        for _ in range(2):
            with pytest.raises(EndpointError) as caught:
                await collect(client, request)
            shown.append(shown_of(caught.value))
        scoring = a_score_request(options=options)
        shown.append(str(await client.score(scoring)))
        with pytest.raises(EndpointError) as caught:
            await client.score(scoring)
        return [*shown, shown_of(caught.value)]

    for shown in run(fake_endpoint, ask):
        assert "provider-key-1" not in shown
        assert HIDDEN in shown
    assert fake_endpoint.requests[0].body["options"] == options


def test_what_names_the_model_and_the_end_of_an_answer_hides_the_key() -> None:
    secrets = Secrets(["a-key-of-ours"])
    choice = {"message": {"content": "So."}, "finish_reason": "stop a-key-of-ours"}
    told = completion_of({"model": "m a-key-of-ours", "choices": [choice]}, model="m", secrets=secrets)
    assert (told.resolved_model, told.finish_reason) == (f"m {HIDDEN}", f"stop {HIDDEN}")


def test_nothing_is_logged_but_method_and_status(
    fake_endpoint: FakeEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake_endpoint.script(GENERATE, [ApiError(401, f"Incorrect key {KEY}"), Hang()])
    base_url = fake_endpoint.base_url.replace("//", "//ann:pass-word@") + "?key=q-9999"
    for timeout_s in (5.0, 0.2):
        with pytest.raises(EndpointError):
            run(base_url, lambda c: c.generate(a_request()), api_key=KEY, timeout_s=timeout_s)
    for secret in (KEY, "pass-word", "sky?"):
        assert secret not in caplog.text


def test_an_answer_shows_neither_headers_nor_body() -> None:
    assert repr(refusals.Answer(401, {"x-key": KEY}, KEY.encode())) == "Answer(status=401)"


def test_short_words_are_not_hidden() -> None:
    assert Secrets([".", "", "abc"]).clean("a.b.abc") == "a.b.abc"
    assert Secrets(["abcd"]).clean("xabcdx") == f"x{HIDDEN}x"
    assert Secrets(["abcd", "abcdef"]).clean("abcdef abcd") == f"{HIDDEN} {HIDDEN}"


def test_values_are_cleaned_in_depth() -> None:
    value = {"a": ["key-1", {"key-1": "x key-1"}], "n": 1, "t": None}
    cleaned = Secrets(["key-1"]).clean_value(value)
    assert cleaned == {"a": [HIDDEN, {HIDDEN: f"x {HIDDEN}"}], "n": 1, "t": None}
    assert Secrets().clean_value(value) is value


@pytest.mark.parametrize("value", ["sk-1\nX-Evil: 1", "schlüssel", "a\x00b"])
def test_a_key_that_cannot_be_sent_is_told_without_showing_it(value: str) -> None:
    for options in ({"api_key": value}, {"headers": {"X-Key": value}}):
        with pytest.raises(InvalidInputError) as caught:
            EndpointClient("http://localhost/api", **options)  # type: ignore[arg-type]
        assert value not in str(caught.value)
        assert "cannot be sent" in str(caught.value)


def test_a_pasted_key_is_trimmed_and_an_empty_one_is_the_placeholder(fake_endpoint: FakeEndpoint) -> None:
    for key in (" sk-12345\n", "", "."):
        run(fake_endpoint, lambda client: client.generate(a_request()), api_key=key)
    sent = [request.headers["authorization"] for request in fake_endpoint.requests]
    assert sent == ["Bearer sk-12345", "Bearer .", "Bearer ."]


def test_the_environment_does_not_reach_the_endpoint(
    fake_endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = headers_sent(fake_endpoint)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert headers_sent(fake_endpoint) == plain
    assert plain["authorization"] == "Bearer ."
    assert not [name for name in plain if name.startswith(("openai", "x-environment"))]
    known = {"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}
    known |= {"authorization", "user-agent", "x-stainless-retry-count", "x-stainless-read-timeout"}
    assert set(plain) <= known


def headers_sent(endpoint: FakeEndpoint) -> dict[str, str]:
    run(endpoint, lambda client: client.generate(a_request()))
    run(endpoint, lambda client: client.models())
    run(endpoint, collect_nothing)
    merged: dict[str, str] = {}
    for request in endpoint.requests[-3:]:
        merged |= request.headers
    return merged


async def collect_nothing(client: EndpointClient) -> None:
    await collect(client)


def test_a_stream_error_hides_the_key(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [Events(({"error": {"message": f"key {KEY}"}},))])
    _, error = run(fake_endpoint, collect_until_error, api_key=KEY)
    assert KEY not in shown_of(error)
    assert HIDDEN in error.message
