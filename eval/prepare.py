"""A copy of a dataset, brought into the layout that everything reads, or refused where it does not match its card.

DATA_ROOT/<dataset>/data/<split>-00000-of-00001.parquet   pictures and labels; person and fold where there are folds
DATA_ROOT/<dataset>/folds.json                            who is in which fold, see ``eval.folds``
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval import adhoc, benchmarks, folds
from eval.benchmark import Benchmark
from eval.card import Card, Frames
from eval.copies import Item, from_folder, from_hub
from eval.source import HUB_ID, Source
from eval.store import write_text
from eval.verify import check
from fer.errors import DataError, RegistryError, StorageError
from fer.types import EMOTIONS, Emotion

WRITTEN_AT_ONCE = 256
CHOSEN = 3  # frames of a sequence


@dataclass(frozen=True)
class Prepared:
    """What was written. counts: split -> label -> pictures. left_out: pictures outside the protocol, of these splits.
    skipped: splits that no benchmark reads. fit: the benchmarks whose cards it matches; unfit: why it does not match
    those of others.
    """

    folder: Path
    counts: dict[str, dict[str, int]]
    left_out: int
    skipped: list[str]
    fit: list[str]
    unfit: list[str]


def prepare(dataset: str, given: str, root: Path) -> Prepared:
    """Write the copy ``given``, a folder or "org/name[@revision]" on the Hub, as ``root/dataset``.

    Raises RegistryError for a dataset without a card, DataError where the copy matches no benchmark's card or a folder
    is there already, StorageError.
    """
    declared = on_dataset(dataset)
    card = declared[0].card
    if card is None:
        raise ValueError(f"{dataset} has no card.")
    target, unfinished = root / dataset, root / f".{dataset}.unfinished"
    if target.exists():
        raise DataError(f"{target} is there already. Remove it first, or give another --data-root.")
    shutil.rmtree(unfinished, ignore_errors=True)
    skipped: set[str] = set()
    try:
        counts, left_out = _write(_items(given, declared, card, skipped), unfinished, dataset, card)
        fit, unfit = _verified(declared, Source(dataset, str(unfinished)))
        if not fit:
            raise DataError(" ".join(unfit).replace(str(unfinished), given))
        unfinished.rename(target)
    except OSError as error:
        raise StorageError(f"{target} could not be written ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    unfit = [each.replace(str(unfinished), str(target)) for each in unfit]
    return Prepared(target, counts, left_out, sorted(skipped), fit, unfit)


def on_dataset(dataset: str) -> list[Benchmark]:
    """The benchmarks on a dataset that a user brings. RegistryError where there are none."""
    brought = [b for b in map(benchmarks.benchmark, benchmarks.names()) if b.card is not None]
    if found := [b for b in brought if b.dataset == dataset]:
        return found
    raise RegistryError.unknown("dataset with a card", dataset, {b.dataset for b in brought})


def _items(given: str, declared: Sequence[Benchmark], card: Card, skipped: set[str]) -> Iterator[Item]:
    """The pictures of the splits that a benchmark reads; the names of other splits are added to ``skipped``."""
    numbers = all(b.holds is not None and b.holds.tells_apart(card.numbered) for b in declared)
    splits = {split for b in declared for split in (b.split, b.train_split)}

    def reads(split: str) -> bool:
        if split not in splits:
            skipped.add(split)
        return split in splits

    is_place = given.startswith((".", "/", "~"))
    if not is_place and not Path(given).is_dir() and HUB_ID.fullmatch(given):
        return from_hub(adhoc.explore(given, None, streaming=True), card, numbers, reads)
    return from_folder(Path(given).expanduser(), card, numbers, reads)


def _verified(declared: Sequence[Benchmark], source: Source) -> tuple[list[str], list[str]]:
    fit, unfit = [], []
    for benchmark in declared:
        try:
            check(benchmark, source)
            fit.append(benchmark.name)
        except DataError as error:
            unfit.append(str(error))
    return fit, unfit


def chosen(items: Iterable[Item], frames: Frames) -> Iterator[Item]:
    """The pictures that a protocol takes of each sequence, in a fixed order."""
    if frames is Frames.ALL:
        yield from items
        return
    sequences: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for item in items:
        sequences[item.split, item.subject, item.sequence].append(item)
    for _, sequence in sorted(sequences.items()):
        sequence.sort(key=lambda item: item.frame)
        middle = max(0, (len(sequence) - CHOSEN) // 2)
        if frames is Frames.MIDDLE_THREE:
            yield from sequence[middle : middle + CHOSEN]
            continue
        if len(sequence) > CHOSEN and sequence[0].label is not None:
            yield replace(sequence[0], label=Emotion.NEUTRAL)
        yield from sequence[-CHOSEN:]


def _features(card: Card) -> Any:
    from datasets import ClassLabel, Features, Value
    from datasets import Image as ImageFeature

    told = {"subject": Value("string"), "sequence": Value("string"), "fold": Value("int16")} if card.folds else {}
    return Features({"image": ImageFeature(), "label": ClassLabel(names=list(EMOTIONS))} | told)


def _write(items: Iterable[Item], folder: Path, dataset: str, card: Card) -> tuple[dict[str, dict[str, int]], int]:
    """Write what the protocol takes: pictures by split and label, and how many were left out."""
    wanted, left_out = _within(chosen(items, card.frames))
    people = folds.deal((item.subject for item in wanted), card.folds) if card.folds else {}
    schema = _features(card).arrow_schema
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    digests: list[tuple[str, bytes]] = []
    (folder / "data").mkdir(parents=True)
    with ExitStack() as opened:
        for split in sorted({item.split for item in wanted}):
            path = folder / "data" / f"{split}-00000-of-00001.parquet"
            writer = opened.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            own = [item for item in wanted if item.split == split]
            for start in range(0, len(own), WRITTEN_AT_ONCE):
                rows = [_row(item, people) for item in own[start : start + WRITTEN_AT_ONCE]]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                digests += [(row["subject"], hashlib.sha256(row["image"]["bytes"] or b"").digest()) for row in rows]
            counts[split].update(str(item.label) for item in own)
    if card.folds:
        write_text(folder / folds.FILE, folds.text(folds.manifest(dataset, digests, card.folds)))
    return {split: dict(found) for split, found in counts.items()}, left_out


def _within(items: Iterable[Item]) -> tuple[list[Item], int]:
    wanted, left_out = [], 0
    for item in items:
        if item.label is None:
            left_out += 1
        else:
            wanted.append(item)
    if not wanted:
        raise DataError("No picture of the copy is part of the protocol: it is not laid out as its card says.")
    return wanted, left_out


def _row(item: Item, people: dict[str, int]) -> dict[str, Any]:
    told = {"sequence": item.sequence, "fold": people.get(item.subject, 0)}
    return {"image": {"bytes": item.read(), "path": None}, "label": _number(item), "subject": item.subject} | told


def _number(item: Item) -> int:
    if item.label is None:
        raise ValueError("Only pictures with a label are written.")
    return EMOTIONS.index(item.label)


def shown(done: Prepared) -> str:
    """What was written, as text."""
    lines = [
        f"{split}: {sum(labels.values()):,} pictures: {', '.join(f'{label} {n:,}' for label, n in labels.items())}"
        for split, labels in done.counts.items()
    ]
    outside = [f"{done.left_out:,} pictures are outside the protocol."] if done.left_out else []
    outside += [f"Not written: the split {split}, which no benchmark reads." for split in done.skipped]
    fits = [f"It matches the card of {', '.join(done.fit)}."]
    return "\n".join([f"Written: {done.folder}", *lines, *outside, *fits, *done.unfit])
