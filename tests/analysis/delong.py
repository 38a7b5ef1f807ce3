"""DeLong's AUROCs and their difference by definition: what the product's figures are held against."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def placements(labels: Array, scores: Array) -> tuple[Array, Array]:
    """Give the share of wrong rows that each right row outscores, and of right rows above each wrong one."""
    right, wrong = scores[labels == 1], scores[labels == 0]
    wins = (right[:, None] > wrong[None, :]) + 0.5 * (right[:, None] == wrong[None, :])
    return wins.mean(axis=1), wins.mean(axis=0)


def typical_variance(area: float) -> float:
    """Give the mean variance of placements under exponential scores, by Hanley and McNeil's Q1 and Q2."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    return ((q1 - area**2) + (q2 - area**2)) / 2


def parts_with_one_more(labels: Array, scores: Array) -> tuple[float, list[float], list[int]]:
    """Give the AUROC, the variance that each class adds with one typical row more, and its degrees."""
    of_right, of_wrong = placements(labels, scores)
    area = float(of_right.mean())
    parts, degrees = [], []
    for of_class in (of_right, of_wrong):
        n = len(of_class)
        spread = float(((of_class - area) ** 2).sum()) + typical_variance(area)
        parts.append(spread / n / n)
        degrees.append(n)
    return area, parts, degrees


def difference(labels: Array, a: Array, b: Array) -> tuple[float, float]:
    """Give AUROC of b less that of a, and its standard error."""
    right_a, wrong_a = placements(labels, a)
    right_b, wrong_b = placements(labels, b)
    variance = sum(np.var(one, ddof=1) / len(one) for one in (right_b - right_a, wrong_b - wrong_a))
    return float(right_b.mean() - right_a.mean()), float(np.sqrt(variance))
