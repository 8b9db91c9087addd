"""How ``deform`` is trained: the motion step alone on pairs with exact truth, then motion and texture together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer.agreement import mean_icc
from fer.data.changes import CHANGES_TOLD, ChangeBatch, Changes
from fer.data.mixtures import FEW_PEOPLE, PAIRS_TOLD, STILL_TOLD, check_size
from fer.data.pairs import Pairs, load_puppets
from fer.images import from_bytes
from fer.load import allowed_start, load, taking_over
from fer.losses import known_cross_entropy
from fer.models.deform import Deform, DeformConfig, Deformed
from fer.removal import flow_terms, for_card, moves_left, paired_terms, unit_edits_left
from fer.training import Batch, Loss, Phase, Plan, Stage, adamw, one_cycle
from fer.weights import rounded_to_half

START = "derl"  # the model that ``DeformRecipe.start`` names weights of, unless it says another


@dataclass(frozen=True)
class DeformRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = "default"  # "MODEL:WEIGHTS" to go on from, or weights of derl for the motion step; fresh where empty
    steps_motion: int = 700
    steps_both: int = 2_000
    rendered: int = 4_000  # changes that are rendered for it
    rendered_validation: int = 200
    changes: int = 9  # of them in a batch,
    puppets: int = 5  # of the stored pairs,
    london: int = 2  # of photographed ones,
    still: int = 1  # and neutral FER+ faces
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    places: float = 1.0  # weight of the flow's error where it is known; 0: no deformation is annotated
    moved: float = 0.5  # weight of the losses of what moving alone gives, beside 1 of the edited face
    rough: float = 50.0
    fold: float = 10.0
    paint: float = 0.05  # weight of the L1 of what is painted
    reading: float = 0.1  # weight of the cross-entropy of the strengths that are read
    read: float = 0.5  # share of the faces that are edited from the strengths that were read, as later
    ema_decay: float = 0.998


class Step:
    """The losses of a batch, whose fields are those of ``ChangeBatch``."""

    def __init__(self, network: Deform, recipe: DeformRecipe, device: torch.device, paint: bool) -> None:
        self.network, self.recipe, self.device, self.paint = network, recipe, device, paint

    def __call__(self, batch: Batch, step: int) -> Loss:
        recipe, given, motion = self.recipe, ChangeBatch(*batch), self.network.motion
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            layers = motion.encode(given.source)
            logits = motion.strengths(layers)
            guessed = (torch.rand(len(logits), 1, device=logits.device) < recipe.read) | given.own.isnan()
            own = torch.where(guessed, logits.detach().sigmoid(), given.own)
            made = self.network.change(layers, given.source, own, self.asked(given), given.source, self.paint)
            terms = self.of_edit(made, given)
        terms["reading"] = recipe.reading * known_cross_entropy(logits, given.own)
        return Loss.of(terms)

    @torch.no_grad()
    def asked(self, given: ChangeBatch) -> Tensor:
        """What is asked for (B, 23); where it is not known, what is read in the truth now."""
        unknown = given.asked.isnan().any(1)
        asked = given.asked.clone()
        if unknown.any():
            asked[unknown] = self.network.shown(given.truth[unknown])
        return asked

    def of_edit(self, made: Deformed, given: ChangeBatch) -> dict[str, Tensor]:
        """Losses of edited faces against the truth."""
        recipe = self.recipe
        of_moved = paired_terms(made.moved, given.source, given.truth)
        return {
            **paired_terms(made.image, given.source, given.truth),
            "moved": recipe.moved * torch.stack(list(of_moved.values())).sum(),
            **flow_terms(made.flow, given.points, recipe.places, recipe.rough, recipe.fold),
            "paint": recipe.paint * (made.image - made.moved).abs().mean(),
        }


def take_over(model: Deform, start: str) -> None:
    """Start from deform's own weights, or from the layers of a DeRL generator, which makes faces neutral.

    start: see ``DeformRecipe``. Raises TrainingError for weights of other models or of another shape.
    """
    known = load(*allowed_start(start, (START, "deform")), device="cpu")
    with taking_over(start):
        if isinstance(known, Deform):
            model.load_state_dict(known.state_dict())
        else:
            known.generator.trunk.hand_over(model.motion.stem, model.motion.encoder, model.motion.decoder)


def plan(config: DeformConfig, recipe: DeformRecipe, data_root: Path, device: torch.device) -> Plan:
    """Render and load the data and lay out both stages."""
    from fer.puppets.pool import change_source

    check_size(config)
    torch.manual_seed(recipe.seed)
    network = Deform(config)
    if recipe.start:
        take_over(network, recipe.start)
    network.to(device)
    counts = (recipe.changes, recipe.puppets, recipe.london)
    source, held_out = change_source(data_root, recipe.seed, recipe.rendered, recipe.rendered_validation, counts)
    pairs = load_puppets(data_root, "validation")

    def batch(step: int) -> Batch:
        return source.draw(recipe.still)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        model = cast(Deform, module.eval())
        return changes_left(model, held_out) | pairs_left(model, pairs)

    def sheet(module: nn.Module) -> list[Tensor]:
        return examples(cast(Deform, module), held_out)

    optimizer = adamw(network, recipe.weight_decay)
    rate = one_cycle(recipe.learning_rate, recipe.steps_motion + recipe.steps_both, 0.05)

    def stage(name: str, steps: int, paint: bool) -> Stage:
        phase = Phase("editor", optimizer, Step(network, recipe, device, paint), rate, clip=1.0)
        return Stage(name, steps, batch, [phase])

    stages = [stage("motion", recipe.steps_motion, False), stage("both", recipe.steps_both, True)]
    return Plan.of(config, recipe, network, stages, evaluate, sheet)


def changes_left(model: Deform, held_out: Changes) -> dict[str, float]:
    """See ``moves_left``, from the strengths that the model reads; left_moved: by moving alone.

    icc: mean ICC(3,1) of the strengths read, over the Action Units that vary.
    """
    read = []

    def changed(source: Tensor, truth: Tensor, asked: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        made, own = model.edited(source, asked)
        read.append(own)
        return {"left": made.image, "left_moved": made.moved}, made.flow

    return moves_left(changed, held_out) | {"icc": mean_icc(torch.cat(read), held_out.units[:, 0])}


def pairs_left(model: Deform, pairs: Pairs) -> dict[str, float]:
    """See ``edits_left``; the strengths of what is edited are those that the model reads."""

    return unit_edits_left(lambda faces, asked: model.edited(faces, asked)[0].image, pairs)


@torch.inference_mode()
def examples(model: Deform, held_out: Changes, count: int = 12) -> list[Tensor]:
    """Rows to look at: faces, the change by moving alone, with paint, the truth, the mask, and no expression."""
    source, truth = (from_bytes(held_out.faces[:count, k]) for k in range(2))
    made = model.edit(source, held_out.units[:count, 1])
    mask = made.parts["mask"].expand(-1, 3, -1, -1) * 2 - 1
    return [source, made.parts["moved"], made.image, truth, mask, model.neutralize(source).image]


def finish(network: nn.Module, config: DeformConfig, data_root: Path) -> tuple[Deform, dict[str, float]]:
    """Round to what is stored; the model to ship and its numbers on the puppets' validation people."""
    model = cast(Deform, rounded_to_half(network).eval())
    return model, for_card(pairs_left(model, load_puppets(data_root, "validation")))


Recipe = DeformRecipe
DATA = (PAIRS_TOLD, CHANGES_TOLD, STILL_TOLD)
LIMITS = (
    "It moves and paints what a face shows; it knows nothing of what a person feels.",
    "Strengths are those of the renderer; both sides of a face change alike.",
    "Teeth and the inside of a mouth are painted after rendered ones. Where a field is enlarged to a large photograph, "
    "paint has the sharpness of 128 px.",
    FEW_PEOPLE,
)
