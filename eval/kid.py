"""How alike two sets of pictures are: the squared maximum mean discrepancy that KID is (arXiv 1801.01401).

Binkowski, Sutherland, Arbel, Gretton 2018, "Demystifying MMD GANs": the unbiased estimate with the kernel
(x y / D + 1)^3 of features (N, D); here those of ``eval.judges.features``, not Inception's, so that values are not
those of papers. Sets of one distribution give 0 on average, now a little more and now a little less. It follows from
one number per picture and set, its mean kernel, so that no features have to be kept.
"""

from __future__ import annotations

import numpy as np

from eval.metrics import Floats, Ints


def kernel(a: Floats, b: Floats) -> Floats:
    """Features (N, D), (M, D) -> (N, M)."""
    return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)


def mean_kernels(a: Floats, b: Floats, of_a: Ints, of_b: Ints) -> Floats:
    """Mean kernel (N,) of each of ``a`` (N, D) to all of ``b`` (M, D); nan where there is none.

    of_a, of_b: the number of the photograph behind each; two pictures of one photograph are no pair. So a picture is
    not compared with itself, as the unbiased estimate demands, and an edited one not with its own truth.
    """
    pair = of_a[:, None] != of_b
    n = pair.sum(1)
    return np.asarray(np.divide((kernel(a, b) * pair).sum(1), n, out=np.full(len(a), np.nan), where=n > 0))


def discrepancy(first: Floats, second: Floats, first_to_second: Floats) -> float:
    """KID from mean kernels within the first set (N,), within the second (M,) and from the first to the second (N,)."""
    return float(first.mean() + second.mean() - 2 * first_to_second.mean())


def influence(within: Floats, across: Floats) -> Floats:
    """How much KID changes with the weight of each picture of one set: its derivative at equal weights, (N,).

    within, across: mean kernels of the set's pictures to their own set and to the other one. The sum over a set is 0.
    """
    return np.asarray(2 / len(within) * ((within - within.mean()) - (across - across.mean())))
