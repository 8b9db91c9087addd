"""How ``fesgan`` is trained: edits by exact pairs, reading of real faces, synthesis against critics, both together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer.action_units import typical_units
from fer.data.mixtures import FEW_PEOPLE, LABELS_TOLD, PAIRS_TOLD, SHOWN_NOT_FELT, LabelledFaces, PairSource, check_size
from fer.data.pairs import Pairs, load_puppets
from fer.framing import mirrored, standardise
from fer.images import from_bytes
from fer.layers import QUIET
from fer.load import allowed_start, load, taking_over
from fer.models.fesgan import Fesgan, FesganConfig, Generator
from fer.models.fesgan_losses import COUNT, FesganRecipe, Step, Trained, paired_edits, random_targets
from fer.removal import edits_left, for_card
from fer.targets import code_of
from fer.temperature import HeldOut
from fer.training import Batch, Phase, Plan, Schedule, Stage, adamw, one_cycle
from fer.warping import CHANNELS
from fer.weights import rounded_to_half

START = "derl"  # the model that ``FesganRecipe.start`` names weights of


def start_from_derl(generator: Generator, start: str) -> None:
    """Take over a DeRL generator, which gives everyone the neutral face: layers, and what it draws of the last.

    Raises TrainingError for weights of other models or of another shape.
    """
    known = load(*allowed_start(start, (START,)), device="cpu").generator
    with taking_over(start), torch.no_grad():
        known.trunk.hand_over(generator.stem, generator.encoder, generator.decoder)
        for name, values in known.out.named_parameters():
            generator.out.get_parameter(name)[: CHANNELS * 4] = values
        for values in generator.from_latent.parameters():
            values.mul_(QUIET)


def plan(config: FesganConfig, recipe: FesganRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the stages."""
    check_size(config)
    torch.manual_seed(recipe.seed)
    network = Trained(config)
    if recipe.start:
        start_from_derl(network.model.generator, recipe.start)
    network.to(device)
    pairs, embed = PairSource.load(data_root), load("identity", device=str(device))
    labelled = LabelledFaces.of(data_root, recipe)

    def first(step: int) -> Batch:
        return paired_edits(pairs.draw(recipe.first_puppets, recipe.london, recipe.first_still))

    def batch(step: int) -> Batch:
        edits = paired_edits(pairs.draw(recipe.puppets, recipe.london, 0))
        wanted = random_targets(recipe.edited + recipe.prior)
        prior = torch.rand(recipe.prior, config.latent) * 2 - 1
        return *edits, *labelled.batch(step), wanted, prior

    losses = Step(network, embed, recipe, device)
    held_out, known = load_puppets(data_root, "validation"), HeldOut.load(data_root)

    def edits_only(module: nn.Module) -> Mapping[str, float]:
        return edit_left(cast(Trained, module.eval()).model, held_out)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        model = cast(Trained, module.eval()).model
        return known.scores(partial(reader_logits, model, mirror=False)) | edit_left(model, held_out)

    def sheet(module: nn.Module) -> list[Tensor]:
        return examples(cast(Trained, module).model, held_out)

    stages = _stages(network, losses, recipe, (first, labelled.batch, batch), edits_only)
    return Plan.of(config, recipe, network, stages, evaluate, sheet)


def _stages(
    network: Trained,
    losses: Step,
    recipe: FesganRecipe,
    batches: tuple[Callable[[int], Batch], Callable[[int], Batch], Callable[[int], Batch]],
    edits_only: Callable[[nn.Module], Mapping[str, float]],
) -> list[Stage]:
    (first, faces, batch), model = batches, network.model
    generator, reader = (adamw(part, recipe.weight_decay) for part in (model.generator, model.reader))
    critics = [adamw(part, 0.0, momentum=0.5) for part in (network.critic, network.prior)]
    before, reading = recipe.steps_pairs, recipe.steps_reading + recipe.steps_synthesis + recipe.steps_joint
    imitation = one_cycle(recipe.pairs_rate, before, 0.05)
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

    alone = Phase("generator", generator, losses.imitate, imitation, clip=1.0)
    real = Phase("reader", reader, losses.read_real, learning, clip=1.0)
    return [
        Stage("pairs", before, first, [alone], edits_only),
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


@torch.inference_mode()
def examples(model: Fesgan, pairs: Pairs, people: int = 8) -> list[Tensor]:
    """Rows to look at: neutral people, each with the seven expressions, rebuilt, and people from the prior."""
    rows = torch.nonzero(pairs.emotion == 1)[:people, 0]
    neutral = from_bytes(pairs.neutral[rows])
    targets = [code_of(torch.full((len(rows),), k), torch.ones(len(rows))) for k in range(COUNT)]
    edits = [model.edit(neutral, target).image for target in targets[1:]]
    rebuilt = model.generator.draw(model.generator.encode(neutral)[0], typical_units(targets[0]))
    return [neutral, *edits, rebuilt, *(model.sample(targets[k], seed=1) for k in (0, 1, 2, 4))]


def finish(network: nn.Module, config: FesganConfig, data_root: Path) -> tuple[Fesgan, dict[str, float]]:
    """Drop the critics, round to what is stored, fit the temperature; the model to ship and its validation numbers."""
    trained = cast(Trained, rounded_to_half(network).eval()).model
    read = partial(reader_logits, trained, mirror=True)
    model, numbers = HeldOut.load(data_root).calibrate(Fesgan, config, trained, read)
    left = edit_left(model, load_puppets(data_root, "validation"))
    return model, numbers | for_card(left)


Recipe = FesganRecipe
DATA = (PAIRS_TOLD, LABELS_TOLD)
LIMITS = (
    SHOWN_NOT_FELT,
    "With the recipe's default steps neither critics nor a prior nor the joint stage take part: no faces of nobody can "
    "be drawn, and the recogniser has seen real faces alone.",
    "Edits are guesses. An opened mouth is painted as thick lips, without teeth; contempt hardly shows.",
    FEW_PEOPLE,
)
