"""What is derived from a portrait."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer.errors import DataError
from fer.puppets.facekit import FaceModel
from fer.puppets.photos import Photo
from fer.puppets.sitter import Sitter


def test_the_face_covers_the_portrait(sitter: Sitter) -> None:
    eye = sitter.texture_points[sitter.model.landmarks[36:42]].mean(0)
    assert np.allclose(eye, sitter.photo.template[0], atol=0.5)


def test_a_correction_moves_the_face_in_the_picture_and_not_in_depth(sitter: Sitter) -> None:
    correction = np.tile(np.array([4, -2], np.float16), (len(sitter.model.mean), 1))
    moved = Sitter(sitter.model, replace(sitter.photo, correction=correction))
    assert np.allclose(moved.texture_points - sitter.texture_points, [4, -2], atol=1e-3)
    assert np.allclose(moved.vertices[:, 2], sitter.vertices[:, 2])


def test_masks_and_colours(sitter: Sitter) -> None:
    x, y = sitter.photo.template[44].astype(int)  # on the cheek
    assert np.allclose(sitter.skin_colour, sitter.picture[y - 5 : y + 5, x - 5 : x + 5].mean((0, 1)), atol=12)
    assert sitter.skin_mask[y, x] == pytest.approx(1, abs=0.01)
    assert sitter.skin_mask[5, 5] == 0
    share, background = sitter.matte
    assert share[y, x] > 0.99
    assert share[10, 10] < 0.01
    assert np.allclose(background, sitter.picture[:4].mean((0, 1)), atol=12)
    assert 0.78 <= sitter.exposure <= 1.12


def test_completed_eyes_change_lids_alone(sitter: Sitter) -> None:
    changed = np.abs(sitter.open_eyes.astype(int) - sitter.picture).max(2) > 8
    eyes = np.concatenate([sitter.photo.template[18:28], sitter.photo.template[28:34]])
    rows, columns = np.nonzero(changed)
    assert rows.min() > eyes[:, 1].min() - 30
    assert rows.max() < eyes[:, 1].max() + 30
    x, y = eyes[2].astype(int)  # middle of the right upper lid: skin before, iris or white after
    assert changed[y - 4, x]
    assert columns.min() > eyes[:, 0].min() - 20


def test_a_damaged_portrait_is_named(model: FaceModel, photos: list[Photo]) -> None:
    with pytest.raises(DataError, match="london/001_03"):
        _ = Sitter(model, replace(photos[0], jpeg=b"not a picture")).picture
