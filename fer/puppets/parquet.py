"""Samples as a dataset repository in the Hugging Face Hub's layout: FOLDER/data/SPLIT-00000-of-00001.parquet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer.errors import DataError, StorageError
from fer.puppets.sample import Cast, Options, Sample, draw, seed_of
from fer.types import EMOTIONS

ROWS_PER_FILE = 2000
JPEG_QUALITY = 95


def write_split(
    cast: Cast, folder: Path, split: str, count: int, seed: int, options: Options, rows_per_file: int = ROWS_PER_FILE
) -> list[Path]:
    """Draw ``count`` pairs and write them as a split of the dataset repository ``folder``; returns the files.

    Sample i of a seed is the same whatever ``count`` is. Raises StorageError, also where the split is there already.
    """
    data = folder / "data"
    if any(data.glob(f"{split}-*.parquet")):
        raise StorageError(f"There is a {split} split in {data} already. Delete it or give another folder.")
    files = -(-count // rows_per_file)
    paths = []
    try:
        data.mkdir(parents=True, exist_ok=True)
        for number, samples in enumerate(_chunks(cast, count, seed, options, rows_per_file)):
            path = data / f"{split}-{number:05d}-of-{files:05d}.parquet"
            _write(path, samples)
            paths.append(path)
    except OSError as error:
        raise StorageError(f"{data} could not be written: {error}.") from error
    return paths


def _chunks(cast: Cast, count: int, seed: int, options: Options, rows_per_file: int) -> Iterator[list[Sample]]:
    start = time.monotonic()
    for first in range(0, count, rows_per_file):
        last = min(count, first + rows_per_file)
        yield [draw(cast, seed_of(seed, number), options) for number in range(first, last)]
        print(f"{last} of {count} pairs, {last / (time.monotonic() - start):.1f} pairs/s", flush=True)


def features() -> Any:
    """The columns, as ``datasets.Features``; docs/puppets.md says what they hold."""
    from datasets import ClassLabel, Features, Image, Value

    numbers = [Value("float32")]
    return Features(
        {
            "image": Image(),
            "neutral": Image(),
            "emotion": ClassLabel(names=[str(emotion) for emotion in EMOTIONS]),
            "intensity": Value("float32"),
            **{name: numbers for name in ("au", "au_left", "au_right", "landmarks68", "neutral_landmarks68")},
            "flow": Value("binary"),
            "identity": Value("string"),
            "sources": [Value("string")],
            "pose": numbers,
        }
    )


def _write(path: Path, samples: Sequence[Sample]) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist([_row(sample) for sample in samples], schema=features().arrow_schema)
    pyarrow.parquet.write_table(table, path, compression="zstd")


def _row(sample: Sample) -> dict[str, Any]:
    expression = sample.expression
    return {
        "image": _jpeg(sample.image),
        "neutral": _jpeg(sample.neutral),
        "emotion": EMOTIONS.index(expression.emotion),
        "intensity": expression.intensity,
        "au": expression.strengths.tolist(),
        "au_left": expression.left.tolist(),
        "au_right": expression.right.tolist(),
        "landmarks68": sample.landmarks.ravel().tolist(),
        "neutral_landmarks68": sample.neutral_landmarks.ravel().tolist(),
        "flow": sample.flow.tobytes(),
        "identity": sample.identity,
        "sources": sample.sources,
        "pose": sample.pose.tolist(),
    }


def _jpeg(rgb: np.ndarray) -> dict[str, object]:
    done, encoded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise DataError(f"A picture of the shape {rgb.shape} could not be encoded as JPEG.")
    return {"bytes": encoded.tobytes(), "path": None}
