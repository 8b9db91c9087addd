"""Action Units to blendshape weights, and the expressions that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from fer.action_units import ACTION_UNITS, AU_INDEX, opposed
from fer.puppets.expression import (
    PROTOTYPES,
    Expression,
    blend_weights,
    class_shares,
    make_expression,
    needed_blendshapes,
    sample_action_units,
    sample_expression,
)
from fer.types import EMOTIONS, Emotion

NAMES = sorted(needed_blendshapes())


def weights(expression: Expression) -> dict[str, float]:
    return {name: float(w) for name, w in zip(NAMES, blend_weights(expression, NAMES), strict=True) if w}


def test_no_expression_weighs_nothing() -> None:
    assert weights(make_expression({})) == {}


def test_weights_of_single_action_units() -> None:
    assert weights(make_expression({"AU12": 1})) == pytest.approx(
        {"mouthSmile_L": 1.0, "mouthSmile_R": 1.0, "mouthDimple_L": 0.1, "mouthDimple_R": 0.1}
    )
    assert weights(make_expression({"AU26": 0.5})) == pytest.approx({"jawOpen": 0.19})


def test_an_open_smile_bares_the_teeth() -> None:
    both = weights(make_expression({"AU12": 1, "AU25": 1}))
    assert both["jawOpen"] == pytest.approx(0.05 + 0.06)
    assert both["mouthUpperUp_L"] == pytest.approx(0.28 + 0.22)
    assert both["mouthLowerDown_R"] == pytest.approx(0.38 + 0.15)


def test_raised_inner_brows_hold_against_the_frown() -> None:
    assert weights(make_expression({"AU4": 1}))["browDown_L"] == pytest.approx(1.5)
    assert weights(make_expression({"AU1": 1, "AU4": 1}))["browDown_L"] == pytest.approx(1.5 * 0.45)


def test_weights_are_capped() -> None:
    everything = weights(make_expression(dict.fromkeys(ACTION_UNITS, 1.0)))
    assert everything["eyeSquint_L"] == pytest.approx(1.5)  # 0.1 + 0.45 + 1.15 + 0.2
    assert everything["jawOpen"] == pytest.approx(1.1)


def test_sides_are_weighed_apart() -> None:
    left, right = np.zeros(23, np.float32), np.zeros(23, np.float32)
    left[AU_INDEX["AU12"]] = 0.8
    found = weights(Expression(Emotion.CONTEMPT, 1.0, left, right))
    assert found == pytest.approx({"mouthSmile_L": 0.8, "mouthDimple_L": 0.08})
    assert Expression(Emotion.CONTEMPT, 1.0, left, right).strengths[AU_INDEX["AU12"]] == pytest.approx(0.4)


def test_every_emotion_has_a_prototype_of_known_action_units() -> None:
    assert tuple(PROTOTYPES) == EMOTIONS
    for variants in PROTOTYPES.values():
        for name, probability, low, high in (ingredient for variant in variants for ingredient in variant):
            assert name in ACTION_UNITS
            assert 0 < probability <= 1
            assert 0 < low < high <= 1


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_drawn_strengths_stay_in_range(emotion: Emotion) -> None:
    for seed in range(60):
        drawn = sample_expression(np.random.default_rng(seed), emotion, 1.0)
        for side in (drawn.left, drawn.right):
            assert side.shape == (23,)
            assert side.dtype == np.float32
            assert side.min() >= 0
            assert side.max() <= 1
        assert drawn.left[AU_INDEX["AU43"]] == drawn.right[AU_INDEX["AU43"]], "both eyes blink together"


def test_a_smile_always_pulls_the_corners() -> None:
    for seed in range(40):
        drawn = sample_expression(np.random.default_rng(seed), Emotion.HAPPINESS, 1.0)
        assert drawn.strengths[AU_INDEX["AU12"]] > 0.4


def test_contempt_is_one_sided() -> None:
    for seed in range(40):
        drawn = sample_expression(np.random.default_rng(seed), Emotion.CONTEMPT, 1.0)
        sides = sorted((float(drawn.left[AU_INDEX["AU14"]]), float(drawn.right[AU_INDEX["AU14"]])))
        assert sides[0] <= 0.7 * sides[1]


def test_drawing_depends_on_the_seed_alone() -> None:
    first, again, other = (sample_expression(np.random.default_rng(s), Emotion.FEAR, 0.7) for s in (3, 3, 4))
    assert np.array_equal(first.left, again.left)
    assert first.gaze == again.gaze
    assert not np.array_equal(first.left, other.left)


def test_class_shares_are_worked_out_from_the_prototypes() -> None:
    shares = class_shares()
    assert shares[AU_INDEX["AU18"]] == shares[AU_INDEX["AU28"]] == 0
    assert shares[AU_INDEX["AU12"]] == pytest.approx((1 + 0.7) / 8)  # happiness, contempt
    assert shares[AU_INDEX["AU27"]] == pytest.approx(0.3 / 2 / 8)


def test_units_are_drawn_on_purpose_the_rare_ones_more_often() -> None:
    drawn = [sample_action_units(np.random.default_rng(seed)) for seed in range(1500)]
    strong = np.array([expression.strengths for expression in drawn]) >= 0.2
    counts = strong.sum(0)
    assert counts.min() >= 30  # every Action Unit, at least 2 in 100
    assert counts[AU_INDEX["AU18"]] > 2.5 * counts[AU_INDEX["AU25"]]
    assert 0.25 < (strong.sum(1) == 1).mean() < 0.6
    for row in strong:
        names = [name for name, shown in zip(ACTION_UNITS, row, strict=True) if shown and name != "AU43"]
        assert not any(opposed(one, other) for one in names for other in names)
    assert {expression.emotion for expression in drawn} == {Emotion.NEUTRAL}
    assert all(0 <= side.min() <= side.max() <= 1 for e in drawn for side in (e.left, e.right))
