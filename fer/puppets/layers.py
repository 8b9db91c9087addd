"""What is painted once from a stored photograph: masks of skin and background, colours, exposure.

Pictures are uint8 (512, 512, 3) BGR; templates are float32 (189, 2) px in them.
"""

from __future__ import annotations

import cv2
import numpy as np

from fer.puppets.photos import PHOTO_PX

# Points of the template.
RIGHT_EYE_OUTLINE = (18, 19, 20, 21, 22, 30, 29, 28)
LEFT_EYE_OUTLINE = (23, 24, 25, 26, 27, 33, 32, 31)
SKIN_POINTS = (44, 49, 165, 168, 159, 162, 174, 53)  # cheeks, forehead, chin
HAIRLINE = tuple(range(134, 145))
JAW = (109, 185, 110, 186, 111, 125, 126, 127, 128, 129, 130, 131, 132, 133, 114, 188, 113, 187, 112)
HEAD_POINTS = 145  # the first points lie on the head, the others on neck and shoulders
NECK_CORNERS = (126, 145, 157, 132)
JAW_ANGLES = (126, 132)

PLAIN_WHITE = 185.0  # of the eyes, where the exposure is 1
BACKGROUND_SPREAD = 30.0  # a seed of the background differs from the others by less
FLOOD_STEP = (2, 2, 2)
BACKGROUND_LABEL = 2


def skin_colour(picture: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The median BGR of cheeks, forehead and chin, float32 (3,), 0 to 255."""
    blurred = cv2.GaussianBlur(picture, (0, 0), 3).astype(np.float32)
    points = template[list(SKIN_POINTS)].astype(int).clip(0, PHOTO_PX - 1)
    colour: np.ndarray = np.median(blurred[points[:, 1], points[:, 0]], axis=0)
    return colour


def exposure(picture: np.ndarray, template: np.ndarray) -> float:
    """How light the whites of the eyes are, 0.78 to 1.12; it lights the inside of the mouth."""
    mask = np.zeros((PHOTO_PX, PHOTO_PX), np.uint8)
    for outline in (RIGHT_EYE_OUTLINE, LEFT_EYE_OUTLINE):
        cv2.fillPoly(mask, [_pixels(template[list(outline)])], 1)
    white = np.percentile(picture[mask > 0].mean(1), 92)
    return float(np.clip(white / PLAIN_WHITE, 0.78, 1.12))


def skin_mask(template: np.ndarray) -> np.ndarray:
    """The facial skin from hairline to jaw with soft edges, float32 (512, 512) in [0, 1]."""
    mask = np.zeros((PHOTO_PX, PHOTO_PX), np.uint8)
    cv2.fillPoly(mask, [_pixels(template[list(HAIRLINE + JAW[::-1])])], 255)
    soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((9, 9), np.uint8)), (0, 0), 5)
    return soft.astype(np.float32) / 255


def matte(picture: np.ndarray, template: np.ndarray, fading_neck: bool) -> tuple[np.ndarray, np.ndarray]:
    """Cut the person from the plain studio background.

    fading_neck: the neck fades into the background, so that everything below the jaw is cut by its colour.
    Returns the foreground's share of each pixel, float32 (512, 512) in [0, 1], and the background's BGR, float32 (3,).
    """
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.2)
    background, colour = _flood(blurred, _head(template, fading_neck))
    near = cv2.dilate(background, np.ones((3, 3), np.uint8), iterations=9)
    if fading_neck:
        near[int(template[list(JAW_ANGLES), 1].mean()) :] = 1
    difference = np.abs(blurred.astype(np.float32) - colour).max(2)
    by_colour = np.clip((difference - 12) / 70, 0, 1)
    grown = cv2.dilate(background, np.ones((3, 3), np.uint8)).astype(np.float32)
    edge = cv2.GaussianBlur(grown, (0, 0), 1.5)
    share = np.where(near > 0, np.minimum(by_colour, 1 - edge), 1 - edge)
    return cv2.GaussianBlur(share.astype(np.float32), (0, 0), 0.8), colour


def _head(template: np.ndarray, fading_neck: bool) -> np.ndarray:
    """uint8 (514, 514), a border of one pixel around: 1 where the flood must not go."""
    mask = np.zeros((PHOTO_PX + 2, PHOTO_PX + 2), np.uint8)
    inside = mask[1:-1, 1:-1]
    cv2.fillPoly(inside, [cv2.convexHull(_pixels(template[:HEAD_POINTS]))], 1)
    if not fading_neck:  # never into a bright neck
        jaw_right, neck_right, neck_left, jaw_left = template[list(NECK_CORNERS)]
        bottom = [[neck_right[0], PHOTO_PX], [neck_left[0], PHOTO_PX]]
        cv2.fillPoly(inside, [_pixels(np.array([jaw_right, neck_right, *bottom, neck_left, jaw_left]))], 1)
    return mask


def _flood(picture: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flood the background from the borders -> (uint8 (512, 512) of 0 and 1, its colour float32 (3,))."""
    side = PHOTO_PX
    seeds = [(x, y) for y in (2, side // 3, side // 2) for x in (2, side - 3)]
    seeds += [(side // 4, 2), (3 * side // 4, 2)]
    colours = np.stack([picture[y, x] for x, y in seeds]).astype(np.float32)
    colour: np.ndarray = np.median(colours, axis=0)
    flags = 4 | (BACKGROUND_LABEL << 8) | cv2.FLOODFILL_MASK_ONLY
    for (x, y), found in zip(seeds, colours, strict=True):
        if mask[y + 1, x + 1] == 0 and np.abs(found - colour).max() < BACKGROUND_SPREAD:
            cv2.floodFill(picture, mask, (x, y), (0,), FLOOD_STEP, FLOOD_STEP, flags)
    background = (mask[1:-1, 1:-1] == BACKGROUND_LABEL).astype(np.uint8)
    return cv2.morphologyEx(background, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), colour


def _pixels(points: np.ndarray) -> np.ndarray:
    """Points as OpenCV draws them: int32, cut off, not rounded."""
    return points.astype(np.int32)
