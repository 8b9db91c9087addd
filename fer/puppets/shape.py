"""From a person and an expression to a posed mesh on the canvas: lids that close, geometry, shading per vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer.puppets.expression import Expression, blend_weights
from fer.puppets.people import Person
from fer.puppets.raster import vertex_normals
from fer.puppets.rig import Eye, Rig, turn_head

SQUINTS = ("eyeSquint", "cheekSquint", "cheekRaiser")
AMBIENT = 0.35
DARKEST, LIGHTEST = -0.8, 0.22  # of the shading change, in log units


@dataclass(frozen=True, eq=False)
class Shape:
    """A posed mesh of n vertices.

    weights: float32 (E,), of the blendshapes, fitted to the person's eyes. points: float32 (n, 2) px on the canvas.
    depth: float32 (n,) cm, larger is nearer. texture_points: float32 (n, 2) px in the photographs of the host and of
    each source. shading: float32 (n,), log change of light. facing: float32 (n,), the normal's share towards the
    viewer. stretched: float32 (n,) in [0, 1], lids whose skin is stretched.
    """

    weights: np.ndarray
    points: np.ndarray
    depth: np.ndarray
    texture_points: list[np.ndarray]
    shading: np.ndarray
    facing: np.ndarray
    stretched: np.ndarray


def make_shape(rig: Rig, person: Person, expression: Expression, turn: np.ndarray, to_canvas: np.ndarray) -> Shape:
    """turn: rotation vector (3,) rad of the head. to_canvas: (2, 3), pixels of the host's photograph to the canvas."""
    model = rig.model
    asked = blend_weights(expression, model.blendshape_names)
    lashes = sum(eye.lashes * asked[eye.blink] for eye in rig.eyes)
    weights, texture_points = _close_lids(rig, person, asked)
    moved = _displacement(model.blendshapes, weights)
    projected = person.host.project(turn_head(rig, person.vertices + moved, turn))
    affine = np.asarray(to_canvas, np.float32)
    normals = vertex_normals((model.mean + moved).astype(np.float32), model.triangles)
    lids = sum(eye.lid_shift * weights[eye.blink] for eye in rig.eyes)
    return Shape(
        weights=weights,
        points=(projected[:, :2] @ affine[:, :2].T + affine[:, 2]).astype(np.float32),
        depth=projected[:, 2].copy(),
        texture_points=texture_points,
        shading=_shading(rig, person, normals, np.asarray(lashes), weights),
        facing=normals[:, 2],
        stretched=np.clip(3.5 * np.asarray(lids) - 0.25, 0, 1),
    )


def landmark_points(rig: Rig, person: Person, expression: Expression, turn: np.ndarray) -> np.ndarray:
    """The 68 landmarks of an expression in pixels of the host's photograph, float32 (68, 2)."""
    model = rig.model
    weights = blend_weights(expression, model.blendshape_names)
    active = np.nonzero(weights)[0]
    vertices = person.vertices.copy()
    vertices[model.landmarks] += np.tensordot(weights[active], model.blendshapes[active][:, model.landmarks], 1)
    return person.host.project(turn_head(rig, vertices, turn))[model.landmarks, :2]


def _displacement(blendshapes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What weights move the vertices by, float32 (n, 3) cm."""
    active = np.nonzero(np.abs(weights) > 1e-4)[0]
    if not len(active):
        return np.zeros(blendshapes.shape[1:], np.float32)
    moved: np.ndarray = np.tensordot(weights[active], blendshapes[active], 1)
    return moved


def _close_lids(rig: Rig, person: Person, asked: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Fit blinks and squints to how far the person's eyes are open -> weights, texture points of host and sources."""
    sitters = [person.host, *(sitter for sitter, _ in person.sources)]
    points, weights = [sitter.texture_points for sitter in sitters], asked.copy()
    for eye in rig.eyes:
        opening = person.vertices[eye.upper, 1].mean() - person.vertices[eye.lower, 1].mean()
        _soften_squints(rig, eye, opening, weights)
        blink = float(weights[eye.blink])
        if weights[eye.blink] < 1e-4:
            continue
        lid_path = rig.model.blendshapes[eye.blink]
        closing = lid_path[eye.lower, 1].mean() - lid_path[eye.upper, 1].mean()
        weights[eye.blink] = blink * float(np.clip(1.04 * opening / closing, 0.6, 1.5))
        for number, sitter in enumerate(sitters):
            shift = eye.lid_shift * blink * sitter.photo.scale
            points[number] = points[number] - np.stack([np.zeros_like(shift), shift], 1)
    return weights, points


def _soften_squints(rig: Rig, eye: Eye, opening: np.floating, weights: np.ndarray) -> None:
    """Lower the squints of one eye in place: a narrow eye must not shut on them."""
    mean = rig.model.mean
    narrow = np.clip(opening / (mean[eye.upper, 1].mean() - mean[eye.lower, 1].mean()), 0.45, 1.15)
    for name in SQUINTS:
        share = narrow if name == "eyeSquint" else min(1.0, 0.4 + 0.6 * narrow)
        weights[rig.model.blendshape_index[f"{name}_{eye.side}"]] *= share


def _shading(rig: Rig, person: Person, normals: np.ndarray, lashes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Log change of light per vertex, float32 (n,): the smooth mean head, since fitted ones may fold triangles."""
    light = np.array(person.light, np.float32)
    light /= np.linalg.norm(light)
    lit, before = (AMBIENT + np.maximum(surface @ light, 0) for surface in (normals, rig.normals))
    shading = person.relief * np.log(lit / before)
    shading = shading - 1.1 * np.maximum(lashes - 0.3, 0)
    for eye in rig.eyes:  # lowered lids face down
        shading = shading - 0.25 * eye.lid_shift * min(1.0, float(weights[eye.blink]))
    side = np.asarray(person.side_light, np.float32)
    out: np.ndarray = (np.clip(shading, DARKEST, LIGHTEST) + normals @ side - side[2]) * rig.rim
    return out
