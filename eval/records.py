"""One raw prediction per picture: what is kept so that scoring can be repeated without the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

from fer.types import EMOTIONS, Emotion


class Status(StrEnum):
    """What became of a picture."""

    PREDICTED = "predicted"
    NO_FACE = "no_face"  # scored as an error
    OUTSIDE_PROTOCOL = "outside_protocol"  # its label is declared as not scored
    UNKNOWN_LABEL = "unknown_label"  # its label is not declared at all
    BROKEN = "broken"  # the picture could not be read


@dataclass(frozen=True)
class Record:
    """One picture.

    row, column: its place in the split. sha256: of the picture's bytes, empty where there are none. label: None where
    it is unknown or outside the protocol. probs: eight in canonical order, None where nothing was predicted. note: the
    label as found, or why the picture is broken.
    """

    row: int
    column: str
    sha256: bytes
    label: Emotion | None
    status: Status
    probs: tuple[float, ...] | None = None
    note: str = ""

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


def to_table(records: Sequence[Record]) -> pa.Table:
    """Records -> table in ``SCHEMA``."""
    rows = [
        {name: getattr(r, name) for name in SCHEMA.names}
        | {"label": None if r.label is None else str(r.label), "status": str(r.status)}
        for r in records
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def from_table(table: pa.Table) -> list[Record]:
    """Table in ``SCHEMA`` -> records."""
    return [_record(**row) for row in table.select(SCHEMA.names).to_pylist()]


def _record(
    row: int, column: str, sha256: bytes, label: str | None, status: str, probs: list[float] | None, note: str
) -> Record:
    exact = None if probs is None else tuple(float(p) for p in np.asarray(probs, np.float32))
    return Record(row, column, sha256, None if label is None else Emotion(label), Status(status), exact, note)
