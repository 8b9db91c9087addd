"""Removing the expression: the neutral face, what was removed, and whether it mattered. Nothing here knows gradio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from demo.models import Loaded
from demo.service import FaceReading, Reading, percent, scaled
from fer.faces import paste_back
from fer.framing import LUMINANCE, resized
from fer.images import to_picture, to_tensor
from fer.models.base import Neutralizer, Recognizer
from fer.regions import face_ellipse
from fer.types import EMOTIONS, Face

HIDDEN_SHARE = 0.2  # of the face's ellipse
DRAWS = 5  # random fifths, seeded 0, 1, ...
BLUR_SHARE = 0.08  # standard deviation of the blur that hides, in sides of the picture
BATCH = 8  # faces at once: a crowd must not fill the memory


@dataclass(frozen=True, eq=False)
class Removal:
    """One face and what removing its expression gave. face, neutral: (3, S, S) in [-1, 1].

    parts: see ``Neutralizer.neutralize``, without the batch.
    """

    face: Tensor
    neutral: Tensor
    parts: Mapping[str, Tensor]

    @property
    def residue(self) -> Tensor:
        """Luminance (S, S) of the face less that of its neutral face, in shares of the range from black to white."""
        weights = torch.tensor(LUMINANCE)[:, None, None]
        return (self.parts.get("residue.pixel", self.face - self.neutral) * weights).sum(0) / 2

    @property
    def layers(self) -> list[tuple[int, Tensor]]:
        """Side and map (side, side) of every scale, the finest first."""
        sides = [(name.removeprefix("residue."), part) for name, part in self.parts.items()]
        return sorted(((int(s), part[0]) for s, part in sides if s.isdigit()), key=lambda one: -one[0])

    @property
    def votes(self) -> dict[str, dict[str, float]]:
        """Part of the network -> label -> probability."""
        named = [(name, part) for name, part in self.parts.items() if name.startswith("votes.")]
        return {n.removeprefix("votes."): dict(zip(map(str, EMOTIONS), p.tolist(), strict=True)) for n, p in named}

    @property
    def landmarks(self) -> tuple[Tensor, Tensor] | None:
        """Points (68, 2) of the face and of the neutral face in the unit square, where the model has them."""
        found = [self.parts.get(f"landmarks.{which}") for which in ("face", "neutral")]
        return None if found[0] is None or found[1] is None else (found[0], found[1])


def remove(model: Neutralizer, faces: Sequence[FaceReading]) -> list[Removal]:
    """Every face without its expression, in the order given; faces of one size go through the network together."""
    done: dict[int, Removal] = {}
    sizes = sorted({one.crop.width for one in faces})
    for size in sizes:
        places = [i for i, one in enumerate(faces) if one.crop.width == size]
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            pixels = torch.stack([to_tensor(faces[i].crop) for i in batch])
            edit = model.neutralize(pixels)
            for row, i in enumerate(batch):
                parts = {name: part[row] for name, part in edit.parts.items()}
                done[i] = Removal(pixels[row], edit.image[row], parts)
    return [done[i] for i in range(len(faces))]


def everyone(photo: Image.Image, faces: Sequence[FaceReading], removals: Sequence[Removal]) -> Image.Image:
    """The photograph with every face replaced by its neutral one."""
    befores = [removal.face for removal in removals]
    return pasted(photo, [one.face for one in faces], befores, [removal.neutral for removal in removals])


def pasted(
    photo: Image.Image, faces: Sequence[Face], befores: Sequence[Tensor], afters: Sequence[Tensor], scale: float = 1.0
) -> Image.Image:
    """The photograph with faces, given in sizes of their own, replaced.

    befores, afters: (3, S, S) in [-1, 1] in the frames of ``faces``; scale: how many times as large the photograph is
    as the one that they were found in.
    """
    cut = []
    for face, before in zip(faces, befores, strict=True):
        to_source = scaled(face.to_source, face.pixels.shape[-1] / before.shape[-1]) * scale
        cut.append(replace(face, pixels=before, to_source=to_source))
    return paste_back(photo, cut, afters)


@dataclass(frozen=True)
class Faithfulness:
    """The judge's probability of its own label: of the whole face, without the residue, without a random fifth."""

    label: str
    whole: float
    without_residue: float
    without_chance: float

    def sentence(self) -> str:
        """In words, as far as whole percents tell."""
        return (
            f"Hiding the fifth of the face with the most residue {self._change(self.label, self.without_residue)}; "
            f"hiding a random fifth {self._change('it', self.without_chance)}."
        )

    def _change(self, what: str, share: float) -> str:
        before, after = percent(self.whole), percent(share)
        if before == after:
            return f"leaves {what} at {after}"
        start = f" from {before}" if what == self.label else ""
        return f"{'lowers' if share < self.whole else 'raises'} {what}{start} to {after}"


def faithfulness(judge: Recognizer, face: Tensor, residue: Tensor) -> Faithfulness:
    """Hide a fifth of the face (3, S, S) by a strong blur: where ``residue`` (3, R, R) is largest, and by chance."""
    side = face.shape[-1]
    size = resized(residue[None].abs().sum(1, keepdim=True), side)[0, 0]
    inside = face_ellipse(side).flatten().nonzero()[:, 0]
    count = round(HIDDEN_SHARE * len(inside))
    largest = inside[size.flatten()[inside].argsort(descending=True)[:count]]
    drawn = [
        inside[torch.randperm(len(inside), generator=torch.Generator().manual_seed(seed))[:count]]
        for seed in range(DRAWS)
    ]
    blurred = to_tensor(to_picture(face).filter(ImageFilter.GaussianBlur(BLUR_SHARE * side)))
    shown = torch.stack([face, *(_hidden(face, blurred, places) for places in (largest, *drawn))])
    prediction = judge.recognize(shown)
    label, whole = prediction.top(0)
    others = prediction.probs[1:, prediction.labels.index(label)]
    return Faithfulness(str(label), whole, float(others[0]), float(others[1:].mean()))


def _hidden(face: Tensor, blurred: Tensor, places: Tensor) -> Tensor:
    mask = torch.zeros(face[0].numel(), dtype=torch.bool)
    mask[places] = True
    return torch.where(mask.view(1, *face.shape[1:]), blurred, face)


class PartSummary(TypedDict):
    """Shape and values of one part of a removal."""

    shape: list[int]
    least: float
    mean: float
    largest: float


class NeutralFace(TypedDict):
    """One face in the answer of the API. neutral: the generated face as a data: address of a PNG, aligned."""

    box: list[float]
    size: int
    neutral: str
    parts: dict[str, PartSummary]
    votes: dict[str, dict[str, float]]


class NeutralAnswer(TypedDict):
    """The answer of the API: which model with which weights, the photograph's size in px, its faces."""

    model: str
    weights: str
    sha256: str
    width: int
    height: int
    faces: list[NeutralFace]


def as_json(reading: Reading, model: Loaded, removals: Sequence[Removal], pictures: Sequence[str]) -> NeutralAnswer:
    """A removal as the values that the API sends. pictures: the neutral faces' data: addresses."""
    return {
        "model": model.name,
        "weights": model.weights,
        "sha256": model.sha256,
        "width": reading.width,
        "height": reading.height,
        "faces": [
            {
                "box": [round(v, 1) for v in one.box],
                "size": removal.neutral.shape[-1],
                "neutral": picture,
                "parts": {name: _summary(part) for name, part in removal.parts.items()},
                "votes": {
                    name: {label: round(p, 6) for label, p in shares.items()} for name, shares in removal.votes.items()
                },
            }
            for one, removal, picture in zip(reading.faces, removals, pictures, strict=True)
        ],
    }


def _summary(part: Tensor) -> PartSummary:
    values = np.asarray(part, np.float64)
    least, mean, largest = (round(float(v), 6) for v in (values.min(), values.mean(), values.max()))
    return {"shape": list(part.shape), "least": least, "mean": mean, "largest": largest}
