"""A contestant that is not at hand is skipped by all processes of a run, and only from then on."""

from __future__ import annotations

import errno
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval import cli, peers, run_command
from eval.foreign import environments
from eval.foreign.process import AbsentError
from eval.team import Team
from fer.errors import StorageError


@dataclass(frozen=True)
class Beside(Team):
    """A team of two whose other process is told that its contestant is absent."""

    def gather(self, word: str) -> list[str]:
        gathers.append(word)
        return [word, "" if len(gathers) == 1 else "theirs"]


gathers: list[str] = []


def test_what_is_absent_in_one_process_is_absent_in_all(monkeypatch):
    closed = []
    gathers.clear()
    monkeypatch.setattr(
        run_command.contestants, "enter", lambda *_: SimpleNamespace(close=lambda: closed.append("closed"))
    )
    options = Namespace(weights="default", device="cpu")
    with pytest.raises(AbsentError, match=r"^theirs$"), ExitStack() as held:
        run_command._entered("peer:fer", None, None, options, Beside(1, 2), held)
    assert (gathers, closed) == (["", ""], ["closed"])


def test_a_pair_that_was_done_before_its_model_went_is_not_called_skipped(monkeypatch, capsys):
    ran = []

    def one(benchmark, model, *_):
        ran.append(benchmark.name)
        if len(ran) == 2:
            raise AbsentError("gone")

    monkeypatch.setattr(run_command, "_run_one", one)
    assert cli.main(["run", "majority", "--benchmarks", "ferplus,fer2013,raf_db"]) == 0
    assert ran == ["ferplus", "fer2013"]
    assert capsys.readouterr().out.splitlines() == [
        "1 of 3 done",
        "  done: majority on ferplus",
        "  skipped: majority on fer2013: gone",
        "  skipped: majority on raf_db: gone",
    ]


def test_a_full_disk_while_a_peer_is_installed_is_one_sentence(monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv(environments.VARIABLE, str(tmp_path))
    monkeypatch.setattr(environments, "_call", lambda *_: None)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match=r"could not be written \(.*No space left on device\)\. Make room"):
        environments.install(peers.peer("fer"))
