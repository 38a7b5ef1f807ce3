"""Every trouble of an answer becomes exactly one kind of error, with a sentence and a next step."""

from __future__ import annotations

import json
import random

import pytest

from tests.endpoint.asking import (
    GENERATE,
    SCORE,
    a_request,
    a_score_request,
    check_sentence,
    collect_until_error,
    error_of,
    run,
)
from tests.fake_endpoint import ApiError, Drop, FakeEndpoint, HtmlPage, RateLimited, Reply
from tlm_dash.endpoint.redaction import Secrets
from tlm_dash.endpoint.refusals import failure_of_object
from tlm_dash.errors import (
    AccessDeniedError,
    AccountExhaustedError,
    AnswerWithheldError,
    ConnectionDroppedError,
    EndpointError,
    NotTlmEndpointError,
    RateLimitedError,
    RequestRefusedError,
    ServerFailedError,
    TokenLimitError,
)

OPENAI_TOO_LONG = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
)
HALF_A_BODY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + b'{"choices": ['
)

TROUBLE: dict[str, tuple[object, type[EndpointError], str]] = {
    "429": (RateLimited(), RateLimitedError, "fewer requests"),
    "429 html": (HtmlPage(429, "Slow down"), RateLimitedError, "“Slow down”"),
    "429 quota": (
        ApiError(429, "You exceeded your quota", code="insufficient_quota"),
        AccountExhaustedError,
        "no quota or credit left: “You exceeded your quota”",
    ),
    "429 about tokens": (
        ApiError(429, "Request too large: maximum context length"),
        TokenLimitError,
        "too long",
    ),
    "429 larger than a minute takes": (
        ApiError(
            429,
            "Request too large for m on tokens per min (TPM): Limit 30000, Requested 45000. The "
            "input or output tokens must be reduced in order to run successfully.",
            code="rate_limit_exceeded",
        ),
        TokenLimitError,
        "too long",
    ),
    "429 about tokens a minute": (
        ApiError(429, "Rate limit reached for m on tokens per min (TPM): Limit 30000, Used 29000."),
        RateLimitedError,
        "fewer",
    ),
    "498": (Reply(498, {"error": "capacity"}), ServerFailedError, "capacity"),
    "500 about tokens": (
        ApiError(500, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
        TokenLimitError,
        "too long",
    ),
    "400 of a content filter": (
        ApiError(400, "The response was filtered", code="content_filter"),
        AnswerWithheldError,
        "withheld",
    ),
    "200 with a code and words": (
        Reply(200, {"code": 1302, "msg": "Your request rate is too high", "success": False}),
        RateLimitedError,
        "rate is too high",
    ),
    **{
        f"too long: {words[:20]}": (ApiError(status, words), TokenLimitError, "too long")
        for status, words in (
            (400, "The decoder prompt (length 5012) is longer than the maximum model length of 4096."),
            (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096."),
            (400, "Token indices sequence length is longer than the specified maximum sequence length"),
            (400, "Input is too long for requested model."),
        )
    },
    "408": (ApiError(408, "Request timed out"), ServerFailedError, "408"),
    "409": (ApiError(409, "Conflict"), ServerFailedError, "409"),
    "500": (ApiError(500, "The model crashed"), ServerFailedError, "“The model crashed”"),
    "500 text": (Reply(500, b"Internal Server Error", {}, "text/plain"), ServerFailedError, "Internal"),
    "500 empty": (Reply(500, b""), ServerFailedError, "(500)."),
    "502 html": (HtmlPage(502, "502 Bad Gateway"), ServerFailedError, "HTML page titled “502 Bad Gateway”"),
    "503": (Reply(503, {"detail": "overloaded"}), ServerFailedError, "overloaded"),
    "504 about tokens": (ApiError(504, "too many tokens"), ServerFailedError, "504"),
    "599": (ApiError(599), ServerFailedError, "599"),
    "401": (
        ApiError(401, "Invalid key", code="invalid_api_key"),
        AccessDeniedError,
        "does not accept the key",
    ),
    "401 html": (HtmlPage(401, "Login"), AccessDeniedError, "does not accept the key"),
    "403": (Reply(403, {"message": "Forbidden by policy"}), AccessDeniedError, "Forbidden by policy"),
    "400": (ApiError(400, "options.log is not a list"), RequestRefusedError, "options.log is not a list"),
    "400 html": (
        HtmlPage(400, "400 The plain HTTP request was sent to HTTPS port"),
        NotTlmEndpointError,
        "HTTPS",
    ),
    "400 code": (ApiError(400, "Too much", code="context_length_exceeded"), TokenLimitError, "too long"),
    "400 message": (ApiError(400, OPENAI_TOO_LONG), TokenLimitError, "8192"),
    "400 llama": (
        ApiError(400, "the request exceeds the available context size"),
        TokenLimitError,
        "too long",
    ),
    "400 other": (
        ApiError(400, "prompt is too long: 210000 tokens > 200000 maximum"),
        TokenLimitError,
        "too long",
    ),
    "413": (HtmlPage(413, "413 Request Entity Too Large"), NotTlmEndpointError, "413"),
    "413 json": (ApiError(413, "Body too big"), RequestRefusedError, "so large"),
    "413 tokens": (ApiError(413, "Too many tokens"), TokenLimitError, "too long"),
    "422": (
        Reply(422, {"detail": [{"loc": ["body", "options", "max_tokens"], "msg": "must be at least 64"}]}),
        RequestRefusedError,
        "“options.max_tokens: must be at least 64”",
    ),
    "400 option": (
        ApiError(400, "disable_trustworthiness is not supported"),
        RequestRefusedError,
        "disable_trustworthiness",
    ),
    "404 model": (
        ApiError(404, "No", code="model_not_found"),
        RequestRefusedError,
        "does not know this model",
    ),
    "404 model text": (
        ApiError(404, "The model `x` does not exist"),
        RequestRefusedError,
        "does not know this model",
    ),
    "404 html": (HtmlPage(404, "404 Not Found"), NotTlmEndpointError, "HTML page titled “404 Not Found”"),
    "404 json": (Reply(404, {"detail": "Not Found"}), RequestRefusedError, "nothing at this address"),
    "404 text": (
        Reply(404, b"404 page not found", {}, "text/plain"),
        RequestRefusedError,
        "404 page not found",
    ),
    "405": (Reply(405, {"detail": "Method Not Allowed"}), RequestRefusedError, "nothing at this address"),
    "418": (ApiError(418, "I am a teapot"), RequestRefusedError, "teapot"),
    "301": (
        Reply(301, b"", {"Location": "https://u:p@new.example/api?k=1"}),
        NotTlmEndpointError,
        "new.example/api",
    ),
    "307": (Reply(307, b"", {"Location": "/api/chat/completions/"}), NotTlmEndpointError, "/completions/"),
    "302 nowhere": (Reply(302, b""), NotTlmEndpointError, "sends requests on (302)"),
    "304": (Reply(304, b""), NotTlmEndpointError, "304"),
    "200 html": (HtmlPage(200), NotTlmEndpointError, "HTML page titled “Welcome to nginx!”"),
    "200 html untitled": (
        Reply(200, b"<html><body>secret</body></html>"),
        NotTlmEndpointError,
        "an HTML page, not",
    ),
    "200 text": (Reply(200, b"OK", {}, "text/plain"), NotTlmEndpointError, "not JSON"),
    "200 empty": (Reply(200, b""), NotTlmEndpointError, "empty answer"),
    "204": (Reply(204, b""), NotTlmEndpointError, "empty answer"),
    "200 list": (Reply(200, []), NotTlmEndpointError, "a list"),
    "200 number": (Reply(200, 5), NotTlmEndpointError, "a number"),
    "200 nested": (Reply(200, b"[" * 100_000 + b"]" * 100_000), NotTlmEndpointError, "nested too deeply"),
    "200 broken": (Reply(200, b'{"choices": oops}'), NotTlmEndpointError, "not JSON"),
    "200 gzip": (
        Reply(200, b"not gzip", {"Content-Encoding": "gzip"}),
        NotTlmEndpointError,
        "cannot be decoded",
    ),
    "200 cut": (
        Reply(200, b'{"choices": [{"message": {"content": "Bl'),
        ConnectionDroppedError,
        "in the middle",
    ),
    "200 cut after }": (Reply(200, b'{"choices": [{"a": {}'), ConnectionDroppedError, "in the middle"),
    "200 cut in word": (Reply(200, b'{"choices": tru'), ConnectionDroppedError, "in the middle"),
    "200 half": (Drop(HALF_A_BODY), ConnectionDroppedError, "closed before"),
    "200 half, reset": (Drop(HALF_A_BODY, reset=True), ConnectionDroppedError, "closed before"),
    "200 error": (Reply(200, {"error": {"message": "Slow", "code": 429}}), RateLimitedError, "Slow"),
    "200 error text": (Reply(200, {"error": "model overloaded"}), ServerFailedError, "overloaded"),
    "200 error object": (
        Reply(200, {"object": "error", "message": "bad", "code": 400}),
        RequestRefusedError,
        "bad",
    ),
    "closed at once": (Drop(), ConnectionDroppedError, "closed before"),
    "reset at once": (Drop(reset=True), ConnectionDroppedError, "closed before"),
    "no http": (Drop(b"SSH-2.0-OpenSSH_9.2\r\n"), NotTlmEndpointError, "proper HTTP"),
}

HINTS = {
    "400 code": "Lower the quality preset or max_tokens",
    "400 message": "Lower the quality preset or max_tokens",
    "404 html": "usually ends in /api",
    "404 json": "usually ends in /api",
    "200 html": "usually ends in /api",
    "404 model": "TLM_DASH_MODELS",
    "401": "TLM_DASH_API_KEY",
    "429": "TLM_DASH_MAX_IN_FLIGHT",
    "429 quota": "Waiting will not help",
    "301": "base URL to the final address",
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_becomes_one_kind(fake_endpoint: FakeEndpoint, name: str) -> None:
    reply, kind, told = TROUBLE[name]
    fake_endpoint.script(GENERATE, [reply])  # type: ignore[list-item]
    fake_endpoint.script(SCORE, [reply])  # type: ignore[list-item]
    error = error_of(fake_endpoint)
    assert type(error) is kind
    assert told in error.message
    assert HINTS.get(name, "") in error.hint
    if isinstance(reply, Reply) and reply.status != 200 and "gzip" not in name:
        assert error.status == reply.status
    scoring = error_of(fake_endpoint, lambda client: client.score(a_score_request()))
    assert (type(scoring), scoring.message, scoring.hint) == (kind, error.message, error.hint)
    assert len(fake_endpoint.requests) == 2, "nothing is sent twice"


@pytest.mark.parametrize("name", TROUBLE)
def test_a_stream_that_never_starts_has_the_same_kind(fake_endpoint: FakeEndpoint, name: str) -> None:
    reply, kind, _ = TROUBLE[name]
    fake_endpoint.script(GENERATE, [reply, reply])  # type: ignore[list-item]
    pieces, error = run(fake_endpoint, collect_until_error)
    assert type(error) is kind
    assert pieces == []
    check_sentence(error)


def test_html_is_described_and_never_quoted(fake_endpoint: FakeEndpoint) -> None:
    title = "Bad \x1b[31m\u202e gate\nway &amp;"
    fake_endpoint.script(GENERATE, [HtmlPage(200, title), HtmlPage(500, f"{title}<b>co</b>")])
    for _ in range(2):
        error = error_of(fake_endpoint)
        assert "“Bad [31m gate way &”" in error.message
        assert "Hello" not in error.message
    fake_endpoint.script(GENERATE, [HtmlPage(200, "x" * 500)])
    assert "“" + "x" * 79 + "…”" in error_of(fake_endpoint).message


def test_huge_error_bodies_are_clipped(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(500, "word " * 400_000), Reply(500, b"y" * 2_000_000)])
    for _ in range(2):
        error = error_of(fake_endpoint)
        assert len(error.message) < 400
        assert "…”" in error.message


def test_control_and_bidi_characters_of_an_error_are_dropped(fake_endpoint: FakeEndpoint) -> None:
    fake_endpoint.script(GENERATE, [ApiError(400, "a\x00b\u202ec\r\n\td\u200be")])
    assert error_of(fake_endpoint).message == "The endpoint refused the request (400): “abc de”."


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "What went wrong"}},
        {"error": "What went wrong"},
        {"detail": "What went wrong"},
        {"detail": {"message": "What went wrong"}},
        {"detail": [{"msg": "What went wrong"}]},
        {"message": "What went wrong"},
        {"errors": ["What went wrong"]},
        [{"error": {"message": "What went wrong"}}],
        "What went wrong",
    ],
)
def test_the_message_is_found_in_the_usual_shapes(fake_endpoint: FakeEndpoint, body: object) -> None:
    fake_endpoint.script(GENERATE, [Reply(400, body)])
    assert error_of(fake_endpoint).message == "The endpoint refused the request (400): “What went wrong”."


@pytest.mark.parametrize(
    "body", [{"error": None}, {"detail": []}, {"error": {"message": 7}}, [1, 2], 5, None]
)
def test_an_error_body_that_says_nothing(fake_endpoint: FakeEndpoint, body: object) -> None:
    fake_endpoint.script(GENERATE, [Reply(400, body)])
    assert error_of(fake_endpoint).message == "The endpoint refused the request (400)."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
        ({"x-ratelimit-reset-requests": "6s"}, 6.0),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for(
    fake_endpoint: FakeEndpoint, headers: dict[str, str], seconds: float | None
) -> None:
    fake_endpoint.script(GENERATE, [Reply(429, {}, headers)])
    assert error_of(fake_endpoint).retry_after_s == seconds


def test_other_errors_tell_their_wait_too_but_not_from_rate_limit_headers(
    fake_endpoint: FakeEndpoint,
) -> None:
    headers = {"x-ratelimit-reset-requests": "6s"}
    fake_endpoint.script(GENERATE, [Reply(503, {}, {"Retry-After": "7"}), Reply(503, {}, headers)])
    assert error_of(fake_endpoint).retry_after_s == 7.0
    assert error_of(fake_endpoint).retry_after_s is None


@pytest.mark.parametrize("header", ["x-request-id", "request-id"])
def test_the_request_id_is_told(fake_endpoint: FakeEndpoint, header: str) -> None:
    fake_endpoint.script(GENERATE, [Reply(500, {}, {header: "req-123"}), ApiError(500)])
    assert error_of(fake_endpoint).request_id == "req-123"
    assert error_of(fake_endpoint).request_id is None


def test_a_redirect_is_not_followed_and_takes_no_key_along(fake_endpoint: FakeEndpoint) -> None:
    with FakeEndpoint() as other:
        fake_endpoint.script(GENERATE, [Reply(308, b"", {"Location": f"{other.base_url}/chat/completions"})])
        error = error_of(fake_endpoint, api_key="sk-very-secret")
        assert f"127.0.0.1:{other.port}" in error.message
        assert not other.requests


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"code": "429", "message": "x"}, RateLimitedError, 429),
        ({"status": 503, "message": "x"}, ServerFailedError, 503),
        ({"type": "rate_limit_error", "message": "x"}, RateLimitedError, 429),
        ({"type": "server_error", "message": "rate"}, ServerFailedError, 500),
        ({"type": "overloaded_error"}, ServerFailedError, 500),
        ({"code": "invalid_api_key"}, AccessDeniedError, 401),
        ({"type": "permission_denied"}, AccessDeniedError, 403),
        ({"type": "invalid_request_error", "message": "bad"}, RequestRefusedError, 400),
        ({"type": "invalid_request_error", "message": OPENAI_TOO_LONG}, TokenLimitError, 400),
        ({"message": "upstream timeout"}, ServerFailedError, 504),
        ({"code": 7, "message": "?"}, ServerFailedError, 500),
        ({"code": True}, ServerFailedError, 500),
        ("something", ServerFailedError, 500),
        (["x"], ServerFailedError, 500),
    ],
)
def test_error_objects_without_a_status(error: object, kind: type[EndpointError], status: int) -> None:
    failure = failure_of_object(error, Secrets(), {})
    assert type(failure) is kind
    assert failure.status == status
    check_sentence(failure)


def test_no_error_body_is_a_crash(fake_endpoint: FakeEndpoint) -> None:
    """Throw mutilated bodies at the client: whatever comes, the answer is one of our errors or an answer."""
    chance = random.Random(5)
    whole = json.dumps({"error": {"message": "x" * 20, "code": [1], "type": {}}, "detail": [[[]]]}).encode()
    for status in (200, 400, 404, 429, 500):
        for _ in range(12):
            body = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            fake_endpoint.script(GENERATE, [Reply(status, bytes(body[: chance.randrange(len(body) + 1)]))])

    async def all_of_them(client: object) -> None:
        for _ in range(60):
            with pytest.raises(EndpointError) as caught:
                await client.generate(a_request())  # type: ignore[attr-defined]
            check_sentence(caught.value)

    run(fake_endpoint, all_of_them)


def test_a_quoted_sentence_ends_once(fake_endpoint: FakeEndpoint) -> None:
    told = ApiError(429, "You exceeded your current quota.", code="insufficient_quota")
    fake_endpoint.script(GENERATE, [told])
    assert error_of(fake_endpoint).message.endswith("left: “You exceeded your current quota.”")
