"""How ``identity`` is trained: rendered pairs, LFW subjects and the London set; one person, two pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from fer.augmentation import moved, photograph, similarities, soften
from fer.data import pairs, photographs
from fer.errors import TrainingError
from fer.images import from_bytes
from fer.models.identity import Identity, IdentityConfig
from fer.training import Batch, Loss, Phase, Plan, Stage, decay_groups, one_cycle
from fer.weights import rounded_to_half


@dataclass(frozen=True)
class IdentityRecipe:
    """The numbers of one training."""

    seed: int = 0
    steps: int = 1_000
    people: int = 1_500  # virtual people that are rendered for it
    views: int = 2  # renderings of each, every one with an expression and without, each in its own pose and light
    rendered: int = 36  # people of each source in a batch, two pictures each
    lfw: int = 20
    london: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    temperature: float = 0.1
    ema_decay: float = 0.998


def contrastive_loss(embedded: Tensor, person: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, L_out) of unit vectors (N, D) with person numbers (N,).

    Every person must stand in at least two rows.
    """
    logits = embedded @ embedded.T / temperature
    itself = torch.eye(len(person), dtype=torch.bool, device=person.device)
    logits = logits.masked_fill(itself, -1e9)
    same = (person[:, None] == person[None]) & ~itself
    log_share = logits - logits.logsumexp(1, keepdim=True)
    return -((log_share * same).sum(1) / same.sum(1)).mean()


class People:
    """Draws two different pictures each of ``count`` different people. pixels: uint8 (N, 3, S, S); person: (N,)."""

    def __init__(self, pixels: Tensor, person: Tensor, count: int) -> None:
        order = torch.argsort(person, stable=True)
        numbers, sizes = torch.unique(person[order], return_counts=True)
        starts = sizes.cumsum(0) - sizes
        several = sizes > 1
        self.pixels, self.order, self.count = pixels, order, count
        self.numbers, self.starts, self.sizes = numbers[several], starts[several], sizes[several]

    def draw(self) -> Batch:
        """uint8 (2 * count, 3, S, S), person (2 * count,)."""
        chosen = torch.randperm(len(self.numbers))[: self.count]
        sizes = self.sizes[chosen]
        first = (torch.rand(len(chosen)) * sizes).long()
        second = (first + 1 + (torch.rand(len(chosen)) * (sizes - 1)).long()) % sizes
        rows = self.order[torch.cat([self.starts[chosen] + first, self.starts[chosen] + second])]
        return self.pixels[rows], self.numbers[chosen].repeat(2)


class PeopleStream(IterableDataset[dict[str, Tensor]]):
    """Virtual people of the train split, no end of them, in ``views`` poses and lights, with and without expression."""

    def __init__(self, data_root: Path, views: int, seed: int) -> None:
        from fer.puppets.sample import Cast

        self.cast, self.views, self.seed = Cast.load(data_root / "puppets" / "assets.npz", "train"), views, seed

    def item(self, number: int) -> dict[str, Tensor]:
        """Pictures (2 * views, 3, 128, 128) of person ``number``."""
        from fer.puppets.people import make_person
        from fer.puppets.sample import Options, draw, relit, seed_of
        from fer.puppets.stream import to_tensors

        rng, options = np.random.default_rng(seed_of(self.seed, number)), Options()
        person, pictures = make_person(rng, self.cast.sitters), []
        for _ in range(self.views):
            pair = to_tensors(draw(self.cast, int(rng.integers(2**31)), options, person=relit(rng, person, options)))
            pictures += [pair["image"], pair["neutral"]]
        return {"pictures": torch.stack(pictures)}

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        from fer.puppets.stream import numbers

        return map(self.item, numbers(0))


def render_people(data_root: Path, people: int, views: int, seed: int, workers: int = 0) -> tuple[Tensor, Tensor]:
    """Virtual people of the train split: uint8 (2 * people * views, 3, 128, 128) and person numbers.

    Every picture has its own pose, crop, light, background and degradation. workers: processes that render; the
    pictures do not depend on it. Raises DataError, and TrainingError for a number below 1.
    """
    if min(people, views) < 1:
        raise TrainingError(f"{people} people in {views} views cannot be rendered. Give 1 or more of both.")
    from fer.puppets.pool import first_of

    pictures = first_of(PeopleStream(data_root, views, seed), people, workers)["pictures"]
    return pictures.flatten(0, 1), torch.arange(people).repeat_interleave(2 * views)


def sources(data_root: Path, recipe: IdentityRecipe) -> list[People]:
    """The three sources of people; their numbers overlap and are told apart where they are drawn."""
    rendered = render_people(data_root, recipe.people, recipe.views, recipe.seed, os.cpu_count() or 1)
    london = pairs.load_london(data_root, "train")
    return [
        People(*rendered, recipe.rendered),
        People(torch.cat([london.face, london.neutral]), london.person.repeat(2), recipe.london),
        People(*photographs.load_lfw_subjects(data_root), recipe.lfw),
    ]


def separation(module: nn.Module, people: pairs.Pairs) -> float:
    """Share of (face, other picture of the person, stranger) in which the person is more alike than the stranger.

    Over faces of different rows: other light, place and expression. The area under the ROC curve, per face, averaged.
    """
    with torch.inference_mode():
        faces = torch.cat([module(from_bytes(part)) for part in torch.split(people.face, 200)])
    alike = faces @ faces.T
    same = people.person[:, None] == people.person[None]
    own = same & (people.emotion[:, None] != people.emotion[None])
    shares = []
    for row in torch.nonzero(own.any(1))[:, 0]:
        stranger, friend = alike[row][~same[row]], alike[row][own[row]]
        shares.append((friend[:, None] > stranger[None]).float().mean())
    return float(torch.stack(shares).mean())


def plan(config: IdentityConfig, recipe: IdentityRecipe, data_root: Path, device: torch.device) -> Plan:
    """Load the data and lay out the training of a fresh network."""
    torch.manual_seed(recipe.seed)
    network = Identity(config).to(device)
    people = sources(data_root, recipe)
    optimizer = torch.optim.AdamW(decay_groups(network, recipe.weight_decay), recipe.learning_rate)

    def batch(step: int) -> Batch:
        drawn = [source.draw() for source in people]
        faces = photograph(from_bytes(torch.cat([pixels for pixels, _ in drawn])))
        faces = moved(soften(faces, 0.4, lowest=0.3), similarities(len(faces), 0.12, 0.06))
        person = torch.cat([numbers * len(drawn) + k for k, (_, numbers) in enumerate(drawn)])
        return faces, person

    def loss(batch: Batch, step: int) -> Loss:
        faces, person = batch
        with torch.autocast(device.type, dtype=torch.bfloat16):
            embedded = network(faces)
        return Loss(contrastive_loss(embedded.float(), person, recipe.temperature))

    held_out = pairs.load_puppets(data_root, "validation")

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        return {"validation_separation": separation(module.eval(), held_out)}

    phase = Phase("tell apart", optimizer, loss, one_cycle(recipe.learning_rate, recipe.steps), clip=1.0)
    stages = [Stage("people", recipe.steps, batch, [phase])]
    return Plan.of(config, recipe, network, stages, evaluate)


def finish(network: nn.Module, config: IdentityConfig, data_root: Path) -> tuple[Identity, dict[str, float]]:
    """Round to what is stored; returns the model to ship and its validation numbers."""
    model = cast(Identity, rounded_to_half(network).eval())
    return model, {"validation_separation": round(separation(model, pairs.load_puppets(data_root, "validation")), 5)}


Recipe = IdentityRecipe
DATA = ("virtual people rendered from the puppets' train assets, London Set train, lfw_smiles train (subjects)",)
LIMITS = (
    "Small and trained on few real people: good enough to notice when a generator changes a person, not to verify "
    "anybody's identity, which it must not be used for.",
    "Grey, 64 px, roughly frontal faces in the canonical position; blind to skin tone and hair.",
)
