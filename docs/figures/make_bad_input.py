"""Draw docs/figures/bad-input.png: what derl makes of pictures that it was not made for.

    python -m docs.figures.make_bad_input

Faces: the astronaut of scikit-image (NASA, public domain) and the page's virtual people. Nobody else's photograph.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from skimage.data import astronaut

import fer
from fer.images import to_picture
from fer.types import Face

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "demo" / "examples"
SIDE, CAPTION = 128, 18

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


def main() -> None:
    """Write the sheet: per person a row of pictures and below it a row of what derl makes of them."""
    model = fer.load("derl")
    people = [Image.fromarray(astronaut())]
    shown = ("happiness", "surprise", "disgust")
    people += [Image.open(EXAMPLES / f"virtual-{name}.webp").convert("RGB") for name in shown]
    sheet = Image.new("RGB", (SIDE * len(CHANGES), (2 * SIDE) * len(people) + CAPTION), "white")
    pen = ImageDraw.Draw(sheet)
    for column, (name, change) in enumerate(CHANGES.items()):
        pen.text((column * SIDE + 6, 3), name, fill="black")
        for row, person in enumerate(people):
            face = fer.detect(person)[0]
            changed = fer.detect(change(person, face))
            top = CAPTION + 2 * SIDE * row
            if not changed:
                pen.text((column * SIDE + 20, top + SIDE - 6), "no face found", fill="black")
                continue
            edit = model.neutralize(changed[0].pixels[None])
            sheet.paste(to_picture(changed[0].pixels), (column * SIDE, top))
            sheet.paste(to_picture(edit.image[0]), (column * SIDE, top + SIDE))
    sheet.quantize(256).save(HERE / "bad-input.png", optimize=True)


if __name__ == "__main__":
    main()
