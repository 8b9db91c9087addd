"""Fresh pairs in memory, rendered once before a training: what a stream gives without its costs at every step."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from fer.data.changes import Changes, ChangeSource
from fer.data.mixtures import PairSource
from fer.data.pairs import Pairs
from fer.errors import TrainingError
from fer.puppets.changes import ChangeStream
from fer.puppets.sample import Options
from fer.puppets.stream import PuppetStream

VALIDATION_SEED = 1_000_003  # of what is rendered of validation people
FIELDS = {  # of a rendered pair, and their names in Pairs
    "image": "face",
    "neutral": "neutral",
    "emotion": "emotion",
    "intensity": "intensity",
    "landmarks": "landmarks",
    "neutral_landmarks": "neutral_landmarks",
    "au": "action_units",
}


def render_pairs(
    data_root: Path, count: int, seed: int, workers: int = 0, split: str = "train", by_unit: bool = False
) -> Pairs:
    """The first ``count`` pairs of a split's stream of this seed, in its order. Every person is new.

    count: 1 or more. workers: processes that render; the pairs do not depend on it. by_unit: see ``Options``. Raises
    DataError, and TrainingError for a count below 1.
    """
    options = Options(aligned=True, by_unit=by_unit)
    stream = PuppetStream(data_root / "puppets" / "assets.npz", split, seed, options=options)
    rendered = first_of(stream, count, workers)
    return Pairs(person=torch.arange(count), **{name: rendered[key] for key, name in FIELDS.items()})


def render_changes(data_root: Path, count: int, seed: int, workers: int = 0, split: str = "train") -> Changes:
    """The first ``count`` changes of a split, as ``render_pairs`` gives pairs."""
    stream = ChangeStream(data_root / "puppets" / "assets.npz", split, seed)
    return Changes(**first_of(stream, count, workers))


def change_source(
    data_root: Path, seed: int, rendered: int, validation: int, counts: tuple[int, int, int]
) -> tuple[ChangeSource, Changes]:
    """Changes for the training of an editor, and ``validation`` fresh ones of validation people.

    The source draws from ``rendered`` fresh changes of this seed, which come first in it, the stored pairs and the
    photographed ones; counts: of each in a batch. Raises DataError.
    """
    workers = os.cpu_count() or 1
    fresh = render_changes(data_root, rendered, seed, workers)
    held_out = render_changes(data_root, validation, VALIDATION_SEED, workers, "validation")
    pairs, grid = PairSource.load(data_root), fresh.flow.shape[-1]
    parts = (fresh, *(Changes.of_pairs(each, grid) for each in (pairs.puppets, pairs.london)))
    return ChangeSource(tuple(zip(parts, counts, strict=True)), pairs.still), held_out


def first_of(stream: IterableDataset[Any], count: int, workers: int) -> dict[str, Tensor]:
    """Values of the first ``count`` items, stacked by their keys. workers: processes that make them.

    Raises TrainingError for a count below 1.
    """
    if count < 1:
        raise TrainingError(f"{count} rendered faces are too few. Give the recipe 1 or more wherever it renders.")
    cv2.setNumThreads(1)  # the workers are the parallelism; one forked beside threads of OpenCV would wait for them
    loader: DataLoader[Any] = DataLoader(stream, batch_size=None, num_workers=workers)
    # What a worker sends holds an open file as long as it lives; copies hold none.
    items = [{key: value.clone() for key, value in item.items()} for item in islice(loader, count)]
    return {key: torch.stack([item[key] for item in items]) for key in items[0]}
