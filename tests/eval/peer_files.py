"""Peers for tests: a package that is installed here anyway, an answer that can be worked out, and ways to fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

DECLARATION = """
import os, sys, time
from pathlib import Path
import numpy as np
from eval.foreign.declaration import Peer

PEER = Peer(
    name="fake", package={package!r}, requirements=("numpy",), labels={labels!r}, licence="MIT", homepage="none",
    citation="none", doi="10.0/none", notes="none",
)

def weights():
    return [Path({weights!r})]

def load():
    print("a package that prints")
    os.write(1, b"compiled code that prints")
{load}
    def recognize(faces):
{answer}
    return recognize
"""
# the class that the grey value stands for, as tests.eval.conftest.Shades sees it: 30 per class
SHADES = """
assert faces.dtype == np.uint8 and faces.ndim == 4 and faces.shape[3] == 3
probs = 0.02 + 0.84 * np.eye(8)[(faces.mean((1, 2, 3)) / 30).round().astype(int)][:, :len(PEER.labels)]
return probs / probs.sum(1, keepdims=True)
"""
WEIGHTS = b"weights"
SEVEN = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
EIGHT = (*SEVEN, "contempt")


def write(
    folder: Path, answer: str, load: str = "pass", labels: tuple[str, ...] = EIGHT, package: str = "numpy"
) -> Path:
    """A peer's file in ``folder``, beside a file that stands for its weights."""
    weights = folder / "fake.bin"
    weights.write_bytes(WEIGHTS)
    inside = [" " * 4 + load, "\n".join(" " * 8 + line for line in answer.strip().splitlines())]
    text = DECLARATION.format(package=package, labels=labels, weights=str(weights), load=inside[0], answer=inside[1])
    path = folder / "fake.py"
    path.write_text(text, encoding="utf-8")
    return path


def environment(folder: Path) -> None:
    """What looks like a finished environment of "fake" below ``folder``, and is this very Python."""
    python = folder / "fake" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    content = {"requirements": ["numpy"], "bare": []}
    (folder / "fake" / "installed.json").write_text(json.dumps(content), encoding="utf-8")
