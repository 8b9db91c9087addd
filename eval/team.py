"""The processes that share one run, as ``accelerate launch`` starts them. Without it there is one, with all the work.

They talk through gloo, on machines with GPUs too: a word about failures is all that they exchange. Predictions travel
as files, the finished batches of the run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, TypeVar

from fer.errors import EvaluationError, FerError

LONGEST_WAIT = timedelta(hours=2)  # for a process that lives and does not answer; one that ended is noticed at once
GO_ON = "Nothing is stored, finished batches are kept: run the same command again to go on."
ENDED = f"The run was told to end, by you or because another of its processes ended. {GO_ON}"
ERROR = 2
T = TypeVar("T")


class LostError(EvaluationError):
    """Another process of a shared run ended, or no longer answers: there is nobody to go on with."""


@dataclass(frozen=True)
class Team:
    """This process among those that share a run. index: from 0, which is the main one; size: how many they are."""

    index: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that shows, scores and writes."""
        return self.index == 0

    def share(self, batches: Sequence[T]) -> Sequence[T]:
        """Every ``size``-th of the batches: each is in the share of exactly one process."""
        return batches[self.index :: self.size]

    @contextmanager
    def together(self) -> Iterator[None]:
        """All processes do what is inside, and wait for each other at its end. What fails in one fails in all.

        Raises the FerError of this process, else EvaluationError with that of another, else LostError.
        """
        failure = None
        try:
            yield
        except LostError:
            raise
        except FerError as error:
            failure = error
        told = self.gather(str(failure or ""))
        if failure is not None:
            raise failure
        if others := [each for each in told if each]:
            raise EvaluationError(others[0])

    def gather(self, word: str) -> list[str]:
        """The words of all processes, by their index. Raises LostError."""
        if self.size == 1:
            return [word]
        from accelerate.utils import gather_object

        try:
            words: list[str] = gather_object([word])
        except RuntimeError as error:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher's, who has noticed too: one sentence is enough
            raise LostError(f"Another process of this run ended, or does not answer. {GO_ON}") from error
        return words


ALONE = Team()


def is_helper() -> bool:
    """Whether this process only helps another one with a run. It prints nothing."""
    return _started() > 1 and os.environ.get("RANK", "0") != "0"


def _started() -> int:
    return int(os.environ.get("WORLD_SIZE") or 1)


def join() -> Team:
    """Meet the other processes of this run and take a GPU of one's own where there are some.

    Raises FerError without ``accelerate``, LostError where the others do not come.
    """
    if _started() < 2:
        return ALONE
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise FerError(
            "A run is shared by accelerate, which is not installed. Run: pip install -r requirements-eval.txt"
        ) from error
    import torch

    signal.signal(signal.SIGTERM, _end)
    try:
        state = PartialState(cpu=True, timeout=LONGEST_WAIT)
    except RuntimeError as error:
        raise LostError(f"The processes of this run did not find each other: {str(error).splitlines()[0]}") from error
    if torch.cuda.is_available():  # "cuda" now means this one
        torch.cuda.set_device(state.local_process_index % torch.cuda.device_count())
    return Team(state.process_index, state.num_processes)


def _end(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not is_helper():
        os.write(sys.stderr.fileno(), f"\n{ENDED}\n".encode())  # print is not safe in a signal handler
    raise SystemExit(ERROR)
