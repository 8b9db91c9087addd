"""Verification: do two pictures with different expressions show one person?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from eval import metrics, pairs
from eval.benchmark import Benchmark, Negatives, Verification
from eval.columns import interval, percents
from eval.families.base import RESAMPLES, Family, Items, bootstrap, count, predicted, score
from eval.metrics import Floats, Ints
from eval.pictures import Split, by_size, single_faces
from eval.records import Record, without_names
from eval.source import Source
from fer.errors import DataError, FerError
from fer.models.base import Embedder
from fer.types import Framing

FALSE_ACCEPTS = 0.01


class _Pictures(Items):
    def __init__(self, benchmark: Benchmark, source: Source, limit: int | None) -> None:
        task = self.task = benchmark.asked(Verification)
        self.framing = Framing.ALIGNED if task.detect else Framing.TIGHT  # how it is read: found first, or as it is
        others = [task.person, *filter(None, (task.sources,))]
        self.split = Split(benchmark, source, [task.view], limit, others=others)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(single_faces([self.split.sample(i) for i in numbers], self.framing)[1].values())

    def call(self, model: Embedder, faces: Tensor) -> object:
        return model.embed(faces)

    def predict(self, numbers: Sequence[int], model: Embedder) -> list[Record]:
        records, faces = self.split.faces_of_people(numbers, self.framing, self.task.person, self.task.sources)
        for places, batch in by_size(faces):
            for i, vector in zip(places, embedded(model, batch).tolist(), strict=True):
                records[i] = replace(records[i], vector=tuple(vector))
        return records


def embedded(model: Embedder, faces: Tensor) -> Tensor:
    """Unit vectors (B, D) of faces; FerError where they are not of length 1."""
    vectors = model.embed(faces).float().cpu()
    if not np.allclose(vectors.norm(dim=1).numpy(), 1, atol=1e-3):
        raise FerError("The model gave embeddings that are not of length 1; expected unit vectors.")
    return vectors


class VerificationFamily(Family):
    """See ``Verification``."""

    needs = (Embedder,)
    timed = "embedding without reading, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Pictures(benchmark, source, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Only cosines between pictures are kept: embeddings and names of people are not."""
        seen = [r for r in records if r.vector]
        cosines = pairs.cosines(np.array([r.vector for r in seen], np.float64)) if seen else np.zeros((0, 0), int)
        before = {r.key: tuple(row[:i].tolist()) for i, (r, row) in enumerate(zip(seen, cosines, strict=True))}
        return [replace(r, vector=(), cosines=before.get(r.key, ())) for r in without_names(records)]

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return verification(records, Negatives(declaration["negatives"]), seed)

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        s = result["scores"]
        accepts = percents(s["tar_at_1_percent_far"])
        return f"AUC {interval(s['auc'])}, EER {percents(s['eer'])} %, true accepts {accepts} % at 1 % false"


def verification(records: Sequence[Record], negatives: Negatives, seed: int) -> dict[str, Any]:
    """AUC, equal error rate and true accepts at 1 % false accepts, with intervals over people."""
    seen = predicted(records)
    cosine, positive, negative = pair_table(seen, negatives)
    if not len(positive) or not len(negative):
        raise DataError(f"There are {len(positive)} positive and {len(negative)} negative pairs; both are needed.")
    names = list(dict.fromkeys(r.person for r in seen))
    person = np.array([names.index(r.person) for r in seen])
    drawn = metrics.resamples(len(names), RESAMPLES, seed)
    draws = (np.ones(len(names)), *drawn)
    values = np.array([_scores(*_histograms(cosine, positive, negative, weights[person])) for weights in draws])
    people = {"n_people": len(names), "n_positive_pairs": len(positive), "n_negative_pairs": len(negative)}
    names_of = ("auc", "eer", "tar_at_1_percent_far")
    return {
        "counts": count(records) | people,
        "scores": {name: score(column[0], column[1:]) for name, column in zip(names_of, values.T, strict=True)},
        "bootstrap": bootstrap(seed, "people"),
    }


def pair_table(seen: Sequence[Record], negatives: Negatives) -> tuple[Ints, Ints, Ints]:
    """Rounded cosines (N, N), lower half filled; positive and negative pairs (P, 2), later picture first."""
    n = len(seen)
    cosine = np.zeros((n, n), np.int64)
    for i, record in enumerate(seen):
        cosine[i, :i] = record.cosines
    person, label = np.array([r.person for r in seen]), np.array([str(r.label) for r in seen])
    same, other_label = person[:, None] == person, label[:, None] != label
    later = np.tril(np.ones((n, n), bool), -1)
    different = pairs.apart([r.sources or (r.person,) for r in seen]) & ~same & later
    if negatives is Negatives.OTHER_LABEL:
        different &= other_label
    return cosine, np.argwhere(same & other_label & later), np.argwhere(different)


def _histograms(cosine: Ints, positive: Ints, negative: Ints, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the positive and of the negative pairs on each rounded cosine; weights: how often a picture's person is
    drawn (N,). A pair within a person counts as often as the person, one between two as often as both meet.
    """
    within = pairs.histogram(cosine[positive[:, 0], positive[:, 1]], weights[positive[:, 0]])
    both = weights[negative[:, 0]] * weights[negative[:, 1]]
    return within, pairs.histogram(cosine[negative[:, 0], negative[:, 1]], both)


def _scores(positive: Floats, negative: Floats) -> tuple[float, float, float]:
    accepts = pairs.true_accepts(positive, negative, FALSE_ACCEPTS)
    return float(pairs.auc(positive, negative)), float(pairs.eer(positive, negative)), float(accepts)
