"""Contact sheets: what a generator makes, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from fer.errors import StorageError
from fer.images import to_picture


def save_sheet(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of pictures, each (N, 3, S, S) in [-1, 1], as one PNG. Raises StorageError."""
    picture = to_picture(torch.cat([torch.cat(list(row.float()), 2) for row in rows], 1))
    try:
        picture.save(path)
    except OSError as error:
        raise StorageError(f"The sheet {path} could not be written: {error}.") from error
