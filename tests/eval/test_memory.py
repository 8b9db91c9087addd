"""Streaming a long dataset takes no more memory than a short one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Image

ROOT = Path(__file__).resolve().parents[2]
MORE_MB = 300
LABELS = ["happy", "sad"]
# The whole command but its model: prints pictures scored, and the peak of memory in MB.
SCRIPT = """
import resource, sys
from pathlib import Path
import torch
from eval import adhoc
from eval.contestants import Contestant
from eval.runner import Options, run
from eval.store import write_result
from fer.models.base import Recognizer
from fer.types import Framing, Prediction

class Unsure(Recognizer):
    def recognize(self, faces, framing=Framing.ALIGNED):
        return Prediction(torch.full((len(faces), 8), 0.125))

folder, place = sys.argv[1], Path(sys.argv[2])
source = adhoc.explore(folder, None, True)
benchmark = adhoc.declare(source, adhoc.Asked(framing=Framing.TIGHT))
done = run(benchmark, source, Contestant("unsure", "none", None, Unsure(), "cpu"), Options(place / "cache", 1000))
write_result(place / "results", done.result, done.records)
print(done.result["counts"]["n_scored"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def measure(n: int, picture: bytes, tmp_path: Path) -> tuple[int, int]:
    """Pictures scored and peak memory in MB of a streamed run over ``n`` rows, in a process of its own."""
    rows = {"image": [{"bytes": picture, "path": None}] * n, "label": [i % 2 for i in range(n)]}
    features = Features({"image": Image(), "label": ClassLabel(names=LABELS)})
    folder = tmp_path / str(n)
    folder.mkdir()
    Dataset.from_dict(rows, features).to_parquet(folder / "test.parquet")
    command = [sys.executable, "-c", SCRIPT, str(folder), str(tmp_path / f"run-{n}")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr
    scored, megabytes = done.stdout.split()
    return int(scored), int(megabytes)


@pytest.mark.slow
def test_a_hundred_thousand_streamed_rows_stay_within_300_mb_of_a_thousand(tmp_path, picture):
    few, few_mb = measure(1_000, picture(1), tmp_path)
    many, many_mb = measure(100_000, picture(1), tmp_path)
    print(f"peak memory: {few_mb} MB for {few} pictures, {many_mb} MB for {many}")
    assert (few, many) == (1_000, 100_000)
    assert many_mb - few_mb < MORE_MB


def test_the_peak_can_begin_again():
    """In a process of its own, for the peak is the whole process's."""
    code = (
        "from eval.memory import peak_memory_mb, reset_peak\n"
        "held = bytearray(400 << 20)\n"
        "high = peak_memory_mb()\n"
        "del held\n"
        "print(high, reset_peak(), peak_memory_mb())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    high, could, low = done.stdout.split()
    assert int(high) > 400
    assert could == str(sys.platform == "linux")
    assert not (could == "True" and int(low) > 100)
