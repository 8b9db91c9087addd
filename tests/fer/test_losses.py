"""Losses in closed form, and those that skip what nobody knows."""

from __future__ import annotations

import math

import pytest
import torch

from fer.losses import flow_roughness, fusion_loss, known_cross_entropy, landmark_flow_loss, unlikeness
from fer.removal import composed_terms
from fer.warping import Composed


def test_a_flow_is_as_rough_as_neighbours_differ_at_any_size() -> None:
    ramp = torch.arange(8.0).expand(1, 2, 8, 8)  # one px more from pixel to pixel, a quarter of half the side
    assert float(flow_roughness(ramp)) == pytest.approx(1 / 16)
    assert float(flow_roughness(torch.full((1, 2, 8, 8), 5.0))) == 0
    enlarged = 2 * ramp.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert float(flow_roughness(enlarged)) == pytest.approx(1 / 16 * 7 / 15)  # the same steps, seven in fifteen


def test_flow_is_right_where_it_points_at_the_faces_landmarks() -> None:
    neutral = torch.rand(2, 68, 2) * 0.5 + 0.25
    points = torch.stack([neutral + torch.tensor([0.0625, -0.03125]), neutral], 1)  # 4 px right, 2 px up of 64
    points[1] = torch.nan  # not known: left out
    flow = torch.tensor([4.0, -2.0]).view(1, 2, 1, 1).expand(2, 2, 64, 64)
    assert landmark_flow_loss(flow, points) == pytest.approx(0, abs=1e-6)
    nothing = torch.zeros(2, 2, 64, 64)
    assert landmark_flow_loss(nothing, points) == pytest.approx((4 + 2) / 2 / 32)  # halves of the side
    assert landmark_flow_loss(nothing, torch.full((2, 2, 68, 2), torch.nan)) == 0


def test_every_local_network_counts_by_its_weight_beside_the_fusion() -> None:
    sure, unsure = torch.tensor([[math.log(3.0), 0.0]]), torch.zeros(1, 2)
    total, terms = fusion_loss({64: unsure, 8: sure}, sure, torch.tensor([[1.0, 0.0]]), 0.25)
    expected = {"local_64": math.log(2), "local_8": math.log(4 / 3), "fusion": math.log(4 / 3)}
    assert {name: float(term) for name, term in terms.items()} == pytest.approx(expected)
    assert float(total) == pytest.approx(math.log(4 / 3) + 0.25 * (math.log(2) + math.log(4 / 3)))


def test_unlikeness_is_one_less_the_cosine() -> None:
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(unlikeness(first, first)) == 0
    assert float(unlikeness(first, first.flip(0))) == 1
    assert float(unlikeness(first, -first)) == 2


def test_faces_without_a_truth_count_for_their_mask_and_flow_alone() -> None:
    torch.manual_seed(0)
    image, flow, mask = torch.rand(3, 3, 16, 16), torch.rand(3, 2, 16, 16), torch.rand(3, 1, 16, 16)
    points = torch.rand(2, 2, 68, 2) * 0.5 + 0.25
    source, truth = torch.rand(2, 2, 3, 16, 16).unbind()
    all_of_them = composed_terms(Composed(image, flow, mask), source, truth, points, 2.0)
    known = composed_terms(Composed(image[:2], flow[:2], mask[:2]), source, truth, points, 1.0)
    assert torch.equal(all_of_them["l1"], known["l1"])
    assert torch.equal(all_of_them["landmarks"], 2 * known["landmarks"])
    assert float(all_of_them["mask"]) == pytest.approx(0.01 * float(mask.mean()))
    assert float(all_of_them["flow"]) == pytest.approx(50 * float(flow_roughness(flow)))


def test_cross_entropy_counts_what_is_known() -> None:
    logits = torch.tensor([[0.0, 5.0], [math.log(3.0), -5.0]], requires_grad=True)
    strengths = torch.tensor([[1.0, torch.nan], [0.0, torch.nan]])
    loss = known_cross_entropy(logits, strengths)
    assert loss.item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    nothing = known_cross_entropy(logits, torch.full_like(strengths, torch.nan))
    assert nothing.item() == 0
    (loss + nothing).backward()
    assert logits.grad is not None
    assert logits.grad[:, 1].tolist() == [0, 0]
    assert bool(logits.grad.isfinite().all())
