"""Autoencoded flow: what no change does, what the latent numbers add up to, ways between photographs; its training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fer.action_units import AU_INDEX, units_of
from fer.data.changes import ChangeBatch, Changes, ChangeSource
from fer.errors import TrainingError
from fer.models import flow_vae_training
from fer.models.deform import Deform, DeformConfig
from fer.models.flow_vae import FlowVae, FlowVaeConfig, change_between, divergence
from fer.models.flow_vae_training import FlowVaeRecipe, Step, fitted_directions
from fer.puppets import pool
from fer.training import train
from fer.types import Framing
from fer.warping import warped

TINY = FlowVaeConfig(widths=(8,) * 5, latent=4)
CPU = torch.device("cpu")


def faces(count: int = 2, size: int = 128, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 1.8 - 0.9


def restless() -> FlowVae:
    """An autoencoder whose fields and directions are far from nothing."""
    torch.manual_seed(0)
    model = FlowVae(TINY)
    nn.init.normal_(model.moves.weight, std=0.1)
    nn.init.normal_(model.directions)
    return model.eval()


def known_changes(count: int = 6) -> Changes:
    """People whose second face is the first one read a sixteenth of the side further right, and shows one unit more."""
    first = faces(count, seed=3)
    shift = torch.zeros(count, 2, 128, 128)
    shift[:, 0] = 1 / 8  # in halves of the side
    pictures = torch.stack([first, warped(first, shift)], 1)
    units = torch.zeros(count, 2, 23)
    units[torch.arange(count), 1, torch.arange(count) % 3] = 0.8
    flow = torch.zeros(count, 2, 2, 8, 8)
    flow[:, 0, 0], flow[:, 1, 0] = -1 / 16, 1 / 16
    points = torch.full((count, 2, 68, 2), torch.nan)
    return Changes(((pictures + 1) * 127.5).round().to(torch.uint8), units, points, flow.half())


def test_asking_for_what_a_face_shows_gives_the_face_itself() -> None:
    model, given = restless(), faces()
    own = model.action_units(given).strengths
    with torch.inference_mode():
        seen = model.encode(given)
        image, flow = model.moved(given, seen, model.asked(seen, seen.strengths))
    assert torch.equal(image, given)
    assert float(flow.abs().max()) == 0
    assert float((model.edit(given, own).image - given).abs().max()) < 1e-4  # another batch may round otherwise
    assert float((model.edit(given, (own + 0.4).clamp(0, 1)).image - given).abs().mean()) > 0.02


def test_the_divergence_is_that_of_normal_distributions() -> None:
    mean, log_variance = torch.tensor([[0.5, -1.0], [0.0, 0.0]]), torch.tensor([[0.3, -0.7], [0.0, 0.0]])
    own = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    known = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0)).sum(1)  # type: ignore[no-untyped-call]
    assert torch.allclose(divergence(mean, log_variance), known, atol=1e-6)
    assert float(known[1]) == 0


def test_changes_add_up_and_the_way_back_is_the_opposite() -> None:
    model = restless()
    with torch.inference_mode():
        one, two, three = (model.encode(faces(seed=seed)) for seed in (1, 2, 3))
    there, back = change_between(one, two), change_between(two, one)
    assert torch.equal(there[0], -back[0])
    assert torch.equal(there[1], back[1])
    assert float(change_between(one, one)[0].abs().max()) == 0
    assert torch.allclose(there[0] + change_between(two, three)[0], change_between(one, three)[0], atol=1e-5)


def test_a_fresh_encoders_changes_are_scaled_to_a_deviation_of_one() -> None:
    torch.manual_seed(0)
    model, pictures = FlowVae(TINY), (faces(6), faces(6, seed=2))
    model.scale_codes(*pictures)
    with torch.inference_mode():
        mean, log_variance = change_between(*map(model.encode, pictures))
    assert float(mean.std()) == pytest.approx(1.0, rel=1e-3)
    assert float(log_variance.mean()) == pytest.approx(-6.0, abs=0.5)


@pytest.mark.parametrize("size", [96, 128, 300])
def test_the_flow_follows_the_faces_size_and_nothing_is_painted(size: int) -> None:
    given = faces(1, size)
    made = restless().edit(given, torch.full((1, 23), 0.9))
    assert made.image.shape == given.shape
    assert made.parts["flow"].shape == (1, 2, size, size)
    assert torch.allclose(made.image, warped(given, made.parts["flow"] * 2 / size), atol=1e-4)
    assert float(made.parts["mask"].max()) == 0
    assert torch.equal(made.parts["moved"], made.image)


def test_a_larger_face_moves_by_as_much_of_its_side() -> None:
    model, large = restless(), faces(1, 256)
    small = nn.functional.interpolate(large, 128, mode="bilinear", antialias=True)
    flows = [model.edit(each, torch.ones(1, 23)).parts["flow"] / each.shape[-1] for each in (small, large)]
    assert float(flows[0].abs().mean()) > 0.02
    assert float((nn.functional.avg_pool2d(flows[1], 2) - flows[0]).abs().mean()) < 0.002


def test_removal_is_the_edit_to_no_action_unit() -> None:
    model, given = restless(), faces()
    made = model.neutralize(given)
    assert torch.equal(made.image, model.edit(given, torch.zeros(2, 23)).image)
    assert torch.allclose(made.parts["residue.pixel"], given - made.image)


def test_a_way_starts_and_ends_with_the_photographs() -> None:
    model, first, second = restless(), faces(size=160), faces(size=160, seed=2)
    way = model.interpolate(first, second, 5)
    assert way.shape == (5, 2, 3, 160, 160)
    assert torch.equal(way[0], first)
    assert torch.equal(way[-1], second)
    faded = (first + second) / 2
    assert float((way[2] - faded).abs().mean()) > 0.02
    assert torch.allclose(model.interpolate(second, first, 5).flip(0), way, atol=1e-4)
    assert torch.allclose(model.interpolate(first, first, 3), first.expand(3, -1, -1, -1, -1), atol=1e-6)


def test_what_does_not_fit_is_refused_in_a_sentence() -> None:
    model = restless()
    with pytest.raises(ValueError, match="Both faces must have one shape"):
        model.interpolate(faces(1), faces(1, 96), 3)
    with pytest.raises(ValueError, match="1 steps are too few"):
        model.interpolate(faces(1), faces(1), 1)
    with pytest.raises(ValueError, match="AU12 from 0 to 1"):
        model.edit(faces(1), units_of({"AU12": 1.2})[None])
    assert model.target_space.names[AU_INDEX["AU12"]] == "AU12"
    assert model.action_units(faces(2, 48), Framing.TIGHT).strengths.shape == (2, 23)


@pytest.mark.parametrize(
    "wrong",
    [
        {"widths": (8,) * 4},
        {"widths": (0,) * 5},
        {"widths": (8, 8, 8, 8, 9)},
        {"largest_flow": 0.0},
        {"latent": 0},
        {"size_px": 100},
    ],
)
def test_config_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="FlowVaeConfig"):
        FlowVaeConfig(**wrong)  # type: ignore[arg-type]


def test_directions_are_the_least_squares_of_what_the_encoder_sees() -> None:
    model, known = restless(), known_changes()
    found = fitted_directions(model, known, ridge=1e-4, batch=4)
    with torch.inference_mode():
        first, second = (model.encode((known.faces[:, k].float() / 127.5) - 1) for k in range(2))
        means = change_between(first, second)[0]
    for unit in range(3):  # each moves alone: its direction is its mean change, by its strength
        assert torch.allclose(found[unit], means[unit::3].mean(0) / 0.8, rtol=1e-2, atol=1e-3)
    assert float(found[3:].abs().max()) == 0


def test_a_few_steps_learn_a_shift() -> None:
    torch.manual_seed(0)
    model, known = FlowVae(TINY), known_changes(4)
    model.scale_codes(*(known.faces[:, k].float() / 127.5 - 1 for k in range(2)))
    recipe = FlowVaeRecipe(kl_warm_up=10)
    step, optimizer = Step(model, recipe, CPU), torch.optim.Adam(model.parameters(), 0.01)
    source, truth = (known.faces[:, k].float() / 127.5 - 1 for k in range(2))
    here = torch.rand(4, 40, 2) * 0.8
    given = ChangeBatch(
        source, truth, known.units[:, 0], known.units[:, 1], torch.stack([here + torch.tensor([1 / 16, 0]), here], 1)
    )
    places = []
    for number in range(20):
        optimizer.zero_grad()
        loss = step(given, number)
        loss.total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        places.append(float(loss.terms["places"]))
    assert places[0] == pytest.approx(recipe.places / 16, rel=1e-3)  # a fresh decoder moves nothing
    assert places[-1] < 0.5 * places[0]


def test_the_encoder_sets_out_from_what_deform_tells_of_action_units(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    known = Deform(DeformConfig(widths=(8,) * 5, texture_widths=(8, 8))).eval()
    monkeypatch.setattr(flow_vae_training, "load", lambda *given, **options: known)
    model, given = FlowVae(replace(TINY, latent=24)), faces()
    flow_vae_training.take_over(model, "default")
    with torch.inference_mode():
        seen = model.encode(given)
        logits = known.motion.strengths(known.motion.encode(given))
    assert torch.allclose(seen.logits, logits, atol=1e-5)
    assert torch.allclose(seen.code[:, :23], logits, atol=1e-5)
    assert float(seen.spread.mean()) == pytest.approx(-3.0, abs=0.5)
    with pytest.raises(TrainingError, match="flow_vae with 4 latent numbers cannot start from deform"):
        flow_vae_training.take_over(FlowVae(TINY), "default")
    with pytest.raises(TrainingError, match="plain"):
        flow_vae_training.take_over(model, "plain:default")


def test_it_trains_and_ships(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def source(*given: object) -> tuple[ChangeSource, Changes]:
        return ChangeSource(((known_changes(), 3),), torch.full((1, 48, 48), 100, dtype=torch.uint8)), known_changes(3)

    monkeypatch.setattr(pool, "change_source", source)
    recipe = FlowVaeRecipe(start="", steps=2)
    network = train(flow_vae_training.plan(TINY, recipe, data, CPU), tmp_path, tick=2)
    model, numbers = flow_vae_training.finish(network, TINY, data)
    assert set(numbers) == {"puppets_validation_left_into", "puppets_validation_left_out_of"}
    assert list(tmp_path.glob("*.png"))
    assert float(model.directions.abs().max()) > 0
    assert all(torch.equal(v, v.half().float()) for v in model.state_dict().values())
    left = flow_vae_training.changes_left(FlowVae(TINY).eval(), known_changes(3))
    assert left["left"] == left["rebuilt_left"] == pytest.approx(1.0)
    assert left["epe_px"] == left["epe_px_still"] == pytest.approx(8.0, rel=1e-3)
