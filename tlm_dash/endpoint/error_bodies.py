"""Read what an error body says, in whichever of the usual shapes it comes; pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_LONGEST = 20_000
"""Characters of an error body that are looked at."""


@dataclass(frozen=True)
class Told:
    """What an error body says: its message, and its codes and types in one text."""

    message: str = ""
    code: str = ""
    html_title: str | None = None

    @property
    def everything(self) -> str:
        """Give the text in which words are looked for."""
        return f"{self.code} {self.message}"


def _text(body: bytes) -> str:
    return body.decode("utf-8-sig", errors="replace")


def html_title_of(body: bytes) -> str | None:
    """Give the title of an HTML page, "" where it has none, None where the body is no HTML."""
    return _title(_text(body))


def _title(text: str) -> str | None:
    head = text[:_LONGEST].lstrip()
    if not head.startswith("<"):
        return None
    match = _TITLE.search(head)
    return html.unescape(match.group(1)) if match else ""


def read_body(body: bytes) -> Told:
    """Read an error body: JSON, an HTML page or bare text."""
    text = _text(body)
    title = _title(text)
    if title is not None:
        return Told(html_title=title)
    try:
        return read_document(json.loads(text))
    except (ValueError, RecursionError):
        return Told(message=text[:_LONGEST])


def read_document(document: object) -> Told:
    """Find message and code in the usual shapes: OpenAI's, FastAPI's `detail`, a bare `message` or text."""
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, Mapping):
        return Told(message=document if isinstance(document, str) else "")
    error: object = document.get("error") or document.get("detail") or document.get("errors") or document
    if isinstance(error, Mapping):
        message = (
            error.get("message") or error.get("detail") or error.get("msg") or error.get("status_msg")
            or document.get("message") or ""
        )  # fmt: skip
        codes = [error.get(name) for name in ("code", "type", "status", "status_code", "param")]
    else:
        message = error
        codes = [document.get("code"), document.get("type")]
    code = " ".join(str(part) for part in codes if isinstance(part, str | int) and not isinstance(part, bool))
    return Told(message=_message(message)[:_LONGEST], code=code[:500])


def _message(message: object) -> str:
    """Give a message as text; FastAPI sends a list of {"loc": [...], "msg": "..."}."""
    if isinstance(message, str):
        return message
    if isinstance(message, list):
        return "; ".join(filter(None, (_message(part) for part in message[:3])))
    if isinstance(message, Mapping):
        place = message.get("loc")
        at = ".".join(str(part) for part in place if part != "body") if isinstance(place, list) else ""
        text = message.get("msg") or message.get("message") or ""
        return f"{at}: {text}" if at and text else str(text)
    return ""
