"""Pure loss functions that two or more recipes share. Each returns a scalar tensor."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, C) against a target distribution (B, C) whose rows sum to 1."""
    return F.cross_entropy(logits.float(), target)
