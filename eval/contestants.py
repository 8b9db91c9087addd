"""Who is measured: a model of ``fer`` with its weights, or a baseline without any."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

from eval import regions
from eval.benchmark import EXPRESSIONS, Benchmark, Neutralisation, Recognition, Robustness
from eval.families import FAMILIES
from eval.pictures import faces_of, label_reader
from eval.source import Source
from eval.targets import understands, unit_space
from fer.action_units import ACTION_UNITS
from fer.errors import DataError, RegistryError
from fer.framing import resized
from fer.images import open_image
from fer.models.base import ActionUnitReader, Editor, Embedder, ExpressionEncoder, Neutralizer, Recognizer
from fer.registry import Spec
from fer.types import EMOTIONS, ActionUnits, Edit, Framing, Prediction, TargetSpace

CAN: dict[type, str] = {
    Recognizer: "name expressions",
    Neutralizer: "remove an expression",
    Embedder: "tell people apart",
    Editor: "give a face an expression",
    ExpressionEncoder: "encode an expression",
    ActionUnitReader: "read Action Units",
}
ASKED: dict[tuple[str, ...], str] = {EXPRESSIONS: "the seven expressions", ACTION_UNITS: "the 23 Action Units"}
READ_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Contestant:
    """Who is measured and what identifies it.

    weights_sha256: None where there are no weights. device: where it runs. parameters: what decides the answers of a
    contestant without weights.
    """

    name: str
    weights_id: str
    weights_sha256: str | None
    model: Any
    device: str
    parameters: tuple[float | str, ...] = ()


class Majority(Recognizer):
    """Answers with the class frequencies of the train split, whatever the picture: the floor of recognition."""

    def __init__(self, probs: tuple[float, ...]) -> None:
        """probs: eight in canonical order, sum 1."""
        self.probs = probs

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``."""
        return Prediction(torch.tensor(self.probs, dtype=torch.float32).repeat(len(faces), 1))


class Input(Neutralizer):
    """Leaves every face as it is."""

    def neutralize(self, faces: Tensor) -> Edit:
        """See ``Neutralizer.neutralize``."""
        return Edit(faces, {})


class MeanNeutral(Neutralizer):
    """Answers with the mean neutral face of the train split, whoever is shown."""

    def __init__(self, mean: Tensor) -> None:
        """mean: (3, S, S) in [-1, 1]."""
        self.mean = mean

    def neutralize(self, faces: Tensor) -> Edit:
        """See ``Neutralizer.neutralize``."""
        return Edit(resized(self.mean[None], faces.shape[-1]).repeat(len(faces), 1, 1, 1), {})


class Unedited(Editor):
    """Leaves every face as it is, whatever it is asked for: what doing nothing gets."""

    def __init__(self, asks: tuple[str, ...] = EXPRESSIONS) -> None:
        """asks: the names that a task asks for."""
        self.space = unit_space(asks)

    @property
    def target_space(self) -> TargetSpace:
        """See ``Editor.target_space``."""
        return self.space

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """See ``Editor.edit``."""
        return Edit(faces, {})


class Pixels(Embedder):
    """The luminance of the face itself: 32 px, inside the face ellipse, standardised, of length 1."""

    SIDE_PX = 32

    def embed(self, faces: Tensor) -> Tensor:
        """See ``Embedder.embed``."""
        values = regions.face_luminance(faces, self.SIDE_PX)
        centred = values - values.mean(1, keepdim=True)
        return torch.nn.functional.normalize(centred + 1e-6 * (centred.norm(dim=1, keepdim=True) == 0))


class Zeros(ActionUnitReader):
    """Sees no Action Unit in any face: right most of the time, for most of them are still."""

    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        """See ``ActionUnitReader.action_units``."""
        return ActionUnits(torch.zeros(len(faces), len(ACTION_UNITS)), ACTION_UNITS)


BASELINES: dict[str, type] = {
    "majority": Majority,
    "input": Input,
    "mean_neutral": MeanNeutral,
    "pixels": Pixels,
    "unedited": Unedited,
    "zeros": Zeros,
}


def names() -> list[str]:
    """Every name that ``enter`` takes."""
    from fer.registry import MODEL_NAMES

    return [*BASELINES, *MODEL_NAMES]


def kind(name: str) -> type:
    """The class of a contestant, which tells what it can do. Raises RegistryError for an unknown name."""
    if name not in names():
        raise RegistryError.unknown("model", name, names())
    if name in BASELINES:
        return BASELINES[name]
    from fer.registry import spec

    built = spec(name)
    return built.build if isinstance(built.build, type) else type(built.build(built.config()))


def can_take(name: str, benchmark: Benchmark) -> bool:
    """Whether a contestant has all capabilities that a benchmark asks for."""
    return not _why_not(name, benchmark)


def _why_not(name: str, benchmark: Benchmark) -> str:
    """What a contestant cannot do that a benchmark asks for; nothing where it can be entered."""
    family = FAMILIES[benchmark.family]
    if lacking := [capability for capability in family.needs if not issubclass(kind(name), capability)]:
        return " or ".join(CAN[capability] for capability in lacking)
    if family.asks and name not in BASELINES:
        from fer.registry import spec

        space = _target_space(spec(name))
        if not understands(space, family.asks):
            return f"be asked for {ASKED[family.asks]}, each from 0 to 1: it knows {', '.join(space.names)}"
    return ""


@cache
def _target_space(built: Spec) -> TargetSpace:
    """What an editor understands; built without memory for its weights, as its usual configuration says."""
    with torch.device("meta"):
        return cast(Editor, built.build(built.config())).target_space


def check(name: str, benchmark: Benchmark) -> None:
    """RegistryError, one sentence, where a contestant lacks what a benchmark asks for."""
    if reason := _why_not(name, benchmark):
        raise RegistryError(f"{name} cannot be measured on {benchmark.name}, because it cannot {reason}.")


def enter(name: str, weights: str, device: str, benchmark: Benchmark, source: Source) -> Contestant:
    """Load who is called ``name``. Raises RegistryError (unknown, or lacks a capability), WeightsError, DataError."""
    check(name, benchmark)
    if name in BASELINES:
        return _baseline(name, benchmark, source)
    import fer
    from fer.load import pick_device
    from fer.weights import find

    found = find(name, weights)
    return Contestant(name, found.id, found.sha256, fer.load(name, weights, device), pick_device(device).type)


def _baseline(name: str, benchmark: Benchmark, source: Source) -> Contestant:
    if name == "majority":
        shares = frequencies(benchmark, source)
        return Contestant(name, "none", None, Majority(shares), "cpu", shares)
    if name == "mean_neutral":
        mean = mean_neutral(benchmark, source)
        digest = hashlib.sha256(mean.numpy().tobytes()).hexdigest()
        return Contestant(name, "none", None, MeanNeutral(mean), "cpu", (digest,))
    if name == "unedited":
        return Contestant(name, "none", None, Unedited(FAMILIES[benchmark.family].asks), "cpu")
    return Contestant(name, "none", None, BASELINES[name](), "cpu")


def frequencies(benchmark: Benchmark, source: Source) -> tuple[float, ...]:
    """Shares of the eight expressions among the train split's labels, by the benchmark's own label maps."""
    views = benchmark.task.views if isinstance(benchmark.task, Recognition) else (benchmark.asked(Robustness).view,)
    labels = [view.label for view in views if view.label is not None]
    unlabelled = [view.image for view in views if view.label is None]
    rows = source.open(benchmark.train_split, unlabelled, labels)
    total: Counter[str] = Counter()
    for view in views:
        if view.constant is not None:
            total[view.constant] += rows.num_rows
            continue
        name_of = label_reader(rows, view)
        total.update(label for row in rows if (label := view.labels.get(name_of(row) or "")))
    if not total:
        raise DataError(f"The {benchmark.train_split} split of {source.id} has no label that {benchmark.name} scores.")
    return tuple(total[e] / total.total() for e in EMOTIONS)


def mean_neutral(benchmark: Benchmark, source: Source) -> Tensor:
    """Mean (3, S, S) of the train split's neutral faces, cut as the benchmark does; missed ones are left out."""
    task = benchmark.asked(Neutralisation)
    total, count = torch.zeros(1), 0
    for faces in _neutral_faces(task, source.open(benchmark.train_split, [task.truth], [])):
        for face in faces:
            if face is not None:
                total, count = total + face.double(), count + 1
    if not count:
        raise DataError(f"The {benchmark.train_split} split of {source.id} has no neutral face to average.")
    return (total / count).float()


def _neutral_faces(task: Neutralisation, rows: Any) -> Iterator[Iterable[Tensor | None]]:
    framing = Framing.ALIGNED if task.detect else Framing.TIGHT
    for start in range(0, rows.num_rows, READ_AT_ONCE):
        pictures = [open_image(each["bytes"]) for each in rows[start : start + READ_AT_ONCE][task.truth]]
        yield faces_of(pictures, framing)
