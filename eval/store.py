"""Where predictions and results lie on disk. Every write is atomic; one that fails is a StorageError and loses nothing.

RESULTS/<model>/<weights>/<benchmark>.json      the result
RESULTS/<model>/<weights>/<benchmark>.parquet   its raw predictions
CACHE/<key>/<first picture>.part                a finished batch of a run that is not complete: SHA-256, then parquet
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval.records import Record, from_table, to_table
from fer.errors import DataError, StorageError

SECONDS = b"seconds"
DIGEST_BYTES = 32
RESULT_KEYS = ("benchmark", "model", "counts", "scores", "ms_per_face", "seed")
SPEED_FILE = "speed.json"  # below RESULTS; the last stored measurement of speed
THROUGHPUT_FILE = "throughput.json"  # and of a whole run beside its forward passes


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call ``write`` with a temporary path beside ``path`` and rename it; StorageError when that fails.

    Whatever lay at ``path`` before stays whole until the rename.
    """
    write_together({path: write})


def write_together(writes: Mapping[Path, Callable[[Path], None]]) -> None:
    """Several files as ``write_atomically``, and none of them where one cannot be written.

    Two that write the same folders at once wait for each other, so that their files do not mix.
    """
    temporaries = {path: path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in writes}
    path = next(iter(writes))
    try:
        with ExitStack() as held:
            for folder in sorted({path.parent for path in writes}):
                held.enter_context(_alone_in(folder))
            for path, temporary in temporaries.items():
                held.callback(_remove, temporary)
                writes[path](temporary)
            for path, temporary in temporaries.items():
                temporary.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} could not be written ({error.strerror or error}). Make room or choose another folder, then run "
            "the same command again: finished batches are kept."
        ) from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder and hold it. A file system without locks is used without."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is(handle, folder):  # else it was removed meanwhile, with what had been in it
            break
        os.close(handle)
    try:
        yield
    finally:
        os.close(handle)


def _is(handle: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # on a folder that takes no writes there is nothing to remove either
        return


def parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


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
        self.identity = hashlib.sha256(text.encode()).hexdigest()[:32]
        self.folder = cache / self.identity

    def add(self, first: int, records: Sequence[Record], seconds: float) -> None:
        """Keep a batch. first: the place of its first picture in the run; seconds: what it took."""
        table = to_table(records)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), SECONDS: repr(seconds).encode()})
        data = parquet(table)
        # Parquet itself does not see every damaged byte.
        write_atomically(self.folder / f"{first:08d}.part", lambda part: _write(part, _digest(data) + data))

    def read(self) -> tuple[list[Record], float]:
        """All records kept so far and the seconds that they took."""
        records, seconds = [], 0.0
        for path in sorted(self.folder.glob("*.part")):
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # another run has stored the result meanwhile
                continue
            checksum, data = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
            if _digest(data) != checksum:  # cut off by a crash of the machine, or damaged: it is predicted again
                _remove(path)
                continue
            table = pq.read_table(pa.BufferReader(data))
            records += from_table(table)
            seconds += float(table.schema.metadata[SECONDS])
        return records, seconds

    def clear(self) -> None:
        """Forget the batches: the result is stored. Another run that still writes here waits, and makes the folder."""
        if self.folder.is_dir():
            with _alone_in(self.folder):
                shutil.rmtree(self.folder, ignore_errors=True)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def result_path(results: Path, model: str, weights: str, benchmark: str) -> Path:
    """Where a result is written. Its identity is read from the fields inside, never from this path."""
    return results / _safe(model) / _safe(weights) / f"{_safe(benchmark)}.json"


def write_result(
    results: Path, result: Mapping[str, Any], records: Sequence[Record], identity: str | None = None
) -> Path:
    """Write the predictions and the result with their checksum, both or none; returns the path of the result.

    identity: of the run that made the predictions (``Parts.identity``), None where it is not known.
    """
    path = result_path(results, result["model"]["name"], result["model"]["weights"], result["benchmark"]["name"])
    raw = path.with_suffix(".parquet")
    data = parquet(to_table(records))
    made_by = {} if identity is None else {"identity": identity}
    full = dict(result) | {"predictions": {"file": raw.name, "sha256": hashlib.sha256(data).hexdigest(), **made_by}}
    text = _json(full)
    write_together(
        {raw: lambda temporary: _write(temporary, data), path: lambda temporary: _write(temporary, text.encode())}
    )
    return path


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON atomically; it refuses nan and infinity, which are not JSON."""
    write_text(path, _json(value))


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    write_atomically(path, lambda temporary: _write(temporary, text.encode()))


def read_results(results: Path) -> dict[Path, dict[str, Any]]:
    """Every result below ``results`` by its path, sorted by path; DataError for one that is damaged."""
    collects = gc.isenabled()
    gc.disable()  # all that is read is kept, so looking for garbage meanwhile takes time and finds none
    try:
        return {path: read_result(path) for path in sorted(results.glob("*/*/*.json"))}
    finally:
        if collects:
            gc.enable()


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
    return _read_measured(results / SPEED_FILE)


def read_throughput(results: Path) -> dict[str, Any] | None:
    """The stored measurement of a whole run, None where there is none; DataError when it is damaged."""
    return _read_measured(results / THROUGHPUT_FILE)


def _read_measured(path: Path) -> dict[str, Any] | None:
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
