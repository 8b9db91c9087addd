"""Pictures of a dataset as a user has it: its own folders, a folder per label, a manifest, or any copy on the Hub.

Each becomes an ``Item``; ``eval.prepare`` writes those that the protocol wants in the layout that everything reads.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from eval import adhoc, label_names
from eval.card import Card, Frames
from eval.pictures import is_text
from eval.source import Source, picture_bytes
from fer.errors import DataError
from fer.types import Emotion

MANIFEST = "manifest.csv"
OF_SEQUENCE = ("subject", "sequence", "frame")  # what frames are chosen by
COLUMNS = ("path", "label", "split", *OF_SEQUENCE)  # of a manifest; the first two must be there
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
NAME_COLUMNS = ("file", "filename", "file_name", "path", "name")  # of a copy on the Hub, with a name as in the card
SPLIT = "test"


@dataclass(frozen=True, eq=False)
class Item:
    """One picture. label: None where it is not part of the protocol. read: its bytes. frame: place in its sequence."""

    read: Callable[[], bytes | None]
    label: Emotion | None
    split: str
    subject: str = ""
    sequence: str = ""
    frame: int = 0


def every_split(split: str) -> bool:
    """All are read."""
    return True


def from_folder(
    folder: Path, card: Card, numbers: bool = False, reads: Callable[[str], bool] = every_split
) -> Iterator[Item]:
    """The pictures below a folder, by path; those of the manifest where there is one. Raises DataError.

    numbers: whether bare numbers are taken for labels, because in another order their counts would betray them. Those
    of the owners' own ``label_file`` and ``label_list`` always are. reads: whether a split, of ours, is read.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}. {card.obtain} {card.layout}")
    if (folder / MANIFEST).is_file():
        yield from _from_manifest(folder, card, numbers, reads)
        return
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        place = path.relative_to(folder).as_posix()
        found = re.search(card.path, place)
        if found is None:
            continue
        groups = {name: value for name, value in found.groupdict().items() if value is not None}
        split = _split(place, groups, card)
        if reads(split):
            yield _item(partial(_bytes, path), _label(folder, place, groups, card, numbers), split, groups)


def _check_sequence(where: str, groups: Mapping[str, str], card: Card) -> None:
    """DataError where frames of a sequence are chosen and a picture does not say of which it is, and where in it."""
    lacks = [name for name in OF_SEQUENCE if not groups.get(name)]
    if lacks and card.frames is not Frames.ALL:
        raise DataError(
            f"{where} does not say its {' and '.join(lacks)}, and the protocol chooses among the frames of each "
            f"sequence: every picture needs all of {', '.join(OF_SEQUENCE)}, as columns of a {MANIFEST} give them."
        )


def _item(read: Callable[[], bytes | None], label: Emotion | None, split: str, groups: Mapping[str, str]) -> Item:
    subject, sequence = groups.get("subject", ""), groups.get("sequence", "")
    return Item(read, label, split, subject, sequence, int(groups.get("frame") or 0))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"The picture {path} cannot be read ({error.strerror or error}).") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not written in UTF-8 (byte {error.start}). Save it so.") from error


def _table(manifest: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a manifest, and its rows with the numbers of their lines. Raises DataError."""
    rows = csv.DictReader(io.StringIO(_text(manifest), newline=""))
    try:
        return list(rows.fieldnames or []), [(rows.line_num, row) for row in rows]
    except csv.Error as error:
        raise DataError(f"Line {rows.line_num + 1} of {manifest} is no row of a CSV file ({error}).") from error


def _from_manifest(folder: Path, card: Card, numbers: bool, reads: Callable[[str], bool]) -> Iterator[Item]:
    manifest = folder / MANIFEST
    columns, rows = _table(manifest)
    if not {"path", "label"} <= set(columns) <= set(COLUMNS):
        raise DataError(f"{manifest} has the columns {', '.join(columns)}; expected {', '.join(COLUMNS)}.")
    for line, row in rows:
        if None in row or None in row.values():
            raise DataError(f"Line {line} of {manifest} does not have the {len(columns)} values of its head.")
        if not re.fullmatch(r"\d*", row.get("frame") or "", re.ASCII):
            raise DataError(f'Line {line} of {manifest} has the frame "{row["frame"]}"; expected a whole number.')
        path = folder / row["path"]
        if not path.is_file():
            raise DataError(f"Line {line} of {manifest} names {row['path']}, which is not there.")
        split = card.splits.get(row.get("split") or SPLIT, row.get("split") or SPLIT)
        if reads(split):
            _check_sequence(f"Line {line} of {manifest}", row, card)
            yield _item(partial(_bytes, path), meaning(row["label"], card, numbers), split, row)


def meaning(name: str, card: Card, numbers: bool = False) -> Emotion | None:
    """The expression that a label stands for, by the card or by its usual name. numbers: whether it may be a number.

    Raises DataError.
    """
    if name in card.labels and name.isdecimal() and not numbers:
        raise DataError(
            f'The label "{name}" is a bare number, and the numbers of pictures would not show whether it stands for '
            f"{card.labels[name] or 'what is left out'} as in the owners' files: give names."
        )
    if name in card.labels:
        return card.labels[name]
    plain = label_names.plain(name)
    if plain not in label_names.USUAL:
        known = ", ".join(f'"{label}"' for label in (*card.labels, *label_names.USUAL))
        raise DataError(f'The copy does not match its card: it has a label "{name}"; known are {known}.')
    return label_names.USUAL[plain]


def _split(place: str, groups: Mapping[str, str], card: Card) -> str:
    if "split" in groups:
        return card.splits.get(groups["split"], groups["split"])
    parts = [part for part in place.split("/")[:-1] if part in card.splits]
    if card.splits and not parts:
        raise DataError(f"No folder of {place} is one of the splits {', '.join(card.splits)}.")
    return card.splits[parts[0]] if parts else SPLIT


def _label(folder: Path, place: str, groups: Mapping[str, str], card: Card, numbers: bool) -> Emotion | None:
    if "label" in groups:
        return meaning(groups["label"], card, numbers)
    if card.label_list and "name" in groups and (folder / card.label_list).is_file():
        name = _listed(folder / card.label_list).get(groups["name"])
        return None if name is None else meaning(name, card, numbers=True)
    for part in reversed(place.split("/")[:-1]):
        if part in card.labels or label_names.plain(part) in label_names.USUAL:
            return meaning(part, card, numbers)
    if card.label_file and set(re.findall(r"{(\w+)}", card.label_file)) <= set(groups):
        name = _from_file(folder, card.label_file.format(**groups))
        return None if name is None else meaning(name, card, numbers=True)
    return None


@cache
def _listed(path: Path) -> dict[str, str]:
    lines = (line.split() for line in _text(path).splitlines())
    return {Path(parts[0]).stem: parts[1] for parts in lines if len(parts) == 2}


@cache
def _from_file(folder: Path, pattern: str) -> str | None:
    """The label, a number where it is one, in the first file of the pattern; None where there is no such file."""
    found = sorted(folder.glob(pattern))
    if not found:
        return None
    text = _from_array(found[0]) if found[0].suffix == ".npy" else _text(found[0]).strip()
    try:
        return str(int(float(text)))
    except (ValueError, OverflowError):  # a name; no number, or not a finite one
        return text


def _from_array(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return str(np.lib.format.read_array(file, allow_pickle=False).item())
    except (OSError, ValueError) as error:
        raise DataError(f"The label {path} cannot be read ({error}).") from error


def from_hub(
    source: Source, card: Card, numbers: bool = False, reads: Callable[[str], bool] = every_split
) -> Iterator[Item]:
    """The pictures of an explored dataset, in its order; columns are guessed as for any dataset. Raises DataError.

    numbers, reads: as for a folder; pictures of other splits are not fetched.
    """
    if source.layout is None:
        raise ValueError("The dataset must be explored first.")
    for split in source.layout.files:
        ours = card.splits.get(split, split) if card.splits else SPLIT
        if not reads(ours):
            continue
        features = source.features(split)
        image, label = adhoc.pick_image(features, None), adhoc.pick_label(features, None)
        name = next((column for column in NAME_COLUMNS if is_text(features.get(column))), None)
        rows = source.open(split, [image], [label, *([name] if name else [])])
        names = getattr(features[label], "names", None)
        for number, row in enumerate(rows):
            value = row[label]
            if value is None or (names is not None and not 0 <= value < len(names)):  # -1 is usual for none
                raise DataError(f"The copy does not match its card: a picture of its split {split} has no label.")
            meant = meaning(str(value if names is None else names[value]), card, numbers)
            path = str(row[name] if name else (row[image] or {}).get("path") or "")
            groups = _groups(path, card)
            _check_sequence(f"Row {number} of the split {split}", groups, card)
            yield _item(partial(picture_bytes, row[image]), meant, ours, groups)


def _groups(path: str, card: Card) -> dict[str, str]:
    found = re.search(card.path, path) if card.path else None
    return {key: value for key, value in found.groupdict().items() if value} if found else {}
