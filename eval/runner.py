"""One contestant on one benchmark: predict batch by batch, share, resume, time, score."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from eval.memory import peak_memory_mb, reset_peak
from eval.records import Record, Status
from eval.source import Source
from eval.store import Parts
from eval.team import ALONE, Team
from eval.verify import check
from fer.errors import DataError, EvaluationError, FerError, StorageError

FORMAT = 1  # of the result JSON
TIMED_FACES = 50
WARM_UP_FACES = 5
SHOWN_SKIPS = 20
Key = tuple[int, str]  # of a record
Annotate = Callable[[Sequence[Record]], list[Record]]
Progress = Callable[[int, int], None]  # pictures done, pictures in all


@dataclass(frozen=True)
class Options:
    """How a run is done. limit: only the first rows of the split, which makes the run partial."""

    cache: Path
    batch_size: int = 64
    seed: int = 0
    limit: int | None = None


@dataclass(frozen=True, eq=False)
class Work:
    """An opened run: what is to be predicted by whom, and where finished batches lie.

    seconds: what opening took. tells_memory: whether the peak of this process's memory is that of this run.
    """

    benchmark: Benchmark
    source: Source
    contestant: Contestant
    options: Options
    revision: str
    items: Items
    parts: Parts
    annotate: Annotate
    seconds: float
    tells_memory: bool


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run. result: JSON values; records: the raw predictions in the order of the split."""

    result: dict[str, Any]
    records: list[Record]
    parts: Parts


def run(
    benchmark: Benchmark, source: Source, contestant: Contestant, options: Options, progress: Progress | None = None
) -> Run:
    """Open and finish a run, in one process."""
    return finish(start(benchmark, source, contestant, options), progress)


def start(benchmark: Benchmark, source: Source, contestant: Contestant, options: Options) -> Work:
    """Open the dataset, which must hold what its card says, and find the finished batches of earlier, killed runs of
    the same identity.

    Raises DataError, WeightsError, StorageError.
    """
    started = time.perf_counter()
    tells_memory = reset_peak() and contestant.took is None
    check(benchmark, source)
    revision = source.revision(benchmark.split)
    annotate = annotator(benchmark, source)
    items = FAMILIES[benchmark.family].open(benchmark, source, contestant.device, options.limit)
    parts = Parts(options.cache, _identity(benchmark, source, revision, contestant) | dict(items.judged_by()))
    seconds = time.perf_counter() - started
    return Work(benchmark, source, contestant, options, revision, items, parts, annotate, seconds, tells_memory)


def finish(work: Work, progress: Progress | None = None) -> Run:
    """Predict all that no finished batch holds, and score. The caller stores the result, then calls ``parts.clear()``.

    Raises EvaluationError, DataError, StorageError.
    """
    benchmark, source, contestant, options = work.benchmark, work.source, work.contestant, work.options
    family = FAMILIES[benchmark.family]
    found, seconds = predict(work, ALONE, progress)
    records = [found[work.items.key(number)] for number in range(len(work.items))]
    with _named(work, "while it was timed"):
        speed = _speed(work.items, contestant, records) | {"includes": family.timed}
    memory = {"peak_memory_mb": peak_memory_mb()} if work.tells_memory else {}
    records = work.annotate(family.finish(records))
    if source.revision(benchmark.split) != work.revision:
        raise DataError(f"The dataset {source.id} changed while it was measured. Nothing is stored; run again.")
    result = {
        "format": FORMAT,
        "benchmark": benchmark.declaration(),
        "dataset": {"id": source.id, "revision": work.revision, "from": "hub" if source.commit else "folder"},
        "model": {
            "name": contestant.name,
            "weights": contestant.weights_id,
            "weights_sha256": contestant.weights_sha256,
            **contestant.told(),
        },
        "partial": options.limit is not None,
        **work.items.judged_by(),
        **family.score(records, benchmark.declaration(), options.seed),
        "skipped": _skipped(records),
        "seconds": round(work.seconds + seconds, 3),
        "ms_per_face": speed,
        **memory,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git(),
        "environment": environment(contestant.device),
    }
    return Run(result, records, work.parts)


def _identity(benchmark: Benchmark, source: Source, revision: str, contestant: Contestant) -> dict[str, Any]:
    return {
        "benchmark": benchmark.declaration(),
        "dataset": [source.id, revision],
        "model": [contestant.name, contestant.weights_id, contestant.weights_sha256, contestant.device],
        "parameters": contestant.parameters,
        "code": code_digest(),
    }


def predict(work: Work, team: Team, progress: Progress | None = None) -> tuple[dict[Key, Record], float]:
    """Predict what no finished batch holds of this process's share: all records that are known now, and the seconds.

    The batches are the same however many processes share them and wherever a killed run stopped, so that the model is
    asked the same questions. Raises EvaluationError, DataError, StorageError.
    """
    kept, seconds = work.parts.read()
    records = {record.key: record for record in kept}
    share = team.share(_batches(len(work.items), work.options.batch_size))
    pending = [[number for number in batch if work.items.key(number) not in records] for batch in share]
    total = sum(map(len, share))
    done = total - sum(map(len, pending))
    for batch in filter(None, pending):
        if progress:
            progress(done, total)
        started = time.perf_counter()
        with _named(work, f"in the batch of pictures {batch[0]} to {batch[-1]}"):
            fresh = _finite(work.items.predict(batch, work.contestant.model))
        took = time.perf_counter() - started
        work.parts.add(batch[0], fresh, took)
        records |= {record.key: record for record in fresh}
        seconds, done = seconds + took, done + len(batch)
    if progress:
        progress(done, total)
    return records, seconds


def _batches(n: int, size: int) -> list[range]:
    return [range(first, min(first + size, n)) for first in range(0, n, size)]


@contextmanager
def _named(work: Work, when: str) -> Iterator[None]:
    """Whatever a model raises becomes a sentence that says who failed where; errors of data and disk have their own."""
    try:
        yield
    except (DataError, StorageError):
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, FerError) else f"{type(error).__name__}: {error}"
        raise EvaluationError(
            f"{work.contestant.name} failed on {work.benchmark.name} {when}: {' '.join(reason.split()).rstrip('.')}. "
            "Nothing is stored; the other finished batches are kept."
        ) from error


def _finite(records: list[Record]) -> list[Record]:
    """The records; FerError where a number in them is not one."""
    for record in records:
        lists = (
            record.probs or (),
            record.vector,
            record.features,
            record.real_features,
            record.pixels,
            record.values.values(),
        )
        if not all(math.isfinite(value) for values in lists for value in values):
            raise FerError(f"The answer for row {record.row} holds numbers that are not finite")
    return records


def _speed(items: Items, contestant: Contestant, records: Sequence[Record]) -> dict[str, Any]:
    """Milliseconds of the model alone, one face at a time, after a warm-up; None where there are no faces.

    What works in another process tells its own time: the way there and back is none of the model's.
    """
    model = contestant.model
    chosen = [i for i, record in enumerate(records) if record.status is Status.PREDICTED][:TIMED_FACES]
    faces = items.faces(chosen) if chosen else []
    for face in faces[:WARM_UP_FACES]:
        items.call(model, face[None])
    times = []
    for face in faces:
        started = time.perf_counter()
        items.call(model, face[None])
        seconds = time.perf_counter() - started
        times.append(1000 * (contestant.took() if contestant.took else seconds))
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
