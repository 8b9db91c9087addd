"""Damaged pictures: severity 0 is the picture, more severity is more damage, and every draw can be repeated."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from eval.corruptions import EYES_Y, MAGNITUDES, MOUTH_Y, SEVERITIES, Corruption, corrupt

SIDE_PX = 48


def values(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float64)


@pytest.fixture(params=["L", "RGB"])
def picture(request: pytest.FixtureRequest) -> Image.Image:
    """Waves of several lengths: nothing in it is flat, so that every corruption shows."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    waves = 128 + 50 * np.sin(x / 2.5) * np.cos(y / 3) + 40 * np.sin((x + 2 * y) / 15)
    return Image.fromarray(waves.astype(np.uint8)).convert(request.param)


@pytest.mark.parametrize("corruption", Corruption)
def test_damage_starts_at_nothing_and_grows(picture: Image.Image, corruption: Corruption) -> None:
    damaged = [corrupt(picture, corruption, severity, seed=7) for severity in (0, *SEVERITIES)]
    assert damaged[0] is picture
    assert {(d.mode, d.size) for d in damaged} == {(picture.mode, (SIDE_PX, SIDE_PX))}
    distance = [np.abs(values(d) - values(picture)).mean() for d in damaged]
    if corruption in (Corruption.ROTATION, Corruption.SHIFT):  # waves meet themselves again
        assert min(distance[1:]) > 5
    else:
        assert distance == sorted(distance)
        assert distance[1] > 0.5


@pytest.mark.parametrize("corruption", Corruption)
def test_the_seed_decides_what_is_drawn(picture: Image.Image, corruption: Corruption) -> None:
    first, again = (values(corrupt(picture, corruption, 3, seed=1)) for _ in range(2))
    assert (first == again).all()
    drawn = {Corruption.NOISE, Corruption.DARKNESS, Corruption.ROTATION, Corruption.SHIFT}
    others = [values(corrupt(picture, corruption, 3, seed)) for seed in range(2, 7)]
    assert any((first != other).any() for other in others) == (corruption in drawn)


@pytest.mark.parametrize("severity", [-1, 6])
def test_another_severity_is_refused(picture: Image.Image, severity: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 5"):
        corrupt(picture, Corruption.BLUR, severity, 0)


def test_every_corruption_has_five_magnitudes_that_get_worse() -> None:
    falling = {Corruption.JPEG, Corruption.LOW_RESOLUTION, Corruption.DARKNESS}
    assert set(MAGNITUDES) == set(Corruption)
    for corruption, steps in MAGNITUDES.items():
        assert len(steps) == len(SEVERITIES)
        assert list(steps) == sorted(set(steps), reverse=corruption in falling)


def test_noise_has_the_stated_deviation_and_is_grey() -> None:
    grey = Image.new("RGB", (256, 256), (128, 128, 128))
    noise = values(corrupt(grey, Corruption.NOISE, 2, 0)) - 128
    assert noise.std() / 255 == pytest.approx(MAGNITUDES[Corruption.NOISE][1], rel=0.02)
    assert (noise[..., 0] == noise[..., 2]).all()


def test_darkness_scales_the_mean() -> None:
    light = Image.new("L", (64, 64), 200)
    dark = values(corrupt(light, Corruption.DARKNESS, 1, 0))
    assert dark.mean() == pytest.approx(200 * MAGNITUDES[Corruption.DARKNESS][0], abs=0.3)
    assert 1.5 < dark.std() < 2.5


@pytest.mark.parametrize(("corruption", "height"), [(Corruption.EYES, EYES_Y), (Corruption.MOUTH, MOUTH_Y)])
def test_a_bar_covers_its_height_and_nothing_else(corruption: Corruption, height: float) -> None:
    y = np.mgrid[:100, :100][0]
    ramp = Image.fromarray(y.astype(np.uint8))
    changed = (values(corrupt(ramp, corruption, 5, 0)) != y).any(1)
    rows = np.flatnonzero(changed)
    share = MAGNITUDES[corruption][-1]
    assert abs(len(rows) / 100 - share) <= 0.02
    assert abs(rows.mean() / 100 - height) <= 0.02
    assert EYES_Y < 0.5 < MOUTH_Y


def spot(x: int, y: int) -> Image.Image:
    picture = np.zeros((101, 101), np.uint8)
    picture[y - 1 : y + 2, x - 1 : x + 2] = 255
    return Image.fromarray(picture)


def centre(picture: Image.Image) -> np.ndarray:
    weights = values(picture)
    y, x = np.mgrid[:101, :101]
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


def test_shift_moves_by_its_length() -> None:
    shares = (0.05, 0.1, 0.2, 0.3, 0.4)
    moved = [centre(corrupt(spot(50, 50), Corruption.SHIFT, s, 3, {"shift": shares})) - 50 for s in SEVERITIES]
    assert [np.hypot(*m) for m in moved] == pytest.approx([101 * v for v in shares], abs=0.3)
    directions = [np.arctan2(*m) for m in moved]
    assert directions == pytest.approx([directions[0]] * 5, abs=0.05)


def test_rotation_turns_by_its_angle_about_the_centre() -> None:
    for severity, degrees in zip(SEVERITIES, MAGNITUDES[Corruption.ROTATION], strict=True):
        x, y = centre(corrupt(spot(80, 50), Corruption.ROTATION, severity, seed=0)) - 50
        assert np.degrees(np.arctan2(abs(y), x)) == pytest.approx(degrees, abs=1)
        assert np.hypot(x, y) == pytest.approx(30, abs=0.5)


def test_the_border_is_repeated_beyond_the_picture() -> None:
    flat = Image.new("L", (SIDE_PX, SIDE_PX), 77)
    for corruption in (Corruption.ROTATION, Corruption.SHIFT, Corruption.BLUR, Corruption.LOW_RESOLUTION):
        assert (values(corrupt(flat, corruption, 5, 0)) == 77).all()
