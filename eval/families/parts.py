"""Parts: what each part of a network names by itself, beside all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from eval import metrics
from eval.benchmark import Benchmark, Parts
from eval.columns import percents
from eval.families.base import RESAMPLES, Family, Items, Measure, bootstrap, count, measured, predicted, score
from eval.metrics import Floats
from eval.pictures import Split, by_size, canonical, single_faces
from eval.records import Record
from eval.source import Source
from fer.errors import FerError
from fer.models.base import TOGETHER, PartRecognizer
from fer.types import EMOTIONS, Framing

RIGHT = "right_"  # with the name of a part: 1 where it named the expression rightly, else 0


class _Pictures(Items):
    def __init__(self, benchmark: Benchmark, source: Source, limit: int | None) -> None:
        self.split = Split(benchmark, source, [benchmark.asked(Parts).view], limit)

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(single_faces([self.split.sample(i) for i in numbers], Framing.TIGHT)[1].values())

    def call(self, model: PartRecognizer, faces: Tensor) -> object:
        return model.recognize_by_part(faces, Framing.TIGHT)

    def predict(self, numbers: Sequence[int], model: PartRecognizer) -> list[Record]:
        records, faces = single_faces([self.split.sample(i) for i in numbers], Framing.TIGHT)
        for places, batch in by_size(faces):
            answers = _answers(model, batch)
            for row, i in enumerate(places):
                label = records[i].label
                named = {name: EMOTIONS[int(found[row].argmax())] for name, found in answers.items()}
                right = {RIGHT + name: float(emotion == label) for name, emotion in named.items()}
                records[i] = replace(records[i], values=right)
        return records


def _answers(model: PartRecognizer, faces: Tensor) -> dict[str, Tensor]:
    """Probabilities (B, 8) by part; FerError where no part, or nothing says what all parts name together."""
    answers = {name: canonical(found) for name, found in model.recognize_by_part(faces, Framing.TIGHT).items()}
    if len(answers) < 2 or TOGETHER not in answers:
        raise FerError(
            f"The model answered by the parts {', '.join(answers) or 'none'}; expected "
            f'"{TOGETHER}" and one part or more.'
        )
    return answers


class PartFamily(Family):
    """See ``Parts``."""

    needs = (PartRecognizer,)
    timed = "recognition by all parts without reading"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        return _Pictures(benchmark, source, limit)

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return by_part(records, seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Right or wrong, by all parts together."""
        return {TOGETHER: Measure(measured(records, RIGHT + TOGETHER), higher_is_better=True)}

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        shares = {TOGETHER: result["scores"][TOGETHER], **result["by_part"]}
        return ", ".join(f"{name} {percents(found)} %" for name, found in shares.items())


def by_part(records: Sequence[Record], seed: int) -> dict[str, Any]:
    """Accuracy of all parts together and of each, and by how much a part is short of all, with intervals over pictures.

    ``scores`` holds what every model has: all together.
    """
    scored = predicted(records)
    drawn = metrics.resamples(len(scored), RESAMPLES, seed)

    def mean(values: Floats) -> dict[str, float | None]:
        return score(values.mean(), drawn @ values / len(scored))

    names = [name.removeprefix(RIGHT) for name in scored[0].values]
    right = {name: measured(scored, RIGHT + name) for name in names}
    together = right.pop(TOGETHER)
    return {
        "counts": count(records),
        "scores": {TOGETHER: mean(together)},
        "by_part": {name: mean(values) | {"short": mean(together - values)} for name, values in right.items()},
        "bootstrap": bootstrap(seed),
    }
