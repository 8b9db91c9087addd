"""How ``au`` is trained: rendered faces with exact strengths, and FER+ faces held to what is known of expressions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.action_units import ACTION_UNITS, APART, AU_INDEX, TOGETHER, Part, knowledge_table
from fer.agreement import icc
from fer.augmentation import moved, photograph, similarities, soften, uniform
from fer.data import ferplus
from fer.data.pairs import Pairs, load_puppets
from fer.data.streams import Shuffled
from fer.framing import resized, tight, tight_luminance
from fer.images import from_bytes
from fer.models.au import Au, AuConfig
from fer.training import Batch, Loss, Phase, Plan, Stage, decay_groups, one_cycle
from fer.types import Framing
from fer.weights import rounded_to_half

PRESENT_VARIANCE = 1e-3  # of an Action Unit in a batch, from which on its agreement is asked for
PRESENT_WEIGHT = 3.0  # of what is missing from a known Action Unit, beside 1 for what is too much, as in the paper


@dataclass(frozen=True)
class AuRecipe:
    """The numbers of one training."""

    seed: int = 0
    steps: int = 4_500
    by_unit: int = 4_000  # pairs that are rendered for it, of single and rare Action Units
    by_unit_validation: int = 400  # the same of validation people
    puppets: int = 40  # faces of each source in a batch: as classes show them,
    units: int = 24  # by unit,
    ferplus: int = 24  # and photographs
    as_neutral: float = 0.2  # share of the rendered faces that are replaced by their neutral face
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    agreement: float = 1.0  # weight of 1 - ICC beside the cross-entropy
    knowledge: float = 4.0  # weight of what is known of expressions
    pairs: float = 0.5  # within it, weight of what is known of pairs of Action Units
    primary: float = 0.4  # least strength of a primary Action Unit
    secondary: float = 0.2  # least strength of a secondary one
    absent: float = 0.25  # highest strength of an absent one
    ema_decay: float = 0.998


@dataclass(frozen=True, eq=False)
class RenderedFaces:
    """Faces and their neutral faces, canonical luminance uint8 (N, S, S), and the strengths (N, 23) of the faces."""

    face: Tensor
    neutral: Tensor
    units: Tensor

    @classmethod
    def of(cls, pairs: Pairs) -> RenderedFaces:
        """The same faces in grey."""
        return cls(luminance(pairs.face), luminance(pairs.neutral), pairs.action_units)

    def draw(self, count: int, as_neutral: float) -> tuple[Tensor, Tensor]:
        """Faces uint8 (count, S, S) at random with their strengths (count, 23), a share of them neutral."""
        rows = torch.randint(len(self.units), (count,))
        calm = torch.rand(count) < as_neutral
        faces = torch.where(calm[:, None, None], self.neutral[rows], self.face[rows])
        return faces, self.units[rows] * ~calm[:, None]


def luminance(pixels: Tensor) -> Tensor:
    """RGB uint8 (N, 3, S, S) -> luminance uint8 (N, S, S), nothing cut off."""
    parts = [tight_luminance(from_bytes(part), Framing.TIGHT, part.shape[-1]) for part in torch.split(pixels, 512)]
    return (torch.cat(parts)[:, 0] * 255).round().to(torch.uint8)


def augment(pixels: Tensor, framing: Framing, size_px: int) -> Tensor:
    """Luminance uint8 (B, S, S), cut as ``framing`` says -> (B, 1, size_px, size_px) in [0, 1], tight.

    Mirror, turn (0.15 rad), zoom and shift (8 %); low resolution for half of them; light; noise for a fifth. Mirrored
    faces keep their strengths, for these are means of both sides.
    """
    x = soften(pixels[:, None].float() / 255, 0.5, lowest=0.3)
    x = resized(tight(moved(x, similarities(len(x), 0.15, 0.08)), framing), size_px).clamp(0, 1)
    x = tight_luminance(photograph((x * 2 - 1).expand(-1, 3, -1, -1)), Framing.TIGHT, size_px)
    noise = (torch.rand(len(x), 1, 1, 1) < 0.2).float() * uniform((len(x), 1, 1, 1), 0.0, 0.06)
    return (x + noise * torch.randn_like(x)).clamp(0, 1)


def strength_terms(logits: Tensor, units: Tensor) -> dict[str, Tensor]:
    """Losses of logits (B, 23) against strengths (B, 23).

    Cross-entropy makes strengths right on the whole. Most of them are 0, and what is always 0 would win; so each Action
    Unit that the batch shows has to agree with the truth by itself, as ICC(3,1) measures it, however rare it is.
    """
    shown = units.var(0, unbiased=False) > PRESENT_VARIANCE
    agreed = icc(logits.sigmoid(), units)[shown]
    missing = 1 - agreed.mean() if len(agreed) else logits.sum() * 0.0
    return {"cross_entropy": F.binary_cross_entropy_with_logits(logits, units), "disagreement": missing}


def knowledge_loss(strengths: Tensor, votes: Tensor, recipe: AuRecipe) -> Tensor:
    """How far strengths (B, 23) lie outside of the bands of the expressions that were voted for, (B, 8)."""
    part = knowledge_table().to(strengths.device)
    least = recipe.primary * (part == Part.PRIMARY) + recipe.secondary * (part == Part.SECONDARY)
    most = torch.where(part == Part.ABSENT, recipe.absent, 1.0)
    missing, surplus = F.relu(least - strengths[:, None]), F.relu(strengths[:, None] - most)
    off = PRESENT_WEIGHT * missing.square() + surplus.square()
    return (votes[:, :, None] * off).sum(1).mean()


def pair_loss(strengths: Tensor) -> Tensor:
    """How far the covariances of strengths (B, 23) contradict what is known of pairs of Action Units."""
    centred = strengths - strengths.mean(0)
    covariance = centred.T @ centred / len(strengths)
    together, apart = (
        covariance[[AU_INDEX[one] for one, _ in pairs], [AU_INDEX[other] for _, other in pairs]]
        for pairs in (TOGETHER, APART)
    )
    return torch.cat([F.relu(-together), F.relu(apart)]).mean()


def total_loss(logits: Tensor, units: Tensor, votes: Tensor, recipe: AuRecipe) -> Loss:
    """logits (B + F, 23) of rendered faces with strengths (B, 23), then of photographs with votes (F, 8)."""
    rendered, photographed = logits[: len(units)], logits[len(units) :].sigmoid()
    terms = strength_terms(rendered, units)
    total = terms["cross_entropy"] + recipe.agreement * terms["disagreement"]
    if len(votes):
        terms |= {"bands": knowledge_loss(photographed, votes, recipe), "pairs": pair_loss(photographed)}
        total = total + recipe.knowledge * (terms["bands"] + recipe.pairs * terms["pairs"])
    return Loss(total, terms)


@torch.inference_mode()
def agreement(module: nn.Module, faces: RenderedFaces) -> dict[str, float]:
    """ICC(3,1) of every Action Unit that varies and its mean, and the mean absolute error, on the faces as they are."""
    model = cast(Au, module.eval())
    pictures = resized(tight(faces.face[:, None].float() / 255, Framing.ALIGNED), model.config.size_px)
    read = torch.cat([model.strengths(part) for part in torch.split(pictures, 200)]).cpu()
    agreed = dict(zip(ACTION_UNITS, icc(read, faces.units).tolist(), strict=True))
    known = {name: value for name, value in agreed.items() if value == value}
    error = float((read - faces.units).abs().mean())
    return {"icc": sum(known.values()) / len(known), "mae": error} | {f"icc_{name}": v for name, v in known.items()}


def plan(config: AuConfig, recipe: AuRecipe, data_root: Path, device: torch.device) -> Plan:
    """Render and load the data and lay out the training of a fresh network."""
    from fer.puppets.pool import VALIDATION_SEED, render_pairs

    torch.manual_seed(recipe.seed)
    network = Au(config).to(device)

    def by_unit(count: int, seed: int, split: str) -> RenderedFaces:
        return RenderedFaces.of(render_pairs(data_root, count, seed, os.cpu_count() or 1, split, by_unit=True))

    puppets = RenderedFaces.of(load_puppets(data_root, "train"))
    units = by_unit(recipe.by_unit, recipe.seed, "train")
    photographs = Shuffled(*ferplus.load_train(data_root), recipe.ferplus, recipe.seed * 31)
    held_out = {
        "validation": RenderedFaces.of(load_puppets(data_root, "validation")),
        "validation_by_unit": by_unit(recipe.by_unit_validation, VALIDATION_SEED, "validation"),
    }
    optimizer = torch.optim.AdamW(decay_groups(network, recipe.weight_decay), recipe.learning_rate)

    def batch(step: int) -> Batch:
        drawn = [source.draw(n, recipe.as_neutral) for source, n in ((puppets, recipe.puppets), (units, recipe.units))]
        faces, strengths = (torch.cat(each) for each in zip(*drawn, strict=True))
        pixels, votes = photographs.batch(step)
        pictures = [augment(faces, Framing.ALIGNED, config.size_px), augment(pixels, Framing.TIGHT, config.size_px)]
        return torch.cat(pictures), strengths, votes

    def loss(batch: Batch, step: int) -> Loss:
        pictures, strengths, votes = batch
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = network(pictures)
        return total_loss(logits, strengths, votes, recipe)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        found = {f"{name}_{k}": v for name, faces in held_out.items() for k, v in agreement(module, faces).items()}
        return {name: value for name, value in found.items() if not name.startswith("validation_icc_")}

    phase = Phase("read", optimizer, loss, one_cycle(recipe.learning_rate, recipe.steps), clip=1.0)
    stages = [Stage("units", recipe.steps, batch, [phase])]
    return Plan.of(config, recipe, network, stages, evaluate)


def finish(network: nn.Module, config: AuConfig, data_root: Path) -> tuple[Au, dict[str, float]]:
    """Round to what is stored; returns the model to ship and its agreement on the puppets' validation people."""
    model = cast(Au, rounded_to_half(network).eval())
    numbers = agreement(model, RenderedFaces.of(load_puppets(data_root, "validation")))
    return model, {f"puppets_validation_{name}": round(value, 5) for name, value in numbers.items()}


Recipe = AuRecipe
DATA = (
    "puppets train, and faces of single and rare Action Units rendered from the puppets' train assets, all with exact "
    "strengths",
    "FER+ train by votes (rows whose picture also stands in validation or test left out), held to the table of Action "
    "Units and expressions of AUE-CRL; no Action Unit of a photograph was labelled",
)
LIMITS = (
    "Says what moves in a face, not what a person feels.",
    "Strengths are those of rendered faces: what is exact there was never measured on photographs, and 1 means the "
    "renderer's strongest, not a level that a trained coder gave.",
    "What is known of expressions guided it on photographs, so that what it says of a face is no evidence that an "
    "expression consists of those Action Units.",
    "The renderer draws AU14, 18, 22, 23, 27, 28 and 43 poorly; both sides of a face are read as one.",
)
