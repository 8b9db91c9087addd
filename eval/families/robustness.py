"""Robustness: name the expression of damaged pictures, beside the same pictures as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from eval import metrics
from eval.benchmark import Benchmark, Robustness
from eval.columns import percents
from eval.corruptions import SEVERITIES, Corruption, corrupt
from eval.families.base import RESAMPLES, Family, Items, Measure, bootstrap, count, measured, predicted, score
from eval.families.recognition import right
from eval.metrics import Floats
from eval.pictures import Split, by_size, canonical, single_faces
from eval.records import Record, Status
from eval.source import Source
from fer.images import to_tensor
from fer.models.base import Recognizer
from fer.types import Emotion, Framing


class _Faces(Items):
    """The drawn faces, in the order of the split. limit: only the first of them."""

    def __init__(self, task: Robustness, split: Split, limit: int | None) -> None:
        self.task, self.split = task, split
        labels = [split.label(number) for number in range(len(split))]
        self.chosen = stratified(labels, task.faces, task.seed)[:limit]

    def __len__(self) -> int:
        return len(self.chosen)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(self.chosen[number])

    def predict(self, numbers: Sequence[int], model: Recognizer) -> list[Record]:
        samples = [self.split.sample(self.chosen[i]) for i in numbers]
        records, faces = single_faces(samples, Framing.TIGHT)
        pictures = {i: picture for i in faces if (picture := samples[i].picture) is not None}
        for i, probs in _answers(model, faces).items():
            records[i] = replace(records[i], probs=probs)
        for name in self.task.magnitudes:
            for severity in SEVERITIES:
                damaged = {i: self._damaged(each, name, severity, records[i].row) for i, each in pictures.items()}
                for i, probs in _answers(model, damaged).items():
                    hit = right([replace(records[i], probs=probs)], self.task.classes)[0]
                    values = {**records[i].values, cell(name, severity): float(hit)}
                    records[i] = replace(records[i], values=values)
        return records

    def _damaged(self, picture: Image.Image, name: str, severity: int, row: int) -> Tensor:
        return to_tensor(corrupt(picture, Corruption(name), severity, row, self.task.magnitudes))

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(single_faces([self.split.sample(self.chosen[i]) for i in numbers], Framing.TIGHT)[1].values())

    def call(self, model: Recognizer, faces: Tensor) -> object:
        return model.recognize(faces, Framing.TIGHT)


def cell(corruption: str, severity: int) -> str:
    """The name of the value of a record that says whether the damaged picture was named rightly: 1 or 0."""
    return f"{corruption}_{severity}"


def _answers(model: Recognizer, faces: Mapping[int, Tensor]) -> dict[int, tuple[float, ...]]:
    """Probabilities of the eight expressions by the number of the face."""
    found: dict[int, tuple[float, ...]] = {}
    for places, batch in by_size(faces):
        answers = canonical(model.recognize(batch, Framing.TIGHT)).tolist()
        found |= dict(zip(places, map(tuple, answers), strict=True))
    return found


def stratified(labels: Sequence[Emotion | None], wanted: int, seed: int) -> list[int]:
    """Places of ``wanted`` labels, sorted; all that are not None where there are no more.

    Every label keeps its share: the whole part of its quota, and the largest remainders take what is left (ties in the
    order of the labels' names). Within a label a seeded permutation decides, so that nothing but labels and seed does.
    """
    places = {e: [i for i, label in enumerate(labels) if label is e] for e in sorted({e for e in labels if e})}
    total = sum(map(len, places.values()))
    wanted = min(wanted, total)
    quota = {e: len(each) * wanted / total for e, each in places.items()}
    take = {e: int(q) for e, q in quota.items()}
    rest = sorted(quota, key=lambda e: (take[e] - quota[e], e))[: wanted - sum(take.values())]
    chosen: list[int] = []
    for e, each in places.items():
        order = np.random.default_rng([seed, len(each)]).permutation(len(each))
        chosen += [each[i] for i in order[: take[e] + (e in rest)]]
    return sorted(chosen)


class RobustnessFamily(Family):
    """See ``Robustness``."""

    needs = (Recognizer,)
    timed = "recognition without reading"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``. limit: only the first of the drawn faces."""
        task = benchmark.asked(Robustness)
        return _Faces(task, Split(benchmark, source, [task.view], None), limit)

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return robustness(records, declaration, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Right or wrong on the picture as it is; share of its damaged ones named rightly."""
        seen = [i for i, r in enumerate(records) if r.status is Status.PREDICTED]
        clean = np.full(len(records), np.nan)
        clean[seen] = right([records[i] for i in seen], _classes(declaration)) if seen else []
        damaged = _cells(records, declaration["magnitudes"]).mean((0, 1))
        return {"accuracy": Measure(clean, True), "corrupted_accuracy": Measure(damaged, True)}

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        scores = result["scores"]
        return (
            f"accuracy {percents(scores['accuracy'])} %, damaged {percents(scores['corrupted_accuracy'])} %, "
            f"relative drop {percents(scores['relative_drop'])} %"
        )


def _classes(declaration: Mapping[str, Any]) -> tuple[Emotion, ...]:
    return tuple(Emotion(name) for name in declaration["classes"])


def _cells(records: Sequence[Record], corruptions: Sequence[str] | Mapping[str, Any]) -> Floats:
    """1 where a damaged picture was named rightly, else 0: (corruptions, severities, N); nan where there was none."""
    return np.array([[measured(records, cell(name, severity)) for severity in SEVERITIES] for name in corruptions])


def robustness(records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Accuracy on pictures as they are and damaged, and the share of it that is lost, with intervals over faces.

    corrupted_accuracy: the mean over corruptions and severities. relative_drop: 1 - damaged / clean accuracy, of the
    same faces; undefined where no clean face is named rightly. Raises DataError when there is nothing to score.
    """
    faces = predicted(records)
    clean, cells = right(faces, _classes(declaration)), _cells(faces, declaration["magnitudes"])
    drawn, once = metrics.resamples(len(faces), RESAMPLES, seed), np.ones((1, len(faces)))

    def scored(statistic: Callable[[Floats], Floats]) -> dict[str, float | None]:
        return score(statistic(once)[0], statistic(drawn))

    def mean(values: Floats) -> dict[str, float | None]:
        return scored(lambda weights: weights @ values / len(faces))

    def drop(values: Floats) -> dict[str, float | None]:
        return scored(lambda weights: 1 - metrics.ratio(weights @ values, weights @ clean))

    by_corruption = {
        name: {
            "accuracy": [mean(step) for step in steps],
            "mean": mean(steps.mean(0)),
            "relative_drop": drop(steps.mean(0)),
        }
        for name, steps in zip(declaration["magnitudes"], cells, strict=True)
    }
    damaged = cells.mean((0, 1))
    return {
        "counts": count(records),
        "scores": {"accuracy": mean(clean), "corrupted_accuracy": mean(damaged), "relative_drop": drop(damaged)},
        "by_corruption": by_corruption,
        "bootstrap": bootstrap(seed, "faces"),
    }
