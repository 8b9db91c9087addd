"""The report: what it says, what it never holds, and that it needs no network."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from eval import benchmarks, charts, cli, metrics, report
from eval.corruptions import SEVERITIES
from eval.families.recognition import recognition
from eval.families.robustness import cell, robustness
from eval.records import Record, Status
from eval.store import SPEED_FILE, write_json, write_result
from fer.types import EMOTIONS, Emotion
from tests.eval.fakes import SPEED

HAPPY, NEUTRAL, FEAR = Emotion.HAPPINESS, Emotion.NEUTRAL, Emotion.FEAR


def answer(shown: Emotion, p: float) -> tuple[float, ...]:
    return tuple(p if e is shown else (1 - p) / 7 for e in EMOTIONS)


def record(row: int, label: Emotion, shown: Emotion, p: float = 0.86, **told) -> Record:
    return Record(row, "image", bytes([row] * 32), label, Status.PREDICTED, answer(shown, p), **told)


def store(root: Path, name: str, records: list[Record], scores: dict, model: str = "plain") -> Path:
    result = {
        "benchmark": json.loads(json.dumps(benchmarks.benchmark(name).declaration())),
        "dataset": {"id": "d", "revision": "r", "from": "folder"},
        "model": {"name": model, "weights": f"{model}-<1>", "weights_sha256": "0" * 64},
        **scores,
        "ms_per_face": {"p50": 3.25, "p95": 4},
        "seed": 0,
        "date": "2026-01-01T00:00:00+00:00",
        "git": {"commit": "c", "dirty": False},
    }
    return write_result(root, result, records)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    root = tmp_path / "results"
    votes = (1, 9, *[0] * 8)
    plus = [record(i, HAPPY, HAPPY if i % 3 else FEAR, 0.5 + i / 100, votes=votes) for i in range(12)]
    store(root, "ferplus", plus, recognition(plus, EMOTIONS, 0))
    store(root, "ferplus", plus, recognition(plus, EMOTIONS, 0), "other")
    people = [
        record(i, NEUTRAL, NEUTRAL if i < 8 else HAPPY, attributes=(("age", "old" if i < 8 else "young"),))
        for i in range(16)
    ]
    store(root, "london_recognition", people, recognition(people, EMOTIONS, 0))
    task = benchmarks.benchmark("ferplus_corrupted").task
    values = {cell(name, s): float(s < 3) for name in task.magnitudes for s in SEVERITIES}
    damaged = [record(i, HAPPY, HAPPY, values=values) for i in range(3)]
    declaration = benchmarks.benchmark("ferplus_corrupted").declaration()
    store(root, "ferplus_corrupted", damaged, robustness(damaged, declaration, 0))
    write_json(root / SPEED_FILE, SPEED)
    return root


def test_the_command_writes_a_page_tables_and_scores(results, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert cli.main(["report", "--results", str(results), "--out", str(out)]) == 0
    assert capsys.readouterr().out.split() == [str(out / f"report.{end}") for end in ("html", "md", "csv")]
    first = (out / "report.html").read_text()
    assert cli.main(["report", "--results", str(results), "--out", str(out)]) == 0
    assert (out / "report.html").read_text() == first  # the same results, the same page
    own = first.replace(report._plotly_js(), "")
    assert len(own) < len(first) - 1_000_000  # plotly stands in it, once
    assert "<script src" not in own
    assert "http" not in own.replace("http://www.w3.org", "")
    assert "<img" not in own
    for place in ("latency-ferplus", "reliability-ferplus", "agreement-ferplus", "confusion-ferplus-1"):
        assert f'id="{place}"' in own
    assert 'id="robustness-ferplus_corrupted"' in own
    assert 'id="slices-london_recognition-age"' in own
    assert "plain-&lt;1&gt;" in own
    assert "plain-<1>" not in own.replace("plain-\\u003c1\\u003e", "")
    assert "detection and alignment 101 ms" in own
    assert "age: young -100.0 points against old (p = 0.00016" in own
    markdown = (out / "report.md").read_text()
    assert "| ferplus | plain | plain-<1> | 12 |" in markdown
    assert "age: young -100.0 points against old" in markdown
    assert "| KL from the votes, nats [95 % CI] |" in markdown
    assert "80 to under 100 % agree: accuracy % [95 % CI] (n)" in own
    rows = list(csv.DictReader(io.StringIO((out / "report.csv").read_text())))
    (accuracy,) = [r for r in rows if (r["benchmark"], r["score"], r["model"]) == ("ferplus", "accuracy", "plain")]
    assert float(accuracy["value"]) == pytest.approx(8 / 12, abs=1e-6)
    assert {r["family"] for r in rows} == {"recognition", "robustness"}


def test_the_surest_mistakes_come_first() -> None:
    records = [record(0, HAPPY, FEAR, 0.7), record(1, HAPPY, HAPPY, 0.9), record(2, FEAR, NEUTRAL, 0.8)]
    records.append(Record(3, "image", b"", HAPPY, Status.NO_FACE))
    first, second = report.mistakes(records, EMOTIONS)
    assert (first.row, first.label, first.answer, first.picture) == (2, "fear", "neutral", "020202020202")
    assert (first.answer_probability, first.label_probability) == pytest.approx((0.8, 0.2 / 7))
    assert second.row == 0
    assert report.mistakes(records, EMOTIONS, 1) == [first]
    assert report.mistakes(records[3:], EMOTIONS) == []


def test_a_difference_is_stated_only_where_a_test_allows_it() -> None:
    result = {"model": {"name": "m", "weights": "w"}, "slices": {"test": "exact", "tests": []}}
    assert report.claims(result) == ["m (w): no difference between groups can be stated (0 tests: exact)."]
    test = {"attribute": "age", "first": "a", "second": "b", "difference": 0.1, "p": 0.01, "p_holm": 0.04}
    result["slices"]["tests"] = [test | {"differ": False}]
    assert "no difference" in report.claims(result)[0]
    result["slices"]["tests"] = [test | {"differ": True}]
    assert report.claims(result) == ["m (w): age: b +10.0 points against a (p = 0.01, corrected 0.04)."]


def test_reliability_is_told_per_bin() -> None:
    probs = np.array([[0.9, 0.1], [0.95, 0.05], [0.4, 0.6]])
    n, confidence, accuracy = metrics.reliability(probs, np.array([0, 1, 1]), bins=2)
    assert n.tolist() == [0, 3]
    assert confidence[1] == pytest.approx((0.9 + 0.95 + 0.6) / 3)
    assert accuracy[1] == pytest.approx(2 / 3)
    assert np.isnan(confidence[0])
    n, confidence, accuracy = metrics.reliability(probs, np.array([0, 1, 1]))
    gap = np.nansum(n * np.abs(accuracy - confidence)) / 3
    assert gap == pytest.approx(float(metrics.ece(probs, np.array([0, 1, 1]))))


def test_curves_start_at_the_clean_picture() -> None:
    score = {"value": 0.5, "low": 0.4, "high": 0.7}
    result = {
        "model": {"name": "m", "weights": "w"},
        "scores": {"accuracy": {"value": 0.9, "low": 0.8, "high": 1.0}},
        "by_corruption": {"blur": {"accuracy": [score] * 5}, "noise": {"accuracy": [score] * 5}},
    }
    figure = charts.robustness([result])
    assert len(figure.data) == 2
    assert figure.data[0].x == (0, 1, 2, 3, 4, 5)
    assert figure.data[0].y == pytest.approx((90, 50, 50, 50, 50, 50))
    assert figure.data[0].error_y.array[1] == pytest.approx(20)
    assert figure.data[0].error_y.arrayminus[1] == pytest.approx(10)
    assert [trace.showlegend for trace in figure.data] == [True, False]


def test_nothing_to_report_is_one_sentence(tmp_path, capsys) -> None:
    assert cli.main(["report", "--results", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("There are no results in")
    assert not (tmp_path / "out").exists()


def test_times_of_different_numbers_of_threads_are_told_apart() -> None:
    def measured(name: str, threads: int) -> dict:
        return {"model": {"name": name, "weights": "1"}, "environment": {"threads": threads}}

    assert report._threads([measured("a", 2), measured("b", 2)]) == " Measured with 2 CPU threads."
    assert report._threads([measured("a", 2), measured("b", 1), measured("c", 2), {"model": {}}]) == (
        " Measured with 1 CPU thread: b (1); with 2 CPU threads: a (1), c (1). "
        "Times with different numbers of threads do not compare."
    )
    assert report._threads([{"model": {}}]) == ""
