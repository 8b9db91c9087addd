"""Neutralisation: remove the expression of a face and come near to the neutral picture of the same person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eval import image_metrics, judges, regions
from eval.benchmark import Benchmark, Neutralisation
from eval.columns import interval, percents
from eval.families import neutral_scores
from eval.families.base import Family, Items, Measure, measured
from eval.families.faces import with_impostor_limit
from eval.generated import checked, digest, measure
from eval.pictures import Split, by_size
from eval.records import Record
from eval.source import Source
from eval.truths import people_with_truths
from fer.errors import DataError
from fer.models.base import Neutralizer
from fer.types import Edit, Emotion

LANDMARKS = "landmarks.neutral"  # the part of an Edit that is compared with the points of the truth


@dataclass(frozen=True, eq=False)
class Pair:
    """A face and its truth, both (3, S, S) in [-1, 1] in one frame; intensity and landmarks where known."""

    face: Tensor
    truth: Tensor
    values: dict[str, float]
    points: tuple[Tensor, Tensor] | None  # (68, 2) of face and truth, in the unit square


class _Pairs(Items):
    def __init__(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> None:
        task = self.task = benchmark.asked(Neutralisation)
        self.benchmark, self.source = benchmark, source
        others = [task.person, *filter(None, (task.sources, task.intensity)), *(task.landmarks or ())]
        self.split = Split(benchmark, source, [task.view], limit, [task.truth], others)
        self.recognizer, self.embedder = judges.recognizer(device), judges.embedder(device)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def judged_by(self) -> Mapping[str, Any]:
        return judges.named(recognizer=self.recognizer, embedder=self.embedder)

    @cached_property
    def mean_shape(self) -> Tensor:
        """Mean neutral landmarks (68, 2) of the train split. Raises DataError."""
        if self.task.landmarks is None:
            raise DataError(f"The benchmark {self.benchmark.name} declares no landmarks.")
        column = self.task.landmarks[1]
        rows = self.source.open(self.benchmark.train_split, [], [column])
        return torch.tensor(np.mean(rows[column][:], axis=0), dtype=torch.float32).reshape(-1, 2)

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return [pair.face for pair in self._read(numbers)[1].values()]

    def call(self, model: Neutralizer, faces: Tensor) -> object:
        return model.neutralize(faces)

    def predict(self, numbers: Sequence[int], model: Neutralizer) -> list[Record]:
        records, found = self._read(numbers)
        for places, faces in by_size({i: pair.face for i, pair in found.items()}):
            chosen = [found[i] for i in places]
            truths = torch.stack([pair.truth for pair in chosen])
            edit, again = (checked(model.neutralize(each), each) for each in (faces, truths))
            measured = measure({"": edit.image, "_input": faces}, truths)
            measured["neutral_l1"] = image_metrics.l1(again.image, truths, regions.face(faces.shape[-1]))
            measured |= self._judge(edit.image, faces, truths) | self._landmarks(edit, chosen)
            vectors = judges.vectors(self.embedder, faces)
            for row, i in enumerate(places):
                values = {name: float(each[row]) for name, each in measured.items()} | chosen[row].values
                records[i] = replace(
                    records[i], values=values, vector=vectors[row], output_sha256=digest(edit.image[row])
                )
        return records

    def _judge(self, outputs: Tensor, faces: Tensor, truths: Tensor) -> dict[str, Tensor]:
        names = {"judged_neutral": outputs, "judged_neutral_input": faces, "judged_neutral_truth": truths}
        judged = {name: judges.is_neutral(self.recognizer, pictures).double() for name, pictures in names.items()}
        return judged | judges.identity_cosine(self.embedder, outputs, faces)

    def _landmarks(self, edit: Edit, chosen: Sequence[Pair]) -> dict[str, Tensor]:
        both = [pair.points for pair in chosen if pair.points is not None]
        if LANDMARKS not in edit.parts or not both:
            return {}
        given, truth = (torch.stack(points) for points in zip(*both, strict=True))
        answers = {"": edit.parts[LANDMARKS].cpu(), "_input": given, "_mean_shape": self.mean_shape.expand_as(truth)}
        return {f"landmark_error{end}": image_metrics.landmark_error(each, truth) for end, each in answers.items()}

    def _read(self, numbers: Sequence[int]) -> tuple[list[Record], dict[int, Pair]]:
        """Records with what became of each row, and the pairs that can be used by their place in ``numbers``."""
        task = self.task
        records, framed, rows = people_with_truths(
            self.split, numbers, task.truth, task.detect, task.person, task.sources
        )
        return records, {i: self._pair(*pair, rows[i]) for i, pair in framed.items()}

    def _pair(self, face: Tensor, truth: Tensor, row: Mapping[str, Any]) -> Pair:
        values = {"intensity": float(row[self.task.intensity])} if self.task.intensity else {}
        points = None
        if self.task.landmarks:
            given, neutral = (torch.tensor(row[c], dtype=torch.float32).reshape(-1, 2) for c in self.task.landmarks)
            points = given, neutral
        return Pair(face, truth, values, points)


class NeutralisationFamily(Family):
    """See ``Neutralisation``."""

    needs = (Neutralizer,)
    timed = "removing the expression without reading, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Pairs(benchmark, source, device, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Embeddings are used once, for how alike different people look, and dropped."""
        return with_impostor_limit(records)

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        thirds = declaration["thirds"]
        return neutral_scores.neutralisation(records, tuple(thirds) if thirds else None, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Of faces with an expression alone."""
        calm = np.array([r.label == Emotion.NEUTRAL for r in records])
        chosen = {"mouth_l1": False, "face_l1": False, "judged_neutral": True}
        return {
            name: Measure(np.where(calm, np.nan, measured(records, name)), higher_is_better)
            for name, higher_is_better in chosen.items()
        }

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        s = result["scores"]
        ratios = f"mouth L1 {interval(s['mouth_l1_ratio'])} and face L1 {interval(s['face_l1_ratio'])} of the input's"
        return f"{ratios}, judged neutral {percents(s['judged_neutral'])} %"
