"""Votes and attributes: how they reach records, what follows from them, and stored predictions that lack them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from eval import cli, metrics, scoring
from eval.annotations import group
from eval.benchmark import Annotations, Attribute, Recognition, View
from eval.families.recognition import recognition
from eval.records import Record, Status, from_table, to_table
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, read_results
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion, Framing

HAPPY, NEUTRAL = Emotion.HAPPINESS, Emotion.NEUTRAL


def sure(shown: Emotion) -> tuple[float, ...]:
    return tuple(float(e is shown) for e in EMOTIONS)


def voted(row: int, shown: Emotion, happy: int, neutral: int, unknown: int = 0) -> Record:
    votes = (neutral, happy, 0, 0, 0, 0, 0, 0, unknown, 0)
    return Record(row, "image", b"x", HAPPY, Status.PREDICTED, sure(shown), votes=votes)


def person(row: int, hits: int, age: str) -> list[Record]:
    """Two pictures of a happy face, of which so many are named rightly."""
    return [
        Record(
            row,
            f"v{k}",
            b"x",
            HAPPY,
            Status.PREDICTED,
            sure(HAPPY if k < hits else NEUTRAL),
            attributes=(("age", age),),
        )
        for k in range(2)
    ]


def test_divergence_from_the_votes_has_closed_forms() -> None:
    votes, probs = np.array([[10.0, 0.0], [5.0, 5.0]]), np.array([[0.5, 0.5], [0.75, 0.25]])
    each = [math.log(2), 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)]
    assert metrics.vote_kl(votes, probs) == pytest.approx(sum(each) / 2)
    assert metrics.vote_kl(votes, votes / 10) == pytest.approx(0)
    weights = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert metrics.vote_kl(votes, probs, weights) == pytest.approx(each)


def test_accuracy_is_told_per_share_of_the_votes() -> None:
    records = [voted(0, HAPPY, 10, 0), voted(1, NEUTRAL, 9, 1), voted(2, HAPPY, 8, 1, 1), voted(3, HAPPY, 6, 4)]
    found = recognition([*records, voted(4, NEUTRAL, 5, 4, 1)], EMOTIONS, seed=0)
    told = {name: (b["n"], b["accuracy"]["value"]) for name, b in found["agreement"].items()}
    assert told == {
        "under 60 %": (1, 0),
        "60 to under 80 %": (1, 1),
        "80 to under 100 %": (2, 0.5),
        "100 %": (1, 1),
    }
    first = recognition([replace(records[3], probs=(0.4, 0.6, *[0.0] * 6))], EMOTIONS, seed=0)
    assert first["scores"]["vote_kl"]["value"] == 0
    assert first["agreement"]["100 %"] == {"n": 0, "accuracy": {"value": None, "low": None, "high": None}}
    missed = replace(records[0], probs=None, status=Status.NO_FACE)
    with_missed = recognition([missed, replace(records[3], probs=(0.4, 0.6, *[0.0] * 6))], EMOTIONS, seed=0)
    assert with_missed["scores"]["vote_kl"]["value"] == 0  # of faces that were found
    assert with_missed["agreement"]["100 %"]["accuracy"]["value"] == 0  # a missed face is wrong


def test_people_count_once_in_their_slices() -> None:
    old = [r for row in range(6) for r in person(row, 2 if row else 1, "old")]
    young = [r for row in range(6, 12) for r in person(row, 0, "young")]
    found = recognition([*old, *young], EMOTIONS, seed=0)["slices"]
    assert found["of"]["age"]["old"]["people"] == 6
    assert found["of"]["age"]["old"]["accuracy"]["value"] == pytest.approx(11 / 12, abs=1e-6)
    (test,) = found["tests"]
    assert test["p"] == pytest.approx(2 / math.comb(12, 6), abs=1e-6)
    assert test["differ"] is True


@pytest.mark.parametrize(
    ("value", "name"),
    [(-1, "not stated"), (None, "not stated"), (23, "under 24"), (24, "24 to under 29"), (29, "29 and over")],
)
def test_numbers_fall_into_groups(value: int | None, name: str) -> None:
    assert group(Attribute("age", (24, 29)), value) == name


def test_words_are_their_own_groups() -> None:
    assert group(Attribute("gender"), "female") == "female"
    assert group(Attribute("gender"), "") == "not stated"


def test_records_survive_the_file_format() -> None:
    records = [*person(0, 1, "old"), voted(1, HAPPY, 9, 1)]
    assert from_table(to_table(records)) == records


def test_a_run_tells_votes_and_attributes_of_every_row(write_split, tiny, shades, contestant, tmp_path) -> None:
    grey = np.full((16, 16, 3), 30, np.uint8)  # class 1, happiness
    root = write_split(
        {"image": [grey] * 2, "label": [1, 1], "age": [20, -1], "count": [[1] * 10, [0, 9, *[0] * 7, 1]]}
    )
    view = View("image", "label", {str(e): e for e in EMOTIONS})
    told = Annotations(votes="count", attributes=(Attribute("age", (24,)),))
    benchmark = replace(tiny, task=Recognition(Framing.TIGHT, (view,), EMOTIONS), annotations=told)
    done = run(benchmark, locate(benchmark, root, None), contestant(shades()), Options(tmp_path / "cache"))
    assert [r.votes for r in done.records] == [(1,) * 10, (0, 9, *[0] * 7, 1)]
    assert [r.attributes for r in done.records] == [(("age", "under 24"),), (("age", "not stated"),)]
    assert done.result["benchmark"]["annotations"]["votes"] == "count"
    missing = replace(benchmark, annotations=Annotations(votes="counts"))
    entrant = contestant(shades())
    with pytest.raises(DataError, match="no column counts"):
        run(missing, locate(missing, root, None), entrant, Options(tmp_path / "cache"))
    assert entrant.model.seen == 0  # said before anything was predicted


@pytest.fixture
def old_result(make_dataset, picture, tmp_path, monkeypatch):
    """A result of ``majority`` on generated FER+ rows, from before the benchmark declared any annotations."""
    from eval import benchmarks

    rows = [("neutral", picture(0))] * 5 + [("fear", picture(6))]
    root = make_dataset(rows, "test", "ferplus")
    make_dataset(rows, "train", "ferplus")
    now = benchmarks.benchmark("ferplus")
    results = tmp_path / "results"
    places = ["--data-root", str(root), "--results", str(results), "--cache", str(tmp_path / "cache")]
    with monkeypatch.context() as before:
        before.setattr(benchmarks, "benchmark", lambda name: replace(now, annotations=None))
        assert cli.main(["run", "majority", "--benchmarks", "ferplus", *places]) == 0
    return results, root


def test_stored_predictions_are_told_later(old_result, capsys) -> None:
    results, root = old_result
    ((path, before),) = read_results(results).items()
    assert "annotations" not in before["benchmark"]
    assert scoring.lacks_annotations(before)
    assert cli.main(["score", "--results", str(results)]) == 0
    assert capsys.readouterr().out.endswith(f"same: {path}\n")  # it still scores as it did
    assert cli.main(["score", "--results", str(results), "--data-root", str(root)]) == 0
    assert capsys.readouterr().out == f"changed: {path}\n"
    after = json.loads(path.read_text())
    assert after["scores"]["vote_kl"]["value"] == pytest.approx((5 * -math.log(5 / 6) - math.log(1 / 6)) / 6, abs=1e-6)
    assert after["agreement"]["100 %"]["n"] == 6
    assert {k: after["scores"][k] for k in before["scores"]} == before["scores"]
    assert {k: after[k] for k in ("date", "git", "model", "dataset")} == {
        k: before[k] for k in ("date", "git", "model", "dataset")
    }
    assert [r.votes[0] for r in read_predictions(path, after)] == [10, 10, 10, 10, 10, 0]
    assert cli.main(["score", "--results", str(results), "--data-root", str(root)]) == 0
    assert capsys.readouterr().out == f"same: {path}\n"


def test_predictions_of_another_revision_are_not_told(old_result, make_dataset, picture, capsys) -> None:
    results, root = old_result
    make_dataset([("neutral", picture(1))] * 6, "test", "ferplus")
    assert cli.main(["score", "--results", str(results), "--data-root", str(root)]) == 2
    assert "another revision of ferplus" in capsys.readouterr().err
