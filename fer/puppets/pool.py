"""Fresh pairs in memory, rendered once before a training: what a stream gives without its costs at every step."""

from __future__ import annotations

from pathlib import Path

import cv2
import torch
from torch.utils.data import DataLoader

from fer.data.pairs import Pairs
from fer.puppets.sample import Options
from fer.puppets.stream import Pair, PuppetStream


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
    rendered: list[Pair] = []
    for pair in loader:
        rendered.append(pair)
        if len(rendered) == count:
            break
    return Pairs(
        face=torch.stack([pair["image"] for pair in rendered]),
        neutral=torch.stack([pair["neutral"] for pair in rendered]),
        emotion=torch.stack([pair["emotion"] for pair in rendered]),
        person=torch.arange(count),
        intensity=torch.stack([pair["intensity"] for pair in rendered]),
        landmarks=torch.stack([pair["landmarks"] for pair in rendered]),
        neutral_landmarks=torch.stack([pair["neutral_landmarks"] for pair in rendered]),
        action_units=torch.stack([pair["au"] for pair in rendered]),
    )
