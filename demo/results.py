"""The benchmark results that lie in eval/results, read as plain JSON. Identity comes from the fields, not the paths."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

Result = Mapping[str, Any]
RECOGNITION, EDITING = "recognition", "editing"  # recognition where none is named
FOLDER = Path(__file__).parent.parent / "eval" / "results"
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what reading a result that is none can raise


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
    """One result of recognition; ``name`` is the benchmark's short name, ``benchmark`` its title.

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


def read(path: Path) -> Result:
    """The result in a file. Raises one of ``DAMAGED``."""
    found: Result = json.loads(path.read_text(encoding="utf-8"))
    return found


def family(result: Result) -> str:
    """The kind of task."""
    return str(result["benchmark"].get("family", RECOGNITION))


def row(result: Result) -> Row:
    """A result of recognition as one row. Raises one of ``DAMAGED``."""
    scores, counts = result["scores"], result["counts"]
    accuracy, low, high = (percent(scores["accuracy"][key]) for key in ("value", "low", "high"))
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
        "uar": percent(scores["uar"]["value"]),
        "macro_f1": percent(scores["macro_f1"]["value"]),
        "ece": percent(scores["ece"]["value"]),
        "no_face": counts["n_no_face"],
    }


def curves(results: Sequence[Result]) -> list[Curve]:
    """Identity kept against expression gained over the strength, where an editor was measured at several strengths."""
    found = [_curve(result) for result in results if family(result) == EDITING]
    return [curve for curve in found if curve["strengths"] and any(curve["gained"])]


def _curve(result: Result) -> Curve:
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


def percent(share: float | None) -> float | None:
    """A share in percent with one decimal."""
    return None if share is None else round(100 * float(share), 1)
