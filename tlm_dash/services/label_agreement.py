"""Agreement of the people who label, pair by pair, and what waits for somebody to settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from tlm_dash.analysis.agreement import Agreement, cohen_kappa
from tlm_dash.services.people import voice_names
from tlm_dash.services.place import Place
from tlm_dash.store import disagreement as stored
from tlm_dash.store.disagreement import Remark, Unsettled

__all__ = ["Agreement", "PairAgreement", "Remark", "Unsettled", "agreements", "n_unsettled", "unsettled"]

MOST_ANNOTATORS = 30
"""Agreement is told for the pairs of people among those who judged most."""


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two people: what they agree on among the rows that both called correct or incorrect.

    `n_left_out` rows both judged, but at least one of them was unsure.
    """

    first: str
    second: str
    n_left_out: int
    agreement: Agreement


def agreements(
    place: Place, run_ids: Sequence[str], *, confidence: float = 0.95
) -> tuple[PairAgreement, ...]:
    """Give the agreement of every two people who judged a common row, most common rows first.

    Who counts as one (services/people.py) is one here: of what they said of a row, the later counts.
    """
    verdicts: dict[str, dict[str, str]] = {}
    names = voice_names(place, run_ids)
    for said in stored.verdicts_said(place.store, run_ids):
        verdicts.setdefault(names.get(said.voice, said.voice), {})[said.response_hash] = said.verdict
    busiest = sorted(verdicts, key=lambda name: (-len(verdicts[name]), name))[:MOST_ANNOTATORS]
    found = [_pair(a, b, verdicts, confidence) for a, b in combinations(sorted(busiest), 2)]
    shared = [pair for pair in found if pair.agreement.n or pair.n_left_out]
    return tuple(sorted(shared, key=lambda pair: (-pair.agreement.n, pair.first, pair.second)))


def n_unsettled(place: Place, run_ids: Sequence[str]) -> int:
    """Count the responses of some runs about which people disagree or are unsure."""
    return stored.count_unsettled(place.store, run_ids)


def unsettled(
    place: Place, run_ids: Sequence[str], *, limit: int = 1, offset: int = 0
) -> tuple[Unsettled, ...]:
    """Give responses that wait for a resolution, by item, with everything that was said of them."""
    return tuple(stored.unsettled(place.store, run_ids, limit=limit, offset=offset))


def _pair(first: str, second: str, verdicts: dict[str, dict[str, str]], confidence: float) -> PairAgreement:
    a, b = verdicts[first], verdicts[second]
    common = sorted(a.keys() & b.keys())
    judged = [hashed for hashed in common if "unsure" not in (a[hashed], b[hashed])]
    agreement = cohen_kappa([a[h] for h in judged], [b[h] for h in judged], confidence)
    return PairAgreement(first, second, len(common) - len(judged), agreement)
