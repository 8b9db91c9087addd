"""The losses of ``degan``: what a step starts from, the critic, and the losses of the stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from fer.action_units import ACTION_UNITS
from fer.layers import critic_layers
from fer.losses import fusion_loss, hinge_critic, soft_cross_entropy, unlikeness
from fer.models.degan import Degan, DeganConfig
from fer.removal import composed_terms
from fer.training import Batch, Loss
from fer.types import EMOTIONS, Framing

COUNT = len(EMOTIONS)


@dataclass(frozen=True)
class DeganRecipe:
    """The numbers of one training."""

    seed: int = 0
    start: str = "default"  # "degan:WEIGHTS" to go on, or weights of derl for the decoder, beside ``au``; "": fresh
    steps_pairs: int = 2_200
    steps_synthesis: int = 500
    steps_readers: int = 1_800
    first_puppets: int = 8  # pairs of each source in a batch, first stage
    puppets: int = 7  # and in synthesis
    london: int = 1  # in both
    same: float = 0.12  # share of the reconstructions whose picture of the person is the truth itself
    ferplus: int = 32  # labelled faces of each source in a batch
    lfw: int = 3
    london_faces: int = 1
    puppet_faces: int = 4
    transferred: int = 8  # of the labelled faces, the last ones, are given another expression and lend theirs
    pairs_rate: float = 1e-3
    encoder_pace: float = 0.3  # the encoder's rate as a multiple of the decoder's
    synthesis_rate: float = 4e-4
    critic_rate: float = 4e-4
    reader_rate: float = 2e-3
    adversarial: float = 0.02  # weights of the losses of synthesis; a reconstruction's L1 counts 1
    expression: float = 0.05
    consistency: float = 0.2
    identity: float = 0.1
    naming: float = 0.1
    units: float = 0.3
    landmarks: float = 0.5  # weight of the flow's error at the landmarks of pairs, of half the picture's side
    mismatch: float = 0.5  # weight of real faces of the wrong person in the critic's loss
    local_weight: float = 0.25  # of each local network's loss; the fusion's is 1
    weight_decay: float = 0.02
    ema_decay: float = 0.998


class Critic(nn.Module):
    """Pictures (B, 3, 128, 128) and who they should show (B, N) -> (B, 1, 8, 8) real, of this person; logits (B, 8).

    Who: a unit vector of the frozen face embedding, of another picture of the person.
    """

    def __init__(self, people: int, widths: tuple[int, ...] = (32, 64, 96, 128)) -> None:
        super().__init__()
        self.body = nn.Sequential(*critic_layers(3, widths))
        self.real = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))
        self.features = nn.Sequential(spectral_norm(nn.Conv2d(widths[-1], 128, 3, 1, 1)), nn.LeakyReLU(0.2))
        self.person = spectral_norm(nn.Linear(people, 128, bias=False))
        self.expression = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128 * 16, COUNT))
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor, who: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(pictures.contiguous(memory_format=torch.channels_last))
        features = self.features(x)
        agreement = (features.mean((2, 3)) * self.person(who)).sum(1).view(-1, 1, 1, 1)
        return (self.real(x) + agreement).float(), self.expression(features).float()


class Trained(nn.Module):
    """What the training moves: the model, and what is thrown away."""

    def __init__(self, config: DeganConfig, people: int) -> None:
        """people: numbers in the frozen face embedding."""
        super().__init__()
        self.model = Degan(config)
        self.critic = Critic(people)
        self.naming = nn.Linear(config.code, COUNT)  # names the expression from f_exp
        self.units = nn.Linear(config.code, len(ACTION_UNITS))  # tells the strengths of Action Units from f_exp

    def beside_encoder(self) -> nn.ModuleList:
        """What the phase of synthesis trains beside the encoder."""
        return nn.ModuleList([self.model.decoder, self.naming, self.units])

    def readers(self) -> nn.ModuleList:
        """What the last stage trains."""
        return nn.ModuleList([self.model.locals, self.model.fusion])


class Paired(NamedTuple):
    """P pairs."""

    face: Tensor  # (P, 3, 128, 128)
    neutral: Tensor  # (P, 3, 128, 128)
    face_view: Tensor  # (P, 3, 128, 128), what the encoder sees of them
    neutral_view: Tensor  # (P, 3, 128, 128)
    shown: Tensor  # distributions (P, 8) of the faces
    strengths: Tensor  # Action Units (P, 23) of the faces
    points: Tensor  # landmarks (P, 2, 68, 2) of face and neutral face in the unit square, nan where not known
    same: Tensor  # bool (2 P,), whether a reconstruction's picture of the person is the truth itself

    def reconstructions(self) -> tuple[Tensor, Tensor]:
        """Pictures of the people and truths (2 P, 3, 128, 128): all faces, then all neutral faces."""
        truth = torch.cat([self.face, self.neutral])
        return chosen(self.same, truth, torch.cat([self.neutral, self.face])), truth

    def places(self) -> Tensor:
        """Landmarks (2 P, 2, 68, 2) of the pictures of the people and of the truths."""
        truth, other = self.points.transpose(0, 1).flatten(0, 1), self.points.flip(1).transpose(0, 1).flatten(0, 1)
        return torch.stack([torch.where(self.same[:, None, None], truth, other), truth], 1)

    def names(self) -> Tensor:
        """Distributions (2 P, 8) of what the encoder sees of them."""
        calm = F.one_hot(torch.zeros(len(self.face), dtype=torch.long), COUNT).to(self.shown)
        return torch.cat([self.shown, calm])

    def all_strengths(self) -> Tensor:
        """Action Units (2 P, 23) of what the encoder sees of them."""
        return torch.cat([self.strengths, torch.zeros_like(self.strengths)])


@dataclass(frozen=True, eq=False)
class Given:
    """What a step of synthesis starts from: P pairs, L labelled faces, T of which, the last, take part in transfers."""

    pairs: Paired
    labelled: Tensor  # (L, 3, 128, 128)
    named: Tensor  # distributions (L, 8)
    host_shows: Tensor  # bool (P,), whether a transfer is made to the face, not to the neutral face
    lender: Tensor  # (P + T,), whose expression each host of a transfer is given

    @classmethod
    def of(cls, batch: Batch) -> Given:
        """From a batch: the fields of ``Paired``, then the others here."""
        count = len(Paired._fields)
        return cls(Paired(*batch[:count]), *batch[count:])

    @property
    def transferred(self) -> int:
        """T."""
        return len(self.lender) - len(self.pairs.face)

    @property
    def photographs(self) -> Tensor:
        """The labelled faces that take part in transfers (T, 3, 128, 128)."""
        return self.labelled[len(self.labelled) - self.transferred :]

    def hosts(self) -> Tensor:
        """Who is given another's expression (P + T, 3, 128, 128)."""
        return torch.cat([chosen(self.host_shows, self.pairs.face, self.pairs.neutral), self.photographs])

    def lent(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (P + T, code) and distributions (P + T, 8) that the hosts are given.

        codes: of the faces, of the neutral faces, of the labelled faces (2 P + L, code).
        """
        first = len(codes) - self.transferred
        lending = torch.cat([codes[: len(self.pairs.face)], codes[first:]])
        named = torch.cat([self.pairs.shown, self.named[len(self.named) - self.transferred :]])
        return lending[self.lender], named[self.lender]

    def names(self) -> Tensor:
        """Distributions (2 P + L, 8) of what the encoder sees."""
        return torch.cat([self.pairs.names(), self.named])


def chosen(which: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Rows of pictures (B, 3, S, S), from one where ``which`` (B,) says so, else from the other."""
    return torch.where(which[:, None, None, None], yes, no)


class Step:
    """The losses of one step. A batch: what ``Given.of`` takes; for ``rebuild``, the fields of ``Paired``."""

    def __init__(self, network: Trained, embed: nn.Module, recipe: DeganRecipe, device: torch.device) -> None:
        self.network, self.embed, self.recipe, self.device = network, embed, recipe, device
        self.made: tuple[Tensor, Tensor]  # by ``synthesize``, which comes first: transfers, embeddings of their hosts

    def rebuild(self, batch: Batch, step: int) -> Loss:
        """Encoder and decoder: reconstructions of pairs alone, and what f_exp tells."""
        pairs, model, recipe = Paired(*batch), self.network.model, self.recipe
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            codes = model.expression_of(torch.cat([pairs.face_view, pairs.neutral_view]))
            people, truth = pairs.reconstructions()
            made = model.decode(people, codes)
            terms = composed_terms(made, people, truth, pairs.places(), recipe.landmarks) | self._told(codes, pairs)
            terms["naming"] = recipe.naming * soft_cross_entropy(self.network.naming(codes), pairs.names())
        return Loss.of(terms)

    def _told(self, codes: Tensor, pairs: Paired) -> dict[str, Tensor]:
        """The loss of the Action Units that are told from the codes (2 P, code) of the pairs."""
        told = F.binary_cross_entropy_with_logits(self.network.units(codes).float(), pairs.all_strengths())
        return {"units": self.recipe.units * told}

    def synthesize(self, batch: Batch, step: int) -> Loss:
        """Encoder and decoder: reconstructions of pairs, transfers across people, what f_exp tells."""
        given, model, recipe = Given.of(batch), self.network.model, self.recipe
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            seen = torch.cat([given.pairs.face_view, given.pairs.neutral_view, given.labelled])
            codes = model.expression_of(seen)
            people, truth = given.pairs.reconstructions()
            hosts = given.hosts()
            lent, named = given.lent(codes)
            made = model.decode(torch.cat([people, hosts]), torch.cat([codes[: len(people)], lent]))
            transfers = made.image[len(people) :]
            who = self._who(torch.cat([people, hosts]))
            score, expression = self.network.critic(transfers, who[len(people) :])
            again = model.expression_of(transfers)
            terms = composed_terms(made, people, truth, given.pairs.places(), recipe.landmarks)
            terms |= self._told(codes[: len(people)], given.pairs) | {
                "adversarial": -recipe.adversarial * score.mean(),
                "expression": recipe.expression * soft_cross_entropy(expression, named),
                "consistency": recipe.consistency * (again - lent.detach()).square().mean(),
                "identity": recipe.identity * unlikeness(self.embed(made.image), who),
                "naming": recipe.naming * soft_cross_entropy(self.network.naming(codes), given.names()),
            }
        self.made = transfers.detach(), who[len(people) :]
        return Loss.of(terms)

    @torch.no_grad()
    def _who(self, faces: Tensor) -> Tensor:
        return cast(Tensor, self.embed(faces)).float()

    def criticise(self, batch: Batch, step: int) -> Loss:
        """The critic: real faces against transfers and against real faces of others, and what real faces show."""
        given = Given.of(batch)
        real, count = torch.cat([given.pairs.face, given.labelled]), len(given.pairs.face)
        first = len(real) - given.transferred
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            # of another picture of the person: of the very picture it would give away what is real
            who = self._who(torch.cat([given.pairs.neutral, given.labelled.flip(3)]))
            score, expression = self.network.critic(real, who)
            compared = [*range(count), *range(first, len(real))]  # not the soft FER+ faces
            others, _ = self.network.critic(real[compared], who[compared].roll(1, 0))
            drawn, _ = self.network.critic(*self.made)
        terms = {
            "real": hinge_critic(score[compared], drawn),
            "mismatch": self.recipe.mismatch * F.relu(1 + others).mean(),
            "expression": soft_cross_entropy(expression, torch.cat([given.pairs.shown, given.named])),
        }
        return Loss.of(terms)

    def read(self, batch: Batch, step: int) -> Loss:
        """The readers, on labelled faces and their distributions; the encoder is frozen."""
        faces, target = batch
        model = self.network.model
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            each, fused = model.votes(model.seen(faces, Framing.ALIGNED))
        return Loss(*fusion_loss(dict(enumerate(each, 1)), fused, target, self.recipe.local_weight))
