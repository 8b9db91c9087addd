"""What is measured without any weights: the floors that models must beat. Importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eval.benchmark import EXPRESSIONS, Benchmark
from fer.action_units import ACTION_UNITS
from fer.models.base import ActionUnitReader, Editor, Embedder, Neutralizer, Recognizer
from fer.types import ActionUnits, Edit, Framing, Prediction, TargetSpace

if TYPE_CHECKING:
    from torch import Tensor

    from eval.source import Source


class Majority(Recognizer):
    """Answers with the class frequencies of the train split, whatever the picture: the floor of recognition."""

    def __init__(self, probs: tuple[float, ...]) -> None:
        """probs: eight in canonical order, sum 1."""
        self.probs = probs

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``."""
        import torch

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
        from fer.framing import resized

        return Edit(resized(self.mean[None], faces.shape[-1]).repeat(len(faces), 1, 1, 1), {})


class Unedited(Editor):
    """Leaves every face as it is, whatever it is asked for: what doing nothing gets."""

    def __init__(self, asks: tuple[str, ...] = EXPRESSIONS) -> None:
        """asks: the names that a task asks for."""
        from fer.targets import unit_space

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
        from torch.nn.functional import normalize

        from eval import regions

        values = regions.face_luminance(faces, self.SIDE_PX)
        centred = values - values.mean(1, keepdim=True)
        return normalize(centred + 1e-6 * (centred.norm(dim=1, keepdim=True) == 0))


class Zeros(ActionUnitReader):
    """Sees no Action Unit in any face: right most of the time, for most of them are still."""

    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        """See ``ActionUnitReader.action_units``."""
        import torch

        return ActionUnits(torch.zeros(len(faces), len(ACTION_UNITS)), ACTION_UNITS)


BASELINES: dict[str, type] = {
    "majority": Majority,
    "input": Input,
    "mean_neutral": MeanNeutral,
    "pixels": Pixels,
    "unedited": Unedited,
    "zeros": Zeros,
}


def build(name: str, benchmark: Benchmark, source: Source) -> tuple[Any, tuple[float | str, ...]]:
    """A baseline for a benchmark, and what decides its answers. Raises DataError where its train split has nothing."""
    from eval import train_split
    from eval.families import FAMILIES

    if name == "majority":
        shares = train_split.frequencies(benchmark, source)
        return Majority(shares), shares
    if name == "mean_neutral":
        mean, digest = train_split.mean_neutral(benchmark, source)
        return MeanNeutral(mean), (digest,)
    if name == "unedited":
        return Unedited(FAMILIES[benchmark.family].asks), ()
    return BASELINES[name](), ()
