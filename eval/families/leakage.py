"""Leakage: what linear probes read from the code of an expression, and from two references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from eval import judges, metrics, probes, regions
from eval.benchmark import Benchmark, Leakage
from eval.columns import percent, percents
from eval.families.base import RESAMPLES, Family, Items, Measure, bootstrap, count, measured, number, predicted, score
from eval.metrics import Floats, Ints
from eval.pictures import Split, by_size, single_faces
from eval.records import Record, without_names
from eval.source import Source
from fer.errors import DataError, FerError
from fer.models.base import ExpressionEncoder
from fer.types import EMOTIONS, Framing

PIXELS_SIDE_PX = 32
LEAST_PICTURES = 4  # of a person, to be in the probe of identity: two to train on, two to test
PROBES = ("expression", "identity")
READ = {"": "vector", "_pixels": "pixels", "_plain": "features"}  # end of a score's name: what was probed for it


class _Pictures(Items):
    def __init__(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> None:
        task = self.task = benchmark.asked(Leakage)
        self.split = Split(benchmark, source, [task.view], limit, others=[task.person, *filter(None, (task.sources,))])
        self.judge = judges.recognizer(device)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def judged_by(self) -> Mapping[str, Any]:
        return {"judges": {"recognizer": self.judge.identity()}}

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(single_faces([self.split.sample(i) for i in numbers], Framing.TIGHT)[1].values())

    def call(self, model: ExpressionEncoder, faces: Tensor) -> object:
        return model.encode(faces)

    def predict(self, numbers: Sequence[int], model: ExpressionEncoder) -> list[Record]:
        # TIGHT: given to the models as they are, for they are aligned already
        records, faces = self.split.faces_of_people(numbers, Framing.TIGHT, self.task.person, self.task.sources)
        for places, batch in by_size(faces):
            codes = encoded(model, batch).tolist()
            features = judges.features(self.judge, batch).tolist()
            pixels = regions.face_luminance(batch, PIXELS_SIDE_PX).tolist()
            for i, *seen in zip(places, codes, features, pixels, strict=True):
                vector, feature, pixel = map(tuple, seen)
                records[i] = replace(records[i], vector=vector, features=feature, pixels=pixel)
        return records


def encoded(model: ExpressionEncoder, faces: Tensor) -> Tensor:
    """Codes (B, D) of faces; FerError where they are not one row of finite numbers per face."""
    codes = model.encode(faces).float().cpu()
    if codes.ndim != 2 or len(codes) != len(faces) or not bool(codes.isfinite().all()):
        raise FerError(
            f"The model gave codes of shape {tuple(codes.shape)} for {len(faces)} faces, or numbers that are not "
            "finite; expected one row of finite numbers per face."
        )
    return codes


class LeakageFamily(Family):
    """See ``Leakage``."""

    needs = (ExpressionEncoder,)
    timed = "encoding without reading and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Pictures(benchmark, source, device, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Of codes, features, pixels and names only what the probes got right is kept."""
        seen = [i for i, r in enumerate(records) if r.vector]
        finished = [replace(r, sources=(), vector=(), features=(), pixels=()) for r in without_names(records)]
        if seen:
            for i, values in zip(seen, probed([records[i] for i in seen]), strict=True):
                finished[i] = replace(finished[i], values=values)
        return finished

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return leakage(records, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Right or wrong, where a face was tested."""
        return {name: Measure(measured(records, name), name == "expression") for name in PROBES}

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        return ", ".join(
            f"{name} read {percents(result['scores'][name])} % (chance {percent(result['chance'][name])} %)"
            for name in PROBES
        )


def probed(seen: Sequence[Record]) -> list[dict[str, float]]:
    """For each record, 1 or 0 by the name of a score: whether a probe that saw other people, or other pictures of the
    same people, read its face rightly. A face that a probe leaves out has no entry.
    """
    people = _numbers([r.person for r in seen])
    asked: dict[str, tuple[Ints, Ints]] = {
        "expression": (
            np.array([EMOTIONS.index(r.label) for r in seen if r.label is not None]),
            probes.halves([r.sources or (r.person,) for r in seen]),
        ),
        "identity": (people, probes.in_turn(people, LEAST_PICTURES)),
    }
    values: list[dict[str, float]] = [{} for _ in seen]
    for name, (labels, fold) in asked.items():
        for end, field in READ.items():
            features = np.array([getattr(r, field) for r in seen], np.float64)
            found = probes.crossed(features, labels, fold)
            for i in np.flatnonzero(found != probes.LEFT_OUT):
                values[i][name + end] = float(found[i] == labels[i])
    return values


def leakage(records: Sequence[Record], seed: int) -> dict[str, Any]:
    """Shares that the probes read rightly, with intervals over people, and what a constant answer gets."""
    seen = predicted(records)
    person = _numbers([r.person for r in seen])
    classes = {"expression": _numbers([str(r.label) for r in seen]), "identity": person}
    drawn = metrics.resamples(int(person.max()) + 1, RESAMPLES, seed)[:, person]
    scores, chance, counts = {}, {}, {"n_people": int(person.max()) + 1}
    for name in PROBES:
        tested = ~np.isnan(measured(seen, name))
        if not tested.any():
            raise DataError(f"No face was left to test the probe of {name}; it needs more people, or pictures of each.")
        for end in READ:
            right = measured(seen, name + end)[tested]
            weights = drawn[:, tested]
            scores[name + end] = score(right.mean(), metrics.ratio(weights @ right, weights.sum(1)))
        chance[name] = number(_largest_share(classes[name][tested]))
        counts |= {f"n_{name}": int(tested.sum()), f"n_{name}_classes": len(np.unique(classes[name][tested]))}
    return {
        "counts": count(records) | counts,
        "scores": scores,
        "chance": chance,
        "bootstrap": bootstrap(seed, "people"),
    }


def _largest_share(labels: Ints) -> Floats | float:
    return float(np.bincount(labels).max() / len(labels))


def _numbers(names: Sequence[str]) -> Ints:
    """Names as numbers in the order in which they come first."""
    places = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names])
