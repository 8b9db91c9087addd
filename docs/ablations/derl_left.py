"""Write docs/ablations/derl-left.json: how much a generator leaves, on which people, and what helps without training.

    python -m docs.ablations.derl_left DATA_ROOT WEIGHTS.safetensors [WEIGHTS.safetensors ...]

Needs requirements-train.txt and the puppets' assets. Validation and training people only; no test split is read. The
weights of the first cycle are fer/weights/derl.* of commit ac27595.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

import fer
from fer.data.pairs import Pairs, load_puppets
from fer.models.derl import Derl
from fer.models.derl_training import neutral_of
from fer.puppets.pool import render_pairs
from fer.removal import left_over
from fer.warping import FLOW, compose, with_flow

ROWS, SEED = 600, 1_000_003  # of each set of people; of what is drawn, which no training drew
STRONGER = 1.15

Change = Callable[[Tensor], Tensor]


def some(pairs: Pairs, count: int) -> Pairs:
    """``count`` pairs, drawn."""
    rows = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(SEED))[:count]
    return Pairs(*(getattr(pairs, each.name)[rows] for each in fields(pairs)))


def left(way: Change, pairs: Pairs) -> dict[str, float]:
    """See ``left_over``."""
    return {name: round(value, 5) for name, value in left_over(way, pairs).items()}


def changes(model: Derl) -> dict[str, Change]:
    """What can be done with a trained generator."""
    once = partial(neutral_of, model)

    def stronger(faces: Tensor) -> Tensor:
        raw = model.generator(faces).raw
        return compose(faces, with_flow(raw, (STRONGER - 1) * raw[:, FLOW])).image

    def mirror(faces: Tensor) -> Tensor:
        return (once(faces) + once(faces.flip(-1)).flip(-1)) / 2

    return {"once": once, "twice": lambda faces: once(once(faces)), "stronger flow": stronger, "mirror": mirror}


def main() -> None:
    """Measure each generator and write the file."""
    root, *files = map(Path, sys.argv[1:])
    people = {
        "validation": some(load_puppets(root, "validation"), ROWS),
        "train": some(load_puppets(root, "train"), ROWS),
        "rendered anew": render_pairs(root, ROWS, SEED),
    }
    found = {}
    for file in files:
        model, card = fer.load("derl", str(file)), json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        ways = changes(model)
        found[card["id"]] = {
            "sha256": card["sha256"],
            "people": {name: left(ways["once"], pairs) for name, pairs in tqdm(people.items())},
            "validation": {name: left(way, people["validation"]) for name, way in tqdm(ways.items())},
        }
    out = {"rows": ROWS, "seed": SEED, "stronger": STRONGER, "weights": found}
    text = json.dumps(out, indent=1)
    Path(__file__).with_name("derl-left.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
