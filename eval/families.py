"""Scoring families: from raw predictions to the scores of a result. One family so far: recognition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eval import metrics
from eval.metrics import Floats, Ints
from eval.records import Record, Status
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

RESAMPLES = 1000
CONFIDENCE = 0.95
FROM_COUNTS: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": metrics.accuracy,
    "accuracy_detected": metrics.accuracy_detected,
    "uar": metrics.uar,
    "macro_f1": metrics.macro_f1,
}
FROM_PROBS: dict[str, Callable[[Floats, Ints, Floats | None], Floats]] = {"ece": metrics.ece, "nll": metrics.nll}


def count(records: Sequence[Record]) -> dict[str, int]:
    """How many pictures came in, were scored, or were left out and why. n_original is the sum of all but n_no_face."""
    n = {status: sum(r.status is status for r in records) for status in Status}
    return {
        "n_original": len(records),
        "n_scored": n[Status.PREDICTED] + n[Status.NO_FACE],
        "n_no_face": n[Status.NO_FACE],
        "n_outside_protocol": n[Status.OUTSIDE_PROTOCOL],
        "n_unknown_label": n[Status.UNKNOWN_LABEL],
        "n_broken": n[Status.BROKEN],
    }


def recognition(records: Sequence[Record], classes: tuple[Emotion, ...], seed: int) -> dict[str, Any]:
    """Score predictions of expressions: scores with bootstrap intervals, recall per class, confusion matrix, counts.

    Faces that were not found are wrong in accuracy, UAR, F1 and the confusion matrix, and are left out of ECE, NLL and
    accuracy_detected. Raises DataError when there is nothing to score.
    """
    scored = [r for r in records if r.status in (Status.PREDICTED, Status.NO_FACE)]
    if not scored:
        raise DataError(f"None of the {len(records)} pictures could be scored: {count(records)}.")
    labels, probs = _arrays(scored, classes)
    found = ~np.isnan(probs[:, 0])
    predicted = np.where(found, np.where(np.isnan(probs), -1, probs).argmax(1), -1)
    drawn = metrics.resamples(len(scored), RESAMPLES, seed)
    counts = metrics.confusion(labels, predicted, len(classes))
    resampled = metrics.confusion(labels, predicted, len(classes), drawn)
    scores = {name: _score(f(counts), f(resampled)) for name, f in FROM_COUNTS.items()}
    for name, g in FROM_PROBS.items():
        value = g(probs[found], labels[found], None)
        scores[name] = _score(value, g(probs[found], labels[found], drawn[:, found]))
    return {
        "counts": count(records),
        "scores": scores,
        "recall": {str(c): _number(v) for c, v in zip(classes, metrics.recall(counts), strict=True)},
        "confusion": {
            "labels": [str(c) for c in classes],
            "predictions": [*(str(c) for c in classes), "no face"],
            "counts": counts.astype(int).tolist(),
        },
        "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE, "seed": seed, "method": "percentile"},
    }


def _arrays(scored: Sequence[Record], classes: tuple[Emotion, ...]) -> tuple[Ints, Floats]:
    """Labels (N,) as places in ``classes`` and probabilities (N, C) renormalised over them; nan where no face was."""
    columns = [EMOTIONS.index(c) for c in classes]
    labels = np.array([classes.index(r.label) for r in scored if r.label is not None])
    missed = [np.nan] * len(EMOTIONS)
    probs = np.array([missed if r.probs is None else r.probs for r in scored], np.float64)[:, columns]
    return labels, probs / np.maximum(probs.sum(1, keepdims=True), metrics.LOWEST_PROBABILITY)


def _score(value: Floats, resampled: Floats) -> dict[str, float | None]:
    """A value with its interval, all None where it is not defined (no face was found at all)."""
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = metrics.interval(resampled, CONFIDENCE)
    return {"value": _number(value), "low": _number(low), "high": _number(high)}


def _number(value: Floats | float) -> float | None:
    """Six decimals: far below the width of any interval here, and stable across machines."""
    return None if np.isnan(value) else round(float(value), 6)
