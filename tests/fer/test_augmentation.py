"""Random changes: what they keep."""

from __future__ import annotations

import pytest
import torch

from fer.augmentation import MIRROR_68, moved, moved_landmarks, photograph, similarities, soften


def test_mirroring_twice_gives_every_landmark_its_name_back() -> None:
    assert sorted(MIRROR_68) == list(range(68))
    assert [MIRROR_68[k] for k in MIRROR_68] == list(range(68))
    assert (MIRROR_68[36], MIRROR_68[48], MIRROR_68[30], MIRROR_68[8]) == (45, 54, 30, 8)


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_landmarks_move_with_the_picture(mirror: float) -> None:
    theta = torch.tensor([[[mirror * 0.9, -0.2, 0.1], [mirror * 0.2, 0.9, -0.05]]])
    picture = torch.zeros(1, 1, 200, 200)
    picture[0, 0, 60, 120] = 1.0  # the centre of this pixel lies at (0.6025, 0.3025)
    points = torch.full((1, 68, 2), 0.5)
    points[0, 30] = torch.tensor([0.6025, 0.3025])  # the tip of the nose keeps its number
    place = moved_landmarks(points, theta)[0, 30] * 200
    row, column = divmod(int(moved(picture, theta).argmax()), 200)
    assert [column + 0.5, row + 0.5] == pytest.approx(place.tolist(), abs=0.8)


def test_photograph_changes_the_pictures_of_a_pair_alike() -> None:
    torch.manual_seed(0)
    face = torch.rand(4, 3, 16, 16) * 2 - 1
    pair = photograph(torch.cat([face, face], 1))
    assert torch.equal(pair[:, :3], pair[:, 3:])
    assert not torch.allclose(pair[:, :3], face, atol=0.01)
    assert float(pair.abs().max()) <= 1.0


def test_no_strength_changes_nothing() -> None:
    face = torch.rand(8, 3, 16, 16) * 2 - 1
    assert torch.allclose(photograph(face, 0.0), face, atol=1e-5)
    assert torch.equal(soften(face, 0.0), face)


def test_half_of_the_maps_mirror() -> None:
    torch.manual_seed(0)
    determinant = torch.linalg.det(similarities(2000, 0.2, 0.1)[:, :, :2])
    assert float((determinant < 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert float(determinant.abs().sqrt().max()) <= 1.1 + 1e-4
    kept = torch.linalg.det(similarities(500, 0.2, 0.1, mirrored=0.0)[:, :, :2])
    assert bool((kept > 0).all())
