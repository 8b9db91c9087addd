"""Endless fresh pairs for training, rendered by the workers of a ``DataLoader``, written nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from fer.errors import DataError
from fer.puppets.sample import Cast, Options, Sample, draw, seed_of
from fer.types import EMOTIONS


class Pair(TypedDict):
    """One pair, as the default collation of a ``DataLoader`` takes it.

    image, neutral: uint8 (3, S, S) RGB. emotion: int64 (), index in fer.types.EMOTIONS. intensity: float32 (), 0 to 1.
    au: float32 (23,), strengths of fer.action_units.ACTION_UNITS, the mean of both sides.
    landmarks, neutral_landmarks: float32 (68, 2), x right and y down in the unit square.
    """

    image: Tensor
    neutral: Tensor
    emotion: Tensor
    intensity: Tensor
    au: Tensor
    landmarks: Tensor
    neutral_landmarks: Tensor


class PuppetStream(IterableDataset[Pair]):
    """Aligned pairs without end: pair i depends on the assets, the split, the options, the seed and i alone.

    Of n workers of a ``DataLoader``, worker w renders the pairs first + w, first + w + n, ...: together they give every
    pair once. Which pairs share a batch depends on the number of workers. A stream that starts at ``first`` goes on
    where another one, read up to there, ended.
    """

    def __init__(
        self, assets: Path, split: str, seed: int, size_px: int = 128, options: Options | None = None, first: int = 0
    ) -> None:
        """options: by default aligned pairs of ``size_px``; else all of its fields count. Raises DataError."""
        if min(seed, first) < 0:
            raise DataError(f"The seed and the first pair of a stream are 0 or more, not {seed} and {first}.")
        self._cast = Cast.load(assets, split)
        self._options = options or Options(size_px=size_px, aligned=True)
        self._seed, self._first = seed, first

    def item(self, number: int) -> Pair:
        """Pair ``number``, 0 or more."""
        return to_tensors(draw(self._cast, seed_of(self._seed, number), self._options))

    def __iter__(self) -> Iterator[Pair]:
        return map(self.item, numbers(self._first))


def numbers(first: int) -> Iterator[int]:
    """``first`` and so on without end; in a worker of a ``DataLoader`` every n-th of them, for n workers."""
    worker = get_worker_info()
    if worker is None:
        return count(first)
    cv2.setNumThreads(1)  # the workers are the parallelism
    return count(first + worker.id, worker.num_workers)


def to_tensors(sample: Sample) -> Pair:
    """A sample as tensors."""
    return {
        "image": pixels(sample.image),
        "neutral": pixels(sample.neutral),
        "emotion": torch.tensor(EMOTIONS.index(sample.expression.emotion)),
        "intensity": torch.tensor(sample.expression.intensity),
        "au": torch.from_numpy(sample.expression.strengths),
        "landmarks": torch.from_numpy(sample.landmarks.astype(np.float32)),
        "neutral_landmarks": torch.from_numpy(sample.neutral_landmarks.astype(np.float32)),
    }


def pixels(rgb: np.ndarray) -> Tensor:
    """uint8 (S, S, 3) -> (3, S, S)."""
    return torch.from_numpy(rgb).permute(2, 0, 1).contiguous()
