"""Change a face by moving its pixels and by painting what moving cannot give."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fer.types import Edit

PAINT, MASK, FLOW = slice(0, 3), slice(3, 4), slice(4, 6)  # channels of what a network puts out
CHANNELS = 6
LARGEST_FLOW = 0.2  # of half the picture's side


def with_flow(raw: Tensor, flow: Tensor) -> Tensor:
    """A network's output (B, 6 or more, S, S) whose flow, before its bound, has another (B, 2, S, S) added to it."""
    return torch.cat([raw[:, : FLOW.start], raw[:, FLOW] + flow, raw[:, FLOW.stop :]], 1)


class Composed(NamedTuple):
    """Faces (B, 3, S, S) with the flow (B, 2, S, S) in px and the mask (B, 1, S, S) that made them."""

    image: Tensor
    flow: Tensor
    mask: Tensor

    def edit(self) -> Edit:
        """The same as the answer of an editor, on the CPU."""
        return Edit(self.image.clamp(-1, 1).cpu(), {"flow": self.flow.cpu(), "mask": self.mask.cpu()})


def compose(faces: Tensor, raw: Tensor) -> Composed:
    """Faces (B, 3, S, S) changed as a network's output (B, 6, s, s) says.

    Pixels are moved by the flow, then painted where the mask says. The output is enlarged to the faces, so that a
    sharp photograph stays sharp where pixels only move.
    """
    if raw.shape[-1] != faces.shape[-1]:
        raw = F.interpolate(raw, faces.shape[-2:], mode="bilinear", align_corners=False)
    flow, mask = torch.tanh(raw[:, FLOW]) * LARGEST_FLOW, torch.sigmoid(raw[:, MASK] - 2)
    moved = warped(faces, flow)
    return Composed(painted(moved, raw[:, PAINT], mask), flow * faces.shape[-1] / 2, mask)


def warped(faces: Tensor, flow: Tensor) -> Tensor:
    """Faces (B, 3, S, S) whose pixels are read where the flow (B, 2, S, S), in halves of the side, points."""
    centres = (torch.arange(faces.shape[-1], device=faces.device) + 0.5) / faces.shape[-1] * 2 - 1
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1)[None] + flow.permute(0, 2, 3, 1)
    return F.grid_sample(faces, grid, align_corners=False, padding_mode="border")


def resized_field(field: Tensor, size_px: int) -> Tensor:
    """A field (B, C, s, s) at another size, smooth where it is enlarged."""
    if field.shape[-1] == size_px:
        return field
    return F.interpolate(field, size_px, mode="bicubic", align_corners=False)


def painted(faces: Tensor, paint: Tensor, mask: Tensor) -> Tensor:
    """Faces (B, 3, S, S) with other colours where the mask (B, 1, S, S) in [0, 1] says; paint shifts their atanh."""
    other = torch.tanh(paint + torch.atanh(faces.clamp(-0.97, 0.97)))
    return faces * (1 - mask) + other * mask


def determinant(flow: Tensor) -> Tensor:
    """Of the Jacobian of x + flow(x), for a flow (B, 2, S, S) px, by differences to the next pixel: (B, S - 1, S - 1).

    Below 0 the picture is turned over there, at 0 it is flattened.
    """
    across, down = flow[..., :-1, 1:] - flow[..., :-1, :-1], flow[..., 1:, :-1] - flow[..., :-1, :-1]
    return (1 + across[:, 0]) * (1 + down[:, 1]) - across[:, 1] * down[:, 0]
