"""Neutralisation: remove the expression of a face and come near to the neutral picture of the same person."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from eval import image_metrics, judges, pairs, regions
from eval.benchmark import Benchmark, Neutralisation
from eval.columns import interval, percents
from eval.families import neutral_scores
from eval.families.base import Family, Items, Measure, measured
from eval.pictures import Sample, Split, by_size
from eval.records import Record, Status
from eval.source import Source
from fer.errors import FerError, ImageError
from fer.faces import align_like, detect_many
from fer.images import open_image, to_tensor
from fer.models.base import Neutralizer
from fer.types import Edit, Emotion

LANDMARKS = "landmarks.neutral"  # the part of an Edit that is compared with the points of the truth
IMPOSTOR_SHARE = 0.99  # of the pairs of different people lie below the limit that a kept identity must pass


@dataclass(frozen=True, eq=False)
class Pair:
    """A face and its truth, both (3, S, S) in [-1, 1] in one frame; intensity and landmarks where known."""

    face: Tensor
    truth: Tensor
    values: dict[str, float]
    points: tuple[Tensor, Tensor] | None  # (68, 2) of face and truth, in the unit square


class _Pairs(Items):
    def __init__(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> None:
        assert isinstance(benchmark.task, Neutralisation)
        task = self.task = benchmark.task
        self.benchmark, self.source = benchmark, source
        others = [task.person, *filter(None, (task.sources, task.intensity)), *(task.landmarks or ())]
        self.split = Split(benchmark, source, [task.view], limit, [task.truth], others)
        self.recognizer, self.embedder = judges.recognizer(device), judges.embedder(device)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def judged_by(self) -> Mapping[str, Any]:
        notes = [] if self.embedder else ["Identity was not measured: no weights of its embedder are bundled."]
        embedder = self.embedder.identity() if self.embedder else None
        return {"judges": {"recognizer": self.recognizer.identity(), "embedder": embedder}, "notes": notes}

    @cached_property
    def mean_shape(self) -> Tensor:
        """Mean neutral landmarks (68, 2) of the train split."""
        assert self.task.landmarks is not None
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
            edit, again = removed(model, faces), removed(model, truths)
            measured = measure(edit.image, faces, truths)
            measured["neutral_l1"] = image_metrics.l1(again.image, truths, regions.face(faces.shape[-1]))
            measured |= self._judge(edit.image, faces, truths) | self._landmarks(edit, chosen)
            vectors = self.embedder.model.embed(faces).tolist() if self.embedder else [()] * len(places)
            for row, i in enumerate(places):
                values = {name: float(each[row]) for name, each in measured.items()} | chosen[row].values
                records[i] = replace(
                    records[i], values=values, vector=tuple(vectors[row]), output_sha256=digest(edit.image[row])
                )
        return records

    def _judge(self, outputs: Tensor, faces: Tensor, truths: Tensor) -> dict[str, Tensor]:
        names = {"judged_neutral": outputs, "judged_neutral_input": faces, "judged_neutral_truth": truths}
        judged = {name: judges.is_neutral(self.recognizer, pictures).double() for name, pictures in names.items()}
        if self.embedder:
            embed = self.embedder.model.embed
            judged["identity_cosine"] = (embed(outputs) * embed(faces)).sum(1).double()
        return judged

    def _landmarks(self, edit: Edit, chosen: Sequence[Pair]) -> dict[str, Tensor]:
        both = [pair.points for pair in chosen if pair.points is not None]
        if LANDMARKS not in edit.parts or not both:
            return {}
        given, truth = (torch.stack(points) for points in zip(*both, strict=True))
        answers = {"": edit.parts[LANDMARKS].cpu(), "_input": given, "_mean_shape": self.mean_shape.expand_as(truth)}
        return {f"landmark_error{end}": image_metrics.landmark_error(each, truth) for end, each in answers.items()}

    def _read(self, numbers: Sequence[int]) -> tuple[list[Record], dict[int, Pair]]:
        """Records with what became of each row, and the pairs that can be used by their place in ``numbers``."""
        read = [self.split.sample_and_row(number) for number in numbers]
        records = [self._told(sample, row) for sample, row in read]
        opened: dict[int, tuple[Image.Image, Image.Image]] = {}
        for i, (sample, row) in enumerate(read):
            if sample.picture is None:
                continue
            try:
                opened[i] = sample.picture, open_image((row[self.task.truth] or {}).get("bytes") or b"")
            except ImageError as error:
                records[i] = replace(records[i], status=Status.BROKEN, note=f"The neutral picture: {error}")
        framed = detected(opened) if self.task.detect else as_they_are(opened)
        found: dict[int, Pair] = {}
        for i, pair in framed.items():
            if isinstance(pair, str):
                status = Status.NO_FACE if self.task.detect else Status.BROKEN
                records[i] = replace(records[i], status=status, note=pair)
            else:
                found[i] = self._pair(*pair, read[i][1])
        return records, found

    def _told(self, sample: Sample, row: Mapping[str, Any]) -> Record:
        person = str(row[self.task.person])
        return replace(sample.record, person=person, sources=tuple(row[self.task.sources]) if self.task.sources else ())

    def _pair(self, face: Tensor, truth: Tensor, row: Mapping[str, Any]) -> Pair:
        values = {"intensity": float(row[self.task.intensity])} if self.task.intensity else {}
        points = None
        if self.task.landmarks:
            given, neutral = (torch.tensor(row[c], dtype=torch.float32).reshape(-1, 2) for c in self.task.landmarks)
            points = given, neutral
        return Pair(face, truth, values, points)


def detected(opened: Mapping[int, tuple[Image.Image, Image.Image]]) -> dict[int, tuple[Tensor, Tensor] | str]:
    """Largest face of each picture, aligned, with its truth in the same frame; or which face was missed."""
    found: dict[int, tuple[Tensor, Tensor] | str] = {}
    both = detect_many([picture for each in opened.values() for picture in each]) if opened else []
    for (i, (_, picture)), faces, neutral in zip(opened.items(), both[::2], both[1::2], strict=True):
        if faces and neutral:
            found[i] = faces[0].pixels, align_like(picture, neutral[0].landmarks, faces[0])
        else:
            found[i] = "No face was found in the " + ("neutral picture." if faces else "picture.")
    return found


def as_they_are(opened: Mapping[int, tuple[Image.Image, Image.Image]]) -> dict[int, tuple[Tensor, Tensor] | str]:
    """Faces and truths that are aligned already; or why a pair cannot be used."""
    found: dict[int, tuple[Tensor, Tensor] | str] = {}
    for i, (picture, truth) in opened.items():
        if picture.width == picture.height and picture.size == truth.size:
            found[i] = to_tensor(picture), to_tensor(truth)
        else:
            found[i] = f"Picture and truth must be squares of one size; they are {picture.size} and {truth.size} px."
    return found


def removed(model: Neutralizer, faces: Tensor) -> Edit:
    """What ``model`` makes of faces; FerError where it is no picture of the same size."""
    edit = model.neutralize(faces)
    if edit.image.shape != faces.shape or not edit.image.isfinite().all():
        raise FerError(
            f"The model answered faces {tuple(faces.shape)} with {tuple(edit.image.shape)}, or with values that are "
            "not finite; expected finite pictures of the same size."
        )
    return Edit(edit.image.float().cpu(), edit.parts)


def measure(outputs: Tensor, faces: Tensor, truths: Tensor) -> dict[str, Tensor]:
    """Distances (B,) of outputs, and of the inputs as the baseline, to the truth."""
    size = faces.shape[-1]
    face, mouth = regions.face(size), regions.mouth(size)
    measured = {}
    for end, pictures in (("", outputs), ("_input", faces)):
        measured[f"face_l1{end}"] = image_metrics.l1(pictures, truths, face)
        measured[f"mouth_l1{end}"] = image_metrics.l1(pictures, truths, mouth)
        measured[f"psnr{end}"] = image_metrics.psnr(pictures, truths, face)
        measured[f"ssim{end}"] = image_metrics.ssim(pictures, truths, face)
    return measured


def digest(picture: Tensor) -> bytes:
    """SHA-256 of a generated face (3, S, S) in [-1, 1], rounded to 8 bits."""
    rounded = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
    return hashlib.sha256(rounded.numpy().tobytes()).digest()


class NeutralisationFamily(Family):
    """See ``Neutralisation``."""

    needs = (Neutralizer,)
    timed = "removing the expression without reading, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Pairs(benchmark, source, device, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Embeddings are used once, for how alike different people look, and dropped."""
        seen = [r for r in records if r.vector]
        if not seen:
            return list(records)
        cosines = pairs.cosines(np.array([r.vector for r in seen], np.float64))
        others = np.tril(pairs.apart([r.sources or (r.person,) for r in seen]), -1)
        limit = (
            {"impostor_limit": float(np.quantile(cosines[others], IMPOSTOR_SHARE)) / pairs.STEPS}
            if others.any()
            else {}
        )
        return [replace(r, vector=(), values={**r.values, **limit}) if r.vector else r for r in records]

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
