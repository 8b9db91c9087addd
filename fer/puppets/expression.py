"""Expressions as Action Units (FACS), random ones of each of the eight classes, and their blendshape weights.

Action Units after Ekman, Friesen & Hager 2002, "Facial Action Coding System"; which of them make up an emotion follows
its investigators' guide, and the optional ones are our own choice. The weights were set by eye.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer.action_units import ACTION_UNITS, AU_INDEX, opposed
from fer.types import Emotion

# fmt: off
# Blendshape weights at intensity 1 (FACS level E); a trailing * means both _L and _R. The negative one keeps the lips
# sealed under a wrinkled nose.
BLENDSHAPES: Mapping[str, Mapping[str, float]] = {
    "AU1": {"browInnerUp*": 1.25},
    "AU2": {"browOuterUp*": 1.1},
    "AU4": {"browDown*": 1.5, "eyeSquint*": 0.10},
    "AU5": {"eyeWide*": 1.25},
    "AU6": {"cheekSquint*": 1.0, "cheekRaiser*": 0.35, "eyeSquint*": 0.45},
    "AU7": {"eyeSquint*": 1.15, "eyeBlink*": 0.12},
    "AU9": {"noseSneer*": 0.95, "browDown*": 0.45, "mouthShrugUpper": -0.7, "mouthShrugLower": 0.33, "eyeSquint*": 0.2},
    "AU10": {"mouthUpperUp*": 0.9, "noseSneer*": 0.2},
    "AU12": {"mouthSmile*": 1.0, "mouthDimple*": 0.1},
    "AU14": {"mouthDimple*": 1.15, "mouthPress*": 0.25},
    "AU15": {"mouthFrown*": 1.25, "mouthShrugLower": 0.08},
    "AU16": {"mouthLowerDown*": 1.0},
    "AU17": {"mouthShrugLower": 0.75, "mouthShrugUpper": 0.25},
    "AU18": {"mouthPucker": 1.0},
    "AU20": {"mouthStretch*": 1.0},
    "AU22": {"mouthFunnel": 0.7},
    "AU23": {"mouthPress*": 0.45, "mouthRollLower": 0.28, "mouthRollUpper": 0.28, "mouthPucker": 0.12},
    "AU24": {"mouthPress*": 0.95, "mouthRollLower": 0.15, "mouthRollUpper": 0.15},
    "AU25": {"mouthLowerDown*": 0.38, "mouthUpperUp*": 0.28, "jawOpen": 0.05},
    "AU26": {"jawOpen": 0.38},
    "AU27": {"jawOpen": 0.9},
    "AU28": {"mouthRollLower": 0.8, "mouthRollUpper": 0.7, "jawOpen": 0.03},
    "AU43": {"eyeBlink*": 1.0},
}
# Action Unit, probability, lowest and highest strength at class intensity 1; one list per variant of an emotion.
Ingredient = tuple[str, float, float, float]
PROTOTYPES: Mapping[Emotion, Sequence[Sequence[Ingredient]]] = {
    Emotion.NEUTRAL: [[]],
    Emotion.HAPPINESS: [
        [("AU12", 1, .6, 1), ("AU6", .85, .4, 1), ("AU25", .7, .4, 1), ("AU26", .25, .2, .7), ("AU7", .2, .1, .5),
         ("AU10", .15, .1, .3), ("AU5", .05, .1, .4), ("AU2", .1, .1, .4), ("AU1", .1, .1, .4)],
    ],
    Emotion.SURPRISE: [
        [("AU1", 1, .75, 1), ("AU2", 1, .75, 1), ("AU5", .9, .4, 1), ("AU25", .7, .2, .6), ("AU26", .75, .4, 1),
         ("AU27", .3, .2, .9)],
        [("AU1", 1, .6, 1), ("AU2", 1, .6, 1), ("AU5", .7, .3, .9), ("AU26", .95, .5, 1), ("AU22", .3, .2, .6)],
    ],
    Emotion.SADNESS: [
        [("AU1", 1, .7, 1), ("AU4", .9, .3, .9), ("AU15", .95, .5, 1), ("AU17", .6, .2, .8), ("AU7", .2, .1, .5),
         ("AU43", .3, .1, .3)],
        [("AU1", .95, .6, 1), ("AU4", .9, .4, .9), ("AU15", .7, .3, .9), ("AU20", .4, .2, .5), ("AU25", .4, .2, .6),
         ("AU6", .3, .2, .6), ("AU43", .3, .1, .35)],
    ],
    Emotion.ANGER: [
        [("AU4", 1, .75, 1), ("AU5", .6, .3, .8), ("AU7", .85, .4, 1), ("AU23", .6, .4, 1), ("AU24", .6, .4, 1),
         ("AU17", .35, .2, .6)],
        [("AU4", 1, .75, 1), ("AU7", .8, .4, 1), ("AU5", .5, .3, .7), ("AU10", .6, .3, .8), ("AU25", .9, .4, 1),
         ("AU26", .35, .2, .7), ("AU9", .35, .2, .6), ("AU16", .5, .3, .9), ("AU22", .15, .2, .5)],
    ],
    Emotion.DISGUST: [
        [("AU9", 1, .65, 1), ("AU10", .6, .3, .9), ("AU4", .4, .2, .6), ("AU7", .5, .2, .7), ("AU17", .5, .2, .7),
         ("AU15", .4, .2, .6), ("AU6", .3, .2, .5)],
        [("AU10", 1, .6, 1), ("AU9", .6, .3, .9), ("AU25", .8, .3, .8), ("AU16", .5, .3, .8), ("AU26", .3, .2, .5),
         ("AU7", .4, .2, .6), ("AU4", .4, .2, .6)],
    ],
    Emotion.FEAR: [
        [("AU1", 1, .6, 1), ("AU2", .9, .3, .9), ("AU4", .85, .3, .8), ("AU5", 1, .6, 1), ("AU7", .3, .1, .4),
         ("AU20", .8, .4, 1), ("AU25", .8, .3, .9), ("AU26", .6, .2, .8)],
    ],
    Emotion.CONTEMPT: [
        [("AU12", .7, .35, .7), ("AU14", .95, .6, 1), ("AU10", .15, .1, .3), ("AU17", .2, .1, .3),
         ("AU2", .15, .1, .5)],
    ],
}
# fmt: on
FURTHER_UNITS = 0.9  # mean number of Action Units drawn beside the first, where none is drawn for a class
WEAKEST_UNIT = 0.15
WEAKEST_STRETCH = 0.5  # of AU27: a weaker one opens the jaw as AU26 does
OPEN_SMILE = {"jawOpen": 0.06, "mouthUpperUp*": 0.22, "mouthLowerDown*": 0.15}  # AU12 x AU25 bares the upper teeth
ONE_SIDED = ("AU12", "AU14", "AU10")  # of contempt
HIGHEST_SIDED_WEIGHT = 1.5
HIGHEST_CENTRAL_WEIGHT = 1.1


@dataclass(frozen=True, eq=False)
class Expression:
    """What a face does. left, right: float32 (23,) strengths of ACTION_UNITS on the subject's sides, in [0, 1].

    emotion: the class that it was drawn for, neutral where for none. intensity: of the class, in [0, 1].
    gaze: shift of the iris, x right and y down in the picture, in units of its radius.
    """

    emotion: Emotion
    intensity: float
    left: np.ndarray
    right: np.ndarray
    gaze: tuple[float, float] = (0.0, 0.0)

    @property
    def strengths(self) -> np.ndarray:
        """float32 (23,): the mean of both sides, in [0, 1]."""
        mean: np.ndarray = (self.left + self.right) / 2
        return mean


def make_expression(
    action_units: Mapping[str, float], emotion: Emotion = Emotion.NEUTRAL, intensity: float = 1.0
) -> Expression:
    """The expression of given Action Units, alike on both sides, strengths in [0, 1]."""
    strengths = np.array([action_units.get(name, 0.0) for name in ACTION_UNITS], np.float32)
    return Expression(emotion, intensity, strengths, strengths)


def sample_expression(rng: np.random.Generator, emotion: Emotion, intensity: float) -> Expression:
    """Draw a variant of an emotion: optional Action Units, random strengths, asymmetry, idiosyncratic extras, gaze."""
    strengths = _sample_strengths(rng, emotion, intensity)
    left, right = _sides_of(rng, strengths)
    if emotion == Emotion.CONTEMPT:
        weak = rng.uniform(0, 0.25)
        (left if rng.random() < 0.5 else right)[[AU_INDEX[name] for name in ONE_SIDED]] *= weak
    return Expression(emotion, float(intensity), left, right, _gaze(rng))


def sample_action_units(rng: np.random.Generator) -> Expression:
    """Draw one Action Unit or a few that belong to no class, the more often the less classes show them.

    With asymmetry, weak extras and gaze as ``sample_expression``; the class is neutral at intensity 0, for want of one.
    """
    strengths = np.zeros(len(ACTION_UNITS), np.float32)
    rarity = 1 / (class_shares() + 0.1)
    order = rng.choice(len(ACTION_UNITS), len(ACTION_UNITS), replace=False, p=rarity / rarity.sum())
    chosen: list[str] = []
    for name in (ACTION_UNITS[number] for number in order[: 1 + rng.poisson(FURTHER_UNITS)]):
        if not any(opposed(name, other) for other in chosen):
            chosen.append(name)
            weakest = WEAKEST_STRETCH if name == "AU27" else WEAKEST_UNIT
            strengths[AU_INDEX[name]] = rng.uniform(weakest, 1.0)
    _add_extras(rng, strengths, Emotion.NEUTRAL)
    return Expression(Emotion.NEUTRAL, 0.0, *_sides_of(rng, strengths), _gaze(rng))


def class_shares() -> np.ndarray:
    """How likely each of ACTION_UNITS is to be drawn for a class, extras aside: float64 (23,) in [0, 1]."""
    shares = np.zeros(len(ACTION_UNITS))
    for variants in PROTOTYPES.values():
        for name, probability, _, _ in (ingredient for variant in variants for ingredient in variant):
            shares[AU_INDEX[name]] += probability / len(variants) / len(PROTOTYPES)
    return shares


def _sides_of(rng: np.random.Generator, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strengths of the left and the right side, more or less alike."""
    spread = 0.25 if rng.random() < 0.25 else 0.07
    lean = np.clip(rng.normal(0, spread, len(ACTION_UNITS)), -0.6, 0.6).astype(np.float32)
    lean[AU_INDEX["AU43"]] = 0
    return np.clip(strengths * (1 + lean), 0, 1), np.clip(strengths * (1 - lean), 0, 1)


def _gaze(rng: np.random.Generator) -> tuple[float, float]:
    x, y = rng.normal(0, 0.12, 2) * (rng.random() < 0.4)
    return float(x), float(y)


def _sample_strengths(rng: np.random.Generator, emotion: Emotion, intensity: float) -> np.ndarray:
    strengths = np.zeros(len(ACTION_UNITS), np.float32)
    variants = PROTOTYPES[emotion]
    for name, probability, low, high in variants[int(rng.integers(len(variants)))]:
        if rng.random() < probability:
            strengths[AU_INDEX[name]] = intensity * rng.uniform(low, high)
    _add_extras(rng, strengths, emotion)
    return strengths


def _add_extras(rng: np.random.Generator, strengths: np.ndarray, emotion: Emotion) -> None:
    """Add weak strengths that do not belong to the class, and a blink now and then."""
    neutral = emotion == Emotion.NEUTRAL
    for _ in range(rng.poisson(0.8 if neutral else 0.4)):
        extra = rng.integers(len(ACTION_UNITS))
        strengths[extra] = max(strengths[extra], rng.uniform(0.03, 0.14 if neutral else 0.18))
    if rng.random() < 0.03:
        strengths[AU_INDEX["AU43"]] = rng.uniform(0.5, 1.0)


def needed_blendshapes() -> set[str]:
    """The names of all blendshapes that expressions may use."""
    patterns = [name for shapes in (*BLENDSHAPES.values(), OPEN_SMILE) for name in shapes]
    return {name for pattern in patterns for name in _sides(pattern)}


def _sides(pattern: str) -> tuple[str, ...]:
    """The blendshapes that a pattern stands for: (left, right) or the one in the middle."""
    return (f"{pattern[:-1]}_L", f"{pattern[:-1]}_R") if pattern.endswith("*") else (pattern,)


def blend_weights(expression: Expression, names: Sequence[str]) -> np.ndarray:
    """Weights of the blendshapes ``names`` for an expression, float32 (len(names),), zero for no expression."""
    index = {name: number for number, name in enumerate(names)}
    weights = np.zeros(len(names), np.float32)

    def add(pattern: str, left: float, right: float, middle: float) -> None:
        amounts = (left, right) if pattern.endswith("*") else (middle,)
        for name, amount in zip(_sides(pattern), amounts, strict=True):
            weights[index[name]] += amount

    left, right, mean = expression.left, expression.right, expression.strengths
    for unit, name in enumerate(ACTION_UNITS):
        if left[unit] == 0 and right[unit] == 0:
            continue
        for pattern, gain in BLENDSHAPES[name].items():
            add(pattern, gain * left[unit], gain * right[unit], gain * mean[unit])
    smile = mean[AU_INDEX["AU12"]] * mean[AU_INDEX["AU25"]]
    for pattern, gain in OPEN_SMILE.items():
        add(pattern, gain * smile, gain * smile, gain * smile)
    for side, strengths in (("L", left), ("R", right)):  # AU1 with AU4: the frontalis wins at the inner brow
        weights[index[f"browDown_{side}"]] *= 1 - 0.55 * strengths[AU_INDEX["AU1"]]
    sided = np.array([name.endswith(("_L", "_R")) for name in names])
    return np.minimum(weights, np.where(sided, HIGHEST_SIDED_WEIGHT, HIGHEST_CENTRAL_WEIGHT)).astype(np.float32)
