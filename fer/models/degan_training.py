"""How ``degan`` is trained: encoder and decoder by pairs, then by synthesis; then, the encoder frozen, the readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fer.augmentation import moved, photograph, similarities, soften
from fer.data.mixtures import (
    FEW_PEOPLE,
    LABELS_TOLD,
    PAIRS_TOLD,
    SHOWN_NOT_FELT,
    LabelledFaces,
    PairSource,
    tight_logits,
)
from fer.data.pairs import Pairs, load_puppets
from fer.images import from_bytes
from fer.layers import QUIET
from fer.load import allowed_start, load, taking_over
from fer.models.degan import Degan, DeganConfig, prototypes_of
from fer.models.degan_losses import DeganRecipe, Paired, Step, Trained
from fer.removal import edits_left, for_card, left_over
from fer.targets import code_of, distribution_of
from fer.temperature import HeldOut
from fer.training import Batch, Phase, Plan, Stage, adamw, decay_groups, one_cycle
from fer.types import EMOTIONS, Framing
from fer.weights import rounded_to_half

START = "derl"  # the model that ``DeganRecipe.start`` names weights of, unless it says another
BESIDE = ("au",)  # what is taken over with those
ABSENT, SPAN = -2.5, 0.3  # logits of ``au`` become f_exp: what is taken for nothing, and how much one counts
CLEAREST = 1 / 3  # share of the faces of an expression, the strongest, whose mean is its prototype


def other_view(faces: Tensor) -> Tensor:
    """Copies of faces (B, 3, S, S) in another light, a little out of place, some of them soft; never mirrored.

    A mirrored copy would show another expression wherever one is not symmetric.
    """
    faces = photograph(faces, 1.0)
    return soften(moved(faces, similarities(len(faces), 0.08, 0.04, mirrored=0.0)), 0.4, lowest=0.25).clamp(-1, 1)


def draw_pairs(pairs: PairSource, puppets: int, recipe: DeganRecipe) -> Paired:
    """Pairs at random, rendered ones first."""
    drawn = pairs.draw(puppets, recipe.london, 0)
    return Paired(
        drawn.face,
        drawn.neutral,
        other_view(drawn.face),
        other_view(drawn.neutral),
        distribution_of(code_of(drawn.emotion, drawn.intensity)),
        drawn.action_units,
        drawn.points,
        torch.rand(2 * len(drawn.face)) < recipe.same,
    )


def draw(pairs: PairSource, labelled: tuple[Tensor, Tensor], recipe: DeganRecipe) -> Batch:
    """The fields of ``Given``: pairs at random beside labelled faces with their distributions."""
    paired = draw_pairs(pairs, recipe.puppets, recipe)
    hosts = torch.arange(len(paired.face) + recipe.transferred)
    return (
        *paired,
        *labelled,
        torch.rand(len(paired.face)) < 0.5,
        hosts.roll(int(torch.randint(1, len(hosts), ()))),  # nobody lends to himself
    )


def take_over(model: Degan, start: str) -> None:
    """Start from other weights: degan's own, or the generator of derl, which becomes the decoder, and ``au``.

    start: see ``DeganRecipe``. Raises TrainingError for weights of other models or of another shape.
    """
    known = load(*allowed_start(start, (START, "degan")), device="cpu")
    if isinstance(known, Degan):
        with taking_over(start):
            model.load_state_dict(known.state_dict())
        return
    start_reading(model)
    decoder = model.decoder
    with taking_over(start), torch.no_grad():
        known.generator.trunk.hand_over(decoder.stem, decoder.person, decoder.levels)
        decoder.out.load_state_dict(known.generator.out.state_dict())
        for values in decoder.from_code.parameters():
            values.mul_(QUIET)


def start_reading(model: Degan) -> None:
    """The encoder becomes the reader of Action Units, whose logits are the first numbers of f_exp.

    Raises TrainingError where their shapes differ.
    """
    trunk, encoder = load(*BESIDE, device="cpu").network, model.encoder
    count = len(encoder.trunk)
    with taking_over(f"{BESIDE[0]}:default"), torch.no_grad():
        encoder.trunk.load_state_dict(trunk[:count].state_dict())
        *before, last = trunk[count:]
        for own, other in zip(encoder.code, before, strict=False):
            own.load_state_dict(other.state_dict())
        numbers = cast(nn.Linear, encoder.code[-1])
        rows = min(len(numbers.bias), len(last.bias))
        numbers.weight[:rows] = SPAN * last.weight[:rows]
        numbers.bias[:rows] = SPAN * (last.bias[:rows] - ABSENT)


def plan(config: DeganConfig, recipe: DeganRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the stages."""
    torch.manual_seed(recipe.seed)
    embed = load("identity", device=str(device))
    people = embed(torch.zeros(1, 3, config.size_px, config.size_px, device=device)).shape[1]
    network = Trained(config, people)
    if recipe.start:
        take_over(network.model, recipe.start)
    losses = Step(network.to(device), embed, recipe, device)
    labelled, held_out = LabelledFaces.of(data_root, recipe), load_puppets(data_root, "validation")
    stages = []
    if recipe.steps_pairs or recipe.steps_synthesis:
        pairs = PairSource.load(data_root)

        def first(step: int) -> Batch:
            return draw_pairs(pairs, recipe.first_puppets, recipe)

        def batch(step: int) -> Batch:
            return draw(pairs, labelled.batch(step), recipe)

        stages += _synthesis_stages(network, losses, first, batch)
    if recipe.steps_readers:
        stages.append(_reader_stage(network, losses, labelled, data_root))

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return edit_left(cast(Trained, module.eval()).model, held_out)

    def sheet(module: nn.Module) -> list[Tensor]:
        return examples(cast(Trained, module.eval()).model, held_out)

    return Plan.of(config, recipe, network, stages, evaluate, sheet)


def _synthesis_stages(
    network: Trained, losses: Step, first: Callable[[int], Batch], batch: Callable[[int], Batch]
) -> list[Stage]:
    recipe, before = losses.recipe, losses.recipe.steps_pairs
    groups = [
        *decay_groups(network.model.encoder, recipe.weight_decay, recipe.encoder_pace),
        *decay_groups(network.beside_encoder(), recipe.weight_decay),
    ]
    synthesis = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    critic = adamw(network.critic, 0.0, momentum=0.5)
    imitation = one_cycle(recipe.pairs_rate, before, 0.05)
    rate = one_cycle(recipe.synthesis_rate, recipe.steps_synthesis, 0.05, first=before)
    phases = [
        Phase("synthesis", synthesis, losses.synthesize, rate, clip=1.0),
        Phase("critic", critic, losses.criticise, lambda step: recipe.critic_rate),
    ]
    return [
        Stage("pairs", before, first, [Phase("synthesis", synthesis, losses.rebuild, imitation, clip=1.0)]),
        Stage("synthesis", recipe.steps_synthesis, batch, phases),
    ]


def _reader_stage(network: Trained, losses: Step, labelled: LabelledFaces, data_root: Path) -> Stage:
    recipe = losses.recipe
    before = recipe.steps_pairs + recipe.steps_synthesis
    rate = one_cycle(recipe.reader_rate, recipe.steps_readers, 0.1, first=before)
    phase = Phase("read", adamw(network.readers(), recipe.weight_decay), losses.read, rate, clip=1.0)
    held_out = HeldOut.load(data_root)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return held_out.scores(partial(fused_logits, cast(Trained, module.eval()).model, mirror=False))

    return Stage("readers", recipe.steps_readers, labelled.batch, [phase], evaluate)


def fused_logits(model: Degan, pixels: Tensor, mirror: bool) -> Tensor:
    """The fusion's logits (N, 8) of tight faces uint8 (N, 48, 48)."""
    return tight_logits(lambda faces: model.votes(model.seen(faces, Framing.TIGHT))[1], pixels, None, mirror)


def edit_left(model: Degan, pairs: Pairs) -> dict[str, float]:
    """See ``edits_left``; by the codes of the true faces."""

    def both_ways(face: Tensor, neutral: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        into = model.decode(neutral, model.expression_of(face)).image
        return into, model.decode(face, model.expression_of(neutral)).image

    return edits_left(both_ways, pairs)


@torch.inference_mode()
def prototypes(model: Degan, pairs: Pairs, batch: int = 100) -> Tensor:
    """Mean f_exp (8, code) of clear expressions, and of the neutral faces."""
    clear = []
    for k in range(1, len(EMOTIONS)):
        rows = torch.nonzero(pairs.emotion == k)[:, 0]
        strength = pairs.intensity[rows]
        clear.append(rows[strength >= strength.quantile(1 - CLEAREST)] if len(rows) else rows)
    codes, emotions = [], []
    for rows in torch.split(torch.cat(clear), batch):
        for pictures, emotion in ((pairs.face[rows], pairs.emotion[rows]), (pairs.neutral[rows], 0 * rows)):
            codes.append(model.expression_of(from_bytes(pictures)))
            emotions.append(emotion)
    return prototypes_of(torch.cat(codes), torch.cat(emotions))


@torch.inference_mode()
def examples(model: Degan, pairs: Pairs, people: int = 8) -> list[Tensor]:
    """Rows to look at: neutral people; what one face of each expression lends them, each row beginning with that face;
    what the eight prototypes of ``pairs`` make of them.
    """
    shown = [int(torch.nonzero(pairs.emotion == k)[-1, 0]) for k in range(1, len(EMOTIONS))]
    neutral = from_bytes(pairs.neutral[torch.nonzero(pairs.emotion == 1)[:people, 0]])
    rows = [torch.cat([torch.zeros_like(neutral[:1]), neutral])]
    for row in shown:
        source = from_bytes(pairs.face[row : row + 1])
        made = model.decode(neutral, model.expression_of(source).expand(len(neutral), -1)).image
        rows.append(torch.cat([source, made.clamp(-1, 1)]))
    points = prototypes(model, pairs)
    for k in range(len(EMOTIONS)):
        made = model.decode(neutral, points[k : k + 1].expand(len(neutral), -1)).image
        rows.append(torch.cat([torch.zeros_like(neutral[:1]), made.clamp(-1, 1)]))
    return rows


def finish(network: nn.Module, config: DeganConfig, data_root: Path) -> tuple[Degan, dict[str, float]]:
    """Drop the critic, make the prototypes, round to what is stored, fit the temperature; the model and its numbers."""
    trained = cast(Trained, rounded_to_half(network).eval()).model
    trained.prototypes.copy_(prototypes(trained, load_puppets(data_root, "train")))
    rounded_to_half(trained)
    read = partial(fused_logits, trained, mirror=True)
    model, numbers = HeldOut.load(data_root).calibrate(Degan, config, trained, read)
    held_out, calm = load_puppets(data_root, "validation"), model.prototypes[:1]
    neutral = left_over(lambda faces: model.decode(faces, calm.expand(len(faces), -1)).image, held_out)
    left = edit_left(model, held_out) | {name: neutral[name] for name in ("left", "neutral_l1")}
    return model, numbers | for_card(left)


Recipe = DeganRecipe
DATA = (PAIRS_TOLD, LABELS_TOLD)
LIMITS = (
    SHOWN_NOT_FELT,
    "Edits and transfers are guesses. A transfer carries over what 32 numbers hold: not the look of the eyes, nor the "
    "pose of the head.",
    FEW_PEOPLE,
)
