"""What the page does, as plain functions on bytes and pictures. Nothing here knows gradio."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from PIL import Image

import fer
from demo.models import Loaded
from fer.errors import NoFaceError
from fer.faces import NO_FACE, cut
from fer.images import ImageSource, open_image, to_picture
from fer.types import Emotion, Face

EXAMPLES_FOLDER = Path(__file__).parent / "examples"
CLEAR_FROM = 0.5  # below this probability no expression is called clear
SMALL_FACE_PX = 48  # the recogniser reads 48 px: a smaller face is enlarged and less certain
SURE_FACE = 0.97  # below this confidence of the detector it may be no face
TURNED = 0.25  # the nose tip's distance from the eyes' midline, in eye distances; about 27 degrees of yaw
TILTED_DEGREES = 30
NOSE_HEIGHTS = (0.33, 0.75)  # of the nose tip between eyes, 0, and mouth, 1; outside are heads far up or down
CROP_SIZES_PX = (128, 192, 256, 384, 512)  # a face is cut at the first that holds all its detail, at most at the last
LARGEST_UPLOAD = "20mb"


@dataclass(frozen=True, eq=False)
class FaceReading:
    """One face. probabilities: label -> share, summing to 1; crop: cut as ``face``, at one of ``CROP_SIZES_PX``.

    units: Action Unit -> strength in [0, 1]; empty where nobody reads them.
    """

    face: Face
    probabilities: Mapping[str, float]
    crop: Image.Image
    units: Mapping[str, float] = field(default_factory=dict)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) px of the upright photograph."""
        return self.face.box

    @property
    def label(self) -> str:
        """The most probable expression."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def width_px(self) -> int:
        return round(self.box[2] - self.box[0])


@dataclass(frozen=True, eq=False)
class Reading:
    """The faces of a photograph, the largest first, at least one; the photograph's size in px; who read them."""

    width: int
    height: int
    faces: tuple[FaceReading, ...]
    model: str
    weights: str
    sha256: str


class FaceAnswer(TypedDict):
    """One face in the answer of the API. box: x0, y0, x1, y1 in px of the upright photograph.

    action_units: strengths in [0, 1] by name, as AU12; empty where the page has no reader of them. caution: why the
    reading may be poor, empty where there is no known reason.
    """

    box: list[float]
    confidence: float
    label: str
    probabilities: dict[str, float]
    action_units: dict[str, float]
    caution: str


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


def read(source: ImageSource, reader: Loaded, units: Loaded | None = None) -> Reading:
    """Find and read every face of a photograph. Raises ImageError or NoFaceError, each a sentence.

    units: who reads the Action Units, if anybody does.
    """
    photo = open_image(source)
    found = fer.detect(photo)
    if not found:
        raise NoFaceError(NO_FACE)
    pixels = fer.stack(found)
    prediction = reader.model.recognize(pixels)
    strengths = units.model.action_units(pixels) if units else None
    faces = tuple(
        FaceReading(face, prediction.as_dict(row), _sharp(photo, face), strengths.as_dict(row) if strengths else {})
        for row, face in enumerate(found)
    )
    return Reading(photo.width, photo.height, faces, reader.name, reader.weights, reader.sha256)


def read_again(reading: Reading, reader: Loaded) -> Reading:
    """The same faces, read by another model; their Action Units stay."""
    prediction = reader.model.recognize(fer.stack([one.face for one in reading.faces]))
    faces = tuple(replace(one, probabilities=prediction.as_dict(row)) for row, one in enumerate(reading.faces))
    return replace(reading, faces=faces, model=reader.name, weights=reader.weights, sha256=reader.sha256)


def _sharp(photo: Image.Image, face: Face) -> Image.Image:
    """The face cut again at a size that matches its size in the photograph."""
    side = face.pixels.shape[-1]
    own = float(face.to_source[:, 0].norm()) * side
    size = next((size for size in CROP_SIZES_PX if size >= own), CROP_SIZES_PX[-1])
    return to_picture(cut(photo, scaled(face.to_source, side / size), size))


def scaled(to_source: torch.Tensor, factor: float) -> torch.Tensor:
    """The affine map (2, 3) of a square whose pixels are ``factor`` times as large."""
    return torch.cat([to_source[:, :2] * factor, to_source[:, 2:]], 1)


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


def caution(one: FaceReading) -> str:
    """Why this reading may be poor, a sentence for each reason; empty where there is no known one."""
    turn, tilt, height = pose(one.face)
    reasons = {
        f"The face is only {one.width_px} px wide, so the reading is unsure. A larger picture helps.": one.width_px
        < SMALL_FACE_PX,
        f"The detector is only {percent(one.face.confidence)} sure that this is a face.": one.face.confidence
        < SURE_FACE,
        "The face is turned far to the side; faces are read best from the front.": abs(turn) > TURNED,
        f"The head is tilted by {abs(round(tilt))} degrees; upright faces are read best.": abs(tilt) > TILTED_DEGREES,
        "The head is thrown back; faces are read best from the front.": height < NOSE_HEIGHTS[0],
        "The head is bent far down; faces are read best from the front.": height > NOSE_HEIGHTS[1],
    }
    return " ".join(text for text, holds in reasons.items() if holds)


def pose(face: Face) -> tuple[float, float, float]:
    """How the head is turned, by what the detector's five points tell.

    How far the nose tip lies from the eyes' midline, in eye distances; the tilt of the eyes in degrees; where the nose
    tip lies between the eyes, 0, and the mouth, 1.
    """
    left, right, nose, *corners = face.landmarks.double()
    eyes, middle = right - left, (left + right) / 2
    down = torch.stack(corners).mean(0) - middle
    aside, height = (nose - middle) @ eyes / (eyes @ eyes), (nose - middle) @ down / (down @ down)
    return float(aside), math.degrees(math.atan2(float(eyes[1]), float(eyes[0]))), float(height)


def as_json(reading: Reading) -> ReadAnswer:
    """A reading as the values that the API sends."""
    return {
        "width": reading.width,
        "height": reading.height,
        "faces": [
            {
                "box": [round(v, 1) for v in face.box],
                "confidence": round(face.face.confidence, 4),
                "label": face.label,
                "probabilities": {name: round(p, 6) for name, p in face.probabilities.items()},
                "action_units": {name: round(strength, 4) for name, strength in face.units.items()},
                "caution": caution(face),
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
