"""Pure loss functions that two or more recipes share. Each returns a scalar tensor."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, C) against a target distribution (B, C) whose rows sum to 1."""
    return F.cross_entropy(logits.float(), target)


def weighted_l1(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of weight * |made - truth|; weight broadcasts to pictures (B, C, H, W)."""
    return ((made - truth).abs() * weight).mean()


def gradient_l1(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """L1 between the differences of neighbouring pixels of pictures (B, C, H, W); weight: (B, 1, 1, 1)."""
    off = made - truth
    across, down = off[..., 1:] - off[..., :-1], off[..., 1:, :] - off[..., :-1, :]
    return (across.abs() * weight).mean() + (down.abs() * weight).mean()


def roughness(field: Tensor) -> Tensor:
    """Mean squared difference of neighbouring values of a field (B, C, H, W)."""
    return (field[..., 1:] - field[..., :-1]).square().mean() + (field[..., 1:, :] - field[..., :-1, :]).square().mean()


def hinge_critic(real: Tensor, made: Tensor) -> Tensor:
    """The critic's hinge loss on its scores of real and made pictures (Lim and Ye 2017, arXiv 1705.02894)."""
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


def known_cross_entropy(logits: Tensor, strengths: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits to strengths in [0, 1], both (B, N), over those that are not nan; else 0."""
    known = ~strengths.isnan()
    if not known.any():
        return logits.sum() * 0.0
    return F.binary_cross_entropy_with_logits(logits[known], strengths[known])
