"""Where the rows come from: a dataset repository in a local folder or on the Hub, through the same call."""

from __future__ import annotations

import errno
import hashlib
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.benchmark import Benchmark
from eval.stream import RowStream
from fer.errors import DataError, FerError, StorageError

HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
DEFAULT_ROOT = Path("../shared/data")
LOG_IN = "log in with: hf auth login (or set HF_TOKEN)"
READ_AT_ONCE = 64  # rows held while a split is streamed
CARD = "README.md"  # may say how files make splits, and what their columns hold


@dataclass(frozen=True, eq=False)
class Layout:
    """How a repository lays out its data, where it is not ``data/<split>-*.parquet``.

    config: which of its configurations. files: the files of each split, as ``datasets`` resolved them. parquet: whether
    they are read as parquet. features: what the card says of the columns, None where it says nothing.
    """

    config: str
    files: Mapping[str, Any]
    parquet: bool
    features: Any

    def request(self, split: str, columns: Sequence[str] | None) -> dict[str, Any]:
        """Arguments of ``datasets.load_dataset`` for ``columns`` (all for None) of ``split``."""
        from datasets.data_files import DataFilesDict

        # Only parquet can leave columns out; others are dropped after reading.
        narrowed = {"columns": list(columns) if columns else None, "batch_size": READ_AT_ONCE} if self.parquet else {}
        files = DataFilesDict({split: self.of(split)})
        return {"name": self.config, "data_files": files, "features": self.features, **narrowed}

    def of(self, split: str) -> Any:
        """The files of a split; DataError where there is none of that name."""
        if split not in self.files:
            raise DataError(f"The dataset has no {split} split; it has {', '.join(self.files)}.")
        return self.files[split]


@dataclass(frozen=True)
class Source:
    """A dataset whose revision is known.

    id: folder name or "org/name". place: what ``datasets.load_dataset`` is given: a folder, or an address on the Hub
    that no folder of the same name can stand in for. commit: the resolved commit on the Hub, None for a folder.
    layout: None for ``data/<split>-*.parquet``. streaming: rows are read one after the other and nothing is kept.
    """

    id: str
    place: str
    commit: str | None = None
    layout: Layout | None = None
    streaming: bool = False

    @property
    def named(self) -> str:
        """The dataset as sentences name it."""
        return f"{self.id}@{self.commit}" if self.commit else self.place

    def revision(self, split: str) -> str:
        """The commit on the Hub, or "sha256:..." over the names and bytes of the split's files in a folder."""
        if self.commit:
            return self.commit
        folder, digest = Path(self.place), hashlib.sha256()
        for path in _files(folder, split) if self.layout is None else _laid_out(folder, self.layout.of(split)):
            digest.update((path.name if self.layout is None else path.relative_to(folder).as_posix()).encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"sha256:{digest.hexdigest()}"

    def features(self, split: str) -> Any:
        """What each column of ``split`` holds, by name. No picture is downloaded for it. Raises DataError."""
        return _load(replace(self, streaming=True), split, None).features

    def open(self, split: str, images: Sequence[str], others: Sequence[str]) -> Any:
        """Rows of ``split`` with the columns ``images``, undecoded (see ``picture_bytes``), and ``others``.

        Raises DataError (missing, unreachable, not laid out as declared) or StorageError (the disk is full).
        """
        wanted = list(dict.fromkeys([*images, *others]))
        rows = _load(self, split, wanted)
        missing = sorted(set(wanted) - set(rows.column_names))
        if missing:
            raise DataError(
                f"The {split} split of {self.id} has no column {', '.join(missing)}; it has "
                f"{', '.join(rows.column_names)}."
            )
        from datasets import Image

        rows = rows.select_columns(wanted)
        for image in images:
            if not isinstance(rows.features[image], Image):
                raise DataError(f'The column "{image}" of {self.id} holds {rows.features[image]}, not pictures.')
            rows = rows.cast_column(image, Image(decode=False))
        if not self.streaming:
            return rows
        one = (() if others else images[:1], others[:1])
        return RowStream(rows, lambda: explained(self.named), lambda: sum(1 for _ in self.open(split, *one)))


def locate(benchmark: Benchmark, data_root: Path | None, dataset: str | None) -> Source:
    """Find the benchmark's dataset: ``dataset`` ("org/name[@revision]"), else a folder below ``data_root``, else the
    benchmark's own Hub id. Raises DataError.
    """
    if dataset is not None:
        return on_hub(dataset)
    root = _root(data_root)
    if root is not None and (benchmark.card is None or at_hand(benchmark, data_root)):
        folder = root / benchmark.dataset
        _files(folder, benchmark.split)
        return Source(benchmark.dataset, str(folder))
    if benchmark.hub_id:
        return on_hub(benchmark.hub_id)
    raise DataError(how_to_get(benchmark))


def _root(given: Path | None) -> Path | None:
    return given or (DEFAULT_ROOT if DEFAULT_ROOT.is_dir() else None)


def folder_of(benchmark: Benchmark, data_root: Path | None) -> Path | None:
    """The folder of the benchmark's dataset, whatever it holds; None where there is none."""
    root = _root(data_root)
    return root / benchmark.dataset if root is not None and (root / benchmark.dataset).is_dir() else None


def at_hand(benchmark: Benchmark, data_root: Path | None) -> bool:
    """Whether there is a folder of the benchmark's dataset."""
    return folder_of(benchmark, data_root) is not None


def how_to_get(benchmark: Benchmark) -> str:
    """A sentence or two: what to do about a dataset that is not there."""
    if benchmark.card is None:
        return (
            f"There is no data for {benchmark.name}. Give the folder that holds {benchmark.dataset}/ with --data-root, "
            "or a dataset repository of the same layout with --dataset ORG/NAME[@REVISION]."
        )
    return (
        f"There is no data for {benchmark.name}. {benchmark.card.obtain} Then: python -m eval prepare "
        f"{benchmark.dataset} --from FOLDER. {benchmark.card.layout}"
    )


def _files(folder: Path, split: str) -> list[Path]:
    found = sorted((folder / "data").glob(f"{split}-*.parquet"))
    if not found:
        raise DataError(f"There are no files data/{split}-*.parquet in {folder}. Check --data-root.")
    return found


def _laid_out(folder: Path, files: Sequence[str]) -> list[Path]:
    """The data files of a folder, and its card, which may say what they hold."""
    card = folder / CARD
    return sorted({Path(file) for file in files} | ({card} if card.is_file() else set()))


def on_hub(given: str) -> Source:
    """The dataset "org/name[@revision]" at the commit that the revision stands for now. Raises DataError."""
    match = HUB_ID.fullmatch(given)
    if match is None:
        raise DataError(f'"{given}" is no dataset on the Hub. Expected ORG/NAME or ORG/NAME@REVISION.')
    hub_id, revision = match["id"], match["revision"]
    from huggingface_hub import HfApi

    with explained(given):
        commit = HfApi().dataset_info(hub_id, revision=revision, timeout=30).sha
    if not commit:
        raise DataError(f"The Hub names no commit for the dataset {given}.")
    return Source(hub_id, f"hf://datasets/{hub_id}", commit)


def _load(source: Source, split: str, columns: Sequence[str] | None) -> Any:
    from datasets import load_dataset

    # Only this split is fetched, so the sizes of the others that a card may state must not be checked.
    files = {"data_files": {split: f"data/{split}-*.parquet"}}
    asked = files if source.layout is None else source.layout.request(split, columns)
    with explained(source.named):
        rows = load_dataset(
            source.place,
            split=split,
            revision=source.commit,
            verification_mode="no_checks",
            streaming=source.streaming,
            **asked,
        )
        return rows._resolve_features() if source.streaming else rows


def picture_bytes(cell: Mapping[str, Any] | None) -> bytes | None:
    """The bytes of an undecoded picture; of its file, where the row only names one; None where there is neither."""
    if not cell or cell["bytes"] or not cell["path"]:
        return cell["bytes"] if cell else None
    from datasets.utils.file_utils import xopen  # opens whatever the dataset's own reader names, archives too

    with explained(cell["path"]):
        try:
            with xopen(cell["path"], "rb") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None


@contextmanager
def explained(given: str) -> Iterator[None]:
    """Turn what the dataset libraries raise about the dataset ``given`` into a DataError or StorageError."""
    import httpx2  # the HTTP client of huggingface_hub 2; its transport errors reach us as they are
    from datasets.exceptions import DatasetsError

    _quiet()
    try:
        yield
    except (httpx2.HTTPError, DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise _explain(error, given) from error


def _explain(error: BaseException, given: str) -> FerError:
    """The sentence for what the dataset libraries raised."""
    import httpx2
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    causes = _chain(error)
    if any(isinstance(c, OSError) and (c.errno == errno.ENOSPC or "disk space" in str(c)) for c in causes):
        return StorageError("The disk is full: the dataset could not be unpacked. Make room and run again.")
    # ``datasets`` drops the cause of this one.
    if any(isinstance(c, GatedRepoError) or "is a gated dataset" in str(c) for c in causes):
        return DataError(
            f"The dataset {given} is gated. Accept its terms on https://huggingface.co/datasets/{given.split('@')[0]}, "
            f"{LOG_IN}, then run again."
        )
    if any(isinstance(c, RevisionNotFoundError) for c in causes):
        return DataError(f"The dataset {given} has no such revision on the Hub.")
    if any(isinstance(c, RepositoryNotFoundError | DatasetNotFoundError) for c in causes):
        return DataError(
            f"There is no dataset {given} on the Hub, or it is private. Check the name; for a private one {LOG_IN}."
        )
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
