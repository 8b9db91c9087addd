"""Tiny generated datasets and a recogniser that reads their pictures without any weights."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from eval import judges
from eval.benchmark import Benchmark, Recognition, View, same
from eval.contestants import Contestant
from eval.judges import Judge
from fer.models.base import Embedder, Recognizer
from fer.types import EMOTIONS, Framing, Prediction

SIDE_PX = 16
STEP = 30  # a picture of class k is uniformly grey at k * STEP
LABEL_NAMES = [*EMOTIONS, "unknown", "surprised?"]  # the last is a label that the benchmark does not declare


def png(shade: int) -> bytes:
    """A uniformly grey PNG; ``shade`` in 0..7 is the class that ``Shades`` sees in it."""
    stream = io.BytesIO()
    Image.new("L", (SIDE_PX, SIDE_PX), shade * STEP).save(stream, "PNG")
    return stream.getvalue()


class Shades(Recognizer):
    """Sees the class that the grey value stands for, with probability 0.86; counts the pictures; may be killed."""

    def __init__(self, die_after: int | None = None) -> None:
        self.seen = 0
        self.die_after = die_after

    def recognize(self, faces: torch.Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        if self.die_after is not None and self.seen + len(faces) > self.die_after:
            raise KeyboardInterrupt
        self.seen += len(faces)
        shade = ((faces.mean((1, 2, 3)) + 1) * 127.5 / STEP).round().long()
        return Prediction(torch.full((len(faces), 8), 0.02).scatter(1, shade[:, None], 0.86))


@pytest.fixture(autouse=True)
def _no_shared_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``datasets`` unpacks stays in tmp_path, and nothing asks the network."""
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets-cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, Callable[[str, bytes], None]]:
    """An empty folder, and what writes files into it."""

    def write(place: str, data: bytes) -> None:
        path = tmp_path / "copy" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    (tmp_path / "copy").mkdir()
    return tmp_path / "copy", write


@pytest.fixture
def picture() -> Callable[[int], bytes]:
    return png


@pytest.fixture
def shades() -> type[Shades]:
    return Shades


@pytest.fixture
def write_split(tmp_path: Path) -> Callable[..., Path]:
    """Write columns of one split and return the data root. Lists of arrays (S, S, 3) uint8 become picture columns."""

    def write(columns: dict[str, list[Any]], split: str = "test", name: str = "tiny") -> Path:
        from datasets import ClassLabel, Dataset
        from datasets import Image as ImageFeature

        pictures = [key for key, values in columns.items() if isinstance(values[0], np.ndarray)]
        encoded = {key: [encode(v) if key in pictures else v for v in values] for key, values in columns.items()}
        rows = Dataset.from_dict(encoded)
        for key in pictures:
            rows = rows.cast_column(key, ImageFeature())
        if "label" in columns:
            rows = rows.cast_column("label", ClassLabel(names=list(EMOTIONS)))
        folder = tmp_path / "data" / name / "data"
        folder.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
        return tmp_path / "data"

    return write


def encode(picture: np.ndarray) -> dict[str, Any]:
    """A PNG of an array (S, S, 3), as the column of a dataset holds it."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return {"bytes": stream.getvalue(), "path": None}


@pytest.fixture
def declare() -> Callable[[Any], Benchmark]:
    """A benchmark on the dataset "tiny" with a given task."""
    words = {"title": "T", "protocol": "P.", "licence": "L", "source": "S", "citation": "C", "doi": "10.0/none"}
    return lambda task: Benchmark(name="tiny", version=1, dataset="tiny", split="test", task=task, **words)


class Bright(Recognizer):
    """Calls a face neutral when its mean is above a limit, else happy: a judge whose answers can be worked out."""

    def __init__(self, limit: float = 0.0) -> None:
        self.limit = limit

    def recognize(self, faces: torch.Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        neutral = (faces.mean((1, 2, 3)) > self.limit).float()
        probs = torch.full((len(faces), 8), 0.01)
        probs[:, 0], probs[:, 1] = 0.01 + 0.92 * neutral, 0.01 + 0.92 * (1 - neutral)
        return Prediction(probs)


class Mean(Embedder):
    """A direction in the plane that turns with the mean of the face: cos(angle between) can be worked out."""

    def embed(self, faces: torch.Tensor) -> torch.Tensor:
        angle = faces.mean((1, 2, 3))
        return torch.stack([angle.cos(), angle.sin()], 1)


@pytest.fixture
def fake_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """``Bright`` names expressions, a second one finds fewer happy; ``Mean`` tells people apart; a face is its mean."""
    monkeypatch.setattr(judges, "recognizer", lambda device: Judge("plain", "fake", "0" * 64, Bright()))
    monkeypatch.setattr(judges, "second_recognizer", lambda device: Judge("derl", "fake", "1" * 64, Bright(-0.5)))
    monkeypatch.setattr(judges, "features", lambda judge, faces: faces.mean((1, 2, 3))[:, None])
    monkeypatch.setattr(judges, "embedder", lambda device: Judge("identity", "fake", "0" * 64, Mean()))


@pytest.fixture
def mean_embedder() -> type[Mean]:
    return Mean


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a split of rows (label name or number, picture bytes), all ten votes for the label; returns the root."""

    def make(rows: Sequence[tuple[Any, bytes | None]], split: str = "test", name: str = "tiny") -> Path:
        from datasets import ClassLabel, Dataset, Features, List, Value
        from datasets import Image as ImageFeature

        columns = {
            "image": [None if data is None else {"bytes": data, "path": None} for _, data in rows],
            "label": [LABEL_NAMES.index(label) if isinstance(label, str) else label for label, _ in rows],
            "votes": [[10 * (name == label) for name in [*LABEL_NAMES[:9], "not_face"]] for label, _ in rows],
        }
        votes = List(Value("int8"), length=10)
        features = Features({"image": ImageFeature(), "label": ClassLabel(names=LABEL_NAMES), "votes": votes})
        folder = tmp_path / "data" / name / "data"
        folder.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict(columns, features).to_parquet(folder / f"{split}-00000-of-00001.parquet")
        return tmp_path / "data"

    return make


@pytest.fixture
def tiny() -> Benchmark:
    return Benchmark(
        name="tiny",
        title="Grey squares",
        version=1,
        dataset="tiny",
        split="test",
        task=Recognition(Framing.TIGHT, (View("image", "label", same(EMOTIONS) | {"unknown": None}),), EMOTIONS),
        protocol="Generated.",
        licence="none needed",
        source="generated",
        citation="none",
        doi="10.0/none",
    )


@pytest.fixture
def contestant() -> Callable[[Recognizer], Contestant]:
    return lambda recognizer: Contestant("shades", "shades-1", "0" * 64, recognizer, "cpu")
