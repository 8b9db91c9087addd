"""Pure functions for pairs of pictures: who differs from whom, and how well cosines tell it.

Cosines are kept as whole numbers, cosine x ``STEPS`` rounded, so that stored ones give the same scores exactly and a
histogram holds all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.metrics import Floats, Ints, ratio

STEPS = 10_000
BINS = 2 * STEPS + 1


def cosines(vectors: Floats) -> Ints:
    """Unit vectors (N, D) -> rounded cosines (N, N), whole numbers from -STEPS to STEPS."""
    return np.clip(np.rint(vectors @ vectors.T * STEPS), -STEPS, STEPS).astype(np.int64)


def apart(sources: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """Which pictures (N, N) have no source in common. Give the person as the only source where there are no others."""
    names = {name: i for i, name in enumerate(sorted({name for each in sources for name in each}))}
    member = np.zeros((len(sources), len(names)), np.float32)
    for row, each in enumerate(sources):
        member[row, [names[name] for name in each]] = 1
    return np.asarray(member @ member.T == 0)


def histogram(values: Ints, weights: Floats | None = None) -> Floats:
    """How much weight lies on each of the ``BINS`` rounded cosines; one each where no weights are given."""
    return np.bincount(values + STEPS, weights, minlength=BINS).astype(np.float64)


def auc(positive: Floats, negative: Floats) -> Floats:
    """Chance that a positive pair scores above a negative one, ties half: from histograms (..., BINS) -> (...).

    The area under the ROC curve (Mann and Whitney's statistic); nan without pairs of either kind.
    """
    below = np.cumsum(negative, -1) - negative / 2
    return ratio((positive * below).sum(-1), positive.sum(-1) * negative.sum(-1))


def _rates(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """False and true accepts (..., BINS + 1) for thresholds from above all scores down to the lowest."""
    rates = []
    for counts in (negative, positive):
        accepted = np.cumsum(counts[..., ::-1], -1)
        share = ratio(accepted, np.broadcast_to(accepted[..., -1:], accepted.shape))
        rates.append(np.concatenate([np.zeros((*share.shape[:-1], 1)), share], -1))
    return rates[0], rates[1]


def eer(positive: Floats, negative: Floats) -> Floats:
    """Equal error rate: where false accepts equal false rejects, on straight lines between thresholds."""
    false, true = _rates(positive, negative)
    gap = false - (1 - true)  # rises from -1 to 1
    after = np.maximum((gap >= 0).argmax(-1), 1)[..., None]
    g0, g1 = (np.take_along_axis(gap, i, -1)[..., 0] for i in (after - 1, after))
    f0, f1 = (np.take_along_axis(false, i, -1)[..., 0] for i in (after - 1, after))
    return np.asarray(f0 + (f1 - f0) * ratio(-g0, g1 - g0))


def true_accepts(positive: Floats, negative: Floats, false_accepts: float) -> Floats:
    """The largest share of positive pairs accepted while at most ``false_accepts`` of the negative ones are."""
    false, true = _rates(positive, negative)
    allowed = np.where(false <= false_accepts, true, 0.0)
    return np.asarray(np.where(np.isnan(false[..., -1] + true[..., -1]), np.nan, allowed.max(-1)))
