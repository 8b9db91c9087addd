"""Write docs/ablations/derl-unpaired.json: what a critic of unpaired FER+ faces does to the generator of derl.

    python -m docs.ablations.derl_unpaired DATA_ROOT WEIGHTS.safetensors [WEIGHTS.safetensors ...]

Validation people and pictures only. The recogniser plain and the embedder that judges in eval take no part in the
training of either generator.
"""

from __future__ import annotations

import json
import sys
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
from fer.models.derl_training import neutral_of
from fer.removal import left_over

ROWS, SEED, BATCH = 600, 0, 100  # FER+ faces, drawn


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
    """Measure each generator and write the file."""
    root, *files = map(Path, sys.argv[1:])
    plain, embedder = judges.recognizer("cpu"), judges.embedder("cpu")
    pairs = load_puppets(root, "validation")
    rendered, real = from_bytes(pairs.face[pairs.emotion > 0][:ROWS]), real_faces(root)
    found = {}
    for file in files:
        model, card = fer.load("derl", str(file), "cpu"), json.loads(file.with_suffix(".json").read_text("utf-8"))
        left = left_over(partial(neutral_of, model), pairs)
        found[card["id"]] = {
            "command": card["command"],
            "puppets": {name: round(value, 5) for name, value in left.items()}
            | judged(model, rendered, plain, embedder),
            "ferplus": judged(model, real, plain, embedder),
        }
    before = float(judges.is_neutral(plain, real).float().mean())
    out = {"rows": ROWS, "seed": SEED, "ferplus_judged_neutral_before": round(before, 4), "weights": found}
    text = json.dumps(out, indent=1)
    Path(__file__).with_name("derl-unpaired.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
