"""Draw docs/figures/bad-input.png: what derl and errnet make of pictures that they were not made for.

    python -m docs.figures.make_bad_input ASSETS.npz

Faces: the astronaut of scikit-image (NASA, public domain), the page's virtual people, and virtual people rendered with
turned heads, each a blend of London Set photographs. Nobody else's photograph. Needs requirements-train.txt.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from skimage.data import astronaut

import fer
from fer.images import to_picture
from fer.models.base import Neutralizer
from fer.puppets.expression import sample_expression
from fer.puppets.geometry import similarity
from fer.puppets.people import Person, make_person
from fer.puppets.render import render
from fer.puppets.sample import ALIGNMENT_POINTS, Cast, five_points
from fer.puppets.shape import landmark_points
from fer.types import Emotion, Face

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "demo" / "examples"
MODELS = ("derl", "errnet")
SIDE, CAPTION = 128, 18
PORTRAIT_PX, ZOOM = 448, 0.62  # of a rendered person; share of the canonical square, so that hair is in the picture
LARGEST_SHARE = 0.6  # of one photograph in a blend

Change = Callable[[Image.Image, Face], Image.Image]


def place(face: Face, x: float, y: float) -> tuple[float, float]:
    """A point of the canonical unit square in the photograph."""
    at = face.to_source @ torch.tensor([x * SIDE, y * SIDE, 1.0])
    return float(at[0]), float(at[1])


def drawn(picture: Image.Image, face: Face, boxes: list[tuple[float, float, float, float]], colour: str) -> Image.Image:
    """The photograph with filled ellipses, given as (x0, y0, x1, y1) of the canonical unit square."""
    copy = picture.copy()
    for x0, y0, x1, y1 in boxes:
        ImageDraw.Draw(copy).ellipse([place(face, x0, y0), place(face, x1, y1)], fill=colour)
    return copy


def small(picture: Image.Image, face: Face, width_px: int) -> Image.Image:
    """The photograph reduced until the face is ``width_px`` wide, and enlarged again."""
    scale = width_px / face.size_px
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BOX).resize(
        picture.size, Image.Resampling.BICUBIC
    )


CHANGES: dict[str, Change] = {
    "as it is": lambda p, f: p,
    "grey": lambda p, f: ImageOps.grayscale(p).convert("RGB"),
    "24 px": lambda p, f: small(p, f, 24),
    "blurred": lambda p, f: p.filter(ImageFilter.GaussianBlur(f.size_px / 25)),
    "dark": lambda p, f: Image.eval(p, lambda v: v // 5),
    "tilted": lambda p, f: p.rotate(35, Image.Resampling.BICUBIC, fillcolor="grey"),
    "squeezed": lambda p, f: p.resize((round(p.width * 0.6), p.height)),
    "painting": lambda p, f: ImageOps.posterize(p.filter(ImageFilter.ModeFilter(9)), 3),
    "sunglasses": lambda p, f: drawn(p, f, [(0.22, 0.31, 0.48, 0.48), (0.52, 0.31, 0.78, 0.48)], "black"),
    "mouth covered": lambda p, f: drawn(p, f, [(0.3, 0.62, 0.7, 0.86)], "tan"),
    "beard": lambda p, f: drawn(p, f, [(0.28, 0.78, 0.72, 1.0), (0.36, 0.62, 0.64, 0.69)], "#3a2a1c"),
}


TURNS = {  # up or down and to the sides, degrees
    "45° left": (0, -45),
    "30° left": (0, -30),
    "20° left": (0, -20),
    "straight": (0, 0),
    "20° right": (0, 20),
    "30° right": (0, 30),
    "45° right": (0, 45),
    "20° up": (-20, 0),
    "30° up": (-30, 0),
    "20° down": (20, 0),
    "30° down": (30, 0),
}
TURNED = {36: Emotion.HAPPINESS, 10: Emotion.SURPRISE, 26: Emotion.HAPPINESS}  # seed of a person and what is shown


def blend(cast: Cast, seed: int) -> Person:
    """The first person drawn from ``seed`` who is a blend of London photographs, none above LARGEST_SHARE."""
    pool = [sitter for sitter in cast.sitters if sitter.photo.collection == "london"]
    for attempt in range(200):
        person = make_person(np.random.default_rng([seed, attempt]), pool)
        if len(person.sources) > 1 and max(share for _, share in person.sources) <= LARGEST_SHARE:
            return person
    raise SystemExit(f"Seed {seed} gave no blend in 200 attempts. Choose another seed.")


def turned(cast: Cast, seed: int, emotion: Emotion) -> list[Image.Image]:
    """Portraits of one person with one expression, turned as TURNS says."""
    person, shown = blend(cast, seed), sample_expression(np.random.default_rng([seed, 1]), emotion, 1.0)
    places = ((ALIGNMENT_POINTS - 0.5) * ZOOM + [0.5, 0.54]) * PORTRAIT_PX
    to_canvas = similarity(five_points(landmark_points(cast.rig, person, shown, np.zeros(3))), places)
    turns = [np.deg2rad([*turn, 0.0]) for turn in TURNS.values()]
    frames = [render(cast.rig, person, shown, turn, to_canvas, PORTRAIT_PX) for turn in turns]
    return [Image.fromarray(frame.picture.clip(0, 255).astype(np.uint8)[..., ::-1].copy()) for frame in frames]


def strip(picture: Image.Image, models: Sequence[Neutralizer]) -> Image.Image:
    """The face in a photograph and, below it, what each model makes of it."""
    out = Image.new("RGB", (SIDE, (1 + len(models)) * SIDE), "white")
    found = fer.detect(picture)
    if not found:
        ImageDraw.Draw(out).text((20, SIDE - 6), "no face found", fill="black")
        return out
    pixels = found[0].pixels
    for row, face in enumerate([pixels, *(model.neutralize(pixels[None]).image[0] for model in models)]):
        out.paste(to_picture(face), (0, row * SIDE))
    return out


def block(names: Sequence[str], people: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """A column for each name, a row of strips for each person."""
    high = people[0][0].height
    sheet = Image.new("RGB", (SIDE * len(names), CAPTION + high * len(people)), "white")
    for column, name in enumerate(names):
        ImageDraw.Draw(sheet).text((column * SIDE + 6, 3), name, fill="black")
        for row, strips in enumerate(people):
            sheet.paste(strips[column], (column * SIDE, CAPTION + row * high))
    return sheet


def main() -> None:
    """Write the sheet: pictures that were changed, then heads that are turned."""
    models = [fer.load(name) for name in MODELS]
    people = [Image.fromarray(astronaut())]
    shown = ("happiness", "surprise", "disgust")
    people += [Image.open(EXAMPLES / f"virtual-{name}.webp").convert("RGB") for name in shown]
    changed = [[change(person, fer.detect(person)[0]) for change in CHANGES.values()] for person in people]
    cast = Cast.load(Path(sys.argv[1]), "train")
    heads = [turned(cast, seed, emotion) for seed, emotion in TURNED.items()]
    blocks = [
        block(list(names), [[strip(picture, models) for picture in row] for row in rows])
        for names, rows in ((CHANGES, changed), (TURNS, heads))
    ]
    sheet = Image.new("RGB", (blocks[0].width, sum(each.height for each in blocks)))
    sheet.paste(blocks[0], (0, 0))
    sheet.paste(blocks[1], (0, blocks[0].height))
    sheet.quantize(256).save(HERE / "bad-input.png", optimize=True)


if __name__ == "__main__":
    main()
