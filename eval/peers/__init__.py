"""One file per peer, found by listing this folder. Its name, after ``peer:``, is a contestant's. See eval/foreign."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from eval.foreign.declaration import Peer
from fer.errors import RegistryError

PREFIX = "peer:"


def names() -> list[str]:
    """The names of all peers, sorted, without the prefix."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def peer(name: str) -> Peer:
    """What the peer called ``name``, with the prefix or without, declares. Raises RegistryError for an unknown name."""
    return _module(name)[0]


def file(name: str) -> Path:
    """Where that is declared. Raises RegistryError."""
    return _module(name)[1]


def _module(name: str) -> tuple[Peer, Path]:
    bare = name.removeprefix(PREFIX)
    if bare not in names():
        raise RegistryError.unknown("peer", bare, names())
    module = importlib.import_module(f"{__name__}.{bare}")
    found: Peer = module.PEER
    return found, Path(str(module.__file__))
