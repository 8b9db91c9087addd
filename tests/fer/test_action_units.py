"""The names of the Action Units, what is known of them, and how readings agree."""

from __future__ import annotations

import pytest
import torch

from fer.action_units import (
    ACTION_UNITS,
    ACTIONS,
    APART,
    AU_INDEX,
    KNOWN_UNITS,
    TOGETHER,
    TYPICAL,
    Part,
    contradictions,
    knowledge_table,
    opposed,
    typical_units,
)
from fer.agreement import icc
from fer.types import EMOTIONS, ActionUnits, Emotion


def test_there_are_23_action_units_with_different_words() -> None:
    assert len(ACTION_UNITS) == 23
    assert (AU_INDEX["AU1"], AU_INDEX["AU12"], AU_INDEX["AU43"]) == (0, 8, 22)
    assert len({action.seen for action in ACTIONS.values()} | {a.muscle for a in ACTIONS.values()}) == 46


def test_the_table_says_what_the_paper_says() -> None:
    table = knowledge_table()
    assert table.shape == (8, 23)
    assert len(KNOWN_UNITS) == 17
    happiness = table[EMOTIONS.index(Emotion.HAPPINESS)]
    of = {part: {n for n in ACTION_UNITS if happiness[AU_INDEX[n]] == part} for part in Part}
    assert of[Part.PRIMARY] == {"AU6", "AU12"}
    assert of[Part.SECONDARY] == {"AU7", "AU25"}
    assert of[Part.UNKNOWN] == {"AU14", "AU18", "AU22", "AU27", "AU28", "AU43"} == set(ACTION_UNITS) - set(KNOWN_UNITS)
    counts = [[int((table[row] == part).sum()) for part in Part] for row in range(8)]
    names = [*EMOTIONS]
    assert dict(zip(names, counts, strict=True)) == {  # unknown, absent, secondary, primary
        "neutral": [6, 17, 0, 0],
        "happiness": [6, 13, 2, 2],
        "surprise": [6, 11, 1, 5],
        "sadness": [6, 11, 3, 3],
        "anger": [6, 11, 2, 4],
        "disgust": [6, 13, 2, 2],
        "fear": [6, 9, 2, 6],
        "contempt": [23, 0, 0, 0],
    }
    assert {name for pair in (*TOGETHER, *APART) for name in pair} <= set(KNOWN_UNITS)


def test_icc_of_an_example_worked_out_by_hand() -> None:
    """Rows (1, 2), (2, 4), (3, 3), (4, 7): means 2.5 and 4, grand mean 3.25.

    Between faces: 2 * ((1.5 - 3.25)^2 + (3 - 3.25)^2 + (3 - 3.25)^2 + (5.5 - 3.25)^2) / 3 = 5.5. Between readings:
    4 * (0.75^2 + 0.75^2) = 4.5. In all: 5.0625 + 1.5625 + 1.5625 + 0.5625 + 0.0625 + 0.0625 + 0.5625 + 14.0625 = 23.5.
    The rest: 23.5 - 16.5 - 4.5 = 2.5, over 3. ICC(3,1) = (5.5 - 2.5 / 3) / (5.5 + 2.5 / 3) = 14 / 19.
    """
    first, second = torch.tensor([[1.0], [2], [3], [4]]), torch.tensor([[2.0], [4], [3], [7]])
    assert float(icc(first, second)) == pytest.approx(14 / 19, abs=1e-6)


def test_icc_forgives_a_constant_and_nothing_else() -> None:
    x = torch.tensor([[0.0, 0.0, 0.0, 0.2], [1.0, 1.0, 1.0, 0.2], [0.5, 0.5, 0.5, 0.2]])
    y = x * torch.tensor([1.0, -1.0, 0.5, 1.0]) + torch.tensor([0.3, 0.0, 0.0, 0.1])
    found = icc(x, y)
    assert found[:3].tolist() == pytest.approx([1.0, -1.0, 2 * 0.5 / 1.25])
    assert bool(found[3].isnan())
    assert float(icc(x, torch.zeros_like(x))[0]) == 0  # who always says nothing agrees in nothing


def test_weights_count_faces_more_than_once() -> None:
    torch.manual_seed(0)
    x, y = torch.rand(5, 2), torch.rand(5, 2)
    weights = torch.tensor([[1.0, 1, 1, 1, 1], [2, 0, 1, 0, 2]])
    found = icc(x, y, weights)
    rows = [0, 0, 2, 4, 4]
    assert torch.allclose(found[0], icc(x, y), atol=1e-6)
    assert torch.allclose(found[1], icc(x[rows], y[rows]), atol=1e-6)


def test_action_units_check_their_shape_and_range() -> None:
    units = ActionUnits(torch.tensor([[0.0, 1.0], [0.25, 0.5]]), ("AU1", "AU2"))
    assert units.as_dict(1) == {"AU1": 0.25, "AU2": 0.5}
    with pytest.raises(ValueError, match=r"must be \(B, 2\), got \(1, 3\)"):
        ActionUnits(torch.zeros(1, 3), ("AU1", "AU2"))
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
            ActionUnits(torch.tensor([[wrong]]), ("AU1",))


def test_typical_units_grow_with_the_degree_and_never_pass_one() -> None:
    smile = typical_units(torch.tensor([[1.0] + [0.0] * 6, [0.5] + [0.0] * 6]))
    assert smile.shape == (2, 23)
    assert float(smile[0, AU_INDEX["AU12"]]) == 1
    assert torch.allclose(smile[1], smile[0] / 2)
    assert set(torch.nonzero(smile[0])[:, 0].tolist()) == {AU_INDEX[name] for name in ("AU6", "AU10", "AU12")}
    assert float(typical_units(torch.ones(1, 7)).max()) == 1
    assert not typical_units(torch.zeros(1, 7)).any()


def test_opposed_units_are_those_of_two_sides() -> None:
    assert opposed("AU5", "AU43")
    assert opposed("AU24", "AU25")
    assert opposed("AU28", "AU18")
    assert not opposed("AU25", "AU26")
    assert not opposed("AU5", "AU5")
    assert not opposed("AU1", "AU12")


def test_contradictions_are_opposed_units_that_are_both_at_work() -> None:
    strengths = {"AU24": 0.2, "AU26": 1.0, "AU27": 0.19, "AU12": 0.9, "AU18": 0.5}
    assert contradictions(strengths) == [("AU12", "AU18"), ("AU18", "AU24"), ("AU24", "AU26")]
    assert contradictions({"AU26": 0.2, "AU27": 0.2}) == [("AU26", "AU27")]
    assert [contradictions(strengths) for strengths in TYPICAL.values()] == [[]] * 7
