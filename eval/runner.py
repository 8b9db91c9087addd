"""One contestant on one benchmark: predict batch by batch, resume, time, score."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from eval import families
from eval.benchmark import Benchmark, View
from eval.contestants import Contestant
from eval.environment import code_digest, environment, git
from eval.pictures import Sample, faces_of, label_reader, predict, read
from eval.records import Record, Status
from eval.source import Source
from eval.store import Parts
from fer.models.base import Recognizer
from fer.types import Framing

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


class _Split:
    """The pictures of a benchmark's split by number: every view of the first row, then of the second, ..."""

    def __init__(self, benchmark: Benchmark, source: Source, limit: int | None) -> None:
        images = [view.image for view in benchmark.views]
        labels = [view.label for view in benchmark.views if view.label is not None]
        self.rows = source.open(benchmark.split, images, labels)
        self.views: list[tuple[View, Any]] = [(view, label_reader(self.rows, view)) for view in benchmark.views]
        self.n_rows = self.rows.num_rows if limit is None else min(limit, self.rows.num_rows)

    def __len__(self) -> int:
        return int(self.n_rows) * len(self.views)

    def key(self, number: int) -> tuple[int, str]:
        row, view = divmod(number, len(self.views))
        return row, self.views[view][0].image

    def sample(self, number: int) -> Sample:
        place, index = divmod(number, len(self.views))
        view, name_of = self.views[index]
        row = self.rows[place]
        return read(row, place, view, name_of(row))


def run(
    benchmark: Benchmark, source: Source, contestant: Contestant, options: Options, progress: Progress | None = None
) -> Run:
    """Measure. Finished batches of an earlier, killed run of the same identity are used and not predicted again.

    Raises DataError, StorageError. The caller stores the result, then calls ``parts.clear()``.
    """
    started = time.perf_counter()
    revision = source.revision(benchmark.split)
    split = _Split(benchmark, source, options.limit)
    parts = Parts(options.cache, _identity(benchmark, source, revision, contestant))
    opening = time.perf_counter() - started
    records, seconds = _predict_all(split, benchmark.framing, contestant.recognizer, parts, options, progress)
    speed = _speed(contestant.recognizer, _first_faces(split, records, benchmark.framing), benchmark.framing)
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
        **families.recognition(records, benchmark.classes, options.seed),
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
    split: _Split, framing: Framing, recognizer: Recognizer, parts: Parts, options: Options, progress: Progress | None
) -> tuple[list[Record], float]:
    kept, seconds = parts.read()
    records = {record.key: record for record in kept}
    numbers = {split.key(number): number for number in range(len(split))}
    pending = [number for key, number in numbers.items() if key not in records]
    done = len(split) - len(pending)
    for batch in _batches(pending, options.batch_size):
        if progress:
            progress(done, len(split))
        started = time.perf_counter()
        fresh = predict([split.sample(number) for number in batch], recognizer, framing)
        took = time.perf_counter() - started
        parts.add(batch[0], fresh, took)
        records |= {record.key: record for record in fresh}
        seconds, done = seconds + took, done + len(batch)
    if progress:
        progress(done, len(split))
    return [records[key] for key in numbers], seconds


def _batches(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _first_faces(split: _Split, records: Sequence[Record], framing: Framing) -> list[Tensor]:
    """Faces of the first pictures that were predicted, prepared again: a resumed run has none in memory."""
    chosen = [i for i, record in enumerate(records) if record.status is Status.PREDICTED][:TIMED_FACES]
    pictures = [picture for i in chosen if (picture := split.sample(i).picture) is not None]
    return [face for face in faces_of(pictures, framing) if face is not None] if pictures else []


def _speed(recognizer: Recognizer, faces: Sequence[Tensor], framing: Framing) -> dict[str, Any]:
    """Milliseconds of ``recognize`` alone, one face at a time, after a warm-up; None where there are no faces."""
    for face in faces[:WARM_UP_FACES]:
        recognizer.recognize(face[None], framing)
    times = []
    for face in faces:
        started = time.perf_counter()
        recognizer.recognize(face[None], framing)
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times, [50, 95]).tolist() if times else (None, None)
    return {
        "p50": None if p50 is None else round(p50, 3),
        "p95": None if p95 is None else round(p95, 3),
        "faces": len(times),
        "batch_size": 1,
        "includes": "recognition without reading, detection and alignment",
    }


def _skipped(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The first pictures that should have been scored and were not, with the reason."""
    bad = [r for r in records if r.status in (Status.BROKEN, Status.UNKNOWN_LABEL)]
    return [{"row": r.row, "column": r.column, "status": str(r.status), "note": r.note} for r in bad[:SHOWN_SKIPS]]
