"""Parts on squares: what each part of a fake network names, and how it compares with all together."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from eval import table
from eval.benchmark import FamilyName, Parts, View, same
from eval.contestants import Contestant
from eval.families import FAMILIES
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, write_result
from fer.errors import FerError
from fer.models.base import TOGETHER, PartRecognizer
from fer.types import EMOTIONS, Prediction

STEP = 30


def named(classes):
    return Prediction(torch.nn.functional.one_hot(classes, len(EMOTIONS)).float())


class Fake(PartRecognizer):
    """``sees`` reads the level of a square, ``guesses`` says neutral; together they are right unless it is fear."""

    def recognize_by_part(self, faces, framing=None):
        level = ((faces.mean((1, 2, 3)) + 1) * 127.5 / STEP).round().long()
        together = torch.where(level == 6, torch.zeros_like(level), level)
        return {"sees": named(level), "guesses": named(torch.zeros_like(level)), TOGETHER: named(together)}


@pytest.fixture
def measure(write_split, declare, tmp_path):
    labels = [*range(8), 0, 0]
    pictures = [np.full((48, 48, 3), label * STEP, np.uint8) for label in labels]

    def measured(model):
        benchmark = declare(Parts(View("image", "label", same(EMOTIONS))))
        source = locate(benchmark, write_split({"image": pictures, "label": labels}), None)
        return run(benchmark, source, Contestant("fake", "fake-1", "0" * 64, model, "cpu"), Options(tmp_path))

    return measured


def test_each_part_is_scored_by_itself_and_beside_all_together(measure):
    done = measure(Fake())
    assert done.result["scores"][TOGETHER]["value"] == pytest.approx(0.9)
    parts = done.result["by_part"]
    assert list(parts) == ["sees", "guesses"]
    assert [parts[name]["value"] for name in parts] == [1.0, pytest.approx(0.3)]
    assert [parts[name]["short"]["value"] for name in parts] == [pytest.approx(-0.1), pytest.approx(0.6)]
    assert parts["guesses"]["low"] < 0.3 < parts["guesses"]["high"]
    assert table.cells(done.result)["each part alone % (short of all by [95 % CI])"].startswith("sees 100.0 (-10.0 [")


def test_scores_follow_from_what_is_stored(measure, tmp_path):
    done = measure(Fake())
    family = FAMILIES[FamilyName.PARTS]
    path = write_result(tmp_path / "results", done.result, done.records)
    records = read_predictions(path, json.loads(path.read_text()))
    assert records == done.records
    assert family.score(records, done.result["benchmark"], 0)["by_part"] == done.result["by_part"]
    assert np.nansum(family.measures(records, {})[TOGETHER].values) == 9
    assert family.headline(done.result).startswith("fusion 90.0 [")


def test_recognition_is_what_all_parts_name_together():
    faces = torch.full((1, 3, 8, 8), 5 * STEP / 127.5 - 1)
    assert torch.equal(Fake().recognize(faces).probs, Fake().recognize_by_part(faces)[TOGETHER].probs)


@pytest.mark.parametrize("answers", [(), (TOGETHER,), ("sees", "guesses")])
def test_answers_that_are_none_are_refused(measure, answers):
    class Wrong(PartRecognizer):
        def recognize_by_part(self, faces, framing=None):
            return {name: named(torch.zeros(len(faces), dtype=torch.long)) for name in answers}

    with pytest.raises(FerError, match="The model answered by the parts"):
        measure(Wrong())
