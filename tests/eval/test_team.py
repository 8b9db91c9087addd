"""One run by several processes: every batch once, the same files as one process writes, and no end without a word."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from eval import cli, runner
from eval.runner import Options
from eval.source import locate
from eval.store import read_result
from eval.team import ALONE, GO_ON, LostError, Team, is_helper, join
from eval.validate import validate
from fer.errors import DataError, EvaluationError, FerError

ROOT = Path(__file__).resolve().parents[2]
TIMES = ("date", "seconds", "ms_per_face", "peak_memory_mb")
LAUNCH = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0"]


@dataclass(frozen=True)
class Told(Team):
    """A team whose other processes say ``others``."""

    others: list[str] = field(default_factory=list)

    def gather(self, word: str) -> list[str]:
        return [word, *self.others]


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_every_batch_is_in_one_share(size):
    batches = list(range(7))
    shares = [Team(index, size).share(batches) for index in range(size)]
    assert sorted(batch for share in shares for batch in share) == batches
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_two_shares_make_the_run_of_one_process(make_dataset, picture, tiny, shades, contestant, tmp_path):
    source = locate(tiny, make_dataset([("fear", picture(k % 8)) for k in range(14)]), None)
    whole = runner.run(tiny, source, contestant(shades()), Options(tmp_path / "one", batch_size=4))
    options, seen, bars = Options(tmp_path / "two", batch_size=4), [], []
    for index in range(2):
        model = shades()
        work = runner.start(tiny, source, contestant(model), options)
        runner.predict(work, Team(index, 2), lambda *bar: bars.append(bar))
        seen.append(model.seen)
    assert seen == [8, 6]  # batches 0 to 3 and 8 to 11; 4 to 7 and 12 to 13
    assert bars == [(0, 8), (4, 8), (8, 8), (0, 6), (4, 6), (6, 6)]
    model = shades()
    merged = runner.finish(runner.start(tiny, source, contestant(model), options))
    assert model.seen == runner.WARM_UP_FACES + 14  # only what is timed
    assert merged.records == whole.records
    assert merged.result["scores"] == whole.result["scores"]


def test_what_fails_in_one_fails_in_all():
    with pytest.raises(DataError, match=r"^mine$"), Told(others=["theirs"]).together():
        raise DataError("mine")
    with pytest.raises(EvaluationError, match=r"^theirs$"), Told(others=["", "theirs"]).together():
        pass
    with Told(others=["", ""]).together():
        pass
    with pytest.raises(DataError, match=r"^mine$"), ALONE.together():
        raise DataError("mine")


def test_a_process_that_is_gone_is_one_sentence(monkeypatch):
    import accelerate.utils

    def closed(_):
        raise RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer")

    handlers = []
    monkeypatch.setattr(accelerate.utils, "gather_object", closed)
    monkeypatch.setattr(signal, "signal", lambda *given: handlers.append(given))
    with pytest.raises(LostError, match=r"^Another process of this run ended, or does not answer\. Nothing is stored"):
        Team(0, 2).gather("")
    assert handlers == [(signal.SIGTERM, signal.SIG_IGN)]  # the launcher ends what is left; that is not said again


def test_without_a_launcher_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert (join(), is_helper()) == (ALONE, False)


def test_a_launched_run_without_accelerate_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(FerError, match=r"pip install -r requirements-eval\.txt"):
        join()
    assert cli.main(["run", "majority"]) == 2
    assert capsys.readouterr().err.endswith("Run: pip install -r requirements-eval.txt\n")


def test_a_helper_is_silent_and_leaves_other_commands_to_the_main_process(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert cli.main(["list"]) == 0
    assert cli.main(["run", "majority"]) == 0
    assert capsys.readouterr() == ("", "")


def write_noise(write_split, n: int) -> Path:
    """Rows in the layout of FER+ without any meaning, so that every answer has all its digits."""
    random = np.random.default_rng(0)
    columns = {
        "image": list(random.integers(0, 256, (n, 48, 48, 3), np.uint8)),
        "label": [i % 8 for i in range(n)],
        "votes": [[10 * (k == i % 8) for k in range(10)] for i in range(n)],
    }
    return write_split(columns, "test", "ferplus")


def start(module: list[str], place: Path, root: Path, models: list[str], size: int) -> subprocess.Popen[str]:
    """``python -m MODULE... eval run MODELS`` with everything that it writes below ``place``; one thread a process."""
    places = ["--data-root", str(root), "--results", str(place / "results"), "--cache", str(place / "cache")]
    command = [sys.executable, "-m", *module, "run", *models, "--benchmarks", "ferplus", "--batch-size", str(size)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HOME": str(place / "hf")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *places], cwd=ROOT, env=environment, **pipes)


def stored(place: Path, model: str) -> tuple[str, bytes]:
    """The result but for times, as text, and the bytes of the predictions."""
    (path,) = (place / "results").glob(f"{model}/*/ferplus.json")
    kept = {key: value for key, value in read_result(path).items() if key not in TIMES}
    return json.dumps(kept), path.with_suffix(".parquet").read_bytes()


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_as_one(write_split, tmp_path):
    root = write_noise(write_split, 26)
    one, two = tmp_path / "one", tmp_path / "two"
    for place, module in ((one, ["eval"]), (two, [*LAUNCH, "-m", "eval"])):
        process = start(module, place, root, ["plain", "fesgan"], 4)
        output, error = process.communicate(timeout=600)
        assert process.returncode == 0, error
        assert output.splitlines()[-3:] == ["2 of 2 done", "  done: plain on ferplus", "  done: fesgan on ferplus"]
        assert output.count("stored in") == 2  # by the main process alone
    assert "one share of 2: 100%" in error
    for model in ("plain", "fesgan"):
        assert stored(one, model) == stored(two, model)
    assert validate(two / "results")[0] == 2
    assert not list((two / "cache").rglob("*.part"))
    kept = [stored(two, model) for model in ("plain", "fesgan")]
    process = start([*LAUNCH, "-m", "eval"], two, root, ["plain", "fesgan"], 4)
    output, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    assert output.count("stored predictions of the same weights, data and code scored again") == 2
    assert "one share of 2" not in error
    assert [stored(two, model) for model in ("plain", "fesgan")] == kept


@pytest.mark.slow
def test_a_pair_that_fails_in_all_processes_stops_no_other(write_split, tmp_path):
    process = start([*LAUNCH, "-m", "eval"], tmp_path, write_noise(write_split, 8), ["majority", "plain"], 4)
    output, error = process.communicate(timeout=600)
    assert process.returncode != 0  # there is no train split for the majority
    assert error.count("There are no files data/train-*.parquet") + error.count("could not be read") == 1, error
    assert output.splitlines()[-3] == "1 of 2 done"
    assert output.splitlines()[-1] == "  done: plain on ferplus"


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["0", "1"])
def test_a_killed_process_ends_the_run_with_a_sentence_and_the_same_command_goes_on(victim, write_split, tmp_path):
    root = write_noise(write_split, 800)
    process = start([*LAUNCH, "-m", "eval"], tmp_path, root, ["plain"], 4)
    while len(list((tmp_path / "cache").rglob("*.part"))) < 6:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    ranks = {Path(f"/proc/{pid}/environ").read_text().partition("\0RANK=")[2][:1]: pid for pid in children(process.pid)}
    os.kill(ranks[victim], signal.SIGKILL)
    output, error = process.communicate(timeout=300)  # far less than the longest wait
    assert process.returncode != 0
    assert output == ""
    assert error.count(GO_ON) == (victim == "1"), error  # a main process that is killed says nothing any more
    assert not (tmp_path / "results").exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.part")}
    assert len(kept) >= 6
    # The rest by one process: what the two had finished is not predicted again.
    again = start(["eval"], tmp_path, root, ["plain"], 4)
    while len(list((tmp_path / "cache").rglob("*.part"))) <= len(kept):
        assert again.poll() is None, again.communicate()
        time.sleep(0.1)
    again.terminate()
    again.communicate(timeout=300)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
