"""Pure loss functions that two or more recipes share: scalar tensors, beside which ``fusion_loss`` gives its terms."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, C) against a target distribution (B, C) whose rows sum to 1."""
    return F.cross_entropy(logits.float(), target)


def fusion_loss(
    each: Mapping[int, Tensor], fused: Tensor, target: Tensor, local_weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of what a fusion says, and with a weight of what each local network says: total and terms.

    each: logits (B, C) by what a local network is called; fused: (B, C); target: distributions (B, C).
    """
    terms = {f"local_{name}": soft_cross_entropy(logits, target) for name, logits in each.items()}
    final = soft_cross_entropy(fused, target)
    return final + local_weight * torch.stack(list(terms.values())).sum(), terms | {"fusion": final}


def weighted_l1(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean of weight * |made - truth|; weight broadcasts to pictures (B, C, H, W)."""
    return ((made - truth).abs() * weight).mean()


def gradient_l1(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """L1 between the differences of neighbouring pixels of pictures (B, C, H, W); weight: (B, 1, 1, 1)."""
    off = made - truth
    across, down = off[..., 1:] - off[..., :-1], off[..., 1:, :] - off[..., :-1, :]
    return (across.abs() * weight).mean() + (down.abs() * weight).mean()


def flow_roughness(flow: Tensor) -> Tensor:
    """Mean squared difference of neighbouring values of a flow (B, 2, S, S) px, in halves of the side."""
    field = _in_halves(flow)
    return (field[..., 1:] - field[..., :-1]).square().mean() + (field[..., 1:, :] - field[..., :-1, :]).square().mean()


def landmark_flow_loss(flow: Tensor, points: Tensor) -> Tensor:
    """L1 of a flow (B, 2, S, S) px at places of the truth, in halves of the side.

    There it has to point at the same places of the source. points: (B, 2, K, 2) of source and truth in the unit square;
    those with nan are left out.
    """
    known = ~points.isnan().any(3).any(1)
    if not known.any():
        return flow.sum() * 0.0
    source, truth = (points.nan_to_num() * 2 - 1).unbind(1)
    found = F.grid_sample(_in_halves(flow), truth[:, :, None], align_corners=False, padding_mode="border")
    return (found[..., 0].transpose(1, 2) - (source - truth))[known].abs().mean()


def _in_halves(flow: Tensor) -> Tensor:
    """A flow (B, 2, S, S) px in halves of the side."""
    return flow * 2 / flow.shape[-1]


def unlikeness(first: Tensor, second: Tensor) -> Tensor:
    """1 - cosine, the mean over rows of unit vectors (B, N)."""
    return (1 - (first * second).sum(1)).mean()


def hinge_critic(real: Tensor, made: Tensor) -> Tensor:
    """The critic's hinge loss on its scores of real and made pictures (Lim and Ye 2017, arXiv 1705.02894)."""
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


def known_cross_entropy(logits: Tensor, strengths: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits to strengths in [0, 1], both (B, N), over those that are not nan; else 0."""
    known = ~strengths.isnan()
    if not known.any():
        return logits.sum() * 0.0
    return F.binary_cross_entropy_with_logits(logits[known], strengths[known])
