"""Metrics against closed forms and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval import metrics

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, -1, 1])  # one face of class 1 was missed; class 2 is never predicted
COUNTS = metrics.confusion(LABELS, PREDICTED, 4)  # class 3 has no pictures


def test_confusion_has_one_row_per_label_and_a_column_for_missed_faces():
    expected = [[2, 1, 0, 0, 0], [0, 1, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(COUNTS, expected)


def test_accuracy_counts_missed_faces_as_errors_and_accuracy_detected_leaves_them_out():
    assert metrics.accuracy(COUNTS) == pytest.approx(3 / 6)
    assert metrics.accuracy_detected(COUNTS) == pytest.approx(3 / 5)


def test_recall_is_undefined_without_pictures_and_uar_averages_the_rest():
    np.testing.assert_allclose(metrics.recall(COUNTS), [2 / 3, 1 / 2, 0, np.nan])
    assert metrics.uar(COUNTS) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_macro_f1_by_hand():
    f1 = [2 * 2 / (3 + 2), 2 * 1 / (2 + 3), 0.0]  # 2 TP / (pictures + predictions)
    assert metrics.macro_f1(COUNTS) == pytest.approx(sum(f1) / 3)


def test_a_class_predicted_but_absent_costs_precision_and_is_not_averaged():
    counts = metrics.confusion(np.array([0, 0]), np.array([0, 1]), 2)
    assert metrics.macro_f1(counts) == pytest.approx(2 / 3)


def test_nll_of_known_probabilities():
    probs = np.array([[0.5, 0.5], [0.25, 0.75]])
    assert metrics.nll(probs, np.array([0, 1])) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


def test_nll_of_an_impossible_label_is_finite():
    assert metrics.nll(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-math.log(1e-12))


def test_ece_by_hand():
    # Bin of 0.9: two pictures, one right: |0.5 - 0.9| = 0.4. Bin of 0.6: two, both right: |1 - 0.6| = 0.4.
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert metrics.ece(probs, np.array([0, 1, 0, 0])) == pytest.approx(0.4)


def test_ece_lets_errors_cancel_inside_a_bin_only():
    probs = np.array([[0.75, 0.25]] * 4)
    assert metrics.ece(probs, np.array([0, 0, 0, 1])) == pytest.approx(0)


def test_certain_and_right_is_calibrated():
    assert metrics.ece(np.array([[1.0, 0.0]]), np.array([0])) == pytest.approx(0)


def test_weights_mean_repeated_pictures():
    rng = np.random.default_rng(1)
    probs = rng.dirichlet(np.ones(3), 20)
    labels = rng.integers(0, 3, 20)
    weights = rng.integers(1, 4, 20)
    repeated = np.repeat(np.arange(20), weights)
    for metric in (metrics.ece, metrics.nll):
        expected = metric(probs[repeated], labels[repeated])
        assert metric(probs, labels, weights.astype(float)) == pytest.approx(expected)
    counts = metrics.confusion(labels, probs.argmax(1), 3, weights.astype(float))
    np.testing.assert_array_equal(counts, metrics.confusion(labels[repeated], probs.argmax(1)[repeated], 3))


def test_resamples_draw_n_of_n_and_repeat_with_the_seed():
    drawn = metrics.resamples(50, 200, seed=3)
    assert drawn.shape == (200, 50)
    assert (drawn.sum(1) == 50).all()
    np.testing.assert_array_equal(drawn, metrics.resamples(50, 200, seed=3))
    assert (drawn != metrics.resamples(50, 200, seed=4)).any()
    assert drawn.mean() == 1
    assert drawn.var() == pytest.approx(1 - 1 / 50, abs=0.05)


def test_the_interval_of_accuracy_is_that_of_the_binomial():
    labels = np.zeros(1000, int)
    predicted = np.where(np.arange(1000) < 800, 0, 1)
    drawn = metrics.confusion(labels, predicted, 2, metrics.resamples(1000, 4000, seed=0))
    low, high = metrics.interval(metrics.accuracy(drawn))
    half = 1.96 * math.sqrt(0.8 * 0.2 / 1000)
    assert low == pytest.approx(0.8 - half, abs=0.003)
    assert high == pytest.approx(0.8 + half, abs=0.003)


def test_the_interval_is_the_percentiles_and_skips_undefined_resamples():
    values = np.append(np.arange(101.0), np.nan)
    assert metrics.interval(values) == pytest.approx((2.5, 97.5))


@pytest.mark.parametrize("cells", [1, 7 * 3, 7 * 1000])
def test_resamples_in_blocks_are_the_same_draws(cells, monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK_CELLS", cells)
    seen = []
    whole = metrics.resamples(7, 10, 3)
    sums = metrics.over_resamples(7, 10, 3, lambda drawn: seen.append(len(drawn)) or drawn @ np.arange(7.0))
    np.testing.assert_array_equal(sums, whole @ np.arange(7.0))
    assert seen == {1: [1] * 10, 21: [3, 3, 3, 1], 7000: [10]}[cells]
