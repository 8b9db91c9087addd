"""What two baselines take from the train split of a benchmark's dataset."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from eval.benchmark import Benchmark, Neutralisation, Recognition, Robustness
from eval.pictures import faces_of, label_reader
from eval.source import Source
from fer.errors import DataError
from fer.images import open_image
from fer.types import EMOTIONS, Framing

READ_AT_ONCE = 32


def frequencies(benchmark: Benchmark, source: Source) -> tuple[float, ...]:
    """Shares of the eight expressions among the train split's labels, by the benchmark's own label maps."""
    views = benchmark.task.views if isinstance(benchmark.task, Recognition) else (benchmark.asked(Robustness).view,)
    labels = [view.label for view in views if view.label is not None]
    unlabelled = [view.image for view in views if view.label is None]
    rows = source.open(benchmark.train_split, unlabelled, labels)
    total: Counter[str] = Counter()
    for view in views:
        if view.constant is not None:
            total[view.constant] += rows.num_rows
            continue
        name_of = label_reader(rows, view)
        total.update(label for row in rows if (label := view.labels.get(name_of(row) or "")))
    if not total:
        raise DataError(f"The {benchmark.train_split} split of {source.id} has no label that {benchmark.name} scores.")
    return tuple(total[e] / total.total() for e in EMOTIONS)


def mean_neutral(benchmark: Benchmark, source: Source) -> tuple[Tensor, str]:
    """Mean (3, S, S) in [-1, 1] of the train split's neutral faces, and the SHA-256 of its numbers.

    Cut as the benchmark does; faces that are not found are left out.
    """
    task = benchmark.asked(Neutralisation)
    total, count = torch.zeros(1), 0
    for faces in _neutral_faces(task, source.open(benchmark.train_split, [task.truth], [])):
        for face in faces:
            if face is not None:
                total, count = total + face.double(), count + 1
    if not count:
        raise DataError(f"The {benchmark.train_split} split of {source.id} has no neutral face to average.")
    mean = (total / count).float()
    return mean, hashlib.sha256(mean.numpy().tobytes()).hexdigest()


def _neutral_faces(task: Neutralisation, rows: Any) -> Iterator[Iterable[Tensor | None]]:
    framing = Framing.ALIGNED if task.detect else Framing.TIGHT
    for start in range(0, rows.num_rows, READ_AT_ONCE):
        pictures = [open_image(each["bytes"]) for each in rows[start : start + READ_AT_ONCE][task.truth]]
        yield faces_of(pictures, framing)
