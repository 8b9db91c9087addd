"""KID against numbers worked out by hand and against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from eval import kid


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def estimate(x: np.ndarray, y: np.ndarray, of_x: np.ndarray | None = None, of_y: np.ndarray | None = None):
    of_x = np.arange(len(x)) if of_x is None else of_x
    of_y = np.arange(len(x), len(x) + len(y)) if of_y is None else of_y
    return kid.discrepancy(
        kid.mean_kernels(x, x, of_x, of_x), kid.mean_kernels(y, y, of_y, of_y), kid.mean_kernels(x, y, of_x, of_y)
    )


def test_the_kernel_is_the_third_power_of_the_mean_product_plus_one():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(kid.kernel(a, b), [[(11 / 2 + 1) ** 3, 1]])


def test_a_shifted_set_gives_what_was_worked_out_by_hand():
    """Within {0, 2}: 1. Within {1, 3}: 64. Across: 1, 1, 27, 343, or without the pairs of one photograph 1 and 27."""
    x, y = column(0, 2), column(1, 3)
    assert estimate(x, y) == pytest.approx(1 + 64 - 2 * 93)
    assert estimate(x, y, np.array([0, 1]), np.array([0, 1])) == pytest.approx(1 + 64 - 2 * 14)


def test_a_set_and_itself_are_alike():
    x = np.random.default_rng(0).normal(size=(40, 5))
    numbers = np.arange(40)
    assert estimate(x, x, numbers, numbers) == pytest.approx(0, abs=1e-12)


def test_sets_of_one_distribution_are_about_0_on_average_and_shifted_ones_are_not():
    rng = np.random.default_rng(0)
    same = [estimate(rng.normal(size=(30, 4)), rng.normal(size=(20, 4))) for _ in range(400)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 20
    assert min(same) < 0 < max(same)
    assert estimate(rng.normal(size=(30, 4)), rng.normal(size=(20, 4)) + 1) > 5 * np.std(same)


def test_a_picture_without_a_partner_has_no_mean():
    assert np.isnan(kid.mean_kernels(column(1), column(1), np.array([0]), np.array([0]))).all()


def weighted(x, y, u, v):
    """KID of weighted pictures, by its definition."""

    def within(a, w):
        pairs = np.outer(w, w) * (1 - np.eye(len(w)))
        return (pairs * kid.kernel(a, a)).sum() / pairs.sum()

    across = np.outer(u, v)
    return within(x, u) + within(y, v) - 2 * (across * kid.kernel(x, y)).sum() / across.sum()


def test_the_influence_is_the_derivative_by_the_weight():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(4, 3)) + 0.5
    of_x, of_y = np.arange(6), np.arange(6, 10)
    found = [
        kid.influence(kid.mean_kernels(x, x, of_x, of_x), kid.mean_kernels(x, y, of_x, of_y)),
        kid.influence(kid.mean_kernels(y, y, of_y, of_y), kid.mean_kernels(y, x, of_y, of_x)),
    ]
    step, expected = 1e-6, [np.zeros(6), np.zeros(4)]
    for side in (0, 1):
        for i in range(len(expected[side])):
            weights = [np.ones(6), np.ones(4)]
            weights[side][i] += step
            expected[side][i] = (weighted(x, y, *weights) - weighted(x, y, np.ones(6), np.ones(4))) / step
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), atol=1e-4)
    assert found[0].sum() == pytest.approx(0, abs=1e-12)
