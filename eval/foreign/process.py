"""A peer's process, seen from this side: started, asked, timed, ended. What goes wrong there is one sentence here."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from numpy.typing import NDArray

from eval.foreign import frames
from eval.foreign.declaration import Peer
from eval.foreign.environments import Environment, is_installed, place
from fer.errors import EvaluationError, FerError

PROJECT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("worker.py")
LOAD_SECONDS = 600.0
ANSWER_SECONDS = 300.0
END_SECONDS = 15.0
LONGEST_WORDS = 300  # characters of what it printed last


class AbsentError(FerError):
    """The environment of a peer, its package or its weights are not at hand: it is skipped."""


class Process:
    """A running peer. identity: what it said of itself: "version", "files" with checksums, "load_seconds"."""

    def __init__(
        self, peer: Peer, command: Sequence[str], environment: Environment, seconds: float, fetch: bool
    ) -> None:
        """Start it and wait for its first frame. Raises AbsentError or EvaluationError."""
        self.name = f"peer:{peer.name}"
        self.said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        try:
            environment.home.mkdir(parents=True, exist_ok=True)
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.said,
                env=_variables(peer, environment, fetch),
                cwd=environment.home,
                start_new_session=True,
            )
        except OSError as error:
            self.said.close()
            reason = f"its environment is damaged ({error.strerror})"
            raise AbsentError(f"{self.name} is skipped, because {reason}. {_advice(peer)}") from error
        self.questions, self.answers = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)
        self.identity, _ = self.exchange("while it was loaded", seconds)
        if absent := self.identity.get("absent"):
            self.close()
            raise AbsentError(f"{self.name} is skipped, because {absent}. {_advice(peer)}")

    def exchange(self, when: str, seconds: float, array: NDArray[Any] | None = None) -> frames.Frame:
        """Send an array, where there is one, and wait for the next frame.

        Raises EvaluationError, and has ended the process then.
        """
        late = threading.Event()
        timer = threading.Timer(seconds, self._end_late, [late])
        timer.start()
        answer, reason = None, ""
        try:
            if array is not None:
                frames.write(self.questions, {}, array)
            answer = frames.read(self.answers)
        except OSError:  # it reads no more: its exit code says why
            pass
        except frames.FrameError as error:
            reason = f"what it wrote is no answer ({error})"
        finally:
            timer.cancel()
        if late.is_set():
            reason = f"it did not answer within {seconds:g} s"
        if answer is None or reason:
            raise self._failed(when, reason)
        return answer

    def _failed(self, when: str, reason: str) -> EvaluationError:
        if not reason:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
            reason = f"it ended with exit code {self.process.poll()}"
        self._kill()
        last = self._last_words()
        self.close()
        return EvaluationError(f"{self.name} failed {when}: {reason}{last and f'; its last words: {last}'}")

    def _last_words(self) -> str:
        self.said.seek(0)
        lines = [line.strip() for line in self.said.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:LONGEST_WORDS] if lines else ""

    def _end_late(self, late: threading.Event) -> None:
        late.set()
        self._kill()

    def _kill(self) -> None:
        if self.process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it: it goes by itself when nobody can ask any more, and is made to where it does not."""
        for pipe in (self.questions, self.answers):
            with suppress(OSError):
                pipe.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            self.process.wait()
        self.said.close()


def _advice(peer: Peer) -> str:
    return f"Run: python -m eval peers install {peer.name}"


def start(peer: Peer, file: Path, task: str = "serve", seconds: float = LOAD_SECONDS) -> Process:
    """Start a peer in its own environment. task: see ``eval.foreign.worker``. Raises AbsentError, EvaluationError."""
    environment = place(peer)
    if not is_installed(peer):
        raise AbsentError(f"peer:{peer.name} is skipped, because its environment is not there. {_advice(peer)}")
    command = [str(environment.python), "-I", "-B", str(WORKER), str(PROJECT), str(file), task]
    return Process(peer, command, environment, seconds, fetch=task == "fetch")


def _variables(peer: Peer, environment: Environment, fetch: bool) -> dict[str, str]:
    """The environment variables of its process: a home of its own, no GPU, no downloads while it is measured."""
    own = {"HOME": str(environment.home), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    offline = {} if fetch else {"HF_HUB_OFFLINE": "1"}
    return {**os.environ, **own, **offline, **dict(peer.settings)}
