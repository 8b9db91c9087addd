"""From the measured numbers of each face to the scores of a neutraliser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eval import metrics
from eval.families.base import RESAMPLES, UNDEFINED, bootstrap, count, measured, number, predicted, score
from eval.metrics import Floats, Ints
from eval.records import Record
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

MEANS = (
    *(f"{name}{end}" for name in ("mouth_l1", "face_l1", "psnr", "ssim") for end in ("", "_input")),
    "closer",
    "judged_neutral",
    "judged_neutral_input",
    "judged_neutral_truth",
    "identity_cosine",
    "identity_kept",
    "landmark_error",
    "landmark_error_input",
    "landmark_error_mean_shape",
)
RATIOS = {f"{region}_l1_ratio": (f"{region}_l1", f"{region}_l1_input") for region in ("mouth", "face")}
CLOSER_BY = 0.01  # of the input's distance; a model that does nothing must not win half the faces by rounding
Statistic = Callable[[Floats], Floats]  # weights (..., N) -> (...)


class Faces:
    """The measured faces as arrays. values: (N,) by name, nan where something was not measured."""

    def __init__(self, records: Sequence[Record]) -> None:
        names = {name for r in records for name in r.values}
        nan = np.full(len(records), np.nan)
        self.values = {name: measured(records, name) for name in sorted(names)}
        nearer = self["mouth_l1"] < (1 - CLOSER_BY) * self["mouth_l1_input"]
        self.values["closer"] = nearer.astype(np.float64)
        limit, cosine = self.values.get("impostor_limit", nan), self.values.get("identity_cosine", nan)
        self.values["identity_kept"] = np.where(np.isnan(limit + cosine), np.nan, cosine > limit)
        self.labels = np.array([r.label for r in records])
        people = list(dict.fromkeys(r.person for r in records))
        self.person: Ints = np.array([people.index(r.person) for r in records])
        self.n_people = len(people)
        self.expressive = self.labels != Emotion.NEUTRAL

    def __getitem__(self, name: str) -> Floats:
        return self.values.get(name, np.full(len(next(iter(self.values.values()))), np.nan))

    def mean(self, name: str, rows: Floats) -> Statistic:
        """The mean of a value over ``rows`` (N,) of truth values."""
        known = ~np.isnan(self[name]) & (rows > 0)
        filled = np.where(known, self[name], 0)
        return lambda weights: metrics.ratio(weights @ filled, weights @ known.astype(np.float64))

    def ratio(self, name: str, rows: Floats) -> Statistic:
        """Sum of a distance over the sum of the input's, over ``rows``."""
        part, whole = (self[column] * rows for column in RATIOS[name])
        return lambda weights: metrics.ratio(weights @ part, weights @ whole)

    def statistic(self, name: str, rows: Floats) -> Statistic:
        """A mean or a ratio by its name."""
        return self.ratio(name, rows) if name in RATIOS else self.mean(name, rows)

    def over_expressions(self, name: str, rows: Floats) -> Statistic:
        """The plain mean of a statistic over the expressions but neutral."""
        labels = [e for e in EMOTIONS if e is not Emotion.NEUTRAL and (rows * (self.labels == e)).any()]
        each = [self.statistic(name, rows * (self.labels == e)) for e in labels]
        return lambda weights: metrics.mean_of_present(np.stack([f(weights) for f in each], -1))


def neutralisation(records: Sequence[Record], thirds: tuple[float, float] | None, seed: int) -> dict[str, Any]:
    """Scores with intervals over people, and plain values per expression and per third of the intensity.

    Raises DataError when no expressive face could be scored.
    """
    faces = Faces(predicted(records))
    if not faces.expressive.any():
        raise DataError("There is no face with an expression to remove.")
    every, drawn = np.ones(len(faces.person)), metrics.resamples(faces.n_people, RESAMPLES, seed)[:, faces.person]
    wanted = {name: faces.over_expressions(name, every) for name in (*RATIOS, *MEANS)}
    wanted["neutral_l1"] = faces.mean("neutral_l1", every)
    wanted["neutral_rows_l1"] = faces.mean("face_l1", (~faces.expressive).astype(np.float64))
    scores = {name: score(f(every), f(drawn)) for name, f in wanted.items()}
    n_closer = int(faces["closer"][faces.expressive].sum())
    people = {"n_people": faces.n_people, "n_expressive": int(faces.expressive.sum()), "n_closer": n_closer}
    return {
        "counts": count(records) | people,
        "scores": scores | _identity(faces, drawn),
        "by_expression": _by_expression(faces),
        "by_intensity": _by_intensity(faces, thirds) if thirds else {},
        "bootstrap": bootstrap(seed, "people"),
    }


def _identity(faces: Faces, drawn: Floats) -> dict[str, dict[str, float | None]]:
    """Median with its interval, and the lowest value, which has none, of the cosine over expressive faces."""
    cosine, weights = faces["identity_cosine"], drawn
    chosen = faces.expressive & ~np.isnan(cosine)
    if not chosen.any():
        return {"identity_median": dict(UNDEFINED), "identity_min": dict(UNDEFINED)}
    cosine, weights = cosine[chosen], weights[:, chosen].astype(int)
    medians = np.array([np.median(np.repeat(cosine, row)) if row.any() else np.nan for row in weights])
    lowest = UNDEFINED | {"value": number(float(cosine.min()))}
    return {"identity_median": score(float(np.median(cosine)), medians), "identity_min": lowest}


def _by_expression(faces: Faces) -> dict[str, dict[str, float | None]]:
    found = {}
    for emotion in EMOTIONS:
        rows = (faces.labels == emotion).astype(np.float64)
        if rows.any():
            found[str(emotion)] = _plain(rows, {name: faces.statistic(name, rows) for name in (*RATIOS, *MEANS)})
    return found


def _by_intensity(faces: Faces, thirds: tuple[float, float]) -> dict[str, dict[str, float | None]]:
    """Means over the expressions within each third: below the first limit, between the limits, above the second."""
    third = np.digitize(faces["intensity"], thirds)
    found = {}
    for i, name in enumerate(("low", "middle", "high")):
        rows = (faces.expressive & (third == i)).astype(np.float64)
        if rows.any():
            found[name] = _plain(rows, {n: faces.over_expressions(n, rows) for n in (*RATIOS, *MEANS)})
    return found


def _plain(rows: Floats, wanted: Mapping[str, Statistic]) -> dict[str, float | None]:
    """Number of faces and values without intervals; what was not measured is left out."""
    values = {name: number(f(np.ones(len(rows)))) for name, f in wanted.items()}
    return {"n": int(rows.sum())} | {name: value for name, value in values.items() if value is not None}
