"""From rows that hold a picture and its truth to two faces in one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PIL import Image
from torch import Tensor

from eval.pictures import Sample, Split, whose
from eval.records import Record, Status
from fer.errors import ImageError
from fer.faces import align_like, detect_many
from fer.images import open_image, to_tensor

Pictures = Mapping[int, tuple[Image.Image, Image.Image]]
Framed = dict[int, tuple[Tensor, Tensor]]


def read_pairs(
    read: Sequence[tuple[Sample, Mapping[str, Any]]], truth: str, detect: bool
) -> tuple[list[Record], Framed]:
    """Records with what became of each row, and face and truth (3, S, S) in [-1, 1] by their place in ``read``.

    read: samples with their rows. truth: the column of the truth. detect: see ``Neutralisation``.
    """
    records = [sample.record for sample, _ in read]
    opened: dict[int, tuple[Image.Image, Image.Image]] = {}
    for i, (sample, row) in enumerate(read):
        if sample.picture is None:
            continue
        try:
            opened[i] = sample.picture, open_image((row[truth] or {}).get("bytes") or b"")
        except ImageError as error:
            records[i] = replace(records[i], status=Status.BROKEN, note=f"The truth: {error}")
    framed, reasons = detected(opened) if detect else as_they_are(opened)
    for i, reason in reasons.items():
        records[i] = replace(records[i], status=Status.NO_FACE if detect else Status.BROKEN, note=reason)
    return records, framed


def people_with_truths(
    split: Split, numbers: Sequence[int], truth: str, detect: bool, person: str, sources: str | None
) -> tuple[list[Record], Framed, list[Mapping[str, Any]]]:
    """See ``read_pairs``; the records say who is shown, by the columns ``person`` and ``sources``. And the rows."""
    read = [split.sample_and_row(number) for number in numbers]
    records, framed = read_pairs(read, truth, detect)
    rows = [row for _, row in read]
    return [whose(record, row, person, sources) for record, row in zip(records, rows, strict=True)], framed, rows


def detected(opened: Pictures) -> tuple[Framed, dict[int, str]]:
    """Largest face of each picture, aligned, with its truth in the same frame; and which faces were missed."""
    found: Framed = {}
    missed: dict[int, str] = {}
    both = detect_many([picture for each in opened.values() for picture in each]) if opened else []
    for (i, (_, picture)), faces, truths in zip(opened.items(), both[::2], both[1::2], strict=True):
        if faces and truths:
            found[i] = faces[0].pixels, align_like(picture, truths[0].landmarks, faces[0])
        else:
            missed[i] = "No face was found in the " + ("truth." if faces else "picture.")
    return found, missed


def as_they_are(opened: Pictures) -> tuple[Framed, dict[int, str]]:
    """Faces and truths that are aligned already; and why a pair cannot be used."""
    found: Framed = {}
    unfit: dict[int, str] = {}
    for i, (picture, truth) in opened.items():
        if picture.width == picture.height and picture.size == truth.size:
            found[i] = to_tensor(picture), to_tensor(truth)
        else:
            unfit[i] = f"Picture and truth must be squares of one size; they are {picture.size} and {truth.size} px."
    return found, unfit
