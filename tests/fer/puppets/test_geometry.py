"""Similarities, splines, curves and edge paths against closed forms."""

from __future__ import annotations

import numpy as np

from fer.puppets.facekit import FaceModel
from fer.puppets.geometry import EdgePaths, arc_length, closest_on_polyline, compose, curve, similarity, thin_plate


def test_a_similarity_is_recovered_and_composed() -> None:
    points = np.array([[0.0, 0], [2, 0], [1, 3], [4, 5]])
    quarter_turn = np.array([[0.0, -2, 5], [2, 0, -1]])  # by 90 degrees, twice as large
    moved = points @ quarter_turn[:, :2].T + quarter_turn[:, 2]
    assert np.allclose(similarity(points, moved), quarter_turn)
    assert np.allclose(compose(similarity(moved, points), quarter_turn), [[1, 0, 0], [0, 1, 0]])


def test_a_thin_plate_passes_through_its_points_and_keeps_planes() -> None:
    rng = np.random.default_rng(0)
    source, query = rng.uniform(0, 10, (12, 2)), rng.uniform(0, 10, (30, 2))
    values = rng.normal(size=(12, 2))
    assert np.allclose(thin_plate(source, values, source), values, atol=1e-6)
    plane = source @ [[2.0], [-1.0]] + 3
    assert np.allclose(thin_plate(source, plane, query), query @ [[2.0], [-1.0]] + 3, atol=1e-6)


def test_a_curve_keeps_its_ends_and_equal_steps() -> None:
    points = curve(np.array([[0.0, 0], [1, 2], [3, 3], [6, 3]]), 25)
    assert np.allclose(points[[0, -1]], [[0, 0], [6, 3]])
    steps = np.diff(arc_length(points))
    assert np.ptp(steps) < 0.02 * steps.mean()
    assert np.allclose(curve(np.array([[0.0, 0], [4, 0]]), 5), [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]])


def test_the_closest_points_of_a_corner() -> None:
    line = np.array([[0.0, 0], [2, 0], [2, 2]])
    points = np.array([[1.0, 1.5], [0.5, -1], [3, 1], [-1, -1]])
    assert np.allclose(closest_on_polyline(points, line), [[2, 1.5], [0.5, 0], [2, 1], [0, 0]])


def test_edge_paths_follow_the_rim_of_an_eye(model: FaceModel) -> None:
    paths = EdgePaths(model)
    upper = model.mean[paths.path((36, 37, 38, 39))]
    assert np.all(upper[:, 1] >= 3 - 1e-6), "the path stays above the corners of the eye"
    assert np.allclose(upper[[0, -1], :2], [[-4.5, 3], [-2, 3]])
    assert np.all(np.abs(np.diff(upper[:, :2], axis=0)) <= 0.5 + 1e-6), "from vertex to neighbouring vertex"
    sampled = paths.sample((36, 37, 38, 39), 3)
    assert [paths.path((36, 37, 38, 39)).index(vertex) for vertex in sampled] == sorted(
        paths.path((36, 37, 38, 39)).index(vertex) for vertex in sampled
    )
