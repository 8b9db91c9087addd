"""Giving a face another expression, and what the judges say of the result. Nothing here knows gradio."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import torch
from PIL import Image
from torch import Tensor

from demo import animation, pictures, removal, service
from demo.models import IDENTITY, JUDGE, Loaded, Shelf
from demo.service import FaceReading, Reading
from fer.errors import FerError, ImageError, RegistryError
from fer.framing import resized
from fer.images import ImageSource, open_image, to_picture, to_tensor
from fer.models.base import Editor, Embedder
from fer.types import EMOTIONS, Emotion, TargetSpace

PEOPLE = 6  # drawn at once
LARGEST_SEED = 2**31 - 1
FILM_PX = 256
FRAME_MS = 80
STEPS = 12  # from no expression to the target, slow at both ends; the film goes there and back
STRIP = (0, 4, 6, 8, 12)  # the steps at 0, 25, 50, 75 and 100 % of the way
BATCH = 8
LARGEST_RETURNED = 20_000_000  # letters of the photograph's address that the browser sends back
PHOTO_GONE = "The photograph is no longer on the page. Add it again on the Read tab."


@dataclass(frozen=True, eq=False)
class Studio:
    """The chosen editor, and those who judge its work: who names the expression, and who tells people apart."""

    editor: Loaded
    judge: Loaded
    embedder: Loaded

    @property
    def space(self) -> TargetSpace:
        space: TargetSpace = self.editor.model.target_space
        return space


@dataclass(frozen=True, eq=False)
class Edited:
    """A face that was given another expression.

    image: RGB, of the size of ``one.crop``; target: None where the expression came from another face; label: the
    expression that was asked for or, where that has no name, the one that the judge sees afterwards; before, after:
    the judge's probability of it; identity: cosine of the embeddings before and after, 1 for the same.
    """

    one: FaceReading
    image: Image.Image
    target: tuple[float, ...] | None
    label: str
    before: float
    after: float
    identity: float
    model: str
    weights: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Film:
    """The way from no expression to the target: pictures at ``STRIP``, and two files that go there and back."""

    strip: tuple[Image.Image, ...]
    gif: bytes
    mp4: bytes


@dataclass(frozen=True, eq=False)
class People:
    """Faces of people who do not exist; label: what they were drawn for, agreed: how many the judge reads so."""

    faces: tuple[Image.Image, ...]
    label: str
    agreed: int
    seed: int
    model: str


def studio(shelf: Shelf, name: str) -> Studio:
    """The editor of that name with its judges. Raises RegistryError or WeightsError."""
    return Studio(shelf.take(name, Editor), shelf.take(JUDGE), shelf.take(IDENTITY, Embedder))


def presets(space: TargetSpace) -> list[str]:
    """Neutral, and the expressions that the space has by name, in the canonical order."""
    return [str(e) for e in EMOTIONS if e == Emotion.NEUTRAL or e in space.names]


def target_of(space: TargetSpace, emotion: str, intensity: object) -> tuple[float, ...]:
    """The target that asks for ``intensity`` of the highest value of one expression; neutral asks for nothing.

    Raises RegistryError for an expression that the space does not have, FerError for an intensity outside of [0, 1].
    """
    if emotion not in presets(space):
        raise RegistryError.unknown("expression here", str(emotion), presets(space))
    share = _number(intensity, "The intensity", 0.0, 1.0)
    return tuple(
        share * high if name == emotion != Emotion.NEUTRAL else 0.0
        for name, high in zip(space.names, space.high, strict=True)
    )


def checked(space: TargetSpace, values: Sequence[object]) -> tuple[float, ...]:
    """Values of all sliders as a target. Raises FerError for one that is missing or outside of its range."""
    if len(values) != len(space.names):
        raise FerError(f"This model takes {len(space.names)} values, one for each slider; {len(values)} were sent.")
    return tuple(
        _number(value, name, low, high)
        for value, name, low, high in zip(values, space.names, space.low, space.high, strict=True)
    )


def _number(value: object, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # NaN: never true
        raise FerError(f"{what} must be a number from {low:g} to {high:g}, not {value!r}.")
    return float(value)


def checked_seed(value: object) -> int:
    """A seed. Raises FerError for what is no whole number in its range."""
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise FerError(f"The seed must be a whole number from 0 to {LARGEST_SEED:,}.")
    return value


def aim(space: TargetSpace, target: Sequence[float]) -> str | None:
    """The expression that a target asks for most; None where what it asks for has no such name."""
    if not any(target):
        return str(Emotion.NEUTRAL)
    named = {name: value for name, value in zip(space.names, target, strict=True) if name in EMOTIONS and value > 0}
    return max(named, key=lambda name: named[name]) if named else None


def edit(room: Studio, one: FaceReading, target: tuple[float, ...]) -> Edited:
    """One face with the expression that ``target`` asks for."""
    made = room.editor.model.edit(to_tensor(one.crop)[None], torch.tensor([target])).image[0]
    return _measured(room, one, made, target, aim(room.space, target))


def transfer(room: Studio, one: FaceReading, source: FaceReading) -> Edited:
    """One face with the expression of another."""
    face = to_tensor(one.crop)[None]
    made = room.editor.model.transfer(face, resized(to_tensor(source.crop)[None], face.shape[-1])).image[0]
    return _measured(room, one, made, None, source.label)


def source_face(picture: ImageSource, judge: Loaded) -> FaceReading:
    """The only face of the picture whose expression is taken over. Raises ImageError or NoFaceError."""
    faces = service.read(picture, judge).faces
    if len(faces) > 1:
        raise ImageError(
            f"{len(faces)} faces were found in the second picture, and only you know whose expression is meant. Crop "
            "it to one face, or use a picture of one person."
        )
    return faces[0]


def _measured(
    room: Studio, one: FaceReading, made: Tensor, target: tuple[float, ...] | None, label: str | None
) -> Edited:
    image = to_picture(made)
    pair = torch.stack([to_tensor(one.crop), to_tensor(image)])
    pair = resized(pair, one.face.pixels.shape[-1])
    read = room.judge.model.recognize(pair)
    label = label or str(read.top(1)[0])
    first, second = room.embedder.model.embed(pair)
    before, after = (read.as_dict(row)[label] for row in (0, 1))
    origin = room.editor
    cosine = float((first * second).sum().clamp(-1, 1))
    return Edited(one, image, target, label, before, after, cosine, origin.name, origin.weights, origin.sha256)


def film(room: Studio, one: FaceReading, target: tuple[float, ...]) -> Film:
    """The way from no expression to the target; every frame carries the mark."""
    face = to_tensor(one.crop)[None]
    face = resized(face, min(face.shape[-1], FILM_PX))
    shares = [(1 - math.cos(math.pi * step / STEPS)) / 2 for step in range(STEPS + 1)]
    way = _on_the_way(room, face, torch.tensor(shares)[:, None] * torch.tensor([target]))
    frames = [pictures.marked(frame.resize((FILM_PX, FILM_PX), Image.Resampling.BICUBIC)) for frame in way]
    loop = [*frames, *frames[-2:0:-1]]
    return Film(tuple(frames[i] for i in STRIP), animation.gif(loop, FRAME_MS), animation.mp4(loop, FRAME_MS))


def _on_the_way(room: Studio, face: Tensor, targets: Tensor) -> list[Image.Image]:
    made: list[Image.Image] = []
    for part in torch.split(targets, BATCH):
        made += [to_picture(one) for one in room.editor.model.edit(face.expand(len(part), -1, -1, -1), part).image]
    return made


def people(room: Studio, target: tuple[float, ...], seed: int) -> People:
    """Six people who do not exist, each with the expression that ``target`` asks for."""
    faces = room.editor.model.sample(torch.tensor([target]).expand(PEOPLE, -1), seed)
    read = room.judge.model.recognize(faces)
    labels = [str(read.top(row)[0]) for row in range(PEOPLE)]
    label = aim(room.space, target) or max(labels, key=labels.count)
    return People(tuple(map(to_picture, faces)), label, labels.count(label), seed, room.editor.name)


def returned_photo(address: object, reading: Reading) -> Image.Image:
    """The photograph that the browser sent back, in the size that it shows. Raises FerError."""
    head, _, body = address.partition(",") if isinstance(address, str) else ("", "", "")
    if not head.startswith("data:image/") or len(body) > LARGEST_RETURNED:
        raise FerError(PHOTO_GONE)
    try:
        photo = open_image(base64.b64decode(body, validate=True))
    except binascii.Error as error:
        raise FerError(PHOTO_GONE) from error
    if abs(photo.width * reading.height - photo.height * reading.width) > max(reading.width, reading.height):
        raise FerError(PHOTO_GONE)  # another picture's proportions, by more than rounding explains
    return photo


def pasted(photo: Image.Image, reading: Reading, edited: Edited) -> Image.Image:
    """The photograph, in any size, with the edited face in its place."""
    before, after = to_tensor(edited.one.crop), to_tensor(edited.image)
    return removal.pasted(photo, [edited.one.face], [before], [after], photo.width / reading.width)


class EditedFace(TypedDict):
    """One face in the answer of the API. edited: the generated face as a data: address of a PNG, aligned.

    identity: cosine of its embeddings before and after; before, after: the judge's probability of the expression;
    caution: why the result may be poor, empty where there is no known reason.
    """

    box: list[float]
    size: int
    edited: str
    identity: float
    before: float
    after: float
    caution: str


class EditAnswer(TypedDict):
    """The answer of the API: which model with which weights, what was asked for, the photograph's size, its faces."""

    model: str
    weights: str
    sha256: str
    emotion: str
    intensity: float
    width: int
    height: int
    faces: list[EditedFace]


def face_json(edited: Edited, picture: str) -> EditedFace:
    """The numbers of one face. picture: the edited face's data: address."""
    return {
        "box": [round(v, 1) for v in edited.one.box],
        "size": edited.image.width,
        "edited": picture,
        "identity": round(edited.identity, 6),
        "before": round(edited.before, 6),
        "after": round(edited.after, 6),
        "caution": service.caution(edited.one),
    }


def as_json(room: Studio, reading: Reading, emotion: str, intensity: float, faces: Sequence[EditedFace]) -> EditAnswer:
    """The edits of a photograph as the values that the API sends."""
    return {
        "model": room.editor.name,
        "weights": room.editor.weights,
        "sha256": room.editor.sha256,
        "emotion": emotion,
        "intensity": intensity,
        "width": reading.width,
        "height": reading.height,
        "faces": list(faces),
    }
