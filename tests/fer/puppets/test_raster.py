"""The rasteriser against closed forms."""

from __future__ import annotations

import numpy as np

from fer.puppets.raster import FAR, interpolate, rasterise, relax, vertex_normals

# A right triangle over pixel centres; counter-clockwise on the screen, so that it faces the viewer.
CORNERS = np.array([[0, 0], [0, 4], [4, 0]], np.float32)
FACING = np.array([[0, 1, 2]], np.int32)


def test_a_triangle_covers_the_pixel_centres_inside_it() -> None:
    number, weights, depth = rasterise(CORNERS, np.zeros(3, np.float32), FACING, 6, 6)
    rows, columns = np.mgrid[0:6, 0:6]
    inside = rows + columns <= 4  # its border counts
    assert np.array_equal(number >= 0, inside)
    assert np.all(depth[~inside] == np.float32(FAR))
    assert np.allclose(weights[1, 2], [1 - 3 / 4, 1 / 4, 2 / 4])
    assert np.allclose(weights[inside].sum(1), 1, atol=1e-6)


def test_back_faces_are_culled() -> None:
    number, _, _ = rasterise(CORNERS, np.zeros(3, np.float32), FACING[:, ::-1].copy(), 6, 6)
    assert np.all(number == -1)


def test_the_nearest_triangle_wins_whatever_their_order() -> None:
    points, depth = np.concatenate([CORNERS, CORNERS]), np.array([1, 1, 1, 2, 2, 2], np.float32)
    for triangles, winner in (([[0, 1, 2], [3, 4, 5]], 1), ([[3, 4, 5], [0, 1, 2]], 0)):
        number, _, nearest = rasterise(points, depth, np.array(triangles, np.int32), 6, 6)
        assert np.all(number[number >= 0] == winner)
        assert np.allclose(nearest[number >= 0], 2)


def test_crossing_triangles_swap_where_they_cross() -> None:
    points = np.concatenate([CORNERS, CORNERS])
    depth = np.array([0, 0, 4, 1.5, 1.5, 1.5], np.float32)  # the first rises with x, the second is level
    number, _, _ = rasterise(points, depth, np.array([[0, 1, 2], [3, 4, 5]], np.int32), 6, 6)
    assert number[0, :5].tolist() == [1, 1, 0, 0, 0]


def test_what_lies_outside_the_picture_is_cut_off() -> None:
    number, _, _ = rasterise(CORNERS - 2, np.zeros(3, np.float32), FACING, 3, 3)
    rows, columns = np.mgrid[0:3, 0:3]
    assert np.array_equal(number >= 0, rows + columns <= 0)


def test_interpolation_reproduces_a_linear_function() -> None:
    values = np.c_[2 * CORNERS[:, 0] - CORNERS[:, 1] + 3, np.ones(3)].astype(np.float32)
    number, weights, _ = rasterise(CORNERS, np.zeros(3, np.float32), FACING, 6, 6)
    out = interpolate(values, FACING, number, weights)
    rows, columns = np.mgrid[0:6, 0:6]
    hit = number >= 0
    assert np.allclose(out[..., 0][hit], (2 * columns - rows + 3)[hit], atol=1e-5)
    assert np.all(out[~hit] == 0)


def test_normals_of_a_plane_and_of_a_roof() -> None:
    plane = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    assert np.allclose(vertex_normals(plane, FACING), [0, 0, 1])
    roof = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, -1]], np.float32)  # 0-1-2 level, 0-2-3 falls to the left
    normals = vertex_normals(roof, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    ridge = np.array([-1, 0, 2]) / np.sqrt(5)  # the sum of (0, 0, 1) and (-1, 0, 1)
    assert np.allclose(normals[0], ridge, atol=1e-6)
    assert np.allclose(normals[1], [0, 0, 1], atol=1e-6)


def test_a_membrane_between_two_fixed_sides_is_linear() -> None:
    field, fixed = np.zeros((5, 9, 2), np.float32), np.zeros((5, 9), bool)
    fixed[:, [0, -1]] = True
    field[:, -1] = 8
    relax(field, fixed, np.zeros_like(field), 0.0, 400)
    assert np.allclose(field, np.arange(9)[None, :, None], atol=1e-3)


def test_a_strong_pull_brings_the_membrane_to_its_hint() -> None:
    field, hint = np.zeros((4, 4, 2), np.float32), np.full((4, 4, 2), 3, np.float32)
    relax(field, np.zeros((4, 4), bool), hint, 1e6, 2)
    assert np.allclose(field, 3, atol=1e-4)
