"""How ``flow_vae`` is trained: changes of expression are encoded, decoded and compared; then directions are fitted."""

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
from fer.errors import TrainingError
from fer.images import from_bytes
from fer.load import allowed_start, load, taking_over
from fer.losses import known_cross_entropy
from fer.models.flow_vae import COUNT, FlowVae, FlowVaeConfig, change_between, divergence
from fer.removal import flow_terms, for_card, moves_left, paired_terms, unit_edits_left
from fer.training import Batch, Loss, Phase, Plan, Stage, adamw, one_cycle
from fer.weights import rounded_to_half

START = "deform"  # the model that ``start`` names weights of
SCALED_BY = 100  # rendered changes that the codes are scaled by before the training


@dataclass(frozen=True)
class FlowVaeRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = "default"  # weights of deform whose motion step the encoder sets out from; "": from nothing
    steps: int = 1_500
    rendered: int = 4_000  # changes that are rendered for it
    rendered_validation: int = 200
    changes: int = 14  # of them in a batch,
    puppets: int = 7  # of the stored pairs,
    london: int = 2  # of photographed ones,
    still: int = 1  # and neutral FER+ faces
    fitted: int = 2_000  # rendered changes that directions are fitted to
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    kl: float = 3e-5  # weight of the divergence in nats,
    kl_warm_up: int = 300  # which grows to it over these steps
    places: float = 3.0  # weight of the flow's error where it is known; 0: no flow is annotated
    rough: float = 50.0
    fold: float = 10.0
    reading: float = 0.1  # weight of the cross-entropy of the strengths that are read
    ema_decay: float = 0.997


class Step:
    """The losses of a batch, whose fields are those of ``ChangeBatch``."""

    def __init__(self, network: FlowVae, recipe: FlowVaeRecipe, device: torch.device) -> None:
        self.network, self.recipe, self.device = network, recipe, device

    def __call__(self, batch: Batch, step: int) -> Loss:
        recipe, given = self.recipe, ChangeBatch(*batch)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            seen = self.network.encode(torch.cat([given.source, given.truth]))
            first, second = seen.split()
            mean, log_variance = change_between(first, second)
            drawn = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            made, flow = self.network.moved(given.source, first, drawn)
        shown = torch.cat([given.own, given.asked])
        return Loss.of(
            {
                **paired_terms(made, given.source, given.truth),
                **flow_terms(flow, given.points, recipe.places, recipe.rough, recipe.fold),
                "kl": recipe.kl * min(1.0, step / max(1, recipe.kl_warm_up)) * divergence(mean, log_variance).mean(),
                "reading": recipe.reading * known_cross_entropy(seen.logits, shown),
            }
        )


@torch.inference_mode()
def fitted_directions(model: FlowVae, known: Changes, ridge: float = 1.0, batch: int = 100) -> Tensor:
    """What a full Action Unit adds to the latent numbers: (23, latent), by least squares over changes.

    Without a constant, since no change is the origin. ridge: what is added to the squares, so that an Action Unit that
    hardly changes gets no direction.
    """
    squares, products = ridge * torch.eye(COUNT), torch.zeros(COUNT, model.config.latent)
    for rows in torch.split(torch.arange(len(known)), batch):
        first, second = (model.encode(from_bytes(known.faces[rows, k])) for k in range(2))
        changed = known.units[rows, 1] - known.units[rows, 0]
        squares += changed.T @ changed
        products += changed.T @ change_between(first, second)[0]
    directions: Tensor = torch.linalg.solve(squares, products)
    return directions


def take_over(model: FlowVae, start: str) -> None:
    """The encoder becomes that of a deform; the first numbers of the code set out as its logits of Action Units.

    ``scale_codes`` divides their weights afterwards. Raises TrainingError for weights of other models, or of another
    shape.
    """
    motion = load(*allowed_start(start, (START,)), device="cpu").motion
    if model.config.latent < COUNT:
        raise TrainingError(
            f"flow_vae with {model.config.latent} latent numbers cannot start from {START}, whose {COUNT} strengths "
            f"are the first of them. Give --config latent={COUNT} or more, or --set start=."
        )
    heads = model.heads
    with taking_over(start), torch.no_grad():
        model.stem.load_state_dict(motion.stem.state_dict())
        model.encoder.load_state_dict(motion.encoder.state_dict())
        for own, other in ((heads.weight, motion.shows.weight), (heads.bias, motion.shows.bias)):
            own[:COUNT] = own[-COUNT:] = other


def plan(config: FlowVaeConfig, recipe: FlowVaeRecipe, data_root: Path, device: torch.device) -> Plan:
    """Render and load the data and lay out the one stage. Raises DataError or TrainingError."""
    from fer.puppets.pool import change_source

    check_size(config)
    torch.manual_seed(recipe.seed)
    network = FlowVae(config)
    if recipe.start:
        take_over(network, recipe.start)
    counts = (recipe.changes, recipe.puppets, recipe.london)
    source, held_out = change_source(data_root, recipe.seed, recipe.rendered, recipe.rendered_validation, counts)
    known = source.rendered.first(recipe.fitted)
    network.scale_codes(*(from_bytes(known.faces[:SCALED_BY, k]) for k in range(2)))
    network.to(device)
    pairs = load_puppets(data_root, "validation")

    def batch(step: int) -> Batch:
        return source.draw(recipe.still)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        """Also fits the directions, which are measured with the networks and shipped with them."""
        model = cast(FlowVae, module.eval())
        model.directions.copy_(fitted_directions(model, known))
        return changes_left(model, held_out) | pairs_left(model, pairs)

    def sheet(module: nn.Module) -> list[Tensor]:
        return examples(cast(FlowVae, module), held_out)

    rate, step = one_cycle(recipe.learning_rate, recipe.steps), Step(network, recipe, device)
    phase = Phase("vae", adamw(network, recipe.weight_decay), step, rate, clip=1.0)
    return Plan.of(config, recipe, network, [Stage("flow", recipe.steps, batch, [phase])], evaluate, sheet)


def changes_left(model: FlowVae, held_out: Changes) -> dict[str, float]:
    """See ``moves_left``: for edits to stated strengths; and, as rebuilt_, where the change is read from both faces.

    kl: mean divergence in nats. icc: mean ICC(3,1) of the strengths read, over the Action Units that vary.
    """
    read, divergences = [], []

    def edited(source: Tensor, truth: Tensor, asked: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        image, flow, seen = model.edited(source, asked)
        read.append(seen.strengths)
        return {"left": image}, flow

    def rebuilt(source: Tensor, truth: Tensor, asked: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        seen = model.encode(source)
        mean, log_variance = change_between(seen, model.encode(truth))
        divergences.append(divergence(mean, log_variance))
        image, flow = model.moved(source, seen, mean)
        return {"left": image}, flow

    edits, rebuilds = moves_left(edited, held_out), moves_left(rebuilt, held_out)
    return {
        **edits,
        **{f"rebuilt_{name}": rebuilds[name] for name in ("left", "epe_px", "folded")},
        "kl": float(torch.cat(divergences).mean()),
        "icc": mean_icc(torch.cat(read), held_out.units[:, 0]),
    }


def pairs_left(model: FlowVae, pairs: Pairs) -> dict[str, float]:
    """See ``edits_left``; the strengths of what is edited are those that the model reads."""

    return unit_edits_left(lambda faces, asked: model.edited(faces, asked)[0], pairs)


@torch.inference_mode()
def examples(model: FlowVae, held_out: Changes, count: int = 12) -> list[Tensor]:
    """Rows to look at: faces, edited to the truth's strengths, the truth, half-way between both, no expression."""
    source, truth = (from_bytes(held_out.faces[:count, k]) for k in range(2))
    edited = model.edit(source, held_out.units[:count, 1]).image
    return [source, edited, truth, model.interpolate(source, truth, 3)[1], model.neutralize(source).image]


def finish(network: nn.Module, config: FlowVaeConfig, data_root: Path) -> tuple[FlowVae, dict[str, float]]:
    """Round to what is stored; the model to ship and its numbers on the puppets' validation people."""
    model = cast(FlowVae, rounded_to_half(network).eval())
    return model, for_card(pairs_left(model, load_puppets(data_root, "validation")))


Recipe = FlowVaeRecipe
DATA = (PAIRS_TOLD, CHANGES_TOLD, STILL_TOLD)
LIMITS = (
    "It moves what a face shows; it knows nothing of what a person feels.",
    "Nothing is painted: teeth, the inside of a mouth, wrinkles and shading that a face does not show cannot appear.",
    "Strengths are those of the renderer; both sides of a face change alike. A direction is the same for everyone.",
    "Half-way between two photographs, whatever differs beside the expression is faded and may look double.",
    FEW_PEOPLE,
)
