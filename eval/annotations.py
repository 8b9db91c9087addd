"""What a dataset says of its pictures beside the label. Predictions need none of it: stored ones can be told later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from eval.benchmark import Annotations, Attribute, Benchmark
from eval.records import Record
from eval.source import Source

NOT_STATED = "not stated"


def annotator(benchmark: Benchmark, source: Source) -> Callable[[Sequence[Record]], list[Record]]:
    """What gives records the votes, attributes, person and fold of their rows, as the benchmark declares them.

    Raises DataError at once where the dataset lacks a column.
    """
    wanted = benchmark.annotations
    if wanted is None:
        return list
    single = [column for column in (wanted.votes, wanted.person, wanted.fold) if column]
    columns = [a.column for a in wanted.attributes] + single
    rows = source.open(benchmark.split, [], columns)
    return lambda records: [_told(record, rows[record.row], wanted) for record in records]


def _told(record: Record, row: Mapping[str, Any], wanted: Annotations) -> Record:
    votes = tuple(int(v) for v in row[wanted.votes]) if wanted.votes else ()
    attributes = tuple((a.column, group(a, row[a.column])) for a in wanted.attributes)
    told = replace(record, votes=votes, attributes=attributes)
    if wanted.person is None or wanted.fold is None:
        return told
    return replace(told, person=str(row[wanted.person]), fold=int(row[wanted.fold]))


def group(attribute: Attribute, value: float | str | None) -> str:
    """The group that a value belongs to. Negative numbers, None and empty words say nothing."""
    if value is None or value == "" or (attribute.limits and float(value) < 0):
        return NOT_STATED
    if not attribute.limits:
        return str(value)
    edges = attribute.limits
    place = sum(float(value) >= edge for edge in edges)
    if place == 0:
        return f"under {edges[0]}"
    return f"{edges[place - 1]} and over" if place == len(edges) else f"{edges[place - 1]} to under {edges[place]}"
