"""What can happen to a picture of a face before a model sees it: nine corruptions at five severities, seeded.

Magnitudes are shares of the side or of the range of brightness, so they mean the same at any size.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from eval.benchmark import SEVERITY_STEPS
from fer.canonical import CANONICAL_POINTS, TIGHT_WINDOW

SEVERITIES = tuple(range(1, SEVERITY_STEPS + 1))
Draw = np.random.Generator


class Corruption(StrEnum):
    """The kinds of damage, with what their magnitude means."""

    BLUR = "blur"  # Gaussian; standard deviation as a share of the side
    NOISE = "noise"  # Gaussian, the same in all channels; standard deviation as a share of the range
    JPEG = "jpeg"  # quality, from 1 to 100
    LOW_RESOLUTION = "low_resolution"  # reduced to this share of the side, then enlarged again
    DARKNESS = "darkness"  # brightness times this, with the read noise of a sensor
    EYES = "eyes"  # a bar over the eyes; its height as a share of the side
    MOUTH = "mouth"  # a bar over the mouth, likewise
    ROTATION = "rotation"  # degrees, in either direction
    SHIFT = "shift"  # in any direction; length as a share of the side


# Chosen on the validation split of FER+ alone: ``plain`` loses little at severity 1, more with each next one, and at 5
# a good part of what it gains over the most frequent class. Bars go only as far as they leave the other half of the
# face free, though plain bears more.
MAGNITUDES: Mapping[str, Sequence[float]] = {
    Corruption.BLUR: (0.025, 0.033, 0.041, 0.05, 0.06),
    Corruption.NOISE: (0.05, 0.08, 0.11, 0.14, 0.17),
    Corruption.JPEG: (40, 18, 11, 7, 5),
    Corruption.LOW_RESOLUTION: (0.45, 0.35, 0.28, 0.22, 0.17),
    Corruption.DARKNESS: (0.16, 0.1, 0.07, 0.055, 0.04),
    Corruption.EYES: (0.08, 0.16, 0.24, 0.32, 0.4),
    Corruption.MOUTH: (0.08, 0.16, 0.24, 0.32, 0.4),
    Corruption.ROTATION: (20, 30, 40, 50, 60),
    Corruption.SHIFT: (0.28, 0.34, 0.4, 0.46, 0.52),
}
READ_NOISE = 2 / 255  # standard deviation as a share of the range
BAR_X = (0.05, 0.95)  # from side to side, in the unit square of a tight crop


def _tight_height(*points: int) -> float:
    """The mean height of canonical points in the unit square of a tight crop."""
    _, y0, side = TIGHT_WINDOW
    return (sum(CANONICAL_POINTS[i][1] for i in points) / len(points) - y0) / side


EYES_Y, MOUTH_Y = _tight_height(0, 1), _tight_height(3, 4)


def corrupt(
    picture: Image.Image,
    corruption: Corruption,
    severity: int,
    seed: int,
    magnitudes: Mapping[str, Sequence[float]] = MAGNITUDES,
) -> Image.Image:
    """Damage a square tight crop, grey or RGB with 8 bits; mode and size stay.

    severity: 0 (the picture itself) to 5. seed: of the picture, at least 0; what is drawn (noise, direction) depends on
    it and on the corruption alone, so a higher severity is more of the same. magnitudes: one per severity, by the name
    of the corruption. Raises ValueError for another severity.
    """
    if severity not in (0, *SEVERITIES):
        raise ValueError(f"The severity is {severity}; expected a whole number from 0 to {SEVERITIES[-1]}.")
    if severity == 0:
        return picture
    draw = np.random.default_rng([seed, zlib.crc32(corruption.encode())])
    return _DAMAGE[corruption](picture, magnitudes[corruption][severity - 1], draw)


def _from_array(values: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _blur(picture: Image.Image, deviation: float, draw: Draw) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(deviation * picture.width))


def _grain(values: NDArray[np.float64], deviation: float, draw: Draw) -> NDArray[np.float64]:
    """Values (H, W) or (H, W, 3) from 0 to 255 with noise; deviation as a share of 255."""
    field = 255 * deviation * draw.standard_normal(values.shape[:2])
    return values + (field if values.ndim == 2 else field[..., None])


def _noise(picture: Image.Image, deviation: float, draw: Draw) -> Image.Image:
    return _from_array(_grain(np.asarray(picture, np.float64), deviation, draw))


def _jpeg(picture: Image.Image, quality: float, draw: Draw) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=int(quality))
    return Image.open(stream).convert(picture.mode)


def _low_resolution(picture: Image.Image, share: float, draw: Draw) -> Image.Image:
    side = max(1, round(share * picture.width))
    small = picture.resize((side, side), Image.Resampling.BOX)
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def _darkness(picture: Image.Image, factor: float, draw: Draw) -> Image.Image:
    return _from_array(_grain(np.asarray(picture, np.float64) * factor, READ_NOISE, draw))


def _bar(picture: Image.Image, centre: float, height: float) -> Image.Image:
    """Covered by the mean of the picture from BAR_X to BAR_X, around a height in the unit square."""
    side = picture.width
    values = np.array(picture, np.float64)
    rows = slice(*(round((centre + half * height) * side) for half in (-0.5, 0.5)))
    columns = slice(*(round(x * side) for x in BAR_X))
    values[rows, columns] = values.mean((0, 1))
    return _from_array(values)


def _eyes(picture: Image.Image, height: float, draw: Draw) -> Image.Image:
    return _bar(picture, EYES_Y, height)


def _mouth(picture: Image.Image, height: float, draw: Draw) -> Image.Image:
    return _bar(picture, MOUTH_Y, height)


def _moved(picture: Image.Image, degrees: float, right: float, down: float) -> Image.Image:
    """Turned about the centre and moved by pixels; beyond the picture its border is repeated."""
    side = picture.width
    values = np.asarray(picture)
    padded = Image.fromarray(np.pad(values, [(side, side)] * 2 + [(0, 0)] * (values.ndim - 2), mode="edge"))
    turned = padded.rotate(degrees, Image.Resampling.BILINEAR, translate=(right, down))  # type: ignore[arg-type]
    return turned.crop((side, side, 2 * side, 2 * side))


def _rotation(picture: Image.Image, degrees: float, draw: Draw) -> Image.Image:
    return _moved(picture, degrees * float(draw.choice((-1, 1))), 0, 0)


def _shift(picture: Image.Image, length: float, draw: Draw) -> Image.Image:
    direction, reach = draw.uniform(0, 2 * math.pi), length * picture.width
    return _moved(picture, 0, reach * math.cos(direction), reach * math.sin(direction))


_DAMAGE: dict[Corruption, Callable[[Image.Image, float, Draw], Image.Image]] = {
    Corruption.BLUR: _blur,
    Corruption.NOISE: _noise,
    Corruption.JPEG: _jpeg,
    Corruption.LOW_RESOLUTION: _low_resolution,
    Corruption.DARKNESS: _darkness,
    Corruption.EYES: _eyes,
    Corruption.MOUTH: _mouth,
    Corruption.ROTATION: _rotation,
    Corruption.SHIFT: _shift,
}
