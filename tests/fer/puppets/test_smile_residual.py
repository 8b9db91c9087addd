"""The shading of smiles, measured on puppets whose smile is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer.errors import DataError
from fer.puppets.expression import make_expression
from fer.puppets.facekit import FaceModel
from fer.puppets.people import plain_person
from fer.puppets.photos import Photo
from fer.puppets.render import render
from fer.puppets.rig import Rig
from fer.puppets.sample import alignment
from fer.puppets.sitter import Sitter
from fer.puppets.smile_residual import CANVAS_PX, HALF_MAP, Residual, _regress, learn, measure
from fer.puppets.wrinkles import MAP_SHAPE, map_pixels


def puppet(rig: Rig, sitter: Sitter, smile: float) -> np.ndarray:
    expression, person = make_expression({"AU12": smile, "AU6": 0.8 * smile}), plain_person(sitter)
    align = alignment(rig, person, expression, np.zeros(3), CANVAS_PX)
    return render(rig, person, expression, np.zeros(3), align, CANVAS_PX, detail=False).picture


def test_an_unshaded_smile_has_no_residual(rig: Rig, sitter: Sitter) -> None:
    found = measure(rig, sitter, puppet(rig, sitter, 0.7))
    assert found is not None
    assert found.smile == 0.7
    assert found.log.shape == found.weight.shape == HALF_MAP
    assert np.abs(found.log[found.weight > 0.5]).max() < 0.02
    assert found.weight.max() > 0.5


def test_a_face_that_does_not_smile_is_left_out(rig: Rig, sitter: Sitter) -> None:
    assert measure(rig, sitter, puppet(rig, sitter, 0.0)) is None


def test_the_regression_finds_a_shading_in_proportion_to_the_smile() -> None:
    weight = np.ones(HALF_MAP, np.float32)
    found = [Residual(smile, np.full(HALF_MAP, -0.1 * smile, np.float32), weight) for smile in [0.35, 0.7, 1.0] * 40]
    shading = _regress(found)
    assert shading.shape == MAP_SHAPE
    column, row = map_pixels(np.array([[3.0, -0.5, 0]]))[0].astype(int)  # on the cheek
    assert shading[row, column] == pytest.approx(-0.1, rel=0.05)
    column, row = map_pixels(np.array([[0.0, -3.5, 0]]))[0].astype(int)  # on the lips
    assert shading[row, column] == 0
    assert np.allclose(shading[:, 1:], shading[:, :0:-1], atol=1e-6), "symmetric about the midline"


def test_no_smiling_photographs(model: FaceModel, photos: list[Photo], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no smiling photograph"):
        learn(model, photos, tmp_path)
