"""What several people said of the responses of some runs: pair by pair, and where it is not settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tlm_dash.store.database import Store
from tlm_dash.store.labels import STANDING

_OF_RUNS = """
answered AS (
    SELECT response_hash, min(run_id) AS run_id, min(item_no) AS item_no FROM run_item
    WHERE run_id IN (SELECT unnest($run_ids)) AND response_hash IN (SELECT response_hash FROM last_said)
    GROUP BY response_hash
),
here AS (SELECT s.* FROM last_said AS s SEMI JOIN answered USING (response_hash))"""

# Of what one voice said here and by files, the later counts.
_SAID = f"""
WITH {STANDING},{_OF_RUNS},
once AS (
    SELECT * FROM here QUALIFY row_number() OVER (
        PARTITION BY response_hash, voice ORDER BY created_at DESC, source
    ) = 1
)
SELECT response_hash, voice, verdict FROM once WHERE verdict IS NOT NULL ORDER BY voice, response_hash
"""  # noqa: S608 - fixed text

_OPEN = f"""
{STANDING},{_OF_RUNS},
open_response AS (
    SELECT h.response_hash, h.source FROM here AS h
    ANTI JOIN settled AS s USING (response_hash, source)
    WHERE h.verdict IS NOT NULL GROUP BY h.response_hash, h.source
    HAVING count(DISTINCT h.verdict) > 1 OR min(h.verdict) = 'unsure'
)"""  # noqa: S608 - fixed text

_COUNT = f"WITH {_OPEN} SELECT count(DISTINCT response_hash) FROM open_response"  # noqa: S608 - fixed text

_UNSETTLED = f"""
WITH {_OPEN},
page AS (
    SELECT a.response_hash, a.run_id, a.item_no
    FROM answered AS a SEMI JOIN open_response USING (response_hash)
    ORDER BY a.item_no, a.response_hash LIMIT $limit OFFSET $offset
),
noted AS (
    SELECT response_hash, list({{
        'annotator': annotator, 'source': source, 'kind': kind, 'verdict': verdict, 'note': note
    }} ORDER BY created_at, annotation_id) AS said
    FROM standing SEMI JOIN page USING (response_hash) GROUP BY response_hash
)
SELECT p.response_hash, run.dataset_id, p.run_id, p.item_no, i.prompt, i.reference, c.response, n.said
FROM page AS p JOIN run ON run.run_id = p.run_id
JOIN item AS i ON i.dataset_id = run.dataset_id AND i.item_no = p.item_no
JOIN (
    SELECT dataset_id, item_no, response_hash, min(response) AS response FROM completion
    WHERE item_no IN (SELECT item_no FROM page) GROUP BY ALL
) AS c ON c.dataset_id = run.dataset_id AND c.item_no = p.item_no AND c.response_hash = p.response_hash
JOIN noted AS n ON n.response_hash = p.response_hash
ORDER BY p.item_no, p.response_hash
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Said:
    """The last verdict of a voice on a response."""

    response_hash: str
    voice: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody said and did not take back."""

    annotator: str
    source: str
    kind: str
    verdict: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A response about which people disagree, or are unsure, and nobody has resolved it."""

    response_hash: str
    dataset_id: str
    run_id: str
    item_no: int
    prompt: str
    reference: str | None
    response: str
    said: tuple[Remark, ...]


def verdicts_said(store: Store, run_ids: Sequence[str]) -> list[Said]:
    """Give the last verdict of every voice on the responses of some runs; skips are left out."""
    return [Said(*row) for row in store.read(_SAID, {"run_ids": list(run_ids)})]


def count_unsettled(store: Store, run_ids: Sequence[str]) -> int:
    """Count the responses of some runs that wait for a resolution."""
    ((n,),) = store.read(_COUNT, {"run_ids": list(run_ids)})
    return int(n)


def unsettled(store: Store, run_ids: Sequence[str], *, limit: int, offset: int) -> list[Unsettled]:
    """Give responses that wait for a resolution, by item."""
    parameters = {"run_ids": list(run_ids), "limit": limit, "offset": offset}
    return [_unsettled(row) for row in store.read_rows(_UNSETTLED, parameters)]


def _unsettled(row: dict[str, Any]) -> Unsettled:
    return Unsettled(**row | {"said": tuple(Remark(**said) for said in row["said"])})
