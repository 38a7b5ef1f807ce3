"""A request's body: its declared type, its size, the time it takes to come, and the JSON object in it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request

from tlm_dash.local_endpoint.api_error import ApiError, refused

# A whole book fits; more is a mistake, and would only be refused later for its length.
MAX_BODY_BYTES = 8 * 2**20

# A caller on a slow line needs a second or two for a long prompt; one who takes longer than this holds memory
# and a connection that others need.
BODY_LIMIT_S = 30.0

# Bodies that are still coming, all together. Above this a new one is asked to come again.
MAX_BYTES_ON_THEIR_WAY = 64 * 2**20
RETRY_AFTER_S = "1"

# Deeper than the deepest schema that may be sent, many times over.
MAX_JSON_DEPTH = 100

# An answer with 20 log-probabilities for each of 4,096 tokens, to be scored, has fewer. A million take half a
# second to read, in which nobody else is served.
MAX_VALUES = 1_000_000

_MEDIA_TYPE = re.compile(r"application/(?:json|[a-z0-9!#$&^_.+-]+\+json)", re.IGNORECASE)
_ANY_JSON = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\+json", re.IGNORECASE)
_PARAMETER = re.compile(
    r"""\s*;\s*(?:(?P<name>[a-z0-9!#$%&'*+.^_`|~-]+)=(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[a-z0-9!#$%&'*+.^_`|~-]+)))?""",
    re.IGNORECASE,
)
_HOW = "Send JSON with one header Content-Type: application/json"


class BodyReader:
    """Reads the bodies of one endpoint's requests, and knows how much of them is on its way."""

    def __init__(self) -> None:
        self._on_their_way = 0

    async def json_object(self, request: Request) -> dict[str, Any]:
        """Return a request's body as a JSON object, or refuse it (400, 408, 413, 415, 503)."""
        check_content_type(request)
        return json_object(await self._read(request))

    async def _read(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > MAX_BODY_BYTES:
            raise _too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                async for part in request.stream():
                    self._on_their_way += len(part)
                    body += part
                    if len(body) > MAX_BODY_BYTES:
                        raise _too_large()
                    if self._on_their_way > MAX_BYTES_ON_THEIR_WAY:
                        raise _too_much()
        except TimeoutError:
            message = f"The request's body did not arrive within {BODY_LIMIT_S:g} s."
            raise ApiError(408, message, code="request_timeout") from None
        finally:
            self._on_their_way -= len(body)
        return bytes(body)


def _too_large() -> ApiError:
    message = f"The request is larger than {MAX_BODY_BYTES // 2**20} MB."
    return ApiError(413, message, code="request_too_large")


def _too_much() -> ApiError:
    message = "The endpoint is being sent too much at once. Send this request again."
    return ApiError(503, message, code="too_much_at_once", retry_after=RETRY_AFTER_S)


def check_content_type(request: Request) -> None:
    """Refuse (415) a body that is not declared to be JSON in UTF-8, by one header that names one type.

    A web page of another site may send some other types without asking first. Refusing them keeps pages in
    the user's browser from spending the machine's time.
    """
    given = request.headers.getlist("content-type")
    if len(given) != 1:
        count = f"{len(given)} such headers" if given else "no such header"
        raise _unsupported(f"{_HOW}; this request has {count}.")
    kind, _, _ = given[0].partition(";")
    kind = kind.strip(" \t")
    if not (_MEDIA_TYPE.fullmatch(kind) or _ANY_JSON.fullmatch(kind)):
        raise _unsupported(f"{_HOW}, not {kind[:80]!r}.")
    for name, value in _parameters(given[0]):
        if name.lower() == "charset" and value.lower() not in ("utf-8", "utf8"):
            raise _unsupported(f"{_HOW}; JSON is read as UTF-8 only, not as {value[:80]!r}.")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("identity", ""):
        raise _unsupported(
            f"Send the body as it is; the Content-Encoding {encoding[:80]!r} is not read here."
        )


def _parameters(header: str) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a Content-Type; refuses what is none."""
    at = header.find(";")
    while 0 <= at < len(header.rstrip()):
        found = _PARAMETER.match(header, at)
        if found is None:
            raise _unsupported(f"{_HOW}, not {header[:80]!r}.")
        if found["name"]:
            yield found["name"], found["quoted"] if found["quoted"] is not None else found["plain"]
        at = found.end()


def _unsupported(message: str) -> ApiError:
    return ApiError(415, message, code="unsupported_media_type", param="body")


def json_object(body: bytes) -> dict[str, Any]:
    """Return a request body as a JSON object.

    Refused are NaN, Infinity and what is read as infinite, half characters (in names too), and deep nesting.
    Of two fields with one name the later counts.
    """
    _check_count(body)
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise refused("body", f"The request body is not UTF-8 (byte {error.start:,}).") from None
    except json.JSONDecodeError as error:
        raise refused("body", f"The request body is not valid JSON: {error}.") from None
    except ValueError as error:
        why = error if isinstance(error, _NotJsonError) else "a number in it has too many digits"
        raise refused("body", f"The request body is not valid JSON: {why}.") from None
    if not isinstance(value, dict):
        raise refused("body", "The request body must be a JSON object.")
    _check_depth(value)
    _check_values(value)
    return value


def _check_count(body: bytes) -> None:
    """Refuse more values than are read in a moment. Commas are counted, without those in strings."""
    if body.count(b",") <= MAX_VALUES:
        return
    outside = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    if sum(part.count(b",") for part in outside) > MAX_VALUES:
        raise refused("body", f"The request body holds more than {MAX_VALUES:,} values.")


class _NotJsonError(ValueError):
    """A word that Python reads as a number and JSON does not know."""


def _no_constant(name: str) -> float:
    raise _NotJsonError(f"{name} is not JSON")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        inside = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for values in inside for one in values if isinstance(one, dict | list)]  # type: ignore[attr-defined]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ApiError:
    return refused("body", f"The request body is nested too deeply; {MAX_JSON_DEPTH} levels are the most.")


def _check_values(value: object) -> None:
    """Refuse what cannot be written as UTF-8 JSON again. Writing it is the fastest way to see it."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise refused("body", "The request body holds half a character (a lone surrogate).") from None
    except ValueError:
        raise refused("body", "The request body holds a number that is too large.") from None
