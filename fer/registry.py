"""Names of models -> what they are. A model's module is imported when it is asked for, not before."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer.errors import RegistryError

if TYPE_CHECKING:
    from torch import nn

MODEL_NAMES = ("plain", "identity", "derl", "errnet", "degan", "fesgan", "au", "deform", "flow_vae")


@dataclass(frozen=True)
class Citation:
    """A paper that can be looked up: title, authors, year and an arXiv id or a DOI."""

    title: str
    authors: str
    year: int
    arxiv: str | None = None
    doi: str | None = None

    def __post_init__(self) -> None:
        if not (self.arxiv or self.doi):
            raise ValueError(f'The citation "{self.title}" needs an arXiv id or a DOI.')


@dataclass(frozen=True)
class Spec:
    """One model.

    config: its frozen configuration dataclass; build: configuration -> module; training: name of the module that holds
    ``Recipe``, ``plan`` and ``finish``; departures: where we leave the paper, and why.
    """

    name: str
    title: str
    summary: str
    citations: tuple[Citation, ...]
    config: type
    build: Callable[[Any], nn.Module]
    training: str
    departures: tuple[str, ...] = ()


def spec(name: str) -> Spec:
    """The spec of a model; RegistryError with the nearest name where there is none."""
    if name not in MODEL_NAMES:
        raise RegistryError.unknown("model", name, MODEL_NAMES)
    found: Spec = importlib.import_module(f"fer.models.{name}").SPEC
    return found


def specs() -> dict[str, Spec]:
    """Every model by name, in the order of ``MODEL_NAMES``, which pages keep."""
    return {name: spec(name) for name in MODEL_NAMES}
