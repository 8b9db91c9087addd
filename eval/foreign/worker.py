"""Runs inside a peer's own environment: PYTHON -I worker.py PROJECT PEER_FILE check|fetch|serve.

Frames come in on stdin and go out on stdout (``eval.foreign.frames``). The first one out says who answers, or what is
absent; then, with "serve", every frame of faces is answered by one of probabilities. Whatever the peer prints goes to
stderr. This project comes last on the path: a package of the environment that is called fer is the peer's.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from eval.foreign.declaration import Peer


def main(project: str, file: str, task: str) -> None:
    """Answer until stdin is closed. task: "check" ends after the first frame, so does "fetch", which may download."""
    sys.path.append(project)
    from eval.foreign import frames
    from eval.memory import peak_memory_mb

    answers = _private_stdout()
    module = _module(file)
    peer: Peer = module.PEER
    try:
        identity = {"version": version(peer.package)}
    except PackageNotFoundError:
        frames.write(answers, {"absent": f"its environment has no package {peer.package}"})
        return
    if task == "fetch":
        module.load()
    paths: list[Path] = module.weights()
    if lost := [path.name for path in paths if not path.is_file()]:
        frames.write(answers, {"absent": f"its weights {', '.join(lost)} are missing"})
        return
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    started = time.perf_counter()
    model = module.load() if task == "serve" else None
    seconds = round(time.perf_counter() - started, 3)
    frames.write(answers, {**identity, "files": files, "load_seconds": seconds, "peak_memory_mb": peak_memory_mb()})
    if model is not None:
        _serve(model, sys.stdin.buffer, answers)


def _serve(model: Any, questions: BinaryIO, answers: BinaryIO) -> None:
    import numpy as np

    from eval.foreign import frames
    from eval.memory import peak_memory_mb

    while (frame := frames.read(questions)) is not None:
        faces = frame[1]
        started = time.perf_counter()
        probs = np.asarray(model(faces), np.float32)
        seconds = time.perf_counter() - started
        frames.write(answers, {"seconds": seconds, "peak_memory_mb": peak_memory_mb()}, probs)


def _private_stdout() -> BinaryIO:
    """Stdout for frames alone: from now on all that anybody prints, compiled code too, goes to stderr."""
    sys.stdout.flush()
    private = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return private


def _module(file: str) -> Any:
    spec = importlib.util.spec_from_file_location("peer", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(*sys.argv[1:])
