"""What every family does, and the pieces of scoring that all share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from eval import metrics
from eval.benchmark import Benchmark
from eval.metrics import Floats
from eval.records import Record, Status
from eval.source import Source
from fer.errors import DataError

RESAMPLES = 1000
CONFIDENCE = 0.95
UNDEFINED: dict[str, float | None] = {"value": None, "low": None, "high": None}


@dataclass(frozen=True, eq=False)
class Measure:
    """One number per record, nan where it was not measured; its mean over records is what two models differ by."""

    values: Floats
    higher_is_better: bool


class Items(ABC):
    """The samples of one benchmark, numbered, opened for one run."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def key(self, number: int) -> tuple[int, str]:
        """The key of the record of a sample."""

    @abstractmethod
    def predict(self, numbers: Sequence[int], model: Any) -> list[Record]:
        """What ``model`` answers, one record per number."""

    @abstractmethod
    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        """The faces (3, S, S) of some samples, prepared again: a resumed run has none in memory."""

    @abstractmethod
    def call(self, model: Any, faces: Tensor) -> object:
        """What is timed: the model alone, on faces (1, 3, S, S)."""

    def judged_by(self) -> Mapping[str, Any]:
        """Entries of the result that name who else took part; they decide predictions as the weights do."""
        return {}


class Family(ABC):
    """One kind of task. needs: what a model must be able to do; timed: what ``Items.call`` includes.

    asks: names that the target space of an ``Editor`` must hold, each from 0 to 1.
    """

    needs: ClassVar[tuple[type, ...]]
    asks: ClassVar[tuple[str, ...]] = ()
    timed: ClassVar[str]

    @abstractmethod
    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """The samples. limit: only the first rows. Raises DataError, WeightsError."""

    @abstractmethod
    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """The part of a result that follows from finished records alone. Raises DataError where none can be scored."""

    @abstractmethod
    def headline(self, result: Mapping[str, Any]) -> str:
        """The scores of a result in half a line."""

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """What two models can be compared by, picture by picture. None by default."""
        return {}

    def finish(self, records: Sequence[Record]) -> list[Record]:
        """All records of a run, once they are complete, as they are stored."""
        return list(records)


def count(records: Sequence[Record], missed_is_scored: bool = False) -> dict[str, int]:
    """How many pictures came in, were scored, or were left out and why.

    missed_is_scored: a face that was not found is an error of the model's, so n_scored holds n_no_face.
    """
    n = {status: sum(r.status is status for r in records) for status in Status}
    return {
        "n_original": len(records),
        "n_scored": n[Status.PREDICTED] + (n[Status.NO_FACE] if missed_is_scored else 0),
        "n_no_face": n[Status.NO_FACE],
        "n_outside_protocol": n[Status.OUTSIDE_PROTOCOL],
        "n_unknown_label": n[Status.UNKNOWN_LABEL],
        "n_broken": n[Status.BROKEN],
    }


def predicted(records: Sequence[Record]) -> list[Record]:
    """The records with a prediction; DataError where there are none."""
    chosen = [r for r in records if r.status is Status.PREDICTED]
    if not chosen:
        raise DataError(f"None of the {len(records)} pictures could be scored: {count(records)}.")
    return chosen


def score(value: Floats | float, resampled: Floats) -> dict[str, float | None]:
    """A value with its interval, all None where it is not defined."""
    if np.isnan(value):
        return dict(UNDEFINED)
    low, high = metrics.interval(resampled, CONFIDENCE)
    return {"value": number(value), "low": number(low), "high": number(high)}


def measured(records: Sequence[Record], name: str) -> Floats:
    """A value of records (N,), nan where it was not measured."""
    return np.array([r.values.get(name, np.nan) for r in records], np.float64)


def number(value: Floats | float) -> float | None:
    """Six decimals: far below the width of any interval here, and stable across machines."""
    return None if np.isnan(value) else round(float(value), 6)


def bootstrap(seed: int, over: str | None = None) -> dict[str, Any]:
    """How the intervals were made. over: what was drawn, where it was not single pictures."""
    how = {"resamples": RESAMPLES, "confidence": CONFIDENCE, "seed": seed, "method": "percentile"}
    return how if over is None else how | {"over": over}
