"""What the renderer derives from a face model once: masks, weights and the parts of the eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fer.puppets.facekit import NARROW_FACE_VERTICES, FaceModel, Part
from fer.puppets.geometry import EdgePaths
from fer.puppets.raster import vertex_normals
from fer.puppets.wrinkles import map_pixels

NECK_PIVOT_CM = (0.0, -4.0, -3.0)  # heads turn about it
NECK_BASE_CM, NECK_RANGE_CM = -15.0, 7.0  # the neck turns from 0 at its base to wholly so much higher
TONGUE_TOP_CM, TONGUE_FROM_TEETH_CM = -2.2, 0.35
BLINK_TEXTURE_SHARE = 0.38  # of the lid's path: skin folds away under the brow


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of the mesh. side: "R" or "L", the subject's.

    upper, lower: two vertices each, on the middle of the lids. blink: number of the blendshape eyeBlink.
    lashes: float32 (n,), 1 on the margin of the upper lid. lid_shift: float32 (n,) cm, how far a full blink moves the
    texture of the upper lid.
    """

    side: str
    upper: np.ndarray
    lower: np.ndarray
    blink: int
    lashes: np.ndarray
    lid_shift: np.ndarray


@dataclass(frozen=True, eq=False)
class Rig:
    """A face model and what is the same in all its renderings.

    narrow: bool (T,), triangles that take the photograph's texture. paint: uint8 (T,), ``Part`` with the tongue.
    map_points: float32 (n, 2) px on the canonical wrinkle map. mixing: float32 (n,), share of mixed texture, 0 at the
    border of the face. neck: float32 (n,), share of the head's turn. normals: float32 (n, 3) of the mean head.
    rim: float32 (n,), share of shading, 0 at the outline of the face. eyes: right and left.
    """

    model: FaceModel
    narrow: np.ndarray
    paint: np.ndarray
    map_points: np.ndarray
    mixing: np.ndarray
    neck: np.ndarray
    normals: np.ndarray
    rim: np.ndarray
    eyes: tuple[Eye, Eye]


def make_rig(model: FaceModel) -> Rig:
    """Prepare a face model for rendering."""
    x, y = model.mean[:, 0], model.mean[:, 1]
    from_middle = np.hypot(x / 6.6, (y - 0.0) / np.where(y > 0, 8.4, 7.4))
    from_rim = np.hypot(x / 6.9, (y + 0.2) / np.where(y > 0, 9.2, 8.2))
    paint = model.triangle_part.copy()
    paint[(model.triangle_part == Part.GUMS) & _tongue(model)[model.triangles].all(1)] = Part.TONGUE
    paths = EdgePaths(model)
    return Rig(
        model=model,
        narrow=(model.triangle_part == Part.FACE) & (model.triangles.max(1) < NARROW_FACE_VERTICES),
        paint=paint,
        map_points=map_pixels(model.mean),
        mixing=_smooth_step((1.0 - from_middle) / 0.22),
        neck=_smooth_step((y - NECK_BASE_CM) / NECK_RANGE_CM),
        normals=vertex_normals(model.mean.astype(np.float32), model.triangles),
        rim=np.clip((1.12 - from_rim) / 0.25, 0, 1).astype(np.float32),
        eyes=(
            _eye(model, paths, "R", margin=(36, 37, 38, 39), upper=(37, 38), lower=(41, 40)),
            _eye(model, paths, "L", margin=(42, 43, 44, 45), upper=(43, 44), lower=(47, 46)),
        ),
    )


def _smooth_step(values: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth in between; float32."""
    clipped = np.clip(values, 0, 1)
    smooth: np.ndarray = clipped * clipped * (3 - 2 * clipped)
    return smooth.astype(np.float32)


def _tongue(model: FaceModel) -> np.ndarray:
    """bool (n,): gums hug the dental arch, the tongue lies inside it."""
    tongue = np.zeros(len(model.mean), bool)
    gums = np.nonzero(model.vertex_part == Part.GUMS)[0]
    arch = model.mean[model.vertex_part == Part.TEETH][::6, [0, 2]]
    if len(gums) and len(arch):
        distance = np.sqrt(((model.mean[gums][:, None, [0, 2]] - arch[None]) ** 2).sum(-1)).min(1)
        tongue[gums[(distance > TONGUE_FROM_TEETH_CM) & (model.mean[gums, 1] < TONGUE_TOP_CM)]] = True
    return tongue


def _eye(
    model: FaceModel, paths: EdgePaths, side: str, margin: Sequence[int], upper: Sequence[int], lower: Sequence[int]
) -> Eye:
    """margin, upper, lower: landmarks (of 68) of the upper lid's whole margin and of the middle of both lids."""
    blink = model.blendshape_index[f"eyeBlink_{side}"]
    lashes = np.zeros(len(model.mean), np.float32)
    lashes[paths.path(margin)] = 1
    down = -model.blendshapes[blink][:, 1]
    shift = np.where(model.vertex_part == Part.FACE, np.clip(down, 0, None), 0)
    centre = model.mean[model.landmarks[list(upper)]].mean(0)
    away = np.hypot(model.mean[:, 0] - centre[0], model.mean[:, 1] - centre[1])
    shift = shift * np.clip((2.8 - away) / 1.2, 0, 1)
    return Eye(
        side=side,
        upper=model.landmarks[list(upper)],
        lower=model.landmarks[list(lower)],
        blink=blink,
        lashes=lashes,
        lid_shift=(BLINK_TEXTURE_SHARE * shift).astype(np.float32),
    )


def turn_head(rig: Rig, vertices: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Turn the head about the neck by the rotation vector ``turn`` (3,) rad: (n, 3) cm -> (n, 3); its base stays."""
    if not np.any(turn):
        return vertices
    rotation = cv2.Rodrigues(np.asarray(turn, np.float64))[0].astype(np.float32)
    pivot = np.array(NECK_PIVOT_CM, np.float32)
    share = rig.neck[:, None]
    turned: np.ndarray = share * ((vertices - pivot) @ rotation.T + pivot) + (1 - share) * vertices
    return turned.astype(np.float32)
