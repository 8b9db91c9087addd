"""Compiled loops (numba): a z-buffer, the interpolation of vertex values, normals, a membrane.

Each process compiles them at their first call, a few seconds in all; nothing is cached on disk.
"""

from __future__ import annotations

import numba
import numpy as np

AREA_EPSILON = 1e-9
INSIDE_EPSILON = 1e-5
FAR = -1e30  # depth where nothing is


@numba.njit(fastmath=True)
def rasterise(
    points: np.ndarray, depth: np.ndarray, triangles: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw triangles into a z-buffer: the nearest surface wins, back faces are culled.

    points: float32 (n, 2) px, y down. depth: float32 (n,), larger is nearer. triangles: int32 (T, 3); a triangle faces
    the viewer where its corners run counter-clockwise on the screen.
    Returns, per pixel: the triangle, int32 (height, width), -1 where there is none; barycentric weights of its corners,
    float32 (height, width, 3); depth, float32 (height, width).
    """
    number = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3), np.float32)
    nearest = np.full((height, width), FAR, np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area > -AREA_EPSILON:
            continue
        x0 = max(int(np.ceil(min(ax, bx, cx))), 0)
        x1 = min(int(np.floor(max(ax, bx, cx))), width - 1)
        y0 = max(int(np.ceil(min(ay, by, cy))), 0)
        y1 = min(int(np.floor(max(ay, by, cy))), height - 1)
        inverse = 1.0 / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
                if u < -INSIDE_EPSILON:
                    continue
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
                if v < -INSIDE_EPSILON:
                    continue
                w = 1.0 - u - v
                if w < -INSIDE_EPSILON:
                    continue
                z = u * depth[a] + v * depth[b] + w * depth[c]
                if z > nearest[y, x]:
                    nearest[y, x] = z
                    number[y, x] = t
                    weights[y, x, 0] = u
                    weights[y, x, 1] = v
                    weights[y, x, 2] = w
    return number, weights, nearest


@numba.njit(fastmath=True)
def interpolate(values: np.ndarray, triangles: np.ndarray, number: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Carry vertex values float32 (n, C) to the pixels of ``rasterise`` -> (height, width, C), 0 where empty."""
    height, width = number.shape
    channels = values.shape[1]
    out = np.zeros((height, width, channels), np.float32)
    for y in range(height):
        for x in range(width):
            t = number[y, x]
            if t >= 0:
                i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                for n in range(channels):
                    out[y, x, n] = (
                        weights[y, x, 0] * values[i, n]
                        + weights[y, x, 1] * values[j, n]
                        + weights[y, x, 2] * values[k, n]
                    )
    return out


@numba.njit(fastmath=True)
def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals of the vertices, weighted by triangle area: float32 (n, 3), int32 (T, 3) -> float32 (n, 3)."""
    normals = np.zeros_like(vertices)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        e0, e1, e2 = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        f0, f1, f2 = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        x, y, z = e1 * f2 - e2 * f1, e2 * f0 - e0 * f2, e0 * f1 - e1 * f0
        for i in (a, b, c):
            normals[i, 0] += x
            normals[i, 1] += y
            normals[i, 2] += z
    for i in range(vertices.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-12
        normals[i, 0] /= length
        normals[i, 1] /= length
        normals[i, 2] /= length
    return normals


@numba.njit(fastmath=True)
def relax(field: np.ndarray, fixed: np.ndarray, hint: np.ndarray, pull: float, sweeps: int) -> None:
    """Relax ``field`` float32 (h, w, 2) in place towards a screened membrane; pixels of ``fixed`` (h, w) bool stay.

    hint: float32 (h, w, 2), where the membrane is pulled to with the weight ``pull``. Gauss-Seidel sweeps run down and
    up by turns.
    """
    height, width = fixed.shape
    for sweep in range(sweeps):
        for row in range(height):
            y = row if sweep % 2 == 0 else height - 1 - row
            for column in range(width):
                x = column if sweep % 2 == 0 else width - 1 - column
                if fixed[y, x]:
                    continue
                up, down = max(y - 1, 0), min(y + 1, height - 1)
                left, right = max(x - 1, 0), min(x + 1, width - 1)
                for c in range(2):
                    mean = 0.25 * (field[up, x, c] + field[down, x, c] + field[y, left, c] + field[y, right, c])
                    field[y, x, c] = (mean + pull * hint[y, x, c]) / (1 + pull)
