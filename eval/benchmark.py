"""What a benchmark declares. A benchmark is one ``Benchmark`` in one file; nothing in it computes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fer.types import EMOTIONS, Emotion, Framing


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


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: which pictures, which labels, how they are cut and what is scored.

    dataset: the folder below --data-root; hub_id: "org/name" where the same layout is published, else None.
    framing: TIGHT gives each picture to the model as it is; ALIGNED finds the largest face and aligns it first.
    classes: the expressions that compete; the model's other probabilities are dropped and the rest renormalised.
    version: raise it whenever a change makes old results incomparable.
    """

    name: str
    title: str
    version: int
    dataset: str
    split: str
    framing: Framing
    views: tuple[View, ...]
    classes: tuple[Emotion, ...]
    protocol: str
    licence: str
    source: str
    citation: str
    arxiv: str | None = None
    doi: str | None = None
    hub_id: str | None = None
    train_split: str = "train"  # only the majority baseline reads it
    reported: tuple[Reported, ...] = ()

    def __post_init__(self) -> None:
        if not (self.arxiv or self.doi):
            raise ValueError(f"The benchmark {self.name} needs an arXiv id or a DOI.")
        if tuple(e for e in EMOTIONS if e in self.classes) != self.classes:
            raise ValueError(f"The classes of {self.name} must be distinct and in the canonical order.")
        outside = {e for view in self.views for e in (view.constant, *view.labels.values()) if e} - set(self.classes)
        if outside:
            raise ValueError(f"The labels of {self.name} hold {sorted(outside)}, which are not among its classes.")

    def declaration(self) -> dict[str, Any]:
        """Everything that decides a prediction or a score, as JSON values."""
        keys = ("name", "title", "version", "dataset", "split", "framing", "views", "classes", "protocol", "licence")
        everything = asdict(self)
        return {key: everything[key] for key in keys}


def same(names: tuple[Emotion, ...]) -> dict[str, Emotion | None]:
    """The label map of a dataset that already calls the expressions by our names."""
    return {str(name): name for name in names}
