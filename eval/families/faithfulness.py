"""Faithfulness: does the residue that a model removes lie where a recogniser looks?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eval import judges, maps, metrics
from eval.benchmark import Benchmark, Faithfulness
from eval.columns import interval
from eval.families.base import RESAMPLES, Family, Items, Measure, bootstrap, count, measured, predicted, score
from eval.metrics import Floats
from eval.pictures import Split, canonical, canonical_crops
from eval.records import Record
from eval.source import Source
from fer.errors import RegistryError
from fer.models.base import Neutralizer, Recognizer
from fer.models.plain import Plain
from fer.types import EMOTIONS

METHODS = ("residue", "grad_cam", "gradient", "contrast", "random")
GAMES = ("deletion", "insertion")
SEARCHED_AT_ONCE = 64


class _Faces(Items):
    """The drawn faces, in the order of the draw. limit: only the first of them."""

    def __init__(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> None:
        self.task = benchmark.asked(Faithfulness)
        self.judge = judges.recognizer(device)
        if not isinstance(self.judge.model, Plain):
            raise RegistryError(f"The model {self.judge.name} cannot judge: its gradients are read as those of plain.")
        self.split = Split(benchmark, source, [self.task.view], None)
        self.examined = 0
        self.chosen = self._choose(min(limit or self.task.faces, self.task.faces))

    def _choose(self, wanted: int) -> list[int]:
        """Rows whose label the judge names, in a seeded order."""
        order = np.random.default_rng(self.task.seed).permutation(len(self.split)).tolist()
        chosen: list[int] = []
        for start in range(0, len(order), SEARCHED_AT_ONCE):
            numbers = order[start : start + SEARCHED_AT_ONCE]
            samples = [self.split.sample(i) for i in numbers]
            records, faces = canonical_crops(samples)
            if faces:
                answers = dict(zip(faces, self._classes(torch.stack(list(faces.values()))).tolist(), strict=True))
                right = [i for i, answer in answers.items() if EMOTIONS[answer] == records[i].label]
                places = right[: wanted - len(chosen)]
                chosen += [numbers[i] for i in places]
                done = len(chosen) == wanted
                self.examined += sum(i <= places[-1] for i in answers) if done else len(answers)
                if done:
                    break
        return chosen

    def _classes(self, faces: Tensor) -> Tensor:
        return canonical(self.judge.model.recognize(faces)).argmax(1)

    def __len__(self) -> int:
        return len(self.chosen)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(self.chosen[number])

    def judged_by(self) -> Mapping[str, Any]:
        selection = {"examined": self.examined, "named_rightly": len(self.chosen)}
        return {"judges": {"recognizer": self.judge.identity()}, "selection": selection}

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(canonical_crops([self.split.sample(self.chosen[i]) for i in numbers])[1].values())

    def call(self, model: Neutralizer, faces: Tensor) -> object:
        return model.neutralize(faces)

    def predict(self, numbers: Sequence[int], model: Neutralizer) -> list[Record]:
        records, found = canonical_crops([self.split.sample(self.chosen[i]) for i in numbers])
        faces, seeds = torch.stack(list(found.values())), [records[i].row for i in found]
        classes = self._classes(faces)
        cut = {
            "residue": maps.residue(model, faces),
            "grad_cam": maps.plain_grad_cam(self.judge.model, faces, classes),
            "gradient": maps.plain_gradient(self.judge.model, faces, classes),
            "contrast": maps.contrast(faces),
        }
        cut["random"] = maps.chance(len(faces), cut["gradient"].shape[-1], seeds)
        areas: dict[str, Tensor] = {}
        for method in METHODS:
            areas |= self._play(method, faces, maps.ranks(cut[method], seeds), classes)
        for row, i in enumerate(found):
            records[i] = replace(records[i], values={name: float(each[row]) for name, each in areas.items()})
        return records

    def _play(self, method: str, faces: Tensor, places: Tensor, classes: Tensor) -> dict[str, Tensor]:
        """Areas (B,) of deletion and insertion in the order of one map."""
        blurred, percents = maps.blurred(faces), self.task.percents
        games = {"deletion": (faces, blurred), "insertion": (blurred, faces)}
        areas = {}
        for game, (first, second) in games.items():
            answers = maps.curve(self.judge.model, first, second, places, percents, classes)
            areas[f"{game}_{method}"] = maps.area(answers, percents)
        return areas


class FaithfulnessFamily(Family):
    """See ``Faithfulness``."""

    needs = (Recognizer, Neutralizer)
    timed = "removing the expression without reading and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``. limit: only the first of the drawn faces."""
        return _Faces(benchmark, source, device, limit)

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return faithfulness(records, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Deleting what matters lowers the probability, inserting it raises it."""
        names = {f"{game}_residue": game == "insertion" for game in GAMES}
        return {name: Measure(measured(records, name), higher) for name, higher in names.items()}

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        return ", ".join(f"{game} area {interval(result['scores'][f'{game}_residue'])}" for game in GAMES)


def faithfulness(records: Sequence[Record], seed: int) -> dict[str, Any]:
    """Mean areas, and paired differences of the residue's to the others', with intervals over faces."""
    faces = predicted(records)
    drawn = metrics.resamples(len(faces), RESAMPLES, seed)
    wanted: dict[str, Floats] = {}
    for game in GAMES:
        areas = {method: np.array([r.values[f"{game}_{method}"] for r in faces]) for method in METHODS}
        wanted |= {f"{game}_{method}": area for method, area in areas.items()}
        for other in METHODS[1:]:
            wanted[f"{game}_residue_minus_{other}"] = areas["residue"] - areas[other]
    return {
        "counts": count(records),
        "scores": {name: score(values.mean(), drawn @ values / len(faces)) for name, values in wanted.items()},
        "bootstrap": bootstrap(seed, "faces"),
    }
