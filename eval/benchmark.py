"""What a benchmark declares. A benchmark is one ``Benchmark`` in one file; nothing in it computes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from fer.action_units import ACTION_UNITS
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


@dataclass(frozen=True)
class Reported:
    """A number that somebody else published for this protocol or a near one; never mixed with our own results."""

    who: str
    accuracy_percent: float
    protocol: str
    title: str
    arxiv: str | None = None
    doi: str | None = None

    def __post_init__(self) -> None:
        if not (self.arxiv or self.doi):
            raise ValueError(f"The reported number of {self.who} needs an arXiv id or a DOI.")


class FamilyName(StrEnum):
    """The kinds of task; ``eval.families`` holds how each is run and scored."""

    RECOGNITION = "recognition"
    NEUTRALISATION = "neutralisation"
    VERIFICATION = "verification"
    FAITHFULNESS = "faithfulness"
    EDITING = "editing"
    LEAKAGE = "leakage"
    ROBUSTNESS = "robustness"
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


@dataclass(frozen=True)
class Attribute:
    """What a column says of the person who is shown: the groups of its words or, cut at ``limits``, of its numbers.

    A number below 0 stands for not stated.
    """

    column: str
    limits: tuple[int, ...] = ()


@dataclass(frozen=True)
class Annotations:
    """What rows say beside picture and label. Scores may follow from it, predictions never do.

    votes: the column of counts per row; the first eight are of the expressions in canonical order. attributes: what is
    known of the people. A row is taken for one person.
    """

    votes: str | None = None
    attributes: tuple[Attribute, ...] = ()


class Against(StrEnum):
    """What read strengths of Action Units are compared with."""

    TRUTH = "stored strengths"
    CALM = "the neutral picture of the same person"
    KNOWLEDGE = "what is known of expressions"


@dataclass(frozen=True)
class ActionUnitReading:
    """Say how strongly each Action Unit of a face is at work.

    against: TRUTH compares with the strengths in the column ``truth``, in the order of fer.action_units.ACTION_UNITS;
    CALM compares the strength of ``raised`` in pictures with an expression with that in the neutral picture of the
    same ``person``; KNOWLEDGE compares the means of the expressions with fer.action_units.KNOWLEDGE.
    framing: how the pictures are cut when the model sees them. detect: find and align the largest face first.
    person: None where every picture is taken for a person of its own.
    """

    family: ClassVar[FamilyName] = FamilyName.ACTION_UNITS

    views: tuple[View, ...]
    against: Against
    framing: Framing
    detect: bool = False
    person: str | None = None
    truth: str | None = None
    raised: str | None = None

    def __post_init__(self) -> None:
        if (self.truth is None) == (self.against is Against.TRUTH):
            raise ValueError("A column of strengths is needed to compare with stored strengths, and there alone.")
        if (self.raised in ACTION_UNITS and self.person is not None) != (self.against is Against.CALM):
            raise ValueError("An Action Unit that is raised needs the same person's neutral picture, and the reverse.")
        if self.detect and self.framing is not Framing.ALIGNED:
            raise ValueError("Faces that are found are aligned.")


@dataclass(frozen=True)
class ActionUnitEditing:
    """Give a face stated strengths of the 23 Action Units, in the order of fer.action_units.ACTION_UNITS.

    view: the neutral picture; its label says what the column ``truth`` shows. units: the column of the strengths of
    the truth, which are asked for; None asks for what the judge reads from the truth. flow: the column of the true flow
    of a puppet, see ``eval.flows.stored_flow``. single: every face is also asked for one Action Unit alone at this
    strength, by the number of its row in turn; it is reached where the judge reads it within ``within``. raised: the
    Action Unit that the truth is known to show more strongly. Other columns as in ``Neutralisation``.
    """

    family: ClassVar[FamilyName] = FamilyName.ACTION_UNIT_EDITING

    view: View
    truth: str
    person: str
    detect: bool = False
    sources: str | None = None
    units: str | None = None
    flow: str | None = None
    single: float | None = None
    within: float = 0.15
    raised: str | None = None

    def __post_init__(self) -> None:
        if self.raised not in (None, *ACTION_UNITS):
            raise ValueError(f"{self.raised} is none of the Action Units {', '.join(ACTION_UNITS)}.")
        if not (self.single is None or 0 < self.single <= 1) or self.within <= 0:
            raise ValueError("A single Action Unit is asked for above 0 and up to 1, with room above 0 around it.")
        if self.flow and self.detect:
            raise ValueError("A stored flow is that of pictures as they are, not of faces that are found in them.")


Task = (
    Recognition
    | Neutralisation
    | Verification
    | Faithfulness
    | Editing
    | Leakage
    | Robustness
    | ActionUnitReading
    | ActionUnitEditing
)
Kind = TypeVar("Kind", bound=Task)


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: which data, which task, and where both come from.

    dataset: the folder below --data-root; hub_id: "org/name" where the same layout is published, else None.
    task: what is asked of a model; its type decides the family.
    version: raise it whenever a change makes old results incomparable. New annotations do not: they reach stored
    predictions by ``python -m eval score --data-root DIR``.
    adhoc: made from the command line by ``eval.adhoc``, declared in no file and without a source to cite.
    """

    name: str
    title: str
    version: int
    dataset: str
    split: str
    task: Task
    protocol: str
    licence: str
    source: str
    citation: str
    arxiv: str | None = None
    doi: str | None = None
    hub_id: str | None = None
    train_split: str = "train"  # only baselines read it
    reported: tuple[Reported, ...] = ()
    annotations: Annotations | None = None
    adhoc: bool = False

    def __post_init__(self) -> None:
        if not (self.arxiv or self.doi or self.adhoc):
            raise ValueError(f"The benchmark {self.name} needs an arXiv id or a DOI.")

    @property
    def family(self) -> FamilyName:
        """The kind of its task."""
        return self.task.family

    def asked(self, kind: type[Kind]) -> Kind:
        """The task, known to be of this kind; TypeError where it is of another."""
        if not isinstance(self.task, kind):
            raise TypeError(f"The benchmark {self.name} asks for {self.family}, not for {kind.__name__}.")
        return self.task

    def declaration(self) -> dict[str, Any]:
        """Everything that decides a prediction or a score, as JSON values. Recognition bears no family name."""
        everything = asdict(self)
        place = {key: everything[key] for key in ("name", "title", "version", "dataset", "split")}
        family = {} if self.family is FamilyName.RECOGNITION else {"family": self.family}
        terms = {key: everything[key] for key in ("protocol", "licence")}
        told = {"annotations": everything["annotations"]} if self.annotations else {}
        marked = {"adhoc": True} if self.adhoc else {}
        return place | marked | family | asdict(self.task) | terms | told


def family_name(declaration: Mapping[str, Any]) -> FamilyName:
    """The family of a stored declaration."""
    return FamilyName(declaration.get("family", FamilyName.RECOGNITION))


def same(names: tuple[Emotion, ...]) -> dict[str, Emotion | None]:
    """The label map of a dataset that already calls the expressions by our names."""
    return {str(name): name for name in names}
