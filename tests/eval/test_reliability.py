"""Whatever happens to a run: nothing stored is wrong, nothing finished is lost, and the row says failed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eval import benchmarks, cli, contestants
from eval.contestants import Contestant
from eval.records import Record, Status
from eval.runner import Options, run
from eval.source import locate
from eval.store import Parts, read_predictions, read_result, read_results, write_result
from eval.validate import validate
from fer.errors import DataError, EvaluationError, WeightsError
from fer.models.base import Recognizer
from fer.types import EMOTIONS, Emotion, Framing, Prediction

ROOT = Path(__file__).resolve().parents[2]
TIME = ("date", "seconds", "ms_per_face", "peak_memory_mb")  # may differ between two runs of the same on the same code
# A run of two and a half batches whose process is killed, as by kill -9, when the third one is asked for.
KILLED = """
import os, signal, sys
from pathlib import Path
from eval.contestants import Contestant
from eval.runner import Options, run
from eval.source import locate
from fer.types import Framing
from tests.eval.test_reliability import Interrupted, declared

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

benchmark = declared()
entrant = Contestant("shades", "shades-1", "0" * 64, Interrupted(9, kill), "cpu")
run(benchmark, locate(benchmark, Path(sys.argv[1]), None), entrant, Options(Path(sys.argv[2]), batch_size=4))
"""


class Interrupted(Recognizer):
    """Names every face by its shade, and does something before it sees picture ``at``."""

    def __init__(self, at, act) -> None:
        self.at, self.act, self.seen = at, act, 0

    def recognize(self, faces: torch.Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        self.seen += len(faces)
        if self.act and self.seen >= self.at:
            act, self.act = self.act, None
            act()
        shade = ((faces.mean((1, 2, 3)) + 1) * 127.5 / 30).round().long()
        return Prediction(torch.full((len(faces), 8), 0.02).scatter(1, shade[:, None], 0.86))


def declared():
    """The benchmark ferplus without the votes that generated rows lack."""
    return replace(benchmarks.benchmark("ferplus"), annotations=None)


@pytest.fixture
def ten(make_dataset, picture) -> Path:
    """Ten rows in the layout of FER+, two of them wrong for ``shades``; the root of the data."""
    rows = [(str(EMOTIONS[k % 8]), picture(k % 8 if k < 8 else 0)) for k in range(10)]
    make_dataset(rows, "train", "ferplus")
    return make_dataset(rows, "test", "ferplus")


@pytest.fixture
def entered(monkeypatch, contestant, shades):
    """Put models under names: ``entered(plain=..., derl=...)``; ``WeightsError`` for one is raised."""

    def enter(**models) -> None:
        def find(name, weights, device, benchmark, source) -> Contestant:
            if isinstance(models[name], Exception):
                raise models[name]
            return replace(contestant(models[name]), name=name)

        monkeypatch.setattr(contestants, "enter", find)

    return enter


def command(root: Path, tmp_path: Path, *models: str) -> list[str]:
    places = ["--data-root", str(root), "--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    return ["run", *models, "--benchmarks", "ferplus", "--batch-size", "4", *places]


def batches(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*.part"))


def test_a_process_killed_in_the_middle_loses_nothing_that_is_finished(ten, contestant, tmp_path):
    script = [sys.executable, "-c", KILLED, str(ten), str(tmp_path / "cache")]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert batches(tmp_path) == ["00000000.part", "00000004.part"]
    model, bars = Interrupted(0, None), []
    source = locate(declared(), ten, None)
    options = Options(tmp_path / "cache", batch_size=4)
    resumed = run(declared(), source, contestant(model), options, lambda *bar: bars.append(bar))
    assert bars == [(8, 10), (10, 10)]
    whole = run(declared(), source, contestant(Interrupted(0, None)), Options(tmp_path / "other", batch_size=4))
    assert resumed.records == whole.records


def test_two_runs_give_the_same_files_but_for_times(ten, entered, shades, tmp_path):
    stored = []
    for name in ("first", "second"):
        entered(plain=shades())
        assert cli.main(command(ten, tmp_path / name, "plain")) == 0
        (path,) = read_results(tmp_path / name / "results")
        kept = {key: value for key, value in json.loads(path.read_text()).items() if key not in TIME}
        stored.append((json.dumps(kept), path.with_suffix(".parquet").read_bytes()))
    assert stored[0] == stored[1]


def raises():
    raise RuntimeError("no kernel\nfor this shape")


def test_a_model_that_raises_fails_with_its_name_and_keeps_the_other_batches(ten, entered, tmp_path, capsys):
    entered(plain=Interrupted(9, raises))
    assert cli.main(command(ten, tmp_path, "plain")) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "plain failed on ferplus in the batch of pictures 8 to 9: RuntimeError: no kernel for this shape. "
        "Nothing is stored; the other finished batches are kept."
    )
    assert batches(tmp_path) == ["00000000.part", "00000004.part"]
    assert not (tmp_path / "results").exists()


def test_a_model_that_raises_only_when_it_is_timed_fails_too(ten, contestant, tmp_path):
    source = locate(declared(), ten, None)
    with pytest.raises(EvaluationError, match=r"^shades failed on ferplus while it was timed: RuntimeError: no kernel"):
        run(declared(), source, contestant(Interrupted(11, raises)), Options(tmp_path / "cache"))


class Nothing(Recognizer):
    """Answers with nan: past the check of ``Prediction``, as a faulty model can."""

    def recognize(self, faces: torch.Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        answer = Prediction(torch.full((len(faces), 8), 0.125))
        answer.probs[-1] = torch.nan
        return answer


def test_answers_that_are_not_numbers_fail(ten, entered, tmp_path, capsys):
    entered(plain=Nothing())
    assert cli.main(command(ten, tmp_path, "plain")) == 2
    assert (
        capsys.readouterr()
        .err.splitlines()[-1]
        .startswith(
            "plain failed on ferplus in the batch of pictures 0 to 3: The answer for row 3 holds numbers that are not "
            "finite. Nothing is stored;"
        )
    )
    assert batches(tmp_path) == []
    assert not (tmp_path / "results").exists()


def test_one_that_fails_stops_no_other_and_the_overview_says_why(ten, entered, shades, tmp_path, capsys):
    entered(plain=Interrupted(9, raises), derl=WeightsError("The weights are not there."), errnet=shades())
    assert cli.main(command(ten, tmp_path, "plain", "derl", "errnet")) == 2
    printed = capsys.readouterr()
    overview = printed.out.splitlines()[-4:]
    assert overview[0] == "1 of 3 done"
    assert overview[1].startswith(
        "  failed: plain on ferplus: plain failed on ferplus in the batch of pictures 8 to 9: "
    )
    assert overview[2:] == ["  failed: derl on ferplus: The weights are not there.", "  done: errnet on ferplus"]
    assert "The weights are not there.\n" in printed.err
    assert [path.parts[-3] for path in read_results(tmp_path / "results")] == ["errnet"]
    entered(plain=shades(), derl=shades(), errnet=shades())
    assert cli.main(command(ten, tmp_path, "plain", "derl", "errnet")) == 0
    assert capsys.readouterr().out.splitlines()[-4] == "3 of 3 done"
    assert [path.parts[-3] for path in read_results(tmp_path / "results")] == ["derl", "errnet", "plain"]


def test_a_dataset_that_changes_meanwhile_is_never_stored(ten, make_dataset, picture, contestant, tmp_path):
    def change():
        make_dataset([("fear", picture(6))] * 10, "test", "ferplus")

    source = locate(declared(), ten, None)
    with pytest.raises(DataError, match=r"^The dataset ferplus changed while it was measured\."):
        run(declared(), source, contestant(Interrupted(5, change)), Options(tmp_path / "cache", batch_size=4))


def test_a_damaged_byte_anywhere_in_a_finished_batch_is_seen(tmp_path):
    parts = Parts(tmp_path, {})
    record = Record(4, "image", b"1" * 32, Emotion.FEAR, Status.PREDICTED, (0.125,) * 8)
    parts.add(4, [record], 0.5)
    assert parts.read() == ([record], 0.5)
    (path,) = parts.folder.iterdir()
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert parts.read() == ([], 0.0), place
        assert not path.exists()


def test_a_run_that_another_one_overtakes_is_complete_too(ten, contestant, tmp_path):
    """Both read and write the same batches; the one that is first stores its result and forgets them."""
    source, options = locate(declared(), ten, None), Options(tmp_path / "cache", batch_size=4)
    paths = []

    def overtake():
        first = run(declared(), source, contestant(Interrupted(0, None)), options)
        paths.append(write_result(tmp_path / "results", first.result, first.records))
        first.parts.clear()

    last = run(declared(), source, contestant(Interrupted(5, overtake)), options)
    (path,) = paths
    before = read_predictions(path, read_result(path))
    assert write_result(tmp_path / "results", last.result, last.records) == path
    assert read_predictions(path, read_result(path)) == before == last.records
    assert [r.row for r in last.records] == list(range(10))


def test_two_that_write_the_same_result_never_mix_it(ten, contestant, tmp_path, monkeypatch):
    done = run(declared(), locate(declared(), ten, None), contestant(Interrupted(0, None)), Options(tmp_path / "cache"))
    path = write_result(tmp_path / "results", done.result, done.records)

    real = Path.replace

    def slowly(self, target):  # leaves time for another writer between the two files
        real(self, target)
        time.sleep(0.002)

    monkeypatch.setattr(Path, "replace", slowly)

    def write(seed: int) -> None:
        write_result(tmp_path / "results", done.result | {"seed": seed}, done.records[:seed])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, list(range(1, 11)) * 6))
    result = read_result(path)
    assert len(read_predictions(path, result)) == result["seed"]
    assert sorted(p.name for p in path.parent.iterdir()) == ["ferplus.json", "ferplus.parquet"]


def test_results_of_two_writers_at_once_are_valid(ten, tmp_path):
    """Two whole commands in processes of their own, which store the same result."""
    command_line = [sys.executable, "-m", "eval", *command(ten, tmp_path, "majority")]
    both = [subprocess.Popen(command_line, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
    assert validate(tmp_path / "results") == (1, [])
    assert batches(tmp_path) == []
