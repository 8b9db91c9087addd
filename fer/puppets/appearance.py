"""Find the linear model of appearance (``fer.appearance``) of faces whose landmarks are known."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fer.appearance import Appearance, Components
from fer.framing import LUMINANCE, resized
from fer.warping import resized_field, warped

GRID = 32  # side of the fields between shapes
TURNS = 12  # of the fixed-point iteration that turns a field round
BORDER_POINTS = 9  # on each side of the picture, which stay where they are
SMOOTHING = 1e-3
WEIGHTS = (1.0, 0.5, 1.0)  # of luminance, colours and shape in the components: shares of their variances


def fields(points: Tensor, mean: Tensor) -> Tensor:
    """Where the mean shape's places lie in faces with landmarks (N, 68, 2), all in [-1, 1]: (N, 2, GRID, GRID).

    Thin-plate splines (Duchon 1977) between the landmarks; the picture's border stays.
    """
    from scipy.interpolate import RBFInterpolator

    known = torch.cat([mean, _border()]).double().numpy()
    centres = (torch.arange(GRID) + 0.5) / GRID * 2 - 1
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).reshape(-1, 2)
    weights = RBFInterpolator(known, np.eye(len(known)), smoothing=SMOOTHING)(grid.double().numpy())
    each = torch.from_numpy(weights[:, : len(mean)]).float()
    return torch.einsum("gk,nkc->ncg", each, points - mean).reshape(len(points), 2, GRID, GRID)


def _border() -> Tensor:
    """Points (4 * (BORDER_POINTS - 1), 2) around the picture, in [-1, 1]."""
    side = torch.linspace(-1, 1, BORDER_POINTS)[:-1]
    end = torch.ones(len(side))
    pairs = ((side, -end), (end, side), (-side, end), (-end, -side))
    return torch.cat([torch.stack(pair, 1) for pair in pairs])


def turned_round(field: Tensor) -> Tensor:
    """The field (N, 2, S, S) that undoes one: e(y) = -d(y + e(y)), by fixed-point iteration."""
    back = torch.zeros_like(field)
    for _ in range(TURNS):
        back = -warped(field, back)
    return back


def parts_of(faces: Tensor, points: Tensor, mean: Tensor, luminance_px: int, coarse_px: int) -> Appearance:
    """Faces (N, 3, S, S) with landmarks (N, 68, 2) in [-1, 1], taken apart."""
    field = fields(points, mean)
    same = warped(faces, resized_field(field, faces.shape[-1]))
    light = (same * torch.tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)
    shape = turned_round(resized_field(field, 64))
    return Appearance(
        resized(light, luminance_px),
        resized(same[:, [0, 2]] - light, coarse_px),
        resized(shape, coarse_px),
    )


def components(parts: Appearance, count: int) -> Components:
    """The ``count`` principal components of faces, found with torch's random state."""
    sizes = [part[0].numel() for part in parts]
    centred = [part.flatten(1) - part.flatten(1).mean(0) for part in parts]
    spreads = [each.square().sum().clamp(min=1e-12) for each in centred]
    scales = [(share / spread).sqrt() for share, spread in zip(WEIGHTS, spreads, strict=True)]
    rows = torch.cat([each * scale for each, scale in zip(centred, scales, strict=True)], 1)
    _, lengths, directions = torch.svd_lowrank(rows, q=count, niter=4)
    deviations = (lengths / len(rows) ** 0.5).clamp(min=1e-6)
    codes = rows @ directions / deviations
    grown = (directions * deviations).T.split(sizes, 1)
    split = [
        (each / scale).view(count, *part.shape[1:]) for each, scale, part in zip(grown, scales, parts, strict=True)
    ]
    return Components(Appearance(*(part.mean(0, keepdim=True) for part in parts)), Appearance(*split), codes)
