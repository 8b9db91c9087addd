"""A contact sheet to look at: one person per row, one expression per column, neutral first."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fer.errors import StorageError
from fer.puppets.expression import sample_expression
from fer.puppets.people import make_person
from fer.puppets.sample import Cast, Options, draw, seed_of
from fer.types import EMOTIONS, Emotion

HEADER_PX = 20


def contact_sheet(cast: Cast, people: int, size_px: int, seed: int, intensity: float = 1.0) -> np.ndarray:
    """RGB uint8 (20 + people * size_px, 8 * size_px, 3), the classes in the order of EMOTIONS, at one ``intensity``.

    Faces look straight at the camera, in exact alignment, in the light of their photograph.
    """
    options = Options(size_px=size_px, augment=0.0, pose_deg=0.0, jitter=0.0, aligned=True)
    rows = [_row(cast, seed_of(seed, number), options, intensity) for number in range(people)]
    return np.concatenate([_header(size_px), *rows])


def _row(cast: Cast, seed: int, options: Options, intensity: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    person = make_person(rng, cast.sitters)
    samples = [
        draw(cast, seed, options, person=person, expression=sample_expression(rng, emotion, intensity))
        for emotion in EMOTIONS
        if emotion != Emotion.NEUTRAL
    ]
    return np.concatenate([samples[0].neutral, *(sample.image for sample in samples)], 1)


def _header(size_px: int) -> np.ndarray:
    header = np.full((HEADER_PX, len(EMOTIONS) * size_px, 3), 255, np.uint8)
    for column, emotion in enumerate(EMOTIONS):
        place = (column * size_px + 4, HEADER_PX - 6)
        cv2.putText(header, str(emotion), place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return header


def save_sheet(path: Path, sheet: np.ndarray) -> None:
    """Write an RGB sheet as the picture ``path`` (.png, .jpg). Raises StorageError."""
    try:
        written = cv2.imwrite(str(path), sheet[..., ::-1])
    except cv2.error as error:
        raise StorageError(f"{path} names no kind of picture that can be written. Use .png or .jpg.") from error
    if not written:
        raise StorageError(f"{path} could not be written. Does its folder exist?")
