"""One raw prediction per picture: what is kept so that scoring can be repeated without the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa

from fer.types import EMOTIONS, Emotion


class Status(StrEnum):
    """What became of a picture."""

    PREDICTED = "predicted"
    NO_FACE = "no_face"  # scored as an error in recognition, only counted elsewhere
    OUTSIDE_PROTOCOL = "outside_protocol"  # its label is declared as not scored
    UNKNOWN_LABEL = "unknown_label"  # its label is not declared at all
    BROKEN = "broken"  # the picture could not be read


@dataclass(frozen=True)
class Record:
    """One picture.

    row, column: its place in the split. sha256: of the picture's bytes, empty where there are none. label: None where
    it is unknown or outside the protocol. probs: eight in canonical order, None where no expression was named. note:
    the label as found, or why the picture is broken.

    Beyond recognition: person: who it shows. sources: the real people behind it. output_sha256: of a generated face's
    8-bit pixels. values: measured numbers by name. vector: an embedding, kept only until a run is complete.
    cosines: of this picture to each predicted one before it, as ``eval.pairs.cosines`` rounds them. target: the
    expression that was asked for. features, real_features: what a judge sees in the generated face and in a photograph
    with the expression ``label``, or in the picture itself; pixels: its luminance. All three are kept only until a run
    is complete. votes, attributes: what the dataset says of the row, see ``eval.annotations``; attributes as pairs of
    column and group. fold: the number of the person's fold, from 1; 0 where there are no folds.
    """

    row: int
    column: str
    sha256: bytes
    label: Emotion | None
    status: Status
    probs: tuple[float, ...] | None = None
    note: str = ""
    person: str = ""
    sources: tuple[str, ...] = ()
    output_sha256: bytes = b""
    values: Mapping[str, float] = field(default_factory=dict)
    vector: tuple[float, ...] = ()
    cosines: tuple[int, ...] = ()
    target: str = ""
    features: tuple[float, ...] = ()
    real_features: tuple[float, ...] = ()
    pixels: tuple[float, ...] = ()
    votes: tuple[int, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    fold: int = 0

    @property
    def key(self) -> tuple[int, str]:
        """Identifies the picture within its split."""
        return self.row, self.column


SCHEMA = pa.schema(
    [
        pa.field("row", pa.int32()),
        pa.field("column", pa.string()),
        pa.field("sha256", pa.binary()),
        pa.field("label", pa.string()),
        pa.field("status", pa.string()),
        pa.field("probs", pa.list_(pa.float32())),
        pa.field("note", pa.string()),
    ],
    metadata={"probs": " ".join(EMOTIONS)},
)


BEYOND = {  # columns that are written only where a record fills them
    "person": pa.string(),
    "sources": pa.list_(pa.string()),
    "output_sha256": pa.binary(),
    "vector": pa.list_(pa.float32()),
    "cosines": pa.list_(pa.int16()),
    "target": pa.string(),
    "features": pa.list_(pa.float32()),
    "real_features": pa.list_(pa.float32()),
    "pixels": pa.list_(pa.float32()),
    "votes": pa.list_(pa.int16()),
    "attributes": pa.map_(pa.string(), pa.string()),
    "fold": pa.int16(),
}


def without_names(records: Sequence[Record]) -> list[Record]:
    """The records with people numbered in the order in which they come."""
    people = {name: str(i) for i, name in enumerate(dict.fromkeys(r.person for r in records))}
    return [replace(r, person=people[r.person]) for r in records]


def to_table(records: Sequence[Record]) -> pa.Table:
    """Records -> table in ``SCHEMA``, then the columns of ``BEYOND`` in use, then one column per measured value."""
    rows = [
        {name: getattr(r, name) for name in SCHEMA.names}
        | {"label": None if r.label is None else str(r.label), "status": str(r.status)}
        for r in records
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    for name, kind in BEYOND.items():
        if any(getattr(r, name) for r in records):
            table = table.append_column(name, pa.array([getattr(r, name) for r in records], kind))
    for name in dict.fromkeys(name for r in records for name in r.values):
        table = table.append_column(name, pa.array([r.values.get(name) for r in records], pa.float64()))
    return table


def from_table(table: pa.Table) -> list[Record]:
    """Table as ``to_table`` makes it -> records."""
    return [_record(row) for row in table.to_pylist()]


def _record(row: Mapping[str, Any]) -> Record:
    known = {name: row[name] for name in SCHEMA.names}
    beyond = {name: row[name] for name in BEYOND if name in row}
    values = {name: value for name, value in row.items() if name not in known | beyond and value is not None}
    known["label"] = None if row["label"] is None else Emotion(row["label"])
    known["status"] = Status(row["status"])
    known["probs"] = None if row["probs"] is None else tuple(float(p) for p in np.asarray(row["probs"], np.float32))
    beyond = {name: tuple(value) if isinstance(value, list) else value for name, value in beyond.items()}
    return Record(**known, **beyond, values=values)
