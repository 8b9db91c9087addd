"""Action Units: say how strongly each of them is at work in a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from eval import metrics
from eval.benchmark import ActionUnitReading, Against, Benchmark
from eval.columns import interval, percents, plain
from eval.families.base import (
    RESAMPLES,
    UNDEFINED,
    Family,
    Items,
    Measure,
    bootstrap,
    count,
    number,
    predicted,
    score,
)
from eval.families.units import agreement, as_values, shown_by, stored_strengths, strengths, unit_values
from eval.metrics import Floats, Ints
from eval.pictures import Split, by_size, single_faces, whose
from eval.records import Record, without_names
from eval.source import Source
from fer.action_units import ACTION_UNITS, Part, knowledge_table
from fer.errors import DataError
from fer.models.base import ActionUnitReader
from fer.types import EMOTIONS, Emotion, Framing

SCORES = ("icc", "icc_shown", "mae", "raised", "rise", "rank_correlation")
TRUE = "_true"  # end of a value's name


class _Pictures(Items):
    def __init__(self, benchmark: Benchmark, source: Source, limit: int | None) -> None:
        task = self.task = benchmark.asked(ActionUnitReading)
        self.cut = Framing.ALIGNED if task.detect else Framing.TIGHT  # how it is read: found first, or as it is
        others = [*filter(None, (task.person, task.truth))]
        self.split = Split(benchmark, source, task.views, limit, others=others)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(single_faces([self.split.sample(i) for i in numbers], self.cut)[1].values())

    def call(self, model: ActionUnitReader, faces: Tensor) -> object:
        return model.action_units(faces, self.task.framing)

    def predict(self, numbers: Sequence[int], model: ActionUnitReader) -> list[Record]:
        read = [self.split.sample_and_row(number) for number in numbers]
        records, faces = single_faces([sample for sample, _ in read], self.cut)
        records = [whose(r, row, self.task.person, None) for r, (_, row) in zip(records, read, strict=True)]
        for places, batch in by_size(faces):
            for i, found in zip(places, strengths(model, batch, self.task.framing).tolist(), strict=True):
                values = dict(zip(ACTION_UNITS, found, strict=True)) | self._truth(read[i][1])
                records[i] = replace(records[i], values=values)
        return records

    def _truth(self, row: Mapping[str, Any]) -> dict[str, float]:
        if self.task.truth is None:
            return {}
        true = stored_strengths(row, self.task.truth)
        return {name: float(v) for name, v in as_values(true, TRUE).items()}


class ActionUnitFamily(Family):
    """See ``ActionUnitReading``."""

    needs = (ActionUnitReader,)
    timed = "reading Action Units without reading the file, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Pictures(benchmark, source, limit)

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """See ``Family.finish``. Names of people are not kept."""
        return without_names(records)

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        seen = predicted(records)
        match Against(declaration["against"]):
            case Against.TRUTH:
                found = against_truth(seen, seed)
            case Against.CALM:
                found = against_calm(seen, declaration["raised"], seed)
            case Against.KNOWLEDGE:
                found = against_knowledge(seen, seed)
        scores = {name: dict(UNDEFINED) for name in SCORES} | found["scores"]
        return found | {"counts": count(records) | found["counts"], "scores": scores}

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. The mean absolute error over the Action Units, where the truth is known."""
        if Against(declaration["against"]) is not Against.TRUTH:
            return {}
        return {
            "mae": Measure(np.abs(unit_values(records) - unit_values(records, TRUE)).mean(1), higher_is_better=False)
        }

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        s = result["scores"]
        words = {
            Against.TRUTH: f"ICC {interval(s['icc'])}, of those shown {interval(s['icc_shown'])}, "
            f"MAE {plain(s['mae']['value'])}",
            Against.CALM: f"{result['benchmark']['raised']} raised for {percents(s['raised'])} %, "
            f"by {interval(s['rise'])}",
            Against.KNOWLEDGE: f"rank correlation with what is known {interval(s['rank_correlation'])}",
        }
        return words[Against(result["benchmark"]["against"])]


def _people(seen: Sequence[Record]) -> Ints:
    names = {name: i for i, name in enumerate(dict.fromkeys(r.person for r in seen))}
    return np.array([names[r.person] for r in seen])


def against_truth(seen: Sequence[Record], seed: int) -> dict[str, Any]:
    """Agreement with the true strengths: means over Action Units with intervals over people, plain values of each.

    icc, icc_shown: see ``units.agreement``.
    """
    read, true, person = unit_values(seen), unit_values(seen, TRUE), _people(seen)
    drawn = metrics.resamples(int(person.max()) + 1, RESAMPLES, seed)[:, person]
    weights = np.concatenate([np.ones((1, len(seen))), drawn])
    agreed, chosen = agreement(read, true, weights)
    errors = weights @ np.abs(read - true) / weights.sum(1, keepdims=True)
    shown = shown_by(true)
    means = {name: metrics.mean_of_present(agreed[:, columns]) for name, columns in chosen.items()}
    means["mae"] = errors.mean(1)
    return {
        "counts": {"n_people": int(person.max()) + 1, **{f"n_{k}_units": int(c.sum()) for k, c in chosen.items()}},
        "scores": {name: score(values[0], values[1:]) for name, values in means.items()},
        "by_unit": {
            name: {"n_shown": int(shown[i]), "icc": number(agreed[0, i]), "mae": number(errors[0, i])}
            for i, name in enumerate(ACTION_UNITS)
        },
        "bootstrap": bootstrap(seed, "people"),
    }


def against_calm(seen: Sequence[Record], raised: str, seed: int) -> dict[str, Any]:
    """For how many people the strength of an Action Unit is higher with the expression than without, and by how much.

    People without both pictures are left out; DataError where nobody has both.
    """
    pictures: dict[str, dict[bool, float]] = {}
    for record in seen:
        pictures.setdefault(record.person, {})[record.label == Emotion.NEUTRAL] = record.values[raised]
    both = [each for each in pictures.values() if len(each) == 2]
    if not both:
        raise DataError("Nobody was seen both with an expression and without.")
    rise = np.array([each[False] - each[True] for each in both])
    drawn = metrics.resamples(len(rise), RESAMPLES, seed) / len(rise)
    higher = (rise > 0).astype(np.float64)
    return {
        "counts": {"n_people": len(rise), "n_raised": int(higher.sum())},
        "scores": {
            "raised": score(float(higher.mean()), drawn @ higher),
            "rise": score(float(rise.mean()), drawn @ rise),
        },
        "bootstrap": bootstrap(seed, "people"),
    }


def against_knowledge(seen: Sequence[Record], seed: int) -> dict[str, Any]:
    """Spearman's correlation of the mean strengths of the expressions with the parts that Action Units have in them.

    Over all expressions together, and plainly within each that has any part at all.
    """
    read, table = unit_values(seen), np.asarray(knowledge_table().numpy(), np.float64)
    member = np.array([[r.label == e for e in EMOTIONS] for r in seen], np.float64)
    drawn = np.concatenate([np.ones((1, len(seen))), metrics.resamples(len(seen), RESAMPLES, seed)])

    def correlation(weights: Floats) -> float:
        sums, counts = (member * weights[:, None]).T @ read, weights @ member
        known = (table != Part.UNKNOWN) & (counts > 0)[:, None]  # a rare expression may be missing from a resample
        means = metrics.ratio(sums, np.broadcast_to(counts[:, None], sums.shape))
        return metrics.rank_correlation(means[known], table[known])

    found = np.array([correlation(weights) for weights in drawn])
    return {
        "counts": {"n_expressions": int(member.any(0).sum())},
        "scores": {"rank_correlation": score(float(found[0]), found[1:])},
        "by_expression": {
            str(e): _of_expression(read[member[:, k] > 0], table[k])
            for k, e in enumerate(EMOTIONS)
            if member[:, k].any()
        },
        "bootstrap": bootstrap(seed),
    }


def _of_expression(read: Floats, parts: Floats) -> dict[str, Any]:
    """Mean strengths of the faces (n, 23) of one expression, and their correlation with its row of the table."""
    mean, known = read.mean(0), parts != Part.UNKNOWN
    return {
        "n": len(read),
        "rank_correlation": number(metrics.rank_correlation(mean[known], parts[known])),
        "means": {name: number(v) for name, v in zip(ACTION_UNITS, mean, strict=True)},
    }
