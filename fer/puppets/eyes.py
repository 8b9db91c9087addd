"""The eyeballs of a photograph, completed where the lids cover them, so that a widened or turned eye shows white."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

# Points of the template: upper lid, lower lid from the other end, outline of the iris, pupil.
EYES: tuple[tuple[Sequence[int], Sequence[int], Sequence[int], int], ...] = (
    ((18, 19, 20, 21, 22), (30, 29, 28), range(2, 10), 0),
    ((23, 24, 25, 26, 27), (33, 32, 31), range(10, 18), 1),
)
MARGIN_ABOVE_PX, MARGIN_BELOW_PX = np.array([14, 26]), np.array([14, 22])  # x and y around the opening
OVERSAMPLING = 4
VISIBLE = 150  # of 255: a pixel that lies wholly between the lids
DULL_WHITE = (150.0, 155.0, 165.0)  # BGR, where too little white of the eye shows to be measured


def complete_eyes(picture: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The photograph, uint8 (512, 512, 3) BGR, with whole sclera and iris painted over the lids around both eyes."""
    out = picture.copy()
    for upper, lower, iris, pupil in EYES:
        outline = template[[*upper, *lower]]
        x0, y0 = (outline.min(0) - MARGIN_ABOVE_PX).astype(int)
        x1, y1 = (outline.max(0) + MARGIN_BELOW_PX).astype(int)
        ring = template[list(iris)]
        centre = (0.5 * (ring[:, 0].min() + ring[:, 0].max()) - x0, template[pupil][1] - y0)
        radius = 0.5 * np.ptp(ring[:, 0]) * 1.02
        out[y0:y1, x0:x1] = _complete(out[y0:y1, x0:x1], outline - [x0, y0], centre, radius)
    return out


def _complete(
    region: np.ndarray, outline: np.ndarray, centre: tuple[np.floating, np.floating], radius: np.floating
) -> np.ndarray:
    """One eye: region uint8 (h, w, 3); outline of the opening (8, 2), centre and radius of the iris in its pixels."""
    height, width = region.shape[:2]
    visible = _opening(outline, height, width)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    sideways = columns - centre[0]
    from_centre = np.hypot(sideways, rows - centre[1])
    white = _white_of_eye(region, visible & (from_centre > radius * 1.1))
    shade = 0.92 - 0.10 * np.abs(sideways)[..., None] / 22.0
    painted = np.maximum(white * shade, 0.5 * white)
    profile = _iris_profile(region, visible, from_centre, radius)
    iris = profile[np.clip(np.round(from_centre), 0, len(profile) - 1).astype(int)]
    inside = np.clip((radius - from_centre) / 1.5 + 0.5, 0, 1)[..., None]
    painted = painted * (1 - inside) + iris * inside
    soft = cv2.GaussianBlur(visible.astype(np.float32), (0, 0), 0.8)[..., None]
    completed: np.ndarray = np.clip(region.astype(np.float32) * soft + painted * (1 - soft), 0, 255)
    return completed.astype(np.uint8)


def _opening(outline: np.ndarray, height: int, width: int) -> np.ndarray:
    """bool (height, width): pixels between the lids, less a rim of one pixel."""
    mask = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    cv2.fillPoly(mask, [((outline + 0.5) * OVERSAMPLING).astype(np.int32)], 255)
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    opening: np.ndarray = cv2.erode(small, np.ones((3, 3), np.uint8)) > VISIBLE
    return opening


def _white_of_eye(region: np.ndarray, sclera: np.ndarray) -> np.ndarray:
    """The BGR of the lighter half of the visible sclera, float32 (3,)."""
    if sclera.sum() <= 6:
        return np.array(DULL_WHITE, np.float32)
    pixels = region[sclera].astype(np.float32)
    light = pixels.mean(1)
    colour: np.ndarray = pixels[light >= np.percentile(light, 55)].mean(0)
    return colour


def _iris_profile(region: np.ndarray, visible: np.ndarray, from_centre: np.ndarray, radius: np.floating) -> np.ndarray:
    """The median BGR at every whole distance from the pupil's centre, float32 (r, 3)."""
    profile = np.zeros((int(radius) + 3, 3), np.float32)
    for distance in range(len(profile)):
        ring = visible & (np.abs(from_centre - distance) < 1.0) & (from_centre < radius * 1.02)
        if ring.sum() > 1:
            profile[distance] = np.median(region[ring], axis=0)
        else:
            centre_pixel = region[region.shape[0] // 2, region.shape[1] // 2]
            profile[distance] = profile[distance - 1] if distance else centre_pixel
    return profile
