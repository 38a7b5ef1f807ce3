"""Values as they are kept: any text losslessly, times as UTC.

UTF-8 has no lone surrogates, and some engines have no U+0000 in text. Both appear in what models answer
(a stream cut inside a surrogate pair, binary pasted into a prompt). They are written as ESCAPE and four
hexadecimal digits, ESCAPE itself likewise, and come back as they were.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Parameters = Sequence[Any] | Mapping[str, Any]

# A Unicode noncharacter: never part of exchanged text, valid in UTF-8, and visible as foreign in other tools.
ESCAPE = "\ufdd0"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff\ufdd0]")
# The second form is one that SQL cut off when it took the beginning of a text.
# An incomplete one is where a query cut the text; it may have written … after it.
_ESCAPED = re.compile(ESCAPE + "(?:([0-9a-f]{4})|[0-9a-f]{0,3}(?=…|$))")


def stored_text(text: str) -> str:
    """Give the text to write: the same for all but the rarest texts."""
    return _UNSTORABLE.sub(lambda found: f"{ESCAPE}{ord(found[0]):04x}", text)


def original_text(stored: str) -> str:
    """Undo `stored_text`."""
    if ESCAPE not in stored:
        return stored
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "", stored)


def stored_time(moment: datetime) -> datetime:
    """Give the time to write: UTC without a zone, so that no session setting can shift it."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored; use models.utc_now()")
    return moment.astimezone(UTC).replace(tzinfo=None)


def stored_parameters(params: Parameters) -> Any:  # noqa: ANN401 - a list or a dict, as given
    """Give query parameters in the form in which columns hold such values."""
    if isinstance(params, Mapping):
        return {name: _stored_value(value) for name, value in params.items()}
    return [_stored_value(value) for value in params]


def original_value(value: Any) -> Any:  # noqa: ANN401 - any value that SQL can give
    """Undo the storing for a value of a result, also inside lists and structs."""
    if isinstance(value, str):
        return original_text(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, list):
        return [original_value(part) for part in value]
    if isinstance(value, dict):
        return {name: original_value(part) for name, part in value.items()}
    return value


def _stored_value(value: Any) -> Any:  # noqa: ANN401 - any value that SQL can take
    if isinstance(value, str):
        return stored_text(value)
    if isinstance(value, datetime):
        return stored_time(value)
    if isinstance(value, list | tuple):
        return [_stored_value(part) for part in value]
    return value
