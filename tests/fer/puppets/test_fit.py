"""Fitting the face to a template whose camera is known."""

from __future__ import annotations

import numpy as np
import pytest

from fer.puppets.facekit import FaceModel, Part
from fer.puppets.fit import RIMS, SOFT_TEMPLATE, Matches, build_matches, fit_photo, rim_targets
from fer.puppets.sitter import Sitter


@pytest.fixture(scope="module")
def matches(model: FaceModel, template: np.ndarray) -> Matches:
    return build_matches(model, template.astype(np.float64))


def test_rims_are_matched_to_the_vertices_beneath_them(
    model: FaceModel, matches: Matches, template: np.ndarray, sitter: Sitter
) -> None:
    targets = rim_targets(template.astype(np.float64))
    assert len(targets) == len(matches.rims) == sum(rim.samples for rim in RIMS) + 9
    distance = np.linalg.norm(sitter.texture_points[matches.rims] - targets, axis=1)
    assert np.median(distance) < 0.3 * sitter.photo.scale, "less than the spacing of the mesh"
    assert np.array_equal(matches.jaw, model.landmarks[:17])


def test_soft_points_find_visible_vertices(model: FaceModel, matches: Matches) -> None:
    assert set(matches.soft_template) <= set(SOFT_TEMPLATE)
    assert len(matches.soft) > 0.8 * len(SOFT_TEMPLATE)
    assert np.all(model.vertex_part[matches.soft] <= Part.HEAD)


def test_the_camera_follows_the_template(model: FaceModel, matches: Matches, template: np.ndarray) -> None:
    points = template.astype(np.float64)
    before = fit_photo(model, matches, points)
    after = fit_photo(model, matches, 1.2 * points + [30, -20])
    assert after.camera.scale == pytest.approx(1.2 * before.camera.scale, rel=0.01)
    seen, moved = before.camera.look(model.mean[:20]), after.camera.look(model.mean[:20])
    assert np.allclose(moved, 1.2 * seen + [30, -20], atol=3)
    assert np.allclose(before.camera.rotation @ before.camera.rotation.T, np.eye(3), atol=1e-9)


def test_the_corrected_face_lies_on_the_template(model: FaceModel, matches: Matches, template: np.ndarray) -> None:
    points = template.astype(np.float64)
    fit = fit_photo(model, matches, points)
    whole = model.mean + np.tensordot(fit.coefficients, model.identity, 1)
    seen = fit.camera.look(whole) + fit.correction
    _, once = np.unique(matches.rims, return_index=True)  # a vertex that is matched twice obeys its first point
    error = np.linalg.norm(seen[matches.rims] - rim_targets(points), axis=1)[once]
    assert np.median(error) < 0.5
    assert fit.correction.shape == (len(model.mean), 2)


def test_a_stiffer_identity_stays_nearer_to_the_mean(model: FaceModel, matches: Matches, template: np.ndarray) -> None:
    points = template.astype(np.float64)
    soft, stiff = (fit_photo(model, matches, points, stiffness).coefficients for stiffness in (1.0, 100.0))
    assert np.linalg.norm(stiff) < 0.5 * np.linalg.norm(soft)
