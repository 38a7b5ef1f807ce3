"""Who people are: a row for each, and which of them count as one.

The one place of the rule. A person is a name within the way they are known: everything that was typed in a
browser under one name is one person's, and everything that came with files under one name is one person's;
spellings that differ by case, white space, width or characters that nobody sees are one name. **A browser's
and a file's person of one name count as one**, until somebody says that they are two: so nobody is counted
twice, and the pages that count people say so. People of different names are two, until somebody says that
they are one.

What was said is never rewritten: `person_counted` says as whom a person counts, the latest row of each
person; without one, all people of a name count as that name.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from hashlib import sha256
from typing import Any

KNOWN_BY = {"person": "browser", "imported": "file"}
"""How people are known, by the source of what they said."""

_HIDDEN = ("Cc", "Cf", "Cs")

# `voice` is whom a person counts as. Where people of a name were said to be somebody else, so is a new one of
# that name; a person who was set apart (who counts as themselves alone) says nothing of others.
VOICES = """
last_counted AS (
    SELECT person_id, counted_as FROM person_counted
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY decided_at DESC) = 1
),
counted_name AS (
    SELECT p.name_key, min(c.counted_as) AS counted_as
    FROM last_counted AS c JOIN person AS p USING (person_id) WHERE c.counted_as <> c.person_id
    GROUP BY p.name_key
),
voice AS (
    SELECT p.person_id, coalesce(c.counted_as, n.counted_as, p.name_key) AS voice
    FROM person AS p LEFT JOIN last_counted AS c USING (person_id)
    LEFT JOIN counted_name AS n ON n.name_key = p.name_key
)"""


def name_key(name: str) -> str:
    """Give what two spellings of one name have in common."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = ("".join(c for c in word if unicodedata.category(c) not in _HIDDEN) for word in folded.split())
    return " ".join(word for word in words if word)


def person_of(source: str, name: str, first_at: datetime) -> dict[str, Any]:
    """Give the row of the person who said something from a source under a name."""
    known_by, key = KNOWN_BY[source], name_key(name)
    return {
        "person_id": person_id(source, name), "name": name, "name_key": key, "known_by": known_by,
        "created_at": first_at,
    }  # fmt: skip


def person_id(source: str, name: str) -> str:
    """Give the id of a person: the same for the same name, so that nothing has to be looked up."""
    return sha256(f"{KNOWN_BY[source]}\n{name_key(name)}".encode()).hexdigest()[:32]
