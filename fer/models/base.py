"""What a model can do. A model is final and inherits only the capabilities that it has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from fer.types import ActionUnits, Edit, Framing, Prediction, TargetSpace

if TYPE_CHECKING:
    from torch import Tensor


class Recognizer(ABC):
    """Names the expression that a face shows."""

    @abstractmethod
    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], cut as ``framing`` says -> probabilities (B, 8) on the CPU."""


TOGETHER = "fusion"  # the name of all parts of a network together


def part_label(name: str) -> str:
    """A part as it is called in tables: one that is named by a number sees layers of that many px a side."""
    return f"{name} px" if name.isdecimal() else name


class PartRecognizer(Recognizer):
    """A recogniser whose parts name the expression by themselves, too."""

    @abstractmethod
    def recognize_by_part(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> dict[str, Prediction]:
        """As ``recognize``, by the name of a part; ``TOGETHER`` names what ``recognize`` answers."""

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``."""
        return self.recognize_by_part(faces, framing)[TOGETHER]


class ActionUnitReader(ABC):
    """Says how strongly each Action Unit of a face is at work."""

    @abstractmethod
    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], cut as ``framing`` says -> strengths (B, N) on the CPU."""


class Neutralizer(ABC):
    """Removes the expression from a face."""

    LAYERS: ClassVar[str] = "layers"  # whose change the parts "residue.64", ... tell, in words

    @abstractmethod
    def neutralize(self, faces: Tensor) -> Edit:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], aligned -> the same people without expression, on the CPU.

        ``Edit.parts`` may hold, each for a batch of B and each where the model has it:
        "residue.pixel" (B, 3, S, S): the face less its neutral face, in [-2, 2];
        "residue.64", "residue.32", ...: (B, 1, side, side), not negative: what removing the expression changes in the
            layers of that side;
        "votes.NAME" (B, 8): probabilities of the expressions by one part of the network alone;
        "landmarks.face", "landmarks.neutral" (B, 68, 2): points in the unit square of the picture, x right, y down;
        "flow" (B, 2, S, S): where the neutral face's pixels were read from, as a shift x, y in pixels; "mask"
            (B, 1, S, S) in [0, 1]: how much of a pixel was painted, not moved.
        """


class Embedder(ABC):
    """Tells people apart."""

    @abstractmethod
    def embed(self, faces: Tensor) -> Tensor:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], aligned -> unit vectors (B, D) on the CPU; cosine = dot."""


class Editor(ABC):
    """Gives a face another expression."""

    @property
    @abstractmethod
    def target_space(self) -> TargetSpace:
        """The names and ranges that ``edit`` understands."""

    @abstractmethod
    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], aligned; target: (B, len(target_space.names)) -> on the CPU.

        The target is what the edited face is to show, whatever the face shows now; all zeros ask for no expression.
        Values outside of ``target_space`` are refused with ValueError. ``Edit.parts`` may hold "flow" and "mask", see
        ``Neutralizer.neutralize``, and "moved" (B, 3, S, S): what moving pixels gives, before anything is painted.
        """


class NeutralEditor(Editor, Neutralizer):
    """An editor whose edit to no expression is how it neutralizes."""

    def neutralize(self, faces: Tensor) -> Edit:
        """See ``Neutralizer.neutralize``."""
        made = self.edit(faces, faces.new_zeros(len(faces), len(self.target_space.names)))
        return Edit(made.image, {"residue.pixel": faces.float().cpu() - made.image, **made.parts})


class Transferrer(ABC):
    """Gives a face the expression of another face."""

    @abstractmethod
    def transfer(self, faces: Tensor, sources: Tensor) -> Edit:
        """faces, sources: float32 (B, 3, S, S), RGB in [-1, 1], aligned -> faces with the sources' expression.

        Both may have sizes of their own; the result has that of ``faces``. ValueError unless there is one source per
        face. ``Edit.parts`` as for ``Editor.edit``.
        """


class ExpressionEncoder(ABC):
    """Writes an expression as a few numbers that should say nothing else, least of all who shows it."""

    @abstractmethod
    def encode(self, faces: Tensor) -> Tensor:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], aligned -> float32 (B, D) on the CPU, the same D for all."""


class Sampler(ABC):
    """Draws faces of people who do not exist."""

    @abstractmethod
    def sample(self, target: Tensor, seed: int) -> Tensor:
        """target: (N, len(target_space.names)), see ``Editor`` -> float32 (N, 3, 128, 128) in [-1, 1], on the CPU.

        One person per row, the same for the same seed and row.
        """
