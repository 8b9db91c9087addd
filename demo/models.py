"""The models that the page offers: which ones, what they can do, each loaded once. Nothing here knows gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import fer
from fer import registry, weights
from fer.errors import RegistryError
from fer.models.base import ActionUnitReader, Editor, Neutralizer, Recognizer

JUDGE = "plain"  # reads what others made: it sees no residue and was not trained with them
IDENTITY = "identity"  # tells whether a generated face is still the same person


@dataclass(frozen=True)
class Offer:
    """A model of the page. kind: its class; what it inherits is what it can do, see ``fer.models.base``."""

    name: str
    kind: type

    def can(self, capability: type) -> bool:
        return issubclass(self.kind, capability)

    @property
    def label(self) -> str:
        """For the choice of a reader."""
        return f"{self.name}: reads and removes" if self.can(Neutralizer) else f"{self.name}: reads"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that is ready; weights and sha256 say which numbers it holds."""

    name: str
    model: Any
    weights: str
    sha256: str


def bundled() -> tuple[Offer, ...]:
    """The judge, and each model whose weights lie beside the code, in the registry's order."""
    return tuple(
        Offer(name, kind)
        for name, spec in registry.specs().items()
        if isinstance(kind := spec.build, type)
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
    def readers(self) -> list[Offer]:
        """The models that name expressions."""
        return [offer for offer in self.offers if offer.can(Recognizer)]

    @property
    def default(self) -> str:
        """The first reader that also removes the expression, else the first."""
        return next((o.name for o in self.readers if o.can(Neutralizer)), self.readers[0].name)

    def able(self, capability: type) -> list[str]:
        """Names of the models that inherit ``capability``."""
        return [offer.name for offer in self.offers if offer.can(capability)]

    @property
    def unit_reader(self) -> Loaded | None:
        """Who reads Action Units: one that does nothing but read before one that also edits; None where nobody does.

        Raises WeightsError.
        """
        able = self.able(ActionUnitReader)
        only = [name for name in able if name not in self.able(Editor)]
        return self.take((only or able)[0], ActionUnitReader) if able else None

    def removes(self, name: str) -> bool:
        """Whether the reader also gives the face without its expression."""
        return name in [o.name for o in self.readers if o.can(Neutralizer)]

    def take(self, name: str, capability: type = Recognizer) -> Loaded:
        """The model of that name. Raises RegistryError for one that cannot do what is needed, or WeightsError."""
        able = self.able(capability)
        if name not in able:
            raise RegistryError.unknown("model", name, able)
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]
