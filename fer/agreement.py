"""How well two readings of the same faces agree."""

from __future__ import annotations

import torch
from torch import Tensor


def icc(first: Tensor, second: Tensor, weights: Tensor | None = None) -> Tensor:
    """ICC(3,1) of two readings (N, K) of N faces: (..., K) in [-1, 1], nan where neither of them varies.

    Shrout & Fleiss 1979 (doi 10.1037/0033-2909.86.2.420): two-way mixed, single, consistency, so that a constant
    difference costs nothing. For two raters it is (MSR - MSE) / (MSR + MSE) = 2 cov / (var + var).
    weights: how often each face counts, (..., N); None for once each. Gradients flow.
    """
    weights = torch.ones(len(first), dtype=first.dtype, device=first.device) if weights is None else weights
    share = weights / weights.sum(-1, keepdim=True)

    def covariance(x: Tensor, y: Tensor) -> Tensor:
        return share @ (x * y) - (share @ x) * (share @ y)

    x, y = (each - each.mean(0) for each in (first, second))  # for precision alone
    spread = covariance(x, x) + covariance(y, y)
    return torch.where(spread > 1e-12, 2 * covariance(x, y) / spread.clamp(min=1e-12), torch.nan)


def mean_icc(first: Tensor, second: Tensor) -> float:
    """Mean of ``icc`` over the columns in which a reading varies."""
    return float(icc(first, second).nanmean())
