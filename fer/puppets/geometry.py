"""Similarities, smooth curves, thin-plate splines, and paths along the edges of the face."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence

import numpy as np

from fer.puppets.facekit import FaceModel, Part


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The least-squares similarity, float64 (2, 3), that takes ``source`` (k, 2) to ``target`` (k, 2)."""
    a, b = source - source.mean(0), target - target.mean(0)
    a_complex, b_complex = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    turn = (np.conj(a_complex) @ b_complex) / (np.conj(a_complex) @ a_complex)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target.mean(0) - linear @ source.mean(0)])


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The affine map (2, 3) that applies ``first`` and then ``second``, both (2, 3)."""
    product: np.ndarray = (np.r_[second, [[0, 0, 1]]] @ np.r_[first, [[0, 0, 1]]])[:2]
    return product


def thin_plate(source: np.ndarray, values: np.ndarray, query: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
    """The thin-plate spline through ``values`` (m, k) at ``source`` (m, 2), evaluated at ``query`` (q, 2) -> (q, k)."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squared: np.ndarray = ((a[:, None] - b[None]) ** 2).sum(-1)
        return 0.5 * squared * np.log(squared + 1e-9)

    scale = np.ptp(source, 0).max()
    source, query = source / scale, query / scale
    count = len(source)
    plane = np.c_[np.ones(count), source]
    bending = kernel(source, source) + smoothing * np.eye(count)
    system = np.block([[bending, plane], [plane.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(system, np.r_[values, np.zeros((3, values.shape[1]))])
    out: np.ndarray = kernel(query, source) @ weights[:count] + np.c_[np.ones(len(query)), query] @ weights[count:]
    return out


def curve(points: np.ndarray, count: int) -> np.ndarray:
    """``count`` points at equal arc length on a Catmull-Rom curve through ``points`` (m, 2) -> float64 (count, 2)."""
    if len(points) > 2:
        points = _catmull_rom(points)
    length = arc_length(points)
    steps = np.linspace(0, length[-1], count)
    return np.stack([np.interp(steps, length, points[:, 0]), np.interp(steps, length, points[:, 1])], 1)


def _catmull_rom(points: np.ndarray, per_segment: int = 12) -> np.ndarray:
    ends = np.r_[[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]]
    t = np.linspace(0, 1, per_segment, endpoint=False)[:, None]
    segments = []
    for before, start, end, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        linear = 2 * start + (end - before) * t
        quadratic = (2 * before - 5 * start + 4 * end - after) * t**2
        segments.append(0.5 * (linear + quadratic + (3 * start - before - 3 * end + after) * t**3))
    return np.concatenate([*segments, points[-1:]])


def arc_length(points: np.ndarray) -> np.ndarray:
    """The length of the polyline ``points`` (m, 2) up to each point, float64 (m,), starting with 0."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])


def closest_on_polyline(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """For each of ``points`` (p, 2) the nearest point of the polyline ``line`` (m, 2) -> (p, 2)."""
    starts, steps = line[:-1], line[1:] - line[:-1]
    share = np.clip(((points[:, None] - starts) * steps).sum(-1) / (steps**2).sum(-1), 0, 1)
    candidates = starts + share[..., None] * steps
    nearest = ((candidates - points[:, None]) ** 2).sum(-1).argmin(1)
    picked: np.ndarray = candidates[np.arange(len(points)), nearest]
    return picked


class EdgePaths:
    """Shortest paths along the edges of the face between landmarks: they follow the rims of lids and lips."""

    def __init__(self, model: FaceModel) -> None:
        self._mean, self._landmarks = model.mean, model.landmarks
        self._neighbours: dict[int, set[int]] = {}
        face = model.triangles[model.triangle_part == Part.FACE]
        for first, second in ((0, 1), (1, 2), (2, 0)):
            for i, j in face[:, [first, second]]:
                self._neighbours.setdefault(int(i), set()).add(int(j))
                self._neighbours.setdefault(int(j), set()).add(int(i))

    def path(self, landmarks: Sequence[int]) -> list[int]:
        """The vertices of the shortest path that visits ``landmarks`` (of 68) in order."""
        stops = [int(self._landmarks[number]) for number in landmarks]
        route = stops[:1]
        for start, end in itertools.pairwise(stops):
            route += self._shortest(start, end)[1:]
        return route

    def _shortest(self, start: int, end: int) -> list[int]:
        distance, previous, heap = {start: 0.0}, dict[int, int](), [(0.0, start)]
        while heap:
            so_far, here = heapq.heappop(heap)
            if here == end:
                break
            for there in self._neighbours[here]:
                length = so_far + float(np.linalg.norm(self._mean[here] - self._mean[there]))
                if length < distance.get(there, 1e9):
                    distance[there], previous[there] = length, here
                    heapq.heappush(heap, (length, there))
        route = [end]
        while route[-1] != start:
            route.append(previous[route[-1]])
        return route[::-1]

    def sample(self, landmarks: Sequence[int], count: int) -> list[int]:
        """``count`` vertices of the path, those closest to equal arc length as seen from the front."""
        path = self.path(landmarks)
        length = arc_length(self._mean[path][:, :2])
        return [path[int(np.abs(length - step).argmin())] for step in np.linspace(0, length[-1], count)]
