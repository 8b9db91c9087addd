"""Stand-ins that the tests of the page share."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

import app
from demo.models import IDENTITY, JUDGE, Loaded, Offer, Shelf
from demo.service import EXAMPLES_FOLDER
from fer.action_units import ACTION_UNITS, AU_INDEX
from fer.models.base import ActionUnitReader, Editor, Embedder, Neutralizer, Recognizer, Sampler, Transferrer
from fer.types import EMOTIONS, ActionUnits, Edit, Framing, Prediction, TargetSpace
from fer.warping import warped


class Counting(Recognizer):
    """Says that face 0 shows EMOTIONS[1], face 1 EMOTIONS[2] and so on, each with 0.65; the others share the rest."""

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        probs = torch.full((len(faces), len(EMOTIONS)), 0.05)
        for row in range(len(faces)):
            probs[row, (row + 1) % len(EMOTIONS)] = 0.65
        return Prediction(probs)


class Deadpanning(Recognizer, Neutralizer):
    """Says that every face shows surprise, darkens the mouth by 0.4 and brightens the brow by 0.2; has every part."""

    SIDES = (64, 32, 16, 8)
    LAYERS = "encoder and decoder layers"

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        return Prediction(torch.eye(len(EMOTIONS))[2].repeat(len(faces), 1))

    def neutralize(self, faces: Tensor) -> Edit:
        size = faces.shape[-1]
        change = -0.4 * bump(size, 0.5, 0.72) + 0.2 * bump(size, 0.5, 0.3)
        neutral = (faces + change).clamp(-1, 1)
        before = torch.tensor([[x / 8, y / 8] for y in range(2, 7) for x in range(2, 7)])
        parts = {
            "residue.pixel": faces - neutral,
            "landmarks.face": before.repeat(len(faces), 1, 1),
            "landmarks.neutral": (before + torch.tensor([0.02, 0.01])).repeat(len(faces), 1, 1),
        }
        parts |= {f"residue.{side}": bump(side, 0.5, 0.72).repeat(len(faces), 1, 1, 1) for side in self.SIDES}
        votes = torch.full((len(faces), len(EMOTIONS)), 0.05)
        votes[:, 1] = 0.65
        return Edit(neutral, parts | {f"votes.{name}": votes for name in ("64", "fusion")})


def tinted(faces: Tensor, amounts: Tensor) -> Tensor:
    """Faces (B, 3, S, S) whose mouths are made redder by amounts (B,): by 0.5 of 2 where an amount is 1."""
    spot = bump(faces.shape[-1], 0.5, 0.72) * torch.tensor([0.5, -0.25, -0.25])[:, None, None]
    return (faces + amounts[:, None, None, None] * spot).clamp(-1, 1)


class Tinting(Editor):
    """Makes the mouth redder by the sum of the target."""

    @property
    def target_space(self) -> TargetSpace:
        return TargetSpace(tuple(map(str, EMOTIONS[1:])), (0.0,) * 7, (1.0,) * 7)

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        return Edit(tinted(faces, target.sum(1)), {})


class Shapeshifting(Editor, Transferrer, Sampler):
    """Tints as ``Tinting``, half as much; takes a source's mean over; draws grey faces, redder by the target."""

    @property
    def target_space(self) -> TargetSpace:
        return Tinting().target_space

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        return Edit(tinted(faces, target.sum(1) / 2), {})

    def transfer(self, faces: Tensor, sources: Tensor) -> Edit:
        return Edit(tinted(faces, sources.mean((1, 2, 3))), {})

    def sample(self, target: Tensor, seed: int) -> Tensor:
        greys = [
            torch.rand(1, generator=torch.Generator().manual_seed(1000 * seed + row)) for row in range(len(target))
        ]
        return tinted(torch.stack(greys)[:, :, None, None].expand(-1, 3, 128, 128) - 0.5, target.sum(1))


class Muscular(Editor):
    """Understands 23 Action Units from 0 to 5 and no expression by its name; the mouth gets redder by the first."""

    @property
    def target_space(self) -> TargetSpace:
        return TargetSpace(tuple(f"AU{n}" for n in range(1, 24)), (0.0,) * 23, (5.0,) * 23)

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        return Edit(tinted(faces, target[:, 0] / 5), {})


BENT = dict.fromkeys(ACTION_UNITS, 0.0) | {"AU6": 0.3, "AU12": 0.506}  # what ``Bending`` reads in every face


def bent(faces: Tensor, target: Tensor, shown: Tensor) -> Edit:
    """Faces moved sideways around the mouth by AU12, a tenth of the side at most, and painted red there by AU25."""
    change, size = target - shown, faces.shape[-1]
    spot = bump(size, 0.5, 0.72)
    flow = torch.zeros(len(faces), 2, size, size)
    flow[:, 0] = change[:, AU_INDEX["AU12"], None, None] * 0.1 * size * spot
    moved = warped(faces, flow * 2 / size)
    mask = (change[:, AU_INDEX["AU25"], None, None].clamp(0, 1) * spot)[:, None]
    red = torch.tensor([1.0, -1.0, -1.0])[:, None, None]
    return Edit(moved * (1 - mask) + red * mask, {"flow": flow, "mask": mask, "moved": moved})


class Bending(Editor, ActionUnitReader):
    """Edits Action Units from what it reads, ``BENT`` in every face: asked for that, it changes nothing."""

    @property
    def target_space(self) -> TargetSpace:
        return TargetSpace(ACTION_UNITS, (0.0,) * 23, (1.0,) * 23)

    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        return ActionUnits(torch.tensor([list(BENT.values())]).repeat(len(faces), 1), ACTION_UNITS)

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        return bent(faces, target, torch.tensor([list(BENT.values())]))


class Unread(Editor):
    """Edits Action Units as ``Bending`` does a face at rest, and reads none."""

    @property
    def target_space(self) -> TargetSpace:
        return Bending().target_space

    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        return bent(faces, target, torch.zeros(1, 23))


class Rising(ActionUnitReader):
    """Sees AU1 at 0, AU2 at 1/22, ... and AU43 at 1 in face 0, and half of it in the others."""

    def action_units(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> ActionUnits:
        strengths = torch.linspace(0, 1, len(ACTION_UNITS)).repeat(len(faces), 1)
        strengths[1:] /= 2
        return ActionUnits(strengths, ACTION_UNITS)


class Brightness(Embedder):
    """(1, 10 m) as a unit vector, m the mean of the face in [-1, 1]."""

    def embed(self, faces: Tensor) -> Tensor:
        mean = faces.mean((1, 2, 3))
        return torch.nn.functional.normalize(torch.stack([torch.ones_like(mean), 10 * mean], 1))


def bump(size: int, x0: float, y0: float) -> Tensor:
    """A soft spot (size, size) of height 1 at a place of the unit square."""
    centres = (torch.arange(size) + 0.5) / size
    return torch.exp(-((centres[None] - x0) ** 2 + (centres[:, None] - y0) ** 2) / 0.006)


def loaded(name: str = JUDGE, model: Any = None) -> Loaded:
    """A stand-in as a shelf gives it."""
    return Loaded(name, model or Counting(), f"{name}-fake", "0" * 64)


def shelf(
    *,
    removes: bool = False,
    judge: Recognizer | None = None,
    embedder: Embedder | None = None,
    editors: Mapping[str, Editor] | None = None,
    units: bool = False,
) -> Shelf:
    """Plain alone, or plain and a fake derl that removes, or plain, an embedder and the given editors.

    units: a reader of Action Units, too.
    """
    models: dict[str, Any] = {JUDGE: judge or Counting()} | ({"derl": Deadpanning()} if removes else {})
    models |= {"au": Rising()} if units else {}
    if editors:
        models |= {IDENTITY: embedder or Brightness(), **editors}
    return Shelf([Offer(name, type(model)) for name, model in models.items()], lambda name: loaded(name, models[name]))


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def astronaut() -> Image.Image:
    """512 x 512 px, one smiling face."""
    return Image.fromarray(data.astronaut())


def group() -> Image.Image:
    """The four virtual people of the examples."""
    with Image.open(EXAMPLES_FOLDER / "virtual-group.webp") as picture:
        return picture.convert("RGB")


def crowd(columns: int, rows: int, tile_px: int) -> Image.Image:
    """columns x rows copies of one virtual person, each ``tile_px`` wide (its face is about 0.4 of that)."""
    with Image.open(EXAMPLES_FOLDER / "virtual-happiness.webp") as picture:
        tile = picture.convert("RGB").resize((tile_px, tile_px), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (columns * tile_px, rows * tile_px))
    for index in range(columns * rows):
        sheet.paste(tile, (index % columns * tile_px, index // columns * tile_px))
    return sheet


def score(value: float | None, below: float = 0.02, above: float = 0.01) -> dict[str, float | None]:
    """A score with its interval."""
    return {"value": value, "low": value and value - below, "high": value and value + above}


def result(
    model: str, benchmark: str, scores: Mapping[str, float | None], family: str = "recognition", **more: Any
) -> dict[str, Any]:
    """A result as eval stores it, reduced to the fields that the page reads."""
    return {
        "model": {"name": model, "weights": f"{model}-1", "weights_sha256": "5e934d"},
        "benchmark": {
            "name": benchmark,
            "title": benchmark.upper(),
            "split": "test",
            "family": family,
            "version": 1,
            "protocol": "One answer each.",
            "licence": "CC-BY 4.0",
        },
        "dataset": {"id": "faces", "revision": "sha256:6be2a3", "from": "folder"},
        "counts": {"n_original": 110, "n_scored": 100, "n_no_face": 4},
        "scores": {name: score(value) for name, value in scores.items()},
        "seed": 0,
        "date": "2026-11-21T16:39:53+00:00",
        "git": {"commit": "5dfe89e", "dirty": True},
        **more,
    }


def write(folder: Path, result: Mapping[str, Any]) -> Path:
    """Write a result to its place."""
    model = result["model"]
    path = folder / model["name"] / model["weights"] / f"{result['benchmark']['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result), encoding="utf-8")
    return path


def write_result(folder: Path, model: str, benchmark: str, accuracy: float | None) -> Path:
    """A result of recognition of two expressions, whose scores are all the same."""
    named = round(100 * (accuracy or 0))
    confusion = {"labels": ["neutral"], "predictions": ["neutral", "no face"], "counts": [[named, 100 - named]]}
    scores = dict.fromkeys(("accuracy", "uar", "macro_f1", "ece"), accuracy)
    return write(folder, result(model, benchmark, scores, confusion=confusion))


def running(build: Callable[[], gr.Blocks], uploads_folder: Path, **launch: Any) -> Iterator[gr.Blocks]:
    """The page that ``build`` makes, served on a free port until the iterator goes on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads_folder))
        blocks = build().queue()
        blocks.launch(prevent_thread_lock=True, quiet=True, server_port=free_port(), **app.LAUNCH, **launch)
        yield blocks
        blocks.close()


def files(folder: Path) -> list[Path]:
    """All files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def free_port() -> int:
    """A port of this computer that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
