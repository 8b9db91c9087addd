"""Stored values that several tests show, and a run of a model on a source."""

from __future__ import annotations

from itertools import count

from eval.contestants import Contestant
from eval.runner import Options, run

SPEED = {
    "photo_px": [1024, 1024],
    "model": "plain",
    "detect_ms": {"p50": 101.4, "p95": 120.6},
    "recognize_ms": {"p50": 8.2, "p95": 9.9},
    "peak_memory_mb": 700,
    "environment": {"threads": 2},
}
THROUGHPUT = {
    "benchmark": "ferplus",
    "model": {"name": "plain", "weights": "plain-1", "weights_sha256": "0" * 64},
    "faces": 3153,
    "partial": False,
    "whole_seconds": 10.0,
    "bare_seconds": 8.0,
    "ratio": 1.249,
    "batch_size": 64,
    "environment": {"threads": 2},
}


def measurer(source, declare, usual, folder):
    """A function that measures a model on ``source`` for a task, by default the usual one, from an empty cache."""
    fresh = count()

    def measure(model, task=usual, cache=None, **options):
        entrant = Contestant("fake", "fake-1", "0" * 64, model, "cpu")
        return run(declare(task), source, entrant, Options(folder / (cache or f"cache-{next(fresh)}"), **options))

    return measure
