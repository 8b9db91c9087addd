"""Editors of Action Units on striped pictures: one stripe per Action Unit, so that every number can be worked out."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from eval import benchmarks, contestants, judges, table
from eval.baselines import Unedited
from eval.benchmark import EXPRESSIONS, ActionUnitEditing, View, same
from eval.contestants import Contestant, can_take, check
from eval.families import FAMILIES
from eval.judges import Judge
from eval.records import from_table, to_table
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, write_result
from eval.targets import placed, understands
from fer.action_units import ACTION_UNITS, AU_INDEX
from fer.errors import DataError, FerError, RegistryError, WeightsError
from fer.models.base import ActionUnitReader, Editor
from fer.targets import unit_space
from fer.types import EMOTIONS, ActionUnits, Edit, TargetSpace
from tests.eval.fakes import measurer

SIDE, STRIPE_PX = 46, 2
STILL, FULL = 100, 100  # shade of a stripe whose Action Unit is still, and how many shades more at full strength
VIEW = View("neutral", "label", same(EMOTIONS))
TO_TRUTH = ActionUnitEditing(
    VIEW, "image", "identity", sources="sources", units="au", flow="flow", single=0.8, raised="AU12"
)
AS_READ = ActionUnitEditing(View("neutral", "label", same(EMOTIONS)), "image", "identity", raised="AU12")
ROWS = [  # label, person, strengths
    ("happiness", "a", {"AU6": 0.5, "AU12": 1.0}),
    ("happiness", "b", {"AU12": 0.6}),
    ("sadness", "a", {"AU15": 0.8, "AU17": 0.4}),
    ("neutral", "c", {}),
]
SHIFT = (1 / 64, -1 / 128)  # x, y of the stored flow in the unit square: 2 px right and 1 px up of 128
SQUARES = [sum(v * v for v in strengths.values()) / 23 for _, _, strengths in ROWS]


def strengths_of(named) -> torch.Tensor:
    return torch.tensor([named.get(name, 0.0) for name in ACTION_UNITS])


def stripes(strengths: torch.Tensor) -> torch.Tensor:
    """Strengths (B, 23) as how much brighter the stripes of pictures are: (B, 3, S, S)."""
    across = strengths.repeat_interleave(STRIPE_PX, 1) * FULL / 127.5
    return across[:, None, None, :].expand(-1, 3, SIDE, SIDE)


def picture(named) -> np.ndarray:
    shades = torch.full((1, 3, SIDE, SIDE), STILL / 127.5) + stripes(strengths_of(named)[None])
    return (shades[0].permute(1, 2, 0) * 127.5).round().byte().numpy()


def stored_flow(shift=SHIFT) -> bytes:
    flow = np.full((32, 32, 2), np.nan, np.float16)
    flow[8:24, 8:24] = shift
    return flow.tobytes()


class Stripes(ActionUnitReader):
    """Reads each stripe's brightness as the strength of its Action Unit; in another order."""

    def action_units(self, faces, framing=None):
        across = (faces.mean((1, 2)) + 1) * 127.5
        strengths = (across.reshape(len(faces), 23, STRIPE_PX).mean(2) - STILL) / FULL
        return ActionUnits(strengths.clamp(0, 1).flip(1), ACTION_UNITS[::-1])


class Muscles(Editor):
    """Brightens the stripes by a share of what is asked for, and by ``always`` shades; may show how.

    moved: the share that moving alone gives. lame: an Action Unit that never moves. shift: its flow, constant, x and y
    of the unit square.
    """

    def __init__(self, share=1.0, moved=None, always=0.0, lame=None, shift=None, die_after=None):
        self.share, self.moved, self.always, self.lame, self.shift = share, moved, always, lame, shift
        self.die_after, self.calls = die_after, 0

    @property
    def target_space(self) -> TargetSpace:
        return unit_space(ACTION_UNITS[::-1])  # an order of its own

    def edit(self, faces, target) -> Edit:
        self.calls += 1
        if self.die_after is not None and self.calls > self.die_after:
            raise KeyboardInterrupt
        asked = target.flip(1).clone()
        if self.lame:
            asked[:, AU_INDEX[self.lame]] = 0
        parts = {}
        if self.moved is not None:
            parts["moved"] = faces + stripes(self.moved * asked)
        if self.shift is not None:
            parts["flow"] = SIDE * torch.tensor(self.shift)[None, :, None, None].expand(len(faces), 2, SIDE, SIDE)
        return Edit(faces + stripes(self.share * asked) + self.always / 127.5, parts)


@pytest.fixture
def source(write_split, declare):
    columns = {
        "image": [picture(named) for _, _, named in ROWS],
        "neutral": [picture({}) for _ in ROWS],
        "label": [EMOTIONS.index(label) for label, _, _ in ROWS],
        "identity": [person for _, person, _ in ROWS],
        "sources": [[f"set/{person}"] for _, person, _ in ROWS],
        "au": [strengths_of(named).tolist() for _, _, named in ROWS],
        "flow": [stored_flow(), stored_flow(), None, stored_flow((0, 0))],
    }
    return locate(declare(TO_TRUTH), write_split(columns), None)


@pytest.fixture
def measured(source, declare, fake_judges, monkeypatch, tmp_path):
    monkeypatch.setattr(judges, "unit_reader", lambda device: Judge("au", "fake", "2" * 64, Stripes()))
    return measurer(source, declare, TO_TRUTH, tmp_path)


def value(result, name):
    return result["scores"][name]["value"]


def test_the_error_is_what_an_editor_leaves_of_the_asked_strengths(measured):
    done = measured(Muscles(0.5, moved=0.25, shift=SHIFT))
    result = json.loads(json.dumps(done.result, allow_nan=False))
    whole = sum(SQUARES) / 4
    for name, left in (("au_mse", 0.25), ("au_mse_moved", 0.5625), ("au_mse_input", 1), ("au_mse_truth", 0)):
        assert value(result, name) == pytest.approx(left * whole, abs=2e-6)
    assert value(result, "motion_share") == pytest.approx((1 - 0.5625) / (1 - 0.25), abs=1e-4)
    # two readings, x and s x: 2 cov / (var + var) = 2 s / (1 + s^2), for the five Action Units that vary
    for name, share in (("au_icc", 0.5), ("au_icc_moved", 0.25), ("au_icc_input", 0), ("au_icc_truth", 1)):
        assert value(result, name) == pytest.approx(2 * share / (1 + share**2), abs=1e-3)
    assert value(result, "au_icc_shown") is None  # at most two of the four faces show any
    unit = result["by_unit"]["AU12"]
    assert (unit["n_shown"], unit["icc_truth"]) == (2, pytest.approx(1, abs=1e-3))
    assert unit["mse"] == pytest.approx(0.25 * (1 + 0.36) / 4, abs=1e-5)
    assert result["by_unit"]["AU1"]["icc"] is None
    assert result["by_expression"]["sadness"]["au_mse_input"] == pytest.approx(SQUARES[2], abs=1e-5)
    assert (value(result, "raised"), value(result, "raised_truth"), result["counts"]["n_raised"]) == (0.5, 0.5, 2)
    assert (result["bootstrap"]["over"], result["counts"]["n_people"]) == ("people", 3)
    only_c, only_a = 0, 0.25 * (SQUARES[0] + SQUARES[2]) / 2  # resamples of the people
    assert result["scores"]["au_mse"]["low"] == pytest.approx(only_c, abs=1e-6)
    assert result["scores"]["au_mse"]["high"] == pytest.approx(only_a, abs=1e-5)
    named = {role: judge["weights_sha256"][0] for role, judge in result["judges"].items()}
    assert named == {"unit_reader": "2", "recognizer": "0", "embedder": "0"}
    headline = FAMILIES[TO_TRUTH.family].headline(result)
    assert headline.startswith(f"AU MSE {0.25 * whole:.4f} [")
    assert "58.3 [" in table.render([result])


def test_distances_are_a_share_of_what_doing_nothing_leaves(measured):
    result = measured(Muscles(0.75, moved=0.5)).result
    for name, left in (("face_l1_ratio", 0.25), ("face_l1_ratio_moved", 0.5)):
        found = result["scores"][name]
        assert [found[key] for key in ("value", "low", "high")] == pytest.approx([left] * 3, abs=1e-4)
    assert value(result, "face_l1_moved") == pytest.approx(0.5 * value(result, "face_l1_input"), abs=1e-6)
    assert value(result, "ssim_moved") < value(result, "ssim") < 1
    exact = measured(Muscles(1.0, moved=1.0)).result
    assert (value(exact, "ssim"), value(exact, "ssim_moved")) == pytest.approx((1, 1), abs=1e-6)
    assert value(exact, "motion_share") == pytest.approx(1, abs=1e-6)


def test_the_unedited_face_is_its_own_baseline(measured):
    result = measured(Unedited(ACTION_UNITS)).result
    for name in ("au_mse", "au_icc", "face_l1", "mouth_l1", "psnr", "ssim", "top", "probability"):
        assert result["scores"][name] == result["scores"][f"{name}_input"]
    for name in ("face_l1_ratio", "identity_cosine"):
        assert value(result, name) == 1
    for name in ("own_l1", "own_largest", "single_rise", "single_reached", "raised"):
        assert result["scores"][name] == {"value": 0, "low": 0, "high": 0}
    undefined = {"value": None, "low": None, "high": None}
    for name in ("motion_share", "au_mse_moved", "au_icc_moved", "ssim_moved", "face_l1_ratio_moved", "flow_error"):
        assert result["scores"][name] == undefined
    assert result["scores"]["folding"] == undefined
    assert value(result, "flow_error_input") == pytest.approx(math.sqrt(5), abs=1e-6)
    assert table.render([result]).count("| - |") == 1 + 1  # error removed by moving; folding


def test_a_flow_is_held_against_the_stored_one_where_that_is_known(measured):
    result = measured(Muscles(shift=SHIFT)).result
    assert value(result, "flow_error") == pytest.approx(0, abs=1e-5)  # the neutral row, where it is not, is left out
    assert value(result, "flow_error_input") == pytest.approx(math.sqrt(5), abs=1e-6)
    assert result["by_expression"]["neutral"]["flow_error"] == pytest.approx(math.sqrt(5), abs=1e-5)
    assert "flow_error" not in result["by_expression"]["sadness"]
    assert value(result, "folding") == 0
    turned = measured(Muscles(shift=SHIFT[::-1])).result  # y, x: 3 px too far left and 3 px too low
    assert value(turned, "flow_error") == pytest.approx(3 * math.sqrt(2), abs=1e-5)


@pytest.mark.parametrize(("share", "reached"), [(1, 1), (0.85, 1), (0.75, 0), (1.15, 1)])
def test_one_action_unit_alone_is_reached_within_its_room(measured, share, reached):
    result = measured(Muscles(share)).result
    assert value(result, "single_reached") == reached
    assert value(result, "single_rise") == pytest.approx(0.8 * share, abs=1e-5)


def test_every_row_is_asked_for_the_next_action_unit(measured):
    done = measured(Muscles(lame="AU2"))
    singles = {name: each for name, each in done.result["by_unit"].items() if each["n_single"]}
    assert list(singles) == ["AU1", "AU2", "AU4", "AU5"]
    assert [each["single_reached"] for each in singles.values()] == [1, 0, 1, 1]
    assert [each["single_rise"] for each in singles.values()] == pytest.approx([0.8, 0, 0.8, 0.8], abs=1e-5)
    assert value(done.result, "single_reached") == 0.75
    assert done.result["by_unit"]["AU43"] | {"n_single": 0, "single_reached": None} == done.result["by_unit"]["AU43"]


def test_a_face_that_is_asked_for_nothing_must_stay_what_it_is(measured):
    class Spotted(Muscles):
        def edit(self, faces, target):
            image = super().edit(faces, target).image.clone()
            image[:, :, SIDE // 2, SIDE // 2] += 40 / 127.5
            return Edit(image, {})

    result = measured(Muscles(always=5)).result
    assert value(result, "own_l1") == value(result, "own_largest") == pytest.approx(5 / 255, abs=1e-6)
    spotted = measured(Spotted(always=5)).result
    assert value(spotted, "own_largest") == pytest.approx(45 / 255, abs=1e-6)
    assert 5 / 255 < value(spotted, "own_l1") < 6 / 255
    assert value(measured(Muscles()).result, "own_l1") == 0


def test_strengths_that_nobody_stored_are_read_from_the_truth(measured):
    result = measured(Muscles(0.5), AS_READ).result
    assert value(result, "au_mse") == pytest.approx(0.25 * sum(SQUARES) / 4, abs=2e-6)
    for name in ("au_mse_truth", "au_icc_truth", "single_reached", "flow_error_input"):
        assert value(result, name) is None  # the judge would be held against itself; nothing is known
    assert result["counts"]["n_raised"] == 2
    assert value(result, "top_truth") is not None


def test_what_is_compared_between_models(measured):
    done = measured(Muscles(0.5))
    found = FAMILIES[TO_TRUTH.family].measures(done.records, done.result["benchmark"])
    assert found["au_mse"].values.tolist() == pytest.approx([0.25 * each for each in SQUARES], abs=2e-6)
    assert np.isnan(found["face_l1"].values).tolist() == [False, False, False, True]
    assert found["single_reached"].values.tolist() == [0, 0, 0, 0]
    assert {name: each.higher_is_better for name, each in found.items()} == {
        "au_mse": False,
        "face_l1": False,
        "mouth_l1": False,
        "top": True,
        "identity_cosine": True,
        "single_reached": True,
    }


def test_a_killed_run_goes_on_and_scores_follow_from_what_is_stored(measured, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measured(Muscles(die_after=4), cache="same", batch_size=2)
    second = Muscles()
    resumed = measured(second, cache="same", batch_size=2)
    assert second.calls == 3 + 2 * len(ROWS)  # one batch, for its strengths, for none and for one; warm-up and timing
    path = write_result(tmp_path / "results", resumed.result, resumed.records)
    stored = json.loads(path.read_text())
    records = read_predictions(path, stored)
    assert records == resumed.records == from_table(to_table(resumed.records))
    assert all(record.vector == () for record in records)
    fresh = FAMILIES[TO_TRUTH.family].score(records, stored["benchmark"], stored["seed"])
    assert {key: stored[key] for key in fresh} == json.loads(json.dumps(fresh))


def test_parts_of_another_shape_are_one_sentence(measured):
    class Wrong(Muscles):
        def edit(self, faces, target):
            return Edit(faces, {"flow": faces})

    with pytest.raises(FerError, match=r'The part "flow" of an edit is \(4, 3, 46, 46\)'):
        measured(Wrong())


def test_without_the_reader_nothing_can_be_judged_and_that_is_one_sentence(
    source, declare, fake_judges, monkeypatch, tmp_path
):
    monkeypatch.setattr("fer.weights.BUNDLED", tmp_path)
    entrant = Contestant("fake", "fake-1", "0" * 64, Muscles(), "cpu")
    with pytest.raises(WeightsError, match=r"There are no weights in .*au\.safetensors\. Train them with"):
        run(declare(TO_TRUTH), source, entrant, Options(tmp_path))


def test_only_neutral_truths_cannot_be_scored(measured):
    done = measured(Muscles())
    with pytest.raises(DataError, match="no face whose truth shows an expression"):
        FAMILIES[TO_TRUTH.family].score(done.records[3:], done.result["benchmark"], 0)


@pytest.mark.parametrize(
    "changes", [{"raised": "AU99"}, {"single": 0.0}, {"single": 1.5}, {"within": 0.0}, {"flow": "f", "detect": True}]
)
def test_a_task_that_contradicts_itself_is_refused(changes):
    with pytest.raises(ValueError):  # noqa: PT011
        ActionUnitEditing(VIEW, "image", "identity", **changes)


def test_targets_go_by_name_and_scale():
    space = TargetSpace(("AU2", "AU1"), (0.0, 0.0), (1.0, 1.0))
    assert placed(space, ["AU1"], torch.tensor([[0.5], [1.0]])).tolist() == [[0, 0.5], [0, 1]]
    with pytest.raises(RegistryError, match="cannot be asked for AU4: it knows AU2, AU1"):
        placed(space, ["AU1", "AU4"], torch.zeros(1, 2))
    assert understands(space, ["AU1", "AU2"])
    assert not understands(space, ["AU1", "AU4"])
    assert not understands(TargetSpace(("AU1",), (0.0,), (5.0,)), ["AU1"])


@pytest.fixture
def deform(monkeypatch):
    """``fesgan`` under the name deform and with the target space of ``Muscles``."""
    from fer import registry

    class Deform(torch.nn.Module, Muscles):
        def __init__(self, config):
            super().__init__()

        target_space = unit_space(ACTION_UNITS)

    built = registry.spec("fesgan")
    fake = registry.Spec("deform", "T", "S", built.citations, built.config, Deform, built.training)
    spec = registry.spec
    monkeypatch.setattr(registry, "MODEL_NAMES", (*registry.MODEL_NAMES, "deform"))
    monkeypatch.setattr(registry, "spec", lambda name: fake if name == "deform" else spec(name))


def test_editors_are_entered_where_they_know_what_is_asked(deform):
    expressions, units = benchmarks.benchmark("edit_puppets"), benchmarks.benchmark("edit_au_puppets")
    assert [can_take("fesgan", b) for b in (expressions, units)] == [True, False]
    assert [can_take("deform", b) for b in (expressions, units)] == [False, True]
    assert [can_take("unedited", b) for b in (expressions, units)] == [True, True]
    with pytest.raises(RegistryError, match=r"^fesgan cannot be .* asked for the 23 Action Units, each from 0 to 1"):
        check("fesgan", units)
    with pytest.raises(RegistryError, match=r"^deform .* asked for the seven expressions, each .*: it knows AU1, AU2"):
        check("deform", expressions)
    with pytest.raises(RegistryError, match=r"^plain .* because it cannot give a face an expression\.$"):
        check("plain", units)


def test_the_baseline_takes_what_the_task_asks_for(source):
    for name, names in (("edit_puppets", EXPRESSIONS), ("edit_au_london", ACTION_UNITS)):
        entered = contestants.enter("unedited", "default", "cpu", benchmarks.benchmark(name), source)
        assert entered.model.target_space.names == names
