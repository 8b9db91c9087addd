"""The benchmark results that lie in eval/results, read as plain JSON. Identity comes from the fields, not the paths."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

T = TypeVar("T")
RECOGNITION, NEUTRALISATION = "recognition", "neutralisation"  # a result that names no family is one of recognition
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
        f"{mouth['low']:.2f} to {mouth['high']:.2f}",
        round(face["value"], 2),
        *(_percent(share) for share in shares),
    ]


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
