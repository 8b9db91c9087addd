"""What a code tells: multinomial logistic regression from features to classes, always asked about unseen rows."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eval.metrics import Floats, Ints

PENALTY = 1e-3  # half of it times the squared weights is added to the mean cross-entropy
LEFT_OUT = -1  # fold of rows that are neither trained on nor tested; answer for them


def answers(train: Floats, labels: Ints, test: Floats) -> Ints:
    """Classes (M,) that a probe fitted to features (N, D) with labels (N,) gives to features (M, D).

    Features are standardised by those of the fit and divided by the root of D, so that codes of any size are
    penalised alike. Only classes that the fit has seen can be answered.
    """
    known, places = np.unique(labels, return_inverse=True)
    mean, spread = train.mean(0), train.std(0)
    scale = np.where(spread > 1e-9, spread, np.inf) * np.sqrt(train.shape[1])
    inputs, asked = (torch.from_numpy((values - mean) / scale) for values in (train, test))
    weight, bias = fit(inputs, torch.from_numpy(places), len(known))
    found: Ints = known[(asked @ weight + bias).argmax(1).numpy()]
    return found


def fit(inputs: Tensor, labels: Tensor, classes: int, penalty: float = PENALTY) -> tuple[Tensor, Tensor]:
    """Weights (D, C) and bias (C,) of least penalised cross-entropy for inputs float64 (N, D) and labels (N,)."""
    weight = torch.zeros(inputs.shape[1], classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=500, tolerance_grad=1e-8, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        search.zero_grad()
        value = F.cross_entropy(inputs @ weight + bias, labels) + penalty / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    search.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def crossed(features: Floats, labels: Ints, fold: Ints) -> Ints:
    """Answers (N,) for features (N, D), those of each of the folds 0 and 1 (N,) by a probe fitted to the other."""
    found = np.full(len(labels), LEFT_OUT)
    for tested in (0, 1):
        train, test = fold == 1 - tested, fold == tested
        if train.any() and test.any():
            found[test] = answers(features[train], labels[train], features[test])
    return found


def halves(sources: list[tuple[str, ...]], seed: int = 0) -> Ints:
    """Folds (N,) of rows such that no source (a real person) is behind rows of both; blends across are left out."""
    names = sorted({name for row in sources for name in row})
    order = np.random.default_rng(seed).permutation(len(names))
    half = {name: int(place % 2) for name, place in zip(names, order, strict=True)}
    sides = [{half[name] for name in row} for row in sources]
    return np.array([side.pop() if len(side) == 1 else LEFT_OUT for side in sides])


def in_turn(people: Ints, least: int) -> Ints:
    """Folds (N,) of rows: each person's first row, third, ... and second, fourth, ...; fewer than ``least``: out."""
    fold = np.full(len(people), LEFT_OUT)
    for person in np.unique(people):
        rows = np.flatnonzero(people == person)
        if len(rows) >= least:
            fold[rows] = np.arange(len(rows)) % 2
    return fold
