"""How ``derl`` is trained: first the generator on pairs, against a critic; then, frozen, its readers on FER+."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from fer.data.mixtures import (
    FEW_PEOPLE,
    LABELS_TOLD,
    PAIRS_TOLD,
    SHOWN_NOT_FELT,
    LabelledFaces,
    PairSource,
    check_size,
    tight_logits,
)
from fer.data.pairs import Pairs, load_puppets
from fer.layers import critic_layers
from fer.load import allowed_start, load, taking_over
from fer.losses import fusion_loss, hinge_critic, unlikeness
from fer.models.derl import Derl, DerlConfig, Generated
from fer.removal import composed_terms, for_card, left_over, removal_rows
from fer.temperature import HeldOut
from fer.training import Batch, Loss, Phase, Plan, Stage, adamw, one_cycle
from fer.weights import rounded_to_half


@dataclass(frozen=True)
class DerlRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = ""  # weights whose generator is taken over, for other readers or further steps; fresh where empty
    steps_generator: int = 8_000
    steps_readers: int = 5_000
    rendered: int = 0  # pairs of new virtual people that are rendered before the training, beside the stored ones
    puppets: int = 13  # faces of each source in a batch of the generator
    london: int = 1
    still: int = 2
    coarse: float = 0.0  # share of its pairs that look as FER+ does; else only faces to be left alone look so
    generator_rate: float = 1e-3
    critic_rate: float = 4e-4
    adversarial: float = 0.01  # its weight, from half of the generator's steps on
    identity: float = 0.02
    landmarks: float = 0.5  # weight of the flow's error at the landmarks, of half the picture's side
    unpaired: int = 0  # FER+ faces with an expression in its batch, whose neutral faces a second critic judges
    unpaired_adversarial: float = 0.01  # the weight of what that critic says
    ferplus: int = 32  # faces of each source in a batch of the readers
    lfw: int = 3
    london_faces: int = 1
    puppet_faces: int = 2
    reader_rate: float = 2e-3
    local_weight: float = 0.25  # of each local network's loss; the fusion's is 1
    weight_decay: float = 0.02
    ema_decay: float = 0.998


class Critic(nn.Module):
    """Says of neutral faces, alone or beside the faces that they belong to, whether they are real.

    One or two pictures (B, 3, 128, 128), as many as it was built for -> (B, 1, 16, 16).
    """

    def __init__(self, pictures: int, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        trunk = critic_layers(3 * pictures, widths)
        self.network = nn.Sequential(*trunk, spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1)))
        self.to(memory_format=torch.channels_last)

    def forward(self, *pictures: Tensor) -> Tensor:
        scores: Tensor = self.network(torch.cat(pictures, 1).contiguous(memory_format=torch.channels_last))
        return scores.float()


class Trained(nn.Module):
    """What the training moves: the model, and the critics that are thrown away."""

    def __init__(self, config: DerlConfig) -> None:
        super().__init__()
        self.model = Derl(config)
        self.critic = Critic(2)
        self.unpaired_critic = Critic(1)


def neutral_of(model: Derl, faces: Tensor) -> Tensor:
    """Neutral faces (B, 3, 128, 128) of faces."""
    made: Generated = model.generator(faces)
    return made.neutral


def fused_logits(model: Derl, pixels: Tensor, mirror: bool) -> Tensor:
    """The fusion's logits (N, 8) of tight faces uint8 (N, 48, 48)."""
    return tight_logits(lambda faces: model.votes(faces)[1], pixels, model.config.size_px, mirror)


def plan(config: DerlConfig, recipe: DerlRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out both stages."""
    check_size(config)
    torch.manual_seed(recipe.seed)
    network = Trained(config)
    if recipe.start:
        started = load(*allowed_start(recipe.start, ("derl",)), device="cpu")
        with taking_over(recipe.start):
            network.model.generator.load_state_dict(started.generator.state_dict())
    network.to(device)
    stages = [_generator_stage(network, recipe, data_root, device)] if recipe.steps_generator else []
    if recipe.steps_readers:
        stages.append(_reader_stage(network, recipe, data_root))
    held_out = load_puppets(data_root, "validation")

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return left_over(partial(neutral_of, cast(Trained, module.eval()).model), held_out)

    def sheet(module: nn.Module) -> list[Tensor]:
        return removal_rows(partial(neutral_of, cast(Trained, module).model), held_out)

    return Plan.of(config, recipe, network, stages, evaluate, sheet)


def rendered_pairs(data_root: Path, recipe: DerlRecipe) -> Pairs | None:
    """The pairs that are rendered for this training, if any. Raises DataError."""
    if not recipe.rendered:
        return None
    from fer.puppets.pool import render_pairs

    return render_pairs(data_root, recipe.rendered, recipe.seed, workers=os.cpu_count() or 1)


def _generator_stage(network: Trained, recipe: DerlRecipe, data_root: Path, device: torch.device) -> Stage:
    source = PairSource.load(data_root, rendered_pairs(data_root, recipe))
    embed = load("identity", device=str(device))
    generator, critic, other_critic = network.model.generator, network.critic, network.unpaired_critic
    steps = recipe.steps_generator
    heard_from, learns_from = steps // 2, steps // 2 - steps // 20  # a critic starts a little before it is heard
    made: dict[int, Tensor] = {}  # the generator's phase hands its pictures on to the critics'

    def generate(batch: Batch, step: int) -> Loss:
        faces, neutrals, points, unpaired, _ = batch
        with torch.autocast(device.type, dtype=torch.bfloat16):
            result = generator(torch.cat([faces, unpaired]))
            paired, other = result.neutral[: len(faces)], result.neutral[len(faces) :]
            terms = composed_terms(result.composed, faces, neutrals, points, recipe.landmarks)
            terms["identity"] = recipe.identity * unlikeness(embed(paired), embed(neutrals))
            if len(unpaired):
                terms["unpaired_identity"] = recipe.identity * unlikeness(embed(other), embed(unpaired))
            if step >= heard_from:
                terms["adversarial"] = -recipe.adversarial * critic(faces, paired).mean()
                if len(unpaired):
                    terms["unpaired"] = -recipe.unpaired_adversarial * other_critic(other).mean()
        made.clear()
        made[step] = result.neutral.detach()
        return Loss.of(terms)

    def criticise(batch: Batch, step: int) -> Loss:
        faces, neutrals, _, _, _ = batch
        if step < learns_from:
            return Loss(critic(faces, neutrals).mean() * 0.0)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return Loss(hinge_critic(critic(faces, neutrals), critic(faces, made[step][: len(faces)])))

    def criticise_unpaired(batch: Batch, step: int) -> Loss:
        faces, _, _, _, real = batch
        if step < learns_from:
            return Loss(other_critic(real).mean() * 0.0)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return Loss(hinge_critic(other_critic(real), other_critic(made[step][len(faces) :])))

    rate = one_cycle(recipe.generator_rate, steps, 0.05)
    phases = [Phase("generator", adamw(generator, recipe.weight_decay), generate, rate, clip=1.0)]
    judging = [("critic", critic, criticise)]
    if recipe.unpaired:
        judging.append(("unpaired critic", other_critic, criticise_unpaired))
    for name, module, loss in judging:
        phases.append(Phase(name, adamw(module, 0.0, momentum=0.5), loss, lambda step: recipe.critic_rate))

    def batch(step: int) -> Batch:
        drawn = source.draw(recipe.puppets, recipe.london, recipe.still, coarse=recipe.coarse)
        return drawn.face, drawn.neutral, drawn.points, *source.draw_unpaired(recipe.unpaired)

    return Stage("generator", steps, batch, phases)


def reader_phase(
    name: str, model: Derl, recipe: DerlRecipe, see: Callable[[Tensor, int], Generated] | None = None
) -> Phase:
    """The readers of a model learn from pictures and distributions; the generator stays as it is.

    see: pictures and the step -> what the generator makes of them, where it is known.
    """
    optimizer = adamw(nn.ModuleList([model.locals, model.fusion]), recipe.weight_decay)
    rate = one_cycle(recipe.reader_rate, recipe.steps_readers, 0.1, first=recipe.steps_generator)

    def loss(batch: Batch, step: int) -> Loss:
        pictures, target = batch
        model.generator.eval()
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            each, fused = model.votes(pictures, see(pictures, step) if see else None)
        by_side = dict(zip(model.SIDES, each, strict=True))
        return Loss(*fusion_loss(by_side, fused, target, recipe.local_weight))

    return Phase(name, optimizer, loss, rate, clip=1.0)


def _reader_stage(network: Trained, recipe: DerlRecipe, data_root: Path) -> Stage:
    faces, held_out = LabelledFaces.of(data_root, recipe), HeldOut.load(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return held_out.scores(partial(fused_logits, cast(Trained, module.eval()).model, mirror=False))

    return Stage("readers", recipe.steps_readers, faces.batch, [reader_phase("read", network.model, recipe)], evaluate)


def finish(network: nn.Module, config: DerlConfig, data_root: Path) -> tuple[Derl, dict[str, float]]:
    """Drop the critic, round to what is stored, fit the temperature; the model to ship and its validation numbers."""
    trained = cast(Trained, rounded_to_half(network).eval()).model
    read = partial(fused_logits, trained, mirror=True)
    model, numbers = HeldOut.load(data_root).calibrate(Derl, config, trained, read)
    left = left_over(partial(neutral_of, model), load_puppets(data_root, "validation"))
    return model, numbers | for_card(left)


Recipe = DerlRecipe
DATA = (
    PAIRS_TOLD + "; FER+ train faces with at least 80 % of the votes for neutral, to be left as they are",
    LABELS_TOLD,
)
LIMITS = (
    SHOWN_NOT_FELT,
    "The neutral face is a guess: what a person really looks like at rest cannot be known from one picture.",
    FEW_PEOPLE,
)
