"""Losses that skip what nobody knows."""

from __future__ import annotations

import math

import pytest
import torch

from fer.losses import known_cross_entropy


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
