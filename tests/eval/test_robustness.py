"""The robustness family: which faces are drawn, closed forms of its scores, a run on generated pictures."""

from __future__ import annotations

from collections import Counter

import pytest

from eval.benchmark import Robustness, View, same
from eval.compare import compare, select
from eval.corruptions import SEVERITIES
from eval.families.robustness import cell, robustness, stratified
from eval.records import Record, Status, from_table, to_table
from eval.runner import Options, run
from eval.source import locate
from eval.store import write_result
from eval.table import render
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

HAPPY, FEAR = Emotion.HAPPINESS, Emotion.FEAR
TASK = {"magnitudes": {"blur": [1] * 5, "noise": [1] * 5}, "classes": list(EMOTIONS)}


def record(row: int, clean: bool, blur: tuple[int, ...], noise: tuple[int, ...] = (1, 1, 1, 1, 1)) -> Record:
    probs = tuple(1.0 if (e is HAPPY) == clean and e in (HAPPY, FEAR) else 0.0 for e in EMOTIONS)
    values = {cell("blur", s): float(v) for s, v in zip(SEVERITIES, blur, strict=True)}
    values |= {cell("noise", s): float(v) for s, v in zip(SEVERITIES, noise, strict=True)}
    return Record(row, "image", b"x", HAPPY, Status.PREDICTED, probs, values=values)


RECORDS = [record(0, True, (1, 1, 1, 0, 0)), record(1, True, (1, 0, 0, 0, 0)), record(2, False, (0, 0, 0, 0, 0))]


def test_scores_are_means_over_faces_and_cells() -> None:
    found = robustness(RECORDS, TASK, seed=0)
    blur, noise = found["by_corruption"]["blur"], found["by_corruption"]["noise"]
    thirds = [pytest.approx(k / 3, abs=1e-6) for k in (2, 1, 1, 0, 0)]
    assert [step["value"] for step in blur["accuracy"]] == thirds
    assert blur["mean"]["value"] == pytest.approx(4 / 15, abs=1e-6)
    assert blur["relative_drop"]["value"] == pytest.approx(1 - (4 / 15) / (2 / 3), abs=1e-6)
    assert noise["relative_drop"]["value"] == pytest.approx(-0.5)  # more right damaged than clean
    values = {name: score["value"] for name, score in found["scores"].items()}
    corrupted = (4 + 15) / 30
    assert values == {
        "accuracy": pytest.approx(2 / 3, abs=1e-6),
        "corrupted_accuracy": pytest.approx(corrupted, abs=1e-6),
        "relative_drop": pytest.approx(1 - corrupted * 3 / 2, abs=1e-6),
    }
    assert noise["mean"] == {"value": 1, "low": 1, "high": 1}
    assert found["scores"]["corrupted_accuracy"]["low"] < corrupted < found["scores"]["corrupted_accuracy"]["high"]


def test_a_drop_from_nothing_is_undefined() -> None:
    found = robustness([RECORDS[2]], TASK, seed=0)
    assert found["scores"]["relative_drop"] == {"value": None, "low": None, "high": None}
    with pytest.raises(DataError, match="could be scored"):
        robustness([Record(0, "image", b"", HAPPY, Status.BROKEN)], TASK, seed=0)


def test_records_survive_the_file_format() -> None:
    assert from_table(to_table(RECORDS)) == RECORDS


def test_every_label_keeps_its_share() -> None:
    labels = [HAPPY] * 60 + [None] * 40 + [FEAR] * 25 + [Emotion.ANGER] * 15
    chosen = stratified(labels, 20, seed=0)
    assert Counter(labels[i] for i in chosen) == {HAPPY: 12, FEAR: 5, Emotion.ANGER: 3}
    assert chosen == sorted(set(chosen))
    assert chosen == stratified(labels, 20, seed=0) != stratified(labels, 20, seed=1)
    assert Counter(labels[i] for i in stratified(labels, 3, seed=0)) == {HAPPY: 2, FEAR: 1}
    assert len(stratified(labels, 1000, seed=0)) == 100


@pytest.fixture
def task() -> Robustness:
    view = View("image", "label", same(EMOTIONS) | {"unknown": None})
    magnitudes = {"darkness": (0.9, 0.8, 0.7, 0.6, 0.01), "shift": (0.1, 0.2, 0.3, 0.4, 0.5)}
    return Robustness(view, faces=3, seed=0, magnitudes=magnitudes, classes=EMOTIONS)


def test_a_run_names_damaged_pictures(make_dataset, picture, declare, task, shades, contestant, tmp_path) -> None:
    """A flat grey picture is shifted into itself; darkened to nothing it looks like class 0, neutral."""
    root = make_dataset([("unknown", picture(0)), ("neutral", picture(0)), ("fear", picture(6)), ("fear", b"broken")])
    benchmark = declare(task)
    done = run(benchmark, locate(benchmark, root, None), contestant(shades()), Options(tmp_path / "cache"))
    assert [(r.row, str(r.status)) for r in done.records] == [(1, "predicted"), (2, "predicted"), (3, "broken")]
    neutral, fear = (r.values for r in done.records[:2])
    assert set(neutral.values()) == {1.0}
    assert [fear[cell("shift", s)] for s in SEVERITIES] == [1] * 5
    assert fear[cell("darkness", 5)] == 0
    assert done.result["counts"]["n_scored"] == 2
    assert done.result["benchmark"]["family"] == "robustness"
    assert done.result["scores"]["accuracy"]["value"] == 1
    path = write_result(tmp_path / "results", done.result, done.records)
    clean, damaged = compare(select(path.parents[2], "shades"), select(path.parents[2], "shades"), ["tiny"])
    assert (clean.measure, clean.first, clean.n) == ("accuracy", 1, 2)
    assert damaged.first == done.result["scores"]["corrupted_accuracy"]["value"]
    assert "| tiny | shades | shades-1 | 2 | 100.0 [100.0, 100.0] |" in render([done.result])


def test_a_trial_takes_the_first_of_the_drawn(make_dataset, picture, declare, task, shades, contestant, tmp_path):
    benchmark = declare(task)
    source = locate(benchmark, make_dataset([("fear", picture(6))] * 9), None)
    whole = run(benchmark, source, contestant(shades()), Options(tmp_path / "a"))
    trial = run(benchmark, source, contestant(shades()), Options(tmp_path / "b", limit=2))
    assert trial.records == whole.records[:2]
    assert len(whole.records) == 3


def test_every_corruption_needs_a_magnitude_per_severity() -> None:
    with pytest.raises(ValueError, match="5 magnitudes"):
        Robustness(View("image", constant=HAPPY), 3, 0, {"blur": (0.1,)}, EMOTIONS)
