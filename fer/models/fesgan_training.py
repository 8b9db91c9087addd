"""How ``fesgan`` is trained: edits by exact pairs, reading of real faces, synthesis against critics, both together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from fer.action_units import typical_units
from fer.data import ferplus
from fer.data.mixtures import LABELS_TOLD, PAIRS_TOLD, LabelledFaces, PairBatch, PairSource
from fer.data.pairs import Pairs, load_puppets
from fer.framing import standardise, tight_luminance
from fer.images import from_bytes
from fer.layers import QUIET, critic_layers
from fer.load import load
from fer.losses import hinge_critic, roughness, soft_cross_entropy, weighted_l1
from fer.models.fesgan import Edited, Fesgan, FesganConfig, Generator
from fer.regions import face_ellipse
from fer.removal import edits_left, for_card, landmark_flow_loss, paired_terms
from fer.sheets import save_sheet
from fer.targets import code_of, distribution_of
from fer.temperature import calibrated, reading_scores
from fer.training import Batch, Loss, Phase, Plan, Schedule, Stage, decay_groups, one_cycle
from fer.types import EMOTIONS, Framing
from fer.warping import CHANNELS
from fer.weights import rounded_to_half

START = "derl"  # the model that ``FesganRecipe.start`` names weights of
COUNT = len(EMOTIONS)


@dataclass(frozen=True)
class FesganRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = "default"  # weights of derl whose generator is taken over; fresh where empty
    steps_pairs: int = 2_600
    steps_reading: int = 1_800
    steps_synthesis: int = 0
    steps_joint: int = 0
    first_puppets: int = 14  # pairs of each source in a batch, first stage
    first_still: int = 1  # neutral FER+ faces that stay as they are
    puppets: int = 9  # and in the later ones
    london: int = 1  # in all
    ferplus: int = 48  # labelled faces of each source in a batch, for the recogniser
    lfw: int = 3
    london_faces: int = 1
    puppet_faces: int = 4
    edited: int = 4  # of the labelled faces, half FER+, half photographs, are edited to a drawn expression
    prior: int = 4  # people drawn from the prior
    pairs_rate: float = 1e-3  # of the generator, stage by stage
    synthesis_rate: float = 4e-4
    joint_rate: float = 1e-4
    critic_rate: float = 4e-4
    reader_rate: float = 2e-3
    adversarial: float = 0.02  # weights of the generator's losses; a pair's L1 counts 1
    expression: float = 0.05
    landmarks: float = 0.5  # weight of the flow's error at the landmarks of pairs, of half the picture's side
    rebuild: float = 0.5
    identity: float = 0.1
    prior_match: float = 0.01
    synthetic: float = 0.25  # weight of drawn faces in the recogniser's loss, joint stage
    into_generator: float = 0.02  # weight of the recogniser's loss in the generator's, joint stage; 0: offline
    intra: float = 0.01  # weight of the intra-class loss
    guided: bool = True  # real-data-guided back-propagation: drawn features move towards real ones, never the reverse
    weight_decay: float = 0.02
    ema_decay: float = 0.998


class Critic(nn.Module):
    """D_img: pictures (B, 3, 128, 128) -> real or drawn per patch (B, 1, 8, 8), and logits (B, 8) of the expression."""

    def __init__(self, size_px: int, widths: tuple[int, ...] = (32, 64, 96, 128)) -> None:
        super().__init__()
        self.body = nn.Sequential(*critic_layers(3, widths))
        self.real = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))
        self.expression = nn.Sequential(nn.Conv2d(widths[-1], 128, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten())
        self.head = nn.Linear(128 * (size_px // 32) ** 2, COUNT)
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(pictures.contiguous(memory_format=torch.channels_last))
        return self.real(x).float(), self.head(self.expression(x)).float()


def latent_critic(size: int) -> nn.Sequential:
    """D_z: logit that a latent (B, size) is from the prior."""
    return nn.Sequential(nn.Linear(size, 64), nn.LeakyReLU(0.2), nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))


class Trained(nn.Module):
    """What the training moves: the model, and the two critics that are thrown away."""

    def __init__(self, config: FesganConfig) -> None:
        super().__init__()
        self.model = Fesgan(config)
        self.critic, self.prior = Critic(config.size_px), latent_critic(config.latent)


def start_from_derl(generator: Generator, weights: str) -> None:
    """Take over a DeRL generator, which gives everyone the neutral face: layers, and what it draws of the last."""
    known = load(START, weights, device="cpu").generator
    known.trunk.hand_over(generator.stem, generator.encoder, generator.decoder)
    with torch.no_grad():
        for name, values in known.out.named_parameters():
            generator.out.get_parameter(name)[: CHANNELS * 4] = values
        for values in generator.from_latent.parameters():
            values.mul_(QUIET)


class PairedEdits(NamedTuple):
    """Edits whose truth is known: into an expression, out of one, or staying in one.

    source, truth: (B, 3, 128, 128). own, asked: Action Units (B, 23) of both. points: landmarks (B, 2, 68, 2) of both.
    shows: code (B, 7) of the truth.
    """

    source: Tensor
    own: Tensor
    asked: Tensor
    truth: Tensor
    points: Tensor
    shows: Tensor


def paired_edits(pairs: PairBatch) -> PairedEdits:
    """Edits at random between the faces of pairs: 45 % into, 35 % out of, 10 + 10 % staying."""
    choice = torch.rand(len(pairs.emotion))
    from_face, to_face = choice > 0.55, (choice < 0.45) | (choice > 0.9)

    def pick(which: Tensor, face: Tensor, neutral: Tensor | None = None) -> Tensor:
        neutral = torch.zeros_like(face) if neutral is None else neutral
        return torch.where(which.view(-1, *[1] * (face.ndim - 1)), face, neutral)

    return PairedEdits(
        source=pick(from_face, pairs.face, pairs.neutral),
        own=pick(from_face, pairs.action_units),
        asked=pick(to_face, pairs.action_units),
        truth=pick(to_face, pairs.face, pairs.neutral),
        points=torch.stack([pick(which, *pairs.points.unbind(1)) for which in (from_face, to_face)], 1),
        shows=pick(to_face, code_of(pairs.emotion, pairs.intensity)),
    )


PAIRED = len(PairedEdits._fields)


def random_targets(count: int) -> Tensor:
    """Target codes (count, 7): an expression at random, at 0.4 to 1; one in eight neutral."""
    return code_of(torch.randint(COUNT, (count,)), 0.4 + 0.6 * torch.rand(count))


def intra_class_loss(real: Tensor, other: Tensor, drawn: Tensor, guided: bool) -> Tensor:
    """Distance of real features (B, F) of one class to each other and of drawn ones to the real.

    guided: no gradient of the second term reaches the real features (real-data-guided back-propagation).
    """
    target = real.detach() if guided else real
    return (real - other).square().sum(1).mean() + (target - drawn).square().sum(1).mean()


def same_class(labels: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """For every wanted class (M,) a row of ``labels`` (N,) that has it, at random: rows (K,), places in wanted (K,)."""
    match = (labels[None] == wanted[:, None]).float()
    places = torch.nonzero(match.sum(1))[:, 0]
    if not len(places):
        return places, places
    return torch.multinomial(match[places], 1)[:, 0], places


@dataclass(eq=False)
class Made:
    """What the generator's phase hands on to the others of the same step."""

    pictures: Tensor  # edited and drawn faces
    target: Tensor  # their distributions (B, 8)
    latent: Tensor  # g of the faces that were encoded


class Step:
    """The losses of one step. A batch: the fields of ``PairedEdits``, then, but for ``imitate``, what ``plan`` adds."""

    def __init__(self, network: Trained, embed: nn.Module, recipe: FesganRecipe, device: torch.device) -> None:
        self.network, self.embed, self.recipe, self.device = network, embed, recipe, device
        self.made: Made  # by ``generate``, which comes first in every step

    def imitate(self, batch: Batch, step: int) -> Loss:
        """The generator: paired edits alone."""
        pairs = PairedEdits(*batch)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            terms = self._of_pairs(self.network.model.generator.edit(pairs.source, pairs.asked), pairs)
        return Loss(torch.stack([term.float() for term in terms.values()]).sum(), terms)

    def _of_pairs(self, edits: Edited, pairs: PairedEdits) -> dict[str, Tensor]:
        """Losses of edits whose first rows are the pairs'."""
        count = len(pairs.source)
        return paired_terms(edits.image[:count], pairs.source, pairs.truth) | {
            "mask": 0.01 * edits.mask.mean(),
            "flow": 50 * roughness(edits.flow * 2 / edits.flow.shape[-1]),
            "landmarks": self.recipe.landmarks * landmark_flow_loss(edits.flow[:count], pairs.points),
        }

    def read_real(self, batch: Batch, step: int) -> Loss:
        """The recogniser: real faces alone. A batch: faces and distributions."""
        faces, target = batch
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            return Loss(soft_cross_entropy(self._read(faces)[1], target))

    def generate(self, joint: bool, batch: Batch, step: int) -> Loss:
        """The generator: paired edits, rebuilt faces, edits of labelled faces, people from the prior."""
        recipe, model = self.recipe, self.network.model
        pairs, (faces, target, wanted, prior) = PairedEdits(*batch[:PAIRED]), batch[PAIRED:]
        shown, shown_code = self._ends(faces), self._ends(target)[:, 1:]
        edited_code, prior_code = wanted[: recipe.edited], wanted[recipe.edited :]
        asked = torch.cat([pairs.asked, typical_units(edited_code)])
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            inputs = torch.cat([pairs.source, shown])
            latent, layers = model.generator.encode(inputs)
            edits = model.generator.compose(inputs, model.generator.decode(latent, asked, layers))
            first = len(pairs.source)
            tight = slice(first, first + recipe.edited // 2)  # FER+ faces, grey and coarse: not drawn whole
            own = torch.cat([pairs.own, typical_units(shown_code)])
            drawn_of, known, units = (self._without(rows, tight) for rows in (inputs, latent, own))
            rebuilt = model.generator.draw(known, units)
            people = model.generator.draw(prior, typical_units(prior_code))
            free = torch.cat([edits.image[first:], people])
            free_target = distribution_of(torch.cat([edited_code, prior_code]))
            terms = self._of_pairs(edits, pairs) | {
                "rebuild": recipe.rebuild * weighted_l1(rebuilt, drawn_of, self._inside(drawn_of)),
                "identity": recipe.identity * self._strangeness(edits.image, rebuilt, inputs, tight),
                "prior": recipe.prior_match * F.softplus(-self.network.prior(latent.float())).mean(),
            }
            score, expression = self.network.critic(free)
            terms["adversarial"] = -recipe.adversarial * score.mean()
            terms["expression"] = recipe.expression * soft_cross_entropy(expression, free_target)
            if joint and recipe.into_generator:
                terms["reader"] = recipe.into_generator * soft_cross_entropy(self._read(free)[1], free_target)
        self.made = Made(free.detach(), free_target, latent.detach().float())
        return Loss(torch.stack([term.float() for term in terms.values()]).sum(), terms)

    def _ends(self, rows: Tensor) -> Tensor:
        """The rows that are edited: the first are FER+ faces, the last aligned photographs."""
        first = self.recipe.edited // 2
        return torch.cat([rows[:first], rows[len(rows) - (self.recipe.edited - first) :]])

    def _inside(self, faces: Tensor) -> Tensor:
        return 0.3 + 0.7 * face_ellipse(faces.shape[-1]).to(faces.device)

    @staticmethod
    def _without(rows: Tensor, left_out: slice) -> Tensor:
        return torch.cat([rows[: left_out.start], rows[left_out.stop :]])

    def _strangeness(self, edited: Tensor, rebuilt: Tensor, inputs: Tensor, left_out: slice) -> Tensor:
        known = self.embed(inputs).detach()
        alike: Tensor = (
            self.embed(torch.cat([edited, rebuilt])) * torch.cat([known, self._without(known, left_out)])
        ).sum(1)
        return (1 - alike).mean()

    def _read(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        reader = self.network.model.reader
        luminance = tight_luminance(faces, Framing.ALIGNED, self.network.model.config.reader_px)
        features, logits = reader(standardise(luminance))
        return features.float(), logits.float()

    def criticise(self, batch: Batch, step: int) -> Loss:
        """D_img: real against drawn, and the expression of real faces."""
        pairs, (faces, target, _, _) = PairedEdits(*batch[:PAIRED]), batch[PAIRED:]
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            real, expression = self.network.critic(torch.cat([pairs.truth, self._ends(faces)]))
            drawn, _ = self.network.critic(self.made.pictures)
        terms = {
            "real": hinge_critic(real, drawn),
            "expression": soft_cross_entropy(expression, torch.cat([distribution_of(pairs.shows), self._ends(target)])),
        }
        return Loss(torch.stack(list(terms.values())).sum(), terms)

    def match_prior(self, batch: Batch, step: int) -> Loss:
        """D_z on logits: the prior against the encoder's g."""
        prior = torch.rand_like(self.made.latent) * 2 - 1
        told = self.network.prior
        return Loss(F.softplus(-told(prior)).mean() + F.softplus(told(self.made.latent)).mean())

    def read(self, joint: bool, batch: Batch, step: int) -> Loss:
        """The recogniser: real faces; in the joint stage drawn ones and the intra-class loss too."""
        faces, target, _, _ = batch[PAIRED:]
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            features, logits = self._read(faces)
        terms = {"read": soft_cross_entropy(logits, target)}
        if joint:
            terms |= self._from_drawn(features, target)
        return Loss(torch.stack(list(terms.values())).sum(), terms)

    def _from_drawn(self, features: Tensor, target: Tensor) -> dict[str, Tensor]:
        recipe, made = self.recipe, self.made
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            drawn, logits = self._read(made.pictures)
        terms = {"drawn": recipe.synthetic * soft_cross_entropy(logits, made.target)}
        labels, wanted = target.argmax(1), made.target.argmax(1)
        rows, places = same_class(labels, wanted)
        others, _ = same_class(labels, wanted[places])
        if recipe.intra and len(rows):
            pulled = intra_class_loss(features[rows], features[others], drawn[places], recipe.guided)
            terms["intra"] = recipe.intra * pulled
        return terms


def plan(config: FesganConfig, recipe: FesganRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out both stages."""
    torch.manual_seed(recipe.seed)
    network = Trained(config)
    if recipe.start:
        start_from_derl(network.model.generator, recipe.start)
    network.to(device)
    pairs, embed = PairSource.load(data_root), load("identity", device=str(device))
    counts = (recipe.ferplus, recipe.lfw, recipe.london_faces, recipe.puppet_faces)
    labelled = LabelledFaces(data_root, counts, recipe.seed)

    def first(step: int) -> Batch:
        drawn = paired_edits(pairs.draw(recipe.first_puppets, recipe.london, recipe.first_still))
        return tuple(v.to(device) for v in drawn)

    def faces(step: int) -> Batch:
        return tuple(v.to(device) for v in labelled.batch(step, strength=0.7))

    def batch(step: int) -> Batch:
        edits = paired_edits(pairs.draw(recipe.puppets, recipe.london, 0))
        wanted = random_targets(recipe.edited + recipe.prior)
        prior = torch.rand(recipe.prior, config.latent) * 2 - 1
        return tuple(v.to(device) for v in (*edits, *faces(step), wanted, prior))

    losses = Step(network, embed, recipe, device)
    held_out = load_puppets(data_root, "validation")
    pixels, labels = ferplus.load_validation(data_root)

    def edits_only(module: nn.Module) -> Mapping[str, float]:
        return edit_left(cast(Trained, module.eval()).model, held_out)

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        model = cast(Trained, module.eval()).model
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = reader_logits(model, pixels, mirror=False)
        return reading_scores(logits, labels) | edit_left(model, held_out)

    def sheet(module: nn.Module, path: Path) -> None:
        save_sheet(examples(cast(Trained, module).model, held_out), path)

    identity = json.dumps([asdict(config), asdict(recipe)])
    stages = [stage for stage in _stages(network, losses, recipe, (first, faces, batch), edits_only) if stage.steps]
    return Plan(network, stages, evaluate, recipe.seed, recipe.ema_decay, identity, sheet)


def _stages(
    network: Trained,
    losses: Step,
    recipe: FesganRecipe,
    batches: tuple[Callable[[int], Batch], Callable[[int], Batch], Callable[[int], Batch]],
    edits_only: Callable[[nn.Module], Mapping[str, float]],
) -> list[Stage]:
    (first, faces, batch), model = batches, network.model
    generator = torch.optim.AdamW(decay_groups(model.generator, recipe.weight_decay), betas=(0.9, 0.99))
    critics = [
        torch.optim.AdamW(decay_groups(part, 0.0), betas=(0.5, 0.99)) for part in (network.critic, network.prior)
    ]
    reader = torch.optim.AdamW(decay_groups(model.reader, recipe.weight_decay), betas=(0.9, 0.99))
    before, reading = recipe.steps_pairs, recipe.steps_reading + recipe.steps_synthesis + recipe.steps_joint
    imitation = one_cycle(recipe.pairs_rate, before, 0.05)
    synthesis = one_cycle(recipe.synthesis_rate, recipe.steps_synthesis, 0.05)
    learning = one_cycle(recipe.reader_rate, reading, 0.1)

    def phases(joint: bool) -> list[Phase]:
        rate: Schedule = (
            (lambda step: recipe.joint_rate)
            if joint
            else (lambda step: synthesis(step - before - recipe.steps_reading))
        )
        return [
            Phase("generator", generator, lambda b, s: losses.generate(joint, b, s), rate, clip=1.0),
            Phase("critic", critics[0], losses.criticise, lambda step: recipe.critic_rate),
            Phase("prior", critics[1], losses.match_prior, lambda step: recipe.critic_rate),
            Phase("reader", reader, lambda b, s: losses.read(joint, b, s), lambda s: learning(s - before), clip=1.0),
        ]

    alone = Phase("generator", generator, losses.imitate, imitation, clip=1.0)
    real = Phase("reader", reader, losses.read_real, lambda s: learning(s - before), clip=1.0)
    return [
        Stage("pairs", before, first, [alone], edits_only),
        Stage("reading", recipe.steps_reading, faces, [real]),
        Stage("synthesis", recipe.steps_synthesis, batch, phases(joint=False)),
        Stage("joint", recipe.steps_joint, batch, phases(joint=True)),
    ]


@torch.inference_mode()
def reader_logits(model: Fesgan, pixels: Tensor, mirror: bool) -> Tensor:
    """Logits (N, 8) of tight faces uint8 (N, 48, 48)."""
    parts = []
    for part in torch.split(pixels, 256):
        pictures = standardise(part[:, None].float() / 255)
        logits = model.reader(pictures)[1].float()
        parts.append((logits + model.reader(pictures.flip(3))[1].float()) / 2 if mirror else logits)
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
    pixels, labels = ferplus.load_validation(data_root)
    logits = reader_logits(trained, pixels, mirror=True)
    temperature, numbers = calibrated(logits, labels)
    model = Fesgan(replace(config, temperature=temperature))
    model.load_state_dict(trained.state_dict())
    left = edit_left(model.eval(), load_puppets(data_root, "validation"))
    return model, numbers | for_card(left)


Recipe = FesganRecipe
DATA = (PAIRS_TOLD, LABELS_TOLD)
LIMITS = (
    "It labels what a face shows, not what a person feels.",
    "With the recipe's default steps neither critics nor a prior nor the joint stage take part: no faces of nobody can "
    "be drawn, and the recogniser has seen real faces alone.",
    "Edits are guesses. An opened mouth is painted as thick lips, without teeth; contempt hardly shows.",
    "Trained on few people, mostly light-skinned and roughly frontal. Large turns, glasses, beards and hands are "
    "seldom seen in training.",
)
