"""Tests of a risk from weighted rows, by betting: valid for any sample size, whatever the weights.

Whoever bets against "the risk is r or more" wins when accepted rows turn out right. If the claim is true, the
expected wealth never exceeds what was staked (1), so a wealth of 1/a has a chance of at most a (Markov):
Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting", with the bets mixed
over a fixed set of sizes. Sizes do not follow the rows, so the wealth does not depend on their order, and it
stays valid for rows drawn from strata without replacement: by Hoeffding (1963, theorem 4) drawing without
replacement makes the expectation no larger, and the strata's factors together are at most the factor of their
weighted mean (geometric against arithmetic mean).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.accepted_counts import AcceptedCounts
from tlm_dash.analysis.figure import Floats

_SIZES = 0.98 * np.arange(1, 26) / 25
"""Shares of the largest bet that cannot go broke, mixed in equal parts."""

_HALVINGS = 40


def log_wealth_against_high(counts: AcceptedCounts, risk: npt.ArrayLike) -> Floats:
    """Return the log wealth of betting against "the risk is `risk` or more", shape (k,).

    `counts` are of k thresholds, `risk` is one number in (0, 1) or one for each threshold. Rejecting where
    the wealth reaches 1 / a errs with a chance of at most a.
    """
    claimed = np.broadcast_to(np.asarray(risk, dtype=float), len(counts.right))[:, None, None]
    share = _shares(counts)
    won = np.log1p(share * claimed / (1 - claimed))
    return _mixed(counts.right, won, counts.wrong, np.log1p(-share))


def log_wealth_against_low(counts: AcceptedCounts, risk: npt.ArrayLike) -> Floats:
    """Return the log wealth of betting against "the risk is `risk` or less"; as `log_wealth_against_high`."""
    claimed = np.broadcast_to(np.asarray(risk, dtype=float), len(counts.right))[:, None, None]
    share = _shares(counts)
    won = np.log1p(share * (1 - claimed) / claimed)
    return _mixed(counts.wrong, won, counts.right, np.log1p(-share))


def risk_bounds(counts: AcceptedCounts, error: float) -> tuple[Floats, Floats]:
    """Return lower and upper bounds of the risk above k thresholds, each missing it with a chance <= error.

    Shape (k,) each, within [0, 1]: the risks that betting does not reject. The wealth rises (against high
    risks) or falls (against low ones) with the claimed risk, so halving finds the end; what is returned errs
    to the outside.
    """
    needed = -np.log(error)
    k = len(counts.right)
    inside, outside = np.zeros(k), np.ones(k)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        rejected = log_wealth_against_high(counts, middle) >= needed
        inside, outside = np.where(rejected, inside, middle), np.where(rejected, middle, outside)
    high = outside
    outside, inside = np.zeros(k), np.ones(k)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        rejected = log_wealth_against_low(counts, middle) >= needed
        inside, outside = np.where(rejected, inside, middle), np.where(rejected, middle, outside)
    return outside, high


def _shares(counts: AcceptedCounts) -> Floats:
    """Give what a row of each weight moves of the wealth at most, for each threshold, size and weight."""
    present = (counts.right + counts.wrong) > 0
    heaviest = np.max(np.where(present, counts.weights, 0.0), axis=1)
    relative = np.where(present, counts.weights, 0.0) / np.where(heaviest > 0, heaviest, 1.0)[:, None]
    return np.asarray(relative[:, None, :] * _SIZES[None, :, None], dtype=float)


def _mixed(winners: Floats, won: Floats, losers: Floats, lost: Floats) -> Floats:
    logs = (winners[:, None, :] * won + losers[:, None, :] * lost).sum(axis=2)
    most = logs.max(axis=1)
    return np.asarray(most + np.log(np.exp(logs - most[:, None]).mean(axis=1)), dtype=float)
