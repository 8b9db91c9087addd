"""Frames of the painted sitter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer.puppets.expression import Expression, make_expression
from fer.puppets.people import Person, plain_person
from fer.puppets.render import Frame, render
from fer.puppets.rig import Rig, turn_head
from fer.puppets.sample import ALIGNMENT_POINTS, alignment, five_points
from fer.puppets.sitter import Sitter

SIZE = 192
STILL = np.zeros(3)
NEUTRAL = make_expression({})


@pytest.fixture(scope="module")
def person(sitter: Sitter) -> Person:
    return plain_person(sitter, crease_depth=1.0)


def shot(rig: Rig, person: Person, expression: Expression, turn: np.ndarray = STILL) -> Frame:
    align = alignment(rig, person, NEUTRAL, STILL, SIZE)
    return render(rig, person, expression, turn, align, SIZE)


def test_neutral_is_the_photograph(rig: Rig, person: Person) -> None:
    import cv2

    frame = shot(rig, person, NEUTRAL)
    align = alignment(rig, person, NEUTRAL, STILL, SIZE)
    photograph = cv2.warpAffine(person.host.picture, align, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    difference = np.abs(frame.picture - photograph).max(2)
    mouth = slice(int(0.6 * SIZE), int(0.8 * SIZE))
    difference[mouth, int(0.4 * SIZE) : int(0.6 * SIZE)] = 0  # this mesh has its mouth open
    assert np.percentile(difference, 95) < 4


def test_landmarks_lie_in_their_places(rig: Rig, person: Person) -> None:
    smile = make_expression({"AU12": 1.0})
    align = alignment(rig, person, smile, STILL, SIZE)
    frame = render(rig, person, smile, STILL, align, SIZE)
    found = five_points(frame.landmarks) / SIZE
    assert np.allclose(found.mean(0), ALIGNMENT_POINTS.mean(0), atol=1e-4)
    assert np.abs(found - ALIGNMENT_POINTS).max() < 0.03


def test_a_smile_moves_the_corners_of_the_mouth_and_little_else(rig: Rig, person: Person) -> None:
    before, after = shot(rig, person, NEUTRAL), shot(rig, person, make_expression({"AU12": 1.0}))
    moved = after.landmarks - before.landmarks
    assert moved[48, 0] < -1
    assert moved[54, 0] > 1
    assert np.all(moved[[48, 54], 1] < -1)
    assert np.abs(moved[36:48]).max() < 0.1
    change = np.abs(after.picture - before.picture).max(2)
    assert change[int(0.6 * SIZE) : int(0.85 * SIZE)].mean() > 5 * change[: int(0.45 * SIZE)].mean()


def test_an_open_mouth_shows_its_inside(rig: Rig, person: Person) -> None:
    frame = shot(rig, person, make_expression({"AU27": 1.0}))
    neutral = shot(rig, person, NEUTRAL)
    lips = frame.landmarks[60:68].mean(0).round().astype(int)
    assert frame.landmarks[66, 1] - frame.landmarks[62, 1] > 5 + neutral.landmarks[66, 1] - neutral.landmarks[62, 1]
    assert frame.picture[lips[1], lips[0]].mean() < 120


def test_a_blink_closes_the_eyes_of_narrow_and_wide_people(rig: Rig, person: Person) -> None:
    for stretch in (0.7, 1.0):
        vertices = person.vertices.copy()
        near_eye = (np.abs(vertices[:, 1] - 3) < 1) & (np.abs(np.abs(vertices[:, 0]) - 3.25) < 1.5)
        vertices[near_eye, 1] = 3 + stretch * (vertices[near_eye, 1] - 3)
        frame = shot(rig, replace(person, vertices=vertices), make_expression({"AU43": 1.0}))
        gap = frame.landmarks[[41, 40, 47, 46], 1] - frame.landmarks[[37, 38, 43, 44], 1]
        assert np.all(np.abs(gap) < 1.5)


def test_a_turned_head_keeps_its_neck(rig: Rig, person: Person) -> None:
    turned = turn_head(rig, person.vertices, np.array([0, 0.2, 0]))
    base, head = person.vertices[:, 1] < -13.9, person.vertices[:, 1] > -8
    moved = np.linalg.norm(turned - person.vertices, axis=1)
    assert np.all(moved[base] < 0.3)
    nose = rig.model.landmarks[30]
    assert turned[nose, 0] == pytest.approx(8 * np.sin(0.2), abs=0.01)  # the nose is 8 cm before the pivot
    distance = np.linalg.norm(turned[head] - [0, -4, -3], axis=1)
    assert np.allclose(distance, np.linalg.norm(person.vertices[head] - [0, -4, -3], axis=1), atol=1e-4)


def test_a_side_light_brightens_its_side(rig: Rig, person: Person) -> None:
    plain = shot(rig, person, NEUTRAL).picture
    lit = shot(rig, replace(person, side_light=(0.5, 0.0, 0.0)), NEUTRAL).picture
    gain = (lit - plain).mean(2)
    cheek = slice(int(0.5 * SIZE), int(0.6 * SIZE))
    assert gain[cheek, int(0.7 * SIZE) : int(0.75 * SIZE)].mean() > 2
    assert gain[cheek, int(0.25 * SIZE) : int(0.3 * SIZE)].mean() < -2


def test_gaze_moves_the_iris(rig: Rig, person: Person) -> None:
    ahead = shot(rig, person, NEUTRAL).picture
    aside = shot(rig, person, replace(NEUTRAL, gaze=(0.5, 0.0))).picture
    eye = np.s_[int(0.37 * SIZE) : int(0.41 * SIZE), int(0.28 * SIZE) : int(0.42 * SIZE)]
    columns = np.arange(aside[eye].shape[1])

    def iris(picture: np.ndarray) -> float:
        dark = (255 - picture[eye].mean(2)).clip(100) - 100
        return float((dark * columns).sum() / dark.sum())

    assert iris(aside) - iris(ahead) > 0.5
