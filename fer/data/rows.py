"""Opening a dataset repository, wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer.errors import DataError


def open_split(root: Path, name: str, split: str) -> Any:
    """Open ``root/name``, a dataset repository on disk, with ``datasets``; DataError where that fails."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    folder = root / name
    if not (folder / "data").is_dir():
        raise DataError(
            f"There is no dataset in {folder}. Put the dataset repository there, or give its parent with --data-root."
        )
    try:
        return load_dataset(str(folder), split=split)
    except (DatasetsError, ValueError, OSError) as error:
        raise DataError(f"The {split} split of {folder} could not be read: {error}") from error
