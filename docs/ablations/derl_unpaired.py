"""Write docs/ablations/derl-unpaired.json: what makes the generator of derl touch FER+ faces.

    python -m docs.ablations.derl_unpaired DATA_ROOT OUT

The bundled generator goes on for some steps with the same pairs, with a critic of unpaired FER+ faces, and with pairs
that look as FER+ does; all are measured on validation people and pictures. The recogniser plain and the embedder that
judges in eval take no part in these trainings. OUT: folder for logs, snapshots and sheets.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

import fer
from eval import judges
from fer.data import ferplus
from fer.data.mixtures import as_colour
from fer.data.pairs import load_puppets
from fer.faces import FACE_SIZE_PX
from fer.images import from_bytes
from fer.models.derl import Derl
from fer.models.derl_training import DerlRecipe, neutral_of, plan
from fer.removal import left_over
from fer.training import train

ROWS, SEED, BATCH = 600, 0, 100  # faces of each kind; those of FER+ are drawn
PAIRED = DerlRecipe(start="default", steps_generator=500, steps_readers=0, generator_rate=3e-4)
UNPAIRED = replace(PAIRED, unpaired=6, unpaired_adversarial=0.02)
RECIPES = {"paired": PAIRED, "unpaired": UNPAIRED, "coarse": replace(PAIRED, coarse=0.4)}


def real_faces(root: Path) -> Tensor:
    """FER+ validation faces whose label is an expression: (ROWS, 3, 128, 128)."""
    pixels, labels = ferplus.load_validation(root)
    rows = torch.nonzero(labels)[:, 0]
    chosen = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(SEED))[:ROWS]]
    return as_colour(from_bytes(pixels[chosen]), FACE_SIZE_PX)


@torch.inference_mode()
def judged(model: Derl, faces: Tensor, plain: judges.Judge, embedder: judges.Judge | None) -> dict[str, float]:
    """Share of the generated faces that plain calls neutral, and their mean cosine to the faces before."""
    neutral, likeness = [], []
    for part in tqdm(torch.split(faces, BATCH)):
        made = neutral_of(model, part).clamp(-1, 1)
        neutral.append(judges.is_neutral(plain, made))
        likeness.append(judges.identity_cosine(embedder, made, part)["identity_cosine"])
    return {
        "judged_neutral": round(float(torch.cat(neutral).float().mean()), 4),
        "identity_cosine": round(float(torch.cat(likeness).mean()), 4),
    }


def main() -> None:
    """Train each, measure all and write the file."""
    root, out = map(Path, sys.argv[1:])
    plain, embedder = judges.recognizer("cpu"), judges.embedder("cpu")
    known = fer.load("derl", device="cpu")
    models = {"bundled": known}
    for name, recipe in RECIPES.items():
        laid_out = plan(replace(known.config, temperature=1.0), recipe, root, torch.device("cpu"))
        models[name] = train(laid_out, out / name, tick=recipe.steps_generator).model
    pairs = load_puppets(root, "validation")
    rendered, real = from_bytes(pairs.face[pairs.emotion > 0][:ROWS]), real_faces(root)
    found = {}
    for name, model in models.items():
        left = left_over(partial(neutral_of, model), pairs)
        shares = {key: round(value, 5) for key, value in left.items()}
        found[name] = {
            "puppets": shares | judged(model, rendered, plain, embedder),
            "ferplus": judged(model, real, plain, embedder),
        }
    before = {
        name: round(float(torch.cat([judges.is_neutral(plain, part) for part in faces.split(BATCH)]).float().mean()), 4)
        for name, faces in (("puppets", rendered), ("ferplus", real))
    }
    recipes = {name: asdict(recipe) for name, recipe in RECIPES.items()}
    written = {"rows": ROWS, "seed": SEED, "judged_neutral_before": before, "models": found, "recipes": recipes}
    text = json.dumps(written, indent=1)
    Path(__file__).with_name("derl-unpaired.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
