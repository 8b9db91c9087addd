"""What the Benchmarks tab shows of each kind of task: its columns, its main score, and what these mean in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from demo.results import Result, percent
from fer.models.base import part_label

NOTES = Path(__file__).parent / "text"
PLACE = ("Model", "Benchmark")
WEIGHTS = "Weights"
FOUND_FIRST = "aligned"  # the framing of pictures in which the face has to be found first


@dataclass(frozen=True)
class Column:
    """A column of the table. read: the cell of a result, None if it has none; digits: of a number, None for words."""

    heading: str
    read: Callable[[Result], Any]
    digits: int | None = None

    def text(self, cell: Any) -> str:
        """A cell as it is shown."""
        return "" if cell is None else str(cell) if self.digits is None else f"{cell:,.{self.digits}f}"


@dataclass(frozen=True)
class Task:
    """A kind of task. name: the family in the results.

    best: the score that orders the rows, and that is drawn; axis: what it is, in words; share: whether it is one, and
    shown in percent; higher_is_better: of the best score.
    """

    name: str
    title: str
    best: str
    axis: str
    columns: tuple[Column, ...]
    share: bool = False
    higher_is_better: bool = True

    @property
    def note(self) -> str:
        """What the columns mean, as Markdown."""
        return (NOTES / f"task-{self.name}.md").read_text(encoding="utf-8")

    @property
    def headings(self) -> list[str]:
        """Of all columns: the place, what was measured, how fast, the weights."""
        return [*PLACE, *(column.heading for column in self.measured), WEIGHTS]

    @property
    def measured(self) -> tuple[Column, ...]:
        """The columns of this task and those that every task has."""
        return *self.columns, *TIMED

    @property
    def kinds(self) -> list[Literal["str", "number"]]:
        """The datatypes of the columns."""
        own: list[Literal["str", "number"]] = ["str" if c.digits is None else "number" for c in self.measured]
        return ["str", "str", *own, "str"]

    def texts(self, cells: Sequence[Any]) -> list[str]:
        """A row of ``cells`` as it is shown."""
        start = len(PLACE)
        own = zip(self.measured, cells[start:-1], strict=True)
        return [*cells[:start], *(column.text(cell) for column, cell in own), cells[-1]]

    def cells(self, result: Result) -> list[Any]:
        """A row of the table. Raises KeyError or TypeError where the result holds something else."""
        model = result["model"]
        return [
            model["name"],
            result["benchmark"]["name"],
            *(column.read(result) for column in self.measured),
            model["weights"],
        ]


def _counted(heading: str, name: str) -> Column:
    return Column(heading, lambda result: result["counts"][name], 0)


def _share(heading: str, name: str) -> Column:
    return Column(heading, lambda result: percent(result["scores"][name]["value"]), 1)


def _number(heading: str, name: str, digits: int = 2) -> Column:
    def read(result: Result) -> float | None:
        value = result["scores"][name]["value"]
        return None if value is None else round(value, digits)

    return Column(heading, read, digits)


def _between(name: str, digits: int = 2, share: bool = False) -> Column:
    def read(result: Result) -> str | None:
        score, factor = result["scores"][name], 100 if share else 1
        if score["value"] is None:
            return None
        return f"{factor * score['low']:.{digits}f} to {factor * score['high']:.{digits}f}"

    return Column("95 % interval", read)


def _where_told(heading: str, name: str, digits: int) -> Column:
    """A score that not every benchmark of the task has."""

    def read(result: Result) -> float | None:
        value = result["scores"].get(name, {}).get("value")
        return None if value is None else round(value, digits)

    return Column(heading, read, digits)


def detects(result: Result) -> bool:
    """Whether faces had to be found in the pictures first, and could be missed."""
    return bool(result["benchmark"].get("framing") == FOUND_FIRST or result["counts"]["n_no_face"])


def _of_found(result: Result) -> float | None:
    return percent(result["scores"].get("accuracy_detected", {}).get("value")) if detects(result) else None


def _missed(result: Result) -> int | None:
    return int(result["counts"]["n_no_face"]) if detects(result) else None


def milliseconds(result: Result) -> float | None:
    """The median time of the model alone for one face."""
    value = (result.get("ms_per_face") or {}).get("p50")
    return None if value is None else round(value, 1)


def threads(result: Result) -> int | None:
    """How many threads the time was measured with."""
    found: int | None = (result.get("environment") or {}).get("threads")
    return found


TIMED = (Column("ms/face", milliseconds, 1), Column("Threads", threads, 0))


def _best_part(result: Result) -> tuple[str, float]:
    """The part that is right most often by itself, and how often."""
    rights = {name: part["value"] for name, part in result["by_part"].items()}
    best = max(rights, key=rights.__getitem__)
    return part_label(best), rights[best]


TASKS = (
    Task(
        "recognition",
        "Naming the expression",
        "accuracy",
        "accuracy, %",
        (
            _share("Accuracy %", "accuracy"),
            _between("accuracy", 1, share=True),
            Column("Of found faces %", _of_found, 1),
            _share("UAR %", "uar"),
            _share("Macro F1 %", "macro_f1"),
            _share("ECE %", "ece"),
            _where_told("NLL", "nll", 3),
            _where_told("KL to votes", "vote_kl", 3),
            _counted("Pictures", "n_scored"),
            Column("No face", _missed, 0),
        ),
        share=True,
    ),
    Task(
        "robustness",
        "Naming damaged pictures",
        "corrupted_accuracy",
        "accuracy on damaged pictures, %",
        (
            _share("Undamaged %", "accuracy"),
            _share("Damaged %", "corrupted_accuracy"),
            _between("corrupted_accuracy", 1, share=True),
            _share("Lost %", "relative_drop"),
            _counted("Pictures", "n_scored"),
        ),
        share=True,
    ),
    Task(
        "neutralisation",
        "Removing the expression",
        "mouth_l1_ratio",
        "distance of the mouth to the truth (1: as sent; lower is better)",
        (
            _number("Mouth", "mouth_l1_ratio"),
            _between("mouth_l1_ratio"),
            _number("Face", "face_l1_ratio"),
            _share("Nearer %", "closer"),
            _share("Judged neutral %", "judged_neutral"),
            _share("Person kept %", "identity_kept"),
            _counted("People", "n_people"),
        ),
        higher_is_better=False,
    ),
    Task(
        "editing",
        "Giving another expression",
        "second_top",
        "targets reached, by the second judge, %",
        (
            _share("First judge %", "top"),
            _share("Second judge %", "second_top"),
            _share("Person kept %", "identity_kept"),
            _number("Face", "face_l1_ratio"),
            _between("face_l1_ratio"),
            _number("KID", "kid", 3),
            _counted("Faces", "n_expressive"),
        ),
        share=True,
    ),
    Task(
        "action_units",
        "Reading Action Units",
        "icc",
        "agreement with the true strengths, ICC(3,1)",
        (
            _number("ICC", "icc"),
            _between("icc"),
            _number("ICC of those shown", "icc_shown"),
            _number("Mean error", "mae", 3),
            _share("Raised %", "raised"),
            _number("Mean rise", "rise"),
            _number("Rank correlation", "rank_correlation"),
            _counted("Faces", "n_scored"),
        ),
    ),
    Task(
        "action_unit_editing",
        "Moving Action Units",
        "au_mse",
        "squared error of the strengths (lower is better)",
        (
            _number("Error", "au_mse", 4),
            _between("au_mse", 4),
            _number("ICC of those shown", "au_icc_shown"),
            _share("One alone %", "single_reached"),
            _share("Raised %", "raised"),
            _number("Face", "face_l1_ratio"),
            _number("Mouth", "mouth_l1_ratio"),
            _share("Person kept %", "identity_kept"),
            _counted("Faces", "n_scored"),
        ),
        higher_is_better=False,
    ),
    Task(
        "parts",
        "What each part names",
        "fusion",
        "accuracy of all parts together, %",
        (
            _share("All parts %", "fusion"),
            _between("fusion", 1, share=True),
            Column("Best part alone %", lambda result: percent(_best_part(result)[1]), 1),
            Column("Which", lambda result: _best_part(result)[0]),
            _counted("Faces", "n_scored"),
        ),
        share=True,
    ),
    Task(
        "verification",
        "Telling people apart",
        "auc",
        "area under the ROC curve",
        (
            _number("AUC", "auc", 3),
            _between("auc", 3),
            _share("EER %", "eer"),
            _share("Accepted % at 1 % false", "tar_at_1_percent_far"),
            _counted("Pictures", "n_scored"),
            _counted("Pairs, same person", "n_positive_pairs"),
        ),
    ),
    Task(
        "faithfulness",
        "Does the residue matter?",
        "deletion_residue",
        "probability left when the residue's pixels are deleted (lower is better)",
        (
            _number("Deletion", "deletion_residue", 3),
            _between("deletion_residue", 3),
            _number("Deletion, Grad-CAM", "deletion_grad_cam", 3),
            _number("Deletion, chance", "deletion_random", 3),
            _number("Insertion", "insertion_residue", 3),
            _number("Insertion, Grad-CAM", "insertion_grad_cam", 3),
            _number("Insertion, chance", "insertion_random", 3),
            _counted("Faces", "n_scored"),
        ),
        higher_is_better=False,
    ),
    Task(
        "leakage",
        "What a code gives away",
        "expression",
        "expression read from the code, %",
        (
            _share("Expression read %", "expression"),
            _between("expression", 1, share=True),
            _share("Person read %", "identity"),
            Column("Chance, person %", lambda result: percent(result["chance"]["identity"]), 1),
            _counted("Faces", "n_scored"),
        ),
        share=True,
    ),
)
BY_NAME = {task.name: task for task in TASKS}
