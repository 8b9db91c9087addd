"""Where the rows come from: a dataset repository in a local folder or on the Hub, through the same call."""

from __future__ import annotations

import errno
import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.benchmark import Benchmark
from fer.errors import DataError, FerError, StorageError

HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
DEFAULT_ROOT = Path("../shared/data")


@dataclass(frozen=True)
class Source:
    """A dataset whose revision is known.

    id: folder name or "org/name". place: what ``datasets.load_dataset`` is given: a folder, or an address on the Hub
    that no folder of the same name can stand in for. commit: the resolved commit on the Hub, None for a folder.
    """

    id: str
    place: str
    commit: str | None = None

    def revision(self, split: str) -> str:
        """The commit on the Hub, or "sha256:..." over the names and bytes of the split's files in a folder."""
        if self.commit:
            return self.commit
        digest = hashlib.sha256()
        for path in _files(Path(self.place), split):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"sha256:{digest.hexdigest()}"

    def open(self, split: str, images: Sequence[str], others: Sequence[str]) -> Any:
        """Rows of ``split`` with the columns ``images``, undecoded (dicts with "bytes"), and ``others``.

        Raises DataError (missing, unreachable, not laid out as declared) or StorageError (the disk is full).
        """
        rows = _load(self, split)
        missing = sorted({*images, *others} - set(rows.column_names))
        if missing:
            raise DataError(
                f"The {split} split of {self.id} has no column {', '.join(missing)}; it has "
                f"{', '.join(rows.column_names)}."
            )
        from datasets import Image

        rows = rows.select_columns(list(dict.fromkeys([*images, *others])))
        for image in images:
            if not isinstance(rows.features[image], Image):
                raise DataError(f'The column "{image}" of {self.id} holds {rows.features[image]}, not pictures.')
            rows = rows.cast_column(image, Image(decode=False))
        return rows


def locate(benchmark: Benchmark, data_root: Path | None, dataset: str | None) -> Source:
    """Find the benchmark's dataset: ``dataset`` ("org/name[@revision]"), else a folder below ``data_root``, else the
    benchmark's own Hub id. Raises DataError.
    """
    if dataset is not None:
        return _on_hub(dataset)
    root = data_root or (DEFAULT_ROOT if DEFAULT_ROOT.is_dir() else None)
    if root is not None:
        folder = root / benchmark.dataset
        _files(folder, benchmark.split)
        return Source(benchmark.dataset, str(folder))
    if benchmark.hub_id:
        return _on_hub(benchmark.hub_id)
    raise DataError(
        f"There is no data for {benchmark.name}. Give the folder that holds {benchmark.dataset}/ with --data-root, or "
        "a dataset repository of the same layout with --dataset ORG/NAME[@REVISION]."
    )


def _files(folder: Path, split: str) -> list[Path]:
    found = sorted((folder / "data").glob(f"{split}-*.parquet"))
    if not found:
        raise DataError(f"There are no files data/{split}-*.parquet in {folder}. Check --data-root.")
    return found


def _on_hub(given: str) -> Source:
    match = HUB_ID.fullmatch(given)
    if match is None:
        raise DataError(f'"{given}" is no dataset on the Hub. Expected ORG/NAME or ORG/NAME@REVISION.')
    hub_id, revision = match["id"], match["revision"]
    import httpx2  # the HTTP client of huggingface_hub 2; its transport errors reach us as they are
    from huggingface_hub import HfApi

    _quiet()
    try:
        commit = HfApi().dataset_info(hub_id, revision=revision, timeout=30).sha
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise _explain(error, given) from error
    if not commit:
        raise DataError(f"The Hub names no commit for the dataset {given}.")
    return Source(hub_id, f"hf://datasets/{hub_id}", commit)


def _load(source: Source, split: str) -> Any:
    import httpx2
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    _quiet()
    files = {split: f"data/{split}-*.parquet"}
    try:
        # Only this split is fetched, so the sizes of the others that a card may state must not be checked.
        return load_dataset(
            source.place, data_files=files, split=split, revision=source.commit, verification_mode="no_checks"
        )
    except (httpx2.HTTPError, DatasetsError, OSError, ValueError) as error:
        raise _explain(error, f"{source.id}@{source.commit}" if source.commit else source.place) from error


def _explain(error: BaseException, given: str) -> FerError:
    """The sentence for what the dataset libraries raised."""
    import httpx2
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    causes = _chain(error)
    if any(isinstance(c, OSError) and (c.errno == errno.ENOSPC or "disk space" in str(c)) for c in causes):
        return StorageError("The disk is full: the dataset could not be unpacked. Make room and run again.")
    if any(isinstance(c, GatedRepoError) for c in causes):
        return DataError(f"The dataset {given} is gated. Accept its terms on the Hub and log in, then run again.")
    if any(isinstance(c, RevisionNotFoundError) for c in causes):
        return DataError(f"The dataset {given} has no such revision on the Hub.")
    if any(isinstance(c, RepositoryNotFoundError | DatasetNotFoundError) for c in causes):
        return DataError(f"There is no dataset {given} on the Hub, or it is private. Check the name and your login.")
    if any(isinstance(c, HfHubHTTPError) for c in causes):
        return DataError(f"The Hub refused the dataset {given}: {_first_line(causes[-1])}")
    if any(isinstance(c, httpx2.TransportError | ConnectionError) for c in causes):
        return DataError(f"The Hub could not be reached for the dataset {given}: there is no network, or it is down.")
    return DataError(f"The dataset {given} could not be read: {_first_line(causes[-1])}")


def _chain(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _quiet() -> None:
    """Leave the terminal to our own sentences and progress bar."""
    import datasets
    from huggingface_hub.utils import logging as hub_logging

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    hub_logging.set_verbosity(logging.CRITICAL)
