"""Strengths of Action Units as a model reads them and as records keep them, and how well two readings agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eval.families.base import measured
from eval.metrics import Floats
from eval.records import Record
from fer.action_units import ACTION_UNITS
from fer.agreement import icc
from fer.errors import DataError, FerError
from fer.models.base import ActionUnitReader
from fer.types import Framing

SHOWN_FROM = 0.2  # strength of an Action Unit that can be seen
LEAST_SHOWN = 10  # faces that show an Action Unit, for its agreement to be worth a number


def strengths(model: ActionUnitReader, faces: Tensor, framing: Framing) -> Tensor:
    """Strengths (B, 23) in the order of ACTION_UNITS; FerError where the model lacks one of them."""
    read = model.action_units(faces, framing)
    lacking = [name for name in ACTION_UNITS if name not in read.names]
    if lacking or len(read.strengths) != len(faces):
        raise FerError(
            f"The model read {len(read.strengths)} of {len(faces)} faces and lacks: {', '.join(lacking) or 'nothing'}."
        )
    return read.strengths[:, [read.names.index(name) for name in ACTION_UNITS]].float().cpu()


def stored_strengths(row: Mapping[str, Any], column: str) -> Tensor:
    """Strengths (23,) that a row holds in the order of ACTION_UNITS; DataError where there are not as many."""
    if len(row[column]) != len(ACTION_UNITS):
        raise DataError(f"A row holds {len(row[column])} strengths of Action Units; expected {len(ACTION_UNITS)}.")
    return torch.tensor(row[column], dtype=torch.float32)


def as_values(found: Tensor, end: str = "") -> dict[str, Tensor]:
    """Strengths (B, 23) or (23,) as one value per Action Unit, whose names end with ``end``."""
    return {name + end: found[..., i] for i, name in enumerate(ACTION_UNITS)}


def unit_values(records: Sequence[Record], end: str = "") -> Floats:
    """Strengths (N, 23) of records, under names that end with ``end``; nan where they were not measured."""
    return np.stack([measured(records, name + end) for name in ACTION_UNITS], 1)


def shown_by(true: Floats) -> Floats:
    """How many of the faces (N, 23) show each Action Unit so that it can be seen: (23,)."""
    return np.asarray((true >= SHOWN_FROM).sum(0), np.float64)


def agreement(read: Floats, true: Floats, weights: Floats) -> tuple[Floats, dict[str, Floats]]:
    """ICC(3,1) of strengths (N, 23) under weights (W, N), the first of which count every face once: (W, 23).

    And which Action Units a mean is taken over, bool (23,): "icc", all where it is defined; "icc_shown", of these the
    ones that at least ``LEAST_SHOWN`` faces show at ``SHOWN_FROM`` or more.
    """
    agreed = icc(*(torch.from_numpy(each) for each in (read, true, weights))).numpy()
    defined = ~np.isnan(agreed[0])
    return agreed, {"icc": defined, "icc_shown": defined & (shown_by(true) >= LEAST_SHOWN)}
