"""Folds that keep people apart: who is in which, dealt by a fixed rule, with checksums and without a picture."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.families.base import number
from eval.records import Record
from fer.errors import DataError

FORMAT = 1
FILE = "folds.json"  # beside the data of a prepared dataset
Manifest = Mapping[str, Any]
RULE = "subjects sorted by their id as text, dealt in turn: the j-th, from 0, goes to fold j mod k + 1"
MEANING = (
    "The same weights on every fold: nothing was trained on the other folds. Mean and sample standard deviation are "
    "over folds, one vote each; the score of all pictures together is the main one."
)


def deal(subjects: Iterable[str], k: int) -> dict[str, int]:
    """Subject -> number of the fold, from 1 to ``k``, by ``RULE``. DataError for fewer subjects than folds."""
    ordered = sorted(set(subjects))
    if "" in ordered:
        raise DataError("There is a picture of which nobody says who it shows, so no folds keep people apart.")
    if len(ordered) < k:
        raise DataError(f"{len(ordered)} people cannot be dealt into {k} folds.")
    return {subject: j % k + 1 for j, subject in enumerate(ordered)}


def manifest(dataset: str, pictures: Sequence[tuple[str, bytes]], k: int) -> Manifest:
    """Folds of a dataset as JSON values. pictures: subject and SHA-256 of each.

    DataError where one picture is said to show two people, or as ``deal``.
    """
    folds = deal((subject for subject, _ in pictures), k)
    people: dict[str, list[bytes]] = defaultdict(list)
    owner: dict[bytes, str] = {}
    for subject, digest in pictures:
        if owner.setdefault(digest, subject) != subject:
            raise DataError(f"The picture {digest.hex()} is given to both {owner[digest]} and {subject}.")
        people[subject].append(digest)
    dealt = [
        {"subject": subject, "fold": folds[subject], "pictures": len(own), "sha256": _digest(sorted(own))}
        for subject, own in sorted(people.items())
    ]
    return {"format": FORMAT, "dataset": dataset, "k": k, "rule": RULE, "subjects": dealt}


def text(made: Manifest) -> str:
    """A manifest as it is stored; the same pictures give the same bytes."""
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def read(folder: Path) -> Manifest | None:
    """The manifest in the folder of a dataset, None where there is none. DataError where it is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        found: Manifest = json.loads(path.read_text(encoding="utf-8"))
        sizes(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The folds in {path} could not be read ({error}). Prepare the dataset again.") from error
    return found


def sizes(made: Manifest) -> list[tuple[int, int]]:
    """People and pictures of each fold of a manifest, the first fold first."""
    own = {fold: [each for each in made["subjects"] if each["fold"] == fold] for fold in range(1, made["k"] + 1)}
    return [(len(people), sum(each["pictures"] for each in people)) for people in own.values()]


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def over_folds(records: Sequence[Record], right: Sequence[bool]) -> dict[str, Any]:
    """Accuracy of each fold, and mean and deviation over folds, as JSON values. DataError where a person is in two."""
    home: dict[str, int] = {}
    hits: dict[int, list[bool]] = defaultdict(list)
    for record, hit in zip(records, right, strict=True):
        if home.setdefault(record.person, record.fold) != record.fold:
            raise DataError(f"One person is in fold {home[record.person]} and in fold {record.fold}.")
        hits[record.fold].append(hit)
    shares = {fold: float(np.mean(own)) for fold, own in sorted(hits.items())}
    values = np.array(list(shares.values()))
    return {
        "k": len(shares),
        "sha256": _digest(f"{r.row} {r.fold}\n".encode() for r in sorted(records, key=lambda r: r.key)),
        "meaning": MEANING,
        "accuracy": {
            "mean": number(values.mean()),
            "deviation": number(values.std(ddof=1)) if len(values) > 1 else None,
        },
        "by_fold": [
            {
                "fold": fold,
                "people": sum(other == fold for other in home.values()),
                "n": len(hits[fold]),
                "accuracy": number(share),
            }
            for fold, share in shares.items()
        ],
    }


def headline(result: Mapping[str, Any]) -> str:
    """The accuracy over folds of a result in half a line, nothing where it has none."""
    if "folds" not in result:
        return ""
    found = result["folds"]
    spread = found["accuracy"]["deviation"]
    deviation = "" if spread is None else f" +- {100 * spread:.2f}"
    return f", over {found['k']} folds {100 * found['accuracy']['mean']:.2f}{deviation} %"
