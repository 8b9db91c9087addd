"""What a page asks of the stored results: two models on the same pictures, and the figures of the report.

The page does not import this package; ``app.py`` hands it a ``Portal``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eval import charts, compare, report
from eval.scoring import Stored
from eval.store import read_predictions
from fer.types import Emotion

REMEMBERED = 256  # answers; a comparison of 3,000 pictures takes a second or two


@dataclass(frozen=True)
class Portal:
    """Compares the results below a folder and draws them. Models are MODEL:WEIGHTS; every answer is remembered."""

    results: Path

    def compare(self, first: str, second: str, benchmark: str) -> Sequence[compare.Difference]:
        """Every measure of two models on a benchmark. Raises DataError."""
        return _differences(self.results, first, second, benchmark)

    def confusion(self, result: Mapping[str, Any]) -> charts.Figure:
        """See ``charts.confusion``."""
        return charts.confusion(result)

    def reliability(self, models: Sequence[str], benchmark: str) -> charts.Figure:
        """How often the answers of each stated probability are right, a line per model. Raises DataError."""
        return charts.reliability({k: v for name in models for k, v in _curves(self.results, name, benchmark).items()})

    def mistakes(self, model: str, benchmark: str) -> Sequence[report.Mistake]:
        """The wrong answers of recognition that the model was surest of, surest first. Raises DataError."""
        return _mistakes(self.results, model, benchmark)


@lru_cache(maxsize=REMEMBERED)
def _chosen(results: Path, model: str) -> Mapping[str, compare.Entry]:
    return compare.select(results, model)


@lru_cache(maxsize=REMEMBERED)
def _differences(results: Path, first: str, second: str, benchmark: str) -> tuple[compare.Difference, ...]:
    return tuple(compare.compare(_chosen(results, first), _chosen(results, second), [benchmark]))


@lru_cache(maxsize=REMEMBERED)
def _mistakes(results: Path, model: str, benchmark: str) -> Sequence[report.Mistake]:
    path, result = _chosen(results, model)[benchmark]
    classes = tuple(Emotion(name) for name in result["benchmark"]["classes"])
    return report.mistakes(read_predictions(path, result), classes)


@lru_cache(maxsize=REMEMBERED)
def _curves(results: Path, model: str, benchmark: str) -> Mapping[str, report.Curve]:
    path, result = _chosen(results, model)[benchmark]
    return report.calibration([Stored(path, result, read_predictions(path, result))])
