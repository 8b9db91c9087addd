"""What a peer declares. Read in the peer's own environment too: of third parties it imports nothing."""

from __future__ import annotations

from dataclasses import dataclass

from eval import cited

NAMES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")  # as fer.types.EMOTIONS


@dataclass(frozen=True)
class Peer:
    """A recogniser that others publish, in one file of ``eval/peers`` beside ``weights`` and ``load``.

    package: as pip and importlib.metadata call it; its version is part of a result's weights.
    requirements: what pip installs into its environment. bare: likewise, but without what they ask for themselves.
    labels: our name of each column of its answers, in its order. lacks: our expressions that it cannot name; their
    probability is 0.
    licence: of code and weights. citation, with arxiv or doi: what it rests on.
    settings: environment variables that it needs. notes: how it is run here, and where that differs from its habits.
    learnt_from: the datasets that its weights learnt from, all of them, by the names that its authors give; None where
    they do not say. It decides what ``eval left-out`` counts.
    """

    name: str
    package: str
    requirements: tuple[str, ...]
    labels: tuple[str, ...]
    licence: str
    homepage: str
    citation: str
    notes: str
    arxiv: str | None = None
    doi: str | None = None
    bare: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    learnt_from: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels) or not set(self.labels) <= set(NAMES):
            raise ValueError(f"The labels of the peer {self.name} must be distinct and among {', '.join(NAMES)}.")
        cited.check(f"The peer {self.name}", self)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Our expressions that it cannot name, in canonical order."""
        return tuple(name for name in NAMES if name not in self.labels)
