"""The deformation editor: what no change does, what moves, what is painted, at any size; and its training."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from fer.action_units import AU_INDEX, units_of
from fer.data import changes
from fer.data.changes import ChangeBatch, Changes, ChangeSource, places_of
from fer.data.pairs import load_london, load_puppets
from fer.load import load
from fer.models import deform_training
from fer.models.deform import Deform, DeformConfig
from fer.models.deform_training import DeformRecipe, Step
from fer.puppets import pool
from fer.targets import UNIT_TARGETS
from fer.training import train
from fer.types import Framing
from fer.warping import determinant, painted, warped

TINY = DeformConfig(widths=(8,) * 5, texture_widths=(8, 8))
CPU = torch.device("cpu")


def faces(count: int = 2, size: int = 128) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


def restless(config: DeformConfig = TINY) -> Deform:
    """An editor whose fields and paint are far from nothing."""
    torch.manual_seed(0)
    model = Deform(config)
    for layer in (model.motion.moves, model.texture.out):
        nn.init.normal_(layer.weight, std=0.2)
        nn.init.normal_(cast(Tensor, layer.bias), std=0.5)
    return model.eval()


def test_asking_for_what_a_face_shows_changes_nothing() -> None:
    model, given = restless(), faces()
    own = model.action_units(given).strengths
    same = model.edit(given, own)
    assert float((same.image - given).abs().max()) < 1e-4
    assert float(same.parts["flow"].abs().max()) == 0
    assert float(same.parts["mask"].max()) == 0
    other = model.edit(given, (own + 0.3).clamp(0, 1))
    assert float((other.image - given).abs().mean()) > 0.05


def test_paint_fades_in_with_the_change() -> None:
    model, given = restless(), faces()
    own = model.action_units(given).strengths
    little, much = (model.edit(given, (own + step).clamp(0, 1)).parts["mask"].amax() for step in (0.02, 0.1))
    assert 0 < float(little) < 0.35 * float(much)


@pytest.mark.parametrize("size", [96, 128, 300])
def test_flow_and_paint_follow_the_faces_size(size: int) -> None:
    model, given = restless(), faces(1, size)
    made = model.edit(given, torch.full((1, 23), 0.9))
    assert made.image.shape == made.parts["moved"].shape == given.shape
    assert made.parts["flow"].shape == (1, 2, size, size)
    assert made.parts["mask"].shape == (1, 1, size, size)
    again = model.neutralize(given)
    assert torch.allclose(again.parts["residue.pixel"], given - again.image)


def test_a_larger_face_moves_by_as_much_of_its_side() -> None:
    model = restless()
    large = faces(1, 256)
    small = torch.nn.functional.interpolate(large, 128, mode="bilinear", antialias=True)
    flows = [model.edit(each, torch.ones(1, 23)).parts["flow"] / each.shape[-1] for each in (small, large)]
    assert float((torch.nn.functional.avg_pool2d(flows[1], 2) - flows[0]).abs().mean()) < 0.006


def test_without_motion_nothing_moves_and_without_texture_nothing_is_painted() -> None:
    given, asked = faces(), torch.ones(2, 23)
    still = restless(DeformConfig(widths=(8,) * 5, texture_widths=(8, 8), motion=False)).edit(given, asked)
    assert float(still.parts["flow"].abs().max()) == 0
    assert torch.allclose(still.parts["moved"], given, atol=1e-4)
    assert not torch.allclose(still.image, given, atol=0.05)
    bare = restless(DeformConfig(widths=(8,) * 5, texture_widths=(8, 8), texture=False)).edit(given, asked)
    assert torch.equal(bare.image, bare.parts["moved"])
    assert float(bare.parts["mask"].max()) == 0


def test_it_reads_tight_faces_and_refuses_what_is_outside_of_its_space() -> None:
    model = restless()
    assert model.action_units(faces(2, 48), Framing.TIGHT).strengths.shape == (2, 23)
    with pytest.raises(ValueError, match="AU12 from 0 to 1"):
        model.edit(faces(1), units_of({"AU12": 1.2})[None])
    assert UNIT_TARGETS.names[AU_INDEX["AU12"]] == "AU12"


@pytest.mark.parametrize(
    "wrong",
    [{"widths": (8,) * 4}, {"widths": (0,) * 5}, {"texture_widths": (8, 0)}, {"texture_widths": (8,)},
     {"texture_widths": (8, 9)}, {"largest_flow": 0.0}, {"motion": False, "texture": False}, {"size_px": 100}],
)  # fmt: skip
def test_config_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="DeformConfig"):
        DeformConfig(**wrong)  # type: ignore[arg-type]


def test_a_shift_moves_pixels_and_a_flip_folds_everything() -> None:
    picture = faces(1, 8)
    shift = torch.zeros(1, 2, 8, 8)
    shift[:, 0] = 2 / 8  # one pixel of eight, in halves of the side
    assert torch.allclose(warped(picture, shift)[..., :-1], picture[..., 1:], atol=1e-5)
    assert torch.equal(determinant(shift * 4), torch.ones(1, 7, 7))
    flip = torch.zeros(1, 2, 8, 8)
    flip[:, 0] = 7 - 2 * torch.arange(8.0)  # x -> 7 - x
    assert torch.allclose(determinant(flip), -torch.ones(1, 7, 7))
    half = torch.full((1, 1, 8, 8), 0.5)
    assert torch.allclose(painted(picture, torch.zeros(1, 3, 8, 8), half), picture, atol=1e-5)


def test_places_of_a_flow_belong_together() -> None:
    flow = torch.full((1, 2, 4, 4), 0.25)
    flow[0, :, 0] = torch.nan
    source, truth = places_of(flow)[0]
    known = ~source.isnan().any(1)
    assert torch.allclose(source[known], truth[known] + 0.25)
    assert torch.equal(truth.isnan(), source.isnan())
    assert float(truth[known][:, 1].min()) > 0.25  # the first row is not known


def test_batches_hold_changes_in_both_directions_and_still_faces(data: Path) -> None:
    torch.manual_seed(0)
    pairs = load_puppets(data, "train")
    stored, london = Changes.of_pairs(pairs, 4), Changes.of_pairs(load_london(data, "train"), 4)
    assert torch.equal(stored.faces[:, 1], pairs.neutral)
    assert bool(london.units[0, 0].isnan().all())
    assert float(london.units[0, 1].abs().max()) == 0
    still = torch.full((1, 48, 48), 100, dtype=torch.uint8)
    batch = ChangeSource(((stored, 20), (london, 1)), still).draw(2)
    assert batch.source.shape == batch.truth.shape == (23, 3, 128, 128)
    assert batch.points.shape == (23, 2, 68 + changes.FLOW_POINTS, 2)
    assert torch.equal(batch.source[-2:], batch.truth[-2:])
    assert float(batch.own[-2:].abs().max()) == 0
    into = batch.own[:20].abs().amax(1) == 0
    assert 0 < int(into.sum()) < 20


def test_steps_teach_motion_alone_and_then_both() -> None:
    torch.manual_seed(0)
    given = ChangeBatch(
        faces(2), faces(2).flip(3), torch.zeros(2, 23), torch.ones(2, 23), torch.full((2, 2, 3, 2), torch.nan)
    )
    for paint in (False, True):
        model = Deform(TINY)
        loss = Step(model, DeformRecipe(), CPU, paint)(given, 0)
        loss.total.backward()  # type: ignore[no-untyped-call]
        assert float(loss.terms["places"].detach()) == 0
        assert (model.texture.out.weight.grad is not None) == paint
        assert float(model.motion.moves.weight.grad.abs().sum()) > 0  # type: ignore[union-attr]


def test_strengths_that_nobody_knows_are_read() -> None:
    torch.manual_seed(0)
    model = Deform(TINY)
    own, asked = torch.zeros(2, 23), torch.zeros(2, 23)
    own[0] = asked[1] = torch.nan
    given = ChangeBatch(faces(2), faces(2).flip(3), own, asked, torch.full((2, 2, 3, 2), torch.nan))
    step = Step(model, DeformRecipe(read=0.0), CPU, True)
    read = model.motion.strengths(model.motion.encode(given.truth[1:])).sigmoid()
    found = step.asked(given)
    assert float(found[0].abs().max()) == 0
    assert torch.allclose(found[1:], read, atol=1e-6)
    assert not found.requires_grad
    reading = float(step(given, 0).terms["reading"].detach())
    logits = model.motion.strengths(model.motion.encode(given.source[1:]))
    expected = 0.1 * torch.nn.functional.binary_cross_entropy_with_logits(logits, own[1:])
    assert reading == pytest.approx(float(expected.detach()), rel=0.05)  # in bfloat16


def test_it_goes_on_from_its_own_weights() -> None:
    model = Deform(DeformConfig())
    deform_training.take_over(model, "deform:default")
    assert torch.equal(model.motion.moves.weight, load("deform", device="cpu").motion.moves.weight)


def test_it_trains_and_ships(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = load_puppets(data, "train")

    def render(root: Path, count: int, seed: int, workers: int, split: str = "train") -> Changes:
        known = Changes.of_pairs(pairs, 4)
        return Changes(known.faces, known.units, known.points, torch.zeros_like(known.flow))

    monkeypatch.setattr(pool, "render_changes", render)
    recipe = DeformRecipe(start="", steps_motion=2, steps_both=2, changes=2, puppets=2, london=1)
    network = train(deform_training.plan(TINY, recipe, data, CPU), tmp_path, tick=2)
    model, numbers = deform_training.finish(network, TINY, data)
    assert set(numbers) == {"puppets_validation_left_into", "puppets_validation_left_out_of"}
    assert list(tmp_path.glob("*.png"))
    left = deform_training.changes_left(Deform(TINY).eval(), render(data, 1, 0, 1))
    assert left["left"] == pytest.approx(1.0, abs=1e-4)
    assert left["epe_px"] == left["epe_px_still"] == left["folded"] == 0
    assert all(torch.equal(v, v.half().float()) for v in model.state_dict().values())
