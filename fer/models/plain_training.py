"""How ``plain`` is trained: FER+ votes, plus aligned photographs so that it holds on what users send."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.data import ferplus, photographs
from fer.losses import soft_cross_entropy
from fer.models.plain import Plain, PlainConfig, build_network, logits_of_views, standardise, tight_luminance
from fer.training import Batch, Loss, Phase, Plan, Stage, decay_groups, one_cycle
from fer.types import EMOTIONS, Framing
from fer.weights import rounded_to_half

LABEL_CONFIDENCE = 0.9  # of a label by one person (or by design): less certain than ten votes


@dataclass(frozen=True)
class PlainRecipe:
    """The numbers of one training."""

    seed: int = 0
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


class Shuffled:
    """Faces of one source, uint8 (N, S, S), and distributions (N, 8) in an endless shuffled order."""

    def __init__(self, pixels: Tensor, target: Tensor, per_batch: int, seed: int) -> None:
        self.pixels, self.target, self.per_batch, self.seed = pixels, target, per_batch, seed
        self.orders: dict[int, Tensor] = {}

    def batch(self, step: int) -> Batch:
        positions = range(step * self.per_batch, (step + 1) * self.per_batch)
        rows = torch.stack([self._row(*divmod(position, len(self.target))) for position in positions])
        return self.pixels[rows], self.target[rows]

    def _row(self, epoch: int, offset: int) -> Tensor:
        if epoch not in self.orders:
            generator = torch.Generator().manual_seed(self.seed * 9_973 + epoch)
            self.orders = {epoch: torch.randperm(len(self.target), generator=generator)} | {
                kept: order for kept, order in self.orders.items() if kept == epoch - 1
            }
        return self.orders[epoch][offset]


def tight_faces(photographs: tuple[Tensor, Tensor], size_px: int) -> tuple[Tensor, Tensor]:
    """Aligned uint8 (N, 3, 128, 128) and labels (N,) -> uint8 luminance (N, size_px, size_px), distributions (N, 8)."""
    pixels, labels = photographs
    parts = [
        tight_luminance(part.float() / 127.5 - 1, Framing.ALIGNED, size_px)[:, 0] for part in torch.split(pixels, 512)
    ]
    target = torch.full((len(labels), len(EMOTIONS)), (1 - LABEL_CONFIDENCE) / (len(EMOTIONS) - 1))
    target[torch.arange(len(labels)), labels] = LABEL_CONFIDENCE
    return (torch.cat(parts) * 255).round().to(torch.uint8), target


def uniform(shape: Sequence[int], low: float, high: float) -> Tensor:
    return torch.rand(*shape) * (high - low) + low


def augment(pixels: Tensor, size_px: int, strength: float = 1.0) -> Tensor:
    """uint8 (B, S, S) -> standardised (B, 1, size_px, size_px) with the variety of what users send.

    Mirror, turn (0.3 rad), zoom (18 %), shift (9 %); low resolution or blur for a fifth; gamma; noise; an erased box in
    half. How far and how often shrinks with ``strength``.
    """
    x = soften(pixels[:, None].float() / 255, 0.2 * strength)
    count = len(x)
    turn, move = 0.3 * strength, 0.18 * strength
    angle, scale = uniform((count,), -turn, turn), 1 + uniform((count,), -move, move)
    mirror = (torch.rand(count) < 0.5).float() * 2 - 1
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = torch.cos(angle) * scale * mirror, -torch.sin(angle) * scale
    theta[:, 1, 0], theta[:, 1, 1] = torch.sin(angle) * scale * mirror, torch.cos(angle) * scale
    theta[:, :, 2] = uniform((count, 2), -move, move)
    grid = F.affine_grid(theta, [count, 1, size_px, size_px], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False).clamp(0, 1)
    bend, contrast = 0.35 * strength, 0.3 * strength
    x = x ** torch.exp(uniform((count, 1, 1, 1), -bend, bend))
    x = standardise(x) * uniform((count, 1, 1, 1), 1 - contrast, 1 + contrast)
    noisy = (torch.rand(count, 1, 1, 1) < 0.15 * strength).float() * uniform((count, 1, 1, 1), 0.0, 0.15)
    return erase(x + noisy * torch.randn_like(x), 0.5 * strength)


def soften(x: Tensor, share: float) -> Tensor:
    """Take resolution from about ``share`` of the pictures: 0.4 to 0.95 of the size and back."""
    chosen = torch.nonzero(torch.rand(len(x)) < share)[:, 0]
    if len(chosen):
        size = x.shape[-1]
        small = int(size * float(uniform((1,), 0.4, 0.95)))
        low = F.interpolate(x[chosen], (small, small), mode="bilinear", antialias=True, align_corners=False)
        x = x.index_copy(0, chosen, F.interpolate(low, (size, size), mode="bilinear", align_corners=False))
    return x


def erase(x: Tensor, share: float) -> Tensor:
    """Fill a random box with the mean in about ``share`` of the pictures (Zhong et al. 2020, arXiv 1708.04896)."""
    count, size = len(x), x.shape[-1]
    place = torch.arange(size, dtype=torch.float32)
    centre = torch.rand(2, count, 1) * size
    half = uniform((2, count, 1), 0.06, 0.21) * size
    inside_x, inside_y = ((place[None] - centre[k]).abs() < half[k] for k in range(2))
    mask = inside_y[:, :, None] & inside_x[:, None, :] & (torch.rand(count, 1, 1) < share)
    return x.masked_fill(mask[:, None], 0.0)


def plan(config: PlainConfig, recipe: PlainRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the training of a fresh network."""
    torch.manual_seed(recipe.seed)
    network = build_network(config).to(device)
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
        return pictures.to(device), target.to(device)

    first = recipe.steps_small + recipe.steps_full
    settle = one_cycle(recipe.settle_rate, recipe.steps_settle)
    phase = Phase("classify", optimizer, loss, one_cycle(recipe.learning_rate, first))
    second = Phase("classify", optimizer, loss, lambda step: settle(step - first))
    stages = [
        Stage("small", recipe.steps_small, partial(draw, recipe.small_px, 1.0), [phase]),
        Stage("full", recipe.steps_full, partial(draw, config.size_px, 1.0), [phase]),
        Stage("settle", recipe.steps_settle, partial(draw, config.size_px, recipe.settle_strength), [second]),
    ]
    pixels, labels = ferplus.load_validation(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        logits = validation_logits(module, pixels, config, device)
        return {
            "validation_accuracy": float((logits.argmax(1) == labels).float().mean()),
            "validation_nll": float(F.cross_entropy(logits, labels)),
        }

    identity = json.dumps([asdict(config), asdict(recipe)])
    return Plan(network, [s for s in stages if s.steps], evaluate, recipe.seed, recipe.ema_decay, identity)


@torch.inference_mode()
def validation_logits(network: nn.Module, pixels: Tensor, config: PlainConfig, device: torch.device) -> Tensor:
    """Logits (N, 8) of uint8 faces (N, 48, 48), in the views of the config, by a network put in evaluation mode."""
    network.eval()
    with torch.autocast(device.type, dtype=torch.bfloat16):
        parts = [
            logits_of_views(network, (part[:, None].float() / 255).to(device), config).cpu()
            for part in torch.split(pixels, 256)
        ]
    return torch.cat(parts)


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
    pixels, labels = ferplus.load_validation(data_root)
    luminance = pixels[:, None].float() / 255
    network = rounded_to_half(network).eval()
    scored = []
    for zooms in ZOOM_CHOICES:
        choice = replace(config, zooms=zooms)
        with torch.inference_mode():
            logits = torch.cat([logits_of_views(network, part, choice) for part in torch.split(luminance, 256)])
        accuracy = float((logits.argmax(1) == labels).float().mean())
        scored.append((accuracy, -float(F.cross_entropy(logits, labels)), choice, logits))
    accuracy, _, choice, logits = max(scored, key=lambda entry: entry[:2])
    temperature = fit_temperature(logits, labels)
    model = Plain(replace(choice, temperature=temperature))
    model.network.load_state_dict(network.state_dict())
    return model, {
        "validation_accuracy": round(accuracy, 5),
        "validation_nll": round(float(F.cross_entropy(logits / temperature, labels)), 5),
        **{f"validation_accuracy_zooms_{'_'.join(map(str, c.zooms))}": round(a, 5) for a, _, c, _ in scored},
    }


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature in [0.3, 3] of least cross-entropy for logits (N, C) (Guo et al. 2017, arXiv 1706.04599)."""
    candidates = torch.exp(torch.linspace(math.log(0.3), math.log(3.0), 400))
    losses = torch.stack([F.cross_entropy(logits / t, labels) for t in candidates])
    return round(float(candidates[losses.argmin()]), 4)
