"""Learn the shading that a real smile adds, from neutral and smiling photographs of the London training people.

The puppet that matches a smile best, unshaded, is aligned to it by optical flow; the ratio of their lightness is
carried to the canonical map and regressed on AU12. The result is ``FaceModel.smile``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fer.errors import DataError
from fer.puppets.expression import make_expression
from fer.puppets.facekit import FaceModel
from fer.puppets.geometry import similarity
from fer.puppets.people import plain_person
from fer.puppets.photos import Photo, read_picture
from fer.puppets.raster import interpolate
from fer.puppets.render import Frame, render
from fer.puppets.rig import Rig, make_rig
from fer.puppets.sample import alignment
from fer.puppets.sitter import Sitter
from fer.puppets.wrinkles import MAP_SHAPE, map_centimetres

CANVAS_PX = 256
SEARCH_PX = 675  # the side to which London photographs are shrunk
LEAST_SMILE = 0.3  # AU12
HALF_MAP = (MAP_SHAPE[0] // 2, MAP_SHAPE[1] // 2)
MOUTH_AND_CHEEKS = np.s_[100:240, 50:206]  # of the canvas, where the match is judged
NO_TURN = np.zeros(3)


class Residual(NamedTuple):
    """One person's. smile: AU12, 0 to 1. log: float32 HALF_MAP, log ratio of lightness; weight: float32 HALF_MAP."""

    smile: float
    log: np.ndarray
    weight: np.ndarray


def learn(model: FaceModel, photos: Sequence[Photo], root: Path) -> np.ndarray:
    """The mean symmetric shading of a smile per unit of AU12, float32 MAP_SHAPE, log units.

    root: the inst folder of webmorphR.stim, with smiling_front. Raises DataError where no pair of photographs is found.
    """
    rig = make_rig(model)
    found = []
    for photo in photos:
        path = root / "smiling_front" / f"{photo.key.split('/')[1][:3]}_08.jpg"
        if photo.collection == "london" and photo.split == "train" and path.exists():
            smiling = _aligned(path)
            residual = None if smiling is None else measure(rig, Sitter(model, photo), smiling)
            if residual is not None:
                found.append(residual)
    if not found:
        raise DataError(f"{root / 'smiling_front'} holds no smiling photograph of a London training person.")
    return _regress(found)


def _aligned(path: Path) -> np.ndarray | None:
    """A smiling photograph in the canonical alignment, float32 (256, 256, 3) BGR; None where no face is found."""
    from fer.canonical import CANONICAL_POINTS
    from fer.faces import detect

    picture = cv2.resize(read_picture(path), (SEARCH_PX, SEARCH_PX), interpolation=cv2.INTER_AREA)
    faces = detect(picture[..., ::-1].copy())
    if not faces:
        return None
    points = faces[0].landmarks.numpy().astype(np.float64)
    affine = similarity(points, np.array(CANONICAL_POINTS) * CANVAS_PX)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.6)
    return cv2.warpAffine(soft, affine, (CANVAS_PX, CANVAS_PX)).astype(np.float32)


def measure(rig: Rig, sitter: Sitter, smiling: np.ndarray) -> Residual | None:
    """One person's residual; None where the photograph hardly smiles. smiling: float32 (256, 256, 3) BGR, aligned."""
    smile, frame = _best_match(rig, sitter, smiling)
    if smile < LEAST_SMILE:
        return None
    puppet, real = _grey(frame.picture), _grey(smiling)
    flow = _optical_flow(puppet, real)
    rows, columns = np.mgrid[0:CANVAS_PX, 0:CANVAS_PX].astype(np.float32)
    warped = cv2.remap(real, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
    log = cv2.GaussianBlur(_log(warped) - _log(puppet), (0, 0), 0.8)
    values = np.c_[rig.map_points, rig.rim].astype(np.float32)
    carried = interpolate(values, rig.model.triangles, frame.triangle, frame.weights)
    skin = (frame.triangle >= 0) & rig.narrow[np.maximum(frame.triangle, 0)] & (carried[..., 2] > 0.5)
    mask = cv2.erode(skin.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    broad = cv2.GaussianBlur(log * mask, (0, 0), 45) / (cv2.GaussianBlur(mask, (0, 0), 45) + 1e-3)
    weight = mask * np.exp(-(flow**2).sum(-1) / 49)
    return Residual(smile, *_gather(np.clip(log - broad, -0.5, 0.5), weight, carried[..., :2], skin))


def _best_match(rig: Rig, sitter: Sitter, smiling: np.ndarray) -> tuple[float, Frame]:
    """The strength of AU12, and the unshaded puppet, whose lower face is nearest to the photograph."""
    person = plain_person(sitter)
    tried: list[tuple[float, float, Frame]] = []
    for au12 in (0.0, 0.35, 0.7, 1.0):
        for au25 in (0.0, 0.4, 0.9):
            expression = make_expression({"AU12": au12, "AU6": 0.8 * au12, "AU25": au25})
            align = alignment(rig, person, expression, NO_TURN, CANVAS_PX)
            frame = render(rig, person, expression, NO_TURN, align, CANVAS_PX, detail=False)
            distance = float(np.abs(_lower_face(frame.picture) - _lower_face(smiling)).mean())
            tried.append((distance, au12, frame))
    _, smile, closest = min(tried, key=lambda each: each[0])
    return smile, closest


def _lower_face(picture: np.ndarray) -> np.ndarray:
    blurred: np.ndarray = cv2.GaussianBlur(picture, (0, 0), 2.5)
    return blurred[MOUTH_AND_CHEEKS]


def _grey(picture: np.ndarray) -> np.ndarray:
    pixels: np.ndarray = np.clip(picture, 0, 255)
    return cv2.cvtColor(pixels.astype(np.uint8), cv2.COLOR_BGR2GRAY)


def _log(grey: np.ndarray) -> np.ndarray:
    log: np.ndarray = np.log(grey.astype(np.float32) + 12)
    return log


def _optical_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Smooth dense flow from ``first`` to ``second`` (h, w) uint8, float32 (h, w, 2) px."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow: np.ndarray = method.calc(first, second, None)  # type: ignore[call-overload]  # its stub demands a start
    return cv2.GaussianBlur(flow, (0, 0), 2)


def _gather(
    log: np.ndarray, weight: np.ndarray, map_points: np.ndarray, skin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Collect pixels on the half-size canonical map -> (weighted mean, weight up to 1), float32 HALF_MAP each."""
    height, width = HALF_MAP
    columns = np.clip(map_points[..., 0] / 2, 0, width - 1).astype(int)[skin]
    rows = np.clip(map_points[..., 1] / 2, 0, height - 1).astype(int)[skin]
    total, count = np.zeros(HALF_MAP, np.float32), np.zeros(HALF_MAP, np.float32)
    np.add.at(total, (rows, columns), (log * weight)[skin])
    np.add.at(count, (rows, columns), weight[skin])
    soft_total, soft_count = (cv2.GaussianBlur(values, (0, 0), 0.8) for values in (total, count))
    return soft_total / np.maximum(soft_count, 1e-3), np.minimum(soft_count, 1)


def _regress(found: Sequence[Residual]) -> np.ndarray:
    """Ridge regression on AU12 over people and their mirror images, once robustly re-weighted, float32 MAP_SHAPE."""
    smile = np.array([residual.smile for residual in found] * 2)[:, None, None]
    log = np.stack([residual.log for residual in found] + [residual.log[:, ::-1] for residual in found])
    weight = np.stack([residual.weight for residual in found] + [residual.weight[:, ::-1] for residual in found])
    mean = (weight * smile * log).sum(0) / ((weight * smile * smile).sum(0) + 3.0)
    weight = weight / (1 + (np.abs(log - smile * mean) / 0.12) ** 2)
    mean = (weight * smile * log).sum(0) / ((weight * smile * smile).sum(0) + 2.0)
    whole = cv2.resize(mean.astype(np.float32), MAP_SHAPE[::-1], interpolation=cv2.INTER_LINEAR)
    shading: np.ndarray = whole * _trusted()
    return shading.astype(np.float32)


def _trusted() -> np.ndarray:
    """Where the residual is shading, float64 MAP_SHAPE in [0, 1]: not on eyes, lips and the border of the face."""
    x, y = map_centimetres()
    x = np.abs(x)

    def outside(centre_x: float, centre_y: float, radius_x: float, radius_y: float) -> np.ndarray:
        distance = np.hypot((x - centre_x) / radius_x, (y - centre_y) / radius_y)
        share: np.ndarray = np.clip((distance - 0.85) / 0.3, 0, 1)
        return share

    mouth, eye = outside(0, -3.5, 3.1, 1.35), outside(3.25, 3.2, 2.0, 1.1)
    trusted: np.ndarray = mouth * eye * np.clip((1.0 - np.hypot(x / 6.6, y / 8.0)) / 0.15, 0, 1)
    return trusted
