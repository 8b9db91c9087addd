"""How long the whole way takes on this machine: a benchmark that is printed or stored, never a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from PIL import Image

from eval.environment import environment, git
from eval.memory import peak_memory_mb

PHOTO_SIDE_PX = 1024
WARM_UP = 3
REPEATS = 30


def measure(model: str) -> dict[str, Any]:
    """Milliseconds (p50, p95) on a 1,024 px photograph with one face: detection with alignment, then recognition.

    The photograph is scikit-image's astronaut, enlarged. Peak memory is the process's, in MB.
    """
    import fer

    photo = photograph(PHOTO_SIDE_PX)
    recognizer = fer.load(model, device="cpu")
    faces = fer.stack(fer.detect(photo))
    return {
        "photo_px": list(photo.size),
        "faces": len(faces),
        "model": model,
        "detect_ms": timed(lambda: fer.detect(photo)),
        "recognize_ms": timed(lambda: recognizer.recognize(faces)),
        "peak_memory_mb": peak_memory_mb(),
        "repeats": REPEATS,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git(),
        "environment": environment("cpu"),
    }


def sentence(speed: dict[str, Any]) -> str:
    """The measurement in one line of Markdown."""
    detect, recognize, where = speed["detect_ms"], speed["recognize_ms"], speed["environment"]
    return (
        f"Speed, {where['threads']} CPU threads, one face in a {speed['photo_px'][0]} px photograph, models warm: "
        f"detection and alignment {detect['p50']:.0f} ms (p95 {detect['p95']:.0f}), {speed['model']} "
        f"{recognize['p50']:.0f} ms (p95 {recognize['p95']:.0f}); peak memory {speed['peak_memory_mb']} MB."
    )


def photograph(side_px: int) -> Image.Image:
    """scikit-image's astronaut, a square of ``side_px``."""
    from skimage.data import astronaut

    return Image.fromarray(astronaut()).resize(  # type: ignore[no-untyped-call]
        (side_px, side_px), Image.Resampling.BICUBIC
    )


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of many calls once warm: median and 95th percentile."""
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}
