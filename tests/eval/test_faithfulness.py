"""Faithfulness on noise that a tiny recogniser names: who is drawn, and what is compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eval import judges
from eval.benchmark import Faithfulness, View, same
from eval.contestants import Contestant
from eval.families import FAMILIES, faithfulness
from eval.judges import Judge
from eval.pictures import canonical
from eval.records import Record, Status
from eval.runner import Options, run
from eval.source import locate
from fer import framing
from fer.images import to_tensor
from fer.models.base import Neutralizer, Recognizer
from fer.models.plain import Plain, PlainConfig
from fer.types import EMOTIONS, Edit, Framing

PERCENTS = (0, 25, 100)
TASK = Faithfulness(View("image", "label", {**same(EMOTIONS), "neutral": None}), faces=5, seed=0, percents=PERCENTS)


class Half(Recognizer, Neutralizer):
    """Removes half of every pixel; counts the faces."""

    def __init__(self) -> None:
        self.seen = 0

    def recognize(self, faces, framing=Framing.ALIGNED):
        raise AssertionError("the judge reads all maps")

    def neutralize(self, faces):
        self.seen += len(faces)
        return Edit(faces / 2, {"residue.pixel": faces / 2})


@pytest.fixture
def judge(monkeypatch):
    torch.manual_seed(0)
    model = Plain(PlainConfig(size_px=24, widths=(4, 4, 8), blocks=(1, 1), temperature=0.05)).eval()
    model.network[-1].bias.data[0] = -50  # never neutral
    found = Judge("plain", "tiny", "0" * 64, model.requires_grad_(False))
    monkeypatch.setattr(judges, "recognizer", lambda device: found)
    return model


@pytest.fixture
def setting(judge, write_split, declare, tmp_path):
    """Pictures with the labels that the judge gives; every third one a wrong label or neutral."""
    rng = np.random.default_rng(0)
    pictures = [np.repeat(rng.integers(0, 255, (48, 48, 1), np.uint8), 3, 2) for _ in range(24)]
    crops = torch.stack([to_tensor(picture) for picture in map(_picture, pictures)])
    answers = canonical(judge.recognize(framing.canonical(crops, Framing.TIGHT, 128))).argmax(1).tolist()
    labels = [a if i % 3 else (i % 2) * (a % 7 + 1) for i, a in enumerate(answers)]
    right = {i for i, (a, label) in enumerate(zip(answers, labels, strict=True)) if a == label and label != 0}
    root = write_split({"image": pictures, "label": labels})
    return declare(TASK), locate(declare(TASK), root, None), right


def _picture(array):
    from PIL import Image

    return Image.fromarray(array)


def entrant(model):
    return Contestant("half", "half-1", "0" * 64, model, "cpu")


def test_drawn_faces_are_named_rightly_not_neutral_and_always_the_same(setting, tmp_path):
    benchmark, source, right = setting
    done = run(benchmark, source, entrant(Half()), Options(tmp_path / "one"))
    rows = [r.row for r in done.records]
    assert len(rows) == len(set(rows)) == 5
    assert set(rows) <= right
    order = np.random.default_rng(0).permutation(24).tolist()
    assert rows == [i for i in order if i in right][:5]
    again = run(benchmark, source, entrant(Half()), Options(tmp_path / "two", batch_size=2))
    for one, other in zip(done.records, again.records, strict=True):
        assert one.values == pytest.approx(other.values, abs=1e-5)
    limited = run(benchmark, source, entrant(Half()), Options(tmp_path / "three", limit=2))
    assert [r.row for r in limited.records] == rows[:2]
    assert limited.result["partial"] is True


def test_the_examined_faces_are_counted_up_to_the_last_drawn_one(setting, tmp_path):
    benchmark, source, _ = setting
    result = run(benchmark, source, entrant(Half()), Options(tmp_path / "cache")).result
    assert result["selection"]["named_rightly"] == 5
    assert 5 <= result["selection"]["examined"] <= 24
    assert result["judges"]["recognizer"]["weights"] == "tiny"


def test_every_map_plays_both_games_from_the_same_ends(setting, judge, tmp_path):
    """All games begin and end with the same two pictures, so an area lies between what those ends allow."""
    benchmark, source, _ = setting
    done = run(benchmark, source, entrant(Half()), Options(tmp_path / "cache"))
    names = {f"{game}_{method}" for game in faithfulness.GAMES for method in faithfulness.METHODS}
    for record in done.records:
        assert set(record.values) == names
        assert all(0 <= area <= 1 for area in record.values.values())
    assert done.result["ms_per_face"]["faces"] == 5
    assert set(done.result["scores"]) >= names | {"deletion_residue_minus_contrast", "insertion_residue_minus_grad_cam"}


def test_differences_are_paired():
    """Areas that vary much between faces, and a difference that is 0.1 for all: its interval has no width."""
    records = []
    for i, area in enumerate(np.linspace(0.1, 0.8, 20)):
        values = {f"{game}_{m}": area for game in faithfulness.GAMES for m in faithfulness.METHODS}
        values["deletion_residue"] = area + 0.1
        records.append(Record(i, "image", b"", EMOTIONS[1], Status.PREDICTED, values=values))
    scores = FAMILIES[TASK.family].score(records, {}, 0)["scores"]
    assert scores["deletion_residue_minus_random"] == {"value": 0.1, "low": 0.1, "high": 0.1}
    assert scores["deletion_random"]["high"] - scores["deletion_random"]["low"] > 0.1
    assert scores["deletion_random"]["value"] == pytest.approx(0.45)
    assert scores["insertion_residue_minus_contrast"] == {"value": 0, "low": 0, "high": 0}


def test_the_percents_must_rise_from_nothing_to_all():
    with pytest.raises(ValueError, match="rise from 0 to 100"):
        Faithfulness(TASK.view, 5, 0, (0, 50, 40, 100))
