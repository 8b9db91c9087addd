"""Intervals and exact tests of small groups, against closed forms, enumeration and published examples."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from eval.slices import compared, holm, permutation_p, wilson

HALF = Fraction(1, 2)


def enumerated(first: list[Fraction], second: list[Fraction]) -> float:
    people, k = [*first, *second], len(first)

    def distance(chosen: tuple[int, ...]) -> Fraction:
        inside = sum((people[i] for i in chosen), Fraction(0))
        return abs(inside / k - (sum(people) - inside) / (len(people) - k))

    ways = list(combinations(range(len(people)), k))
    return sum(distance(w) >= distance(tuple(range(k))) for w in ways) / len(ways)


def test_wilson_matches_the_known_values() -> None:
    assert wilson(0.5, 10) == pytest.approx((0.236593, 0.763407), abs=1e-6)
    low, high = wilson(1.0, 5)
    assert (low, high) == (pytest.approx(5 / (5 + 1.959964**2), abs=1e-6), 1.0)
    assert wilson(0.0, 5) == pytest.approx((0.0, 1 - low))
    assert wilson(0.9, 1000)[0] == pytest.approx(0.8798, abs=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        ([1, 1, 1], [0, 0, 0], 2 / 20),  # only the deal that was found and its mirror picture are as far apart
        ([1, 1], [0, 0, 0], 1 / 10),
        ([1, 0], [1, 0], 1.0),
        ([1, 1], [1, 1], 1.0),
    ],
)
def test_permutation_has_closed_forms(first: list[int], second: list[int], p: float) -> None:
    assert permutation_p(list(map(Fraction, first)), list(map(Fraction, second))) == pytest.approx(p)


def test_permutation_is_the_enumeration_of_all_deals() -> None:
    first = [Fraction(1), HALF, Fraction(1), Fraction(1, 3)]
    second = [Fraction(0), HALF, Fraction(2, 3), Fraction(0), HALF]
    assert permutation_p(first, second) == pytest.approx(enumerated(first, second))
    assert permutation_p(second, first) == permutation_p(first, second)


def test_permutation_takes_more_people_than_could_be_enumerated() -> None:
    assert permutation_p([Fraction(1)] * 40, [Fraction(0)] * 60) < 1e-25
    assert permutation_p([Fraction(i % 2) for i in range(60)], [Fraction(i % 2) for i in range(40)]) == 1.0


def test_holm_steps_down() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_small_slices_are_counted_and_neither_scored_nor_tested() -> None:
    right, wrong = [Fraction(1)] * 8, [Fraction(0)] * 8
    found = compared({"age": {"old": wrong, "young": right}, "town": {"a": right[:4], "b": right, "c": wrong}})
    assert found["of"]["town"]["a"] == {"people": 4, "accuracy": {"value": None, "low": None, "high": None}}
    assert found["of"]["age"]["young"]["accuracy"]["value"] == 1
    assert found["of"]["age"]["young"]["accuracy"]["low"] == pytest.approx(8 / (8 + 1.959964**2), abs=1e-6)
    assert [(t["attribute"], t["first"], t["second"]) for t in found["tests"]] == [
        ("age", "old", "young"),
        ("town", "b", "c"),
    ]
    p = 2 / 12870  # 16 choose 8
    assert [t["p"] for t in found["tests"]] == pytest.approx([p, p], abs=1e-6)
    assert [t["p_holm"] for t in found["tests"]] == pytest.approx([2 * p, 2 * p], abs=1e-6)
    assert [t["difference"] for t in found["tests"]] == [1, -1]
    assert all(t["differ"] for t in found["tests"])


def test_no_difference_is_stated_without_a_small_p() -> None:
    found = compared({"age": {"old": [HALF] * 6, "young": [HALF] * 5 + [Fraction(1)]}})
    (test,) = found["tests"]
    assert test["p"] == 1.0
    assert test["differ"] is False
