"""How ``derl`` is trained: first the generator on pairs, against a critic; then, frozen, its readers on FER+."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from fer.data import ferplus
from fer.data.mixtures import FEW_PEOPLE, LABELS_TOLD, PAIRS_TOLD, LabelledFaces, PairSource, tight_logits
from fer.data.pairs import Pairs, load_puppets
from fer.images import from_bytes
from fer.layers import critic_layers
from fer.load import load
from fer.losses import hinge_critic, soft_cross_entropy, unlikeness
from fer.models.derl import Derl, DerlConfig, Generated
from fer.removal import composed_terms, for_card, left_over
from fer.sheets import save_sheet
from fer.temperature import HeldOut, calibrated
from fer.training import Batch, Loss, Phase, Plan, Stage, decay_groups, one_cycle
from fer.types import EMOTIONS
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
    generator_rate: float = 1e-3
    critic_rate: float = 4e-4
    adversarial: float = 0.01  # its weight, from half of the generator's steps on
    identity: float = 0.02
    landmarks: float = 0.5  # weight of the flow's error at the landmarks, of half the picture's side
    ferplus: int = 32  # faces of each source in a batch of the readers
    lfw: int = 3
    london_faces: int = 1
    puppet_faces: int = 2
    reader_rate: float = 2e-3
    local_weight: float = 0.25  # of each local network's loss; the fusion's is 1
    weight_decay: float = 0.02
    ema_decay: float = 0.998


class Critic(nn.Module):
    """Says of a face beside a neutral candidate whether the candidate is real: (B, 6, 128, 128) -> (B, 1, 16, 16)."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        self.network = nn.Sequential(*critic_layers(6, widths), spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1)))
        self.to(memory_format=torch.channels_last)

    def forward(self, faces: Tensor, candidates: Tensor) -> Tensor:
        scores: Tensor = self.network(torch.cat([faces, candidates], 1).contiguous(memory_format=torch.channels_last))
        return scores.float()


class Trained(nn.Module):
    """What the training moves: the model, and the critic that is thrown away."""

    def __init__(self, config: DerlConfig) -> None:
        super().__init__()
        self.model = Derl(config)
        self.critic = Critic()


def generator_terms(
    made: Generated, faces: Tensor, neutrals: Tensor, points: Tensor, embed: nn.Module, recipe: DerlRecipe
) -> dict[str, Tensor]:
    """All of the generator's losses but the critic's."""
    return composed_terms(made.composed, faces, neutrals, points, recipe.landmarks) | {
        "identity": recipe.identity * unlikeness(embed(made.neutral), embed(neutrals)),
    }


def fused_logits(model: Derl, pixels: Tensor, mirror: bool) -> Tensor:
    """The fusion's logits (N, 8) of tight faces uint8 (N, 48, 48)."""
    return tight_logits(lambda faces: model.votes(faces)[1], pixels, model.config.size_px, mirror)


def plan(config: DerlConfig, recipe: DerlRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out both stages."""
    torch.manual_seed(recipe.seed)
    network = Trained(config)
    if recipe.start:
        started = load("derl", recipe.start, device="cpu").requires_grad_(True)
        network.model.generator.load_state_dict(started.generator.state_dict())
    network.to(device)
    stages = [_generator_stage(network, recipe, data_root, device)] if recipe.steps_generator else []
    if recipe.steps_readers:
        stages.append(_reader_stage(network, recipe, data_root, device))
    held_out = load_puppets(data_root, "validation")
    shown = torch.cat([torch.nonzero(held_out.emotion == k)[:2, 0] for k in range(1, len(EMOTIONS))])

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        generator = cast(Trained, module.eval()).model.generator
        return left_over(lambda faces: generator(faces).neutral, held_out)

    @torch.inference_mode()
    def sheet(module: nn.Module, path: Path) -> None:
        faces = from_bytes(held_out.face[shown])
        made = cast(Trained, module).model.generator(faces).neutral
        save_sheet([faces, made, from_bytes(held_out.neutral[shown])], path)

    identity = json.dumps([asdict(config), asdict(recipe)])
    return Plan(network, stages, evaluate, recipe.seed, recipe.ema_decay, identity, sheet)


def rendered_pairs(data_root: Path, recipe: DerlRecipe) -> Pairs | None:
    """The pairs that are rendered for this training, if any. Raises DataError."""
    if not recipe.rendered:
        return None
    from fer.puppets.pool import render_pairs

    return render_pairs(data_root, recipe.rendered, recipe.seed, workers=os.cpu_count() or 1)


def _generator_stage(network: Trained, recipe: DerlRecipe, data_root: Path, device: torch.device) -> Stage:
    source = PairSource.load(data_root, rendered_pairs(data_root, recipe))
    embed = load("identity", device=str(device))
    generator, critic = network.model.generator, network.critic
    steps = recipe.steps_generator
    optimizers = {
        "generator": torch.optim.AdamW(decay_groups(generator, recipe.weight_decay), betas=(0.9, 0.99)),
        "critic": torch.optim.AdamW(decay_groups(critic, 0.0), betas=(0.5, 0.99)),
    }
    made: dict[int, Generated] = {}  # the generator's phase hands its pictures on to the critic's

    def generate(batch: Batch, step: int) -> Loss:
        faces, neutrals, points = batch
        with torch.autocast(device.type, dtype=torch.bfloat16):
            result = generator(faces)
            terms = generator_terms(result, faces, neutrals, points, embed, recipe)
            if step >= steps // 2:
                terms["adversarial"] = -recipe.adversarial * critic(faces, result.neutral).mean()
        made.clear()
        made[step] = result
        return Loss.of(terms)

    def criticise(batch: Batch, step: int) -> Loss:
        faces, neutrals, _ = batch
        if step < steps // 2 - steps // 20:  # it starts a little before it is heard
            return Loss(critic(faces, neutrals).mean() * 0.0)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return Loss(hinge_critic(critic(faces, neutrals), critic(faces, made[step].neutral.detach())))

    phases = [
        Phase("generator", optimizers["generator"], generate, one_cycle(recipe.generator_rate, steps, 0.05), clip=1.0),
        Phase("critic", optimizers["critic"], criticise, lambda step: recipe.critic_rate),
    ]

    def batch(step: int) -> Batch:
        drawn = source.draw(recipe.puppets, recipe.london, recipe.still)
        return drawn.face.to(device), drawn.neutral.to(device), drawn.points.to(device)

    return Stage("generator", steps, batch, phases)


def _reader_stage(network: Trained, recipe: DerlRecipe, data_root: Path, device: torch.device) -> Stage:
    counts = (recipe.ferplus, recipe.lfw, recipe.london_faces, recipe.puppet_faces)
    faces = LabelledFaces(data_root, counts, recipe.seed)
    model = network.model
    readers = nn.ModuleList([model.locals, model.fusion])
    optimizer = torch.optim.AdamW(decay_groups(readers, recipe.weight_decay), betas=(0.9, 0.99))
    schedule = one_cycle(recipe.reader_rate, recipe.steps_readers, 0.1)

    def loss(batch: Batch, step: int) -> Loss:
        pictures, target = batch
        model.generator.eval()
        with torch.autocast(device.type, dtype=torch.bfloat16):
            each, fused = model.votes(pictures)
        terms = {f"local_{side}": soft_cross_entropy(o, target) for side, o in zip(model.SIDES, each, strict=True)}
        final = soft_cross_entropy(fused, target)
        return Loss(final + recipe.local_weight * torch.stack(list(terms.values())).sum(), terms | {"fusion": final})

    held_out = HeldOut.load(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return held_out.scores(partial(fused_logits, cast(Trained, module.eval()).model, mirror=False))

    def batch(step: int) -> Batch:
        pictures, target = faces.batch(step, strength=0.7)
        return pictures.to(device), target.to(device)

    first = recipe.steps_generator
    phase = Phase("read", optimizer, loss, lambda step: schedule(step - first), clip=1.0)
    return Stage("readers", recipe.steps_readers, batch, [phase], evaluate)


def finish(network: nn.Module, config: DerlConfig, data_root: Path) -> tuple[Derl, dict[str, float]]:
    """Drop the critic, round to what is stored, fit the temperature; the model to ship and its validation numbers."""
    trained = cast(Trained, rounded_to_half(network).eval())
    pixels, labels = ferplus.load_validation(data_root)
    logits = fused_logits(trained.model, pixels, mirror=True)
    temperature, numbers = calibrated(logits, labels)
    model = Derl(replace(config, temperature=temperature))
    model.load_state_dict(trained.model.state_dict())
    left = left_over(lambda faces: trained.model.generator(faces).neutral, load_puppets(data_root, "validation"))
    return model.eval(), numbers | for_card(left)


Recipe = DerlRecipe
DATA = (
    PAIRS_TOLD + "; FER+ train faces with at least 80 % of the votes for neutral, to be left as they are",
    LABELS_TOLD,
)
LIMITS = (
    "It labels what a face shows, not what a person feels.",
    "The neutral face is a guess: what a person really looks like at rest cannot be known from one picture.",
    FEW_PEOPLE,
)
