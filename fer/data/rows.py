"""Opening a dataset repository, wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer.errors import DataError
from fer.types import EMOTIONS


def check_labels(rows: Any, column: str) -> None:
    """DataError unless the first labels of a ClassLabel column are the eight expressions in canonical order."""
    names = list(getattr(rows.features[column], "names", None) or [])
    if names[: len(EMOTIONS)] != [str(e) for e in EMOTIONS]:
        raise DataError(f'The column "{column}" must name the expressions {", ".join(EMOTIONS)} first, not {names}.')


def open_split(root: Path, name: str, split: str) -> Any:
    """Open ``root/name``, a dataset repository on disk, with ``datasets``; DataError where that fails."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    folder = root / name
    if not (folder / "data").is_dir():
        raise DataError(
            f"There is no dataset in {folder}. docs/data.md says how to build it; give its parent with --data-root."
        )
    try:
        return load_dataset(str(folder), split=split)
    except (DatasetsError, ValueError, OSError) as error:
        raise DataError(f"The {split} split of {folder} could not be read: {error}") from error
