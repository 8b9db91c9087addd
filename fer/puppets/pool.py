"""Fresh pairs in memory, rendered once before a training: what a stream gives without its costs at every step."""

from __future__ import annotations

from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from fer.data.pairs import Pairs
from fer.puppets.sample import Options
from fer.puppets.stream import Pair, PuppetStream

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

    workers: processes that render; the pairs do not depend on it. by_unit: see ``Options``. Raises DataError.
    """
    options = Options(aligned=True, by_unit=by_unit)
    stream = PuppetStream(data_root / "puppets" / "assets.npz", split, seed, options=options)
    cv2.setNumThreads(1)  # the workers are the parallelism; one forked beside threads of OpenCV would wait for them
    loader: DataLoader[Pair] = DataLoader(stream, batch_size=None, num_workers=workers)
    rendered: list[dict[str, Tensor]] = []
    for pair in loader:
        rendered.append({key: pair[key].clone() for key in FIELDS})  # what a worker sends holds an open file
        if len(rendered) == count:
            break
    fields = {name: torch.stack([pair[key] for pair in rendered]) for key, name in FIELDS.items()}
    return Pairs(person=torch.arange(count), **fields)
