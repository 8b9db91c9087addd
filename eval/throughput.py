"""What a whole run takes beside the bare forward passes in it: a benchmark that is printed or stored, never a test."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from eval import benchmarks
from eval.benchmark import Benchmark
from eval.environment import environment, git
from eval.source import Source, locate
from eval.store import write_result

if TYPE_CHECKING:  # tables show the sentence without any of these
    from torch import Tensor

    from eval.contestants import Contestant
    from eval.families.base import Items

BENCHMARK = "ferplus"  # its faces are cut already: nothing is detected
TARGET = 1.25  # times the bare forward passes, at most
BATCH_SIZE = 64
REPEATS = 3


def measure(model: str, data_root: Path | None = None, limit: int | None = None) -> dict[str, Any]:
    """Seconds of a run from opening the dataset to the stored result, and of the model on the same batches in memory.

    Medians of ``REPEATS``, which take turns. Loading the model is in neither. limit: only the first rows.

    Raises RegistryError, WeightsError, DataError, EvaluationError, StorageError.
    """
    from eval import contestants
    from eval.families import FAMILIES

    benchmark = benchmarks.benchmark(BENCHMARK)
    source = locate(benchmark, data_root, None)
    contestant = contestants.enter(model, "default", "cpu", benchmark, source)
    try:
        items = FAMILIES[benchmark.family].open(benchmark, source, contestant.device, limit)
        batches = _batches(items)
        _bare(items, contestant, batches[:1])  # the first pass of a model is slower
        both = [
            (_whole(benchmark, source, contestant, limit), _bare(items, contestant, batches)) for _ in range(REPEATS)
        ]
    finally:
        contestant.close()
    whole, bare = (median(seconds) for seconds in zip(*both, strict=True))
    return {
        "benchmark": benchmark.name,
        "model": {
            "name": contestant.name,
            "weights": contestant.weights_id,
            "weights_sha256": contestant.weights_sha256,
        },
        "faces": sum(map(len, batches)),
        "partial": limit is not None,
        "whole_seconds": round(whole, 3),
        "bare_seconds": round(bare, 3),
        "ratio": round(whole / bare, 3),
        "batch_size": BATCH_SIZE,
        "repeats": REPEATS,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git(),
        "environment": environment("cpu"),
    }


def _batches(items: Items) -> list[Tensor]:
    """All faces as a run batches them."""
    import torch

    numbers = range(len(items))
    found = [items.faces(numbers[first : first + BATCH_SIZE]) for first in range(0, len(items), BATCH_SIZE)]
    return [torch.stack(faces) for faces in found if faces]


def _bare(items: Items, contestant: Contestant, batches: Sequence[Tensor]) -> float:
    started = time.perf_counter()
    for faces in batches:
        items.call(contestant.model, faces)
    return time.perf_counter() - started


def _whole(benchmark: Benchmark, source: Source, contestant: Contestant, limit: int | None) -> float:
    from eval import runner

    with TemporaryDirectory() as folder:
        place = Path(folder)
        started = time.perf_counter()
        done = runner.run(benchmark, source, contestant, runner.Options(place / "cache", BATCH_SIZE, limit=limit))
        write_result(place / "results", done.result, done.records)
        done.parts.clear()
        return time.perf_counter() - started


def sentence(measured: Mapping[str, Any]) -> str:
    """The measurement in one line of Markdown."""
    whole, n, threads = measured["whole_seconds"], measured["faces"], measured["environment"]["threads"]
    return (
        f"A whole run, {threads} CPU thread{'s' * (threads != 1)}: {n:,} faces of {measured['benchmark']} by "
        f"{measured['model']['name']} in {whole:.1f} s, {n / whole:.0f} a second, reading, scoring and storing "
        f"included: {measured['ratio']:.2f} times its bare forward passes in batches of {measured['batch_size']} "
        f"(target: at most {TARGET})."
    )
