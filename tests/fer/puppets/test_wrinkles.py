"""Creases on the canonical map."""

from __future__ import annotations

import numpy as np
import pytest

from fer.action_units import AU_INDEX
from fer.puppets.expression import Expression, make_expression
from fer.puppets.wrinkles import (
    CREASE_COUNT,
    CREASES,
    MAP_SHAPE,
    SMILE_GAIN,
    crease_maps,
    map_pixels,
    stroke,
    wrinkle_map,
)
from fer.types import Emotion

DEPTHS = np.ones(CREASE_COUNT)


def test_the_map_spans_eighteen_by_twentyfour_centimetres() -> None:
    assert MAP_SHAPE == (384, 288)
    assert map_pixels(np.array([[-9.0, 12, 0], [0, 0, 5], [9, -12, 0]])).tolist() == [[0, 0], [144, 192], [288, 384]]


def test_a_crease_is_dark_on_its_line_and_light_beside_it() -> None:
    nasolabial = CREASES[0]
    profile = stroke(nasolabial)
    column, row = map_pixels(np.array([[2.55, -1.35, 0]]))[0].astype(int)
    assert profile[row, column] < -0.8
    assert profile.min() >= -1
    assert 0.2 < profile.max() < 0.33
    assert np.all(profile[:, :144] == 0), "on the subject's left only"


def test_the_right_half_mirrors_the_left() -> None:
    maps = crease_maps()
    assert maps.shape == (CREASE_COUNT, 2, *MAP_SHAPE)
    assert np.array_equal(maps[:-1, 1], maps[:-1, 0, :, ::-1])
    with pytest.raises(ValueError, match="read-only"):
        maps[0, 0, 0, 0] = 1


def test_no_expression_has_no_creases() -> None:
    assert np.all(wrinkle_map(make_expression({}), DEPTHS, np.ones(MAP_SHAPE, np.float32)) == 0)


def test_creases_deepen_with_the_person_and_the_strength() -> None:
    frown, faint = make_expression({"AU4": 1.0}), make_expression({"AU4": 0.5})
    assert np.allclose(wrinkle_map(frown, 0.5 * DEPTHS), 0.5 * wrinkle_map(frown, DEPTHS), atol=1e-6)
    glabella = [crease.name for crease in CREASES].index("glabella")
    expected = crease_maps()[glabella].sum(0)
    column, row = map_pixels(np.array([[0.5, 5.6, 0]]))[0].astype(int)
    assert wrinkle_map(frown, DEPTHS)[row, column] == pytest.approx(expected[row, column], abs=0.02)
    assert wrinkle_map(faint, DEPTHS)[row, column] == pytest.approx(0.5**1.3 * expected[row, column], abs=0.02)


def test_one_sided_smiles_shade_one_side() -> None:
    left = np.zeros(23, np.float32)
    left[AU_INDEX["AU12"]] = 0.01  # too faint for a crease
    smile = np.ones(MAP_SHAPE, np.float32)
    shading = wrinkle_map(Expression(Emotion.HAPPINESS, 1.0, left, np.zeros_like(left)), DEPTHS, smile)
    assert np.allclose(shading[:, 144:], 0.01 * SMILE_GAIN)
    assert np.all(shading[:, :144] == 0)
