"""Paired comparison of two models: closed forms, who is better, ties, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import benchmarks, cli
from eval.compare import compare, mcnemar, p_value, select
from eval.records import Record, Status
from eval.store import write_result
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

NEUTRAL, HAPPY = Emotion.NEUTRAL, Emotion.HAPPINESS

REMOVED = {"face_l1": 0.1, "judged_neutral": 1.0}


def named(shown: Emotion) -> tuple[float, ...]:
    return tuple(0.86 if e is shown else 0.02 for e in EMOTIONS)


def store(
    root: Path, model: str, records: list[Record], benchmark: str = "ferplus", weights: str = "a", **change
) -> None:
    declaration = benchmarks.benchmark(benchmark).declaration() | change
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    result = {
        "benchmark": declaration,
        "model": {"name": model, "weights": weights},
        "counts": {},
        "scores": {"accuracy": score},
        "ms_per_face": {},
        "seed": 0,
    }
    write_result(root, result, records)


def readings(right: list[int], missed: tuple[int, ...] = ()) -> list[Record]:
    """Happy faces, read right where 1; those in ``missed`` were not found."""
    return [
        Record(i, "image", bytes([i]), HAPPY, Status.NO_FACE)
        if i in missed
        else Record(i, "image", bytes([i]), HAPPY, Status.PREDICTED, named(HAPPY if hit else NEUTRAL))
        for i, hit in enumerate(right)
    ]


def on(root: Path, first: str = "one", second: str = "two", wanted: tuple[str, ...] = ()):
    return compare(select(root, first), select(root, second), wanted)


@pytest.mark.parametrize(
    ("b", "c", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 2 / 32), (1, 7, 2 * 9 / 256), (7, 1, 2 * 9 / 256)]
)
def test_mcnemar_is_the_binomial_tail(b: int, c: int, p: float) -> None:
    assert mcnemar(b, c) == pytest.approx(p)
    assert 0 < mcnemar(900, 1400) < 1e-20  # many discordant pairs do not overflow


def test_no_p_is_said_to_be_0() -> None:
    assert p_value(mcnemar(0, 2000)) == "< 1e-300"
    assert p_value(mcnemar(1, 20)) == "= 2.1e-05"


def test_the_better_model_is_named(tmp_path: Path) -> None:
    store(tmp_path, "one", readings([1, 0] * 20))
    store(tmp_path, "two", readings([1, 1] * 20, missed=(0,)))
    (found,) = on(tmp_path)
    assert (found.benchmark, found.measure, found.n, found.units) == ("ferplus", "accuracy", 40, 40)
    assert (found.first, found.second, found.difference) == (0.5, 0.975, 0.475)  # a missed face is wrong
    assert found.p == pytest.approx(mcnemar(1, 20))
    assert 0.2 < found.low < 0.475 < found.high < 0.7
    assert found.better == "second"
    (back,) = on(tmp_path, "two", "one")
    assert (back.better, back.difference) == ("first", -0.475)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_equal_scores_on_different_pictures_are_a_tie(tmp_path: Path) -> None:
    store(tmp_path, "one", readings([1, 0] * 20))
    store(tmp_path, "two", readings([0, 1] * 20))
    (found,) = on(tmp_path)
    assert (found.difference, found.p, found.better) == (0, 1.0, "tie")
    assert found.low < 0 < found.high


def removals(mouth: list[float]) -> list[Record]:
    """Two pictures each of people whose mouth is this far from the truth, and a neutral one, which does not count."""
    rows = [(i, HAPPY, value) for i, value in enumerate(mouth)] + [(99, NEUTRAL, 9.0)]
    return [
        Record(i, "image", b"", label, Status.PREDICTED, person=str(i // 2), values=REMOVED | {"mouth_l1": value})
        for i, label, value in rows
    ]


def test_lower_is_better_for_distances_and_people_are_drawn(tmp_path: Path) -> None:
    store(tmp_path, "one", removals([0.5, 0.25, 0.5, 0.25]), "london_neutralise")
    store(tmp_path, "two", removals([0.25, 0.0, 0.25, 0.0]), "london_neutralise")
    mouth, face, judged = on(tmp_path)
    assert (mouth.measure, mouth.first, mouth.second, mouth.n, mouth.units) == ("mouth_l1", 0.375, 0.125, 4, 2)
    assert (mouth.low, mouth.high, mouth.p, mouth.better) == (-0.25, -0.25, None, "second")
    assert (face.difference, face.better) == (0, "tie")
    assert (judged.p, judged.better) == (1.0, "tie")


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    store(tmp_path, "one", readings([1, 0]))
    store(tmp_path, "two", readings([1, 0, 1]))
    with pytest.raises(DataError, match="not of the same pictures"):
        on(tmp_path)
    with pytest.raises(DataError, match=r'no results of "three".*results of: one, two'):
        on(tmp_path, "one", "three")
    with pytest.raises(DataError, match="Both models need results on fer2013; both have: ferplus"):
        on(tmp_path, wanted=("fer2013",))
    store(tmp_path, "two", readings([1, 0]), version=99)
    with pytest.raises(DataError, match="different versions"):
        on(tmp_path)
    store(tmp_path, "two", readings([1, 0]), weights="b")
    with pytest.raises(DataError, match=r"two:ID\. There are results of: a, b"):
        on(tmp_path)
    assert on(tmp_path, second="two:b")[0].better == "tie"
    for model in ("one", "two"):
        store(tmp_path, model, [Record(0, "image", b"", HAPPY, Status.PREDICTED)], "lfw_verification", weights="b")
    with pytest.raises(DataError, match="no score of single pictures"):
        on(tmp_path, "one:b", "two:b", ("lfw_verification",))


def test_the_command_prints_a_sentence_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path, "one", readings([1, 0] * 20))
    store(tmp_path, "two", readings([1, 1] * 20))
    arguments = ["compare", "one", "two", "--results", str(tmp_path)]
    assert cli.main(arguments) == 0
    told = capsys.readouterr().out
    assert told.startswith("ferplus accuracy: one 0.5000, two 1.0000, difference +0.5000 [+0.")
    assert told.endswith("McNemar p = 1.9e-06, 40 pictures: two is better\n")
    assert cli.main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["differences"][0]["difference"] == 0.5
    assert answer["bootstrap"]["method"] == "percentile, paired"
    assert cli.main(["compare", "one", "nobody", "--results", str(tmp_path)]) == 2
    assert "no results of" in capsys.readouterr().err
