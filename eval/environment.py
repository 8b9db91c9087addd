"""What a result was measured with: code, libraries, processor. Nothing that names a person or a machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("torch", "numpy", "pillow", "datasets", "huggingface_hub", "pyarrow", "facenet-pytorch", "scikit-image")


def environment(device: str) -> dict[str, Any]:
    """Versions, processor, threads; the accelerator's name where ``device`` is "cuda"."""
    import torch

    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def git() -> dict[str, Any]:
    """Commit of this checkout and whether files other than results differ from it; None for both without git."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", ".", ":(exclude)eval/results")
    return {"commit": commit or None, "dirty": None if commit is None or changes is None else bool(changes)}


def code_digest() -> str:
    """SHA-256 over the sources that turn pictures into predictions, so that runs resume only on unchanged code."""
    import torch

    digest = hashlib.sha256(f"torch {torch.__version__}".encode())
    for path in sorted(path for package in ("fer", "eval") for path in (ROOT / package).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
