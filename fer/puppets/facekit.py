"""The face model: ICT-FaceKit's light model (MIT licence, github.com/ICT-VGL/ICT-FaceKit), cut down to what shows.

Li et al. 2020, "Learning Formation of Physically-Based Face Attributes", arXiv 2004.03458.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path

import numpy as np

from fer.errors import DataError


class Part(IntEnum):
    """What a triangle or a vertex belongs to. The first seven are stored; the tongue is told from gums."""

    FACE = 0
    HEAD = 1
    SOCKET = 2
    GUMS = 3
    TEETH = 4
    EYE_LEFT = 5
    EYE_RIGHT = 6
    TONGUE = 7


# The polygons of the ICT light model that are kept, as ranges of their numbers in the OBJ file.
ICT_POLYGONS: Mapping[Part, tuple[int, int]] = {
    Part.FACE: (0, 9230),
    Part.HEAD: (9230, 11144),
    Part.SOCKET: (11144, 13226),
    Part.GUMS: (14034, 17006),
    Part.TEETH: (17006, 21496),
    Part.EYE_LEFT: (21496, 22296),
    Part.EYE_RIGHT: (23094, 23894),
}
NARROW_FACE_VERTICES = 6706  # vertices below this number make the narrow face, which takes the photograph's texture
IDENTITY_MODES = 50
MODEL_CUT_Y_CM = -17.5  # the bust below and the skull behind are dropped
MODEL_CUT_Z_CM = -6.0
UPPER_TEETH_VERTICES = (17039, 19246)
UPPER_EDGE_VERTICES = (18067, 18219)
EXTRA_BLENDSHAPES = ("cheekRaiser_L", "cheekRaiser_R")  # not in vertex_indices.json
# fmt: off
MULTI_PIE_LANDMARKS = (  # the vertices of the 68 Multi-PIE landmarks (README of ICT-FaceKit)
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088,
    3443, 268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140,
    2075, 1147, 4269, 3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216,
    6207, 6470, 5517, 5966,
)
# fmt: on


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear face of n vertices in centimetres: x to the right of the picture, y up, z towards the viewer.

    mean: float32 (n, 3). triangles: int32 (T, 3), counter-clockwise as seen from outside.
    triangle_part: uint8 (T,) and vertex_part: uint8 (n,), values of ``Part``.
    identity: float32 (K, n, 3), offsets per unit of each identity mode.
    blendshapes: float32 (E, n, 3), offsets at weight 1, in the order of blendshape_names.
    landmarks: int32 (68,), the vertices of the Multi-PIE landmarks.
    smile: float32 (h, w) of wrinkles.MAP_SHAPE, the shading that a real smile adds, in log units per AU12; or None.
    """

    mean: np.ndarray
    triangles: np.ndarray
    triangle_part: np.ndarray
    vertex_part: np.ndarray
    identity: np.ndarray
    blendshapes: np.ndarray
    blendshape_names: tuple[str, ...]
    landmarks: np.ndarray
    smile: np.ndarray | None = None

    @cached_property
    def blendshape_index(self) -> dict[str, int]:
        """Name of a blendshape -> its number."""
        return {name: number for number, name in enumerate(self.blendshape_names)}


def project(vertices: np.ndarray, scale: float, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Scaled orthographic projection: (n, 3) cm -> float32 (n, 3) of x px, y px (down) and depth cm (larger: nearer).

    scale: px per cm. rotation: (3, 3). translation: (2,) px.
    """
    turned = vertices @ np.asarray(rotation, np.float32).T
    projected = np.empty_like(turned, dtype=np.float32)
    projected[:, 0] = scale * turned[:, 0] + translation[0]
    projected[:, 1] = -scale * turned[:, 1] + translation[1]
    projected[:, 2] = turned[:, 2]
    return projected


def load_ict(root: Path) -> FaceModel:
    """Read a checkout of ICT-FaceKit, keep the parts of ICT_POLYGONS, triangulate and renumber. Raises DataError."""
    folder = root / "FaceXModel"
    try:
        return _build(folder)
    except FileNotFoundError as error:
        raise DataError(
            f"{error.filename} is missing. Give the folder of a checkout of github.com/ICT-VGL/ICT-FaceKit."
        ) from error
    except (ValueError, KeyError, IndexError) as error:
        raise DataError(f"{folder} does not hold the ICT-FaceKit light model: {error}") from error


def _build(folder: Path) -> FaceModel:
    base = _read_vertices(folder / "generic_neutral_mesh.obj")
    polygons = _read_polygons(folder / "generic_neutral_mesh.obj")
    if len(polygons) < max(end for _, end in ICT_POLYGONS.values()):
        raise ValueError(f"its mesh has {len(polygons)} polygons only")
    triangles, triangle_part = _visible_triangles(base, polygons)
    used = np.unique(triangles)
    renumber = np.full(len(base), -1, np.int32)
    renumber[used] = np.arange(len(used))
    triangles = renumber[triangles]
    vertex_part = np.zeros(len(used), np.uint8)
    for part in reversed(list(ICT_POLYGONS)):  # the face wins on shared vertices
        vertex_part[np.unique(triangles[triangle_part == part])] = part
    names = (*_expression_names(folder), *EXTRA_BLENDSHAPES)
    identities = sorted(folder.glob("identity*.obj"))[:IDENTITY_MODES]
    if len(identities) < IDENTITY_MODES:
        raise ValueError(f"{len(identities)} identity modes instead of {IDENTITY_MODES}")
    return FaceModel(
        mean=_lengthen_upper_teeth(base, used, vertex_part),
        triangles=triangles,
        triangle_part=triangle_part,
        vertex_part=vertex_part,
        identity=np.stack([(_read_vertices(path) - base)[used] for path in identities]),
        blendshapes=np.stack([(_read_vertices(folder / f"{name}.obj") - base)[used] for name in names]),
        blendshape_names=names,
        landmarks=renumber[np.array(MULTI_PIE_LANDMARKS)],
    )


def _read_vertices(path: Path) -> np.ndarray:
    """float32 (n, 3) of an OBJ file."""
    with path.open(encoding="utf-8") as lines:
        numbers = " ".join(line[2:] for line in lines if line.startswith("v ")).split()
    return np.array(numbers, np.float32).reshape(-1, 3)


def _read_polygons(path: Path) -> list[list[int]]:
    """The vertex numbers (from 0) of every polygon of an OBJ file."""
    with path.open(encoding="utf-8") as lines:
        return [[int(corner.split("/")[0]) - 1 for corner in line.split()[1:]] for line in lines if line[:2] == "f "]


def _expression_names(folder: Path) -> list[str]:
    return sorted(json.loads((folder / "vertex_indices.json").read_text(encoding="utf-8"))["expressions"])


def _visible_triangles(base: np.ndarray, polygons: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Triangles int32 (T, 3) and their parts uint8 (T,), less the bottom of the bust and the back of the skull."""
    fans = [
        (part, [polygon[0], polygon[corner], polygon[corner + 1]])
        for part, (first, end) in ICT_POLYGONS.items()
        for polygon in polygons[first:end]
        for corner in range(1, len(polygon) - 1)
    ]
    triangles = np.array([fan for _, fan in fans], np.int32)
    triangle_part = np.array([part for part, _ in fans], np.uint8)
    low = base[triangles][:, :, 1].max(1) < MODEL_CUT_Y_CM
    behind = base[triangles][:, :, 2].max(1) < MODEL_CUT_Z_CM
    return triangles[~(low | behind)], triangle_part[~(low | behind)]


def _lengthen_upper_teeth(base: np.ndarray, used: np.ndarray, vertex_part: np.ndarray) -> np.ndarray:
    """The mean face (n, 3) with its upper teeth drawn upwards, so that a raised lip shows teeth rather than gums."""
    mean: np.ndarray = base[used].copy()
    edge = base[slice(*UPPER_EDGE_VERTICES), 1].min()
    first, last = UPPER_TEETH_VERTICES
    upper = ((used >= first) & (used <= last)) | ((vertex_part == Part.GUMS) & (mean[:, 1] > edge + 0.35))
    mean[upper, 1] += 0.45 * (mean[upper, 1] - edge)
    return mean
