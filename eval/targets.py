"""What an editor is asked for, by the names of its target space."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fer.errors import RegistryError
from fer.types import TargetSpace


def understands(space: TargetSpace, names: Sequence[str]) -> bool:
    """Whether all names can be asked for, each from 0 to 1: another scale would be misread."""
    ranges = {name: (low, high) for name, low, high in zip(space.names, space.low, space.high, strict=True)}
    return all(ranges.get(name) == (0.0, 1.0) for name in names)


def placed(space: TargetSpace, names: Sequence[str], values: Tensor) -> Tensor:
    """Targets (B, len(space.names)) with values (B, len(names)) under their names, else 0.

    RegistryError where the space lacks a name.
    """
    if unknown := [str(name) for name in names if name not in space.names]:
        raise RegistryError(f"The model cannot be asked for {', '.join(unknown)}: it knows {', '.join(space.names)}.")
    found = torch.zeros(len(values), len(space.names))
    found[:, [space.names.index(name) for name in names]] = values
    return found
