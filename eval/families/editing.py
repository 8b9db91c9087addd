"""Editing: give a face another expression and leave the person alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eval import image_metrics, judges, regions
from eval.benchmark import EXPRESSIONS, Benchmark, Editing
from eval.columns import interval, percents
from eval.families import edit_scores
from eval.families.base import Family, Items, Measure, measured
from eval.families.faces import with_impostor_limit
from eval.generated import checked, digest, measure
from eval.pictures import Split, by_size, canonical_crops, whose
from eval.records import Record
from eval.source import Source
from eval.targets import placed
from eval.truths import read_pairs
from fer.models.base import Editor
from fer.types import Emotion, TargetSpace


@dataclass(frozen=True, eq=False)
class Given:
    """A face that is edited, (3, S, S) in [-1, 1], aligned.

    real: a photograph in the same frame that shows the record's label: the truth, or the face itself where there is
    none. target, strength: what is asked for, in [0, 1]. neutral: whether the face is known to show nothing. swept:
    whether it is edited at all strengths.
    """

    face: Tensor
    real: Tensor
    target: Emotion
    strength: float
    neutral: bool
    swept: bool


class _Edits(Items):
    def __init__(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> None:
        task = self.task = benchmark.asked(Editing)
        others = list(filter(None, (task.person, task.sources, task.intensity)))
        self.split = Split(benchmark, source, [task.view], limit, [task.truth] if task.truth else [], others)
        self.recognizer, self.second = judges.recognizer(device), judges.second_recognizer(device)
        self.embedder = judges.embedder(device)
        self.swept = frozenset(self._first_expressive(task.swept))

    def _first_expressive(self, wanted: int) -> list[int]:
        found: list[int] = []
        for number in range(len(self.split)):
            if len(found) == wanted:
                break
            label = self.split.label(number)
            if label and target_of(self.task, label, number) is not Emotion.NEUTRAL:
                found.append(number)
        return found

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def judged_by(self) -> Mapping[str, Any]:
        return judges.named(recognizer=self.recognizer, second_recognizer=self.second, embedder=self.embedder)

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return [given.face for given in self._read(numbers)[1].values()]

    def call(self, model: Editor, faces: Tensor) -> object:
        return model.edit(faces, targets(model.target_space, [Emotion.HAPPINESS] * len(faces), [1.0] * len(faces)))

    def predict(self, numbers: Sequence[int], model: Editor) -> list[Record]:
        records, found = self._read(numbers)
        for places, faces in by_size({i: given.face for i, given in found.items()}):
            chosen = [found[i] for i in places]
            wanted, strengths = [given.target for given in chosen], [given.strength for given in chosen]
            outputs, reals = edited(model, faces, wanted, strengths), torch.stack([given.real for given in chosen])
            measured = self._judge(outputs, faces, reals, wanted) | _own(model, chosen, faces)
            measured |= judges.identity_cosine(self.embedder, outputs, faces)
            measured |= measure({"": outputs, "_input": faces}, reals) if self.task.truth else {}
            measured |= self._sweep(model, chosen, faces, measured)
            vectors = judges.vectors(self.embedder, faces)
            features, real_features = (judges.features(self.recognizer, each).tolist() for each in (outputs, reals))
            for row, i in enumerate(places):
                values = {name: float(each[row]) for name, each in measured.items() if not each[row].isnan()}
                records[i] = replace(
                    records[i],
                    target=str(chosen[row].target),
                    values=values,
                    vector=vectors[row],
                    features=tuple(features[row]),
                    real_features=tuple(real_features[row]),
                    output_sha256=digest(outputs[row]),
                )
        return records

    def _judge(self, outputs: Tensor, faces: Tensor, reals: Tensor, wanted: Sequence[Emotion]) -> dict[str, Tensor]:
        """Probability of the target, and whether it comes first, by both recognisers: (B,) each."""
        pictures = {"": outputs, "_input": faces} | ({"_truth": reals} if self.task.truth else {})
        judged: dict[str, Tensor] = {}
        for start, judge in (("", self.recognizer), ("second_", self.second)):
            judged |= {f"{start}{name}": each for name, each in judges.shown(judge, pictures, wanted).items()}
        return judged

    def _sweep(
        self, model: Editor, chosen: Sequence[Given], faces: Tensor, measured: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """What each share of the full target gains in probability and leaves of the person; nan for faces not swept."""
        rows = torch.tensor([given.swept for given in chosen])
        if not rows.any():
            return {}
        wanted = [given.target for given in chosen if given.swept]
        found: dict[str, Tensor] = {}
        for strength in self.task.strengths:
            outputs = edited(model, faces[rows], wanted, [strength] * len(wanted))
            for start, judge in (("", self.recognizer), ("second_", self.second)):
                gained = judges.shows(judge, outputs, wanted)[0] - measured[f"{start}probability_input"][rows]
                found[edit_scores.at(f"{start}gained", strength)] = gained
            kept = judges.identity_cosine(self.embedder, outputs, faces[rows])
            found |= {edit_scores.at(name, strength): each for name, each in kept.items()}
        return {name: _among(rows, each) for name, each in found.items()}

    def _read(self, numbers: Sequence[int]) -> tuple[list[Record], dict[int, Given]]:
        """Records with what became of each row, and the faces that can be used by their place in ``numbers``."""
        task = self.task
        read = [self.split.sample_and_row(number) for number in numbers]
        if task.truth:
            records, pairs = read_pairs(read, task.truth, task.detect)
        else:
            records, faces = canonical_crops([sample for sample, _ in read])
            pairs = {i: (face, face) for i, face in faces.items()}
        found = {}
        for i, (_, row) in enumerate(read):
            record = records[i]
            records[i] = whose(record, row, task.person, task.sources)
            if i in pairs and record.label:
                target = target_of(task, record.label, record.row)
                strength = float(row[task.intensity]) if task.intensity else 1.0
                neutral = task.truth is not None or record.label is Emotion.NEUTRAL
                found[i] = Given(*pairs[i], target, strength, neutral, record.row in self.swept)
        return records, found


def target_of(task: Editing, label: Emotion, row: int) -> Emotion:
    """The expression that a face is asked for. row: its number in the split."""
    if task.truth:
        return label
    others = [e for e in EXPRESSIONS if e is not label]
    return others[row % len(others)]


def targets(space: TargetSpace, wanted: Sequence[Emotion], strengths: Sequence[float]) -> Tensor:
    """Targets (B, len(space.names)): the strength under the expression's name, else 0; all 0 for neutral.

    RegistryError where the space has no such name.
    """
    names = sorted({str(e) for e in wanted} - {Emotion.NEUTRAL})
    values = [[strength * (e == name) for name in names] for e, strength in zip(wanted, strengths, strict=True)]
    return placed(space, names, torch.tensor(values))


def edited(model: Editor, faces: Tensor, wanted: Sequence[Emotion], strengths: Sequence[float]) -> Tensor:
    """Faces (B, 3, S, S) with the wanted expressions; FerError where the model answers with anything else."""
    return checked(model.edit(faces, targets(model.target_space, wanted, strengths)), faces).image


def _own(model: Editor, chosen: Sequence[Given], faces: Tensor) -> dict[str, Tensor]:
    """L1 (B,) over the face between a neutral face and its edit to no expression; nan where a face is not neutral."""
    rows = torch.tensor([given.neutral for given in chosen])
    if not rows.any():
        return {}
    given = faces[rows]
    same = edited(model, given, [Emotion.NEUTRAL] * len(given), [0.0] * len(given))
    return {"own_l1": _among(rows, image_metrics.l1(same, given, regions.face(faces.shape[-1])))}


def _among(rows: Tensor, values: Tensor) -> Tensor:
    """Values of the rows, bool (B,), that were measured, with nan for the others: float64 (B,)."""
    every = torch.full(rows.shape, torch.nan, dtype=torch.float64)
    every[rows] = values.double()
    return every


class EditingFamily(Family):
    """See ``Editing``."""

    needs = (Editor,)
    asks = tuple(map(str, EXPRESSIONS))
    timed = "editing without reading, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Edits(benchmark, source, device, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Embeddings and features are used once, for what compares faces, and dropped."""
        return edit_scores.with_mean_kernels(with_impostor_limit(records))

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return edit_scores.editing(records, declaration["strengths"], declaration["person"] is not None, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Of faces that were asked for an expression alone."""
        calm = np.array([r.target in ("", Emotion.NEUTRAL) for r in records])
        chosen = {"top": True, "second_top": True, "identity_cosine": True, "face_l1": False}
        return {
            name: Measure(np.where(calm, np.nan, measured(records, name)), higher)
            for name, higher in chosen.items()
            if any(name in r.values for r in records)
        }

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        s, judging = result["scores"], result["judges"]
        first, second = (judging[role]["name"] for role in ("recognizer", "second_recognizer"))
        shown = f"target by {first} {percents(s['top'])} % and by {second} {percents(s['second_top'])} %"
        return f"{shown}, identity kept {percents(s['identity_kept'])} %, face L1 {interval(s['face_l1_ratio'])}"
