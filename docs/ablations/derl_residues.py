"""Train the readers of every kind of residue on the bundled, frozen generator of derl, all on the same batches.

    python -m docs.ablations.derl_residues DATA_ROOT OUT

Each arm has its own readers, optimiser and clipping, so that none learns from another; the generator's answer, which
they share, is made once a step. Writes OUT/ARM/derl.safetensors for ``python -m eval run derl --weights``. An
interrupted run goes on from its snapshot.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

import fer
from fer import weights
from fer.data.mixtures import LabelledFaces, tight_logits
from fer.faces import FACE_SIZE_PX
from fer.models.derl import RESIDUES, Derl, Generated
from fer.models.derl_training import DerlRecipe, reader_phase
from fer.temperature import HeldOut, calibrated, reading_scores
from fer.training import Plan, Stage, train
from fer.types import EMOTIONS

RECIPE = DerlRecipe(steps_generator=0, steps_readers=2_000, ferplus=32, ema_decay=0.0)  # the last step's weights


class Arms(nn.Module):
    """Models with readers of their own on one generator."""

    def __init__(self, known: Derl) -> None:
        super().__init__()
        self.generator = known.generator
        self.each = nn.ModuleDict({name: self._arm(known, name) for name in RESIDUES})

    def _arm(self, known: Derl, residue: str) -> Derl:
        torch.manual_seed(RECIPE.seed)
        arm = Derl(dataclasses.replace(known.config, residue=residue, temperature=1.0))
        arm.generator = self.generator
        return arm

    def forward(self, faces: Tensor) -> Tensor:
        """The fused logits of every arm, one after the other: (B, arms * 8)."""
        with torch.no_grad():
            made = self.generator(faces)
        return torch.cat([arm.votes(faces, made)[1] for arm in self.each.values()], 1)

    def logits(self, pixels: Tensor, mirror: bool) -> dict[str, Tensor]:
        """Fused logits (N, 8) of each arm for tight faces uint8 (N, 48, 48)."""
        joined = tight_logits(self, pixels, FACE_SIZE_PX, mirror)
        return dict(zip(self.each, joined.split(len(EMOTIONS), 1), strict=True))


def plan(arms: Arms, root: Path) -> Plan:
    """One stage with a phase for each arm."""
    faces, held_out = LabelledFaces.of(root, RECIPE), HeldOut.load(root)
    seen: dict[int, Generated] = {}

    def see(pictures: Tensor, step: int) -> Generated:
        if step not in seen:
            seen.clear()
            with torch.no_grad():
                seen[step] = arms.generator(pictures)
        return seen[step]

    def evaluate(module: nn.Module) -> Mapping[str, float]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = module.eval().logits(held_out.pixels, mirror=False)
        scores = {arm: reading_scores(each, held_out.labels) for arm, each in logits.items()}
        return {f"{arm}/{name}": value for arm, found in scores.items() for name, value in found.items()}

    phases = [reader_phase(name, arm, RECIPE, see) for name, arm in arms.each.items()]
    stages = [Stage("readers", RECIPE.steps_readers, faces.batch, phases)]
    return Plan.of(arms.each["pairs"].config, RECIPE, arms, stages, evaluate)


def main() -> None:
    """Train, calibrate and write every arm."""
    root, out = map(Path, sys.argv[1:])
    known = fer.load("derl", device="cpu")
    made_of = weights.find("derl")
    arms = train(plan(Arms(known), root), out, tick=1_000)
    held_out = HeldOut.load(root)
    weights.rounded_to_half(arms).eval()
    for name, logits in arms.logits(held_out.pixels, mirror=True).items():
        temperature, metrics = calibrated(logits, held_out.labels)
        arm = arms.each[name]
        card = {
            "model": "derl",
            "id": f"derl-{name}",
            "title": f"DeRL that reads {name}",
            "command": "python -m docs.ablations.derl_residues",
            "seed": RECIPE.seed,
            "steps": RECIPE.steps_readers,
            "recipe": dataclasses.asdict(RECIPE),
            "config": dataclasses.asdict(dataclasses.replace(arm.config, temperature=temperature)),
            "metrics": metrics,
            "started_from": {"id": made_of.id, "sha256": made_of.sha256},
        }
        weights.save(arm, card, out / name)


if __name__ == "__main__":
    main()
