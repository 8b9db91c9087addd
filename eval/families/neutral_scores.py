"""From the measured numbers of each face to the scores of a neutraliser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval import metrics
from eval.families.base import RESAMPLES, bootstrap, count, predicted, score
from eval.families.faces import DISTANCES, RATIOS, Faces, identity_spread, plain_values
from eval.records import Record
from fer.errors import DataError

MEANS = (
    *DISTANCES,
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
CLOSER_BY = 0.01  # of the input's distance; a model that does nothing must not win half the faces by rounding


def neutralisation(records: Sequence[Record], thirds: tuple[float, float] | None, seed: int) -> dict[str, Any]:
    """Scores with intervals over people, and plain values per expression and per third of the intensity.

    Raises DataError when no expressive face could be scored.
    """
    seen = predicted(records)
    faces = Faces(seen, [str(r.label) for r in seen])
    if not faces.expressive.any():
        raise DataError("There is no face with an expression to remove.")
    nearer = faces["mouth_l1"] < (1 - CLOSER_BY) * faces["mouth_l1_input"]
    faces.values["closer"] = nearer.astype(np.float64)
    every, drawn = faces.every, metrics.resamples(faces.n_people, RESAMPLES, seed)[:, faces.person]
    wanted = {name: faces.over_expressions(name, every) for name in (*RATIOS, *MEANS)}
    wanted["neutral_l1"] = faces.mean("neutral_l1", every)
    wanted["neutral_rows_l1"] = faces.mean("face_l1", (~faces.expressive).astype(np.float64))
    scores = {name: score(f(every), f(drawn)) for name, f in wanted.items()}
    n_closer = int(faces["closer"][faces.expressive].sum())
    people = {"n_people": faces.n_people, "n_expressive": int(faces.expressive.sum()), "n_closer": n_closer}
    return {
        "counts": count(records) | people,
        "scores": scores | identity_spread(faces, drawn),
        "by_expression": faces.by_expression((*RATIOS, *MEANS)),
        "by_intensity": _by_intensity(faces, thirds) if thirds else {},
        "bootstrap": bootstrap(seed, "people"),
    }


def _by_intensity(faces: Faces, thirds: tuple[float, float]) -> dict[str, dict[str, float | None]]:
    """Means over the expressions within each third: below the first limit, between the limits, above the second."""
    third = np.digitize(faces["intensity"], thirds)
    found = {}
    for i, name in enumerate(("low", "middle", "high")):
        rows = (faces.expressive & (third == i)).astype(np.float64)
        if rows.any():
            found[name] = plain_values(rows, {n: faces.over_expressions(n, rows) for n in (*RATIOS, *MEANS)})
    return found
