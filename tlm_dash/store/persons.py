"""People as they are stored: read with whom they count as, and what was said of that written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlm_dash.models import utc_now
from tlm_dash.store.database import Store
from tlm_dash.store.person_rule import VOICES, name_key, person_id
from tlm_dash.store.runs import COMMIT_TIMEOUT_S

_VOICE_OF = f"WITH {VOICES} SELECT voice FROM voice WHERE person_id = ?"  # noqa: S608 - fixed text

_PEOPLE_OF = f"""
WITH {VOICES},
here AS (
    SELECT a.person_id, count(*) AS n_said FROM annotation AS a
    WHERE a.response_hash IN (
        SELECT response_hash FROM run_item WHERE run_id IN (SELECT unnest($run_ids))
    )
    GROUP BY a.person_id
)
SELECT p.person_id, p.name, p.known_by, v.voice, h.n_said
FROM here AS h JOIN person AS p USING (person_id) JOIN voice AS v USING (person_id)
ORDER BY v.voice, p.known_by, p.name, p.person_id
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who said `n_said` things of the responses in question, and the voice they count as."""

    person_id: str
    name: str
    known_by: str
    voice: str
    n_said: int


def voice_of(store: Store, source: str, name: str) -> str:
    """Give whom a person counts as; a person who said nothing yet counts as all of their name."""
    for (voice,) in store.read(_VOICE_OF, [person_id(source, name)]):
        return str(voice)
    for (voice,) in store.read(
        f"WITH {VOICES} SELECT counted_as FROM counted_name WHERE name_key = ?",  # noqa: S608 - fixed text
        [name_key(name)],
    ):
        return str(voice)
    return name_key(name)


def people_of(store: Store, run_ids: Sequence[str]) -> tuple[Person, ...]:
    """Give everybody who said something of the responses of some runs, those who count as one together."""
    return tuple(Person(*row) for row in store.read(_PEOPLE_OF, {"run_ids": list(run_ids)}))


def count_as(store: Store, counted: Mapping[str, str], decided_by: str) -> None:
    """Say as whom people count, by person_id. Raises StoreError."""
    now = utc_now()
    rows = [
        {"person_id": who, "counted_as": voice, "decided_by": decided_by, "decided_at": now}
        for who, voice in counted.items()
    ]
    store.append({"person_counted": rows}).result(COMMIT_TIMEOUT_S)
