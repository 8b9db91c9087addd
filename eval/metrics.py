"""Pure functions from labels and probabilities to scores.

Each takes optional weights so that one definition serves the value (every picture once) and all bootstrap resamples
(a row of counts per resample) at the same time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ECE_BINS = 15
LOWEST_PROBABILITY = 1e-12  # keeps the logarithm finite
BLOCK_CELLS = 4_000_000  # draws held at once: 1,000 resamples of 4,000 pictures


def resamples(n: int, count: int, seed: int) -> Floats:
    """How often each of ``n`` pictures is drawn in ``count`` bootstrap resamples: (count, n), rows sum to n."""
    return _drawn(np.random.default_rng(seed), n, count)


def over_resamples(n: int, count: int, seed: int, score: Callable[[Floats], Floats]) -> Floats:
    """What ``score`` gives for ``resamples`` (r, n): (count, ...). It is called with a block of them at a time, so that
    memory does not grow with count * n.
    """
    generator, rows = np.random.default_rng(seed), max(1, BLOCK_CELLS // n)
    return np.concatenate([score(_drawn(generator, n, min(rows, count - i))) for i in range(0, count, rows)])


def _drawn(generator: np.random.Generator, n: int, count: int) -> Floats:
    flat = generator.integers(0, n, size=(count, n))
    flat += n * np.arange(count)[:, None]
    return np.bincount(flat.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)


def interval(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the scores (R,) of R resamples; resamples without a score (nan) are left out."""
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return float(low), float(high)


def confusion(labels: Ints, predicted: Ints, classes: int, weights: Floats | None = None) -> Floats:
    """Counts (..., C, C + 1): row = label, column = prediction; the last column counts predicted = -1, "no face".

    labels: (N,) in 0..C-1. predicted: (N,) in -1..C-1. weights: (..., N) or None for one each.
    """
    cells = labels * (classes + 1) + np.where(predicted < 0, classes, predicted)
    weights = np.ones(len(labels)) if weights is None else weights
    counts = np.stack([weights[..., cells == cell].sum(-1) for cell in range(classes * (classes + 1))], -1)
    return np.asarray(counts.reshape(*counts.shape[:-1], classes, classes + 1))


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, nan where whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0))


def mean_of_present(values: Floats) -> Floats:
    """Mean over the last axis of what is not nan (at least one is)."""
    return np.asarray(ratio(np.nansum(values, -1), (~np.isnan(values)).sum(-1)))


def accuracy(counts: Floats) -> Floats:
    """Right predictions / all pictures; a missed face is wrong. counts: (..., C, C + 1) -> (...)."""
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1).sum(-1), counts.sum((-2, -1)))


def accuracy_detected(counts: Floats) -> Floats:
    """Right predictions / pictures whose face was found; nan where none was."""
    return accuracy(counts[..., :-1])


def recall(counts: Floats) -> Floats:
    """Right predictions / pictures of each class (..., C); nan for a class without pictures."""
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def uar(counts: Floats) -> Floats:
    """Unweighted average recall: the mean of ``recall`` over the classes that have pictures."""
    return mean_of_present(recall(counts))


def macro_f1(counts: Floats) -> Floats:
    """Mean over the classes that have pictures of 2 TP / (pictures of the class + predictions of the class)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    present = counts.sum(-1)
    f1 = ratio(2 * hits, present + counts[..., :-1].sum(-2))
    return mean_of_present(np.where(present > 0, f1, np.nan))


def nll(probs: Floats, labels: Ints, weights: Floats | None = None) -> Floats:
    """Mean negative log-likelihood in nats. probs: (N, C), labels: (N,), weights: (..., N) -> (...)."""
    loss = -np.log(np.maximum(probs[np.arange(len(labels)), labels], LOWEST_PROBABILITY))
    weights = np.ones(len(labels)) if weights is None else weights
    return ratio(weights @ loss, weights.sum(-1))


def _calibration(probs: Floats, labels: Ints, bins: int) -> tuple[Floats, Floats, Floats]:
    """Probability of the top class (N,), 1 where it is right (N,), and 1 in the bin that it falls into (N, bins)."""
    confidence, right = probs.max(1), (probs.argmax(1) == labels).astype(np.float64)
    member = np.zeros((len(labels), bins))
    member[np.arange(len(labels)), np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(int)] = 1
    return confidence, right, member


def reliability(probs: Floats, labels: Ints, bins: int = ECE_BINS) -> tuple[Floats, Floats, Floats]:
    """Per bin of ``ece``: number of pictures, mean confidence and accuracy, each (bins,); nan in an empty bin."""
    confidence, right, member = _calibration(probs, labels, bins)
    n = member.sum(0)
    return n, ratio(confidence @ member, n), ratio(right @ member, n)


def ece(probs: Floats, labels: Ints, weights: Floats | None = None, bins: int = ECE_BINS) -> Floats:
    """Expected calibration error of the top class: sum over equal-width bins of share * |accuracy - confidence|.

    Guo et al. 2017 (arXiv 1706.04599), bins (k/M, (k+1)/M]. Shapes as for ``nll``; a value in [0, 1].
    """
    confidence, right, member = _calibration(probs, labels, bins)
    weights = np.ones(len(labels)) if weights is None else weights
    gap = np.abs(weights @ (member * (right - confidence)[:, None])).sum(-1)
    return ratio(gap, weights.sum(-1))


def vote_kl(votes: Floats, probs: Floats, weights: Floats | None = None) -> Floats:
    """Mean Kullback-Leibler divergence in nats of the probabilities from the shares of the votes: 0 where they agree.

    votes: (N, C) counts, each row with one at least. probs: (N, C), weights: (..., N) -> (...).
    """
    shares = votes / votes.sum(1, keepdims=True)
    cross = -(shares * np.log(np.maximum(probs, LOWEST_PROBABILITY))).sum(1)
    entropy = -(shares * np.log(np.maximum(shares, LOWEST_PROBABILITY))).sum(1)
    weights = np.ones(len(votes)) if weights is None else weights
    return ratio(weights @ (cross - entropy), weights.sum(-1))


def ranks(values: Floats) -> Floats:
    """Ranks (N,) from 1, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return np.asarray((last - (counts - 1) / 2)[place])


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation of values (N,), nan where one of them does not vary."""
    a, b = (ranks(values) - (len(values) + 1) / 2 for values in (first, second))
    return float(ratio(a @ b, np.sqrt((a @ a) * (b @ b))))
