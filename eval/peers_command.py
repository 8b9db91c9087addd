"""The command ``peers``: which there are, which are ready, and making the environment of one."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from eval import cited, peers
from eval.foreign.environments import install, is_installed
from eval.foreign.process import AbsentError, start
from fer.errors import EvaluationError

READY, ABSENT, WITHOUT_WEIGHTS = "ready", "not installed", "without weights"


def state(name: str) -> tuple[str, str]:
    """ "ready", "not installed" or "without weights" of a peer, and its version or why it cannot run."""
    peer = peers.peer(name)
    if not is_installed(peer):
        return ABSENT, f"Run: python -m eval peers install {name}"
    try:
        process = start(peer, peers.file(name), "check")
    except (AbsentError, EvaluationError) as error:
        return WITHOUT_WEIGHTS, str(error)
    process.close()
    return READY, f"{peer.package} {process.identity['version']}"


def listed() -> list[dict[str, Any]]:
    """Every peer with its declaration, "state" and "detail", as JSON values."""
    found = []
    for name in peers.names():
        now, detail = state(name)
        found.append({**asdict(peers.peer(name)), "state": now, "detail": detail})
    return found


def show() -> str:
    """Every peer in a few lines."""
    lines = []
    for each in listed():
        peer = peers.peer(each["name"])
        lines += [
            f"{peers.PREFIX}{peer.name}: {each['state']}. {each['detail']}",
            f"  {peer.citation}, {cited.reference(peer)}; {peer.homepage}",
            f"  {peer.licence}; cannot name: {', '.join(peer.lacks) or 'nothing'}. {peer.notes}",
        ]
    return "\n".join(lines)


def make(name: str) -> str:
    """Install a peer and let its package fetch its weights: what there is now, in a sentence.

    Raises RegistryError, FerError where pip fails, StorageError, and AbsentError or EvaluationError without weights.
    """
    peer = peers.peer(name)
    environment = install(peer)
    print(f"{peer.name} is installed in {environment.folder}. Its weights come now.", file=sys.stderr, flush=True)
    start(peer, peers.file(name), "fetch").close()
    return f"{peers.PREFIX}{peer.name} is ready."
