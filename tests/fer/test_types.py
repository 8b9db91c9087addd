"""The values that move between the parts check themselves."""

from __future__ import annotations

import math

import pytest
import torch

from fer.errors import FerError, RegistryError
from fer.registry import Citation, spec, specs
from fer.types import EMOTIONS, Emotion, Face, Prediction, TargetSpace


def test_canonical_order() -> None:
    assert [str(e) for e in EMOTIONS] == [
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
    ]


def test_prediction_reads_rows() -> None:
    probs = torch.zeros(2, 8)
    probs[0, 3], probs[0, 0], probs[1, 1] = 0.75, 0.25, 1.0
    prediction = Prediction(probs)
    assert prediction.top(0) == (Emotion.SADNESS, 0.75)
    assert prediction.as_dict(1)["happiness"] == 1.0
    assert list(prediction.as_dict(0)) == [str(e) for e in EMOTIONS]


def test_probabilities_are_the_softmax_over_a_temperature() -> None:
    logits = torch.tensor([[2 * math.log(7.0), *[0.0] * 7]])
    assert Prediction.of(logits, 2.0).probs[0].tolist() == pytest.approx([0.5, *[1 / 14] * 7])


@pytest.mark.parametrize("probs", [torch.ones(2, 8), torch.zeros(1, 8), torch.full((1, 7), 1 / 7)])
def test_prediction_refuses_what_is_no_distribution(probs: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="Prediction"):
        Prediction(probs)


def test_face_refuses_wrong_shapes() -> None:
    with pytest.raises(ValueError, match="pixels"):
        Face(torch.zeros(3, 8, 9), (0, 0, 1, 1), torch.zeros(5, 2), 1.0, torch.eye(2, 3))
    with pytest.raises(ValueError, match="landmarks"):
        Face(torch.zeros(3, 8, 8), (0, 0, 1, 1), torch.zeros(68, 2), 1.0, torch.eye(2, 3))


def test_face_size_is_the_longer_side() -> None:
    face = Face(torch.zeros(3, 8, 8), (10, 20, 40, 80), torch.zeros(5, 2), 1.0, torch.eye(2, 3))
    assert face.size_px == 60


@pytest.mark.parametrize("high", [(1.0, 0.0), (1.0, float("nan"))])
def test_target_space_refuses_empty_ranges(high: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="'b'"):
        TargetSpace(("a", "b"), (0.0, 0.0), high)


def test_registry_suggests_the_nearest_name() -> None:
    with pytest.raises(RegistryError, match=r'called "plane"\. Did you mean "plain"\? Choose one of: ') as caught:
        spec("plane")
    assert isinstance(caught.value, FerError)


def test_every_spec_is_under_its_own_name_and_cites_what_can_be_looked_up() -> None:
    for name, entry in specs().items():
        assert entry.name == name
        assert all(c.arxiv or c.doi for c in entry.citations)
    with pytest.raises(ValueError, match="arXiv id or a DOI"):
        Citation("A title", "Somebody", 2020)


def test_targets_outside_of_the_space_are_refused() -> None:
    space = TargetSpace(("smile", "frown"), (0.0, -1.0), (1.0, 1.0))
    inside = torch.tensor([[0, -1], [1, 1]])
    assert space.checked(inside, 2).dtype == torch.float32
    assert torch.equal(space.checked(inside, 2), inside.float())
    with pytest.raises(ValueError, match=r"must be \(3, 2\), not \(2, 2\)"):
        space.checked(inside, 3)
    with pytest.raises(ValueError, match="can be asked for: frown from -1 to 1"):
        space.checked(torch.tensor([[0.5, 1.5]]), 1)
    with pytest.raises(ValueError, match="smile from 0 to 1"):
        space.checked(torch.tensor([[torch.nan, 0.0]]), 1)
