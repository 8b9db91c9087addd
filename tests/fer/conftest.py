"""A tiny data folder with the layout of the real one."""

from __future__ import annotations

import io
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from fer.types import EMOTIONS

NAMES = [str(e) for e in EMOTIONS]
FERPLUS = datasets.Features(
    {
        "image": datasets.Image(),
        "votes": datasets.Sequence(datasets.Value("int8"), length=10),
        "label": datasets.ClassLabel(names=[*NAMES, "unknown", "not_face", "no_majority"]),
    }
)

PUPPETS = datasets.Features(
    {
        "image": datasets.Image(),
        "neutral": datasets.Image(),
        "emotion": datasets.ClassLabel(names=NAMES),
        "intensity": datasets.Value("float32"),
        "identity": datasets.Value("string"),
        "landmarks68": datasets.List(datasets.Value("float32")),
        "neutral_landmarks68": datasets.List(datasets.Value("float32")),
        "au": datasets.List(datasets.Value("float32")),
    }
)


def face(seed: int, size: int = 48) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    return Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)


def png(picture: Image.Image) -> dict[str, object]:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def write(root: Path, name: str, split: str, entries: list[dict[str, object]], features: datasets.Features) -> None:
    folder = root / name / "data"
    folder.mkdir(parents=True, exist_ok=True)
    columns = {key: [entry[key] for entry in entries] for key in features}
    table = datasets.Dataset.from_dict(columns, features=features)
    table.to_parquet(folder / f"{split}-00000-of-00001.parquet")


def vote_row(picture: Image.Image, label: int) -> dict[str, object]:
    votes = [0] * 10
    votes[min(label, 9)] = 8
    return {"image": png(picture), "votes": votes, "label": label}


def puppet_row(number: int) -> dict[str, object]:
    """A puppet of class ``number``: its neutral face is darker, its landmarks lie a hundredth further left."""
    picture = face(number, 128).convert("RGB")
    points = np.random.default_rng(number).random(136) * 0.5 + 0.25
    return {
        "image": png(picture),
        "neutral": png(Image.eval(picture, lambda value: value * 3 // 4)),
        "emotion": number,
        "intensity": number / 8,
        "identity": f"person {number // 2}",
        "landmarks68": points,
        "neutral_landmarks68": points - np.tile([0.01, 0.0], 68),
        "au": np.full(23, number / 8),
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """FER+ with 16 faces to train on, two of which stand in test; four photographs of the astronaut; eight puppets."""
    from skimage.data import astronaut

    root = tmp_path / "data"
    train = [vote_row(face(i), i % 8) for i in range(16)]
    write(root, "ferplus", "train", [*train, vote_row(face(99), 9)], FERPLUS)
    write(root, "ferplus", "validation", [vote_row(face(100 + i), i % 8) for i in range(8)], FERPLUS)
    mirrored = face(5).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    write(root, "ferplus", "test", [vote_row(face(2), 2), vote_row(mirrored, 5)], FERPLUS)
    photo = Image.fromarray(astronaut())
    lfw = datasets.Features(
        {"image": datasets.Image(), "subject": datasets.Value("string"), "label": datasets.ClassLabel(names=NAMES)}
    )
    empty = Image.new("RGB", (200, 200))
    people = [{"image": png(p), "subject": "Eileen", "label": 1} for p in (photo, empty, photo)]
    write(root, "lfw_smiles", "train", people, lfw)
    london = datasets.Features({"neutral": datasets.Image(), "smiling": datasets.Image()})
    write(root, "london", "train", [{"neutral": png(photo), "smiling": png(photo)}], london)
    write(root, "puppets", "train", [puppet_row(i) for i in range(8)], PUPPETS)
    write(root, "puppets", "validation", [puppet_row(i) for i in range(8)], PUPPETS)
    return root
