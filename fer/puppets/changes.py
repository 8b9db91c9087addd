"""One person with two expressions: what an editor learns to make of each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from fer.action_units import ACTION_UNITS
from fer.puppets.expression import Expression, make_expression, sample_action_units, sample_expression
from fer.puppets.sample import Cast, Options, Sample, draw, seed_of
from fer.puppets.stream import numbers, pixels
from fer.types import EMOTIONS

ALONE = 0.35  # share of changes from none to one Action Unit alone
CALM, BY_UNIT = 0.3, 0.35  # elsewhere, shares of expressions that are none, and of rare Action Units; else of a class
WEAKEST_ALONE = 0.4


class ChangeStream(IterableDataset[dict[str, Tensor]]):
    """Changes without end, see ``to_change``; numbered and shared out as the pairs of ``PuppetStream`` are."""

    def __init__(self, assets: Path, split: str, seed: int) -> None:
        """Raises DataError."""
        self._cast, self._seed = Cast.load(assets, split), seed

    def item(self, number: int) -> dict[str, Tensor]:
        """Change ``number``, 0 or more."""
        seed = seed_of(self._seed, number)
        rng = np.random.default_rng([seed, 1])
        sample, other = draw_change(self._cast, seed, rng)
        return to_change(sample, other)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return map(self.item, numbers(0))


def draw_change(cast: Cast, seed: int, rng: np.random.Generator) -> tuple[Sample, Expression]:
    """A person in one pose and light with two expressions: the sample's, and that of its second picture."""
    alone = rng.random() < ALONE
    first, second = (make_expression({}), one_unit(rng)) if alone else (some_expression(rng), some_expression(rng))
    return draw(cast, seed, Options(aligned=True), expression=first, other=second), second


def one_unit(rng: np.random.Generator) -> Expression:
    """One Action Unit, each as likely as another, and nothing else."""
    name = ACTION_UNITS[int(rng.integers(len(ACTION_UNITS)))]
    return make_expression({name: float(rng.uniform(WEAKEST_ALONE, 1.0))})


def some_expression(rng: np.random.Generator) -> Expression:
    """None, a few Action Units that belong together or not, or an expression of a class."""
    kind = rng.random()
    if kind < CALM:
        return make_expression({})
    if kind < CALM + BY_UNIT:
        return sample_action_units(rng)
    return sample_expression(rng, EMOTIONS[int(rng.integers(1, len(EMOTIONS)))], float(rng.uniform(0.3, 1.0)))


def to_change(sample: Sample, other: Expression) -> dict[str, Tensor]:
    """Two faces with what is known of them.

    faces: uint8 (2, 3, S, S). units: float32 (2, 23), strengths of ACTION_UNITS. points: float32 (2, 68, 2), landmarks
    in the unit square. flow: float16 (2, 2, 32, 32), for the first face where its pixels lie in the second, as a shift
    x, y in units of the side, nan off the face; then for the second face in the first.
    """
    flows = [torch.from_numpy(flow).permute(2, 0, 1) for flow in (sample.flow, sample.flow_back)]
    strengths = [torch.from_numpy(each.strengths) for each in (sample.expression, other)]
    points = [torch.from_numpy(each.astype(np.float32)) for each in (sample.landmarks, sample.neutral_landmarks)]
    return {
        "faces": torch.stack([pixels(sample.image), pixels(sample.neutral)]),
        "units": torch.stack(strengths),
        "points": torch.stack(points),
        "flow": torch.stack(flows),
    }
