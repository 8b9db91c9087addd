"""How ``plain`` is trained: FER+ votes, plus aligned photographs so that it holds on what users send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from fer.augmentation import erase, moved, similarities, soften, uniform
from fer.data import ferplus, photographs
from fer.data.streams import Shuffled, softened
from fer.framing import standardise, tight_luminance
from fer.load import allowed_start, load, taking_over
from fer.losses import soft_cross_entropy
from fer.models.plain import Plain, PlainConfig
from fer.temperature import HeldOut, calibrated, reading_scores
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
    second_small: int = 6_000  # steps of the second network, laid out as those of the first
    second_full: int = 6_000
    second_settle: int = 4_000
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


def started(config: PlainConfig, start: str) -> Plain:
    """A fresh model, or one with the given weights; see ``PlainRecipe.start``. A second network may be new to it."""
    model = Plain(config)
    if start:
        known = load(*allowed_start(start, ("plain",)), device="cpu")
        with taking_over(start):
            model.network.load_state_dict(known.network.state_dict())
            if model.second is not None and known.second is not None:
                model.second.load_state_dict(known.second.state_dict())
    return model


def plan(config: PlainConfig, recipe: PlainRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the training. Raises TrainingError or WeightsError for a start that does not fit."""
    torch.manual_seed(recipe.seed)
    model = started(config, recipe.start).to(device)
    counted = [
        (ferplus.load_train(data_root), recipe.ferplus),
        (tight_faces(photographs.load_lfw(data_root), config.size_px), recipe.lfw),
        (tight_faces(photographs.load_london(data_root), config.size_px), recipe.london),
        (tight_faces(photographs.load_puppets(data_root), config.size_px), recipe.puppets),
    ]
    streams = [Shuffled(*faces, n, recipe.seed * 31 + i) for i, (faces, n) in enumerate(counted) if n]

    def draw(full_px: int, small: bool, strength: float, step: int) -> Batch:
        parts = [stream.batch(step) for stream in streams]
        pixels, target = (torch.cat([part[i] for part in parts]) for i in range(2))
        pictures = augment(pixels, recipe.small_px if small else full_px, strength).contiguous(
            memory_format=torch.channels_last
        )
        return pictures, target

    steps = (recipe.steps_small, recipe.steps_full, recipe.steps_settle)
    stages = _cycles("", model.network, steps, 0, recipe, partial(draw, config.size_px))
    if model.second is not None:
        first, steps = sum(steps), (recipe.second_small, recipe.second_full, recipe.second_settle)
        stages += _cycles("second ", model.second, steps, first, recipe, partial(draw, config.size_px))
    held_out = HeldOut.load(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return held_out.scores(lambda pixels: logits_of_faces(module, pixels))

    return Plan.of(config, recipe, model, stages, evaluate)


def _cycles(
    name: str,
    network: nn.Sequential,
    steps: tuple[int, int, int],
    first: int,
    recipe: PlainRecipe,
    draw: Callable[[bool, float, int], Batch],
) -> list[Stage]:
    """One cycle on small, then on full pictures; then a second, lower one on these. They begin at step ``first``.

    draw: the batch of (whether small, strength of the augmentation, step).
    """
    optimizer = torch.optim.SGD(
        decay_groups(network, recipe.weight_decay), recipe.learning_rate, momentum=0.9, nesterov=True
    )

    def loss(batch: Batch, step: int) -> Loss:
        pictures, target = batch
        with torch.autocast(pictures.device.type, dtype=torch.bfloat16):
            logits = network(pictures)
        return Loss(soft_cross_entropy(logits, target))

    small, full, settle = steps
    high = Phase(f"{name}classify", optimizer, loss, one_cycle(recipe.learning_rate, small + full, first=first))
    second = first + small + full
    low = Phase(f"{name}classify", optimizer, loss, one_cycle(recipe.settle_rate, settle, first=second))
    return [
        Stage(f"{name}small", small, partial(draw, True, 1.0), [high]),
        Stage(f"{name}full", full, partial(draw, False, 1.0), [high]),
        Stage(f"{name}settle", settle, partial(draw, False, recipe.settle_strength), [low]),
    ]


@torch.inference_mode()
def logits_of_faces(model: nn.Module, pixels: Tensor) -> Tensor:
    """Logits (N, 8) of uint8 faces (N, 48, 48) by a Plain, which is put in evaluation mode."""
    if not isinstance(model, Plain):
        raise TypeError(f"A {type(model).__name__} is no Plain.")
    model.eval()
    luminance = pixels[:, None].float() / 255
    return torch.cat([model.logits(part) for part in torch.split(luminance, 256)])


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
SHARE_CHOICES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


def finish(trained: nn.Module, config: PlainConfig, data_root: Path) -> tuple[Plain, dict[str, float]]:
    """Choose share and temperature on FER+ validation; returns the model to ship and its validation numbers."""
    held_out, trained = HeldOut.load(data_root), rounded_to_half(trained)
    if not isinstance(trained, Plain):
        raise TypeError(f"A {type(trained).__name__} is no Plain.")
    labels, shares, best = held_out.labels, {}, config
    first, second = (logits_of_faces(each, held_out.pixels) for each in _one_by_one(trained))
    for share in SHARE_CHOICES if config.second_widths else ():
        scores = reading_scores(torch.lerp(first, second, share), labels)
        shares[share] = (round(scores["validation_accuracy"], 5), -scores["validation_nll"])
    if shares:
        best = replace(config, second_share=max(shares, key=lambda share: shares[share]))
    temperature, numbers = calibrated(torch.lerp(first, second, best.second_share if shares else 0.0), labels)
    model = Plain(replace(best, temperature=temperature))
    model.load_state_dict(trained.state_dict())
    return model, numbers | {f"validation_accuracy_second_share_{share}": v for share, (v, _) in shares.items()}


def _one_by_one(model: Plain) -> Iterator[Plain]:
    """The first network alone, then the second, or the first again where there is no other."""
    for widths, blocks, network in (
        (model.config.widths, model.config.blocks, model.network),
        (model.config.second_widths, model.config.second_blocks, model.second),
    ):
        if network is not None:
            alone = Plain(replace(model.config, widths=widths, blocks=blocks, second_widths=(), second_blocks=()))
            alone.network.load_state_dict(network.state_dict())
        yield alone
