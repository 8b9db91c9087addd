"""FESGAN: what an edit and a drawing are, which losses reach which network, and the guided intra-class loss."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.action_units import typical_units
from fer.data.mixtures import PairBatch
from fer.errors import WeightsError
from fer.load import config_from
from fer.models.fesgan import Fesgan, FesganConfig
from fer.models.fesgan_losses import (
    FesganRecipe,
    PairedEdits,
    Step,
    Trained,
    intra_class_loss,
    latent_critic,
    paired_edits,
    random_targets,
    same_class,
)
from fer.targets import EMOTION_TARGETS, code_of, distribution_of
from fer.types import EMOTIONS

TINY = FesganConfig(
    size_px=64, widths=(8, 8, 8, 8, 8), latent=4, reader_px=24, reader_widths=(4, 8), reader_blocks=(1,)
)
NOTHING, NO_UNITS = torch.zeros(2, 7), torch.zeros(2, 23)
UNKNOWN = torch.full((2, 2, 68, 2), torch.nan)  # landmarks


def faces(count: int = 2, size: int = 64) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


def test_untrained_edit_is_the_face_itself_at_any_size() -> None:
    model = Fesgan(TINY).eval()
    for size in (64, 100):
        edit = model.edit(faces(2, size), NOTHING)
        assert torch.allclose(edit.image, faces(2, size), atol=1e-4)
        assert edit.parts["flow"].shape == (2, 2, size, size)
    neutral = model.neutralize(faces())
    assert torch.allclose(neutral.image + neutral.parts["residue.pixel"], faces(), atol=1e-6)


def test_an_edit_takes_away_what_is_shown_before_it_gives_what_is_asked() -> None:
    torch.manual_seed(0)
    model = Fesgan(TINY).eval()
    torch.nn.init.normal_(model.generator.out.weight, std=0.05)
    torch.nn.init.normal_(model.generator.moves.weight, std=0.05)
    target = torch.eye(7)[:2] * torch.tensor([[1.0], [0.0]])  # the second face is asked for nothing
    edit, calm = model.edit(faces(), target), model.neutralize(faces())
    with torch.no_grad():
        again = model.generator.edit(calm.image[:1], typical_units(target[:1])).image.clamp(-1, 1)
    assert torch.allclose(edit.image[:1], again, atol=1e-5)
    assert torch.equal(edit.image[1], calm.image[1])
    assert not torch.allclose(edit.image[0], calm.image[0], atol=1e-3)


def test_targets_are_the_seven_expressions_and_others_are_refused() -> None:
    model = Fesgan(TINY).eval()
    assert model.target_space.names == tuple(map(str, EMOTIONS[1:]))
    with pytest.raises(ValueError, match="happiness from 0 to 1"):
        model.edit(faces(), F.pad(NOTHING[:, 1:], (1, 0), value=1.5))
    with pytest.raises(ValueError, match="must be"):
        model.sample(torch.zeros(3, 6), seed=0)


def test_people_from_the_prior_differ_and_come_again_with_the_seed() -> None:
    model = Fesgan(TINY).eval()
    first = model.sample(torch.zeros(3, 7), seed=5)
    assert first.shape == (3, 3, 64, 64)
    assert float(first.abs().max()) <= 1
    assert torch.allclose(model.sample(torch.zeros(3, 7), seed=5), first)
    assert torch.allclose(model.sample(torch.zeros(2, 7), seed=5), first[:2], atol=1e-5)  # a person per row
    assert not torch.allclose(first[0], first[1], atol=1e-3)
    assert not torch.allclose(model.sample(torch.zeros(3, 7), seed=6), first, atol=1e-3)


def test_drawing_sees_the_latent_alone_and_edits_see_the_layers() -> None:
    model = Fesgan(TINY).eval()
    latent, layers = model.generator.encode(faces())
    assert [layer.shape[-1] for layer in layers] == [32, 16, 8, 4, 2]
    other = [layer + 1 for layer in layers]
    torch.nn.init.normal_(model.generator.out.weight, std=0.1)
    assert not torch.allclose(
        model.generator.decode(latent, NO_UNITS, layers), model.generator.decode(latent, NO_UNITS, other), atol=1e-3
    )
    assert model.generator.draw(latent, NO_UNITS).shape == (2, 3, 64, 64)


@pytest.mark.parametrize(
    "change", [{"widths": (8, 8)}, {"widths": (0,) * 5}, {"size_px": 50}, {"reader_blocks": (1,)}, {"temperature": 0}]
)
def test_misfits_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"FesganConfig"):
        FesganConfig(**change)  # type: ignore[arg-type]
    with pytest.raises(WeightsError):
        config_from(FesganConfig, change)


def test_codes_and_distributions() -> None:
    code = code_of(torch.tensor([0, 1, 7]), torch.tensor([0.5, 0.5, 1.0]))
    assert code.tolist() == [[0] * 7, [0.5, *[0] * 6], [*[0] * 6, 1]]
    assert distribution_of(code).tolist() == [[1, *[0] * 7], [0.5, 0.5, *[0] * 6], [*[0] * 7, 1]]
    torch.manual_seed(0)
    drawn = random_targets(4000)
    strongest = drawn.amax(1)
    assert ((strongest == 0) | ((strongest >= 0.4) & (strongest <= 1))).all()
    assert float((strongest == 0).float().mean()) == pytest.approx(1 / 8, abs=0.02)


def test_pairs_are_edited_into_out_of_and_within_an_expression() -> None:
    torch.manual_seed(0)
    count = 2000
    face, neutral = torch.ones(count, 3, 2, 2), torch.zeros(count, 3, 2, 2)
    landmarks = torch.tensor([0.7, 0.2]).view(1, 2, 1, 1).expand(count, 2, 68, 2)  # of every face and neutral face
    units = torch.full((count, 23), 0.5)
    pairs = PairBatch(face, neutral, torch.full((count,), 3), torch.full((count,), 0.75), landmarks, units)
    edits = paired_edits(pairs)
    source_shows, truth_shows = edits.source[:, 0, 0, 0] > 0, edits.truth[:, 0, 0, 0] > 0
    assert torch.equal(edits.own, torch.where(source_shows[:, None], units, 0.0))
    assert torch.equal(edits.asked, torch.where(truth_shows[:, None], units, 0.0))
    assert torch.equal(edits.shows[:, 2], torch.where(truth_shows, 0.75, 0.0))
    for side, shows in enumerate((source_shows, truth_shows)):
        assert torch.equal(edits.points[:, side, 0, 0], torch.where(shows, 0.7, 0.2))
    kinds = {(a, b): float(((source_shows == a) & (truth_shows == b)).float().mean()) for a in (0, 1) for b in (0, 1)}
    assert kinds == {
        (0, 1): pytest.approx(0.45, abs=0.04),
        (1, 0): pytest.approx(0.35, abs=0.04),
        (0, 0): pytest.approx(0.1, abs=0.03),
        (1, 1): pytest.approx(0.1, abs=0.03),
    }


def test_weights_of_the_default_size_fit_into_ten_megabytes() -> None:
    assert 2 * sum(value.numel() for value in Fesgan(FesganConfig()).state_dict().values()) < 9_800_000


def test_guided_loss_sends_no_gradient_of_the_drawn_term_into_real_features() -> None:
    real, other, drawn = (torch.randn(5, 3, requires_grad=True) for _ in range(3))
    intra_class_loss(real, real.detach(), drawn, guided=True).backward()
    assert real.grad is not None
    assert float(real.grad.abs().max()) == 0.0  # the first term is zero here, so all there is comes from the second
    assert torch.allclose(drawn.grad, 2 * (drawn - real).detach() / 5)
    real.grad = drawn.grad = None
    intra_class_loss(real, real.detach(), drawn, guided=False).backward()
    assert torch.allclose(real.grad, -drawn.grad)
    assert float(drawn.grad.abs().max()) > 0
    value = intra_class_loss(torch.zeros(1, 2), torch.ones(1, 2), torch.full((1, 2), 2.0), guided=True)
    assert float(value) == 2 + 8
    assert other.grad is None


def test_rows_of_the_wanted_class() -> None:
    labels, wanted = torch.tensor([1, 2, 2, 5]), torch.tensor([2, 7, 5])
    rows, places = same_class(labels, wanted)
    assert places.tolist() == [0, 2]  # there is no 7
    assert rows[0] in (1, 2)
    assert rows[1] == 3
    assert same_class(labels, torch.tensor([7]))[0].tolist() == []


class Same(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return F.normalize(pictures.mean((2, 3)), dim=1)


@pytest.fixture
def step() -> tuple[Step, tuple[Tensor, ...]]:
    torch.manual_seed(0)
    recipe = FesganRecipe(edited=2, prior=3)
    network = Trained(TINY)
    target = distribution_of(code_of(torch.tensor([1, 2, 3, 4]), torch.ones(4)))
    pairs = PairedEdits(faces(), NO_UNITS, NO_UNITS, faces(), UNKNOWN, NOTHING)
    batch = (*pairs, faces(4), target, random_targets(5), torch.rand(3, 4) * 2 - 1)
    return Step(network, Same(), recipe, torch.device("cpu")), batch


def gradient(module: nn.Module) -> float:
    return sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)


def test_recogniser_teaches_the_generator_in_the_joint_stage_only(step: tuple[Step, tuple[Tensor, ...]]) -> None:
    losses, batch = step
    losses.generate(False, batch, 0)
    loss = losses.generate(True, batch, 0)
    assert "reader" not in losses.generate(False, batch, 0).terms
    loss.terms["reader"].backward()
    assert gradient(losses.network.model.generator) > 0


@pytest.mark.parametrize("name", ["adversarial", "expression", "rebuild", "identity", "prior", "l1"])
def test_every_term_reaches_the_generator(name: str, step: tuple[Step, tuple[Tensor, ...]]) -> None:
    losses, batch = step
    torch.nn.init.normal_(losses.network.model.generator.out.weight, std=0.05)
    losses.generate(False, batch, 0).terms[name].backward()
    assert gradient(losses.network.model.generator) > 0


@pytest.mark.parametrize("name", ["l1", "gradient", "landmarks"])
def test_exact_pairs_alone_teach_the_generator(name: str, step: tuple[Step, tuple[Tensor, ...]]) -> None:
    losses, batch = step
    torch.nn.init.normal_(losses.network.model.generator.out.weight, std=0.05)
    known = PairedEdits(*batch[: len(PairedEdits._fields)])._replace(points=torch.rand(2, 2, 68, 2))
    losses.imitate(known, 0).terms[name].backward()
    assert gradient(losses.network.model.generator) > 0


def test_critics_send_nothing_into_the_generator(step: tuple[Step, tuple[Tensor, ...]]) -> None:
    losses, batch = step
    losses.generate(False, batch, 0)
    losses.network.zero_grad()
    losses.criticise(batch, 0).total.backward()
    losses.match_prior(batch, 0).total.backward()
    assert gradient(losses.network.model.generator) == 0
    assert gradient(losses.network.critic) > 0
    assert gradient(losses.network.prior) > 0


def test_latent_critic_learns_to_tell_the_prior_apart() -> None:
    torch.manual_seed(0)
    told = latent_critic(4)
    optimizer = torch.optim.Adam(told.parameters(), 1e-2)
    for _ in range(150):
        prior, latent = torch.rand(64, 4) * 2 - 1, torch.randn(64, 4) * 0.05
        loss = F.softplus(-told(prior)).mean() + F.softplus(told(latent)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float((told(torch.rand(200, 4) * 2 - 1) > 0).float().mean()) > 0.85
    assert float((told(torch.randn(200, 4) * 0.05) < 0).float().mean()) > 0.85


def test_real_faces_alone_teach_the_recogniser_and_nothing_else(step: tuple[Step, tuple[Tensor, ...]]) -> None:
    losses, batch = step
    faces_and_target = batch[len(PairedEdits._fields) :][:2]
    losses.read_real(faces_and_target, 0).total.backward()
    assert gradient(losses.network.model.reader) > 0
    assert gradient(losses.network.model.generator) == 0


def test_drawn_faces_count_for_the_recogniser_in_the_joint_stage_only(step: tuple[Step, tuple[Tensor, ...]]) -> None:
    losses, batch = step
    losses.generate(True, batch, 0)
    assert set(losses.read(False, batch, 0).terms) == {"read"}
    joint = losses.read(True, batch, 0)
    assert {"read", "drawn"} <= set(joint.terms)
    joint.total.backward()
    assert gradient(losses.network.model.reader) > 0


def test_space_has_a_zero_for_neutral() -> None:
    assert EMOTION_TARGETS.low == (0.0,) * 7
