"""The identity embedding: its loss in closed form, what it does not see."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from fer.errors import TrainingError
from fer.models.identity import Identity, IdentityConfig, masked_luminance
from fer.models.identity_training import People, contrastive_loss, render_people

TINY = IdentityConfig(size_px=32, widths=(4, 8, 8), blocks=(1, 1), dimensions=16)


def test_contrastive_loss_of_two_people_apart() -> None:
    embedded = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    loss = contrastive_loss(embedded, torch.tensor([0, 0, 1, 1]), temperature=1.0)
    assert float(loss) == pytest.approx(math.log((math.e + 2) / math.e), abs=1e-5)


def test_contrastive_loss_of_people_alike_is_the_log_of_their_number() -> None:
    embedded = torch.ones(6, 1)
    assert float(contrastive_loss(embedded, torch.tensor([0, 0, 1, 1, 2, 2]), 0.1)) == pytest.approx(math.log(5))


def test_background_and_light_do_not_reach_the_network() -> None:
    coarse = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) - 0.5
    face = torch.nn.functional.interpolate(coarse, (128, 128), mode="bilinear").repeat(1, 3, 1, 1)
    other = face.clone()
    other[..., :15], other[..., -15:] = 0.9, -0.9
    plain = masked_luminance(face, 32)
    assert torch.allclose(plain[..., 6:26], masked_luminance(other, 32)[..., 6:26], atol=1e-2)
    assert float(plain[0, 0, 0].abs().max()) == 0.0
    assert torch.allclose(plain, masked_luminance(face * 1.5 + 0.1, 32), atol=0.25)


def test_embeddings_have_unit_length() -> None:
    embedded = Identity(TINY).eval().embed(torch.rand(3, 3, 128, 128))
    assert embedded.shape == (3, 16)
    assert torch.allclose(embedded.norm(dim=1), torch.ones(3), atol=1e-5)


def test_people_give_two_different_pictures_of_each_person() -> None:
    torch.manual_seed(0)
    person = torch.tensor([5, 7, 5, 9, 7, 7])
    pixels = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(6, 3, 2, 2)
    people = People(pixels, person, count=2)
    for _ in range(20):
        drawn, numbers = people.draw()
        rows = drawn[:, 0, 0, 0].long()
        assert sorted(numbers[:2].tolist()) == [5, 7]  # 9 has one picture only
        assert torch.equal(person[rows], numbers)
        assert all(rows[k] != rows[k + 2] for k in range(2))


@pytest.mark.parametrize(("people", "views"), [(0, 2), (3, -1)])
def test_nobody_cannot_be_rendered(people: int, views: int) -> None:
    with pytest.raises(TrainingError, match=f"{people} people in {views} views cannot be rendered"):
        render_people(Path("unused"), people, views, seed=0)
