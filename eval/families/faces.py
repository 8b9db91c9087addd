"""Generated faces whose numbers were measured, as arrays, and statistics over groups of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from eval import metrics, pairs
from eval.benchmark import EXPRESSIONS
from eval.families.base import UNDEFINED, measured, number, score
from eval.metrics import Floats, Ints
from eval.records import Record
from fer.types import EMOTIONS, Emotion

DISTANCES = tuple(f"{name}{end}" for name in ("mouth_l1", "face_l1", "psnr", "ssim") for end in ("", "_input"))
RATIOS = {f"{region}_l1_ratio": (f"{region}_l1", f"{region}_l1_input") for region in ("mouth", "face")}
MOVED_RATIOS = {f"{name}_moved": (f"{part}_moved", whole) for name, (part, whole) in RATIOS.items()}
SHARES = RATIOS | MOVED_RATIOS
IMPOSTOR_SHARE = 0.99  # of the pairs of different people lie below the limit that a kept identity must pass
Statistic = Callable[[Floats], Floats]  # weights (..., N) -> (...)


def with_impostor_limit(records: Sequence[Record]) -> list[Record]:
    """Records whose embeddings are replaced by how alike different people look: ``IMPOSTOR_SHARE`` of their pairs.

    The embeddings are those of the faces that were given to the model.
    """
    seen = [r for r in records if r.vector]
    if not seen:
        return list(records)
    cosines = pairs.cosines(np.array([r.vector for r in seen], np.float64))
    others = np.tril(pairs.apart([r.sources or (r.person,) for r in seen]), -1)
    limit = {}
    if others.any():
        limit["impostor_limit"] = float(np.quantile(cosines[others], IMPOSTOR_SHARE)) / pairs.STEPS
    return [replace(r, vector=(), values={**r.values, **limit}) if r.vector else r for r in records]


class Faces:
    """The measured faces as arrays. values: (N,) by name, nan where something was not measured.

    groups: the expression (N,) that each face is counted under.
    """

    def __init__(self, records: Sequence[Record], groups: Sequence[str]) -> None:
        names = {name for r in records for name in r.values}
        nan = np.full(len(records), np.nan)
        self.values = {name: measured(records, name) for name in sorted(names)}
        limit, cosine = self.values.get("impostor_limit", nan), self.values.get("identity_cosine", nan)
        self.values["identity_kept"] = np.where(np.isnan(limit + cosine), np.nan, cosine > limit)
        self.groups = np.array(groups)
        self.every = np.ones(len(records))
        people = list(dict.fromkeys(r.person for r in records))
        self.person: Ints = np.array([people.index(r.person) for r in records])
        self.n_people = len(people)
        self.expressive = self.groups != Emotion.NEUTRAL

    def __getitem__(self, name: str) -> Floats:
        return self.values.get(name, np.full(len(self.every), np.nan))

    def rows(self, emotion: Emotion) -> Floats:
        """1 for the faces of a group, else 0: (N,)."""
        return np.asarray(self.groups == emotion, np.float64)

    def mean(self, name: str, rows: Floats) -> Statistic:
        """The mean of a value over ``rows`` (N,) of truth values."""
        known = ~np.isnan(self[name]) & (rows > 0)
        filled = np.where(known, self[name], 0)
        return lambda weights: metrics.ratio(weights @ filled, weights @ known.astype(np.float64))

    def ratio(self, name: str, rows: Floats) -> Statistic:
        """Sum of a distance over the sum of the input's, over ``rows``."""
        part, whole = (self[column] * rows for column in SHARES[name])
        return lambda weights: metrics.ratio(weights @ part, weights @ whole)

    def statistic(self, name: str, rows: Floats) -> Statistic:
        """A mean or a ratio by its name."""
        return self.ratio(name, rows) if name in SHARES else self.mean(name, rows)

    def over_expressions(self, name: str, rows: Floats) -> Statistic:
        """The plain mean of a statistic over the expressions but neutral."""
        labels = [e for e in EXPRESSIONS if (rows * self.rows(e)).any()]
        return mean_of([self.statistic(name, rows * self.rows(e)) for e in labels])

    def by_expression(self, names: Iterable[str]) -> dict[str, dict[str, float | None]]:
        """Plain values of each group, neutral too."""
        groups = {e: self.rows(e) for e in EMOTIONS if self.rows(e).any()}
        return {
            str(e): plain_values(rows, {name: self.statistic(name, rows) for name in names})
            for e, rows in groups.items()
        }


def mean_of(statistics: Sequence[Statistic]) -> Statistic:
    """The plain mean of some statistics, of those that are defined."""
    return lambda weights: metrics.mean_of_present(np.stack([f(weights) for f in statistics], -1))


def identity_spread(faces: Faces, drawn: Floats) -> dict[str, dict[str, float | None]]:
    """Median with its interval, and the lowest value, which has none, of the cosine over expressive faces.

    drawn: weights (R, N) of the faces in the resamples.
    """
    cosine, weights = faces["identity_cosine"], drawn
    chosen = faces.expressive & ~np.isnan(cosine)
    if not chosen.any():
        return {"identity_median": dict(UNDEFINED), "identity_min": dict(UNDEFINED)}
    cosine, weights = cosine[chosen], weights[:, chosen].astype(int)
    medians = np.array([np.median(np.repeat(cosine, row)) if row.any() else np.nan for row in weights])
    lowest = UNDEFINED | {"value": number(float(cosine.min()))}
    return {"identity_median": score(float(np.median(cosine)), medians), "identity_min": lowest}


def plain_values(rows: Floats, wanted: Mapping[str, Statistic]) -> dict[str, float | None]:
    """Number of faces and values without intervals; what was not measured is left out."""
    values = {name: number(f(np.ones(len(rows)))) for name, f in wanted.items()}
    return {"n": int(rows.sum())} | {name: value for name, value in values.items() if value is not None}
