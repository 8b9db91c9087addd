"""Creases that Action Units draw, as log-shading maps on the canonical map: the mean face seen from the front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fer.action_units import AU_INDEX
from fer.puppets.expression import Expression

MAP_PX_PER_CM = 16.0
MAP_HALF_CM = (9.0, 12.0)  # half extents in x and y
MAP_SHAPE = (int(2 * MAP_HALF_CM[1] * MAP_PX_PER_CM), int(2 * MAP_HALF_CM[0] * MAP_PX_PER_CM))
CHIN_DRIVE: Mapping[str, float] = {"AU17": 1.0, "AU15": 0.2}
CHIN_SEED = 7
SMILE_GAIN = 1.6  # of the learned smile shading
LEAST_ACTIVITY = 0.02
CURVE_POINTS = 60


@dataclass(frozen=True)
class Crease:
    """One line on the subject's left half of the face; the right half mirrors it.

    drive: how much each Action Unit deepens it. line: points (x, y) in cm of the mean face. width: cm. depth: log
    units. bright: +1 where the bulge lies to the left of the direction of travel, -1 to the right.
    """

    name: str
    drive: Mapping[str, float]
    line: tuple[tuple[float, float], ...]
    width: float
    depth: float
    bright: int


# fmt: off
CREASES = (
    Crease("nasolabial", {"AU12": .9, "AU6": .3, "AU10": .7, "AU9": .6, "AU20": .25, "AU14": .15},
           ((1.55, .45), (1.95, -.35), (2.55, -1.35), (3.05, -2.4), (3.2, -3.4)), .17, .42, 1),
    Crease("infraorbital", {"AU6": .8, "AU7": .35, "AU9": .4},
           ((1.55, 2.55), (2.4, 2.05), (3.4, 2.0), (4.4, 2.45)), .14, .55, -1),
    Crease("pretarsal", {"AU6": .5, "AU7": .8, "AU12": .15}, ((2.0, 2.75), (3.2, 2.5), (4.4, 2.9)), .09, .4, -1),
    Crease("crow's foot 1", {"AU6": .8}, ((4.75, 3.55), (5.3, 3.85), (5.9, 4.3)), .07, .5, 1),
    Crease("crow's foot 2", {"AU6": .9}, ((4.85, 3.2), (5.5, 3.15), (6.1, 3.2)), .07, .55, 1),
    Crease("crow's foot 3", {"AU6": .7}, ((4.7, 2.85), (5.3, 2.5), (5.8, 2.2)), .07, .45, 1),
    Crease("glabella", {"AU4": 1.0, "AU9": .4}, ((.42, 4.9), (.5, 5.6), (.62, 6.5)), .13, .4, -1),
    Crease("inner forehead 1", {"AU1": .8}, ((0, 7.35), (.9, 7.4), (2.2, 7.7)), .15, .38, 1),
    Crease("inner forehead 2", {"AU1": .6}, ((0, 8.15), (1.2, 8.25), (2.4, 8.5)), .16, .34, 1),
    Crease("outer forehead 1", {"AU2": .8}, ((1.6, 7.75), (3.0, 7.95), (4.6, 7.4)), .15, .38, 1),
    Crease("outer forehead 2", {"AU2": .6}, ((1.5, 8.5), (3.0, 8.75), (4.6, 8.2)), .16, .34, 1),
    Crease("outer forehead 3", {"AU2": .3, "AU1": .3}, ((0, 8.95), (1.5, 9.2), (3.6, 9.3)), .16, .28, 1),
    Crease("nose root 1", {"AU9": .9, "AU4": .15}, ((0, 4.55), (.35, 4.5), (.7, 4.3)), .09, .6, 1),
    Crease("nose root 2", {"AU9": .7}, ((0, 4.05), (.35, 4.0), (.7, 3.75)), .09, .5, 1),
    Crease("bunny line 1", {"AU9": .9}, ((.55, 3.3), (.95, 2.9), (1.35, 2.3)), .09, .6, 1),
    Crease("bunny line 2", {"AU9": .8}, ((.45, 3.75), (.9, 3.45), (1.35, 2.9)), .08, .5, 1),
    Crease("dimple", {"AU14": 1.0, "AU12": .2}, ((3.05, -2.9), (3.3, -3.4), (3.1, -4.0)), .14, .32, 1),
    Crease("marionette", {"AU15": .9, "AU17": .3, "AU20": .3}, ((2.65, -3.75), (3.0, -4.4), (3.1, -5.3)), .17, .3, 1),
    Crease("labiomental", {"AU17": .8, "AU15": .2, "AU24": .3, "AU23": .2},
           ((0, -5.55), (.7, -5.6), (1.5, -5.3)), .2, .4, 1),
    Crease("lid fold", {"AU5": .3, "AU4": .35, "AU1": .2}, ((2.1, 3.95), (3.3, 4.35), (4.5, 3.95)), .1, .35, 1),
)
# fmt: on
CREASE_COUNT = len(CREASES) + 1  # the last is the dimpling of the chin


def map_centimetres() -> tuple[np.ndarray, np.ndarray]:
    """x and y in cm of every pixel of the canonical map, float64 MAP_SHAPE each."""
    rows, columns = np.mgrid[0 : MAP_SHAPE[0], 0 : MAP_SHAPE[1]]
    return columns / MAP_PX_PER_CM - MAP_HALF_CM[0], MAP_HALF_CM[1] - rows / MAP_PX_PER_CM


def map_pixels(vertices: np.ndarray) -> np.ndarray:
    """Where vertices (n, 3) cm of the mean face lie on the canonical map, float32 (n, 2) px."""
    x = (vertices[:, 0] + MAP_HALF_CM[0]) * MAP_PX_PER_CM
    y = (MAP_HALF_CM[1] - vertices[:, 1]) * MAP_PX_PER_CM
    return np.stack([x, y], 1).astype(np.float32)


def _smooth_line(crease: Crease) -> np.ndarray:
    """(CURVE_POINTS, 2) cm: a polynomial through the points of a crease."""
    points = np.array(crease.line)
    knots, steps = np.linspace(0, 1, len(points)), np.linspace(0, 1, CURVE_POINTS)
    degree = min(3, len(points) - 1)
    return np.stack([np.polyval(np.polyfit(knots, points[:, axis], degree), steps) for axis in (0, 1)], 1)


def stroke(crease: Crease) -> np.ndarray:
    """The profile of a crease on the subject's left, float32 MAP_SHAPE: about -1 in its depth, above 0 on its bulge."""
    line = _smooth_line(crease)
    grid = np.stack([axis.astype(np.float32) for axis in map_centimetres()], -1)
    near = (grid > line.min(0) - 1.2).all(-1) & (grid < line.max(0) + 1.2).all(-1)
    offsets = grid[near][:, None] - line[None]
    closest = (offsets**2).sum(-1).argmin(1)
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    tangent = tangent[closest]
    offset = offsets[np.arange(len(closest)), closest]
    side = (tangent[:, 0] * offset[:, 1] - tangent[:, 1] * offset[:, 0]) * crease.bright
    along = np.abs((tangent * offset).sum(1))
    distance = np.hypot(side, along) * np.sign(side)
    progress = np.linspace(0, 1, CURVE_POINTS)[closest]
    if abs(crease.line[0][0]) < 1e-6:  # a crease that starts on the midline does not taper there
        taper = np.cos(np.pi / 2 * progress**1.5) ** 0.7
    else:
        taper = np.sin(np.pi * (0.08 + 0.84 * progress)) ** 0.7
    width = crease.width
    dark = -np.exp(-0.5 * (distance / width) ** 2)
    bulge = 0.32 * np.exp(-0.5 * ((distance - 2.4 * width) / (1.5 * width)) ** 2)
    out = np.zeros(MAP_SHAPE, np.float32)
    out[near] = (dark + bulge) * taper * np.exp(-0.5 * (np.maximum(along - width, 0) / width) ** 2)
    return out


def _chin_dimples() -> np.ndarray:
    noise = np.random.default_rng(CHIN_SEED).normal(size=MAP_SHAPE).astype(np.float32)
    soft: np.ndarray = cv2.GaussianBlur(noise, (0, 0), 2.2)
    soft /= soft.std()
    x, y = map_centimetres()
    chin: np.ndarray = 0.10 * soft * np.exp(-0.5 * ((x / 1.1) ** 2 + ((y + 6.6) / 0.8) ** 2))
    return chin


@lru_cache(maxsize=1)
def crease_maps() -> np.ndarray:
    """float32 (CREASE_COUNT, 2, *MAP_SHAPE): every crease at strength 1 on the subject's left and right. Read-only."""
    lines = [stroke(crease) * crease.depth for crease in CREASES]
    chin, left = _chin_dimples(), map_centimetres()[0] > 0
    maps = np.array([*([line, line[:, ::-1]] for line in lines), [chin * left, chin * ~left]], np.float32)
    maps.flags.writeable = False
    return maps


def wrinkle_map(expression: Expression, depths: np.ndarray, smile: np.ndarray | None = None) -> np.ndarray:
    """The log-shading change that an expression's creases make, float32 MAP_SHAPE, 0 without expression.

    depths: (CREASE_COUNT,), how deep this person's creases are, 1 for the table's. smile: see ``FaceModel.smile``.
    """
    total = np.zeros(MAP_SHAPE, np.float32)
    if smile is not None:
        _add_smile(total, expression, smile)
    drives = [*(crease.drive for crease in CREASES), CHIN_DRIVE]
    for number, drive in enumerate(drives):
        for side, strengths in enumerate((expression.left, expression.right)):
            activity = sum(gain * float(strengths[AU_INDEX[name]]) for name, gain in drive.items())
            if activity > LEAST_ACTIVITY:
                total += (min(activity, 1.2) ** 1.3 * float(depths[number])) * crease_maps()[number, side]
    return total


def _add_smile(total: np.ndarray, expression: Expression, smile: np.ndarray) -> None:
    """Add the learned shading of AU12 to ``total`` in place, each side by its own strength, blurred at the midline."""
    unit, middle = AU_INDEX["AU12"], MAP_SHAPE[1] // 2
    left, right = expression.left[unit], expression.right[unit]
    total[:, middle:] += (SMILE_GAIN * left) * smile[:, middle:]
    total[:, :middle] += (SMILE_GAIN * right) * smile[:, :middle]
    if abs(left - right) > 0.05:
        seam = slice(middle - 16, middle + 16)
        total[:, seam] = cv2.GaussianBlur(total[:, seam], (0, 0), 5)
