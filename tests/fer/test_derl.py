"""DeRL: the residue's shapes, the frozen generator, the composition of moved and painted pixels."""

from __future__ import annotations

from typing import cast

import pytest
import torch

import fer
from fer.data.pairs import Pairs
from fer.errors import WeightsError
from fer.load import config_from
from fer.models.derl import RESIDUES, Derl, DerlConfig
from fer.models.derl_training import Critic
from fer.removal import left_over, pixel_weights, removal_rows
from fer.types import Emotion
from fer.warping import LARGEST_FLOW, compose
from fer.weights import find

TINY = DerlConfig(widths=(8, 8, 8, 8, 8), local_width=4, local_features=8)


def faces(count: int = 2, size: int = 128) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


def test_residue_has_four_levels_of_matching_size() -> None:
    made = Derl(TINY).generator(faces())
    assert [(a.shape[-1], b.shape[-1]) for a, b in made.pairs()] == [(64, 64), (32, 32), (16, 16), (8, 8)]


def test_untrained_generator_leaves_the_face_as_it_is() -> None:
    given = faces()
    assert torch.allclose(Derl(TINY).generator(given).neutral, given, atol=2e-3)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("residue", RESIDUES)
def test_generator_is_frozen_when_the_readers_learn(residue: str, known: bool) -> None:
    model = Derl(DerlConfig(widths=(8, 8, 8, 8, 8), local_width=4, local_features=8, residue=residue))
    made = model.generator(faces()) if known else None
    each, fused = model.votes(faces(), made)
    (torch.stack(each).sum() + fused.sum()).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert any(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in model.locals.parameters())
    assert len(each) == 4
    assert fused.shape == (2, 8)


def raw_output(size: int = 128) -> torch.Tensor:
    """Nothing painted, nothing moved, the mask shut."""
    raw = torch.zeros(1, 6, size, size)
    raw[:, 3] = -30.0
    return raw


def test_flow_moves_pixels_by_what_it_says() -> None:
    ramp = torch.linspace(-0.9, 0.9, 128).expand(1, 3, 128, 128)
    raw = raw_output()
    raw[:, 4] = torch.atanh(torch.tensor(4 / 64 / LARGEST_FLOW))  # four pixels to the right
    neutral, flow, mask = compose(ramp, raw)
    assert torch.allclose(flow[:, 0], torch.tensor(4.0), atol=1e-3)
    assert float(flow[:, 1].abs().max()) == 0.0
    assert torch.allclose(neutral[..., 20:100], ramp[..., 24:104], atol=1e-4)
    assert float(mask.max()) < 1e-6


def test_closed_mask_hides_the_paint_and_an_open_one_shows_it() -> None:
    given = faces(1)
    raw = raw_output()
    raw[:, :3] = 1.0
    assert torch.allclose(compose(given, raw)[0], given, atol=1e-5)
    raw[:, 3] = 30.0
    assert torch.allclose(compose(given, raw)[0], torch.tanh(torch.atanh(given) + 1.0), atol=1e-4)


def test_face_of_any_size_keeps_its_size() -> None:
    model = Derl(TINY).eval()
    edit = model.neutralize(faces(1, 300))
    assert edit.image.shape == (1, 3, 300, 300)
    assert edit.parts["residue.64"].shape == (1, 1, 64, 64)
    assert edit.parts["flow"].shape == (1, 2, 300, 300)
    assert torch.allclose(edit.parts["residue.pixel"], faces(1, 300) - edit.image, atol=1e-6)
    votes = [edit.parts[f"votes.{name}"] for name in (64, 32, 16, 8, "fusion")]
    assert all(float(vote.sum()) == pytest.approx(1.0, abs=1e-5) for vote in votes)


def test_mirrored_face_reads_the_same() -> None:
    model = Derl(TINY).eval()
    assert torch.allclose(model.recognize(faces()).probs, model.recognize(faces().flip(3)).probs, atol=1e-4)


def test_critic_scores_patches() -> None:
    assert Critic(2, (8, 8, 8))(faces(), faces()).shape == (2, 1, 16, 16)
    assert Critic(1, (8, 8, 8))(faces()).shape == (2, 1, 16, 16)


@pytest.mark.parametrize(
    "changes", [{"residue": "none"}, {"widths": (8, 8, 8)}, {"widths": (0,) * 5}, {"temperature": 0.0}]
)
def test_config_checks_itself(changes: dict[str, object]) -> None:
    with pytest.raises(WeightsError):
        config_from(DerlConfig, changes)


def pairs(emotions: list[int]) -> Pairs:
    count = len(emotions)
    neutral = torch.full((count, 3, 128, 128), 100, dtype=torch.uint8)
    unknown, units = torch.full((count, 68, 2), torch.nan), torch.full((count, 23), torch.nan)
    people, intensity = torch.arange(count), torch.ones(count)
    return Pairs(neutral + 20, neutral, torch.tensor(emotions), people, intensity, unknown, unknown, units)


def test_left_over_is_the_share_that_stays() -> None:
    happiness, sadness = list(Emotion).index(Emotion.HAPPINESS), list(Emotion).index(Emotion.SADNESS)
    measured = left_over(lambda x: x - 10 / 127.5, pairs([happiness, sadness, 0]))
    assert measured["left"] == pytest.approx(0.5, abs=0.01)
    assert set(measured) == {"left", "left_happiness", "left_sadness", "neutral_l1"}
    assert cast(float, left_over(lambda x: x, pairs([happiness]))["left"]) == pytest.approx(1.0)


def test_rows_to_look_at_hold_two_of_each_expression() -> None:
    given = pairs([1, 0, 1, 1, 3])
    faces, made, neutral = removal_rows(lambda x: x / 2, given)
    assert len(faces) == 3  # two happy ones and a sad one
    assert torch.equal(made, faces / 2)
    assert float((faces - neutral - 20 / 127.5).abs().max()) < 1e-6


def test_pixels_that_change_count_more_and_mild_expressions_too() -> None:
    neutral = torch.zeros(2, 3, 128, 128)
    face = neutral.clone()
    face[0, :, 60:70, 60:70] = 0.5
    face[1, :, 40:90, 40:90] = 0.5
    weights, pictures = pixel_weights(face, neutral)
    assert float(weights[0, 0, 65, 65] / weights[0, 0, 50, 64]) == pytest.approx(5.0)
    assert float(pictures[0]) > float(pictures[1])


@pytest.fixture(scope="module")
def astronaut() -> torch.Tensor:
    from skimage.data import astronaut as photograph

    return fer.stack(fer.detect(photograph()))


def test_bundled_weights_take_the_smile_from_the_astronaut(astronaut: torch.Tensor) -> None:
    """No photograph of hers was trained on. The judge is another recogniser, which saw no generated face."""
    edit = fer.load("derl").neutralize(astronaut)
    judge = fer.load("plain")
    before, after = judge.recognize(astronaut).as_dict(), judge.recognize(edit.image).as_dict()
    assert before["happiness"] > 0.95
    assert after["happiness"] < 0.5
    corner = edit.parts["residue.pixel"][..., :12, :12].abs().mean()
    mouth = edit.parts["residue.pixel"][..., 84:100, 48:80].abs().mean()
    assert float(mouth) > 3 * float(corner)


def test_bundled_weights_name_what_the_astronaut_shows(astronaut: torch.Tensor) -> None:
    model = fer.load("derl")
    assert model.recognize(astronaut).top()[0] is Emotion.HAPPINESS
    assert model.recognize(astronaut.mean(1, keepdim=True).expand(-1, 3, -1, -1)).top()[0] is Emotion.HAPPINESS


def test_card_of_the_bundled_weights() -> None:
    card = find("derl").card
    assert card["bytes"] < 10_000_000
    assert card["parameters"] < 5_000_000
    assert {"data", "command", "seed", "steps", "hours", "hardware", "licence", "limits", "metrics"} <= set(card)


def test_a_neutral_face_stays_neutral(astronaut: torch.Tensor) -> None:
    """Removing twice removes little more than removing once."""
    model = fer.load("derl")
    once = model.neutralize(astronaut).image
    twice = model.neutralize(once).image
    assert float((twice - once).abs().mean()) < 0.5 * float((once - astronaut).abs().mean())
