"""How pixels were moved: distance from a known field, and where a field folds.

A flow (B, 2, S, S) says for each pixel of the result where it was read from, as a shift x, y.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fer.errors import DataError
from fer.warping import determinant

SIDE_PX = 128  # errors are given in pixels of a picture of this side
GRID = 32  # cells of a stored flow along a side


def stored_flow(data: bytes | None) -> Tensor:
    """A puppet's flow, float16 (32, 32, 2) of x, y in the unit square, as (2, 32, 32); all nan where there is none.

    It leads from the picture with the expression to the neutral one: where the former's pixels are read from when the
    neutral face is edited. nan off the face. DataError for bytes of another length.
    """
    if not data:
        return torch.full((2, GRID, GRID), torch.nan)
    if len(data) != GRID * GRID * 2 * np.dtype(np.float16).itemsize:
        raise DataError(f"A stored flow must hold {GRID} x {GRID} x 2 half-precision numbers, not {len(data)} bytes.")
    values = np.frombuffer(data, np.float16).astype(np.float32).reshape(GRID, GRID, 2)
    return torch.from_numpy(values).permute(2, 0, 1)


def endpoint_error(flow: Tensor, truth: Tensor) -> Tensor:
    """Mean distance in px of ``SIDE_PX`` between a flow (B, 2, S, S) in px of S and ``stored_flow`` (B, 2, 32, 32).

    At the centres of the cells where the truth is known; nan where it is nowhere: float64 (B,).
    """
    at_cells = F.interpolate(flow.double(), truth.shape[-2:], mode="bilinear", align_corners=False) / flow.shape[-1]
    return SIDE_PX * (at_cells - truth.double()).square().sum(1).sqrt().flatten(1).nanmean(1)


def folding(flow: Tensor) -> Tensor:
    """Share of the pixels where a flow (B, 2, S, S) in px turns the picture inside out or flattens it: float64 (B,).

    There the determinant of its Jacobian is 0 or less.
    """
    return (determinant(flow.double()) <= 0).double().mean((1, 2))
