"""The 23 Action Units that are drawn and read here: names, muscles, and which go with which expression.

Action Units after Ekman, Friesen & Hager 2002, "Facial Action Coding System".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations, product
from typing import TYPE_CHECKING

from fer.types import EMOTIONS, Emotion

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Action:
    """What is seen and what does it. seen: in a few words; muscle: by its anatomical name."""

    seen: str
    muscle: str


ACTIONS: Mapping[str, Action] = {
    "AU1": Action("inner brows up", "frontalis, inner part"),
    "AU2": Action("outer brows up", "frontalis, outer part"),
    "AU4": Action("brows down and together", "corrugator supercilii"),
    "AU5": Action("upper lids up", "levator palpebrae"),
    "AU6": Action("cheeks up", "orbicularis oculi, outer ring"),
    "AU7": Action("lids tight", "orbicularis oculi, inner ring"),
    "AU9": Action("nose wrinkled", "levator labii alaeque nasi"),
    "AU10": Action("upper lip up", "levator labii superioris"),
    "AU12": Action("lip corners up", "zygomaticus major"),
    "AU14": Action("dimples", "buccinator"),
    "AU15": Action("lip corners down", "depressor anguli oris"),
    "AU16": Action("lower lip down", "depressor labii inferioris"),
    "AU17": Action("chin up", "mentalis"),
    "AU18": Action("lips puckered", "incisivus labii"),
    "AU20": Action("lips stretched", "risorius"),
    "AU22": Action("lips funnelled", "orbicularis oris, outer ring"),
    "AU23": Action("lips tight", "orbicularis oris"),
    "AU24": Action("lips pressed", "orbicularis oris, both rings"),
    "AU25": Action("lips apart", "orbicularis oris, relaxed"),
    "AU26": Action("jaw dropped", "masseter, relaxed"),
    "AU27": Action("mouth stretched open", "pterygoids and digastric"),
    "AU28": Action("lips sucked in", "orbicularis oris, rolled in"),
    "AU43": Action("eyes closed", "levator palpebrae, relaxed"),
}
ACTION_UNITS: tuple[str, ...] = tuple(ACTIONS)
AU_INDEX: Mapping[str, int] = {name: number for number, name in enumerate(ACTION_UNITS)}


class Part(IntEnum):
    """The part that an Action Unit has in an expression."""

    UNKNOWN = -1  # the source does not speak of this Action Unit, or not of this expression
    ABSENT = 0
    SECONDARY = 1
    PRIMARY = 2


# Which Action Units go with which expression: Pu, Chen, Xie, Wu, Lin 2021 (arXiv 2012.14587, "AU-Expression Knowledge
# Constrained Representation Learning for Facial Expression Recognition"). Primary and secondary ones; all others of
# KNOWN_UNITS are absent. Contempt is not in it.
KNOWN_UNITS = (
    *("AU1", "AU2", "AU4", "AU5", "AU6", "AU7", "AU9", "AU10", "AU12", "AU15", "AU16", "AU17", "AU20", "AU23", "AU24"),
    *("AU25", "AU26"),
)
KNOWLEDGE: Mapping[Emotion, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Emotion.NEUTRAL: ((), ()),
    Emotion.HAPPINESS: (("AU6", "AU12"), ("AU7", "AU25")),
    Emotion.SURPRISE: (("AU1", "AU2", "AU5", "AU25", "AU26"), ("AU16",)),
    Emotion.SADNESS: (("AU1", "AU7", "AU15"), ("AU4", "AU6", "AU17")),
    Emotion.ANGER: (("AU4", "AU5", "AU23", "AU24"), ("AU7", "AU17")),
    Emotion.DISGUST: (("AU9", "AU10"), ("AU17", "AU25")),
    Emotion.FEAR: (("AU1", "AU2", "AU4", "AU5", "AU7", "AU20"), ("AU23", "AU25")),
}
# Pairs that come together more often, or less often, than each alone would; the same source.
TOGETHER = (
    *(("AU1", "AU2"), ("AU4", "AU7"), ("AU4", "AU9"), ("AU7", "AU9"), ("AU6", "AU12"), ("AU9", "AU17")),
    *(("AU15", "AU17"), ("AU15", "AU24"), ("AU17", "AU24"), ("AU23", "AU24")),
)
APART = (("AU2", "AU6"), ("AU2", "AU7"), ("AU12", "AU15"), ("AU12", "AU17"))

# One closes what the other opens. Nobody shows both clearly, and the renderer draws no pair of them at random.
OPPOSED = (
    ({"AU5"}, {"AU43"}),
    ({"AU16", "AU25", "AU26", "AU27"}, {"AU17", "AU23", "AU24", "AU28"}),
    ({"AU18", "AU22"}, {"AU12", "AU14", "AU15", "AU20", "AU23", "AU24", "AU28"}),
    ({"AU26"}, {"AU27"}),
)
AT_WORK = 0.2  # strength from which on an Action Unit counts as seen

# Strengths of a clear expression, for those who must pick one of the many faces that a name allows: after the
# prototypes of the investigators' guide, for each the best of four, or nearly, by how often ``plain`` named it when
# ``fesgan`` drew it on 48 validation people.
TYPICAL: Mapping[Emotion, Mapping[str, float]] = {
    Emotion.HAPPINESS: {"AU6": 0.8, "AU10": 0.3, "AU12": 1.0},
    Emotion.SURPRISE: {"AU1": 1.0, "AU2": 1.0, "AU5": 1.0, "AU26": 0.9},
    Emotion.SADNESS: {"AU1": 1.0, "AU4": 0.7, "AU15": 1.0, "AU17": 0.6},
    Emotion.ANGER: {"AU4": 1.0, "AU7": 1.0, "AU9": 0.4, "AU23": 1.0, "AU24": 1.0},
    Emotion.DISGUST: {"AU7": 0.5, "AU9": 1.0, "AU10": 0.5, "AU17": 0.5},
    Emotion.FEAR: {"AU1": 1.0, "AU2": 0.8, "AU4": 0.7, "AU5": 1.0, "AU20": 0.9, "AU25": 0.8, "AU26": 0.4},
    Emotion.CONTEMPT: {"AU12": 0.3, "AU14": 1.0, "AU17": 0.3},
}
POSED_SMILE: Mapping[str, float] = {"AU6": 0.8, "AU12": 1.0, "AU25": 0.8}  # for the camera, where nobody measured it


def units_of(strengths: Mapping[str, float]) -> Tensor:
    """Strengths (23,) in the order of ACTION_UNITS, 0 where none is given."""
    import torch

    return torch.tensor([strengths.get(name, 0.0) for name in ACTION_UNITS])


def typical_units(code: Tensor) -> Tensor:
    """Strengths (B, 23) in [0, 1] of ``TYPICAL`` for degrees (B, 7) of the seven expressions in canonical order."""
    import torch

    table = torch.stack([units_of(TYPICAL[emotion]) for emotion in EMOTIONS[1:]])
    return (code @ table.to(code)).clamp(0, 1)


def opposed(one: str, other: str) -> bool:
    """Whether two Action Units undo each other, see ``OPPOSED``."""
    return any({(one, other), (other, one)} & set(product(first, second)) for first, second in OPPOSED)


def contradictions(strengths: Mapping[str, float]) -> list[tuple[str, str]]:
    """Pairs that undo each other and are both at ``AT_WORK`` or above, in the order of ACTION_UNITS."""
    seen = [name for name in ACTION_UNITS if strengths.get(name, 0.0) >= AT_WORK]
    return [pair for pair in combinations(seen, 2) if opposed(*pair)]


def knowledge_table() -> Tensor:
    """``Part`` of every Action Unit in every expression, int64 (8, 23), in the orders of EMOTIONS and ACTION_UNITS."""
    import torch

    table = torch.full((len(EMOTIONS), len(ACTION_UNITS)), int(Part.UNKNOWN))
    for emotion, (primary, secondary) in KNOWLEDGE.items():
        row = table[EMOTIONS.index(emotion)]
        for part, names in ((Part.ABSENT, KNOWN_UNITS), (Part.SECONDARY, secondary), (Part.PRIMARY, primary)):
            row[[AU_INDEX[name] for name in names]] = int(part)
    return table
