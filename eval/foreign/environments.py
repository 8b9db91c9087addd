"""The Python environments of peers: a folder each, outside of this project, made when asked for.

FOLDER/NAME/bin/python      its Python
FOLDER/NAME/home            its home folder: weights that a package downloads lie here
FOLDER/NAME/installed.json  what was installed; without it the environment is not complete
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.foreign.declaration import Peer
from fer.errors import FerError, StorageError

VARIABLE = "DEADPAN_PEERS"


@dataclass(frozen=True)
class Environment:
    """Where one peer lives."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def home(self) -> Path:
        """What its packages take for the user's home folder."""
        return self.folder / "home"

    @property
    def mark(self) -> Path:
        """The file that says that it is complete."""
        return self.folder / "installed.json"


def place(peer: Peer) -> Environment:
    """Where a peer's environment is, or would be: below $DEADPAN_PEERS, else below the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = os.environ.get(VARIABLE) or Path(cache) / "deadpan" / "peers"
    return Environment(Path(folder).resolve() / peer.name)


def is_installed(peer: Peer) -> bool:
    """Whether its environment holds what it declares now."""
    try:
        found = json.loads(place(peer).mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(found == _content(peer))


def install(peer: Peer) -> Environment:
    """Make its environment anew, with pip. Raises FerError where pip fails, StorageError where no folder can be made.

    What lies in its home folder stays.
    """
    environment = place(peer)
    try:
        environment.home.mkdir(parents=True, exist_ok=True)
        environment.mark.unlink(missing_ok=True)
        for old in ("bin", "lib", "lib64", "include"):
            _remove(environment.folder / old)
    except OSError as error:
        raise StorageError(f"{environment.folder} could not be made ({error}). Set {VARIABLE} to another.") from error
    _call(peer, [sys.executable, "-m", "venv", str(environment.folder)])
    pip = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check"]
    _call(peer, [*pip, *peer.requirements])
    if peer.bare:
        _call(peer, [*pip, "--no-deps", *peer.bare])
    try:
        environment.mark.write_text(json.dumps(_content(peer), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{environment.mark} could not be written ({error}). Make room and run again.") from error
    return environment


def _content(peer: Peer) -> dict[str, list[str]]:
    return {"requirements": list(peer.requirements), "bare": list(peer.bare)}


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _call(peer: Peer, command: Sequence[str]) -> None:
    """Run a program and show what it prints; FerError where it fails."""
    try:
        done = subprocess.run(command, check=False)
    except OSError as error:
        raise FerError(f"{command[0]} could not be started ({error}).") from error
    if done.returncode:
        raise FerError(
            f"The environment of {peer.name} could not be made: {Path(command[0]).name} {command[2]} ended with exit "
            f"code {done.returncode}. Read what it printed above, then run the same command again."
        )
