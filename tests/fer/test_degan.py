"""DE-GAN: the code says the expression, the picture the person, and which losses reach which network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.data.pairs import Pairs
from fer.errors import DataError, WeightsError
from fer.load import config_from, load
from fer.models.degan import Degan, DeganConfig, bounded, prototypes_of
from fer.models.degan_losses import Critic, DeganRecipe, Given, Paired, Step, Trained
from fer.models.degan_training import draw, other_view, prototypes, take_over
from fer.targets import code_of, distribution_of
from fer.types import EMOTIONS, Framing

TINY = DeganConfig(
    size_px=64,
    widths=(8, 8, 8, 8, 8),
    code=4,
    encoder_px=48,
    encoder_widths=(8, 8, 8, 8, 8),
    places=4,
    encoder_blocks=(1, 1, 1, 1),
    local_width=4,
    local_features=8,
)
NOTHING = torch.zeros(2, 7)


def faces(count: int = 2, size: int = 64, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 1.8 - 0.9


def awake() -> Degan:
    """A model whose decoder does something, though nothing learnt."""
    torch.manual_seed(0)
    model = Degan(TINY).eval()
    nn.init.normal_(model.decoder.out.weight, std=0.03)
    cast(nn.Linear, model.encoder.code[-1]).weight.data.mul_(20)  # codes of a fresh encoder lie close together
    return model


def test_untrained_edits_are_the_face_itself_at_any_size() -> None:
    model = Degan(TINY).eval()
    for size in (64, 100):
        given = faces(2, size)
        for edit in (model.edit(given, NOTHING + 0.5), model.transfer(given, faces(2, 50))):
            assert torch.allclose(edit.image, given, atol=1e-4)
            assert edit.parts["flow"].shape == (2, 2, size, size)
            assert edit.parts["mask"].shape == (2, 1, size, size)
    neutral = awake().neutralize(faces())
    assert torch.allclose(neutral.image + neutral.parts["residue.pixel"], faces(), atol=1e-6)


def test_the_picture_of_the_person_decides_who_is_shown_and_not_the_code() -> None:
    model = awake()
    seen: list[Tensor] = []
    model.encoder.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].clone()))
    source, one, other = (F.interpolate(faces(1, 6, seed), (64, 64), mode="bicubic") for seed in (1, 2, 3))
    made = [model.transfer(person, source).image for person in (one, other)]
    for image, own, stranger in ((made[0], one, other), (made[1], other, one)):
        assert float((image - own).abs().mean()) < 0.3 * float((image - stranger).abs().mean())
    assert len(seen) == 2  # the encoder never sees the person
    assert all(torch.equal(picture, model.seen(source, Framing.ALIGNED)) for picture in seen)


def test_a_transfer_uses_the_code_of_its_source_and_nothing_else() -> None:
    model = awake()
    source = faces(1, 64, seed=2) * 0.5
    tinted = source + 0.3 * torch.tensor([0.587, -0.299, 0.0])[:, None, None]  # of the same luminance
    tinted[..., :2] = 0.9  # and outside of what the encoder looks at
    assert float((tinted - source).abs().max()) > 0.1
    assert torch.allclose(model.encode(tinted), model.encode(source), atol=1e-5)
    first, second = model.transfer(faces(1), source), model.transfer(faces(1), tinted)
    assert torch.allclose(first.image, second.image, atol=1e-5)
    another = model.transfer(faces(1), faces(1, seed=9))
    assert float((another.image - first.image).abs().max()) > 3e-4


def test_codes_do_not_depend_on_the_faces_beside_them() -> None:
    model = Degan(TINY)
    together = model.encode(faces(3))
    assert together.shape == (3, 4)
    assert float(together.square().mean(1).max()) < 1
    assert torch.allclose(together[1:2], model.encode(faces(3)[1:2]), atol=1e-5)


def test_targets_go_from_the_neutral_prototype_towards_the_others() -> None:
    model = Degan(TINY).eval()
    model.prototypes.copy_(torch.linspace(-0.5, 0.5, 32).view(8, 4))
    neutral, expressions = model.prototypes[0], model.prototypes[1:]
    assert torch.equal(model.code_for(NOTHING), neutral.expand(2, 4))
    assert torch.allclose(model.code_for(torch.eye(7)), expressions)
    mixed = torch.tensor([[0.5, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0]])
    expected = neutral + 0.5 * (expressions[0] - neutral) + 0.25 * (expressions[2] - neutral)
    assert torch.allclose(model.code_for(mixed)[0], expected)
    model.prototypes.mul_(4)
    assert float(model.code_for(torch.ones(1, 7)).square().mean()) == pytest.approx(1)  # no larger than codes can be


def test_large_codes_keep_learning() -> None:
    values = torch.tensor([[30.0, -40.0, 0.0, 0.0]], requires_grad=True)
    code = bounded(values)
    assert code[0].tolist() == pytest.approx([30 / 626**0.5, -40 / 626**0.5, 0, 0])
    code[0, 2].backward()
    assert values.grad is not None
    assert float(values.grad[0, 2]) == pytest.approx(1 / 626**0.5)


def test_an_edit_is_the_transfer_of_its_prototype() -> None:
    model = awake()
    source = faces(1, seed=4)
    model.prototypes.copy_(model.encode(source).expand(8, -1))
    assert torch.allclose(model.edit(faces(1), NOTHING[:1]).image, model.transfer(faces(1), source).image, atol=1e-6)


def test_prototypes_are_means_of_the_strongest_third() -> None:
    codes = torch.arange(9.0)[:, None]
    emotions = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 7])
    assert prototypes_of(codes, emotions)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7.5]
    with pytest.raises(DataError, match="contempt"):
        prototypes_of(codes[:7], emotions[:7])
    count = 7 * 9
    emotion = torch.arange(1, 8).repeat_interleave(9)
    intensity = torch.linspace(0.2, 1, 9).repeat(7)
    shade = (100 * intensity).byte()[:, None, None, None].expand(-1, 3, 8, 8)
    points = torch.zeros(count, 68, 2)
    units = torch.zeros(count, 23)
    pairs = Pairs(shade, torch.zeros_like(shade), emotion, torch.arange(count), intensity, points, points, units)
    brightness = SimpleNamespace(expression_of=lambda pictures: (pictures.mean((1, 2, 3)) + 1)[:, None] * 127.5)
    found = prototypes(cast(Degan, brightness), pairs)
    assert found[:, 0].tolist() == pytest.approx([0, *[90] * 7], abs=0.5)  # of 80, 90 and 100


def test_recognition_sees_no_person_and_a_face_reads_as_its_mirror_picture() -> None:
    model = Degan(TINY).eval()

    def never(*_: object) -> Tensor:
        raise AssertionError("recognition asked the decoder")

    model.decoder.forward = never  # type: ignore[method-assign]
    for framing in Framing:
        probs = model.recognize(faces(), framing).probs
        assert torch.allclose(probs, model.recognize(faces().flip(3), framing).probs, atol=1e-4)
        assert probs.shape == (2, 8)


def test_transfers_need_one_source_per_face_and_targets_within_their_range() -> None:
    model = Degan(TINY)
    with pytest.raises(ValueError, match="one source per face, not 1 for 2"):
        model.transfer(faces(2), faces(1))
    with pytest.raises(ValueError, match="happiness from 0 to 1"):
        model.edit(faces(), F.pad(NOTHING[:, 1:], (1, 0), value=1.5))
    assert model.target_space.names == tuple(map(str, EMOTIONS[1:]))


@pytest.mark.parametrize(
    "change",
    [
        {"widths": (8, 8)},
        {"widths": (0,) * 5},
        {"encoder_widths": (8, 8, 8, 8, -8)},
        {"size_px": 50},
        {"encoder_px": 50},
        {"code": 0},
        {"encoder_widths": (8, 8, 8)},
        {"encoder_blocks": (1, 0, 1, 1)},
        {"temperature": 0.0},
    ],
)
def test_misfits_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"DeganConfig"):
        DeganConfig(**change)  # type: ignore[arg-type]
    with pytest.raises(WeightsError):
        config_from(DeganConfig, change)


def test_weights_of_the_default_size_fit_into_ten_megabytes() -> None:
    assert 2 * sum(value.numel() for value in Degan(DeganConfig()).state_dict().values()) < 9_800_000


def test_a_start_reads_action_units_and_leaves_faces_alone() -> None:
    model = Degan(DeganConfig()).eval()
    take_over(model, "derl:default")
    given = faces(2, 128)
    logits = load("au", device="cpu").network(model.seen(given, Framing.ALIGNED))
    with torch.no_grad():
        raw = model.encoder.code(model.encoder.trunk(model.seen(given, Framing.ALIGNED)))
    assert torch.allclose(raw[:, :23], 0.3 * (logits + 2.5), atol=1e-4)
    neutral = load("derl", device="cpu").neutralize(given).image
    assert float((model.edit(given, NOTHING).image - neutral).abs().mean()) < 0.02  # as that makes it


def test_views_keep_left_and_right_and_change_the_light() -> None:
    torch.manual_seed(0)
    ramp = torch.linspace(-0.8, 0.8, 64).expand(40, 3, 64, 64)
    views = other_view(ramp)
    assert bool((views[..., 32:].mean((1, 2, 3)) > views[..., :32].mean((1, 2, 3))).all())
    assert float((views - ramp).abs().mean((1, 2, 3)).min()) > 0.005


class Same(nn.Module):
    """The mean colour stands for the person."""

    def forward(self, pictures: Tensor) -> Tensor:
        return F.normalize(pictures.float().mean((2, 3)), dim=1)


class Drawn:
    """Pairs of one size in place of a data set's."""

    def draw(self, puppets: int, london: int, still: int) -> SimpleNamespace:
        emotion = torch.tensor([1, 2, 0])[: puppets + london]
        return SimpleNamespace(
            face=faces(3, seed=5),
            neutral=faces(3, seed=6),
            emotion=emotion,
            intensity=0.5 * (emotion > 0),
            action_units=torch.linspace(0, 1, 69).view(3, 23),
            points=torch.linspace(0.2, 0.8, 816).view(3, 2, 68, 2),
        )


RECIPE = DeganRecipe(puppets=2, london=1, transferred=2, same=0.0)
NAMED = distribution_of(code_of(torch.tensor([3, 4, 5, 6]), torch.ones(4)))


def batch() -> tuple[Tensor, ...]:
    torch.manual_seed(3)
    return draw(cast(object, Drawn()), (faces(4, seed=7), NAMED), RECIPE)  # type: ignore[arg-type]


@pytest.fixture
def step() -> Step:
    torch.manual_seed(0)
    network = Trained(TINY, people=3)
    nn.init.normal_(network.model.decoder.out.weight, std=0.05)
    return Step(network, Same(), RECIPE, torch.device("cpu"))


def gradient(module: nn.Module) -> float:
    return sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)


def test_a_step_rebuilds_both_faces_of_a_pair_and_lends_across_people() -> None:
    given = Given.of(batch())
    people, truth = given.pairs.reconstructions()
    assert torch.equal(people, torch.cat([faces(3, seed=6), faces(3, seed=5)]))
    assert torch.equal(truth, torch.cat([faces(3, seed=5), faces(3, seed=6)]))
    assert sorted(given.lender.tolist()) == list(range(5))
    assert bool((given.lender != torch.arange(5)).all())
    codes = torch.arange(10.0)[:, None]  # of three faces, three neutral faces, four labelled faces
    lent, named = given.lent(codes)
    lenders = torch.tensor([0.0, 1.0, 2.0, 8.0, 9.0])
    assert torch.equal(lent[:, 0], lenders[given.lender])
    assert torch.equal(named, torch.cat([given.pairs.shown, NAMED[2:]])[given.lender])
    assert given.pairs.shown.tolist() == [[0.5, 0.5, *[0] * 6], [0.5, 0, 0.5, *[0] * 5], [1, *[0] * 7]]
    assert torch.equal(given.photographs, faces(4, seed=7)[2:])
    assert given.names()[3:6, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("name", ["l1", "gradient", "adversarial", "expression", "consistency", "identity"])
def test_every_term_reaches_encoder_and_decoder(name: str, step: Step) -> None:
    step.synthesize(batch(), 0).terms[name].backward()
    assert gradient(step.network.model.encoder) > 0
    assert gradient(step.network.model.decoder) > 0
    assert gradient(step.network.readers()) == 0


@pytest.mark.parametrize("name", ["l1", "gradient", "landmarks"])
def test_pairs_alone_teach_encoder_and_decoder(name: str, step: Step) -> None:
    loss = step.rebuild(batch()[: len(Paired._fields)], 0)
    assert set(loss.terms) == {"l1", "gradient", "mask", "flow", "landmarks", "units", "naming"}
    loss.terms[name].backward()
    assert gradient(step.network.model.encoder) > 0
    assert gradient(step.network.model.decoder) > 0


def test_landmarks_lead_from_the_picture_of_the_person_to_the_truth() -> None:
    pairs = Given.of(batch()).pairs
    face, neutral = pairs.points.unbind(1)
    assert torch.equal(pairs.places(), torch.stack([torch.cat([neutral, face]), torch.cat([face, neutral])], 1))
    same = pairs._replace(same=torch.ones(6, dtype=torch.bool)).places()
    assert torch.equal(same[:, 0], same[:, 1])
    assert torch.equal(pairs.all_strengths(), torch.cat([pairs.strengths, torch.zeros(3, 23)]))


@pytest.mark.parametrize("name", ["naming", "units"])
def test_what_is_told_from_the_code_reaches_the_encoder_alone(name: str, step: Step) -> None:
    loss = step.synthesize(batch(), 0)
    loss.terms[name].backward()
    assert gradient(step.network.model.encoder) > 0
    assert gradient(step.network.get_submodule(name)) > 0
    assert gradient(step.network.model.decoder) == 0


def test_the_critic_learns_from_transfers_and_strangers_and_moves_no_generator(step: Step) -> None:
    step.synthesize(batch(), 0)
    step.network.zero_grad()
    loss = step.criticise(batch(), 0)
    assert set(loss.terms) == {"real", "mismatch", "expression"}
    loss.total.backward()
    assert gradient(step.network.model) == 0
    assert gradient(step.network.critic) > 0


def test_who_is_asked_for_enters_the_score_linearly() -> None:
    torch.manual_seed(0)
    critic = Critic(people=3).eval()
    nobody, one, other = torch.zeros(2, 3), torch.tensor([[1.0, 0, 0]] * 2), torch.tensor([[0, 1.0, 0]] * 2)
    score = {k: critic(faces(), who)[0] for k, who in enumerate((nobody, one, other, one + other))}
    assert torch.allclose(score[3] - score[0], score[1] + score[2] - 2 * score[0], atol=1e-6)
    assert not torch.allclose(score[1], score[2], atol=1e-6)
    assert torch.equal(critic(faces(), one)[1], critic(faces(), other)[1])  # what is shown does not depend on who


def test_encoder_is_frozen_when_the_readers_learn(step: Step) -> None:
    loss = step.read((faces(4), NAMED), 0)
    loss.total.backward()
    assert gradient(step.network.model.encoder) == gradient(step.network.model.decoder) == 0
    assert gradient(step.network.model.locals) > 0
    assert gradient(step.network.model.fusion) > 0
    each = [float(loss.terms[f"local_{k}"].detach()) for k in range(1, 5)]
    assert float(loss.total.detach()) == pytest.approx(float(loss.terms["fusion"].detach()) + 0.25 * sum(each))


def test_a_code_learns_what_the_picture_of_the_person_lacks() -> None:
    torch.manual_seed(0)
    model = Degan(TINY)
    neutral = F.interpolate(torch.rand(4, 3, 8, 8) - 0.5, (64, 64), mode="bilinear")
    face = neutral.clone()
    face[:2, :, 32:56, 16:48] = 0.8  # two of them show something
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(140):
        made = model.decode(neutral, model.expression_of(face)).image
        loss = (made - face).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    lent = model.decode(neutral[2:], model.expression_of(face[:2])).image.detach()
    assert float(lent[..., 40:48, 24:40].mean()) > float(neutral[2:, :, 40:48, 24:40].mean()) + 0.15
