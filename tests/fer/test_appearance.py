"""The linear model of faces' appearance: shapes undone and given back, colours, principal components."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fer.appearance import Appearance, joined
from fer.puppets.appearance import components, fields, parts_of, turned_round
from fer.warping import warped


def smooth(count: int, size: int = 64, seed: int = 0) -> Tensor:
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) - 0.5
    return F.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)


def shapes(count: int, spread: float = 0.05) -> tuple[Tensor, Tensor]:
    """The mean shape (68, 2) and shapes (N, 68, 2) near it, in [-1, 1]."""
    drawn = torch.Generator().manual_seed(1)
    mean = torch.rand(68, 2, generator=drawn) * 1.2 - 0.6
    bend = torch.randn(count, 2, 2, generator=drawn) * spread
    return mean, mean + mean @ bend


def test_a_field_leads_from_the_mean_shape_to_a_face() -> None:
    mean, points = shapes(3)
    field = fields(points, mean)
    assert field.shape == (3, 2, 32, 32)
    read = F.grid_sample(field, mean.expand(3, 1, 68, 2), align_corners=False)[:, :, 0].transpose(1, 2)
    assert float((read - (points - mean)).abs().max()) < 0.25 * float((points - mean).abs().max())
    assert float(fields(mean[None], mean).abs().max()) < 1e-6


def test_a_field_turned_round_undoes_it() -> None:
    mean, points = shapes(2, spread=0.08)
    field = F.interpolate(fields(points, mean), (64, 64), mode="bicubic", align_corners=False)
    faces = smooth(2)
    again = warped(warped(faces, field), turned_round(field))
    inside = (..., slice(8, -8), slice(8, -8))
    assert (
        float((again - faces)[inside].abs().mean()) < 0.01 < float((warped(faces, field) - faces)[inside].abs().mean())
    )


def test_parts_of_a_face_give_it_back() -> None:
    mean, points = shapes(2)
    faces = smooth(2)
    parts = parts_of(faces, points, mean, luminance_px=64, coarse_px=16)
    assert [part.shape[1:] for part in parts] == [(1, 64, 64), (2, 16, 16), (2, 16, 16)]
    assert float((joined(parts, 64) - faces).abs().mean()) < 0.02


def test_components_span_faces_and_their_codes_are_standardised() -> None:
    torch.manual_seed(0)
    mean, points = shapes(6)
    parts = parts_of(smooth(6, seed=3), points, mean, luminance_px=16, coarse_px=8)
    known = components(parts, 5)
    assert known.codes.shape == (6, 5)
    assert torch.allclose(known.codes.mean(0), torch.zeros(5), atol=1e-4)
    assert torch.allclose(known.codes.square().mean(0), torch.ones(5), atol=1e-3)
    again = Appearance(
        *(m + torch.einsum("nk,kchw->nchw", known.codes, d) for m, d in zip(known.mean, known.directions, strict=True))
    )
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(again, parts, strict=True))
