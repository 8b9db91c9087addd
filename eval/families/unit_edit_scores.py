"""From the measured numbers of each face to the scores of an editor of Action Units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval import metrics
from eval.families.base import RESAMPLES, bootstrap, count, measured, number, predicted, score
from eval.families.faces import DISTANCES, SHARES, Faces, Statistic, identity_spread
from eval.families.units import agreement, shown_by, unit_values
from eval.metrics import Floats
from eval.records import Record
from fer.action_units import ACTION_UNITS, AU_INDEX
from fer.errors import DataError

ENDS = ("", "_input", "_moved", "_truth")  # of the names of what was measured: edited, unedited, moved alone, real
JUDGED = tuple(f"{name}{end}" for name in ("probability", "top") for end in ENDS)
MOVED = tuple(f"{name}_moved" for name in ("mouth_l1", "face_l1", "psnr", "ssim"))
MOVES = ("flow_error", "flow_error_input", "folding")
MEANS = (*DISTANCES, *MOVED, *JUDGED, *MOVES, "identity_cosine", "identity_kept")  # over the expressions but neutral
ERRORS = tuple(f"au_mse{end}" for end in ENDS)
OVERALL = (*ERRORS, "own_l1", "own_largest", "single_reached", "single_rise", "raised", "raised_truth")  # over all


def single_unit(row: int) -> int:
    """The number of the Action Unit that a row of the split is asked for alone: each in turn."""
    return row % len(ACTION_UNITS)


def errors(records: Sequence[Record], end: str = "") -> Floats:
    """Mean squared difference of read and asked strengths over the Action Units: (N,)."""
    squares: Floats = np.square(unit_values(records, end) - unit_values(records, "_asked"))
    return np.asarray(squares.mean(1))


def reached(records: Sequence[Record], declaration: Mapping[str, Any]) -> Floats:
    """1 where the single Action Unit is read within the room around its strength, else 0; nan where not asked: (N,)."""
    read = measured(records, "single")
    within = np.abs(read - declaration["single"]) <= declaration["within"]
    return np.where(np.isnan(read), np.nan, within)


def unit_editing(records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Scores with intervals over people; plain values per expression and per Action Unit.

    Raises DataError when no face could be scored, or no truth shows an expression.
    """
    seen = predicted(records)
    faces = Faces(seen, [str(r.label) for r in seen])
    if not faces.expressive.any():
        raise DataError("There is no face whose truth shows an expression.")
    faces.values |= {name: errors(seen, end) for name, end in zip(ERRORS, ENDS, strict=True)}
    if declaration["single"] is not None:
        faces.values["single_reached"] = reached(seen, declaration)
        faces.values["single_rise"] = faces["single"] - faces["single_input"]
    if declaration["raised"]:
        faces.values |= _raised(seen, declaration["raised"])
    drawn = metrics.resamples(faces.n_people, RESAMPLES, seed)[:, faces.person]
    weights = np.concatenate([faces.every[None], drawn])
    wanted = {name: faces.over_expressions(name, faces.every) for name in (*SHARES, *MEANS)}
    wanted |= {name: faces.mean(name, faces.every) for name in OVERALL}
    wanted["motion_share"] = _motion_share(faces)
    found = {name: f(weights) for name, f in wanted.items()}
    agreed, by_unit = _agreements(seen, weights)
    n_raised = {"n_raised": int(faces["raised"].sum())} if declaration["raised"] else {}
    people = {"n_people": faces.n_people, "n_expressive": int(faces.expressive.sum())}
    return {
        "counts": count(records) | people | n_raised,
        "scores": {name: score(each[0], each[1:]) for name, each in (found | agreed).items()}
        | identity_spread(faces, drawn),
        "by_expression": faces.by_expression((*SHARES, *MEANS, *ERRORS, "own_l1")),
        "by_unit": {name: by_unit[name] | each for name, each in _singles(faces, seen).items()},
        "bootstrap": bootstrap(seed, "people"),
    }


def _raised(seen: Sequence[Record], unit: str) -> dict[str, Floats]:
    """Where an Action Unit is read higher than in the unedited face: in the edited one, and in the truth."""
    before = measured(seen, f"{unit}_input")
    answers = {"raised": measured(seen, unit), "raised_truth": measured(seen, f"{unit}_asked")}
    return {name: (read > before).astype(np.float64) for name, read in answers.items()}


def _motion_share(faces: Faces) -> Statistic:
    """Error that moving alone removes over error that the whole edit removes; nan where the edit removes none."""
    by_moving, by_all = (faces["au_mse_input"] - faces[name] for name in ("au_mse_moved", "au_mse"))
    return lambda weights: metrics.ratio(weights @ by_moving, weights @ by_all)


def _agreements(seen: Sequence[Record], weights: Floats) -> tuple[dict[str, Floats], dict[str, dict[str, Any]]]:
    """Mean ICC of read and asked strengths under weights (W, N), and plain ICC and error of each Action Unit."""
    asked = unit_values(seen, "_asked")
    shown = shown_by(asked)
    means: dict[str, Floats] = {}
    by_unit: dict[str, dict[str, Any]] = {name: {"n_shown": int(shown[i])} for i, name in enumerate(ACTION_UNITS)}
    for end in ENDS:
        read = unit_values(seen, end)
        agreed, chosen = agreement(read, asked, weights)
        means |= {f"au_{name}{end}": metrics.mean_of_present(agreed[:, units]) for name, units in chosen.items()}
        squares = np.square(read - asked).mean(0)
        for i, name in enumerate(ACTION_UNITS):
            by_unit[name] |= {f"icc{end}": number(agreed[0, i]), f"mse{end}": number(squares[i])}
    return means, by_unit


def _singles(faces: Faces, seen: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Per Action Unit: how many faces were asked for it alone, how many of them reached it, and the mean rise."""
    unit = np.array([single_unit(r.row) for r in seen])
    found: dict[str, dict[str, Any]] = {}
    for name in ACTION_UNITS:
        rows = ((unit == AU_INDEX[name]) & ~np.isnan(faces["single"])).astype(np.float64)
        means = {each: number(faces.mean(each, rows)(faces.every)) for each in ("single_reached", "single_rise")}
        found[name] = {"n_single": int(rows.sum())} | means
    return found
