"""How ``plain`` is trained: FER+ votes, plus aligned photographs so that it holds on what users send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.augmentation import erase, moved, similarities, soften, uniform
from fer.data import ferplus, photographs
from fer.data.streams import Shuffled, softened
from fer.framing import standardise, tight_luminance
from fer.load import allowed_start, load, taking_over
from fer.losses import soft_cross_entropy
from fer.models.plain import Plain, PlainConfig, build_network, logits_of_views
from fer.temperature import HeldOut, calibrated
from fer.training import Batch, Loss, Phase, Plan, Stage, decay_groups, one_cycle
from fer.types import Framing
from fer.weights import rounded_to_half


@dataclass(frozen=True)
class PlainRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = ""  # weights of plain that the training sets out from; "": from nothing
    steps_small: int = 12_000  # steps at small_px, then
    steps_full: int = 12_000  # steps at the size of the network, then
    steps_settle: int = 8_000  # steps of a second, lower cycle with weaker augmentation
    small_px: int = 40
    ferplus: int = 56  # faces of each source in a batch
    lfw: int = 5
    london: int = 1
    puppets: int = 2
    learning_rate: float = 0.1
    settle_rate: float = 0.02  # highest learning rate of the second cycle
    settle_strength: float = 0.5  # of its augmentation
    weight_decay: float = 5e-4
    ema_decay: float = 0.999


def tight_faces(photographs: tuple[Tensor, Tensor], size_px: int) -> tuple[Tensor, Tensor]:
    """Aligned uint8 (N, 3, 128, 128) and labels (N,) -> uint8 luminance (N, size_px, size_px), distributions (N, 8)."""
    pixels, labels = photographs
    parts = [
        tight_luminance(part.float() / 127.5 - 1, Framing.ALIGNED, size_px)[:, 0] for part in torch.split(pixels, 512)
    ]
    return (torch.cat(parts) * 255).round().to(torch.uint8), softened(labels)


def augment(pixels: Tensor, size_px: int, strength: float = 1.0) -> Tensor:
    """uint8 (B, S, S) -> standardised (B, 1, size_px, size_px) with the variety of what users send.

    Mirror, turn (0.3 rad), zoom (18 %), shift (9 %); low resolution or blur for a fifth; gamma; noise; an erased box in
    half. How far and how often shrinks with ``strength``.
    """
    x = soften(pixels[:, None].float() / 255, 0.2 * strength)
    count = len(x)
    x = moved(x, similarities(count, 0.3 * strength, 0.18 * strength), size_px).clamp(0, 1)
    bend, contrast = 0.35 * strength, 0.3 * strength
    x = x ** torch.exp(uniform((count, 1, 1, 1), -bend, bend))
    x = standardise(x) * uniform((count, 1, 1, 1), 1 - contrast, 1 + contrast)
    noisy = (torch.rand(count, 1, 1, 1) < 0.15 * strength).float() * uniform((count, 1, 1, 1), 0.0, 0.15)
    return erase(x + noisy * torch.randn_like(x), 0.5 * strength)


def started(config: PlainConfig, start: str) -> nn.Sequential:
    """A fresh network, or one with the bundled or given weights; see ``PlainRecipe.start``."""
    network = build_network(config)
    if start:
        known = load(*allowed_start(start, ("plain",)), device="cpu")
        with taking_over(start):
            network.load_state_dict(known.network.state_dict())
    return network


def plan(config: PlainConfig, recipe: PlainRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the training. Raises TrainingError or WeightsError for a start that does not fit."""
    torch.manual_seed(recipe.seed)
    network = started(config, recipe.start).to(device)
    counted = [
        (ferplus.load_train(data_root), recipe.ferplus),
        (tight_faces(photographs.load_lfw(data_root), config.size_px), recipe.lfw),
        (tight_faces(photographs.load_london(data_root), config.size_px), recipe.london),
        (tight_faces(photographs.load_puppets(data_root), config.size_px), recipe.puppets),
    ]
    streams = [Shuffled(*faces, n, recipe.seed * 31 + i) for i, (faces, n) in enumerate(counted) if n]
    optimizer = torch.optim.SGD(
        decay_groups(network, recipe.weight_decay), recipe.learning_rate, momentum=0.9, nesterov=True
    )

    def loss(batch: Batch, step: int) -> Loss:
        pictures, target = batch
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = network(pictures)
        return Loss(soft_cross_entropy(logits, target))

    def draw(size_px: int, strength: float, step: int) -> Batch:
        parts = [stream.batch(step) for stream in streams]
        pixels, target = (torch.cat([part[i] for part in parts]) for i in range(2))
        pictures = augment(pixels, size_px, strength).contiguous(memory_format=torch.channels_last)
        return pictures, target

    first = recipe.steps_small + recipe.steps_full
    phase = Phase("classify", optimizer, loss, one_cycle(recipe.learning_rate, first))
    second = Phase("classify", optimizer, loss, one_cycle(recipe.settle_rate, recipe.steps_settle, first=first))
    stages = [
        Stage("small", recipe.steps_small, partial(draw, recipe.small_px, 1.0), [phase]),
        Stage("full", recipe.steps_full, partial(draw, config.size_px, 1.0), [phase]),
        Stage("settle", recipe.steps_settle, partial(draw, config.size_px, recipe.settle_strength), [second]),
    ]
    held_out = HeldOut.load(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return held_out.scores(lambda pixels: logits_of_faces(module, pixels, config))

    return Plan.of(config, recipe, network, stages, evaluate)


@torch.inference_mode()
def logits_of_faces(network: nn.Module, pixels: Tensor, config: PlainConfig) -> Tensor:
    """Logits (N, 8) of uint8 faces (N, 48, 48), in the views of the config, by a network put in evaluation mode."""
    network.eval()
    luminance = pixels[:, None].float() / 255
    return torch.cat([logits_of_views(network, part, config) for part in torch.split(luminance, 256)])


Recipe = PlainRecipe
DATA = (
    "FER+ train by votes (rows whose picture also stands in validation or test left out)",
    "lfw_smiles train, London Set train, puppets train (aligned photographs and renderings)",
)
LIMITS = (
    "Labels what a face shows, not what a person feels.",
    "Trained on grey 48 x 48 faces from web search in 2013: who is in them, and how they are labelled, is biased.",
    "Disgust, fear and contempt are rare in training and in the test set: their recall is low and uncertain.",
    "Strong turns of the head, covered faces, drawings and small children are read worse.",
)
ZOOM_CHOICES = ((1.0,), (1.0, 1.1), (0.92, 1.0, 1.08), (0.9, 1.0, 1.1))


def finish(network: nn.Module, config: PlainConfig, data_root: Path) -> tuple[Plain, dict[str, float]]:
    """Choose the views and the temperature on FER+ validation; returns the model to ship and its validation numbers."""
    held_out = HeldOut.load(data_root)
    network = rounded_to_half(network)
    labels, scored = held_out.labels, []
    for zooms in ZOOM_CHOICES:
        choice = replace(config, zooms=zooms)
        logits = logits_of_faces(network, held_out.pixels, choice)
        accuracy = float((logits.argmax(1) == labels).float().mean())
        scored.append((accuracy, -float(F.cross_entropy(logits, labels)), choice, logits))
    _, _, choice, logits = max(scored, key=lambda entry: entry[:2])
    temperature, numbers = calibrated(logits, labels)
    model = Plain(replace(choice, temperature=temperature))
    model.network.load_state_dict(network.state_dict())
    by_zooms = {f"validation_accuracy_zooms_{'_'.join(map(str, c.zooms))}": round(a, 5) for a, _, c, _ in scored}
    return model, numbers | by_zooms
