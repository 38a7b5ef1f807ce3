"""Make foreign text safe to quote: no secret, no control or bidi character, no flood."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

Json = Any
"""A parsed JSON value, whose shape nobody has checked yet."""

HIDDEN = "[hidden]"
QUOTE_LIMIT = 300
"""Characters of foreign text in one of our sentences: enough to recognise it, not a page full."""

SHORTEST_SECRET = 4
"""Below this, hiding would eat ordinary words; the placeholder key "." is no secret."""

_LOOKS_LIKE_A_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi)[-_][\w*.-]{8,}|\bAIza[\w-]{20,}|\bBearer [\w.~+/=*-]{8,}"
    r"|[\w-]*\*{4,}[\w*-]*",
    re.IGNORECASE,
)
"""A key that nobody told us of, or one of which the endpoint itself has masked all but its ends."""

_SCAN_LIMIT = 100_000
_AUTH_SCHEMES = frozenset({"bearer", "basic", "token", "apikey", "api-key", "digest"})


class Secrets:
    """The texts that must not be shown, in every spelling that an endpoint may echo them in."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        spellings = {
            spelling for value in values for spelling in _spellings(value) if len(spelling) >= SHORTEST_SECRET
        }
        # The longest first: a secret that contains another one must go as a whole.
        self._spellings = tuple(sorted(spellings, key=lambda text: (-len(text), text)))

    def __repr__(self) -> str:
        return f"Secrets({len(self._spellings)} hidden)"

    def plus(self, values: Iterable[str]) -> Secrets:
        """Give these secrets and some more."""
        more = Secrets(values)
        if not more._spellings:
            return self
        return Secrets((*self._spellings, *more._spellings))

    def clean(self, text: str) -> str:
        """Replace every secret in a text."""
        for spelling in self._spellings:
            text = text.replace(spelling, HIDDEN)
        return text

    def clean_value(self, value: Json) -> Json:
        """Replace every secret in all texts of a JSON value, keys included."""
        if not self._spellings:
            return value
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_value(part) for part in value]
        if isinstance(value, Mapping):
            return {self.clean(str(key)): self.clean_value(part) for key, part in value.items()}
        return value


def option_secrets(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the secrets inside a request's options: `model_provider.api_key`."""
    provider = options.get("model_provider")
    key = provider.get("api_key") if isinstance(provider, Mapping) else None
    return (key,) if isinstance(key, str) else ()


def quotable(text: str, secrets: Secrets, limit: int = QUOTE_LIMIT) -> str:
    """Turn foreign text into one clean line of at most `limit` characters."""
    # Characters are dropped before secrets are looked for: a key with invisible characters in it
    # would otherwise come out whole. Clipping is last: half a key must not be left over.
    line = _LOOKS_LIKE_A_KEY.sub(HIDDEN, secrets.clean(_one_line(text[:_SCAN_LIMIT])))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _one_line(text: str) -> str:
    kept = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or not unicodedata.category(char).startswith("C")
    )
    return " ".join(kept.split())


def _spellings(value: str) -> set[str]:
    value = value.strip()
    scheme, _, credentials = value.partition(" ")
    cores = {value}
    if credentials and scheme.lower() in _AUTH_SCHEMES:
        cores.add(credentials.strip())
    return {
        spelling
        for core in cores
        for spelling in (
            core,
            json.dumps(core)[1:-1],
            quote(core, safe=""),
            html.escape(core),
            _one_line(core),
        )
    }
