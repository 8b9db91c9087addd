"""Editors on flat pictures, where every number can be worked out."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
import torch

from eval import judges, table
from eval.baselines import Unedited
from eval.benchmark import EXPRESSIONS, Editing, View, same
from eval.families import FAMILIES
from eval.families.editing import EditingFamily, target_of, targets
from eval.judges import Judge
from eval.records import from_table, to_table
from eval.source import locate
from eval.store import read_predictions, write_result
from fer.errors import DataError, FerError, RegistryError
from fer.models.base import Editor
from fer.models.plain import Plain, PlainConfig
from fer.types import EMOTIONS, Edit, Emotion, TargetSpace
from tests.eval.fakes import measurer

SIDE = 32
TO_TRUTH = Editing(
    view=View("neutral", "label", same(EMOTIONS)),
    truth="image",
    person="identity",
    sources="sources",
    intensity="intensity",
    strengths=(0.25, 1.0),
    swept=2,
)
TO_OTHERS = Editing(view=View("neutral", "label", same(EMOTIONS)))
DARKER = {"happiness": 80, "sadness": 40}  # shades at full strength
# label, person, shade of the neutral picture, intensity; the truth is darker by as much as DARKER says
ROWS = [
    ("happiness", "a", 160, 1.0),
    ("happiness", "b", 150, 0.25),
    ("sadness", "a", 170, 0.5),
    ("neutral", "c", 140, 0.0),
]
NEUTRAL = [row[2] for row in ROWS]
TRUTH = [round(shade - DARKER.get(label, 0) * intensity) for label, _, shade, intensity in ROWS]


def flat(shade: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


class Darker(Editor):
    """Darkens by a share of what the truth asks for, and by ``always`` shades more; may be killed."""

    def __init__(self, share: float = 1.0, always: float = 0.0, die_after: int | None = None) -> None:
        self.share, self.always, self.die_after, self.calls = share, always, die_after, 0

    @property
    def target_space(self) -> TargetSpace:
        names = tuple(reversed(EXPRESSIONS))  # an order of its own
        return TargetSpace(names, (0.0,) * 7, (1.0,) * 7)

    def edit(self, faces: torch.Tensor, target: torch.Tensor) -> Edit:
        self.calls += 1
        if self.die_after is not None and self.calls > self.die_after:
            raise KeyboardInterrupt
        shades = target @ torch.tensor([float(DARKER.get(name, 0)) for name in self.target_space.names])
        return Edit(faces - (self.share * shades + self.always)[:, None, None, None] / 127.5, {})


@pytest.fixture
def source(write_split, declare):
    columns = {
        "image": [flat(shade) for shade in TRUTH],
        "neutral": [flat(shade) for shade in NEUTRAL],
        "label": [EMOTIONS.index(r[0]) for r in ROWS],
        "identity": [r[1] for r in ROWS],
        "sources": [[f"set/{r[1]}"] for r in ROWS],
        "intensity": [r[3] for r in ROWS],
    }
    return locate(declare(TO_TRUTH), write_split(columns), None)


@pytest.fixture
def measured(source, declare, fake_judges, tmp_path):
    return measurer(source, declare, TO_TRUTH, tmp_path)


def value(result, name):
    return result["scores"][name]["value"]


def cosine(shades: float) -> float:
    return math.cos(shades / 127.5)


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_the_distance_to_the_truth_is_what_an_editor_leaves(measured, share):
    result = json.loads(json.dumps(measured(Darker(share)).result, allow_nan=False))
    for name in ("face_l1_ratio", "mouth_l1_ratio"):
        found = result["scores"][name]
        assert [found[key] for key in ("value", "low", "high")] == pytest.approx([1 - share] * 3, abs=1e-5)
    assert value(result, "face_l1_input") == pytest.approx(((80 + 20) / 2 + 20) / 2 / 255, abs=1e-6)
    assert value(result, "face_l1") == pytest.approx((1 - share) * value(result, "face_l1_input"), abs=1e-6)
    assert (value(result, "ssim") == pytest.approx(1, abs=1e-4)) == (share == 1)


def test_the_unedited_face_is_its_own_baseline(measured):
    result = measured(Unedited()).result
    for name in ("face_l1_ratio", "mouth_l1_ratio", "identity_cosine", "identity_kept"):
        assert result["scores"][name] == {"value": 1, "low": 1, "high": 1}
    for name in ("face_l1", "mouth_l1", "psnr", "ssim", "top", "probability", "second_top", "second_probability"):
        assert result["scores"][name] == result["scores"][f"{name}_input"]
    for name in ("gained", "second_gained", "own_l1"):
        assert result["scores"][name] == {"value": 0, "low": 0, "high": 0}


def test_both_judges_say_what_they_see_before_after_and_in_the_truth(measured):
    """Only the first face becomes darker than 127.5, where ``plain`` begins to see a smile; derl's begins below 64."""
    result = measured(Darker()).result
    assert (value(result, "top"), value(result, "top_input"), value(result, "top_truth")) == (0.25, 0, 0.25)
    assert value(result, "probability") == pytest.approx(((0.93 + 0.01) / 2 + 0.01) / 2)
    assert value(result, "gained") == pytest.approx(0.92 / 4)
    assert (value(result, "second_top"), value(result, "second_gained")) == (0, 0)
    darkest = measured(Darker(1.3)).result  # 160 - 104 = 56
    assert value(darkest, "second_top") == 0.25
    assert (
        result["by_expression"]["happiness"] | {"n": 2, "top": 0.5, "second_top": 0}
        == (result["by_expression"]["happiness"])
    )
    assert result["by_expression"]["neutral"]["top"] == 1  # asked for its own expression
    named = {role: (judge["name"], judge["weights_sha256"][0]) for role, judge in result["judges"].items()}
    assert named == {"recognizer": ("plain", "0"), "second_recognizer": ("derl", "1"), "embedder": ("identity", "0")}


def test_a_face_that_is_asked_for_nothing_must_stay_what_it_is(measured):
    result = measured(Darker(always=5)).result
    assert value(result, "own_l1") == pytest.approx(5 / 255, abs=1e-6)
    assert result["by_expression"]["neutral"]["own_l1"] == pytest.approx(5 / 255, abs=1e-6)
    assert result["by_expression"]["neutral"]["face_l1"] == pytest.approx(5 / 255, abs=1e-6)
    assert "face_l1_ratio" not in result["by_expression"]["neutral"]
    assert value(measured(Darker()).result, "own_l1") == 0


def test_identity_is_compared_with_pairs_of_different_people(measured):
    done = measured(Darker())
    expected = [cosine(80), cosine(20), cosine(20)]
    assert value(done.result, "identity_cosine") == pytest.approx(((expected[0] + expected[1]) / 2 + expected[2]) / 2)
    assert value(done.result, "identity_min") == pytest.approx(cosine(80), abs=1e-5)
    others = [cosine(NEUTRAL[i] - NEUTRAL[j]) for i, j in ((1, 0), (2, 1), (3, 0), (3, 1), (3, 2))]
    limit = np.quantile(np.round(others, 4), 0.99)
    assert done.records[0].values["impostor_limit"] == pytest.approx(limit)
    assert value(done.result, "identity_kept") == 0
    assert all(record.vector == record.features == record.real_features == () for record in done.records)


def test_the_first_faces_are_edited_at_every_strength(measured):
    """At a quarter of 80 shades neither of the happy faces is dark enough for a smile, at the whole both are."""
    done = measured(Darker())
    assert done.result["strengths"] == {
        "0.25": {"n": 2, "gained": 0, "second_gained": 0, "identity_cosine": pytest.approx(cosine(20), abs=1e-6)},
        "1": {
            "n": 2,
            "gained": pytest.approx(0.92),
            "second_gained": 0,
            "identity_cosine": pytest.approx(cosine(80), abs=1e-6),
        },
    }
    assert ["gained_at_1" in record.values for record in done.records] == [True, True, False, False]


def kernel(a: int, b: int) -> float:
    return ((a / 127.5 - 1) * (b / 127.5 - 1) + 1) ** 3


def test_kid_compares_with_the_truths_of_other_rows(measured):
    """Two faces are asked for happiness; one for sadness, which is no set."""
    (x0, x1), (y0, y1) = NEUTRAL[:2], TRUTH[:2]
    expected = kernel(x0, x1) + kernel(y0, y1) - kernel(x0, y1) - kernel(x1, y0)
    result = measured(Unedited()).result
    assert value(result, "kid") == result["by_expression"]["happiness"]["kid"] == pytest.approx(expected, abs=1e-6)
    assert "kid" not in result["by_expression"]["sadness"]
    oracle = measured(Darker()).result["scores"]["kid"]
    assert [oracle[key] for key in ("value", "low", "high")] == pytest.approx([0, 0, 0], abs=1e-6)


def test_the_interval_of_kid_is_about_that_of_drawing_people_again(measured, declare):
    """Against a bootstrap that works out KID of every resample again, on records with made-up features."""
    from eval.families.edit_scores import editing, with_mean_kernels
    from eval.records import Record, Status

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 3)) + 0.7
    records = [
        Record(
            i, "image", b"", Emotion.FEAR, Status.PREDICTED, person=str(i), target="fear", values={"probability": 0.5},
            features=tuple(x[i]), real_features=tuple(y[i]),
        )
        for i in range(60)
    ]  # fmt: skip
    found = editing(with_mean_kernels(records), (), True, 0)["scores"]["kid"]
    pairs = (x @ x.T / 3 + 1) ** 3 + (y @ y.T / 3 + 1) ** 3 - (x @ y.T / 3 + 1) ** 3 - (y @ x.T / 3 + 1) ** 3

    def again(w):
        weights = np.outer(w, w) * (1 - np.eye(60))
        return (weights * pairs).sum() / weights.sum()

    drawn = [again(np.bincount(rng.integers(0, 60, 60), minlength=60)) for _ in range(1000)]
    assert found["value"] == pytest.approx(again(np.ones(60)), abs=1e-5)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found["high"] - found["low"] == pytest.approx(high - low, rel=0.15)


def test_without_a_truth_the_other_expressions_are_asked_for_in_turn(measured):
    done = measured(Darker(always=5), TO_OTHERS)
    result = json.loads(json.dumps(done.result, allow_nan=False))
    # by row: the first other one than happiness, the second, the third other than sadness, the fourth of all
    assert [record.target for record in done.records] == ["surprise", "sadness", "anger", "anger"]
    assert value(result, "own_l1") == pytest.approx(5 / 255, abs=1e-6)
    assert ["own_l1" in record.values for record in done.records] == [False, False, False, True]
    assert result["by_expression"]["sadness"]["identity_cosine"] == pytest.approx(cosine(45), abs=1e-5)
    undefined = {"value": None, "low": None, "high": None}
    for name in ("face_l1_ratio", "ssim", "top_truth", "kid"):
        assert result["scores"][name] == undefined
    assert result["bootstrap"]["over"] == "faces"
    assert "n_people" not in result["counts"]
    assert result["strengths"] == {}
    assert " | - | - (-) | 0.0196 | - | " in table.render([result])


def test_tight_crops_are_edited_in_the_canonical_square(measured):
    class Sizes(Unedited):
        def edit(self, faces, target):
            assert faces.shape[2:] == (128, 128)
            return super().edit(faces, target)

    assert measured(Sizes(), TO_OTHERS).result["counts"]["n_scored"] == len(ROWS)


@pytest.mark.parametrize("label", EMOTIONS)
def test_targets_are_equally_frequent_and_never_the_label(label):
    asked = Counter(target_of(TO_OTHERS, label, row) for row in range(42))
    assert asked == dict.fromkeys([e for e in EXPRESSIONS if e is not label], 6 if label is Emotion.NEUTRAL else 7)


def test_targets_go_by_the_names_of_the_model():
    space = TargetSpace(("fear", "happiness"), (0.0, 0.0), (1.0, 1.0))
    wanted = [Emotion.HAPPINESS, Emotion.NEUTRAL, Emotion.FEAR]
    assert targets(space, wanted, [0.5, 0.7, 1.0]).tolist() == [[0, 0.5], [0, 0], [1, 0]]
    with pytest.raises(RegistryError, match="cannot be asked for anger: it knows fear, happiness"):
        targets(space, [Emotion.ANGER], [1.0])


def test_intervals_are_over_people(measured):
    """Resamples without a see only happy b or nobody; with a, her happiness and sadness count together."""
    result = measured(Darker()).result
    assert (result["bootstrap"]["over"], result["counts"]["n_people"]) == ("people", 3)
    top = result["scores"]["top"]
    assert (top["low"], top["value"], top["high"]) == (0, 0.25, 0.5)


def test_a_killed_run_goes_on_and_scores_follow_from_what_is_stored(measured, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measured(Darker(die_after=4), cache="same", batch_size=2)
    second = Darker()
    resumed = measured(second, cache="same", batch_size=2)
    assert second.calls == 2 + 2 * len(ROWS)  # one batch, for its targets and for nothing; warm-up and timing
    path = write_result(tmp_path / "results", resumed.result, resumed.records)
    stored = json.loads(path.read_text())
    records = read_predictions(path, stored)
    assert records == resumed.records == from_table(to_table(resumed.records))
    fresh = FAMILIES[TO_TRUTH.family].score(records, stored["benchmark"], stored["seed"])
    assert {key: stored[key] for key in fresh} == json.loads(json.dumps(fresh))
    assert measured(Darker()).records == records


def test_without_an_embedder_identity_is_undefined_and_said(measured, monkeypatch):
    monkeypatch.setattr(judges, "embedder", lambda device: None)
    result = measured(Darker()).result
    assert value(result, "identity_kept") is None
    assert result["strengths"]["1"]["identity_cosine"] is None
    assert result["judges"]["embedder"] is None
    assert result["notes"] == ["Identity was not measured: no weights of its embedder are bundled."]


def test_answers_that_are_no_pictures_are_one_sentence(measured):
    class Wrong(Unedited):
        def edit(self, faces, target):
            return Edit(faces[:, :1], {})

    with pytest.raises(FerError, match="expected finite pictures of the same size"):
        measured(Wrong())


def test_only_faces_that_are_asked_for_nothing_cannot_be_scored(measured):
    records = [r for r in measured(Unedited()).records if r.label == "neutral"]
    with pytest.raises(DataError, match="no face that is asked for an expression"):
        EditingFamily().score(records, {"strengths": [], "person": None}, 0)


def test_a_task_that_contradicts_itself_is_refused():
    view = View("image", "label", same(EMOTIONS))
    with pytest.raises(ValueError, match="no detection, no intensity"):
        Editing(view, detect=True)
    with pytest.raises(ValueError, match="need the number of faces"):
        Editing(view, strengths=(0.5,))


def test_features_are_what_the_last_layer_of_plain_reads():
    torch.manual_seed(0)
    model = Plain(PlainConfig(widths=(8, 8, 16), blocks=(1, 1), zooms=(1.0, 1.1), temperature=1.5)).eval()
    faces = torch.rand(3, 3, 64, 64) * 2 - 1
    found = judges.features(Judge("plain", "tiny", "0" * 64, model), faces)
    assert found.shape == (3, 16)
    with torch.inference_mode():
        probs = (model.network[-1](found) / 1.5).softmax(1)
    torch.testing.assert_close(probs, model.recognize(faces).probs)
    with pytest.raises(RegistryError, match="features are read as those of plain"):
        judges.features(Judge("derl", "tiny", "0" * 64, object()), faces)


def test_a_judge_gives_probability_and_rank_of_what_is_wanted(shades):
    faces = torch.full((2, 3, 8, 8), 2 * 30 / 127.5 - 1)  # class 2, surprise
    judge = Judge("shades", "fake", "0" * 64, shades())
    probability, first = judges.shows(judge, faces, [Emotion.SURPRISE, Emotion.FEAR])
    assert probability.tolist() == pytest.approx([0.86, 0.02])
    assert first.tolist() == [True, False]
