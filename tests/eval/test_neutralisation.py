"""Neutralisers on flat pictures, where every number can be worked out."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from eval import judges, table, truths
from eval.baselines import Input, MeanNeutral
from eval.benchmark import Neutralisation, View, same
from eval.contestants import Contestant, enter
from eval.families import FAMILIES, neutralisation
from eval.records import from_table, to_table
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, write_result
from fer.errors import DataError, FerError
from fer.models.base import Neutralizer
from fer.types import EMOTIONS, Edit, Face
from tests.eval.fakes import measurer

SIDE = 32
TASK = Neutralisation(
    view=View("image", "label", same(EMOTIONS)),
    truth="neutral",
    person="identity",
    detect=False,
    sources="sources",
    intensity="intensity",
    thirds=(0.5, 0.8),
    landmarks=("points", "neutral_points"),
)
# label, person, shade of the picture, shade of its truth, intensity
ROWS = [
    ("happiness", "a", 100, 140, 0.3),
    ("happiness", "b", 100, 160, 0.6),
    ("sadness", "a", 120, 128, 0.9),
    ("neutral", "c", 150, 150, 0.0),
]
POINTS = np.tile(np.linspace(0.3, 0.7, 68)[:, None], 2)  # eye corners are 9 steps apart in x and in y
STEP = 0.4 / 67


def flat(shade: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


class Lighter(Neutralizer):
    """Adds a number of shades of 255; may show landmarks; may be killed."""

    def __init__(self, shades: float, landmarks: torch.Tensor | None = None, die_after: int | None = None) -> None:
        self.shades, self.landmarks, self.die_after, self.calls = shades, landmarks, die_after, 0

    def neutralize(self, faces: torch.Tensor) -> Edit:
        self.calls += 1
        if self.die_after is not None and self.calls > self.die_after:
            raise KeyboardInterrupt
        parts = {} if self.landmarks is None else {"landmarks.neutral": self.landmarks.expand(len(faces), 68, 2)}
        return Edit(faces + self.shades / 127.5, parts)


@pytest.fixture
def source(write_split, declare):
    columns = {
        "image": [flat(r[2]) for r in ROWS],
        "neutral": [flat(r[3]) for r in ROWS],
        "label": [EMOTIONS.index(r[0]) for r in ROWS],
        "identity": [r[1] for r in ROWS],
        "sources": [[f"set/{r[1]}"] for r in ROWS],
        "intensity": [r[4] for r in ROWS],
        "points": [(POINTS + 2 * STEP).ravel().tolist()] * len(ROWS),
        "neutral_points": [POINTS.ravel().tolist()] * len(ROWS),
    }
    root = write_split(columns)
    write_split(columns | {"neutral_points": [(POINTS + 3 * STEP).ravel().tolist()] * len(ROWS)}, "train")
    return locate(declare(TASK), root, None)


@pytest.fixture
def measured(source, declare, fake_judges, tmp_path):
    return measurer(source, declare, TASK, tmp_path)


def value(result, name):
    return result["scores"][name]["value"]


def test_distances_are_means_over_expressions_and_ratios_are_of_sums(measured):
    result = json.loads(json.dumps(measured(Lighter(20)).result, allow_nan=False))
    happy, sad = (20 + 40) / 2, 12  # shades that are left
    assert value(result, "face_l1") == pytest.approx((happy + sad) / 2 / 255, abs=1e-6)
    assert value(result, "mouth_l1_input") == pytest.approx((50 + 8) / 2 / 255, abs=1e-6)
    assert value(result, "face_l1_ratio") == pytest.approx((60 / 100 + 12 / 8) / 2, abs=1e-5)
    assert value(result, "mouth_l1_ratio") == value(result, "face_l1_ratio")
    psnr = [-20 * math.log10(d / 255) for d in (20, 40, 12)]
    assert value(result, "psnr") == pytest.approx(((psnr[0] + psnr[1]) / 2 + psnr[2]) / 2, abs=1e-4)
    assert result["by_expression"]["happiness"]["face_l1_ratio"] == pytest.approx(0.6, abs=1e-5)
    assert result["by_expression"]["happiness"]["n"] == 2
    assert {third: result["by_intensity"][third]["face_l1_ratio"] for third in ("low", "middle", "high")} == (
        pytest.approx({"low": 0.5, "middle": 40 / 60, "high": 1.5}, abs=1e-5)
    )


def test_shares_of_faces_that_come_nearer_and_are_called_neutral(measured):
    result = measured(Lighter(20)).result
    assert value(result, "closer") == 0.5  # both happy ones, not the sad one, which is taken too far
    assert result["counts"] | {"n_closer": 2, "n_people": 3, "n_expressive": 3} == result["counts"]
    assert value(result, "judged_neutral") == 0.5  # above shade 127.5: only the sad one
    assert value(result, "judged_neutral_input") == 0
    assert value(result, "judged_neutral_truth") == 1


@pytest.mark.parametrize(("shades", "expected"), [(1e-4, (0, 0)), (0.3, (0, 1)), (0.5, (0.5, 1)), (0.7, (1, 1))])
def test_nearer_by_less_than_one_percent_is_not_closer(measured, shades, expected):
    """The happy faces are 40 and 60 shades away, the sad one 8: they need 0.4, 0.6 and 0.08 shades."""
    found = measured(Lighter(shades)).result["by_expression"]
    assert (found["happiness"]["closer"], found["sadness"]["closer"]) == expected


def test_a_neutral_face_must_stay_what_it_is(measured):
    result = measured(Lighter(20)).result
    assert value(result, "neutral_l1") == pytest.approx(20 / 255, abs=1e-6)
    assert value(result, "neutral_rows_l1") == pytest.approx(20 / 255, abs=1e-6)
    assert value(measured(Input()).result, "neutral_l1") == 0


def test_the_input_is_its_own_baseline(measured):
    result = measured(Input()).result
    for name in ("face_l1_ratio", "mouth_l1_ratio", "identity_cosine"):
        assert result["scores"][name] == {"value": 1, "low": 1, "high": 1}
    for name in ("face_l1", "mouth_l1", "psnr", "ssim"):
        assert result["scores"][name] == result["scores"][f"{name}_input"]
    assert value(result, "closer") == 0


def test_identity_is_compared_with_pairs_of_different_people(measured):
    done = measured(Lighter(20))
    turned = math.cos(20 / 127.5)
    assert value(done.result, "identity_cosine") == pytest.approx(turned, abs=1e-5)
    assert (
        value(done.result, "identity_min") == value(done.result, "identity_median") == pytest.approx(turned, abs=1e-5)
    )
    assert done.result["scores"]["identity_min"]["low"] is None
    shades = [100, 100, 120, 150]
    others = [math.cos((shades[i] - shades[j]) / 127.5) for i, j in ((1, 0), (2, 1), (3, 0), (3, 1), (3, 2))]
    limit = np.quantile(np.round(others, 4), 0.99)
    assert done.records[0].values["impostor_limit"] == pytest.approx(limit)
    assert value(done.result, "identity_kept") == float(turned > limit) == 0
    assert value(measured(Input()).result, "identity_kept") == 1
    assert all(record.vector == () for record in done.records)


def test_without_an_embedder_identity_is_undefined_and_said(measured, monkeypatch):
    monkeypatch.setattr(judges, "embedder", lambda device: None)
    result = measured(Input()).result
    for name in ("identity_cosine", "identity_min", "identity_median", "identity_kept"):
        assert result["scores"][name] == {"value": None, "low": None, "high": None}
    assert result["judges"]["embedder"] is None
    assert result["notes"] == ["Identity was not measured: no weights of its embedder are bundled."]
    assert "| - |" in table.render([result])


def test_the_embedder_is_absent_where_its_weights_are_not_bundled(monkeypatch, tmp_path):
    import fer.weights

    monkeypatch.setattr(fer.weights, "BUNDLED", tmp_path)
    assert judges.embedder("cpu") is None


def test_landmarks_are_scored_only_where_a_model_shows_them(measured):
    assert value(measured(Input()).result, "landmark_error") is None
    result = measured(Lighter(0, torch.tensor(POINTS + STEP, dtype=torch.float32))).result
    errors = {"": 1, "_input": 2, "_mean_shape": 3}  # shifts in steps; the eye corners are 9 steps apart
    for end, steps in errors.items():
        assert value(result, f"landmark_error{end}") == pytest.approx(100 * steps / 9, abs=1e-3)


def test_intervals_are_over_people(measured):
    """Resamples without a see only happy b; the worst ones hold a once, with the sad face, and b twice."""
    result = measured(Lighter(20)).result
    assert result["bootstrap"]["over"] == "people"
    low, high = (result["scores"]["face_l1_ratio"][key] for key in ("low", "high"))
    assert low == pytest.approx(40 / 60, abs=1e-4)
    assert high == pytest.approx(((20 + 80) / (40 + 120) + 12 / 8) / 2, abs=1e-4)
    one = [replace(r, person="a") for r in measured(Lighter(20)).records]
    score = neutralisation.NeutralisationFamily().score(one, result["benchmark"], 0)["scores"]["face_l1_ratio"]
    assert score["low"] == score["value"] == score["high"]


def test_a_killed_run_goes_on_and_scores_follow_from_what_is_stored(measured, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measured(Lighter(20, die_after=2), cache="same", batch_size=2)
    second = Lighter(20)
    resumed = measured(second, cache="same", batch_size=2)
    assert second.calls == 2 + 2 * len(ROWS)  # one batch, for its faces and its truths; warm-up and timing
    path = write_result(tmp_path / "results", resumed.result, resumed.records)
    stored = json.loads(path.read_text())
    records = read_predictions(path, stored)
    assert records == resumed.records
    fresh = FAMILIES[TASK.family].score(records, stored["benchmark"], stored["seed"])
    assert {key: stored[key] for key in fresh} == json.loads(json.dumps(fresh))
    assert len(records[0].output_sha256) == 32
    assert b"PNG" not in path.with_suffix(".parquet").read_bytes()
    resumed.parts.clear()
    assert measured(Lighter(20)).records == records


def test_batches_with_and_without_landmarks_survive_the_file_format(measured):
    records = measured(Lighter(20)).records
    assert from_table(to_table(records)) == records


def test_a_truth_that_is_damaged_or_of_another_size_is_broken(write_split, declare, fake_judges, tmp_path):
    task = Neutralisation(View("image", "label", same(EMOTIONS)), "neutral", "identity", detect=False)
    columns = {
        "image": [flat(100)] * 2,
        "neutral": [flat(90), np.zeros((40, 40, 3), np.uint8)],
        "label": [1, 1],
        "identity": ["a", "b"],
    }
    source = locate(declare(task), write_split(columns), None)
    entrant = Contestant("input", "none", None, Input(), "cpu")
    result = run(declare(task), source, entrant, Options(tmp_path / "cache")).result
    assert (result["counts"]["n_scored"], result["counts"]["n_broken"]) == (1, 1)
    assert result["skipped"][0]["note"].startswith("Picture and truth must be squares of one size")
    assert result["by_intensity"] == {}


def test_detected_faces_are_aligned_missed_ones_counted(write_split, declare, fake_judges, tmp_path, monkeypatch):
    """No face in a black picture; a face is the picture itself, and its truth the neutral one 10 shades lighter."""
    task = Neutralisation(View("image", "label", same(EMOTIONS)), "neutral", "identity", detect=True)
    columns = {
        "image": [flat(100), flat(0), flat(100)],
        "neutral": [flat(90), flat(90), flat(0)],
        "label": [1, 1, 1],
        "identity": ["a", "b", "c"],
    }

    def detect_many(images):
        pixels = [truths.to_tensor(image) for image in images]
        zeros = torch.zeros(5, 2), 1.0, torch.zeros(2, 3)
        return [[] if p.mean() < -0.9 else [Face(p, (0, 0, 9, 9), *zeros)] for p in pixels]

    monkeypatch.setattr(truths, "detect_many", detect_many)
    lighter = lambda picture, landmarks, face: truths.to_tensor(picture) + 10 / 127.5  # noqa: E731
    monkeypatch.setattr(truths, "align_like", lighter)
    source = locate(declare(task), write_split(columns), None)
    entrant = Contestant("input", "none", None, Input(), "cpu")
    done = run(declare(task), source, entrant, Options(tmp_path / "cache"))
    assert (done.result["counts"]["n_scored"], done.result["counts"]["n_no_face"]) == (1, 2)
    assert value(done.result, "face_l1") == 0
    notes = [record.note for record in done.records]
    assert notes == ["", "No face was found in the picture.", "No face was found in the truth."]


def test_answers_that_are_no_pictures_are_one_sentence(measured):
    class Wrong(Neutralizer):
        def neutralize(self, faces):
            return Edit(faces / 0, {})

    with pytest.raises(FerError, match="not finite; expected finite pictures of the same size"):
        measured(Wrong())


def test_only_neutral_faces_cannot_be_scored(measured):
    records = [r for r in measured(Input()).records if r.label == "neutral"]
    with pytest.raises(DataError, match="no face with an expression"):
        neutralisation.NeutralisationFamily().score(records, {"thirds": None}, 0)


def test_the_mean_neutral_face_is_that_of_the_train_split(source, declare):
    contestant = enter("mean_neutral", "default", "auto", declare(TASK), source)
    answer = contestant.model.neutralize(torch.zeros(2, 3, SIDE, SIDE)).image
    shade = np.mean([r[3] for r in ROWS])
    torch.testing.assert_close(answer, torch.full((2, 3, SIDE, SIDE), float(shade / 127.5 - 1)))
    assert isinstance(contestant.model, MeanNeutral)
    assert len(contestant.parameters[0]) == 64
