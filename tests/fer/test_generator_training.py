"""The trainings of the generators on a tiny data folder: what is drawn, what is learnt, what is shipped."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from fer import registry
from fer.data.mixtures import LabelledFaces, PairSource, varied
from fer.data.pairs import load_london, load_puppets
from fer.errors import TrainingError
from fer.load import load
from fer.models import (
    degan_training,
    derl_training,
    errnet_training,
    fesgan_training,
    identity_training,
    plain_training,
)
from fer.models.au import Au, AuConfig
from fer.models.degan import Degan, DeganConfig
from fer.models.degan_losses import DeganRecipe
from fer.models.derl import Derl, DerlConfig, Generator
from fer.models.derl_training import DerlRecipe
from fer.models.errnet import ErrNet, ErrNetConfig
from fer.models.errnet_training import ErrNetRecipe
from fer.models.fesgan import Fesgan, FesganConfig
from fer.models.fesgan_losses import FesganRecipe
from fer.models.fesgan_training import start_from_derl
from fer.models.identity import IdentityConfig
from fer.models.identity_training import IdentityRecipe
from fer.models.plain import PlainConfig
from fer.removal import composed_terms
from fer.training import Loss, Plan, train

CPU = torch.device("cpu")
# a few steps of a few faces each
FEW = {"start": "", "first_puppets": 2, "puppets": 2, "ferplus": 4, "lfw": 1, "puppet_faces": 1}
TINY = DerlConfig(widths=(8, 8, 8, 8, 8), local_width=4, local_features=8)
TINY_ERRNET = ErrNetConfig(widths=(8, 8, 8, 8, 8), segment=4, features=8)


class Same(nn.Module):
    """An identity that sees one person everywhere, so that no bundled weights are needed."""

    def forward(self, faces: Tensor) -> Tensor:
        return torch.ones(len(faces), 1)


@pytest.fixture
def no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (degan_training, derl_training, errnet_training, fesgan_training):
        monkeypatch.setattr(module, "load", lambda name, device: Same())


def test_puppets_come_with_people_and_landmarks(data: Path) -> None:
    pairs = load_puppets(data, "train")
    assert pairs.face.shape == pairs.neutral.shape == (8, 3, 128, 128)
    assert pairs.person.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert torch.allclose(pairs.landmarks - pairs.neutral_landmarks, torch.tensor([0.01, 0.0]), atol=1e-6)


def test_the_same_photograph_twice_is_a_pair_without_difference(data: Path) -> None:
    pairs = load_london(data, "train")
    assert len(pairs) == 1
    assert int((pairs.face.int() - pairs.neutral.int()).abs().max()) <= 1


def test_sources_give_what_was_asked_for_and_leave_neutral_faces_alone(data: Path) -> None:
    torch.manual_seed(0)
    source = PairSource.load(data)
    drawn = source.draw(puppets=6, london=1, still=2, as_neutral=0.0)
    assert drawn.face.shape == drawn.neutral.shape == (9, 3, 128, 128)
    assert drawn.emotion[6:].tolist() == [1, 0, 0]
    assert drawn.intensity[6:].tolist() == [1, 0, 0]
    assert torch.equal(drawn.intensity[:6] > 0, drawn.emotion[:6] > 0)
    assert drawn.points[:6].isfinite().all()
    assert drawn.points[6:].isnan().all()
    calm = source.draw(puppets=6, london=0, still=0, as_neutral=1.0)
    assert calm.emotion.tolist() == calm.intensity.tolist() == [0] * 6
    assert torch.allclose(calm.points[:, 0], calm.points[:, 1])


def test_pairs_can_look_as_ferplus_does(data: Path) -> None:
    source = PairSource.load(data)

    def drawn(coarse: float) -> Tensor:
        torch.manual_seed(0)
        pairs = source.draw(puppets=6, london=1, still=2, coarse=coarse)
        return torch.stack([pairs.face, pairs.neutral])

    coarse = drawn(1.0)
    assert torch.equal(coarse[:, :7, 0], coarse[:, :7, 2])  # grey
    assert torch.equal(coarse[:, :7, :, 0], coarse[:, :7, :, 1])  # the border of a tight crop, repeated
    assert torch.equal(coarse[:, 7:], drawn(0.0)[:, 7:])
    assert 0.1 < float((coarse - drawn(0.0))[:, :7].abs().amax()) < 2
    assert float((coarse[0, :7] - coarse[1, :7]).abs().mean()) > 0


def test_both_faces_of_a_pair_are_changed_alike() -> None:
    torch.manual_seed(1)
    face = torch.nn.functional.interpolate(torch.rand(12, 3, 8, 8) - 0.5, (64, 64), mode="bilinear")
    faces, neutrals, _ = varied(face, face, torch.full((12, 2, 68, 2), torch.nan))
    assert torch.equal(faces, neutrals)
    assert not torch.allclose(faces, face, atol=0.1)


def test_labelled_faces_are_canonical(data: Path) -> None:
    faces, target = LabelledFaces(data, (4, 1, 1, 2), seed=0).batch(0, strength=0.7)
    assert faces.shape == (8, 3, 128, 128)
    assert torch.allclose(target.sum(1), torch.ones(8), atol=1e-5)
    for counts in ((0, 1, 1, 2), (3, 0, 0, 1)):
        faces, target = LabelledFaces(data, counts, seed=0).batch(0)
        assert faces.shape == (4, 3, 128, 128)
        assert target.shape == (4, 8)


@pytest.mark.usefixtures("no_judge")
def test_derl_trains_both_stages_and_ships_no_critic(data: Path, tmp_path: Path) -> None:
    recipe = DerlRecipe(steps_generator=4, steps_readers=2, puppets=2, ferplus=4, lfw=1, puppet_faces=1)
    plan = derl_training.plan(TINY, recipe, data, CPU)
    before = {k: v.clone() for k, v in plan.network.state_dict().items()}
    network = train(plan, tmp_path, tick=2)
    moved = {k for k, v in plan.network.state_dict().items() if not torch.equal(v, before[k])}
    assert {key.split(".")[1] for key in moved if key.startswith("model")} == {"generator", "locals", "fusion"}
    assert any(key.startswith("critic") for key in moved)
    assert (tmp_path / "sheet-000002.png").is_file()
    model, numbers = derl_training.finish(network, TINY, data)
    assert not any("critic" in key for key in model.state_dict())
    assert {"validation_accuracy", "puppets_validation_left", "puppets_validation_left_fear"} <= set(numbers)


@pytest.mark.usefixtures("no_judge")
def test_a_second_critic_judges_faces_without_a_partner(data: Path, tmp_path: Path) -> None:
    recipe = DerlRecipe(steps_generator=4, steps_readers=0, puppets=2, unpaired=2)
    plan = derl_training.plan(TINY, recipe, data, CPU)
    faces, neutrals, points, expressive, still = plan.stages[0].batch(0)
    assert faces.shape == neutrals.shape == (5, 3, 128, 128)
    assert points.shape == (5, 2, 68, 2)
    assert expressive.shape == still.shape == (2, 3, 128, 128)
    before = [value.clone() for value in plan.network.get_submodule("unpaired_critic").parameters()]
    train(plan, tmp_path, tick=4)
    record = json.loads((tmp_path / "log.jsonl").read_text())
    assert {"unpaired critic", "generator/unpaired", "generator/unpaired_identity"} <= set(record)
    after = plan.network.get_submodule("unpaired_critic").parameters()
    assert any(not torch.equal(a, b) for a, b in zip(after, before, strict=True))
    alone = derl_training.plan(TINY, DerlRecipe(steps_generator=1, steps_readers=0, puppets=2), data, CPU)
    assert [phase.name for phase in alone.stages[0].phases] == ["generator", "critic"]
    assert all(len(values) == 0 for values in alone.stages[0].batch(0)[3:])


@pytest.mark.usefixtures("no_judge")
def test_derl_is_resumed_bit_by_bit(data: Path, tmp_path: Path) -> None:
    recipe = DerlRecipe(steps_generator=4, steps_readers=2, puppets=2, ferplus=2, lfw=1, puppet_faces=1)

    def plan() -> derl_training.Plan:
        return derl_training.plan(TINY, recipe, data, CPU)

    whole = train(plan(), tmp_path / "whole")
    train(plan(), tmp_path / "parts", stop_after=3)
    parts = train(plan(), tmp_path / "parts")
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True))


@pytest.mark.usefixtures("no_judge")
def test_fesgan_trains_and_ships(data: Path, tmp_path: Path) -> None:
    config = FesganConfig(widths=(8, 8, 8, 8, 8), latent=4, reader_widths=(4, 8), reader_blocks=(1,))
    recipe = FesganRecipe(steps_pairs=2, steps_reading=2, steps_synthesis=2, steps_joint=2, edited=2, **FEW)
    network = train(fesgan_training.plan(config, recipe, data, CPU), tmp_path, tick=2)
    model, numbers = fesgan_training.finish(network, config, data)
    assert set(numbers) == {
        "validation_accuracy",
        "validation_nll",
        "puppets_validation_left_into",
        "puppets_validation_left_out_of",
    }
    assert not any("critic" in key or "prior" in key for key in model.state_dict())
    assert list(tmp_path.glob("*.png"))


def test_fesgan_starts_as_the_derl_generator_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    derl = Derl(TINY)
    nn.init.normal_(derl.generator.out.weight, std=0.1)
    nn.init.normal_(derl.generator.out.bias, std=0.1)
    monkeypatch.setattr(fesgan_training, "load", lambda name, weights, device: derl)
    model = Fesgan(FesganConfig(widths=TINY.widths, latent=4, reader_widths=(4, 8), reader_blocks=(1,)))
    start_from_derl(model.generator, "default")
    faces, targets = torch.rand(2, 3, 128, 128) * 2 - 1, torch.eye(23)[:2]
    with torch.no_grad():
        neutral = derl.generator(faces).neutral
        for values in model.generator.from_latent.parameters():
            values.zero_()
        assert torch.allclose(model.generator.edit(faces, targets).image, neutral, atol=1e-5)


@pytest.mark.usefixtures("no_judge")
def test_degan_trains_all_stages_and_ships_prototypes(data: Path, tmp_path: Path) -> None:
    config = DeganConfig(
        widths=(8,) * 5, code=4, encoder_widths=(8,) * 5, encoder_blocks=(1,) * 4, local_width=4, local_features=8
    )
    recipe = DeganRecipe(steps_pairs=2, steps_synthesis=2, steps_readers=2, transferred=2, **FEW)
    plan = degan_training.plan(config, recipe, data, CPU)
    before = {k: v.clone() for k, v in plan.network.state_dict().items()}
    network = train(plan, tmp_path, tick=2)
    moved = {k for k, v in plan.network.state_dict().items() if not torch.equal(v, before[k])}
    assert {k.split(".")[1] for k in moved if k.startswith("model")} == {"encoder", "decoder", "locals", "fusion"}
    assert any(k.startswith("critic") for k in moved)
    assert (tmp_path / "sheet-000002.png").is_file()
    model, numbers = degan_training.finish(network, config, data)
    assert set(numbers) == {
        "validation_accuracy",
        "validation_nll",
        "puppets_validation_left_into",
        "puppets_validation_left_out_of",
        "puppets_validation_left",
        "puppets_validation_neutral_l1",
    }
    assert float(model.prototypes.abs().min()) > 0
    assert torch.equal(model.prototypes, model.prototypes.half().float())
    assert not any("critic" in key or "naming" in key for key in model.state_dict())


@pytest.mark.usefixtures("no_judge")
def test_degan_readers_go_on_from_weights_and_leave_the_encoder_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = DeganConfig(widths=(8,) * 5, encoder_widths=(8,) * 5, local_width=4, local_features=8)
    before = Degan(config)
    before.prototypes.fill_(0.5)
    loaded = {"degan": before, "identity": Same()}
    monkeypatch.setattr(degan_training, "load", lambda name, weights="default", device="auto": loaded[name])
    recipe = DeganRecipe(steps_pairs=0, steps_synthesis=0, steps_readers=1, **FEW | {"start": "degan:mine"})
    network = train(degan_training.plan(config, recipe, data, CPU), tmp_path).model
    assert all(
        torch.equal(a, b) for a, b in zip(network.encoder.parameters(), before.encoder.parameters(), strict=True)
    )
    assert torch.equal(network.prototypes, before.prototypes)
    assert not torch.equal(network.fusion[1].weight, before.fusion[1].weight)


def planned(model: str, start: str, **config: object) -> Plan:
    """The plan of a training as far as it gets without data."""
    spec = registry.spec(model)
    training = import_module(spec.training)
    made: Plan = training.plan(spec.config(**config), training.Recipe(start=start), Path("unused"), CPU)
    return made


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        ("derl", "derl"),
        ("errnet", "derl"),
        ("fesgan", "derl"),
        ("deform", "derl or deform"),
        ("degan", "derl or degan"),
        ("flow_vae", "deform"),
    ],
)
def test_a_start_of_another_model_is_refused_in_a_sentence(model: str, allowed: str) -> None:
    with pytest.raises(TrainingError, match=f'"plain:default" names weights of plain, .* weights of {allowed}: '):
        planned(model, "plain:default")


def test_a_start_may_name_its_model(data: Path) -> None:
    known = load("derl", device="cpu").generator
    recipe = DerlRecipe(start="derl:default", steps_generator=0)
    derl = derl_training.plan(DerlConfig(), recipe, data, CPU).network.get_submodule("model.generator")
    errnet, fesgan = ErrNet(ErrNetConfig()), Fesgan(FesganConfig()).generator
    errnet_training.start_from_derl(errnet, "derl:default")
    start_from_derl(fesgan, "derl:default")
    assert all(torch.equal(value, known.state_dict()[name]) for name, value in derl.state_dict().items())
    assert all(parameter.requires_grad for parameter in (*derl.parameters(), *errnet.parameters()))
    assert torch.equal(errnet.trunk.stem.weight, known.trunk.stem.weight)
    assert torch.equal(fesgan.stem.weight, known.trunk.stem.weight)


@pytest.mark.parametrize(
    ("model", "start", "change", "named"),
    [
        ("derl", "default", {"skips": False}, "default"),
        ("errnet", "derl:default", {"widths": (8,) * 5}, "derl:default"),
        ("fesgan", "default", {"widths": (8,) * 5}, "default"),
        ("deform", "default", {"widths": (8,) * 5}, "default"),
        ("deform", "deform:default", {"texture_widths": (8, 8)}, "deform:default"),
        ("degan", "degan:default", {"code": 8}, "degan:default"),
        ("degan", "default", {"widths": (8,) * 5}, "default"),
        ("degan", "default", {"places": 16}, "au:default"),
        ("degan", "default", {"encoder_px": 96}, "au:default"),
        ("flow_vae", "default", {"widths": (8,) * 5}, "default"),
    ],
)
def test_a_start_of_another_shape_is_refused_in_a_sentence(
    model: str, start: str, change: dict[str, object], named: str
) -> None:
    with pytest.raises(TrainingError, match=f'The weights "{named}" belong to a network of another shape'):
        planned(model, start, **change)


@pytest.mark.parametrize("model", ["derl", "errnet", "fesgan", "deform", "flow_vae"])
def test_a_network_that_sees_other_sizes_than_are_drawn_is_refused_in_a_sentence(model: str) -> None:
    with pytest.raises(TrainingError, match="faces of 128 px, from which a network of 64 px cannot learn"):
        planned(model, "", size_px=64)


def measured_in(training: ModuleType, config: object, recipe: object, data: Path, device: str) -> dict[str, float]:
    """All that a fresh network's plan measures."""
    plan = training.plan(config, recipe, data, torch.device(device))
    calls = [plan.evaluate, *(stage.evaluate for stage in plan.stages if stage.evaluate)]
    return {name: value for call in calls for name, value in call(plan.network).items()}


def readers() -> dict[str, tuple[ModuleType, object, object]]:
    """Trainings of recognisers, tiny."""
    few = {"puppets": 2, "ferplus": 4, "lfw": 1}
    return {
        "plain": (plain_training, PlainConfig(widths=(4, 8, 8, 8), blocks=(1, 1, 1)), plain_training.Recipe(**few)),
        "derl": (derl_training, TINY, DerlRecipe(**few, puppet_faces=1)),
        "errnet": (errnet_training, TINY_ERRNET, ErrNetRecipe(**few, start="")),
        "fesgan": (fesgan_training, FesganConfig(widths=(8,) * 5, latent=4), FesganRecipe(**FEW)),
    }


@pytest.mark.usefixtures("no_judge")
@pytest.mark.parametrize("name", list(readers()))
def test_what_is_measured_does_not_depend_on_the_device_of_the_training(
    name: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluation gets a network on the CPU, wherever it is trained; only moving it there is skipped here."""
    monkeypatch.setattr(nn.Module, "to", lambda module, *_, **__: module)
    given = readers()[name]
    assert measured_in(*given, data, "cuda") == measured_in(*given, data, "cpu")


def test_degan_decodes_as_the_derl_generator_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    derl = Derl(TINY)
    nn.init.normal_(derl.generator.out.weight, std=0.1)
    config = DeganConfig(widths=TINY.widths, code=4, encoder_widths=(8,) * 5, local_width=4, local_features=8)
    loaded = {"derl": derl, "au": Au(AuConfig(widths=config.encoder_widths))}
    monkeypatch.setattr(degan_training, "load", lambda name, weights="default", device="cpu": loaded[name])
    model = Degan(config)
    degan_training.take_over(model, "derl:default")
    faces, codes = torch.rand(2, 3, 128, 128) * 2 - 1, torch.rand(2, 4)
    with torch.no_grad():
        for values in model.decoder.from_code.parameters():
            values.zero_()
        assert torch.allclose(model.decode(faces, codes).image, derl.generator(faces).neutral, atol=1e-5)


def test_generator_learns_eight_pairs() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY)
    faces = torch.nn.functional.interpolate(torch.rand(8, 3, 9, 9) - 0.5, (64, 64), mode="bilinear")
    neutrals = torch.roll(faces, 2, 3)
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    unknown = torch.full((8, 2, 68, 2), torch.nan)
    losses = []
    for _ in range(60):
        loss = Loss.of(composed_terms(generator(faces).composed, faces, neutrals, unknown, landmarks=0.5)).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.usefixtures("no_judge")
def test_errnet_trains_and_ships(data: Path, tmp_path: Path) -> None:
    recipe = ErrNetRecipe(start="", steps=2, puppets=3, ferplus=4, lfw=1)
    network = train(errnet_training.plan(TINY_ERRNET, recipe, data, CPU), tmp_path, tick=2)
    model, numbers = errnet_training.finish(network, TINY_ERRNET, data)
    assert set(numbers) >= {"validation_accuracy", "puppets_validation_left"}
    assert model.recognize(torch.zeros(1, 3, 128, 128)).probs.shape == (1, 8)


def test_identity_trains_and_ships(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rendered(root: Path, people: int, views: int, seed: int, workers: int) -> tuple[Tensor, Tensor]:
        pairs = load_puppets(root, "train")
        return torch.cat([pairs.face, pairs.neutral]), pairs.person.repeat(2)

    monkeypatch.setattr(identity_training, "render_people", rendered)
    config = IdentityConfig(size_px=32, widths=(4, 8, 8), blocks=(1, 1), dimensions=16)
    recipe = IdentityRecipe(steps=2, rendered=3, lfw=1, london=1)
    network = train(identity_training.plan(config, recipe, data, CPU), tmp_path, tick=2)
    model, numbers = identity_training.finish(network, config, data)
    assert 0 <= numbers["validation_separation"] <= 1
    assert model.embed(torch.zeros(2, 3, 128, 128)).shape == (2, 16)
