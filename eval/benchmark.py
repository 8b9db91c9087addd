"""What a benchmark declares. A benchmark is one ``Benchmark`` in one file; nothing in it computes anything.

The tasks are in ``eval.tasks`` and ``eval.unit_tasks``; a file of ``eval/benchmarks`` finds all that it names here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, TypeVar

from eval import cited
from eval.card import Card, Frames, Holds
from eval.tasks import (
    EXPRESSIONS,
    SEVERITY_STEPS,
    Editing,
    Faithfulness,
    FamilyName,
    Leakage,
    Negatives,
    Neutralisation,
    Parts,
    Recognition,
    Robustness,
    Verification,
    View,
    same,
)
from eval.unit_tasks import ActionUnitEditing, ActionUnitReading, Against

__all__ = [
    "EXPRESSIONS",
    "SEVERITY_STEPS",
    "ActionUnitEditing",
    "ActionUnitReading",
    "Against",
    "Annotations",
    "Attribute",
    "Benchmark",
    "Card",
    "Editing",
    "Faithfulness",
    "FamilyName",
    "Frames",
    "Holds",
    "Leakage",
    "Negatives",
    "Neutralisation",
    "Parts",
    "Recognition",
    "Reported",
    "Robustness",
    "Task",
    "Verification",
    "View",
    "family_name",
    "same",
]


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
        cited.check(f"The reported number of {self.who}", self)


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
    known of the people; a row is then taken for one person. person, fold: columns of whom a row shows and of the
    number, from 1, of that person's fold; intervals then draw people, and scores are also given over folds.
    """

    votes: str | None = None
    attributes: tuple[Attribute, ...] = ()
    person: str | None = None
    fold: str | None = None

    def __post_init__(self) -> None:
        if (self.person is None) != (self.fold is None):
            raise ValueError("Folds are of people: person and fold are declared together.")

    def declaration(self) -> dict[str, Any]:
        """As JSON values; person and fold only where there are folds."""
        return {key: value for key, value in asdict(self).items() if value is not None or key == "votes"}


Task = (
    Recognition
    | Neutralisation
    | Verification
    | Faithfulness
    | Editing
    | Leakage
    | Robustness
    | Parts
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
    card: of a dataset that the user brings; holds: what a copy of it must hold. also_called: names of the dataset in
    the cards of weights, beside ``dataset``. None of the three decides a score, so none is part of the declaration.
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
    card: Card | None = None
    holds: Holds | None = None
    also_called: tuple[str, ...] = ()
    adhoc: bool = False

    def __post_init__(self) -> None:
        if not self.adhoc:
            cited.check(f"The benchmark {self.name}", self)

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
        told = {"annotations": self.annotations.declaration()} if self.annotations else {}
        marked = {"adhoc": True} if self.adhoc else {}
        return place | marked | family | asdict(self.task) | terms | told


_USUAL = FamilyName.RECOGNITION.value  # of declarations that name no family


@cache
def _family(name: str) -> FamilyName:
    """FamilyName(name), which takes its time where ten thousand results ask."""
    return FamilyName(name)


def family_name(declaration: Mapping[str, Any]) -> FamilyName:
    """The family of a stored declaration."""
    return _family(declaration.get("family", _USUAL))
