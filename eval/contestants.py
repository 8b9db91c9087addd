"""Who is measured: a model of ``fer`` with its weights, a baseline without any, or a peer in its own environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from eval import baselines, peers
from eval.baselines import BASELINES
from eval.benchmark import EXPRESSIONS, Benchmark
from fer.action_units import ACTION_UNITS
from fer.errors import RegistryError
from fer.models.base import (
    ActionUnitReader,
    Editor,
    Embedder,
    ExpressionEncoder,
    Neutralizer,
    PartRecognizer,
    Recognizer,
)
from fer.registry import MODEL_NAMES, Spec, spec
from fer.types import TargetSpace

if TYPE_CHECKING:
    from eval.source import Source

CAN: dict[type, str] = {
    Recognizer: "name expressions",
    PartRecognizer: "name expressions by each of their parts",
    Neutralizer: "remove an expression",
    Embedder: "tell people apart",
    Editor: "give a face an expression",
    ExpressionEncoder: "encode an expression",
    ActionUnitReader: "read Action Units",
}
ASKED: dict[tuple[str, ...], str] = {EXPRESSIONS: "the seven expressions", ACTION_UNITS: "the 23 Action Units"}


def _nothing() -> None:
    """Nobody has to be ended."""


@dataclass(frozen=True, eq=False)
class Contestant:
    """Who is measured and what identifies it.

    weights_sha256: None where there are no weights. device: where it runs. parameters: what decides the answers of a
    contestant without weights. told: further entries of a result about it, asked for when the run is over. took: the
    seconds of the model's last answer, where it works in another process and only that one can tell. close: ends it.
    """

    name: str
    weights_id: str
    weights_sha256: str | None
    model: Any
    device: str
    parameters: tuple[float | str, ...] = ()
    told: Callable[[], Mapping[str, Any]] = dict
    took: Callable[[], float] | None = None
    close: Callable[[], None] = _nothing


def names() -> list[str]:
    """Every name that ``enter`` takes."""
    return [*BASELINES, *MODEL_NAMES, *(peers.PREFIX + name for name in peers.names())]


def kind(name: str) -> type:
    """The class of a contestant, which tells what it can do. Raises RegistryError for an unknown name."""
    if name not in names():
        raise RegistryError.unknown("model", name, names())
    if name in BASELINES:
        return BASELINES[name]
    if name.startswith(peers.PREFIX):
        from eval.foreign.recognizer import PeerRecognizer

        return PeerRecognizer
    built = spec(name)
    return built.build if isinstance(built.build, type) else type(built.build(built.config()))


def can_take(name: str, benchmark: Benchmark) -> bool:
    """Whether a contestant has all capabilities that a benchmark asks for."""
    return not _why_not(name, benchmark)


def _why_not(name: str, benchmark: Benchmark) -> str:
    """What a contestant cannot do that a benchmark asks for; nothing where it can be entered."""
    from eval.families import FAMILIES
    from eval.targets import understands

    family = FAMILIES[benchmark.family]
    if lacking := [capability for capability in family.needs if not issubclass(kind(name), capability)]:
        return " or ".join(CAN[capability] for capability in lacking)
    if family.asks and name not in BASELINES:
        space = _target_space(spec(name))
        if not understands(space, family.asks):
            return f"be asked for {ASKED[family.asks]}, each from 0 to 1: it knows {', '.join(space.names)}"
    return ""


@cache
def _target_space(built: Spec) -> TargetSpace:
    """What an editor understands; built without memory for its weights, as its usual configuration says."""
    import torch

    with torch.device("meta"):
        return cast(Editor, built.build(built.config())).target_space


def check(name: str, benchmark: Benchmark) -> None:
    """RegistryError, one sentence, where a contestant lacks what a benchmark asks for."""
    if reason := _why_not(name, benchmark):
        raise RegistryError(f"{name} cannot be measured on {benchmark.name}, because it cannot {reason}.")


def enter(name: str, weights: str, device: str, benchmark: Benchmark, source: Source) -> Contestant:
    """Load who is called ``name``.

    Raises RegistryError (unknown, or lacks a capability), WeightsError, DataError, AbsentError, EvaluationError.
    """
    check(name, benchmark)
    if name in BASELINES:
        model, parameters = baselines.build(name, benchmark, source)
        return Contestant(name, "none", None, model, "cpu", parameters)
    if name.startswith(peers.PREFIX):
        return _peer(name, weights)
    import fer
    from fer.load import pick_device
    from fer.weights import find

    found = find(name, weights)
    return Contestant(name, found.id, found.sha256, fer.load(name, weights, device), pick_device(device).type)


def _peer(name: str, weights: str) -> Contestant:
    from eval.foreign.recognizer import enter as start

    if weights != "default":
        raise RegistryError(f"{name} has weights of its own: --weights {weights} cannot be given to it.")
    model, weights_id, digest = start(peers.peer(name), peers.file(name))
    return Contestant(
        name,
        weights_id,
        digest,
        model,
        "cpu",
        told=lambda: {"peer": model.told()},
        took=lambda: model.took,
        close=model.process.close,
    )
