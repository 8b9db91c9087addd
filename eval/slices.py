"""Whether groups of people differ: exact intervals and tests for small groups, and the price of testing often.

A person counts once, with the share of their pictures that was named rightly, because pictures of one person are not
independent of each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb, lcm, sqrt
from statistics import NormalDist
from typing import Any

SMALLEST_SLICE = 5  # people; a smaller slice is counted, but neither scored nor tested
LEVEL = 0.05  # a difference is stated where the corrected p is below
Shares = Sequence[Fraction]


def wilson(share: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a share of ``n`` (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    It does not collapse at 0 and 1, as resampling does. Where each of n people brings a share of several pictures, it
    is too wide rather than too narrow, since such shares vary less than 0 and 1 do.
    """
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def permutation_p(first: Shares, second: Shares) -> float:
    """Exact two-sided p of the difference of two means, over all ways of dealing the people into the two groups.

    The share of the ways whose difference is at least as far from 0 as the one that was found. Sums are counted instead
    of ways, so some hundred people are no burden. Neither group may be empty.
    """
    people = [*first, *second]
    scale = lcm(*(value.denominator for value in people))
    whole = [int(value * scale) for value in people]
    k, n, total = len(first), len(people), sum(whole)
    ways: list[Counter[int]] = [Counter({0: 1}), *(Counter() for _ in range(k))]  # by size: sum -> number of groups
    for value in whole:
        for size in range(k, 0, -1):
            for reached, count in ways[size - 1].items():
                ways[size][reached + value] += count

    def distance(part: int) -> int:  # of the means, times k (n - k)
        return abs(part * (n - k) - (total - part) * k)

    found = distance(sum(whole[:k]))
    extreme = sum(count for part, count in ways[k].items() if distance(part) >= found)
    return float(Fraction(extreme, comb(n, k)))


def holm(ps: Sequence[float]) -> list[float]:
    """p values corrected for their number, each at most 1.

    Step-down: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure, jstor.org/stable/4615733.
    """
    corrected = [0.0] * len(ps)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        corrected[i] = highest
    return corrected


def compared(slices: Mapping[str, Mapping[str, Shares]]) -> dict[str, Any]:
    """Slices and the tests between them, as JSON values. slices: attribute -> group -> shares of its people.

    Within an attribute each pair of groups with at least ``SMALLEST_SLICE`` people is tested; Holm's correction is over
    all tests of all attributes.
    """
    tried = [
        (attribute, a, b)
        for attribute, groups in slices.items()
        for a, b in combinations([g for g, people in groups.items() if len(people) >= SMALLEST_SLICE], 2)
    ]
    ps = [permutation_p(slices[attribute][a], slices[attribute][b]) for attribute, a, b in tried]
    tests = [
        {
            "attribute": attribute,
            "first": a,
            "second": b,
            "difference": round(_mean(slices[attribute][b]) - _mean(slices[attribute][a]), 6),
            "p": p,
            "p_holm": corrected,
            "differ": corrected < LEVEL,
        }
        for (attribute, a, b), p, corrected in zip(tried, ps, holm(ps), strict=True)
    ]
    return {
        "of": {attribute: {g: _slice(people) for g, people in groups.items()} for attribute, groups in slices.items()},
        "interval": "Wilson's score interval of people",
        "test": f"exact permutation of people, two-sided; Holm over all; a difference is stated below {LEVEL}",
        "smallest": SMALLEST_SLICE,
        "tests": tests,
    }


def _mean(people: Shares) -> float:
    return float(sum(people) / len(people))


def _slice(people: Shares) -> dict[str, Any]:
    if len(people) < SMALLEST_SLICE:
        return {"people": len(people), "accuracy": {"value": None, "low": None, "high": None}}
    low, high = wilson(_mean(people), len(people))
    accuracy = {"value": round(_mean(people), 6), "low": round(low, 6), "high": round(high, 6)}
    return {"people": len(people), "accuracy": accuracy}
