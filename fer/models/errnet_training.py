"""How ``errnet`` is trained: removal on pairs and recognition on FER+, in the same steps, end to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer.data.mixtures import (
    LABELS_TOLD,
    PAIRS_TOLD,
    SHOWN_NOT_FELT,
    LabelledFaces,
    PairSource,
    check_size,
    tight_logits,
)
from fer.data.pairs import load_puppets
from fer.load import allowed_start, load, taking_over
from fer.losses import gradient_l1, soft_cross_entropy, unlikeness, weighted_l1
from fer.models.errnet import ErrNet, ErrNetConfig, Removal, lengths_of
from fer.removal import for_card, left_over, pixel_weights, removal_rows
from fer.temperature import HeldOut
from fer.training import Batch, Loss, Phase, Plan, Stage, adamw, one_cycle
from fer.weights import rounded_to_half

START = "derl"  # the model that ``ErrNetRecipe.start`` names weights of


@dataclass(frozen=True)
class ErrNetRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = "default"  # weights of derl whose generator's trunk is taken over; fresh where empty
    steps: int = 5_000
    puppets: int = 7  # pairs of each source in a batch
    london: int = 1
    still: int = 0
    ferplus: int = 24  # labelled faces of each source in a batch
    lfw: int = 2
    london_faces: int = 1
    puppet_faces: int = 1
    learning_rate: float = 1.5e-3
    pixels: float = 10.0  # weights of the losses; the classification's is 1
    landmarks: float = 10.0
    identity: float = 0.2
    segments: float = 0.5
    parts: float = 0.25  # of each part's own classification
    weight_decay: float = 0.02
    ema_decay: float = 0.998


def segment_loss(code: Tensor, target: Tensor) -> Tensor:
    """Margin loss of codes (B, 7, m) for distributions (B, 8): an expression's segment long, the others silent.

    Sabour et al. 2017 (arXiv 1710.09829, Dynamic Routing Between Capsules), Eq. 4, weighted by the distribution.
    """
    length, share = lengths_of(code), target[:, 1:]
    present, absent = (0.9 - length).clamp(min=0).square(), (length - 0.1).clamp(min=0).square()
    return (share * present + 0.5 * (1 - share) * absent).sum(1).mean()


def landmark_loss(made: Removal, points: Tensor) -> Tensor:
    """L1 of landmarks and of their displacement; points: (B, 2, 68, 2), face and neutral, nan rows are left out."""
    known = ~points.isnan().flatten(1).any(1)
    if not known.any():
        return made.landmarks.sum() * 0.0
    face, neutral = points[known].unbind(1)
    return (made.landmarks[known] - face).abs().mean() + 2 * (made.displacement[known] - (face - neutral)).abs().mean()


def removal_loss(
    made: Removal, faces: Tensor, neutrals: Tensor, points: Tensor, embed: nn.Module, recipe: ErrNetRecipe
) -> dict[str, Tensor]:
    """What pairs teach: the residual image, the landmarks, the person."""
    pixels, pictures = pixel_weights(faces, neutrals)
    neutral = faces - made.residual
    return {
        "pixels": recipe.pixels * weighted_l1(neutral, neutrals, pixels),
        "gradient": 0.5 * recipe.pixels * gradient_l1(neutral, neutrals, pictures),
        "landmarks": recipe.landmarks * landmark_loss(made, points),
        "identity": recipe.identity * unlikeness(embed(neutral), embed(neutrals)),
    }


def recognition_loss(made: Removal, target: Tensor, recipe: ErrNetRecipe) -> dict[str, Tensor]:
    """What labels teach: the joint answer, each part's own, and the segments of the code."""
    each = (made.code_logits, made.pixel_logits, made.landmark_logits)
    return {
        "joint": soft_cross_entropy(made.logits, target),
        "parts": recipe.parts * torch.stack([soft_cross_entropy(logits, target) for logits in each]).sum(),
        "segments": recipe.segments * segment_loss(made.code, target),
    }


def neutral_of(model: ErrNet, faces: Tensor) -> Tensor:
    """Neutral faces (B, 3, 128, 128) of faces."""
    made: Removal = model(faces)
    return (faces - made.residual).clamp(-1, 1)


def joint_logits(model: ErrNet, pixels: Tensor, mirror: bool) -> Tensor:
    """Logits (N, 8) of tight faces uint8 (N, 48, 48)."""
    return tight_logits(lambda faces: cast(Removal, model(faces)).logits, pixels, model.config.size_px, mirror)


def start_from_derl(network: ErrNet, start: str) -> None:
    """Take over the trunk of a DeRL generator. Raises TrainingError for weights of other models or of another shape."""
    known = load(*allowed_start(start, (START,)), device="cpu").generator
    with taking_over(start):
        network.trunk.load_state_dict(known.trunk.state_dict())


def plan(config: ErrNetConfig, recipe: ErrNetRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the training."""
    check_size(config)
    torch.manual_seed(recipe.seed)
    network = ErrNet(config)
    if recipe.start:
        start_from_derl(network, recipe.start)
    network.to(device)
    pairs, embed = PairSource.load(data_root), load("identity", device=str(device))
    labelled = LabelledFaces.of(data_root, recipe)

    def batch(step: int) -> Batch:
        drawn = pairs.draw(recipe.puppets, recipe.london, recipe.still)
        return drawn.face, drawn.neutral, drawn.points, *labelled.batch(step)

    def loss(batch: Batch, step: int) -> Loss:
        faces, neutrals, points, labelled_faces, target = batch
        with torch.autocast(device.type, dtype=torch.bfloat16):
            made = network(torch.cat([faces, labelled_faces]))
        paired, named = _split(made, len(faces))
        terms = removal_loss(paired, faces, neutrals, points, embed, recipe)
        terms |= recognition_loss(named, target, recipe)
        return Loss.of(terms)

    held_out, known = load_puppets(data_root, "validation"), HeldOut.load(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        model = cast(ErrNet, module.eval())
        left = left_over(partial(neutral_of, model), held_out)
        return known.scores(partial(joint_logits, model, mirror=False)) | dict(left)

    def sheet(module: nn.Module) -> list[Tensor]:
        return removal_rows(partial(neutral_of, cast(ErrNet, module)), held_out)

    rate = one_cycle(recipe.learning_rate, recipe.steps, 0.1)
    phase = Phase("remove and recognise", adamw(network, recipe.weight_decay), loss, rate, clip=2.0)
    return Plan.of(config, recipe, network, [Stage("joint", recipe.steps, batch, [phase])], evaluate, sheet)


def _split(made: Removal, count: int) -> tuple[Removal, Removal]:
    """The first ``count`` rows and the rest."""
    values = [getattr(made, name) for name in Removal.__dataclass_fields__]
    return Removal(*(value[:count] for value in values)), Removal(*(value[count:] for value in values))


def finish(network: nn.Module, config: ErrNetConfig, data_root: Path) -> tuple[ErrNet, dict[str, float]]:
    """Round to what is stored, fit the temperature; the model to ship and its validation numbers."""
    trained = cast(ErrNet, rounded_to_half(network).eval())
    read = partial(joint_logits, trained, mirror=True)
    model, numbers = HeldOut.load(data_root).calibrate(ErrNet, config, trained, read)
    left = left_over(partial(neutral_of, model), load_puppets(data_root, "validation"))
    return model, numbers | for_card(left)


Recipe = ErrNetRecipe
DATA = (PAIRS_TOLD, LABELS_TOLD)
LIMITS = (
    SHOWN_NOT_FELT,
    "The neutral face is a guess, and as a sum of the face and a residual it is softer than one made by moving pixels.",
    "Landmarks were learnt from rendered faces only.",
    "Trained on few people, mostly light-skinned and roughly frontal.",
)
