"""What a benchmark may ask of the Action Units of a face."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from eval.tasks import FamilyName, View
from fer.action_units import ACTION_UNITS
from fer.types import Framing


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
