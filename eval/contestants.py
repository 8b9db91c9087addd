"""Who is measured: a model of ``fer`` with its weights, or the majority baseline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from eval.benchmark import Benchmark
from eval.pictures import label_reader
from eval.source import Source
from fer.errors import DataError, RegistryError
from fer.models.base import Recognizer
from fer.types import EMOTIONS, Framing, Prediction

MAJORITY = "majority"


@dataclass(frozen=True, eq=False)
class Contestant:
    """A recogniser and what identifies it.

    weights_sha256: None where there are no weights. device: where it runs. parameters: what decides the answers of a
    contestant without weights.
    """

    name: str
    weights_id: str
    weights_sha256: str | None
    recognizer: Recognizer
    device: str
    parameters: tuple[float, ...] = ()


class Majority(Recognizer):
    """Answers with the class frequencies of the train split, whatever the picture: the floor of every benchmark."""

    def __init__(self, probs: tuple[float, ...]) -> None:
        """probs: eight in canonical order, sum 1."""
        self.probs = probs

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``."""
        return Prediction(torch.tensor(self.probs, dtype=torch.float32).repeat(len(faces), 1))


def names() -> list[str]:
    """Every name that ``enter`` takes."""
    from fer.registry import specs

    return [MAJORITY, *specs()]


def enter(name: str, weights: str, device: str, benchmark: Benchmark, source: Source) -> Contestant:
    """Load who is called ``name``. Raises RegistryError (unknown, or no recogniser) and WeightsError."""
    if name not in names():
        raise RegistryError.unknown("model", name, names())
    if name == MAJORITY:
        shares = frequencies(benchmark, source)
        return Contestant(MAJORITY, "none", None, Majority(shares), "cpu", shares)
    import fer
    from fer.load import pick_device
    from fer.weights import find

    found = find(name, weights)
    model = fer.load(name, weights, device)
    if not isinstance(model, Recognizer):
        raise RegistryError(f"The model {name} does not name expressions, so it cannot be scored on {benchmark.name}.")
    return Contestant(name, found.id, found.sha256, model, pick_device(device).type)


def frequencies(benchmark: Benchmark, source: Source) -> tuple[float, ...]:
    """Shares of the eight expressions among the train split's labels, by the benchmark's own label maps."""
    labels = [view.label for view in benchmark.views if view.label is not None]
    unlabelled = [view.image for view in benchmark.views if view.label is None]
    rows = source.open(benchmark.train_split, unlabelled, labels)
    total: Counter[str] = Counter()
    for view in benchmark.views:
        if view.constant is not None:
            total[view.constant] += rows.num_rows
            continue
        name_of = label_reader(rows, view)
        total.update(label for row in rows if (label := view.labels.get(name_of(row) or "")))
    if not total:
        raise DataError(f"The {benchmark.train_split} split of {source.id} has no label that {benchmark.name} scores.")
    return tuple(total[e] / total.total() for e in EMOTIONS)
