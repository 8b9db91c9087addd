"""Tight crops and the canonical square."""

from __future__ import annotations

import pytest
import torch

from fer.framing import canonical, mirrored, resized, tight
from fer.regions import face_ellipse
from fer.types import Framing


def test_a_face_and_its_mirror_picture_are_read_alike() -> None:
    pictures = torch.arange(8.0).view(2, 1, 2, 2)
    assert mirrored(lambda each: each[:, 0, 0, 0], pictures).tolist() == [0.5, 4.5]  # the mean of both corners


def test_canonical_puts_a_tight_crop_where_tight_cuts_it_from() -> None:
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(0)), (48, 48), mode="bicubic"
    )
    there = canonical(smooth, Framing.TIGHT, 128)
    back = resized(tight(there, Framing.ALIGNED), 48)
    assert there.shape == (1, 1, 128, 128)
    assert float((back - smooth).abs()[..., 2:-2, 2:-2].max()) < 0.02


def test_canonical_repeats_the_border_of_a_tight_crop() -> None:
    left_dark = torch.ones(1, 1, 48, 48)
    left_dark[..., :24] = -1
    there = canonical(left_dark, Framing.TIGHT, 128)
    assert float(there[..., :40].max()) == pytest.approx(-1.0, abs=1e-5)
    assert float(there[..., 90:].min()) == pytest.approx(1.0, abs=1e-5)


def test_large_tight_crops_are_reduced_without_aliasing() -> None:
    stripes = torch.ones(1, 1, 480, 480)
    stripes[..., ::2] = -1
    assert float(canonical(stripes, Framing.TIGHT, 128).abs()[..., 20:108, 20:108].max()) < 0.1


def test_aligned_faces_stay_as_they_are() -> None:
    face = torch.rand(2, 3, 128, 128)
    assert canonical(face, Framing.ALIGNED, 128) is face
    assert tight(face, Framing.TIGHT) is face


def test_ellipse_has_the_area_of_an_ellipse() -> None:
    mask = face_ellipse(256)
    assert float(mask.mean()) == pytest.approx(torch.pi * 0.31 * 0.36, abs=1e-3)
    assert (float(mask[130, 128]), float(mask[10, 10])) == (1.0, 0.0)
