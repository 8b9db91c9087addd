"""Whether a copy of a dataset is what its card says. One that is not is refused, never measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from eval.benchmark import Benchmark, Holds, Recognition
from eval.pictures import label_reader
from eval.source import Source
from fer.errors import DataError
from fer.types import EMOTIONS, Emotion


def check(benchmark: Benchmark, source: Source) -> None:
    """DataError, with the first difference, where the split that is scored does not hold what the benchmark says.

    No picture is opened.
    """
    holds = benchmark.holds
    if holds is not None and (wrong := next(_differences(benchmark, holds, source), "")):
        raise DataError(
            f"The copy of {benchmark.dataset} in {source.named} does not match the card of {benchmark.name}: {wrong}. "
            "It is refused: scores on it would be of something else."
        )


def _differences(benchmark: Benchmark, holds: Holds, source: Source) -> Iterator[str]:
    found, strange = counted(benchmark, source)
    if strange:
        yield f"its {benchmark.split} split has labels that are not declared: {', '.join(sorted(strange))}"
    for label in EMOTIONS if holds.by_label else ():
        if found[label] != holds.by_label.get(label, 0):
            yield f"it has {found[label]:,} pictures of {label} and should have {holds.by_label.get(label, 0):,}"
    if holds.pictures is not None and found.total() != holds.pictures:
        yield f"{found.total():,} of its pictures are scored and should be {holds.pictures:,}"
    told = benchmark.annotations
    if holds.subjects is not None and told is not None and told.person:
        people = len(set(source.open(benchmark.split, [], [told.person])[told.person]))
        if people != holds.subjects:
            yield f"it shows {people} people and should show {holds.subjects}"


def counted(benchmark: Benchmark, source: Source) -> tuple[Counter[Emotion], set[str]]:
    """Pictures that are scored by their label, and names of labels that the benchmark does not declare."""
    found: Counter[Emotion] = Counter()
    strange: set[str] = set()
    for view in benchmark.asked(Recognition).views:
        if view.label is None:
            raise ValueError(f"{benchmark.name} says what a copy holds, so its labels must stand in a column.")
        rows = source.open(benchmark.split, [], [view.label])
        name_of = label_reader(rows, view)
        names = Counter(_name(name_of(row), row[view.label]) for row in rows)
        strange |= set(names) - set(view.labels)
        found.update(_scored(names, view.labels))
    return found, strange


def _name(name: str | None, raw: object) -> str:
    return str(raw) if name is None else name


def _scored(names: Mapping[str, int], labels: Mapping[str, Emotion | None]) -> Counter[Emotion]:
    scored: Counter[Emotion] = Counter()
    for name, n in names.items():
        if label := labels.get(name):
            scored[label] += n
    return scored
