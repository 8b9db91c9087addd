"""Folds keep people apart, and are the same every time."""

from __future__ import annotations

import pytest

from eval import folds
from eval.families.recognition import RecognitionFamily
from eval.records import Record, Status, from_table, to_table
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

HAPPY = tuple(float(e is Emotion.HAPPINESS) for e in EMOTIONS)


def record(row, person, fold, label=Emotion.HAPPINESS):
    return Record(row, "image", bytes([row]), label, Status.PREDICTED, HAPPY, person=person, fold=fold)


def test_subjects_are_dealt_in_turn_by_their_id():
    names = ["S10", "S05", "S05", "S01", "S11", "S02"]
    assert folds.deal(names, 2) == {"S01": 1, "S02": 2, "S05": 1, "S10": 2, "S11": 1}
    with pytest.raises(DataError, match="2 people cannot be dealt into 3 folds"):
        folds.deal(["a", "b"], 3)
    with pytest.raises(DataError, match="nobody says who it shows"):
        folds.deal(["a", ""], 2)


def test_a_manifest_holds_hashes_and_no_order_of_the_pictures():
    pictures = [("b", b"\x02" * 32), ("a", b"\x01" * 32), ("b", b"\x03" * 32)]
    made = folds.manifest("tiny", pictures, 2)
    assert folds.text(made) == folds.text(folds.manifest("tiny", pictures[::-1], 2))
    assert [(s["subject"], s["fold"], s["pictures"]) for s in made["subjects"]] == [("a", 1, 1), ("b", 2, 2)]
    assert set(made["subjects"][0]) == {"subject", "fold", "pictures", "sha256"}
    assert made["subjects"][0]["sha256"] == "72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793"
    with pytest.raises(DataError, match="is given to both a and c"):
        folds.manifest("tiny", [("a", b"\x01" * 32), ("c", b"\x01" * 32)], 2)


def test_scores_over_folds():
    """Fold 1: two people, 3 of 4 right; fold 2: one person, 1 of 4 right."""
    records = [record(0, "a", 1), record(1, "a", 1), record(2, "b", 1), record(3, "b", 1, Emotion.FEAR)]
    records += [record(4, "c", 2), *(record(row, "c", 2, Emotion.FEAR) for row in (5, 6, 7))]
    result = RecognitionFamily().score(records, {"classes": EMOTIONS}, seed=0)
    found = result["folds"]
    assert found["accuracy"] == {"mean": 0.5, "deviation": 0.353553}
    assert found["by_fold"] == [
        {"fold": 1, "people": 2, "n": 4, "accuracy": 0.75},
        {"fold": 2, "people": 1, "n": 4, "accuracy": 0.25},
    ]
    assert result["scores"]["accuracy"]["value"] == 0.5
    assert folds.headline(result) == ", over 2 folds 50.00 +- 35.36 %"
    assert folds.headline({}) == ""
    assert result["scores"]["accuracy"]["low"] == 0.25  # "c" was drawn three times
    assert result["bootstrap"]["over"] == "people"


def test_a_person_in_two_folds_is_refused():
    with pytest.raises(DataError, match="in fold 1 and in fold 2"):
        folds.over_folds([record(0, "a", 1), record(1, "a", 2)], [True, True])


def test_pictures_without_folds_are_drawn_one_by_one():
    plain = [Record(row, "image", b"", Emotion.HAPPINESS, Status.PREDICTED, HAPPY) for row in range(3)]
    result = RecognitionFamily().score(plain, {"classes": EMOTIONS}, seed=0)
    assert "folds" not in result
    assert "over" not in result["bootstrap"]


def test_predictions_keep_person_and_fold():
    records = [record(0, "a", 1), record(1, "b", 2)]
    assert from_table(to_table(records)) == records
