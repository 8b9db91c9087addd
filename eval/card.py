"""What is known of a dataset that this project neither holds nor publishes: how it is got, laid out and checked.

A benchmark on it names one ``Card`` and what a complete copy ``Holds``. ``eval.prepare`` reads copies by the card,
``eval.verify`` refuses what does not match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fer.types import Emotion

GROUPS = {"label", "subject", "sequence", "frame", "split", "name"}  # that a pattern of paths may name


class Frames(StrEnum):
    """Which pictures of a sequence count."""

    ALL = "all"
    LAST_THREE = "the last three; where there are more than three, the first one is neutral"
    MIDDLE_THREE = "the three in the middle"


@dataclass(frozen=True)
class Card:
    """A dataset that a user brings.

    obtain: how to get it, one sentence. layout: which of its own files are read, half a sentence.
    labels: what its own label names and numbers stand for, None for left out; usual names need no entry, see
    ``eval.label_names``. splits: its own names of splits and ours; without any, all is ``test``.
    path: pattern that is searched in the path of a picture below the folder, with some of the groups label, subject,
    sequence, frame, split and name; a picture whose path does not match is not part of the protocol.
    label_file: path of a text or .npy file with the label of a picture, or of a sequence; it may hold ``*`` and
    ``{group}``. label_list: path of a text file with lines "NAME LABEL", where NAME begins with the group name.
    frames: which of each sequence. folds: into how many the subjects are dealt. hub: repositories of third parties that
    are known to exist; none was checked, and their licence tags do not override the owners' terms.
    """

    obtain: str
    layout: str
    labels: Mapping[str, Emotion | None] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    label_file: str = ""
    label_list: str = ""
    frames: Frames = Frames.ALL
    folds: int = 0
    hub: tuple[str, ...] = ()

    @property
    def numbered(self) -> set[Emotion | None]:
        """What the labels that are bare numbers stand for."""
        return {meaning for label, meaning in self.labels.items() if label.isdecimal()}

    def __post_init__(self) -> None:
        groups = set(re.compile(self.path).groupindex)
        if strange := groups - GROUPS:
            raise ValueError(f"The pattern names {sorted(strange)}; it may name {sorted(GROUPS)}.")
        if self.frames is not Frames.ALL and self.path and not {"subject", "sequence", "frame"} <= groups:
            raise ValueError("To choose among the frames of a sequence the pattern must name all three.")


@dataclass(frozen=True)
class Holds:
    """What a complete copy holds of the split that is scored. None, or nothing, where it is not known.

    pictures: how many are scored. by_label: the same by label. subjects: how many people.
    """

    pictures: int | None = None
    by_label: Mapping[Emotion, int] = field(default_factory=dict)
    subjects: int | None = None

    def __post_init__(self) -> None:
        if self.by_label and self.pictures not in (None, sum(self.by_label.values())):
            raise ValueError(f"{self.pictures} pictures are not the {sum(self.by_label.values())} of all labels.")

    def tells_apart(self, labels: Iterable[Emotion | None]) -> bool:
        """Whether no two of the labels could be exchanged and the counts be the same; one may be without a count."""
        counts = [None if label is None else self.by_label.get(label) for label in set(labels)]
        return len(set(counts)) == len(counts)
