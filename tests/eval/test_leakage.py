"""Leakage on squares: their upper half is the expression, their lower half the person."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from eval import contestants, judges, table
from eval.benchmark import Leakage, View, same
from eval.contestants import Contestant, check
from eval.families import FAMILIES, leakage
from eval.families.leakage import LEAST_PICTURES
from eval.records import Record, Status
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, write_result
from fer.errors import DataError, FerError, RegistryError
from fer.models.base import ExpressionEncoder
from fer.types import EMOTIONS

PEOPLE, STEP = 6, 30
NAMES = [name + end for name in leakage.PROBES for end in leakage.READ]
TASK = Leakage(View("image", "label", same(EMOTIONS)), "person", "sources")


def seen(row: int, person: str) -> Record:
    return Record(row, "image", b"", EMOTIONS[row % 8], Status.PREDICTED, person=person)


def square(emotion: int, person: int) -> np.ndarray:
    picture = np.full((32, 32, 3), person * STEP, np.uint8)
    picture[:16] = emotion * STEP
    return picture


def levels(faces: torch.Tensor) -> torch.Tensor:
    """What the halves of squares (B, 3, 32, 32) stand for: one-hot (B, 2, 8)."""
    means = torch.stack([faces[:, :, :16].mean((1, 2, 3)), faces[:, :, 16:].mean((1, 2, 3))], 1)
    return F.one_hot(((means + 1) * 127.5 / STEP).round().long(), 8).float()


class Clean(ExpressionEncoder):
    """Encodes the expression alone."""

    def encode(self, faces):
        return levels(faces)[:, 0]


class Leaky(ExpressionEncoder):
    """Encodes the person too."""

    def encode(self, faces):
        return levels(faces).flatten(1)


class Blind(ExpressionEncoder):
    """Encodes nothing."""

    def encode(self, faces):
        return torch.zeros(len(faces), 3)


@pytest.fixture
def measured(fake_judges, write_split, declare, tmp_path, monkeypatch):
    """Every person with every expression, one picture each; and one picture that blends them all."""
    monkeypatch.setattr(judges, "features", lambda judge, faces: levels(faces)[:, 1])  # sees the person alone
    given = [(e, p, str(p), [f"p{p}"]) for e in range(8) for p in range(PEOPLE)]
    given.append((1, 0, "blend", [f"p{p}" for p in range(PEOPLE)]))
    columns = {
        "image": [square(e, p) for e, p, _, _ in given],
        "label": [e for e, _, _, _ in given],
        "person": [name for _, _, name, _ in given],
        "sources": [sources for _, _, _, sources in given],
    }

    def measure(model, **options):
        benchmark = declare(TASK)
        source = locate(benchmark, write_split(columns), None)
        return run(
            benchmark, source, Contestant("fake", "fake-1", "0" * 64, model, "cpu"), Options(tmp_path, **options)
        )

    return measure


def values(result):
    return {name: score["value"] for name, score in result["scores"].items()}


def test_a_code_of_the_expression_alone_hides_the_person(measured):
    result = measured(Clean()).result
    found = values(result)
    assert found["expression"] == 1
    assert found["identity"] <= 2 / PEOPLE
    assert (found["expression_plain"], found["identity_plain"]) == (pytest.approx(1 / 8, abs=0.1), 1)
    assert result["chance"] == {"expression": 1 / 8, "identity": pytest.approx(1 / PEOPLE, abs=1e-6)}
    assert result["counts"]["n_scored"] == 8 * PEOPLE + 1
    assert (result["counts"]["n_expression"], result["counts"]["n_identity"]) == (8 * PEOPLE, 8 * PEOPLE)  # no blend
    assert (result["counts"]["n_people"], result["counts"]["n_identity_classes"]) == (PEOPLE + 1, PEOPLE)
    assert result["judges"]["recognizer"]["name"] == "plain"


def test_a_code_that_leaks_is_found_out(measured):
    found = values(measured(Leaky()).result)
    assert (found["expression"], found["identity"]) == (1, 1)


def test_a_code_of_nothing_is_at_chance(measured):
    result = measured(Blind()).result
    assert values(result)["expression"] <= result["chance"]["expression"] + 1e-6
    assert values(result)["identity"] <= result["chance"]["identity"] + 1e-6


def test_neither_codes_nor_names_are_stored_and_scores_follow_from_the_rest(measured, tmp_path):
    done = measured(Leaky(), batch_size=5)
    path = write_result(tmp_path / "results", done.result, done.records)
    records = read_predictions(path, json.loads(path.read_text()))
    assert records == done.records
    assert all(r.vector == r.features == r.pixels == r.sources == () for r in records)
    assert b"blend" not in path.with_suffix(".parquet").read_bytes()
    fresh = FAMILIES[TASK.family].score(records, done.result["benchmark"], 0)
    assert {name: done.result[name] for name in fresh} == fresh
    assert done.result["scores"] == measured(Leaky()).result["scores"]  # whatever the batch


def test_the_table_and_the_headline_show_chance_beside_the_scores(measured):
    result = measured(Clean()).result
    lines = table.render([result]).splitlines()
    assert "expression read % [95 % CI] (high is good)" in lines[0]
    assert "| 100.0 [100.0, 100.0] | 12.5, " in lines[2]
    assert (
        FAMILIES[TASK.family]
        .headline(result)
        .startswith("expression read 100.0 [100.0, 100.0] % (chance 12.5 %), identity read ")
    )


def test_measures_say_which_way_is_better():
    records = [replace(seen(i, "one"), values={"expression": i}) for i in (0, 1)]
    found = FAMILIES[TASK.family].measures(records, {})
    assert found["expression"].higher_is_better
    assert not found["identity"].higher_is_better
    assert found["expression"].values.tolist() == [0, 1]
    assert np.isnan(found["identity"].values).all()


def test_intervals_draw_people():
    """Two people, one always read and one never: resamples of people give 0, a half or 1."""
    records = [
        Record(
            i, "image", b"", EMOTIONS[i % 8], Status.PREDICTED, person=str(i // 8), values=dict.fromkeys(NAMES, i // 8)
        )
        for i in range(16)
    ]
    score = leakage.leakage(records, 0)["scores"]["identity"]
    assert score == {"value": 0.5, "low": 0.0, "high": 1.0}


def test_too_few_pictures_of_each_person_are_an_error():
    records = [
        Record(
            i,
            "image",
            b"",
            EMOTIONS[i % 8],
            Status.PREDICTED,
            person=str(i),
            vector=(1.0,),
            features=(1.0,),
            pixels=(1.0,),
        )
        for i in range(2 * LEAST_PICTURES)
    ]
    finished = FAMILIES[TASK.family].finish(records)
    with pytest.raises(DataError, match="No face was left to test the probe of identity"):
        leakage.leakage(finished, 0)


@pytest.mark.parametrize("codes", [torch.zeros(2), torch.zeros(3, 4), torch.full((2, 4), torch.nan)])
def test_codes_must_be_a_row_of_finite_numbers_per_face(codes):
    class Wrong(ExpressionEncoder):
        def encode(self, faces):
            return codes

    with pytest.raises(FerError, match="one row of finite numbers per face"):
        leakage.encoded(Wrong(), torch.zeros(2, 3, 8, 8))


def test_a_model_without_a_code_is_refused(declare):
    with pytest.raises(RegistryError, match="because it cannot encode an expression"):
        check("plain", declare(TASK))
    assert contestants.can_take("degan", declare(TASK))
