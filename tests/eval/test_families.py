"""Scores of whole sets of records."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.families.recognition import recognition
from eval.records import Record, Status, from_table, to_table
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion

SEVEN = tuple(e for e in EMOTIONS if e is not Emotion.CONTEMPT)


def record(label: Emotion | None, probs: dict[Emotion, float] | None, status=Status.PREDICTED, row=0) -> Record:
    vector = None if probs is None else tuple(probs.get(e, 0.0) for e in EMOTIONS)
    return Record(row, "image", b"x", label, status, vector)


def test_contempt_is_dropped_and_the_rest_renormalised():
    probs = {Emotion.CONTEMPT: 0.6, Emotion.FEAR: 0.3, Emotion.ANGER: 0.1}
    scored = recognition([record(Emotion.FEAR, probs)], SEVEN, seed=0)
    assert scored["scores"]["accuracy"]["value"] == 1
    assert scored["scores"]["nll"]["value"] == pytest.approx(-math.log(0.3 / 0.4), abs=1e-6)
    assert "contempt" not in scored["recall"]
    assert len(scored["confusion"]["labels"]) == 7
    assert recognition([record(Emotion.FEAR, probs)], EMOTIONS, seed=0)["scores"]["accuracy"]["value"] == 0


def test_missed_faces_are_errors_but_have_no_likelihood():
    records = [
        record(Emotion.NEUTRAL, {Emotion.NEUTRAL: 1.0}),
        record(Emotion.NEUTRAL, None, Status.NO_FACE),
    ]
    scored = recognition(records, EMOTIONS, seed=0)
    scores = {name: score["value"] for name, score in scored["scores"].items()}
    expected = {"accuracy": 0.5, "accuracy_detected": 1, "uar": 0.5, "macro_f1": pytest.approx(2 / 3, abs=1e-6)}
    assert scores == expected | {"ece": 0, "nll": 0}
    assert scored["confusion"]["counts"][0] == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert scored["recall"]["neutral"] == 0.5
    assert scored["recall"]["fear"] is None


def test_every_picture_is_counted_once():
    records = [
        record(Emotion.FEAR, {Emotion.FEAR: 1.0}),
        record(Emotion.FEAR, None, Status.NO_FACE),
        record(None, None, Status.OUTSIDE_PROTOCOL),
        record(None, None, Status.UNKNOWN_LABEL),
        record(Emotion.FEAR, None, Status.BROKEN),
        record(Emotion.FEAR, None, Status.BROKEN),
    ]
    counts = recognition(records, EMOTIONS, seed=0)["counts"]
    assert counts == {
        "n_original": 6,
        "n_scored": 2,
        "n_no_face": 1,
        "n_outside_protocol": 1,
        "n_unknown_label": 1,
        "n_broken": 2,
    }


def test_no_face_at_all_gives_no_calibration_instead_of_a_number():
    scores = recognition([record(Emotion.FEAR, None, Status.NO_FACE)], EMOTIONS, seed=0)["scores"]
    undefined = {"value": None, "low": None, "high": None}
    assert scores["accuracy"]["value"] == 0
    assert scores["accuracy_detected"] == scores["nll"] == scores["ece"] == undefined


def test_nothing_to_score_is_an_error():
    with pytest.raises(DataError, match="None of the 1 pictures could be scored"):
        recognition([record(None, None, Status.UNKNOWN_LABEL)], EMOTIONS, seed=0)


def test_the_value_lies_in_its_interval_and_the_seed_decides_the_interval():
    rng = np.random.default_rng(0)
    records = [
        Record(i, "image", b"x", EMOTIONS[rng.integers(8)], Status.PREDICTED, tuple(rng.dirichlet(np.ones(8))))
        for i in range(80)
    ]
    first, again, other = (recognition(records, EMOTIONS, seed=s) for s in (0, 0, 1))
    assert first == again
    assert first["scores"] != other["scores"]
    for name in ("accuracy", "uar", "nll"):
        score = first["scores"][name]
        assert score["low"] < score["value"] < score["high"]


def test_records_survive_the_file_format():
    records = [
        record(Emotion.FEAR, {Emotion.FEAR: 0.5, Emotion.ANGER: 0.5}),
        record(None, None, Status.UNKNOWN_LABEL),
        Record(7, "smiling", b"", Emotion.HAPPINESS, Status.BROKEN, note="The row holds no picture."),
    ]
    assert from_table(to_table(records)) == records
