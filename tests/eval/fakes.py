"""Stored values that several tests show."""

from __future__ import annotations

SPEED = {
    "photo_px": [1024, 1024],
    "model": "plain",
    "detect_ms": {"p50": 101.4, "p95": 120.6},
    "recognize_ms": {"p50": 8.2, "p95": 9.9},
    "peak_memory_mb": 700,
    "environment": {"threads": 2},
}
