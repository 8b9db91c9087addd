"""Light, backgrounds, degradation."""

from __future__ import annotations

import numpy as np

from fer.puppets.nuisance import degrade, random_background, relight

FRAME = np.random.default_rng(1).uniform(0, 255, (64, 64, 3)).astype(np.float32)


def test_backgrounds_are_in_range_and_smooth() -> None:
    for seed in range(12):
        background = random_background(np.random.default_rng(seed), 64)
        assert background.shape == (64, 64, 3)
        assert background.dtype == np.float32
        assert background.min() >= 0
        assert background.max() <= 255
        assert np.abs(np.diff(background, axis=1)).mean() < 20


def test_one_light_for_all_frames() -> None:
    first, second = relight(np.random.default_rng(4), [FRAME, FRAME.copy()])
    assert np.array_equal(first, second)
    assert not np.allclose(first, FRAME, atol=5)


def test_light_of_no_strength_only_fades_colour() -> None:
    (lit,) = relight(np.random.default_rng(4), [FRAME], strength=0.0)
    grey = FRAME.mean(2, keepdims=True)
    assert np.allclose(lit, np.clip(grey + 0.92 * (FRAME - grey), 0, 255), atol=0.01)


def test_degradation_of_no_strength_only_rounds() -> None:
    assert np.array_equal(degrade(np.random.default_rng(0), FRAME, strength=0.0), FRAME.astype(np.uint8))


def test_degradation_is_a_function_of_its_seed() -> None:
    results = [degrade(np.random.default_rng(seed), FRAME) for seed in (0, 0, 1, 2, 3, 4)]
    assert np.array_equal(results[0], results[1])
    assert len({result.tobytes() for result in results}) > 2
    assert all(result.shape == FRAME.shape and result.dtype == np.uint8 for result in results)
