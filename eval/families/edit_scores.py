"""From the measured numbers of each face to the scores of an editor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eval import kid, metrics
from eval.benchmark import EXPRESSIONS
from eval.families.base import RESAMPLES, UNDEFINED, bootstrap, count, number, predicted, score
from eval.families.faces import DISTANCES, RATIOS, Faces, Statistic, identity_spread, mean_of
from eval.records import Record
from fer.errors import DataError
from fer.types import Emotion

JUDGED = tuple(
    f"{start}{name}"
    for start in ("", "second_")
    for name in (*(f"{what}{end}" for what in ("probability", "top") for end in ("", "_input", "_truth")), "gained")
)
MEANS = (*JUDGED, *DISTANCES, "identity_cosine", "identity_kept")
SWEPT = ("gained", "second_gained", "identity_cosine")
EDITED, EDITED_TO_REAL = "kid_edited", "kid_edited_to_real"  # mean kernels among the faces of one target
REAL, REAL_TO_EDITED = "kid_real", "kid_real_to_edited"  # and among the photographs that show it


def at(name: str, strength: float) -> str:
    """The name of a value that was measured at a share of the full target."""
    return f"{name}_at_{strength:g}"


def with_mean_kernels(records: Sequence[Record]) -> list[Record]:
    """Records whose features are replaced by their mean kernels, see ``eval.kid``, for each expression but neutral."""
    seen = [i for i, r in enumerate(records) if r.features]
    if not seen:
        return list(records)
    edited = np.array([records[i].features for i in seen], np.float64)
    real = np.array([records[i].real_features for i in seen], np.float64)
    numbers = np.arange(len(seen))
    found = {name: np.full(len(seen), np.nan) for name in (EDITED, EDITED_TO_REAL, REAL, REAL_TO_EDITED)}
    for emotion in EXPRESSIONS:
        a = np.array([records[i].target == emotion for i in seen])
        b = np.array([records[i].label == emotion for i in seen])
        found[EDITED][a] = kid.mean_kernels(edited[a], edited[a], numbers[a], numbers[a])
        found[EDITED_TO_REAL][a] = kid.mean_kernels(edited[a], real[b], numbers[a], numbers[b])
        found[REAL][b] = kid.mean_kernels(real[b], real[b], numbers[b], numbers[b])
        found[REAL_TO_EDITED][b] = kid.mean_kernels(real[b], edited[a], numbers[b], numbers[a])
    finished = list(records)
    for place, i in enumerate(seen):
        kernels = {name: float(each[place]) for name, each in found.items() if not np.isnan(each[place])}
        finished[i] = replace(records[i], features=(), real_features=(), values={**records[i].values, **kernels})
    return finished


def editing(records: Sequence[Record], strengths: Sequence[float], people: bool, seed: int) -> dict[str, Any]:
    """Scores with intervals, plain means over the targets; plain values per target and per strength.

    people: whether records name people, so that those are drawn, not faces. DataError when no face could be scored, or
    none was asked for an expression.
    """
    seen = predicted(records)
    faces = Faces(seen, [r.target for r in seen])
    if not faces.expressive.any():
        raise DataError("There is no face that is asked for an expression.")
    for start in ("", "second_"):
        faces.values[f"{start}gained"] = faces[f"{start}probability"] - faces[f"{start}probability_input"]
    drawn = metrics.resamples(faces.n_people, RESAMPLES, seed)[:, faces.person]
    wanted = {name: faces.over_expressions(name, faces.every) for name in (*RATIOS, *MEANS)}
    wanted["own_l1"] = faces.mean("own_l1", faces.every)
    kids = _kids(faces, np.array([str(r.label) for r in seen]))
    scores = {name: score(f(faces.every), f(drawn)) for name, f in wanted.items()} | {"kid": dict(UNDEFINED)}
    if kids:
        overall = mean_of(list(kids.values()))
        scores["kid"] = score(overall(faces.every), overall(drawn))
    by_expression = faces.by_expression((*RATIOS, *MEANS, "own_l1"))
    for emotion, statistic in kids.items():
        by_expression[emotion]["kid"] = number(statistic(faces.every))
    n = {"n_people": faces.n_people} if people else {}
    return {
        "counts": count(records) | n | {"n_expressive": int(faces.expressive.sum())},
        "scores": scores | identity_spread(faces, drawn),
        "by_expression": by_expression,
        "strengths": {f"{strength:g}": _swept(faces, strength) for strength in strengths},
        "bootstrap": bootstrap(seed, "people" if people else "faces"),
    }


def _kids(faces: Faces, labels: np.ndarray[Any, Any]) -> dict[Emotion, Statistic]:
    """KID of each target whose faces and photographs are two at least, linear in the weights around equal ones.

    An interval from it is the one of the first-order bootstrap; near 0 it is too narrow.
    """
    found = {}
    for emotion in EXPRESSIONS:
        a, b = faces.groups == emotion, labels == emotion
        sides = [faces[name][rows] for name, rows in ((EDITED, a), (EDITED_TO_REAL, a), (REAL, b), (REAL_TO_EDITED, b))]
        if all(len(side) and not np.isnan(side).any() for side in sides):
            slope = np.zeros(len(faces.every))
            slope[a] += kid.influence(sides[0], sides[1])
            slope[b] += kid.influence(sides[2], sides[3])
            found[emotion] = _linear(kid.discrepancy(sides[0], sides[2], sides[1]), slope)
    return found


def _linear(value: float, slope: metrics.Floats) -> Statistic:
    return lambda weights: np.asarray(value + (weights - 1) @ slope)


def _swept(faces: Faces, strength: float) -> dict[str, float | None]:
    """Number of faces and means at one strength, None where nothing was measured."""
    known = ~np.isnan(faces[at("gained", strength)])
    means = {name: number(faces.mean(at(name, strength), faces.every)(faces.every)) for name in SWEPT}
    return {"n": int(known.sum())} | means
