"""A posed mesh to a picture: back to the photographs for texture, then eyes, shading and the inside of the mouth.

Canvases are square, pictures on them float32 (S, S, 3) BGR in [0, 255].
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fer.puppets.expression import Expression
from fer.puppets.facekit import Part
from fer.puppets.people import Person
from fer.puppets.raster import interpolate, rasterise, relax
from fer.puppets.rig import Rig
from fer.puppets.shape import Shape, make_shape
from fer.puppets.sitter import Sitter
from fer.puppets.wrinkles import wrinkle_map

NOTHING = 255  # the part of a pixel without mesh
MOUTH_PARTS = (Part.SOCKET, Part.GUMS, Part.TEETH, Part.TONGUE)
EYE_PARTS = (Part.EYE_LEFT, Part.EYE_RIGHT)
OUTER_LIPS = slice(48, 60)  # of the 68 landmarks
LIP_MIDDLES = [62, 66]
FAR_FIELD_CM = 4.0  # how far the movement of the face reaches into hair and background
IRIS_PX = 6.0  # in the stored photograph
DARK_TINT = (1.25, 1.12, 0.8)  # BGR: shadows on skin are red
MOUTH_COLOURS = {Part.SOCKET: (52, 46, 108), Part.GUMS: (105, 100, 178), Part.TONGUE: (112, 108, 186)}


@dataclass(frozen=True, eq=False)
class Surface:
    """The mesh on the canvas: outputs of ``rasterise``, the part (uint8) of each pixel, and where it is what (bool).

    skin: the narrow face. eye: eyeballs. mouth: its inside, between the lips only. around: ears, neck and other parts
    whose movement is only a hint.
    """

    triangle: np.ndarray
    weights: np.ndarray
    depth: np.ndarray
    part: np.ndarray
    skin: np.ndarray
    eye: np.ndarray
    mouth: np.ndarray
    around: np.ndarray


@dataclass(frozen=True, eq=False)
class Pixels:
    """Vertex values at the pixels, float32 (S, S, ...): see ``Shape`` and ``Rig``."""

    texture: np.ndarray
    map_points: np.ndarray
    shading: np.ndarray
    facing: np.ndarray
    mixing: np.ndarray
    stretched: np.ndarray
    sources: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Frame:
    """One rendered canvas.

    picture: float32 (S, S, 3) BGR, about [0, 255]. landmarks: float32 (68, 2) px. points: float32 (n, 2) px of all
    vertices. triangle, weights: see ``rasterise``. photo_points: float32 (S, S, 2) px of the host's photograph.
    """

    picture: np.ndarray
    landmarks: np.ndarray
    points: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray
    photo_points: np.ndarray


def render(
    rig: Rig,
    person: Person,
    expression: Expression,
    turn: np.ndarray,
    to_canvas: np.ndarray,
    size_px: int,
    detail: bool = True,
) -> Frame:
    """Render a person with an expression.

    turn: rotation vector (3,) rad of the head. to_canvas: (2, 3), pixels of the host's photograph to the canvas.
    detail: change the shading and draw creases, too.
    """
    shape = make_shape(rig, person, expression, turn, to_canvas)
    surface = _surface(rig, shape, size_px)
    pixels = _pixels(rig, shape, surface)
    photo_points = _photo_points(person, surface, pixels, to_canvas)
    picture = _skin(person, surface, pixels, photo_points)
    if surface.eye.any():
        picture = _eyes(rig, person.host, expression, shape.weights, surface, photo_points, picture)
    if detail:
        picture = _shade(rig, person, expression, surface, pixels, photo_points, picture)
    if surface.mouth.any():
        picture = _mouth(rig, person, shape, surface, pixels, picture)
    landmarks = shape.points[rig.model.landmarks]
    return Frame(picture, landmarks, shape.points, surface.triangle, surface.weights, photo_points)


def _remap(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Look ``points`` (S, S, 2) up in a picture, whose border goes on outside."""
    return cv2.remap(picture, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _remap_map(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Look ``points`` (S, S, 2) up in a map that is 0 outside."""
    return cv2.remap(values, points[..., 0], points[..., 1], cv2.INTER_LINEAR)


def _surface(rig: Rig, shape: Shape, size_px: int) -> Surface:
    triangle, weights, depth = rasterise(shape.points, shape.depth, rig.model.triangles, size_px, size_px)
    hit, number = triangle >= 0, np.maximum(triangle, 0)
    part = np.where(hit, rig.paint[number], NOTHING)
    skin, eye = hit & rig.narrow[number], np.isin(part, EYE_PARTS)
    lips = np.zeros((size_px, size_px), np.uint8)
    outline = np.round(shape.points[rig.model.landmarks[OUTER_LIPS]]).astype(np.int32)
    cv2.fillConvexPoly(lips, cv2.convexHull(outline), 1)
    mouth = np.isin(part, MOUTH_PARTS) & (lips > 0)  # not in the nostrils
    solid = skin | eye | mouth
    clean = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(bool)
    around = hit & ~solid & (part != Part.SOCKET)
    return Surface(triangle, weights, depth, part, skin & clean, eye, mouth, around)


def _pixels(rig: Rig, shape: Shape, surface: Surface) -> Pixels:
    host, *sources = shape.texture_points
    scalars = np.stack([shape.shading, shape.facing, rig.mixing, shape.stretched], 1)
    values = np.concatenate([host, rig.map_points, scalars, *sources], 1).astype(np.float32)
    carried = interpolate(values, rig.model.triangles, surface.triangle, surface.weights)
    return Pixels(
        texture=carried[..., :2],
        map_points=carried[..., 2:4],
        shading=carried[..., 4],
        facing=carried[..., 5],
        mixing=carried[..., 6],
        stretched=carried[..., 7],
        sources=[carried[..., first : first + 2] for first in range(8, 8 + 2 * len(sources), 2)],
    )


def _photo_points(person: Person, surface: Surface, pixels: Pixels, to_canvas: np.ndarray) -> np.ndarray:
    """Where each pixel lies in the host's photograph, float32 (S, S, 2) px: mesh inside the face, a membrane around."""
    size_px = len(surface.skin)
    inverse = cv2.invertAffineTransform(np.asarray(to_canvas, np.float64))
    rows, columns = np.mgrid[0:size_px, 0:size_px].astype(np.float32)
    still = np.stack([row[0] * columns + row[1] * rows + row[2] for row in inverse], -1).astype(np.float32)
    scale = np.sqrt(abs(np.linalg.det(np.asarray(to_canvas)[:, :2])))
    reach_px = FAR_FIELD_CM * person.host.photo.scale * scale
    moved = _extend(pixels.texture - still, surface.skin, surface.around, reach_px)
    points = (moved + still).astype(np.float32)
    points[surface.eye] = pixels.texture[surface.eye]
    return points


def _extend(movement: np.ndarray, skin: np.ndarray, around: np.ndarray, reach_px: float) -> np.ndarray:
    """Extend ``movement`` (S, S, 2) from the skin to the whole canvas by a screened membrane, on a coarse grid.

    around: where the movement is a hint for the far field. reach_px: length in which the movement decays.
    """
    size_px = len(skin)
    grid = max(size_px // 4, 48)
    share, known = _shrink(movement, skin, grid)
    hint_share, hint = _shrink(movement, around, grid)
    hint = cv2.GaussianBlur(hint, (0, 0), 2.0) / (cv2.GaussianBlur(hint_share, (0, 0), 2.0)[..., None] + 0.15)
    fixed = share > 0.5
    pull = float((size_px / grid) ** 2 / max(reach_px, 1.0) ** 2)
    coarse = hint.copy()
    for sigma in (1.5, 3, 6, 12):  # a push-pull pyramid to start from
        blurred, weight = cv2.GaussianBlur(known, (0, 0), sigma), cv2.GaussianBlur(share, (0, 0), sigma)
        near = np.clip(weight * 4, 0, 1)[..., None]
        coarse = coarse * (1 - near) + near * blurred / np.maximum(weight, 1e-4)[..., None]
    inside = np.where(fixed[..., None], known / np.maximum(share, 1e-3)[..., None], 0).astype(np.float32)
    coarse[fixed] = inside[fixed]
    coarse = np.ascontiguousarray(coarse, np.float32)
    relax(coarse, fixed, np.ascontiguousarray(hint, np.float32), pull / 4, 40)
    out = cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    ring = cv2.dilate(skin.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=5).astype(bool)
    out[skin] = movement[skin]
    relax(out, ~(ring & ~skin), out, 0.0, 12)
    return out


def _shrink(movement: np.ndarray, mask: np.ndarray, grid: int) -> tuple[np.ndarray, np.ndarray]:
    """The mask's share (grid, grid) of each coarse cell, and the movement there times that share (grid, grid, 2)."""
    share = cv2.resize(mask.astype(np.float32), (grid, grid), interpolation=cv2.INTER_AREA)
    return share, cv2.resize(movement * mask[..., None], (grid, grid), interpolation=cv2.INTER_AREA)


def _skin(person: Person, surface: Surface, pixels: Pixels, photo_points: np.ndarray) -> np.ndarray:
    """The moved photograph, with other sources' texture in the face and soft skin on stretched lids."""
    host = person.host
    picture = _remap(host.picture, photo_points).astype(np.float32)
    if person.blended:
        mixed = np.zeros_like(picture)
        for (sitter, share), gain, points in zip(person.sources, person.colour_gains, pixels.sources, strict=True):
            mixed += share * gain * _remap(sitter.picture, points)
        mask = (pixels.mixing * surface.skin * _remap_map(host.skin_mask, photo_points))[..., None]
        picture = picture * (1 - mask) + mixed * mask
    if pixels.stretched.max() > 0.05:
        mask = (0.75 * pixels.stretched * surface.skin)[..., None]
        picture = picture * (1 - mask) + mask * _remap(host.soft_picture, photo_points)
    return picture


def _eyes(
    rig: Rig,
    host: Sitter,
    expression: Expression,
    weights: np.ndarray,
    surface: Surface,
    photo_points: np.ndarray,
    picture: np.ndarray,
) -> np.ndarray:
    """Completed eyeballs where the eye is widened or turned, and the shadow of the lid on them."""
    x, y = expression.gaze
    gaze = np.array([x * IRIS_PX, y * IRIS_PX], np.float32)
    whole = _remap_map(host.open_eyes, photo_points - gaze)
    widened = max(weights[rig.model.blendshape_index[f"eyeWide_{side}"]] for side in "LR")
    share = float(np.clip(widened * 3 + 3 * np.hypot(x, y), 0, 1))
    picture[surface.eye] = share * whole[surface.eye] + (1 - share) * picture[surface.eye]
    if share > 0:
        eye = surface.eye.astype(np.float32)
        step = max(1, round(len(picture) / 130))
        upper_edge = eye - np.roll(eye, step, 0) * eye
        near = np.clip(cv2.GaussianBlur(upper_edge, (0, 0), 0.7 * step) * 1.3, 0, 1) * eye
        picture *= 1 - 0.55 * share * near[..., None]
    return picture


def _shade(
    rig: Rig,
    person: Person,
    expression: Expression,
    surface: Surface,
    pixels: Pixels,
    photo_points: np.ndarray,
    picture: np.ndarray,
) -> np.ndarray:
    """Change of light and creases on the skin: shadows are multiplied and reddened, lights are screened."""
    log = pixels.shading * surface.skin
    if expression.strengths.max() > 0:
        creases = wrinkle_map(expression, person.creases, rig.model.smile)
        log = log + _remap_map(creases, pixels.map_points) * surface.skin
    log *= _remap_map(person.host.skin_mask, photo_points)
    dark, light = np.minimum(log, 0)[..., None], np.maximum(log, 0)[..., None]
    picture = picture * np.exp(dark * np.array(DARK_TINT, np.float32))
    lift = np.minimum(picture, 1.2 * (250 - np.minimum(picture, 250))) * (1 - np.exp(-light))
    shaded: np.ndarray = picture + lift
    return shaded


def _mouth(rig: Rig, person: Person, shape: Shape, surface: Surface, pixels: Pixels, picture: np.ndarray) -> np.ndarray:
    """Paint the inside of the mouth: darker with depth and under the upper lip."""
    lip = float(shape.depth[rig.model.landmarks[LIP_MIDDLES]].mean())
    behind = np.clip(lip - surface.depth, 0, 8)
    teeth = surface.part == Part.TEETH
    colour = np.zeros_like(picture)
    for part, bgr in {**MOUTH_COLOURS, Part.TEETH: person.teeth}.items():
        colour[surface.part == part] = bgr
    facing = np.clip(pixels.facing, 0, 1)
    inside = surface.mouth.astype(np.float32)
    reach = max(3.0, 0.012 * len(picture))
    open_to_light = np.clip(cv2.GaussianBlur(np.roll(inside, int(reach), 0), (0, 0), reach) * 1.3, 0, 1)
    by_depth = np.where(
        teeth, np.exp(-0.25 * np.maximum(behind - 0.9, 0)), 0.15 + 0.85 * np.exp(-0.2 * np.maximum(behind - 0.5, 0))
    )
    by_facing = np.where(teeth, 0.6 + 0.4 * facing, 0.4 + 0.6 * facing)
    by_lip = np.where(teeth, 0.62 + 0.38 * open_to_light, 0.25 + 0.75 * open_to_light)
    colour *= (by_depth * by_facing * by_lip * person.host.exposure)[..., None]
    mask = cv2.GaussianBlur(inside, (0, 0), 0.6)[..., None]
    painted = cv2.GaussianBlur(colour * inside[..., None], (0, 0), 0.6) * np.where(mask > 1e-3, 1, 0)
    out: np.ndarray = picture * (1 - mask) + painted
    return out
