"""What the page does, as plain functions on bytes and pictures. Nothing here knows gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image

import fer
from fer.errors import NoFaceError
from fer.faces import NO_FACE
from fer.images import ImageSource, open_image, to_picture
from fer.models.base import Recognizer
from fer.types import Emotion

MODEL = "plain"
EXAMPLES_FOLDER = Path(__file__).parent / "examples"
CLEAR_FROM = 0.5  # below this probability no expression is called clear
SMALL_FACE_PX = 48  # the recogniser reads 48 px: a smaller face is enlarged and less certain
LARGEST_UPLOAD = "20mb"

Loader = Callable[[], Recognizer]


@dataclass(frozen=True, eq=False)
class FaceReading:
    """One face. box: (x0, y0, x1, y1) px of the upright photograph; probabilities: label -> share, summing to 1."""

    box: tuple[float, float, float, float]
    confidence: float
    probabilities: Mapping[str, float]
    crop: Image.Image

    @property
    def label(self) -> str:
        """The most probable expression."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def width_px(self) -> int:
        return round(self.box[2] - self.box[0])


@dataclass(frozen=True, eq=False)
class Reading:
    """A photograph (upright RGB) and the faces in it, the largest first; at least one."""

    photo: Image.Image
    faces: tuple[FaceReading, ...]


class FaceAnswer(TypedDict):
    """One face in the answer of the API. box: x0, y0, x1, y1 in px of the upright photograph."""

    box: list[float]
    confidence: float
    label: str
    probabilities: dict[str, float]


class ReadAnswer(TypedDict):
    """The answer of the API: size of the upright photograph in px, and its faces, the largest first."""

    width: int
    height: int
    faces: list[FaceAnswer]


@dataclass(frozen=True)
class Example:
    """A picture to click. picture: opens it as a bytes, path or array that ``read`` takes."""

    caption: str
    credit: str
    picture: Callable[[], ImageSource]


_lock = threading.Lock()
_shared: list[Recognizer] = []


def recognizer() -> Recognizer:
    """The one recogniser of this process, loaded at the first call. Raises WeightsError."""
    with _lock:
        if not _shared:
            _shared.append(fer.load(MODEL))
        return _shared[0]


def read(source: ImageSource, load: Loader = recognizer) -> Reading:
    """Find and read every face of a photograph. Raises ImageError, NoFaceError or WeightsError, each a sentence."""
    photo = open_image(source)
    return Reading(photo, read_faces(photo, load))


def read_faces(photo: Image.Image, load: Loader = recognizer) -> tuple[FaceReading, ...]:
    """The faces of an opened photograph, the largest first. Raises NoFaceError where there is none."""
    found = fer.detect(photo)
    if not found:
        raise NoFaceError(NO_FACE)
    prediction = load().recognize(fer.stack(found))
    return tuple(
        FaceReading(face.box, face.confidence, prediction.as_dict(row), to_picture(face.pixels))
        for row, face in enumerate(found)
    )


def sentence(probabilities: Mapping[str, float]) -> str:
    """What the face shows, in one sentence; hedged where no expression reaches ``CLEAR_FROM``."""
    (first, p), (second, q) = sorted(probabilities.items(), key=lambda item: -item[1])[:2]
    if p < CLEAR_FROM:
        return f"No clear expression: closest is {first} ({percent(p)}), then {second} ({percent(q)})."
    if first == Emotion.NEUTRAL:
        return f"This face shows no expression: neutral ({percent(p)})."
    return f"This face shows {first} ({percent(p)})."


def percent(share: float) -> str:
    """0.934 -> "93 %" with a space that does not break. Only 0 reads 0 %, only 1 reads 100 %."""
    if 0 < share < 0.01:
        return "under 1\N{NO-BREAK SPACE}%"
    return f"{min(round(100 * share), 99) if share < 1 else 100}\N{NO-BREAK SPACE}%"


def caution(face: FaceReading) -> str:
    """A sentence about why this reading may be poor; empty where there is no known reason."""
    if face.width_px < SMALL_FACE_PX:
        return f"The face is only {face.width_px} px wide, so the reading is unsure. A larger picture helps."
    return ""


def as_json(reading: Reading) -> ReadAnswer:
    """A reading as the values that the API sends."""
    return {
        "width": reading.photo.width,
        "height": reading.photo.height,
        "faces": [
            {
                "box": [round(v, 1) for v in face.box],
                "confidence": round(face.confidence, 4),
                "label": face.label,
                "probabilities": {name: round(p, 6) for name, p in face.probabilities.items()},
            }
            for face in reading.faces
        ],
    }


def examples() -> list[Example]:
    """The pictures to click: one photograph in the public domain and virtual people."""
    virtual = "virtual person, blended from the Face Research Lab London Set (CC-BY 4.0)"
    names = {
        "virtual-happiness.webp": "Virtual woman",
        "virtual-surprise.webp": "Virtual woman, mouth open",
        "virtual-sadness.webp": "Virtual man",
        "virtual-disgust.webp": "Virtual man, nose wrinkled",
        "virtual-group.webp": "Four virtual people",
    }
    files = [Example(caption, virtual, _opener(EXAMPLES_FOLDER / name)) for name, caption in names.items()]
    return [Example("Astronaut Eileen Collins", "NASA, public domain", _astronaut), *files]


def _opener(path: Path) -> Callable[[], ImageSource]:
    return lambda: path


def _astronaut() -> np.ndarray:
    from skimage import data

    return np.asarray(data.astronaut())
