"""How ``fesgan`` is trained: edits by exact pairs, reading of real faces, synthesis against critics, both together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer.appearance import Appearance
from fer.data.changes import CHANGES_TOLD, Changes
from fer.data.mixtures import FEW_PEOPLE, LABELS_TOLD, PAIRS_TOLD, SHOWN_NOT_FELT, LabelledFaces, PairSource, check_size
from fer.data.pairs import Pairs, load_puppets
from fer.framing import mirrored, standardise
from fer.images import from_bytes
from fer.layers import QUIET
from fer.load import allowed_start, load, taking_over
from fer.models.fesgan import Fesgan, FesganConfig
from fer.models.fesgan_losses import COUNT, FesganRecipe, Step, Trained, paired_edits, random_targets
from fer.removal import edits_left, for_card, moves_left
from fer.targets import code_of
from fer.temperature import HeldOut
from fer.training import Batch, Phase, Plan, Schedule, Stage, adamw, one_cycle
from fer.weights import rounded_to_half

RIDGE = 0.03  # of the regression that first reads g, in mean squares of what it reads
START = "derl"  # the model that ``FesganRecipe.start`` names weights of, unless it says another


def take_over(model: Fesgan, start: str) -> None:
    """Start from fesgan's own weights, or from the generator of derl, which gives everyone the neutral face.

    What the weights lack, or have in another shape, stays fresh in the artist and the recogniser alone. start: see
    ``FesganRecipe``. Raises TrainingError for weights of other models or of another shape.
    """
    known, generator = load(*allowed_start(start, (START, "fesgan")), device="cpu"), model.generator
    with taking_over(start), torch.no_grad():
        if isinstance(known, Fesgan):
            generator.load_state_dict(known.generator.state_dict())
            for own, other in ((model.artist, known.artist), (model.reader, known.reader)):
                if own and other and _shapes(own) == _shapes(other):
                    own.load_state_dict(other.state_dict())
            return
        known.generator.trunk.hand_over(generator.stem, generator.encoder, generator.decoder)
        generator.out.load_state_dict(known.generator.out.state_dict())
        for values in generator.from_latent.parameters():
            values.mul_(QUIET)


@torch.no_grad()
def learn_appearance(model: Fesgan, faces: Tensor, points: Tensor) -> None:
    """Give the artist the components of neutral faces (N, 3, 128, 128), and g their codes, read by a ridge regression.

    points: landmarks (N, 68, 2) in the unit square.
    """
    from fer.puppets.appearance import components, parts_of

    if model.artist is None:
        return
    config, places = model.config, points * 2 - 1
    middle, taken_apart = places.mean(0), []
    for rows in torch.split(torch.arange(len(faces)), 100):
        taken_apart.append(parts_of(faces[rows], places[rows], middle, config.portrait_px, config.coarse_px))
    known = components(Appearance(*(torch.cat(part) for part in zip(*taken_apart, strict=True))), config.latent)
    model.artist.set_out_from(known)
    seen = torch.cat([model.generator.encode(part)[1][-1].flatten(1) for part in torch.split(faces, 100)]).float()
    mean, wanted = seen.mean(0), known.codes
    centred = seen - mean
    products = centred @ centred.T
    products.diagonal().add_(RIDGE * products.diagonal().mean())
    weight = (centred.T @ torch.linalg.solve(products, wanted - wanted.mean(0))).T
    model.generator.to_latent.weight.copy_(weight)
    model.generator.to_latent.bias.copy_(wanted.mean(0) - weight @ mean)


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: values.shape for name, values in module.state_dict().items()}


def plan(config: FesganConfig, recipe: FesganRecipe, data_root: Path, device: torch.device) -> Plan:
    """Render and load the data and lay out the stages."""
    from fer.puppets.pool import change_source, render_portraits

    check_size(config)
    torch.manual_seed(recipe.seed)
    network = Trained(config)
    if recipe.start:
        take_over(network.model, recipe.start)
    counts = (recipe.changes, recipe.first_puppets, recipe.london)
    source, changes = change_source(data_root, recipe.seed, recipe.rendered, recipe.rendered_validation, counts)
    neutral, points = render_portraits(data_root, recipe.sitters, recipe.seed, os.cpu_count() or 1)
    if recipe.steps_drawing:
        learn_appearance(network.model, from_bytes(neutral), points)
    network.to(device)
    pairs, embed = PairSource.load(data_root), load("identity", device=str(device))
    labelled = LabelledFaces.of(data_root, recipe)

    def first(step: int) -> Batch:
        return source.draw(recipe.first_still)

    def sitters(count: int) -> Tensor:
        faces = from_bytes(neutral[torch.randint(len(neutral), (count,))])
        return torch.where(torch.rand(count, 1, 1, 1) < 0.5, faces.flip(3), faces)

    def people(step: int) -> Batch:
        return sitters(recipe.portraits), latents(recipe.portraits)

    def latents(count: int) -> Tensor:
        return torch.rand(count, config.latent) * 2 - 1

    def batch(step: int) -> Batch:
        edits = paired_edits(pairs.draw(recipe.puppets, recipe.london, 0))
        wanted = random_targets(recipe.edited + recipe.prior)
        return *edits, *labelled.batch(step), wanted, latents(recipe.prior), sitters(recipe.drawn_again)

    losses = Step(network, embed, recipe, device)
    held_out, known = load_puppets(data_root, "validation"), HeldOut.load(data_root)

    def edits_only(module: nn.Module) -> Mapping[str, float]:
        model = cast(Trained, module.eval()).model
        return edit_left(model, held_out) | changes_left(model, changes)

    def nothing(module: nn.Module) -> Mapping[str, float]:
        return {}

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        model = cast(Trained, module.eval()).model
        return known.scores(partial(reader_logits, model, mirror=False)) | edit_left(model, held_out)

    def sheet(module: nn.Module) -> list[Tensor]:
        return examples(cast(Trained, module.eval()).model, held_out)

    stages = [
        *_first_stages(network, losses, (first, people), (edits_only, nothing)),
        *_later_stages(network, losses, (labelled.batch, batch)),
    ]
    return Plan.of(config, recipe, network, stages, evaluate, sheet)


Drawn = Callable[[int], Batch]
Measured = Callable[[nn.Module], Mapping[str, float]]


def _first_stages(
    network: Trained, losses: Step, batches: tuple[Drawn, Drawn], evaluate: tuple[Measured, Measured]
) -> list[Stage]:
    """Edits by exact truth alone, then drawing."""
    recipe, model, before = losses.recipe, network.model, losses.recipe.steps_pairs
    imitation = one_cycle(recipe.pairs_rate, before, 0.05)
    editing = Phase("editing", adamw(model.generator, recipe.weight_decay), losses.imitate, imitation, clip=1.0)
    stages = [Stage("pairs", before, batches[0], [editing], evaluate[0])]
    if recipe.steps_drawing and model.artist:
        hand = nn.ModuleList([model.artist, model.generator.to_latent])
        rate = one_cycle(recipe.drawing_rate, recipe.steps_drawing, 0.05, first=before)
        critics = [adamw(part, 0.0, momentum=0.5) for part in (network.critic, network.prior)]
        phases = [
            Phase("artist", adamw(hand, recipe.weight_decay), losses.portray, rate, clip=1.0),
            Phase("portraits", critics[0], losses.criticise_portraits, lambda step: recipe.critic_rate),
            Phase("portraits' prior", critics[1], losses.match_prior, lambda step: recipe.critic_rate),
        ]
        stages.append(Stage("drawing", recipe.steps_drawing, batches[1], phases, evaluate[1]))
    return stages


def _later_stages(network: Trained, losses: Step, batches: tuple[Drawn, Drawn]) -> list[Stage]:
    """Reading of real faces, synthesis against critics, then both together."""
    recipe, (faces, batch), model = losses.recipe, batches, network.model
    drawing = nn.ModuleList([model.generator, model.artist]) if model.artist else model.generator
    generator, reader = (adamw(part, recipe.weight_decay) for part in (drawing, model.reader))
    critics = [adamw(part, 0.0, momentum=0.5) for part in (network.critic, network.prior)]
    before = recipe.steps_pairs + recipe.steps_drawing
    reading = recipe.steps_reading + recipe.steps_synthesis + recipe.steps_joint
    synthesis = one_cycle(recipe.synthesis_rate, recipe.steps_synthesis, 0.05, first=before + recipe.steps_reading)
    learning = one_cycle(recipe.reader_rate, reading, 0.1, first=before)

    def phases(joint: bool) -> list[Phase]:
        rate: Schedule = (lambda step: recipe.joint_rate) if joint else synthesis
        return [
            Phase("generator", generator, lambda b, s: losses.generate(joint, b, s), rate, clip=1.0),
            Phase("critic", critics[0], losses.criticise, lambda step: recipe.critic_rate),
            Phase("prior", critics[1], losses.match_prior, lambda step: recipe.critic_rate),
            Phase("reader", reader, lambda b, s: losses.read(joint, b, s), learning, clip=1.0),
        ]

    real = Phase("reader", reader, losses.read_real, learning, clip=1.0)
    return [
        Stage("reading", recipe.steps_reading, faces, [real]),
        Stage("synthesis", recipe.steps_synthesis, batch, phases(joint=False)),
        Stage("joint", recipe.steps_joint, batch, phases(joint=True)),
    ]


@torch.inference_mode()
def reader_logits(model: Fesgan, pixels: Tensor, mirror: bool) -> Tensor:
    """Logits (N, 8) of tight faces uint8 (N, 48, 48)."""

    def read(pictures: Tensor) -> Tensor:
        return cast(Tensor, model.reader(pictures)[1])

    parts = []
    for part in torch.split(pixels, 256):
        pictures = standardise(part[:, None].float() / 255)
        parts.append((mirrored(read, pictures) if mirror else read(pictures)).float())
    return torch.cat(parts)


def edit_left(model: Fesgan, pairs: Pairs) -> dict[str, float]:
    """See ``edits_left``; into an expression by the Action Units of the true face."""

    def both_ways(face: Tensor, neutral: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
        into, out_of = model.generator.edit(neutral, units), model.generator.edit(face, torch.zeros_like(units))
        return into.image, out_of.image

    return edits_left(both_ways, pairs)


def changes_left(model: Fesgan, held_out: Changes) -> dict[str, float]:
    """L1 that is left of changes from one expression to another: in one pass, and by way of the neutral face."""

    def changed(source: Tensor, truth: Tensor, asked: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        made = model.generator.edit(source, asked)
        calm = model.generator.edit(source, torch.zeros_like(asked)).image.clamp(-1, 1)
        return {"left_at_once": made.image, "left_in_two": model.generator.edit(calm, asked).image}, made.flow

    left = moves_left(changed, held_out)
    return {name: left[name] for name in ("left_at_once", "left_in_two")}


@torch.inference_mode()
def examples(model: Fesgan, pairs: Pairs, people: int = 8) -> list[Tensor]:
    """Rows to look at: neutral people, each with the seven expressions, drawn again, and people from the prior."""
    rows = torch.nonzero(pairs.emotion == 1)[:people, 0]
    neutral = from_bytes(pairs.neutral[rows])
    targets = [code_of(torch.full((len(rows),), k), torch.ones(len(rows))) for k in range(COUNT)]
    edits = [model.edit(neutral, target).image for target in targets[1:]]
    if model.artist is None:
        return [neutral, *edits]
    rebuilt = model.artist(model.generator.encode(neutral)[0])
    others = [model.sample(targets[0], seed=seed) for seed in (2, 3)]
    return [neutral, *edits, rebuilt, *(model.sample(targets[k], seed=1) for k in (0, 1, 2, 4)), *others]


def finish(network: nn.Module, config: FesganConfig, data_root: Path) -> tuple[Fesgan, dict[str, float]]:
    """Drop the critics, round to what is stored, fit the temperature; the model to ship and its validation numbers."""
    trained = cast(Trained, rounded_to_half(network).eval()).model
    read = partial(reader_logits, trained, mirror=True)
    model, numbers = HeldOut.load(data_root).calibrate(Fesgan, config, trained, read)
    left = edit_left(model, load_puppets(data_root, "validation"))
    return model, numbers | for_card(left)


Recipe = FesganRecipe
DATA = (PAIRS_TOLD, CHANGES_TOLD, LABELS_TOLD)
LIMITS = (
    SHOWN_NOT_FELT,
    "With the recipe's default steps neither critics nor a prior nor the joint stage take part: no faces of nobody can "
    "be drawn, and the recogniser has seen real faces alone.",
    "Edits are guesses. An opened mouth is painted as thick lips, without teeth; contempt hardly shows.",
    FEW_PEOPLE,
)
