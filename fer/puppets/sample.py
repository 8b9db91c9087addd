"""Draw pairs: a virtual person with an expression, and the same person neutral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from fer.errors import DataError
from fer.puppets.assets import load_assets
from fer.puppets.expression import Expression, make_expression, sample_action_units, sample_expression
from fer.puppets.facekit import Part
from fer.puppets.geometry import compose, similarity
from fer.puppets.nuisance import degrade, random_background, relight
from fer.puppets.people import LEAST_POOL, Person, make_person
from fer.puppets.photos import Photo
from fer.puppets.raster import interpolate
from fer.puppets.render import Frame, render
from fer.puppets.rig import Rig, make_rig
from fer.puppets.shape import landmark_points
from fer.puppets.sitter import Sitter
from fer.types import EMOTIONS, Emotion

# Where the alignment points of the 68 landmarks lie in the unit square (x right, y down): the mean of each eye, the tip
# of the nose, the corners of the mouth. MTCNN's five points of such a crop lie at fer.canonical.CANONICAL_POINTS.
ALIGNMENT_POINTS = np.array([[0.35, 0.39], [0.65, 0.39], [0.50, 0.527], [0.383, 0.719], [0.617, 0.719]])
SPLITS = ("train", "validation", "test")
VALIDATION_EVERY, VALIDATION_FIRST = 12, 4  # of the training people, sorted by key
FLOW_GRID = 32
LEAST_CANVAS_PX = 256
WIDEST_TURN = np.deg2rad(15)
LEAST_SIZE_PX = 16
BACKGROUND_SHARE = 0.65
SIDE_LIGHT_SHARE = 0.6


@dataclass(frozen=True)
class Options:
    """How pairs are drawn."""

    size_px: int = 128  # side of the pictures
    augment: float = 1.0  # strength of backgrounds, light and degradation; 0 for none
    pose_deg: float = 6.0  # standard deviation of the head's turn to the sides; 0.7 of it up and down
    jitter: float = 1.0  # of the crop; 0 for exact alignment
    aligned: bool = False  # the pictures differ by the expression alone: one pose, crop and light, no degradation
    by_unit: bool = False  # single and rare Action Units in place of the classes' expressions

    def __post_init__(self) -> None:
        if self.size_px < LEAST_SIZE_PX:
            raise DataError(f"Puppets are at least {LEAST_SIZE_PX} px large, not {self.size_px}.")
        if min(self.augment, self.pose_deg, self.jitter) < 0:
            raise DataError("The strengths augment, pose_deg and jitter of puppets are 0 or more.")

    @property
    def canvas_px(self) -> int:
        """The side of the canvas that is shrunk to ``size_px``."""
        return LEAST_CANVAS_PX if self.size_px <= LEAST_CANVAS_PX // 2 else int(1.5 * self.size_px)


@dataclass(frozen=True, eq=False)
class Sample:
    """One pair, RGB uint8 (S, S, 3), in the canonical alignment.

    landmarks, neutral_landmarks: float32 (68, 2) in the unit square of each picture.
    flow: float16 (32, 32, 2), from the image to the neutral, unit-square units, NaN off the face; flow_back: from the
        neutral to the image.
    identity: of the virtual person. sources: the photographs that lend texture. pose: (3,) rad, turn of the head.
    """

    image: np.ndarray
    neutral: np.ndarray
    expression: Expression
    landmarks: np.ndarray
    neutral_landmarks: np.ndarray
    flow: np.ndarray
    flow_back: np.ndarray
    identity: str
    sources: list[str]
    pose: np.ndarray


@dataclass(frozen=True, eq=False)
class Cast:
    """The people of one split, ready to be drawn."""

    rig: Rig
    sitters: tuple[Sitter, ...] = field(repr=False)

    @classmethod
    def load(cls, assets: Path, split: str) -> Cast:
        """The people of a split (train, validation, test) of an assets file. Raises DataError."""
        model, photos = load_assets(assets)
        chosen = photos_of_split(photos, split)
        if len(chosen) < LEAST_POOL:
            raise DataError(f"{assets} has {len(chosen)} {split} people; blending them takes at least {LEAST_POOL}.")
        return cls(make_rig(model), tuple(Sitter(model, photo) for photo in chosen))


def photos_of_split(photos: Sequence[Photo], split: str) -> list[Photo]:
    """The photographs of a split. Every 12th of the stored training people, sorted by key, is validation."""
    if split not in SPLITS:
        raise DataError(f'There is no split "{split}" of puppets. Choose one of: {", ".join(SPLITS)}.')
    if split == "test":
        return [photo for photo in photos if photo.split == "test"]
    train = [photo for photo in photos if photo.split == "train"]
    validation = set(sorted(photo.key for photo in train)[VALIDATION_FIRST::VALIDATION_EVERY])
    return [photo for photo in train if (photo.key in validation) == (split == "validation")]


def seed_of(seed: int, number: int) -> int:
    """The seed of sample ``number`` of a run with ``seed``; both 0 or more."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def draw(
    cast: Cast,
    seed: int,
    options: Options,
    emotion: Emotion | None = None,
    person: Person | None = None,
    expression: Expression | None = None,
    other: Expression | None = None,
) -> Sample:
    """Draw one pair; the same for the same arguments. What is not given is drawn, too.

    other: an expression for the second picture, in place of none.
    """
    rng = np.random.default_rng(seed)
    if person is None:
        person = relit(rng, make_person(rng, cast.sitters), options)
    if expression is None:
        expression = sample_action_units(rng) if options.by_unit else _expression(rng, emotion)
    pose = _turn(rng, 0.7 * options.pose_deg, options.pose_deg)
    other_pose = _turn(rng, 0.35 * options.pose_deg, 0.5 * options.pose_deg)
    nothing = other or make_expression({})
    align = alignment(cast.rig, person, expression, pose, options.canvas_px, options.jitter, rng)
    frame = render(cast.rig, person, expression, pose, align, options.canvas_px)
    neutral_pose = pose if options.aligned else other_pose
    if not options.aligned:
        align = alignment(cast.rig, person, nothing, neutral_pose, options.canvas_px, 0.5 * options.jitter, rng)
    neutral = render(cast.rig, person, nothing, neutral_pose, align, options.canvas_px)
    image, neutral_image = _pictures(rng, person, (frame, neutral), options)
    return Sample(
        image=image,
        neutral=neutral_image,
        expression=expression,
        landmarks=(frame.landmarks + 0.5) / options.canvas_px,
        neutral_landmarks=(neutral.landmarks + 0.5) / options.canvas_px,
        flow=_flow(cast.rig, frame, neutral, options.canvas_px),
        flow_back=_flow(cast.rig, neutral, frame, options.canvas_px),
        identity=person.name,
        sources=person.source_keys,
        pose=pose,
    )


def relit(rng: np.random.Generator, person: Person, options: Options) -> Person:
    """The person in a side light drawn from ``rng``."""
    if options.augment <= 0:
        return person
    gains = rng.normal(0, 0.16, 3) * options.augment * (rng.random() < SIDE_LIGHT_SHARE)
    return replace(person, side_light=(float(gains[0]), float(gains[1]), float(gains[2])))


def _expression(rng: np.random.Generator, emotion: Emotion | None) -> Expression:
    drawn = emotion or EMOTIONS[int(rng.integers(len(EMOTIONS)))]
    return sample_expression(rng, drawn, float(rng.uniform(0.3, 1.0)) if drawn != Emotion.NEUTRAL else 0.0)


def _turn(rng: np.random.Generator, up_deg: float, sideways_deg: float) -> np.ndarray:
    """A random rotation vector of the head, float64 (3,) rad, at most WIDEST_TURN about each axis."""
    return np.clip(np.deg2rad(rng.normal(0, [up_deg, sideways_deg, 0.0])), -WIDEST_TURN, WIDEST_TURN)


def alignment(
    rig: Rig,
    person: Person,
    expression: Expression,
    turn: np.ndarray,
    size_px: int,
    jitter: float = 0.0,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """The map (2, 3) from the host's photograph to a square of ``size_px`` with the expression's landmarks in place.

    jitter: strength of a random turn, scale and shift, drawn from ``rng``.
    """
    landmarks = landmark_points(rig, person, expression, turn)
    affine = similarity(five_points(landmarks), ALIGNMENT_POINTS * size_px)
    if rng is None or jitter <= 0:
        return affine
    angle, scale = np.deg2rad(rng.normal(0, 4 * jitter)), np.exp(rng.normal(0, 0.05 * jitter))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([size_px / 2, size_px / 2])
    shift = centre - linear @ centre + rng.normal(0, 0.015 * jitter, 2) * size_px
    return compose(np.c_[linear, shift], affine)


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """The alignment points (5, 2) of 68 landmarks (68, 2): both eyes, tip of the nose, corners of the mouth."""
    eyes = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]])


def _flow(rig: Rig, frame: Frame, neutral: Frame, canvas_px: int) -> np.ndarray:
    """Where each cell of a grid goes in the neutral, by the mesh that both share: see ``Sample.flow``."""
    part = rig.model.triangle_part[np.maximum(frame.triangle, 0)]
    skin = (frame.triangle >= 0) & (part == Part.FACE)
    places = interpolate(neutral.points, rig.model.triangles, frame.triangle, frame.weights)
    centres = ((np.arange(FLOW_GRID) + 0.5) * canvas_px / FLOW_GRID).astype(int)
    grid = np.stack(np.meshgrid(centres, centres), -1).astype(np.float32)
    flow: np.ndarray = ((places[centres][:, centres] - grid) / canvas_px).astype(np.float16)
    flow[~skin[centres][:, centres]] = np.nan
    return flow


def _pictures(
    rng: np.random.Generator, person: Person, frames: tuple[Frame, Frame], options: Options
) -> tuple[np.ndarray, np.ndarray]:
    """Background, size, light and degradation -> RGB uint8 (S, S, 3) each."""
    pictures = [frame.picture for frame in frames]
    if options.augment > 0 and rng.random() < BACKGROUND_SHARE * options.augment:
        background = random_background(rng, options.canvas_px)
        pictures = [_before(person.host, frame, background) for frame in frames]
    size = (options.size_px, options.size_px)
    pictures = [cv2.resize(np.clip(p, 0, 255), size, interpolation=cv2.INTER_AREA) for p in pictures]
    if options.augment > 0:
        pictures = relight(rng, pictures, options.augment)
        if not options.aligned:
            pictures = [degrade(rng, picture, options.augment) for picture in pictures]
    image, neutral = (np.clip(picture, 0, 255).astype(np.uint8)[..., ::-1].copy() for picture in pictures)
    return image, neutral


def _before(host: Sitter, frame: Frame, background: np.ndarray) -> np.ndarray:
    """The frame before another background, float32 (S, S, 3) BGR."""
    share, colour = host.matte
    x, y = frame.photo_points[..., 0], frame.photo_points[..., 1]
    behind = 1 - cv2.remap(share, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[..., None]
    before: np.ndarray = np.clip(frame.picture - colour * behind, 0, 255) + background * behind
    return before
