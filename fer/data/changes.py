"""People with two expressions each: what an editor learns to turn into each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from fer.data.mixtures import as_colour, varied
from fer.data.pairs import Pairs
from fer.images import from_bytes

CHANGES_TOLD = (  # for cards
    "people with two expressions each, rendered from the puppets' train assets, with exact strengths and, for "
    "``places``, what belongs together"
)
FLOW_POINTS = 128  # of the places where the flow is known, drawn anew for every batch


@dataclass(frozen=True, eq=False)
class Changes:
    """N people with two expressions each, in one frame.

    faces: uint8 (N, 2, 3, 128, 128), RGB. units: float32 (N, 2, 23) in [0, 1], strengths of ACTION_UNITS.
    points: float32 (N, 2, 68, 2), landmarks in the unit square. flow: float16 (N, 2, 2, g, g), where the pixels of each
    face lie in the other, as a shift x, y in units of the side. All three are nan where they are not known.
    """

    faces: Tensor
    units: Tensor
    points: Tensor
    flow: Tensor

    def __len__(self) -> int:
        return len(self.units)

    def first(self, count: int) -> Changes:
        """The first ``count`` of them, or all where there are fewer."""
        return Changes(self.faces[:count], self.units[:count], self.points[:count], self.flow[:count])

    @classmethod
    def of_pairs(cls, pairs: Pairs, grid: int) -> Changes:
        """Faces with an expression and the same without."""
        units = pairs.action_units
        return cls(
            torch.stack([pairs.face, pairs.neutral], 1),
            torch.stack([units, torch.zeros_like(units)], 1),
            torch.stack([pairs.landmarks, pairs.neutral_landmarks], 1),
            torch.full((len(pairs), 2, 2, grid, grid), torch.nan, dtype=torch.float16),
        )


class ChangeBatch(NamedTuple):
    """Edits whose truth is known, in [-1, 1].

    source, truth: (B, 3, 128, 128). own, asked: strengths (B, 23) of both. points: (B, 2, K, 2), places in both that
    belong together, in the unit square. Strengths and points are nan where they are not known.
    """

    source: Tensor
    truth: Tensor
    own: Tensor
    asked: Tensor
    points: Tensor


@dataclass(frozen=True, eq=False)
class ChangeSource:
    """Changes to draw from, each with a number per batch, and neutral FER+ faces, which are to stay as they are.

    still: uint8 (N, 48, 48), tight.
    """

    parts: tuple[tuple[Changes, int], ...]
    still: Tensor

    @property
    def rendered(self) -> Changes:
        """What was rendered for this training, with exact strengths: the first part."""
        return self.parts[0][0]

    def draw(self, still: int) -> ChangeBatch:
        """A batch, the still faces last; changes run in either direction, each in its own light and place."""
        drawn = [_draw(changes, count) for changes, count in self.parts if count]
        source, truth, own, asked, points = (torch.cat(each) for each in zip(*drawn, strict=True))
        if still:
            calm = as_colour(from_bytes(self.still[torch.randint(len(self.still), (still,))]), source.shape[-1])
            source, truth = torch.cat([source, calm]), torch.cat([truth, calm])
            nothing, nowhere = (
                own.new_zeros(still, own.shape[1]),
                points.new_full((still, *points.shape[1:]), torch.nan),
            )
            own, asked, points = torch.cat([own, nothing]), torch.cat([asked, nothing]), torch.cat([points, nowhere])
        source, truth, points = varied(source, truth, points)
        return ChangeBatch(source, truth, own, asked, points)


def _draw(changes: Changes, count: int) -> ChangeBatch:
    rows = torch.randint(len(changes), (count,))
    first = torch.randint(2, (count,))  # which of the two faces is edited
    ends = torch.stack([first, 1 - first], 1)

    def both(values: Tensor) -> Tensor:
        return torch.stack([values[rows, ends[:, k]] for k in range(2)], 1)

    faces, units = both(changes.faces), both(changes.units)
    points = torch.cat([both(changes.points), places_of(changes.flow[rows, ends[:, 1]])], 2)
    return ChangeBatch(from_bytes(faces[:, 0]), from_bytes(faces[:, 1]), units[:, 0], units[:, 1], points)


def places_of(flow: Tensor) -> Tensor:
    """Places (B, 2, FLOW_POINTS, 2) in the source and in the truth, of flows (B, 2, g, g) from truth to source."""
    grid = flow.shape[-1]
    chosen = torch.randint(grid * grid, (FLOW_POINTS,))
    truth = (torch.stack([chosen % grid, chosen // grid], 1) + 0.5) / grid
    shift = flow.flatten(2)[:, :, chosen].transpose(1, 2).float()
    known = truth + 0 * shift  # nan where the shift is
    return torch.stack([truth + shift, known], 1)
