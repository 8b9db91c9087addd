"""A face of some thousand vertices and painted portraits of it: no photograph, no downloads.

The mesh is a grid of half centimetres, domed towards the viewer, with holes for eyes and mouth and boards behind
them. Portraits are paintings, flat and frontal, whose templates are derived from the same landmarks.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer.puppets.assets import save_assets
from fer.puppets.expression import needed_blendshapes
from fer.puppets.facekit import FaceModel, Part
from fer.puppets.layers import HAIRLINE, JAW
from fer.puppets.photos import PHOTO_PX, TEMPLATE_POINTS, Photo
from fer.puppets.rig import Rig, make_rig
from fer.puppets.sample import Cast
from fer.puppets.sitter import Sitter

STEP_CM = 0.5
SCALE = 100 / 6.5  # px per cm: pupils lie 6.5 cm apart
TRANSLATION = np.array([256.0, 215 + 3 * SCALE])
MODES = 20
TRAIN, TEST = 6, 4

# fmt: off
RIGHT_HALF = {  # landmarks of the picture's left half and of the midline, in cm
    17: (-5, 5), 18: (-4.5, 5.5), 19: (-3.5, 5.5), 20: (-2.5, 5.5), 21: (-1.5, 5), 27: (0, 3), 28: (0, 2), 29: (0, 1),
    30: (0, 0), 31: (-1, -1), 32: (-.5, -1), 33: (0, -1), 36: (-4.5, 3), 37: (-4, 3.5), 38: (-2.5, 3.5), 39: (-2, 3),
    40: (-2.5, 2.5), 41: (-4, 2.5), 48: (-2.5, -4), 49: (-1.5, -3), 50: (-.5, -3), 51: (0, -3), 57: (0, -5),
    58: (-.5, -5), 59: (-1.5, -5), 60: (-2, -4), 61: (-1, -3.5), 62: (0, -3.5), 66: (0, -4.5), 67: (-1, -4.5),
    0: (-6.5, 3), 1: (-6.5, 1), 2: (-6.5, -1), 3: (-6, -2.5), 4: (-5.5, -4), 5: (-4.5, -5.5), 6: (-3, -7),
    7: (-1.5, -7.5), 8: (0, -8),
}
MIRROR = {17: 26, 18: 25, 19: 24, 20: 23, 21: 22, 31: 35, 32: 34, 36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46,
          48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65, **{n: 16 - n for n in range(8)}}
RIGHT_TEMPLATE = {  # points of the template that are no multiples of landmarks
    0: (-3.25, 3), 18: (-4.5, 3), 19: (-4, 3.5), 20: (-3.25, 3.5), 21: (-2.5, 3.5), 22: (-2, 3), 28: (-4, 2.5),
    29: (-3.25, 2.5), 30: (-2.5, 2.5), 50: (-.6, 3), 51: (-.6, 2.5), 52: (-.6, 1.5), 53: (-.6, .8), 54: (-.6, 0),
    55: (0, -1), 64: (-1, -1), 71: (-5, 5), 72: (-4.6, 5.4), 73: (-3.6, 5.4), 83: (-4.0, 5.5), 74: (-2.6, 5.6),
    84: (-2.4, 5.4), 75: (-1.6, 5.2), 76: (-1.4, 4.8), 87: (-2.5, -4), 88: (-1.5, -3.2), 89: (-.5, -3), 90: (0, -3),
    94: (-1.5, -3.6), 95: (-1, -3.5), 96: (0, -3.5), 99: (-1.5, -4.4), 100: (-1, -4.5), 101: (0, -4.5),
    104: (-1.5, -4.8), 105: (-.5, -5), 106: (0, -5), 126: (-4.6, -5.6), 145: (-3.5, -11),
    44: (-4, 0), 165: (-4.2, -1), 168: (-3.5, .5), 159: (-2, 7), 162: (0, 6.8),
}
TEMPLATE_MIRROR = {
    0: 1, 18: 27, 19: 26, 20: 25, 21: 24, 22: 23, 28: 33, 29: 32, 30: 31, 50: 56, 51: 57, 52: 58, 53: 59, 54: 60,
    64: 69, 71: 82, 72: 81, 73: 80, 83: 86, 74: 79, 84: 85, 75: 78, 76: 77, 87: 93, 88: 92, 89: 91, 94: 98, 95: 97,
    99: 103, 100: 102, 104: 108, 105: 107, 126: 132, 145: 157, 44: 49, 165: 174, 168: 61, 159: 160,
}
# fmt: on
# Where a blendshape moves the face: centre, radius and step in cm, on the subject's left or the midline.
# Blinks move the upper lid alone, the jaw what lies below the lips.
MOVES = {
    "brow": ((3, 5.5), 1.2, (0, 0.5, 0)),
    "eyeBlink": ((3.25, 3.5), 0.7, (0, -1.5, 0)),
    "eyeWide": ((3.25, 3.5), 0.7, (0, 0.3, 0)),
    "eyeSquint": ((3.25, 2.5), 0.7, (0, 0.3, 0)),
    "cheek": ((4, 1), 1.5, (0, 0.4, 0.2)),
    "nose": ((1, 0), 1.0, (0, 0.3, 0.1)),
    "jaw": ((0, -7), 3.0, (0, -1.5, -0.3)),
    "mouthFrown": ((2.5, -4), 1.2, (0.1, -0.6, 0)),
    "mouth": ((2.5, -4), 1.2, (0.5, 0.6, -0.1)),
}


def _landmark_places() -> np.ndarray:
    places = np.zeros((68, 2))
    for number, (x, y) in RIGHT_HALF.items():
        places[number] = (x, y)
        if number in MIRROR:
            places[MIRROR[number]] = (-x, y)
    return places


def _dome(places: np.ndarray) -> np.ndarray:
    """(k, 2) cm -> (k, 3): domed towards the viewer."""
    return np.c_[places, 5 - 0.08 * places[:, 0] ** 2 - 0.02 * places[:, 1] ** 2]


def _face() -> tuple[np.ndarray, list[list[int]]]:
    """Vertices (n, 3) and triangles of an oval grid without eyes and mouth."""
    xs, ys = np.arange(-7, 7.01, STEP_CM), np.arange(-9, 10.01, STEP_CM)
    places = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    triangles = []
    for row in range(len(ys) - 1):
        for column in range(len(xs) - 1):
            corner = row * len(xs) + column
            x, y = places[corner] + STEP_CM / 2
            eye = 2 < abs(x) < 4.5 and 2.5 < y < 3.5
            mouth = abs(x) < 1 and -4.5 < y < -3.5
            if not eye and not mouth and (x / 7) ** 2 + ((y - 0.5) / 9.5) ** 2 < 1:
                right, up = corner + 1, corner + len(xs)
                triangles += [[corner, right, up + 1], [corner, up + 1, up]]
    return _dome(places), triangles


BOARDS = {  # x0, y0, x1, y1, z in cm
    Part.HEAD: (-4, -14, 4, -7, 0.5),
    Part.SOCKET: (-2.5, -6, 2.5, -3, 1.0),
    Part.GUMS: (-1.5, -5.0, 1.5, -4.2, 1.5),
    Part.TEETH: (-1.6, -4.1, 1.6, -3.2, 3.5),
    Part.EYE_LEFT: (1.8, 2.2, 4.7, 3.8, 2.9),
    Part.EYE_RIGHT: (-4.7, 2.2, -1.8, 3.8, 2.9),
}


def _blendshapes(mean: np.ndarray, vertex_part: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    shapes = np.zeros((len(names), *mean.shape), np.float32)
    for number, name in enumerate(names):
        (x, y), radius, step = next(move for start, move in MOVES.items() if name.startswith(start))
        for side in (1, -1) if not name.endswith(("_L", "_R")) else ((1,) if name.endswith("_L") else (-1,)):
            squared = (mean[:, 0] - side * x) ** 2 + (mean[:, 1] - y) ** 2
            share = np.exp(-0.5 * squared / radius**2) * (vertex_part == Part.FACE)
            if name.startswith("eyeBlink"):
                share *= mean[:, 1] > 3.2
            if name == "jawOpen":
                share *= mean[:, 1] < -4.2
            shapes[number] += share[:, None] * np.array([side * step[0], step[1], step[2]])
    return shapes


@pytest.fixture(scope="session")
def model() -> FaceModel:
    vertices, triangles = _face()
    parts = [Part.FACE] * len(triangles)
    for part, (x0, y0, x1, y1, z) in BOARDS.items():
        first = len(vertices)
        vertices = np.r_[vertices, [[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]]]
        triangles += [[first, first + 1, first + 2], [first, first + 2, first + 3]]
        parts += [part, part]
    mean, numbers = vertices.astype(np.float32), np.array(triangles, np.int32)
    triangle_part = np.array(parts, np.uint8)
    vertex_part = np.full(len(mean), Part.FACE, np.uint8)
    vertex_part[numbers] = triangle_part[:, None]
    names = tuple(sorted(needed_blendshapes()))
    waves = np.sin(mean[None] * np.linspace(0.1, 0.5, MODES)[:, None, None]) * 0.02
    places = _landmark_places()
    landmarks = np.array([((vertices[:, :2] - place) ** 2).sum(1).argmin() for place in places], np.int32)
    return FaceModel(
        mean=mean,
        triangles=numbers,
        triangle_part=triangle_part,
        vertex_part=vertex_part,
        identity=waves.astype(np.float16).astype(np.float32),
        blendshapes=_blendshapes(mean, vertex_part, names).astype(np.float16).astype(np.float32),
        blendshape_names=names,
        landmarks=landmarks,
    )


def _oval(count: int, start: float, end: float) -> np.ndarray:
    """Points on the outline of the painted head, angles in degrees from its right, against the clock."""
    angle = np.deg2rad(np.linspace(start, end, count))
    return np.stack([6.6 * np.cos(angle), 0.5 + 8.6 * np.sin(angle)], 1)


@pytest.fixture(scope="session")
def template() -> np.ndarray:
    """float32 (189, 2) px. Points that no rule names lie on the cheeks."""
    places = np.random.default_rng(0).uniform([-4, -2], [4, 1], (TEMPLATE_POINTS, 2))
    for number, (x, y) in RIGHT_TEMPLATE.items():
        places[number] = (x, y)
        if number in TEMPLATE_MIRROR:
            places[TEMPLATE_MIRROR[number]] = (-x, y)
    places[list(JAW)] = _oval(len(JAW), 165, 375)
    places[list(HAIRLINE)] = _oval(len(HAIRLINE), 160, 20)
    ring = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    for pupil, iris in ((0, slice(2, 10)), (1, slice(10, 18))):
        places[iris] = places[pupil] + 0.45 * np.stack([np.cos(ring), np.sin(ring)], 1)
    return (places * [SCALE, -SCALE] + TRANSLATION).astype(np.float32)


def _paint(skin: tuple[int, int, int], template: np.ndarray) -> np.ndarray:
    """A portrait, uint8 (512, 512, 3) BGR."""
    picture = np.full((PHOTO_PX, PHOTO_PX, 3), (205, 208, 206), np.uint8)

    def fill(points: np.ndarray, colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(picture, [points.astype(np.int32)], colour)

    fill(_oval(60, 0, 360) * [1.1 * SCALE, -1.12 * SCALE] + TRANSLATION, (30, 40, 50))
    fill(np.array([[190, 360], [320, 360], [330, 512], [180, 512]]), skin)
    fill(_oval(60, 0, 360) * [SCALE, -SCALE] + TRANSLATION, skin)
    for outline, pupil in (((18, 19, 20, 21, 22, 30, 29, 28), 0), ((23, 24, 25, 26, 27, 33, 32, 31), 1)):
        fill(template[list(outline)], (225, 228, 230))
        cv2.circle(picture, tuple(int(v) for v in template[pupil]), 7, (60, 70, 40), -1)
    fill(template[[87, 88, 89, 90, 91, 92, 93, 108, 107, 106, 105, 104]], (90, 80, 170))
    rows = np.linspace(1.05, 0.9, PHOTO_PX)[:, None, None]
    noise = np.random.default_rng(sum(skin)).normal(0, 2, picture.shape)
    return np.clip(picture * rows + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def photos(model: FaceModel, template: np.ndarray) -> list[Photo]:
    rng = np.random.default_rng(5)
    made = []
    for number in range(TRAIN + TEST):
        skin = (110 + 3 * number, 140 + 3 * number, 190 + 2 * number)
        made.append(
            Photo(
                key=f"london/{number + 1:03d}_03",
                split="train" if number < TRAIN else "test",
                sex="?",
                jpeg=cv2.imencode(".jpg", _paint(skin, template), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(),
                template=template,
                scale=SCALE,
                rotation=np.eye(3),
                translation=TRANSLATION,
                coefficients=rng.normal(0, 1, MODES).astype(np.float32),
                correction=np.zeros((len(model.mean), 2), np.float16),
            )
        )
    return made


@pytest.fixture(scope="session")
def rig(model: FaceModel) -> Rig:
    return make_rig(model)


@pytest.fixture(scope="session")
def sitter(model: FaceModel, photos: list[Photo]) -> Sitter:
    """The mean face itself."""
    return Sitter(model, replace(photos[0], coefficients=np.zeros(MODES, np.float32)))


@pytest.fixture(scope="session")
def cast(rig: Rig, model: FaceModel, photos: list[Photo]) -> Cast:
    return Cast(rig, tuple(Sitter(model, photo) for photo in photos[:TRAIN]))


@pytest.fixture(scope="session")
def assets(model: FaceModel, photos: list[Photo], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("puppets") / "assets.npz"
    save_assets(path, model, photos)
    return path
