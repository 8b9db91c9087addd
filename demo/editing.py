"""Giving a face another expression, and what the judges say of the result. Nothing here knows gradio."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict

import torch
from PIL import Image
from torch import Tensor

from demo import animation, pictures, service
from demo.models import IDENTITY, JUDGE, Loaded, Shelf
from demo.service import FaceReading, Reading
from fer.action_units import ACTION_UNITS, ACTIONS, TYPICAL, contradictions
from fer.errors import FerError, ImageError, RegistryError
from fer.framing import resized
from fer.images import ImageSource, to_picture, to_tensor
from fer.models.base import ActionUnitReader, Editor, Embedder
from fer.types import EMOTIONS, Edit, Emotion, TargetSpace

PEOPLE = 6  # drawn at once
LARGEST_SEED = 2**31 - 1
FILM_PX = 256
FRAME_MS = 80
STEPS = 12  # from no expression to the target, slow at both ends; the film goes there and back
STRIP = (0, 4, 6, 8, 12)  # the steps at 0, 25, 50, 75 and 100 % of the way
BATCH = 8
SLIDER_STEPS = 100  # from the lowest to the highest value
HALF_STEP = 0.501 / SLIDER_STEPS  # an Action Unit this near to what the face shows is left as it is
PART_PX = 128  # side at which flow and mask are kept
MOST_NOTED = 2  # pairs of sliders that work against each other
NO_EXPRESSION, AS_IT_IS = "no expression", "the face as it is"
ONLY_TARGETS = "The film goes from {} to an expression of the list or of the sliders. Choose one of them first."
UNCHANGED = "Nothing is changed yet: the sliders stand where {} reads this face, an estimate."


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

    def shown(self, face: Tensor) -> tuple[float, ...] | None:
        """What a face (1, 3, S, S) shows by the editor's own reading, as a target that changes nothing.

        None where the editor does not read the Action Units that it edits.
        """
        if not (of_muscles(self.space) and isinstance(self.editor.model, ActionUnitReader)):
            return None
        return tuple(self.editor.model.action_units(face).strengths[0].tolist())


@dataclass(frozen=True, eq=False)
class Making:
    """How an edit was made. moved: RGB, of the size of the face, before anything was painted.

    flow: (2, P, P), where each pixel was read from, as a shift x, y in sides of the face; mask: (P, P) in [0, 1], how
    much was painted. P is ``PART_PX``.
    """

    moved: Image.Image
    flow: Tensor
    mask: Tensor


@dataclass(frozen=True, eq=False)
class Edited:
    """A face that was given another expression.

    image: RGB, of the size of ``one.crop``; target: None where the expression came from another face; label: the
    expression that was asked for or, where that has no name, the one that the judge sees afterwards; before, after:
    the judge's probability of it; identity: cosine of the embeddings before and after, 1 for the same. making: None
    where the editor does not tell; flows: whether it moves pixels, which keeps a large face sharp; notes: sentences;
    units: the target by the names of the Action Units, empty where it has others.
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
    making: Making | None = None
    flows: bool = False
    notes: tuple[str, ...] = ()
    units: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Film:
    """The way to the target: pictures at ``STRIP``, and two files that go there and back. start: in words."""

    strip: tuple[Image.Image, ...]
    gif: bytes
    mp4: bytes
    start: str = NO_EXPRESSION


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


def of_muscles(space: TargetSpace) -> bool:
    """Whether the space is that of the 23 Action Units, each from 0 to 1."""
    return space.names == ACTION_UNITS and set(space.low) == {0.0} and set(space.high) == {1.0}


def presets(space: TargetSpace) -> list[str]:
    """Neutral, and the expressions that the space has by name or by their muscles, in the canonical order."""
    return [str(e) for e in EMOTIONS if e == Emotion.NEUTRAL or e in space.names or of_muscles(space)]


def target_of(space: TargetSpace, emotion: str, intensity: object) -> tuple[float, ...]:
    """The target that asks for ``intensity`` of the highest value of one expression; neutral asks for nothing.

    In a space of Action Units an expression is its ``TYPICAL`` ones. Raises RegistryError for an expression that the
    space does not have, FerError for an intensity outside of [0, 1].
    """
    if emotion not in presets(space):
        raise RegistryError.unknown("expression here", str(emotion), presets(space))
    share = number(intensity, "The intensity", 0.0, 1.0)
    full = TYPICAL.get(Emotion(emotion), {}) if of_muscles(space) else {emotion: 1.0}
    return tuple(
        share * full.get(name, 0.0) * high if emotion != Emotion.NEUTRAL else 0.0
        for name, high in zip(space.names, space.high, strict=True)
    )


def checked(space: TargetSpace, values: Sequence[object]) -> tuple[float, ...]:
    """Values of all sliders as a target. Raises FerError for one that is missing or outside of its range."""
    if len(values) != len(space.names):
        raise FerError(f"This model takes {len(space.names)} values, one for each slider; {len(values)} were sent.")
    return tuple(
        number(value, name, low, high)
        for value, name, low, high in zip(values, space.names, space.low, space.high, strict=True)
    )


def number(value: object, what: str, low: float, high: float) -> float:
    """A number in its range. what: names it in the sentence of the FerError that anything else raises."""
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
    """The expression that a target asks for most; None where what it asks for has no such name.

    Action Units have a name where they are a preset at some intensity, as exactly as sliders can stand.
    """
    if not any(target):
        return str(Emotion.NEUTRAL)
    if of_muscles(space):
        return next((name for name in presets(space)[1:] if _is_share(target, target_of(space, name, 1.0))), None)
    named = {name: value for name, value in zip(space.names, target, strict=True) if name in EMOTIONS and value > 0}
    return max(named, key=lambda name: named[name]) if named else None


def _is_share(target: Sequence[float], full: Sequence[float]) -> bool:
    share = sum(a * b for a, b in zip(target, full, strict=True)) / sum(b * b for b in full)
    return share > HALF_STEP and all(abs(a - share * b) <= 2 * HALF_STEP for a, b in zip(target, full, strict=True))


def edit(room: Studio, one: FaceReading, target: tuple[float, ...]) -> Edited:
    """One face with the expression that ``target`` asks for."""
    face = to_tensor(one.crop)[None]
    shown = room.shown(face)
    asked = settled(target, shown)
    done = _measured(room, one, room.editor.model.edit(face, torch.tensor([asked])), asked, aim(room.space, target))
    if not of_muscles(room.space):
        return done
    units = dict(zip(ACTION_UNITS, asked, strict=True))
    return replace(done, notes=_notes(room.editor.name, units, shown), units=units)


def as_it_is(room: Studio, one: FaceReading) -> Edited | None:
    """The face unchanged, with what it shows as the target; None where the editor cannot tell, see ``Studio.shown``."""
    shown = room.shown(to_tensor(one.crop)[None])
    return None if shown is None else edit(room, one, shown)


def settled(target: tuple[float, ...], shown: tuple[float, ...] | None) -> tuple[float, ...]:
    """The target with what the face shows where both differ by no more than a slider can tell."""
    if shown is None:
        return target
    return tuple(b if abs(a - b) <= HALF_STEP else a for a, b in zip(target, shown, strict=True))


def _notes(editor: str, units: Mapping[str, float], shown: tuple[float, ...] | None) -> tuple[str, ...]:
    """What a user should know of a target: that it asks for nothing, or for what works against itself."""
    before = dict(zip(ACTION_UNITS, shown or (), strict=False))
    if units == before:
        return (UNCHANGED.format(editor),)
    pairs = [pair for pair in contradictions(units) if any(units[name] != before.get(name) for name in pair)]
    notes = [
        f"{one} {ACTIONS[one].seen} and {other} {ACTIONS[other].seen} work against each other: the result is a guess."
        for one, other in pairs[:MOST_NOTED]
    ]
    return (*notes, "Further sliders do so, too.") if len(pairs) > MOST_NOTED else tuple(notes)


def transfer(room: Studio, one: FaceReading, source: FaceReading) -> Edited:
    """One face with the expression of another."""
    face = to_tensor(one.crop)[None]
    made = room.editor.model.transfer(face, resized(to_tensor(source.crop)[None], face.shape[-1]))
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
    room: Studio, one: FaceReading, made: Edit, target: tuple[float, ...] | None, label: str | None
) -> Edited:
    image = to_picture(made.image[0])
    pair = torch.stack([to_tensor(one.crop), to_tensor(image)])
    pair = resized(pair, one.face.pixels.shape[-1])
    read = room.judge.model.recognize(pair)
    label = label or str(read.top(1)[0])
    first, second = room.embedder.model.embed(pair)
    before, after = (read.as_dict(row)[label] for row in (0, 1))
    cosine = float((first * second).sum().clamp(-1, 1))
    origin = (room.editor.name, room.editor.weights, room.editor.sha256)
    making = _making(made.parts) if {"flow", "mask", "moved"} <= made.parts.keys() else None
    return Edited(one, image, target, label, before, after, cosine, *origin, making, "flow" in made.parts)


def _making(parts: Mapping[str, Tensor]) -> Making:
    side = parts["flow"].shape[-1]
    flow, mask = resized(parts["flow"][:1], PART_PX)[0] / side, resized(parts["mask"][:1], PART_PX)[0, 0]
    return Making(to_picture(parts["moved"][0]), flow, mask)


def film(room: Studio, one: FaceReading, target: tuple[float, ...] | None) -> Film:
    """The way to the target, from what the face shows where the editor can tell, else from no expression.

    Every frame carries the mark. Raises FerError where there is no way to go.
    """
    face = to_tensor(one.crop)[None]
    shown = room.shown(face)
    start = (0.0,) * len(room.space.names) if shown is None else shown
    if target is None or settled(target, shown) == start:
        raise FerError(ONLY_TARGETS.format(NO_EXPRESSION if shown is None else AS_IT_IS))
    face = resized(face, min(face.shape[-1], FILM_PX))
    shares = torch.tensor([(1 - math.cos(math.pi * step / STEPS)) / 2 for step in range(STEPS + 1)])[:, None]
    first, last = torch.tensor([start]), torch.tensor([target])
    way = _on_the_way(room, face, first + shares * (last - first))
    frames = [pictures.marked(frame.resize((FILM_PX, FILM_PX), Image.Resampling.BICUBIC)) for frame in way]
    loop = [*frames, *frames[-2:0:-1]]
    gif, mp4 = animation.gif(loop, FRAME_MS), animation.mp4(loop, FRAME_MS)
    return Film(tuple(frames[i] for i in STRIP), gif, mp4, NO_EXPRESSION if shown is None else AS_IT_IS)


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


class EditedFace(TypedDict):
    """One face in the answer of the API. edited: the generated face as a data: address of a PNG, aligned.

    identity: cosine of its embeddings before and after; before, after: the judge's probability of the expression;
    caution: why the result may be poor, empty where there is no known reason. action_units: what was asked for, empty
    where the model takes expressions by name; notes: sentences on that.
    """

    box: list[float]
    size: int
    edited: str
    identity: float
    before: float
    after: float
    caution: str
    action_units: dict[str, float]
    notes: list[str]


class EditAnswer(TypedDict):
    """The answer of the API: which model with which weights, what was asked for, the photograph's size, its faces.

    emotion: empty where Action Units alone were asked for.
    """

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
        "action_units": {name: round(value, 4) for name, value in edited.units.items()},
        "notes": list(edited.notes),
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
