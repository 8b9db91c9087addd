"""FER+ (Barsoum et al. 2016, arXiv 1608.01041): FER2013 faces, 48 x 48 grey, each with ten people's votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fer.data.rows import check_labels, open_split

CLASSES = 8
DUPLICATE_CORRELATION = 0.93  # pairs above it, looked at, are the same photograph, shifted or re-compressed


def vote_distribution(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Votes (N, 10) -> distributions over the eight expressions (N, 8) and the mask (N,) of rows that have one.

    A single vote counts as a slip and is dropped, as in the FER+ paper; votes for "unknown" and "not a face" leave
    with the rows that have nothing else.
    """
    kept = np.where(votes > 1, votes, 0).astype(np.float32)[:, :CLASSES]
    total = kept.sum(1, keepdims=True)
    return kept / np.maximum(total, 1), total[:, 0] > 0


def _arrays(root: Path, split: str) -> tuple[Tensor, np.ndarray, np.ndarray]:
    rows = open_split(root, "ferplus", split)
    check_labels(rows, "label")
    pixels = torch.from_numpy(np.stack([np.asarray(image.convert("L")) for image in rows["image"]]))
    return pixels, np.array(rows["votes"]), np.array(rows["label"])


def signature(pixels: Tensor) -> Tensor:
    """uint8 (N, 48, 48) -> unit vectors (N, 576) whose dot product is the correlation of the half-size pictures."""
    small = F.avg_pool2d(pixels[:, None].float(), 2).flatten(1)
    small = small - small.mean(1, keepdim=True)
    return F.normalize(small, eps=1e-6)


def duplicates(pixels: Tensor, others: Tensor, correlation: float = DUPLICATE_CORRELATION) -> Tensor:
    """Mask (N,) of pictures that also stand in ``others``, as they are or mirrored."""
    reference = torch.cat([signature(others), signature(others.flip(2))]).T
    return torch.cat([(signature(part) @ reference).amax(1) > correlation for part in torch.split(pixels, 2048)])


def load_train(root: Path) -> tuple[Tensor, Tensor]:
    """Train rows less every picture that also stands in validation or test: uint8 (N, 48, 48), distributions (N, 8)."""
    pixels, votes, _ = _arrays(root, "train")
    held_out = torch.cat([_arrays(root, split)[0] for split in ("validation", "test")])
    target, usable = vote_distribution(votes)
    keep = torch.from_numpy(usable) & ~duplicates(pixels, held_out)
    return pixels[keep], torch.from_numpy(target)[keep]


def load_validation(root: Path) -> tuple[Tensor, Tensor]:
    """Validation faces with a majority among the eight expressions: pixels uint8 (N, 48, 48) and labels (N,)."""
    pixels, _, label = _arrays(root, "validation")
    keep = label < CLASSES
    return pixels[torch.from_numpy(keep)], torch.from_numpy(label[keep])
