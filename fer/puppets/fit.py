"""Fit the face model to the template of a photograph: camera and identity, then a thin-plate correction in the picture.

Points of the template are px in the stored photograph, (189, 2), y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from fer.puppets.facekit import FaceModel, Part, project
from fer.puppets.geometry import EdgePaths, closest_on_polyline, curve, thin_plate
from fer.puppets.layers import HAIRLINE, JAW
from fer.puppets.photos import PHOTO_PX
from fer.puppets.raster import rasterise


class Rim(NamedTuple):
    """A rim of lid or lip: landmarks (of 68) along it, points of the template along it, points that are matched."""

    landmarks: Sequence[int]
    template: Sequence[int]
    samples: int


RIMS = (
    Rim((36, 37, 38, 39), (18, 19, 20, 21, 22), 9),
    Rim((36, 41, 40, 39), (18, 28, 29, 30, 22), 9),
    Rim((42, 43, 44, 45), (23, 24, 25, 26, 27), 9),
    Rim((42, 47, 46, 45), (23, 31, 32, 33, 27), 9),
    Rim((48, 49, 50), (87, 88, 89), 5),
    Rim((50, 51, 52), (89, 90, 91), 5),
    Rim((52, 53, 54), (91, 92, 93), 5),
    Rim((48, 59, 58, 57), (87, 104, 105, 106), 6),
    Rim((57, 56, 55, 54), (106, 107, 108, 93), 6),
    Rim((60, 61, 62), (87, 94, 95, 96), 6),
    Rim((62, 63, 64), (96, 97, 98, 93), 6),
    Rim((60, 67, 66), (87, 99, 100, 101), 6),
    Rim((66, 65, 64), (101, 102, 103, 93), 6),
)
RIGHT_EYE_RIMS, LEFT_EYE_RIMS, MOUTH_RIMS = slice(0, 2), slice(2, 4), slice(4, 13)
INNER_LIPS_RIGHT, INNER_LIPS_LEFT = (9, 11), (10, 12)  # rims that start and end in a corner of the mouth
MOUTH_CORNERS = (87, 93)
NOSE_LANDMARKS = slice(27, 36)
BROW_LANDMARKS = slice(17, 27)
# Each brow landmark lies in the middle between two points of the template.
BROW_TEMPLATE = ((71, 71), (72, 83), (73, 83), (74, 84), (75, 76), (78, 77), (79, 85), (80, 86), (81, 86), (82, 82))
JAW_LANDMARKS, CHIN_LANDMARK, CHIN_TEMPLATE = slice(0, 17), 8, 129
# fmt: off
SOFT_TEMPLATE = (  # matched to the nearest vertex, at a lower weight
    34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 61, 62, 63, 66, 67, 68, 65, 179, 70, 182,
    50, 56, 51, 57, 52, 58, 53, 59, 54, 60, *range(71, 87), *HAIRLINE, *range(158, 179), 109, 110, 111, 112, 113, 114,
)
# fmt: on
SOFT_WEIGHT, JAW_WEIGHT, HAIRLINE_WEIGHT = 0.5, 0.7, 0.1
ROUNDS = 6
STIFFNESS = 4.0  # of identity: the ridge
FRONT_PX_PER_CM = 20.0  # of the frontal picture in which soft points find their vertices
# The jaw landmarks of the model sit on the front of the chin, a little inside the visible outline: cm, chin to ear.
JAW_INSET_AT, JAW_INSET_CM = (0, 2, 4, 5, 6, 8), (0.5, 0.48, 0.4, 0.35, 0.3, 0.2)
CORRECTION_SMOOTHING = 2e-5
ANCHORS, ANCHOR_RADIUS_PX, ANCHOR_CENTRE_PX = 12, 420, (256, 240)  # a ring around the head that stays
FLIP_Y = np.array([1, -1])


@dataclass(frozen=True, eq=False)
class Matches:
    """Which vertices follow which points. rims: (m,) vertices of ``rim_targets``; jaw: (17,) vertices that slide along
    the jaw; soft: (s,) vertices of the points soft_template (s,)."""

    rims: np.ndarray
    jaw: np.ndarray
    soft: np.ndarray
    soft_template: np.ndarray


@dataclass(frozen=True, eq=False)
class Camera:
    """Scaled orthographic: scale px/cm, rotation (3, 3), translation (2,) px; see ``facekit.project``."""

    scale: float
    rotation: np.ndarray
    translation: np.ndarray

    def look(self, vertices: np.ndarray) -> np.ndarray:
        """Vertices (n, 3) cm -> float64 (n, 2) px."""
        seen: np.ndarray = (vertices @ self.rotation.T)[:, :2] * self.scale * FLIP_Y + self.translation
        return seen


@dataclass(frozen=True, eq=False)
class Fit:
    """camera; coefficients: float64 (K,) of the identity modes; correction: float64 (n, 2) px."""

    camera: Camera
    coefficients: np.ndarray
    correction: np.ndarray


def rim_targets(template: np.ndarray) -> np.ndarray:
    """Where the vertices ``Matches.rims`` belong in the photograph, float64 (m, 2) px: rims, then the nose."""
    right, left = template[list(MOUTH_CORNERS)]
    rims = [curve(template[list(rim.template)], rim.samples) for rim in RIMS]
    for number in INNER_LIPS_RIGHT:  # the inner corner lies slightly inside
        rims[number][0] = right + 0.05 * (left - right)
    for number in INNER_LIPS_LEFT:
        rims[number][-1] = left - 0.05 * (left - right)
    return np.concatenate([*rims, _nose_targets(template)])


def _nose_targets(template: np.ndarray) -> np.ndarray:
    """The nose landmarks 27 to 35, (9, 2) px: down the bridge, then along the base."""
    bridge = [_middle(template, right, right + 6) for right in range(50, 55)]
    return np.array(
        [
            0.5 * bridge[1] + 0.5 * bridge[0],
            bridge[2],
            0.5 * bridge[3] + 0.5 * bridge[2],
            0.25 * bridge[3] + 0.75 * bridge[4],
            template[64],
            0.5 * template[64] + 0.5 * template[55],
            template[55],
            0.5 * template[69] + 0.5 * template[55],
            template[69],
        ]
    )


def _middle(template: np.ndarray, first: int, second: int) -> np.ndarray:
    middle: np.ndarray = 0.5 * (template[first] + template[second])
    return middle


def build_matches(model: FaceModel, mean_template: np.ndarray) -> Matches:
    """Find the vertices of the template's points, once for all photographs. mean_template: (189, 2) px, their mean."""
    paths = EdgePaths(model)
    landmarks = [int(vertex) for vertex in model.landmarks]
    rims = [vertex for rim in RIMS for vertex in paths.sample(rim.landmarks, rim.samples)] + landmarks[NOSE_LANDMARKS]
    anchors = [*rims, *landmarks[BROW_LANDMARKS], landmarks[CHIN_LANDMARK]]
    brows = [_middle(mean_template, first, second) for first, second in BROW_TEMPLATE]
    source = np.r_[rim_targets(mean_template), brows, [mean_template[CHIN_TEMPLATE] - [0, 5]]]
    front = model.mean[:, :2] * FLIP_Y
    _, first = np.unique(np.round(source, 3), axis=0, return_index=True)
    places = thin_plate(source[first], front[anchors][first], mean_template[list(SOFT_TEMPLATE)], 1e-3)
    soft, soft_template = _nearest_visible(model, places)
    return Matches(np.array(rims), np.array(landmarks[JAW_LANDMARKS]), soft, soft_template)


def _nearest_visible(model: FaceModel, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For SOFT_TEMPLATE at ``places`` (s, 2) cm, the visible vertices and their points, less those off the head."""
    front = model.mean[:, :2] * FLIP_Y
    centre = PHOTO_PX // 2
    points = (front * FRONT_PX_PER_CM + centre).astype(np.float32)
    head = model.triangles[model.triangle_part <= Part.HEAD]
    triangle, _, _ = rasterise(points, model.mean[:, 2].copy(), head, PHOTO_PX, PHOTO_PX)
    vertices, numbers = [], []
    for number, place in zip(SOFT_TEMPLATE, places, strict=True):
        x, y = (round(float(value) * FRONT_PX_PER_CM + centre) for value in place)
        if 0 <= x < PHOTO_PX and 0 <= y < PHOTO_PX and triangle[y, x] >= 0:
            corners = head[triangle[y, x]]
            vertices.append(int(corners[((front[corners] - place) ** 2).sum(1).argmin()]))
            numbers.append(number)
    return np.array(vertices, dtype=int), np.array(numbers, dtype=int)


def fit_photo(model: FaceModel, matches: Matches, template: np.ndarray, stiffness: float = STIFFNESS) -> Fit:
    """Fit one template (189, 2) px: camera and identity by turns, then the correction."""
    jaw = _Jaw(template)
    vertices = np.r_[matches.rims, matches.soft, matches.jaw]
    fixed = np.r_[rim_targets(template), template[matches.soft_template]]
    weights = _weights(matches)
    mean, identity = model.mean[vertices], model.identity[:, vertices].astype(np.float64)
    coefficients = np.zeros(len(identity))
    targets, used = fixed, len(fixed)  # the jaw needs a first camera
    for _ in range(ROUNDS):
        shape = mean + np.tensordot(coefficients, identity, 1)
        camera = _fit_camera(shape[:used], targets, weights[:used])
        offsets = targets - camera.look(mean[:used])
        coefficients = _fit_identity(camera, identity[:, :used], offsets, weights[:used], stiffness)
        seen = camera.look(mean + np.tensordot(coefficients, identity, 1))
        targets, used = np.r_[fixed, jaw.targets(seen[-len(matches.jaw) :], camera.scale)], len(vertices)
    whole = model.mean + np.tensordot(coefficients.astype(np.float32), model.identity, 1)
    seen = project(whole, camera.scale, camera.rotation, camera.translation)[:, :2].astype(np.float64)
    targets = np.r_[fixed, jaw.targets(seen[matches.jaw], camera.scale)]
    return Fit(camera, coefficients, _correct(model, matches, vertices, seen, targets))


def _weights(matches: Matches) -> np.ndarray:
    soft = np.where(np.isin(matches.soft_template, HAIRLINE), HAIRLINE_WEIGHT, SOFT_WEIGHT)
    return np.concatenate([np.ones(len(matches.rims)), soft, np.full(len(matches.jaw), JAW_WEIGHT)])


class _Jaw:
    """The jaw of a template, and where the model's jaw landmarks, a little inside it, belong."""

    def __init__(self, template: np.ndarray) -> None:
        self._line = curve(template[list(JAW)], 120)
        self._mouth = _middle(template, *MOUTH_CORNERS)
        from_chin = np.abs(np.arange(17) - CHIN_LANDMARK)
        self._inset_cm = np.interp(from_chin, JAW_INSET_AT, JAW_INSET_CM)[:, None]

    def targets(self, points: np.ndarray, scale: float) -> np.ndarray:
        """points: the jaw landmarks (17, 2) px. scale: px/cm. Returns (17, 2) px."""
        outline = closest_on_polyline(points + self._inset_cm * scale * self._outwards(points), self._line)
        inside: np.ndarray = outline - self._inset_cm * scale * self._outwards(outline)
        return inside

    def _outwards(self, points: np.ndarray) -> np.ndarray:
        away = points - self._mouth
        unit: np.ndarray = away / (np.linalg.norm(away, axis=-1, keepdims=True) + 1e-9)
        return unit


def _fit_camera(shape: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Camera:
    """The weighted least-squares affine camera of points (k, 3) cm at (k, 2) px, made a scaled rotation."""
    centre, middle = np.average(shape, 0, weights), np.average(targets, 0, weights)
    flat = (targets - middle) * FLIP_Y
    root = np.sqrt(weights)[:, None]
    affine = np.linalg.lstsq((shape - centre) * root, flat * root, rcond=None)[0].T
    first = affine[0] / np.linalg.norm(affine[0])
    second = affine[1] - first * (affine[1] @ first)
    second /= np.linalg.norm(second)
    turn = cv2.Rodrigues(np.stack([first, second, np.cross(first, second)]))[0].ravel()
    turn[0] *= 0.5  # a mug shot is hardly tilted, and points of a face say little about its tilt
    rotation = cv2.Rodrigues(turn)[0]
    turned = ((shape - centre) @ rotation.T)[:, :2]
    scale = float((flat * turned * weights[:, None]).sum() / ((turned**2) * weights[:, None]).sum())
    return Camera(scale, rotation, middle - FLIP_Y * scale * (rotation @ centre)[:2])


def _fit_identity(
    camera: Camera, identity: np.ndarray, offsets: np.ndarray, weights: np.ndarray, stiffness: float
) -> np.ndarray:
    """Ridge regression of ``offsets`` (k, 2) px on the identity modes (K, k, 3) -> (K,)."""
    modes = len(identity)
    jacobian = np.einsum("ij,knj->nik", camera.rotation[:2], identity) * camera.scale * FLIP_Y[None, :, None]
    root = np.sqrt(weights)[:, None]
    design, observed = (jacobian * root[..., None]).reshape(-1, modes), (offsets * root).ravel()
    ridge = stiffness * (0.03 * camera.scale) ** 2 * len(observed) / modes
    return np.linalg.solve(design.T @ design + ridge * np.eye(modes), design.T @ observed)


def _correct(
    model: FaceModel, matches: Matches, vertices: np.ndarray, seen: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """What is left between the model ``seen`` (n, 2) px and the ``targets`` of ``vertices``, float64 (n, 2) px."""
    _, first = np.unique(vertices, return_index=True)
    angle = np.linspace(0, 2 * np.pi, ANCHORS, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) * ANCHOR_RADIUS_PX + ANCHOR_CENTRE_PX
    source = np.r_[seen[vertices][first], ring]
    offset = np.r_[(targets - seen[vertices])[first], np.zeros((ANCHORS, 2))]
    correction = np.zeros((len(seen), 2))
    outside = model.vertex_part <= Part.SOCKET
    correction[outside] = thin_plate(source, offset, seen[outside], CORRECTION_SMOOTHING)
    starts = np.r_[0, np.cumsum([rim.samples for rim in RIMS])]
    for part, rims in (
        (Part.GUMS, MOUTH_RIMS),
        (Part.TEETH, MOUTH_RIMS),
        (Part.EYE_RIGHT, RIGHT_EYE_RIMS),
        (Part.EYE_LEFT, LEFT_EYE_RIMS),
    ):  # what lies inside moves and grows with its rim
        rim = matches.rims[starts[rims.start] : starts[rims.stop]]
        before, after = seen[rim], seen[rim] + correction[rim]
        growth = np.ptp(after[:, 0]) / np.ptp(before[:, 0])
        inside = model.vertex_part == part
        centre = before.mean(0)
        correction[inside] = (seen[inside] - centre) * (growth - 1) + (after.mean(0) - centre)
    return correction
