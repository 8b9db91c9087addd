"""The benchmark results that lie in eval/results, read as plain JSON. Identity comes from the fields, not the paths."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

T = TypeVar("T")
RECOGNITION, NEUTRALISATION, EDITING = "recognition", "neutralisation", "editing"  # recognition where none is named
FOLDER = Path(__file__).parent.parent / "eval" / "results"
HEADINGS = {
    "model": "Model",
    "weights": "Weights",
    "benchmark": "Benchmark",
    "split": "Split",
    "pictures": "Pictures",
    "accuracy": "Accuracy %",
    "interval": "95 % interval",
    "uar": "UAR %",
    "macro_f1": "Macro F1 %",
    "ece": "ECE %",
    "no_face": "No face",
}

DATATYPES = ["str"] * 4 + ["number"] * 2 + ["str"] + ["number"] * 4

REMOVAL_HEADINGS = ["Model", "Benchmark", "People", "Mouth", "95 % interval", "Face", "Nearer %", "Judged neutral %"]
REMOVAL_HEADINGS += ["Person kept %"]
REMOVAL_DATATYPES = ["str"] * 2 + ["number"] * 2 + ["str"] + ["number"] * 4

EDIT_HEADINGS = ["Model", "Benchmark", "Faces", "Target, first judge %", "Target, second judge %", "Person kept %"]
EDIT_HEADINGS += ["Face", "95 % interval", "KID"]
EDIT_DATATYPES = ["str"] * 2 + ["number"] * 5 + ["str", "number"]


class Curve(TypedDict):
    """What an editor's strength buys on one benchmark, a value per strength, weakest first.

    strengths: shares of the full target. gained: points of probability of the target, by the first judge. kept: cosine
    of the identity embeddings before and after.
    """

    model: str
    name: str
    strengths: list[float]
    gained: list[float]
    kept: list[float]


class Row(TypedDict):
    """One line of the table; ``name`` is the benchmark's short name, ``benchmark`` its title.

    Scores are percent with one decimal, None where a score is not defined.
    """

    model: str
    weights: str
    name: str
    benchmark: str
    split: str
    pictures: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    interval: str
    uar: float | None
    macro_f1: float | None
    ece: float | None
    no_face: int


def read_rows(folder: Path = FOLDER) -> tuple[list[Row], list[str]]:
    """The rows of recognition, best accuracy first within a benchmark, and a sentence per file that could not be read.

    Results of other families have other scores and are left out.
    """
    rows, complaints = _read(folder, RECOGNITION, _row)
    return sorted(rows, key=lambda row: (row["benchmark"], -(row["accuracy"] or 0.0))), complaints


def read_removals(folder: Path = FOLDER) -> list[list[Any]]:
    """Neutralisation in the order of ``REMOVAL_HEADINGS``, nearest mouth first within a benchmark."""
    rows, _ = _read(folder, NEUTRALISATION, _removal)
    return sorted(rows, key=lambda row: (row[1], row[3]))


def read_edits(folder: Path = FOLDER) -> list[list[Any]]:
    """Editing in the order of ``EDIT_HEADINGS``, most targets reached first within a benchmark."""
    rows, _ = _read(folder, EDITING, _edit)
    return sorted(rows, key=lambda row: (row[1], -(row[4] or 0.0)))


def read_curves(folder: Path = FOLDER) -> list[Curve]:
    """Identity kept against expression gained over the strength, where an editor was measured at several strengths."""
    curves, _ = _read(folder, EDITING, _curve)
    return [curve for curve in curves if curve["strengths"] and any(curve["gained"])]


def _read(folder: Path, family: str, row: Callable[[dict[str, Any]], T]) -> tuple[list[T], list[str]]:
    rows, complaints = [], []
    for path in sorted(folder.glob("*/*/*.json")):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            if result["benchmark"].get("family", RECOGNITION) == family:
                rows.append(row(result))
        except (OSError, ValueError, KeyError, TypeError) as error:
            complaints.append(f"{path.relative_to(folder)} is no result that can be shown ({type(error).__name__}).")
    return rows, complaints


def _removal(result: dict[str, Any]) -> list[Any]:
    scores = result["scores"]
    mouth, face = scores["mouth_l1_ratio"], scores["face_l1_ratio"]
    shares = [scores[name]["value"] for name in ("closer", "judged_neutral", "identity_kept")]
    return [
        result["model"]["name"],
        result["benchmark"]["title"],
        result["counts"]["n_people"],
        round(mouth["value"], 2),
        _spread(mouth),
        round(face["value"], 2),
        *(_percent(share) for share in shares),
    ]


def _edit(result: dict[str, Any]) -> list[Any]:
    scores = result["scores"]
    shares = [_percent(scores[name]["value"]) for name in ("top", "second_top", "identity_kept")]
    face, kid = scores["face_l1_ratio"], scores["kid"]["value"]
    ratio, spread = (None, "") if face["value"] is None else (round(face["value"], 2), _spread(face))
    counted = (result["model"]["name"], result["benchmark"]["title"], result["counts"]["n_expressive"])
    return [*counted, *shares, ratio, spread, None if kid is None else round(kid, 3)]


def _curve(result: dict[str, Any]) -> Curve:
    known = {
        float(strength): (100 * means["gained"], means["identity_cosine"])
        for strength, means in result["strengths"].items()
        if means["gained"] is not None and means["identity_cosine"] is not None
    }
    strengths = sorted(known)
    return {
        "model": result["model"]["name"],
        "name": result["benchmark"]["name"],
        "strengths": strengths,
        "gained": [known[strength][0] for strength in strengths],
        "kept": [known[strength][1] for strength in strengths],
    }


def _spread(score: dict[str, float]) -> str:
    return f"{score['low']:.2f} to {score['high']:.2f}"


def _row(result: dict[str, Any]) -> Row:
    scores, counts = result["scores"], result["counts"]
    accuracy, low, high = (_percent(scores["accuracy"][key]) for key in ("value", "low", "high"))
    return {
        "model": result["model"]["name"],
        "weights": result["model"]["weights"],
        "name": result["benchmark"]["name"],
        "benchmark": result["benchmark"]["title"],
        "split": result["benchmark"]["split"],
        "pictures": counts["n_scored"],
        "accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "interval": "" if low is None else f"{low:.1f} to {high:.1f}",
        "uar": _percent(scores["uar"]["value"]),
        "macro_f1": _percent(scores["macro_f1"]["value"]),
        "ece": _percent(scores["ece"]["value"]),
        "no_face": counts["n_no_face"],
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * float(share), 1)


def table(rows: Sequence[Row]) -> list[list[Any]]:
    """The rows in the order of ``HEADINGS``."""
    return [[dict(row)[key] for key in HEADINGS] for row in rows]
