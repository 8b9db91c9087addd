"""What a benchmark may ask of a face: the kinds of task, and how a row gives a picture with its label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from fer.types import EMOTIONS, Emotion, Framing

SEVERITY_STEPS = 5
EXPRESSIONS: tuple[Emotion, ...] = tuple(e for e in EMOTIONS if e is not Emotion.NEUTRAL)


@dataclass(frozen=True)
class View:
    """How a row of the dataset gives one picture and its label.

    image: the picture's column. Either ``label`` names a column (a ClassLabel or a string) and ``labels`` maps each of
    its names to an expression, or to None for a name that the protocol leaves out; or ``constant`` is the label of
    every picture of this column. A name that ``labels`` does not hold is an unknown label: counted, never scored.
    """

    image: str
    label: str | None = None
    labels: Mapping[str, Emotion | None] = field(default_factory=dict)
    constant: Emotion | None = None

    def __post_init__(self) -> None:
        if (self.label is None) == (self.constant is None) or (self.label is None) == bool(self.labels):
            raise ValueError(f'The view of "{self.image}" needs either label and labels, or constant.')


def same(names: tuple[Emotion, ...]) -> dict[str, Emotion | None]:
    """The label map of a dataset that already calls the expressions by our names."""
    return {str(name): name for name in names}


class FamilyName(StrEnum):
    """The kinds of task; ``eval.families`` holds how each is run and scored."""

    RECOGNITION = "recognition"
    NEUTRALISATION = "neutralisation"
    VERIFICATION = "verification"
    FAITHFULNESS = "faithfulness"
    EDITING = "editing"
    LEAKAGE = "leakage"
    ROBUSTNESS = "robustness"
    PARTS = "parts"
    ACTION_UNITS = "action_units"
    ACTION_UNIT_EDITING = "action_unit_editing"


@dataclass(frozen=True)
class Recognition:
    """Name the expression of a face.

    framing: TIGHT gives each picture to the model as it is; ALIGNED finds the largest face and aligns it first.
    classes: the expressions that compete; the model's other probabilities are dropped and the rest renormalised.
    """

    family: ClassVar[FamilyName] = FamilyName.RECOGNITION

    framing: Framing
    views: tuple[View, ...]
    classes: tuple[Emotion, ...]

    def __post_init__(self) -> None:
        if tuple(e for e in EMOTIONS if e in self.classes) != self.classes:
            raise ValueError("The classes must be distinct and in the canonical order.")
        outside = {e for view in self.views for e in (view.constant, *view.labels.values()) if e} - set(self.classes)
        if outside:
            raise ValueError(f"The labels hold {sorted(outside)}, which are not among its classes.")


@dataclass(frozen=True)
class Neutralisation:
    """Remove the expression of a face; the truth is a neutral picture of the same person.

    view: the picture with its label. truth: the column of the neutral picture. person: the column that tells people
    apart. detect: True finds and aligns the largest face and brings the truth into its frame; False takes both as they
    are, aligned already. sources: the column of the real people that a generated one is blended from.
    intensity: the column of the strength in [0, 1], with the two limits that cut it into thirds. landmarks: columns of
    the 68 points (136 numbers in the unit square) of picture and truth.
    """

    family: ClassVar[FamilyName] = FamilyName.NEUTRALISATION

    view: View
    truth: str
    person: str
    detect: bool
    sources: str | None = None
    intensity: str | None = None
    thirds: tuple[float, float] | None = None
    landmarks: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if (self.intensity is None) != (self.thirds is None):
            raise ValueError("An intensity needs the two limits of its thirds, and limits need an intensity.")


class Negatives(StrEnum):
    """Which pairs of different people compete."""

    ANY = "any labels"
    OTHER_LABEL = "different labels"


@dataclass(frozen=True)
class Verification:
    """Tell whether two pictures show one person.

    A positive pair: one person, two different labels. A negative pair: two people without a common source, their labels
    as ``negatives`` says. Other fields as in ``Neutralisation``.
    """

    family: ClassVar[FamilyName] = FamilyName.VERIFICATION

    view: View
    person: str
    detect: bool
    negatives: Negatives
    sources: str | None = None


@dataclass(frozen=True)
class Faithfulness:
    """Does the removed residue lie where a recogniser looks?

    view: tight crops with their labels. faces: how many are drawn, with ``seed``, among those that are not neutral and
    that the judge names rightly. percents: shares of the pixels that are replaced, from 0 to 100.
    """

    family: ClassVar[FamilyName] = FamilyName.FAITHFULNESS

    view: View
    faces: int
    seed: int
    percents: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.percents[0] != 0 or self.percents[-1] != 100 or list(self.percents) != sorted(set(self.percents)):
            raise ValueError("The percents must rise from 0 to 100.")


@dataclass(frozen=True)
class Editing:
    """Give a face another expression.

    truth: the column of a picture with the expression. Where there is one, the view's picture is the neutral one and
    its label says what the truth shows: that is the target, at the strength in the column ``intensity`` or at 1; the
    label neutral asks that nothing change. Without a truth the pictures are tight crops, brought into the canonical
    square; the label is what they show, and the targets are the other expressions in turn, by the number of the row,
    at 1.

    person: None where every picture is taken for a person of its own. Other columns as in ``Neutralisation``.
    strengths: the first ``swept`` faces whose target is not neutral are also edited at these shares of the full target.
    """

    family: ClassVar[FamilyName] = FamilyName.EDITING

    view: View
    truth: str | None = None
    person: str | None = None
    detect: bool = False
    sources: str | None = None
    intensity: str | None = None
    strengths: tuple[float, ...] = ()
    swept: int = 0

    def __post_init__(self) -> None:
        if self.truth is None and (self.detect or self.intensity):
            raise ValueError(
                "Without a truth pictures are tight crops and targets are full: no detection, no intensity."
            )
        if bool(self.strengths) != bool(self.swept) or not all(0 < s <= 1 for s in self.strengths):
            raise ValueError("Strengths lie above 0 and up to 1, and need the number of faces that are swept.")


@dataclass(frozen=True)
class Leakage:
    """What can be read from the code of an expression: the expression, and, as it should not be, the person.

    Pictures are aligned already. Other fields as in ``Neutralisation``.
    """

    family: ClassVar[FamilyName] = FamilyName.LEAKAGE

    view: View
    person: str
    sources: str | None = None


@dataclass(frozen=True)
class Parts:
    """Name the expression of a face by each part of a network, and by all together. view: tight crops with labels."""

    family: ClassVar[FamilyName] = FamilyName.PARTS

    view: View


@dataclass(frozen=True)
class Robustness:
    """Name the expression of a face in a picture that was damaged, beside the same picture as it is.

    view: tight crops with their labels. faces: how many are drawn with ``seed``; every label keeps the share that it
    has in the split. magnitudes: of ``eval.corruptions``, by corruption, one per severity. classes: as in
    ``Recognition``.
    """

    family: ClassVar[FamilyName] = FamilyName.ROBUSTNESS

    view: View
    faces: int
    seed: int
    magnitudes: Mapping[str, tuple[float, ...]]
    classes: tuple[Emotion, ...]

    def __post_init__(self) -> None:
        if any(len(steps) != SEVERITY_STEPS for steps in self.magnitudes.values()):
            raise ValueError(f"Every corruption needs {SEVERITY_STEPS} magnitudes, one per severity.")
