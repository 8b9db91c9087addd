"""The models that the page offers: which ones, what they can do, each loaded once. Nothing here knows gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import fer
from fer import registry, weights
from fer.errors import RegistryError
from fer.models.base import Neutralizer, Recognizer

JUDGE = "plain"  # reads what others made: it sees no residue and was not trained with them


@dataclass(frozen=True)
class Offer:
    """A model that can be chosen. removes: it also gives the face without its expression."""

    name: str
    removes: bool

    @property
    def label(self) -> str:
        return f"{self.name}: reads and removes" if self.removes else f"{self.name}: reads"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that is ready; weights and sha256 say which numbers it holds."""

    name: str
    model: Any
    weights: str
    sha256: str


def bundled() -> tuple[Offer, ...]:
    """The judge, and each model that names expressions and whose weights lie beside the code; the registry's order."""
    return tuple(
        Offer(name, issubclass(kind, Neutralizer))
        for name, spec in registry.specs().items()
        if isinstance(kind := spec.build, type) and issubclass(kind, Recognizer)
        if name == JUDGE or (weights.BUNDLED / f"{name}.safetensors").is_file()
    )


def load(name: str) -> Loaded:
    """Load a bundled model. Raises WeightsError."""
    found = weights.find(name)
    return Loaded(name, fer.load(name), found.id, found.sha256)


class Shelf:
    """The models of one page, loaded at their first use, read-only and shared by all visits."""

    def __init__(self, offers: Sequence[Offer], load: Callable[[str], Loaded] = load) -> None:
        self.offers = tuple(offers)
        self._load = load
        self._loaded: dict[str, Loaded] = {}
        self._lock = threading.Lock()

    @property
    def default(self) -> str:
        """The first that also removes the expression, else the first."""
        return next((o.name for o in self.offers if o.removes), self.offers[0].name)

    def removes(self, name: str) -> bool:
        """Whether the model gives the face without its expression."""
        return any(o.removes for o in self.offers if o.name == name)

    def __contains__(self, name: object) -> bool:
        return name in [o.name for o in self.offers]

    def take(self, name: str) -> Loaded:
        """The model of that name. Raises RegistryError for one that is not offered, or WeightsError."""
        if name not in self:
            raise RegistryError.unknown("model", name, [o.name for o in self.offers])
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]
