"""One contestant on one benchmark: predict batch by batch, resume, time, score."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eval.annotations import annotator
from eval.benchmark import Benchmark
from eval.contestants import Contestant
from eval.environment import code_digest, environment, git
from eval.families import FAMILIES
from eval.families.base import Items
from eval.records import Record, Status
from eval.source import Source
from eval.store import Parts

FORMAT = 1  # of the result JSON
TIMED_FACES = 50
WARM_UP_FACES = 5
SHOWN_SKIPS = 20
Progress = Callable[[int, int], None]  # pictures done, pictures in all


@dataclass(frozen=True)
class Options:
    """How a run is done. limit: only the first rows of the split, which makes the run partial."""

    cache: Path
    batch_size: int = 64
    seed: int = 0
    limit: int | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run. result: JSON values; records: the raw predictions in the order of the split."""

    result: dict[str, Any]
    records: list[Record]
    parts: Parts


def run(
    benchmark: Benchmark, source: Source, contestant: Contestant, options: Options, progress: Progress | None = None
) -> Run:
    """Measure. Finished batches of an earlier, killed run of the same identity are used and not predicted again.

    Raises DataError, StorageError. The caller stores the result, then calls ``parts.clear()``.
    """
    started = time.perf_counter()
    family = FAMILIES[benchmark.family]
    revision = source.revision(benchmark.split)
    annotate = annotator(benchmark, source)
    items = family.open(benchmark, source, contestant.device, options.limit)
    parts = Parts(options.cache, _identity(benchmark, source, revision, contestant) | dict(items.judged_by()))
    opening = time.perf_counter() - started
    records, seconds = _predict_all(items, contestant.model, parts, options, progress)
    speed = _speed(items, contestant.model, records) | {"includes": family.timed}
    records = annotate(family.finish(records))
    result = {
        "format": FORMAT,
        "benchmark": benchmark.declaration(),
        "dataset": {"id": source.id, "revision": revision, "from": "hub" if source.commit else "folder"},
        "model": {
            "name": contestant.name,
            "weights": contestant.weights_id,
            "weights_sha256": contestant.weights_sha256,
        },
        "partial": options.limit is not None,
        **items.judged_by(),
        **family.score(records, benchmark.declaration(), options.seed),
        "skipped": _skipped(records),
        "seconds": round(opening + seconds, 3),
        "ms_per_face": speed,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git(),
        "environment": environment(contestant.device),
    }
    return Run(result, records, parts)


def _identity(benchmark: Benchmark, source: Source, revision: str, contestant: Contestant) -> dict[str, Any]:
    return {
        "benchmark": benchmark.declaration(),
        "dataset": [source.id, revision],
        "model": [contestant.name, contestant.weights_id, contestant.weights_sha256, contestant.device],
        "parameters": contestant.parameters,
        "code": code_digest(),
    }


def _predict_all(
    items: Items, model: Any, parts: Parts, options: Options, progress: Progress | None
) -> tuple[list[Record], float]:
    kept, seconds = parts.read()
    records = {record.key: record for record in kept}
    numbers = {items.key(number): number for number in range(len(items))}
    pending = [number for key, number in numbers.items() if key not in records]
    done = len(items) - len(pending)
    for batch in _batches(pending, options.batch_size):
        if progress:
            progress(done, len(items))
        started = time.perf_counter()
        fresh = items.predict(batch, model)
        took = time.perf_counter() - started
        parts.add(batch[0], fresh, took)
        records |= {record.key: record for record in fresh}
        seconds, done = seconds + took, done + len(batch)
    if progress:
        progress(done, len(items))
    return [records[key] for key in numbers], seconds


def _batches(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _speed(items: Items, model: Any, records: Sequence[Record]) -> dict[str, Any]:
    """Milliseconds of the model alone, one face at a time, after a warm-up; None where there are no faces."""
    chosen = [i for i, record in enumerate(records) if record.status is Status.PREDICTED][:TIMED_FACES]
    faces = items.faces(chosen) if chosen else []
    for face in faces[:WARM_UP_FACES]:
        items.call(model, face[None])
    times = []
    for face in faces:
        started = time.perf_counter()
        items.call(model, face[None])
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times, [50, 95]).tolist() if times else (None, None)
    return {
        "p50": None if p50 is None else round(p50, 3),
        "p95": None if p95 is None else round(p95, 3),
        "faces": len(times),
        "batch_size": 1,
    }


def _skipped(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The first pictures that should have been scored and were not, with the reason."""
    bad = [r for r in records if r.status in (Status.BROKEN, Status.UNKNOWN_LABEL)]
    return [{"row": r.row, "column": r.column, "status": str(r.status), "note": r.note} for r in bad[:SHOWN_SKIPS]]
