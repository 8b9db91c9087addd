"""What ``fesgan`` is held to: the numbers of its training, its critics, and the losses of each of its phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from fer.action_units import typical_units
from fer.data.mixtures import PairBatch
from fer.framing import standardise, tight_luminance
from fer.layers import critic_layers
from fer.losses import hinge_critic, soft_cross_entropy, unlikeness, weighted_l1
from fer.models.fesgan import Fesgan, FesganConfig
from fer.regions import face_ellipse
from fer.removal import composed_terms
from fer.targets import code_of, distribution_of
from fer.training import Batch, Loss
from fer.types import EMOTIONS, Framing
from fer.warping import Composed

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
        return Loss.of(terms)

    def _of_pairs(self, edits: Composed, pairs: PairedEdits) -> dict[str, Tensor]:
        return composed_terms(edits, pairs.source, pairs.truth, pairs.points, self.recipe.landmarks)

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
        return Loss.of(terms)

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
        made = self.embed(torch.cat([edited, rebuilt]))
        return unlikeness(made, torch.cat([known, self._without(known, left_out)]))

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
        return Loss.of(terms)

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
        return Loss.of(terms)

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
