"""Draw the virtual people of the page's examples. Run once; the pictures are committed.

    PYTHONPATH=PUPPETS_FOLDER python demo/examples/make_examples.py ASSETS.npz demo/examples

Needs the renderer ``puppets`` (numpy, opencv-python-headless, numba, scipy) and its assets: ICT-FaceKit fitted to the
Face Research Lab London Set. Every person is a blend of two or three photographs, none with more than 0.6 of
the weight.
Prints the table of README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from puppets import expression, facekit, render, sample

SIZE_PX = 448
GROUP_WIDTH_PX = 340  # of each portrait in a group
ZOOM = 0.62  # of the canonical square: leaves hair and shoulders in the picture
LARGEST_WEIGHT = 0.6
# file name -> (person, expression, variant), left to right
PICTURES: dict[str, list[tuple[int, str, int]]] = {
    "virtual-happiness.webp": [(36, "happiness", 2)],
    "virtual-surprise.webp": [(10, "surprise", 2)],
    "virtual-sadness.webp": [(11, "sadness", 4)],
    "virtual-disgust.webp": [(26, "disgust", 4)],
    "virtual-group.webp": [(17, "happiness", 2), (16, "neutral", 0), (22, "surprise", 2), (41, "anger", 0)],
}


def blended_person(seed: int, model: Any, pool: list[Any]) -> Any:
    """The first person drawn from ``seed`` who is a blend with no weight above LARGEST_WEIGHT."""
    for attempt in range(200):
        person = sample.make_person(np.random.default_rng([seed, attempt]), model, pool)
        weights = [weight for _, weight in person.sources]
        if len(weights) >= 2 and max(weights) <= LARGEST_WEIGHT:
            return person
    raise SystemExit(f"Seed {seed} gave no blend in 200 attempts. Choose another seed.")


def draw(static: Any, person: Any, emotion: str, variant: int, seed: int) -> np.ndarray:
    """One frontal portrait: uint8 BGR (SIZE_PX, SIZE_PX, 3)."""
    rng = np.random.default_rng([seed, 100 + variant])
    shown = expression.sample_expression(rng, emotion, 0.0 if emotion == "neutral" else 1.0)
    host, still = person.host, np.zeros(3)
    vertices = render.pose_verts(static, person.verts.copy(), still)
    landmarks = facekit.project(vertices, host.scale, host.rot, host.trans)[static.fm.lm68, :2]
    places = ((render.CANON5 - 0.5) * ZOOM + [0.5, 0.54]) * SIZE_PX
    to_picture = render.similarity(render.five_points(landmarks), places)
    weights = expression.blend_weights(shown, static.fm.expr_names)
    frame = render.render(static, person, weights, shown, still, to_picture, SIZE_PX, True)
    return np.clip(frame.image, 0, 255).astype(np.uint8)


def main() -> None:
    """Read the assets, draw every picture of PICTURES and print its sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assets", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    model, photographs = facekit.load_assets(str(args.assets))
    pool = [photo for photo in photographs if photo.key.startswith("london/") and photo.split == "train"]
    static = render.prepare(model)
    for name, people in PICTURES.items():
        portraits = []
        for seed, emotion, variant in people:
            person = blended_person(seed, model, pool)
            width = SIZE_PX if len(people) == 1 else GROUP_WIDTH_PX
            left = (SIZE_PX - width) // 2
            portraits.append(draw(static, person, emotion, variant, seed)[:, left : left + width])
            sources = ", ".join(f"{p.key.removeprefix('london/')} ({w:.2f})" for p, w in person.sources)
            print(f"| {name} | {emotion} | {seed} / {variant} | {sources} |")
        cv2.imwrite(str(args.folder / name), np.hstack(portraits), [cv2.IMWRITE_WEBP_QUALITY, 84])


if __name__ == "__main__":
    main()
