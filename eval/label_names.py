"""What datasets call the eight expressions: usual names, and maps that a user writes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

SYNONYMS = {
    Emotion.NEUTRAL: ("neutral",),
    Emotion.HAPPINESS: ("happiness", "happy", "joy", "joyful"),
    Emotion.SURPRISE: ("surprise", "surprised"),
    Emotion.SADNESS: ("sadness", "sad"),
    Emotion.ANGER: ("anger", "angry"),
    Emotion.DISGUST: ("disgust", "disgusted"),
    Emotion.FEAR: ("fear", "fearful", "afraid", "scared"),
    Emotion.CONTEMPT: ("contempt", "contemptuous"),
}
LEFT_OUT = ("unknown", "nf", "notface", "noface", "nonface", "other", "others", "none", "uncertain", "nomajority")
USUAL: dict[str, Emotion | None] = {
    **{word: emotion for emotion, words in SYNONYMS.items() for word in words},
    **dict.fromkeys(LEFT_OUT),
}
NOT_SCORED = ("-", "none")  # on the right of "=" in a map that a user writes
LabelMap = dict[str, Emotion | None]


def plain(name: str) -> str:
    """A label's name without case, numbers, spaces and signs: "0-Angry" -> "angry", "not_face" -> "notface"."""
    return re.sub(r"[\W\d_]+", "", name.lower())


def written(text: str) -> LabelMap:
    """A map as a user writes it: "0=anger,joy=happiness,nf=-". Raises DataError."""
    found: LabelMap = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        label, sign, expression = (piece.strip() for piece in part.rpartition("="))
        if not sign or not label:
            raise DataError(f'"{part}" is no part of a label map. Write LABEL=EXPRESSION, or LABEL=- to leave it out.')
        if label in found:
            raise DataError(f'The label map names "{label}" twice.')
        if expression.lower() not in NOT_SCORED and USUAL.get(plain(expression)) is None:
            raise DataError(
                f'"{expression}" is no expression. Choose one of: {", ".join(EMOTIONS)}, or - to leave the label out.'
            )
        found[label] = None if expression.lower() in NOT_SCORED else USUAL[plain(expression)]
    return found


def label_map(names: Sequence[str], given: LabelMap, numbered: bool, column: str) -> LabelMap:
    """What each of a column's labels stands for: as ``given``, else by its usual name.

    numbered: the labels have numbers, their places in ``names``, and ``given`` may use these; a name that is written
    like a number is meant first. Raises DataError for labels that nothing tells, and for such as are not there.
    """
    numbers = {str(number): name for number, name in enumerate(names)} if numbered else {}
    strange = [label for label in given if label not in names and label not in numbers]
    if strange:
        raise DataError(f'The column "{column}" has no label {_quoted(strange)}; it has {_quoted(names)}.')
    told = {label if label in names else numbers[label]: expression for label, expression in given.items()}
    if len(told) < len(given):
        raise DataError(f"The label map names one label of {_quoted(names)} by its name and by its number.")
    unclear = [name for name in names if name not in told and plain(name) not in USUAL]
    if unclear:
        example = ",".join(f"{name}=EXPRESSION" for name in unclear)
        raise DataError(
            f'It is not clear what the label {_quoted(unclear)} of the column "{column}" stands for. Say so with '
            f'--label-map "{example}", where EXPRESSION is one of {", ".join(EMOTIONS)}, or - to leave the label out.'
        )
    return {name: told[name] if name in told else USUAL[plain(name)] for name in names}


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
