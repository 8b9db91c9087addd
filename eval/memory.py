"""How much memory this process has held. The standard library alone: a peer's environment reads it too."""

from __future__ import annotations

import sys
from pathlib import Path


def reset_peak() -> bool:
    """Let the peak begin again at what is held now; whether this system can do that, which Linux can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def peak_memory_mb() -> int | None:
    """The most memory that this process has held, in MB of 1,048,576 bytes; None where nothing tells it.

    Since it began, or since ``reset_peak`` could begin again.
    """
    try:  # Linux; getrusage would begin with what the parent held before this program was started
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return round(int(status.split("VmHWM:")[1].split()[0]) / 1024)
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB, but bytes on macOS
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024))
