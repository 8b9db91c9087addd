"""From a name to a model that is ready to use."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fer import registry
from fer.errors import FerError, TrainingError, WeightsError

if TYPE_CHECKING:
    import torch


def pick_device(device: str = "auto") -> torch.device:
    """ "auto" -> CUDA where it is there, else the CPU; any other name is taken at its word or refused with FerError."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise FerError(f'"{device}" is no device that is supported. Use auto, cpu, cuda or cuda:N.')
    chosen = torch.device(device)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise FerError(f"{device} was asked for, but there is no such usable GPU. Use the device cpu.")
    return chosen


def config_from(kind: type, values: Mapping[str, Any]) -> Any:
    """Build the frozen dataclass ``kind`` from JSON values (lists become tuples). Raises WeightsError on a misfit."""
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise WeightsError(f"The card's configuration has entries that {kind.__name__} lacks: {', '.join(unknown)}.")
    try:
        return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
    except (TypeError, ValueError) as error:
        raise WeightsError(f"The card's configuration is not valid: {error}") from error


def load(name: str, weights: str = "default", device: str = "auto") -> Any:
    """Load a model with verified weights, in evaluation mode; its class tells what it can do (``fer.models.base``).

    name: see ``fer.registry.specs()``. weights: "default", a .safetensors path or "org/repo@revision".
    Raises RegistryError, WeightsError, or FerError for a device that is not there.
    """
    from fer import weights as weight_files

    chosen = pick_device(device)
    spec = registry.spec(name)
    found = weight_files.find(name, weights)
    model = spec.build(config_from(spec.config, found.card["config"]))
    weight_files.load_into(model, found)
    return model.eval().requires_grad_(False).to(chosen)


def named_start(start: str, usual: str) -> tuple[str, str]:
    """What a recipe's ``start`` names, "WEIGHTS" of the usual model or "MODEL:WEIGHTS": model and weights."""
    model, _, weights = start.rpartition(":")
    return model or usual, weights


def allowed_start(start: str, models: Sequence[str]) -> tuple[str, str]:
    """As ``named_start``, of models that a training can go on from, first the usual one; TrainingError for others."""
    model, weights = named_start(start, models[0])
    if model not in models:
        raise TrainingError(
            f'"{start}" names weights of {model}, which this training cannot start from. Give weights of '
            f"{' or '.join(models)}: {' or '.join(f'{each}:default' for each in models)}, for example."
        )
    return model, weights


@contextmanager
def taking_over(start: str) -> Iterator[None]:
    """Around the copying of weights that ``start`` names into a network: TrainingError where their shapes differ."""
    try:
        yield
    except RuntimeError as error:  # what torch raises, for whole modules as for parts of a tensor
        raise TrainingError(
            f'The weights "{start}" belong to a network of another shape. Give the same --config as they have, or '
            "start from nothing with --set start=."
        ) from error
