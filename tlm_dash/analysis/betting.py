"""Tests of a risk from weighted rows, by betting: valid for any sample size, whatever the weights.

Whoever bets against "the risk is r or more" wins when accepted rows turn out right. If the claim is true, the
expected wealth never exceeds what was staked (1), so a wealth of 1/a has a chance of at most a (Markov):
Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting". Every row is bet on at
the same size, chosen without looking at labels, so the wealth does not depend on the order of the rows, and
it stays valid for rows drawn from strata without replacement: by Hoeffding (1963, theorem 4) drawing without
replacement makes the expectation no larger, and the strata's factors together are at most the factor of their
weighted mean (geometric against arithmetic mean).
"""

from __future__ import annotations

import numpy as np

from tlm_dash.analysis.accepted_counts import AcceptedCounts
from tlm_dash.analysis.figure import Bools, Floats

_SIZES = np.r_[0.98 * np.arange(1, 26) / 25, 0.995]
"""Shares of the largest bet that cannot go broke."""

_HALVINGS = 26


def betting_p_values(counts: AcceptedCounts, risk: float, error: float | Floats) -> Floats:
    """Return p of "the risk is `risk` or more" for each of k thresholds: one over the wealth; shape (k,).

    `risk` lies in (0, 1), `error` in (0, 1) is the level that each threshold's bet is meant for, a number or
    of shape (k,): its size is the one that would still reject there with the most errors, spread evenly over
    the accepted rows. It is chosen without looking at labels, so that p holds at every level.
    """
    won, lost = _against_high(counts, np.array(risk))
    accepted = (counts.right + counts.wrong)[:, None, :]
    if_right, if_wrong = (accepted * won).sum(axis=2), (accepted * lost).sum(axis=2)
    needed = np.broadcast_to(-np.log(error), (len(counts.right),))[:, None]
    affordable = (if_right - needed) / np.maximum(if_right - if_wrong, 1e-300)
    best = np.argmax(affordable, axis=1)
    wealth = _log_wealth(counts.right, won, counts.wrong, lost)
    return np.asarray(np.exp(np.minimum(-wealth[np.arange(len(best)), best], 0.0)), dtype=float)


def rejects_high(counts: AcceptedCounts, risk: float, error: float) -> Bools:
    """Tell for each of k thresholds whether "the risk is `risk` or more" is rejected; shape (k,).

    Each rejection of a true claim has a chance of at most `error`; `risk` and `error` lie in (0, 1).
    """
    return np.asarray(betting_p_values(counts, risk, error) <= error * (1 + 1e-12), dtype=bool)


def risk_bounds(counts: AcceptedCounts, low_error: float, high_error: float) -> tuple[Floats, Floats]:
    """Return lower and upper bounds of the risk above k thresholds.

    The lower one misses it with a chance of at most `low_error`, the upper one of at most `high_error`. Shape
    (k,) each, within [0, 1]: the risks that betting does not reject, with equal parts of the stake at every
    size. That wealth rises (against high risks) or falls (against low ones) with the claimed risk, so halving
    finds the end; what is returned errs to the outside.
    """
    k = len(counts.right)
    inside, outside = np.zeros(k), np.ones(k)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        won, lost = _against_high(counts, middle)
        rejected = _mixed(_log_wealth(counts.right, won, counts.wrong, lost)) >= -np.log(high_error)
        inside, outside = np.where(rejected, inside, middle), np.where(rejected, middle, outside)
    high = outside
    outside, inside = np.zeros(k), np.ones(k)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        won, lost = _against_low(counts, middle)
        rejected = _mixed(_log_wealth(counts.wrong, won, counts.right, lost)) >= -np.log(low_error)
        inside, outside = np.where(rejected, inside, middle), np.where(rejected, middle, outside)
    return outside, high


def _against_high(counts: AcceptedCounts, risk: Floats) -> tuple[Floats, Floats]:
    """Give the log factors of a right and of a wrong row, by threshold, size and weight."""
    share, claimed = _shares(counts), np.atleast_1d(risk)[:, None, None]
    return np.log1p(share * claimed / (1 - claimed)), np.log1p(-share)


def _against_low(counts: AcceptedCounts, risk: Floats) -> tuple[Floats, Floats]:
    """Give the log factors of a wrong and of a right row, by threshold, size and weight."""
    share, claimed = _shares(counts), np.atleast_1d(risk)[:, None, None]
    return np.log1p(share * (1 - claimed) / claimed), np.log1p(-share)


def _shares(counts: AcceptedCounts) -> Floats:
    """Give what a row of each weight can lose of the wealth, by threshold, size and weight."""
    present = (counts.right + counts.wrong) > 0
    heaviest = np.max(np.where(present, counts.weights, 0.0), axis=1, initial=0.0)
    relative = np.where(present, counts.weights, 0.0) / np.where(heaviest > 0, heaviest, 1.0)[:, None]
    return np.asarray(relative[:, None, :] * _SIZES[None, :, None], dtype=float)


def _log_wealth(winners: Floats, won: Floats, losers: Floats, lost: Floats) -> Floats:
    return np.asarray((winners[:, None, :] * won + losers[:, None, :] * lost).sum(axis=2), dtype=float)


def _mixed(logs: Floats) -> Floats:
    most = logs.max(axis=1)
    return np.asarray(most + np.log(np.exp(logs - most[:, None]).mean(axis=1)), dtype=float)
