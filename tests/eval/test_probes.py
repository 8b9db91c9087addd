"""Linear probes: closed forms, what chance gives, and who is kept apart from whom."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from eval import probes
from eval.probes import LEFT_OUT


def test_the_fit_is_a_minimum_of_the_penalised_loss():
    torch.manual_seed(0)
    inputs, labels = torch.randn(60, 5, dtype=torch.float64), torch.randint(0, 3, (60,))
    weight, bias = probes.fit(inputs, labels, 3, penalty=0.01)
    residue = (inputs @ weight + bias).softmax(1) - F.one_hot(labels, 3)  # of the mean cross-entropy's gradient
    assert torch.allclose(inputs.T @ residue / 60 + 0.01 * weight, torch.zeros(5, 3).double(), atol=1e-6)
    assert torch.allclose(residue.mean(0), torch.zeros(3).double(), atol=1e-6)


def test_two_points_have_a_closed_form():
    """One input of +1 or -1: the difference d of the two weights solves sigmoid(-d) = penalty d / 2."""
    weight, bias = probes.fit(torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([0, 1]), 2, penalty=0.1)
    difference = float(weight[0, 0] - weight[0, 1])
    assert 1 / (1 + np.exp(difference)) == pytest.approx(0.1 * difference / 2, abs=1e-6)
    assert float(bias[0] - bias[1]) == pytest.approx(0, abs=1e-6)


def test_clusters_are_read_and_noise_is_not():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    fold = np.arange(400) // 4 % 2
    centres = rng.normal(size=(4, 8))
    clusters = centres[labels] + 0.1 * rng.normal(size=(400, 8))
    assert (probes.crossed(clusters, labels, fold) == labels).all()
    guessed = probes.crossed(rng.normal(size=(400, 8)), labels, fold) == labels
    assert guessed.mean() == pytest.approx(0.25, abs=0.07)


def test_scale_and_constant_numbers_change_no_answer():
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    features = rng.normal(size=(60, 4)) + labels[:, None] * 0.5
    scaled = np.hstack([features * [1, 100, 1e-3, 7] + 5, np.full((60, 1), 3.0)])
    first = probes.answers(features[:40], labels[:40], features[40:])
    padded = np.hstack([features, np.zeros((60, 1))])
    assert (probes.answers(padded[:40], labels[:40], padded[40:]) == first).mean() > 0.9  # one number more to divide by
    assert np.array_equal(
        probes.answers(scaled[:40], labels[:40], scaled[40:]), probes.answers(padded[:40], labels[:40], padded[40:])
    )


def test_only_classes_that_were_seen_are_answered_and_rows_left_out_stay_out():
    features, labels = np.array([[0.0], [1.0], [0.1], [0.9], [5.0]]), np.array([3, 7, 3, 7, 1])
    found = probes.crossed(features, labels, np.array([0, 0, 1, 1, LEFT_OUT]))
    assert found.tolist() == [3, 7, 3, 7, LEFT_OUT]
    assert (probes.crossed(features, labels, np.zeros(5, int)) == LEFT_OUT).all()  # nothing to fit to


def test_no_real_person_is_behind_rows_of_both_halves():
    rng = np.random.default_rng(2)
    sources = [tuple({f"p{k}" for k in rng.integers(0, 12, size=rng.integers(1, 3))}) for _ in range(100)]
    fold = probes.halves(sources)
    sides = [{name for row, side in zip(sources, fold, strict=True) if side == k for name in row} for k in (0, 1)]
    assert all(sides)
    assert not sides[0] & sides[1]
    assert all(fold[i] != LEFT_OUT for i, row in enumerate(sources) if len(row) == 1)
    assert np.array_equal(fold, probes.halves(sources))


def test_pictures_of_a_person_take_turns():
    people = np.array([0, 1, 0, 2, 0, 1, 0, 1])
    assert probes.in_turn(people, least=3).tolist() == [0, 0, 1, LEFT_OUT, 0, 1, 1, 0]
