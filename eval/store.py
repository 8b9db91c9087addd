"""Where predictions and results lie on disk. Every write is atomic; one that fails is a StorageError and loses nothing.

RESULTS/<model>/<weights>/<benchmark>.json      the result
RESULTS/<model>/<weights>/<benchmark>.parquet   its raw predictions
CACHE/<key>/<first picture>.parquet             finished batches of a run that is not complete
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval.records import Record, from_table, to_table
from fer.errors import DataError, StorageError

SECONDS = b"seconds"
RESULT_KEYS = ("benchmark", "model", "counts", "scores", "ms_per_face", "seed")
SPEED_FILE = "speed.json"  # below RESULTS; the last stored measurement of speed


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call ``write`` with a temporary path beside ``path`` and rename it; StorageError when that fails.

    Whatever lay at ``path`` before stays whole until the rename.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} could not be written ({error.strerror or error}). Make room or choose another folder, then run "
            "the same command again: finished batches are kept."
        ) from error
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # on a folder that takes no writes there is nothing to remove either
        return


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table atomically."""
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def read_parquet(path: Path) -> pa.Table:
    """Read a table; DataError when it is missing or damaged."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"The predictions in {path} could not be read ({error}). Run the benchmark again.") from error


class Parts:
    """Finished batches of one run, so that a killed run goes on where it stopped."""

    def __init__(self, cache: Path, identity: Mapping[str, Any]) -> None:
        """identity: all that decides a prediction; runs that differ in any of it never share batches."""
        text = json.dumps(identity, sort_keys=True)
        self.folder = cache / hashlib.sha256(text.encode()).hexdigest()[:32]

    def add(self, first: int, records: Sequence[Record], seconds: float) -> None:
        """Keep a batch. first: the place of its first picture in the run; seconds: what it took."""
        table = to_table(records)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), SECONDS: repr(seconds).encode()})
        write_parquet(self.folder / f"{first:08d}.parquet", table)

    def read(self) -> tuple[list[Record], float]:
        """All records kept so far and the seconds that they took."""
        records, seconds = [], 0.0
        for path in sorted(self.folder.glob("*.parquet")):
            try:
                table = read_parquet(path)
            except DataError:  # cut off by a crash of the machine: it is predicted again
                _remove(path)
                continue
            records += from_table(table)
            seconds += float(table.schema.metadata[SECONDS])
        return records, seconds

    def clear(self) -> None:
        """Forget the batches: the result is stored."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def result_path(results: Path, model: str, weights: str, benchmark: str) -> Path:
    """Where a result is written. Its identity is read from the fields inside, never from this path."""
    return results / _safe(model) / _safe(weights) / f"{_safe(benchmark)}.json"


def write_result(results: Path, result: Mapping[str, Any], records: Sequence[Record]) -> Path:
    """Write the predictions, then the result with their checksum; returns the path of the result."""
    path = result_path(results, result["model"]["name"], result["model"]["weights"], result["benchmark"]["name"])
    raw = path.with_suffix(".parquet")
    write_parquet(raw, to_table(records))
    full = dict(result) | {"predictions": {"file": raw.name, "sha256": hashlib.sha256(raw.read_bytes()).hexdigest()}}
    write_json(path, full)
    return path


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON atomically; it refuses nan and infinity, which are not JSON."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    write_atomically(path, write)


def read_results(results: Path) -> dict[Path, dict[str, Any]]:
    """Every result below ``results`` by its path, sorted by path; DataError for one that is damaged."""
    return {path: read_result(path) for path in sorted(results.glob("*/*/*.json"))}


def read_result(path: Path) -> dict[str, Any]:
    """The result at ``path``; DataError when it is damaged."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"The result {path} could not be read ({error}).") from error
    missing = [key for key in RESULT_KEYS if key not in result]
    if missing:
        raise DataError(f"{path} is no result: it lacks {', '.join(missing)}.")
    found: dict[str, Any] = result
    return found


def read_speed(results: Path) -> dict[str, Any] | None:
    """The stored measurement of speed, None where there is none; DataError when it is damaged."""
    path = results / SPEED_FILE
    if not path.is_file():
        return None
    try:
        measured: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"The measurement {path} could not be read ({error}).") from error
    return measured


def read_predictions(path: Path, result: Mapping[str, Any]) -> list[Record]:
    """The raw predictions behind the result at ``path``; DataError when they are missing or not the ones it names."""
    raw = path.with_name(result["predictions"]["file"])
    table = read_parquet(raw)
    if hashlib.sha256(raw.read_bytes()).hexdigest() != result["predictions"]["sha256"]:
        raise DataError(f"{raw} does not match the checksum in {path.name}. Run the benchmark again.")
    return from_table(table)
