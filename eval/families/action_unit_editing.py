"""Editing by Action Units: move stated muscles of a neutral face to stated strengths, and leave the person alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eval import flows, image_metrics, judges, regions
from eval.benchmark import ActionUnitEditing, Benchmark
from eval.columns import interval, percents, plain
from eval.families import unit_edit_scores
from eval.families.base import Family, Items, Measure, measured
from eval.families.faces import with_impostor_limit
from eval.families.units import as_values, stored_strengths, strengths
from eval.generated import checked, digest, measure, shown_part
from eval.pictures import Split, by_size
from eval.records import Record
from eval.source import Source
from eval.targets import placed
from eval.truths import people_with_truths
from fer.action_units import ACTION_UNITS, POSED_SMILE, units_of
from fer.models.base import Editor
from fer.types import Edit, Emotion, Framing


@dataclass(frozen=True, eq=False)
class Given:
    """A neutral face and its truth, both (3, S, S) in [-1, 1] in one frame.

    shown: the expression of the truth. asked: its strengths (23,); None where they are read from it. flow: (2, 32, 32),
    see ``flows.stored_flow``. unit: the number of the Action Unit that is asked for alone.
    """

    face: Tensor
    truth: Tensor
    shown: Emotion
    asked: Tensor | None
    flow: Tensor
    unit: int


class _Edits(Items):
    def __init__(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> None:
        task = self.task = benchmark.asked(ActionUnitEditing)
        others = [task.person, *filter(None, (task.sources, task.units, task.flow))]
        self.split = Split(benchmark, source, [task.view], limit, [task.truth], others)
        self.reader, self.recognizer = judges.unit_reader(device), judges.recognizer(device)
        self.embedder = judges.embedder(device)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def judged_by(self) -> Mapping[str, Any]:
        return judges.named(unit_reader=self.reader, recognizer=self.recognizer, embedder=self.embedder)

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return [given.face for given in self._read(numbers)[1].values()]

    def call(self, model: Editor, faces: Tensor) -> object:
        return edited(model, faces, units_of(POSED_SMILE).expand(len(faces), -1))

    def predict(self, numbers: Sequence[int], model: Editor) -> list[Record]:
        records, found = self._read(numbers)
        for places, faces in by_size({i: given.face for i, given in found.items()}):
            chosen = [found[i] for i in places]
            outputs, measured = self._measure(model, chosen, faces)
            vectors = judges.vectors(self.embedder, faces)
            for row, i in enumerate(places):
                values = {name: float(each[row]) for name, each in measured.items() if not each[row].isnan()}
                records[i] = replace(records[i], values=values, vector=vectors[row], output_sha256=digest(outputs[row]))
        return records

    def _measure(self, model: Editor, chosen: Sequence[Given], faces: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The edited faces, and all that is measured of them: (B,) by name."""
        truths = torch.stack([given.truth for given in chosen])
        asked = self._asked(chosen, truths)
        edit = edited(model, faces, asked)
        moved = shown_part(edit, "moved", channels=3)
        answers = {"": edit.image, "_input": faces} | ({} if moved is None else {"_moved": moved})
        every = answers | {"_truth": truths}
        read = {end: self._strengths(each) for end, each in (every if self.task.units else answers).items()}
        found: dict[str, Tensor] = {}
        for end, each in (read | {"_asked": asked}).items():
            found |= as_values(each, end)
        found |= measure(answers, truths) | judges.shown(self.recognizer, every, [given.shown for given in chosen])
        found |= judges.identity_cosine(self.embedder, edit.image, faces)
        found |= _own(model, faces) | _moves(edit, torch.stack([given.flow for given in chosen]))
        return edit.image, found | self._single(model, chosen, faces, read["_input"])

    def _strengths(self, faces: Tensor) -> Tensor:
        """Strengths (B, 23) that the judge reads."""
        return strengths(self.reader.model, faces, Framing.ALIGNED)

    def _asked(self, chosen: Sequence[Given], truths: Tensor) -> Tensor:
        stored = [given.asked for given in chosen if given.asked is not None]
        return torch.stack(stored) if stored else self._strengths(truths)

    def _single(self, model: Editor, chosen: Sequence[Given], faces: Tensor, before: Tensor) -> dict[str, Tensor]:
        """What the judge reads of the one Action Unit that a face is asked for alone, and read of it before."""
        if self.task.single is None:
            return {}
        unit = torch.tensor([given.unit for given in chosen])[:, None]
        asked = self.task.single * F.one_hot(unit[:, 0], len(ACTION_UNITS)).float()
        after = self._strengths(edited(model, faces, asked).image)
        return {"single": after.gather(1, unit)[:, 0], "single_input": before.gather(1, unit)[:, 0]}

    def _read(self, numbers: Sequence[int]) -> tuple[list[Record], dict[int, Given]]:
        """Records with what became of each row, and the faces that can be used by their place in ``numbers``."""
        task = self.task
        records, framed, rows = people_with_truths(
            self.split, numbers, task.truth, task.detect, task.person, task.sources
        )
        found = {}
        for i, pair in framed.items():
            record, row = records[i], rows[i]
            if record.label:
                asked = stored_strengths(row, task.units) if task.units else None
                flow = flows.stored_flow(row[task.flow] if task.flow else None)
                found[i] = Given(*pair, record.label, asked, flow, unit_edit_scores.single_unit(record.row))
        return records, found


def edited(model: Editor, faces: Tensor, asked: Tensor) -> Edit:
    """Faces (B, 3, S, S) with strengths (B, 23) in the order of ACTION_UNITS; FerError for any other answer."""
    return checked(model.edit(faces, placed(model.target_space, ACTION_UNITS, asked)), faces)


def _own(model: Editor, faces: Tensor) -> dict[str, Tensor]:
    """What asking for no Action Unit does to neutral faces: L1 and the largest difference over the face, (B,)."""
    same = edited(model, faces, torch.zeros(len(faces), len(ACTION_UNITS))).image
    face = regions.face(faces.shape[-1])
    return {"own_l1": image_metrics.l1(same, faces, face), "own_largest": image_metrics.largest(same, faces, face)}


def _moves(edit: Edit, truth: Tensor) -> dict[str, Tensor]:
    """Distance (B,) of the flow, and of none, from the true one (B, 2, 32, 32); and where the flow folds."""
    found = {"flow_error_input": flows.endpoint_error(torch.zeros_like(edit.image[:, :2]), truth)}
    flow = shown_part(edit, "flow", channels=2)
    if flow is None:
        return found
    return found | {"flow_error": flows.endpoint_error(flow, truth), "folding": flows.folding(flow)}


class ActionUnitEditingFamily(Family):
    """See ``ActionUnitEditing``."""

    needs = (Editor,)
    asks = ACTION_UNITS
    timed = "editing without reading, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Edits(benchmark, source, device, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Embeddings are used once, for how alike different people look, and dropped."""
        return with_impostor_limit(records)

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return unit_edit_scores.unit_editing(records, declaration, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Of faces whose truth shows an expression, but for what is asked of all."""
        calm = np.array([r.label == Emotion.NEUTRAL for r in records])
        chosen = {"face_l1": False, "mouth_l1": False, "top": True, "identity_cosine": True}
        found = {"au_mse": Measure(unit_edit_scores.errors(records), higher_is_better=False)}
        found |= {
            name: Measure(np.where(calm, np.nan, measured(records, name)), higher)
            for name, higher in chosen.items()
            if any(name in r.values for r in records)
        }
        if declaration["single"] is not None:
            found["single_reached"] = Measure(unit_edit_scores.reached(records, declaration), higher_is_better=True)
        return found

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        s = result["scores"]
        error = f"AU MSE {interval(s['au_mse'], 4)} (unedited {plain(s['au_mse_input']['value'], 4)})"
        return (
            f"{error}, ICC of those shown {interval(s['au_icc_shown'])}, face L1 {interval(s['face_l1_ratio'])} of the "
            f"unedited's, identity kept {percents(s['identity_kept'])} %"
        )
