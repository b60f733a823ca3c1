"""Exact binomial tests, intervals, and evidence that may be looked at as often as one likes. Pure; no tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, lgamma, log
from typing import Final

_LIFTS: Final = (1.3, 1.7, 2.2, 3.0, 4.0, 6.0, 10.0, 18.0)
"""What is tried in place of a baseline: so many times it."""
_HIGHEST: Final = 0.95
_STEPS: Final = 30


def tail(n: int, k: int, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p), exact."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    if k <= n * p:  # most of it: the other end is shorter
        return max(0.0, 1.0 - _sum(n, k - 1, p, -1))
    return min(1.0, _sum(n, k, p, 1))


def _sum(n: int, first: int, p: float, step: int) -> float:
    """P(X = first) and on to the end, upwards or downwards; away from the mean, so that terms shrink."""
    if p <= 0.0 or p >= 1.0:
        return float((n if p >= 1.0 else 0) == first or (step > 0) is (p >= 1.0))
    term = exp(lgamma(n + 1) - lgamma(first + 1) - lgamma(n - first + 1) + first * log(p) + (n - first) * log(1 - p))
    total, odds, k = 0.0, p / (1 - p), first
    while 0 <= k <= n and term > total * 1e-16:
        total += term
        term *= (n - k) / (k + 1) * odds if step > 0 else k / (n - k + 1) / odds
        k += step
    return total


@lru_cache(maxsize=4096)
def interval(n: int, k: int, error: float = 0.05) -> tuple[float, float]:
    """Clopper and Pearson: shares between which the true one lies but for ``error``; (0, 1) of nothing."""
    low = _solve(lambda p: tail(n, k, p) < error / 2) if k > 0 else 0.0
    high = _solve(lambda p: 1.0 - tail(n, k + 1, p) > error / 2) if k < n else 1.0
    return low, high


def _solve(below: Callable[[float], bool]) -> float:
    """Where ``below`` turns from true to false."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high


def evidence(n: int, k: int, baseline: float) -> float:
    """How much ``k`` of ``n`` speak for a rate above the baseline: a likelihood ratio, mixed over higher rates.

    Where the true rate is at most the baseline, the chance that it *ever* reaches
    1/a, at whichever of all looks, is at most a (Ville's inequality: each ratio
    is a supermartingale then, and so is their mean). So one may watch as long as
    one likes and stop when it does.
    """
    rates = [baseline * lift for lift in _LIFTS if baseline * lift < _HIGHEST] + [_HIGHEST, (_HIGHEST + baseline) / 2]
    found = [k * log(rate / baseline) + (n - k) * log((1 - rate) / (1 - baseline)) for rate in rates]
    most = max(found)
    return exp(min(700.0, most + log(sum(exp(one - most) for one in found) / len(found))))
