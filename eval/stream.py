"""Rows of a dataset that is read from its beginning to its end, and of which nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from fer.errors import DataError

Row = Mapping[str, Any]


class RowStream:
    """Rows by number, like those of a dataset on disk, for readers whose numbers rise.

    A number below the last one starts the reading again, so that jumping about is right and slow.
    """

    def __init__(self, rows: Any, guard: Callable[[], AbstractContextManager[None]], count: Callable[[], int]) -> None:
        """rows: a ``datasets.IterableDataset``. guard: what explains errors while reading. count: counts the rows."""
        self.rows, self.guard, self.count = rows, guard, count
        self.column_names, self.features = rows.column_names, rows.features
        self._left: Iterator[Row] = iter(())
        self._next = -1  # before the first question
        self._row: Row = {}

    @cached_property
    def num_rows(self) -> int:
        """How many there are; counted once, by reading one column."""
        return self.count()

    def __iter__(self) -> Iterator[Row]:
        left = iter(self.rows)
        while (row := self._read(left)) is not None:
            yield row

    def __getitem__(self, number: int) -> Row:
        """The row ``number``, from 0. DataError where the rows end before it, or cannot be read."""
        if self._next < 0 or number < self._next - 1:
            self._left, self._next = iter(self.rows.skip(number)), number
        while self._next <= number:
            row = self._read(self._left)
            if row is None:
                raise DataError(f"The rows ended at {self._next}, before row {number}: they changed while being read.")
            self._row, self._next = row, self._next + 1
        return self._row

    def _read(self, left: Iterator[Row]) -> Row | None:
        with self.guard():
            return next(left, None)
