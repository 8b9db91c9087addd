"""Scores of pairs against brute force over all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from eval import pairs
from eval.pairs import STEPS


def brute_auc(positive, negative):
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def brute_accepts(positive, negative, allowed):
    thresholds = [*positive, *negative, np.inf]
    true = [np.mean(positive >= t) for t in thresholds if np.mean(negative >= t) <= allowed]
    return max(true)


def brute_eer(positive, negative):
    """Walk over the thresholds from above; the crossing lies on the line between the last two points."""
    before = (0.0, 1.0)
    for t in sorted({*positive, *negative}, reverse=True):
        false, miss = np.mean(negative >= t), np.mean(positive < t)
        if false >= miss:
            f0, m0 = before
            share = (m0 - f0) / ((m0 - f0) + (false - miss))
            return f0 + share * (false - f0)
        before = false, miss
    raise AssertionError("unreachable: at the lowest threshold everything is accepted")


@pytest.mark.parametrize("steps", [3, 20, 5000])  # many ties, some, hardly any
def test_scores_are_those_of_all_pairs(steps):
    rng = np.random.default_rng(steps)
    positive, negative = rng.integers(-steps, steps, 40) + steps // 3, rng.integers(-steps, steps, 90)
    histograms = pairs.histogram(positive), pairs.histogram(negative)
    assert pairs.auc(*histograms) == pytest.approx(brute_auc(positive, negative))
    assert pairs.eer(*histograms) == pytest.approx(brute_eer(positive, negative))
    for allowed in (0.0, 0.01, 0.1, 0.5):
        expected = brute_accepts(positive, negative, allowed)
        assert pairs.true_accepts(*histograms, allowed) == pytest.approx(expected)


def test_weights_mean_repeated_pairs():
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(0, 50, 30) + 10, rng.integers(0, 50, 60)
    wp, wn = rng.integers(0, 4, 30), rng.integers(0, 4, 60)
    weighted = pairs.histogram(positive, wp.astype(float)), pairs.histogram(negative, wn.astype(float))
    repeated = np.repeat(positive, wp), np.repeat(negative, wn)
    assert pairs.auc(*weighted) == pytest.approx(brute_auc(*repeated))
    assert pairs.eer(*weighted) == pytest.approx(brute_eer(*repeated))


def test_perfect_reversed_and_equal_scores():
    low, high = pairs.histogram(np.array([1, 2])), pairs.histogram(np.array([5, 6]))
    assert (pairs.auc(high, low), pairs.eer(high, low), pairs.true_accepts(high, low, 0.0)) == (1, 0, 1)
    assert (pairs.auc(low, high), pairs.eer(low, high), pairs.true_accepts(low, high, 0.4)) == (0, 1, 0)
    assert (pairs.auc(low, low), pairs.eer(low, low)) == (0.5, 0.5)


def test_no_pairs_of_a_kind_have_no_score():
    none, some = pairs.histogram(np.array([], np.int64)), pairs.histogram(np.array([3]))
    for one, other in ((none, some), (some, none)):
        scores = pairs.auc(one, other), pairs.eer(one, other), pairs.true_accepts(one, other, 0.01)
        assert np.isnan(scores).all()


def test_cosines_are_rounded_whole_numbers():
    angle = np.array([0, np.pi / 3, np.pi])
    vectors = np.stack([np.cos(angle), np.sin(angle)], 1)
    np.testing.assert_array_equal(pairs.cosines(vectors)[0], [STEPS, STEPS // 2, -STEPS])


def test_people_who_share_a_source_are_not_apart():
    apart = pairs.apart([("a",), ("b",), ("a", "b"), ("c", "d")])
    np.testing.assert_array_equal(apart[2], [False, False, False, True])
    np.testing.assert_array_equal(apart[0], [False, True, False, True])
