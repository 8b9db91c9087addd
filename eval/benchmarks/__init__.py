"""One file per benchmark, found by listing this folder; a file is imported when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil

from eval.benchmark import Benchmark
from fer.errors import RegistryError


def names() -> list[str]:
    """The names of all benchmarks, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def benchmark(name: str) -> Benchmark:
    """The benchmark called ``name``; RegistryError with the nearest name where there is none."""
    if name not in names():
        raise RegistryError.unknown("benchmark", name, names())
    found: Benchmark = importlib.import_module(f"{__name__}.{name}").BENCHMARK
    return found
