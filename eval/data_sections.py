"""What the report says of the data: pictures that stand in it more than once, and folds that keep people apart."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval import benchmarks, data_page, data_report, folds
from eval.benchmark import Benchmark
from eval.columns import MISSING
from eval.folds import Manifest
from eval.markup import grid, paragraphs
from eval.scoring import Stored
from eval.source import folder_of
from eval.table import PLACE

NO_REPORT = "No report of the data was given. One is written by: python -m eval data --out PAGE"
NO_SCORES = "No stored predictions are of this revision of the scored split."
FOLDS = (
    f"No person is in two folds: {folds.RULE}. Nothing is trained on the other folds: the same weights are scored on "
    "all of them. Pictures are those of the prepared copy."
)


def duplicates(reports: Sequence[Mapping[str, Any]], stored: Sequence[Stored]) -> Iterator[str]:
    """A section for each reported dataset, with the scores of stored predictions with and without its duplicates."""
    if not reports:
        yield f"<h2>Duplicates in the data</h2>{paragraphs(NO_REPORT)}"
    for report in reports:
        yield f"<h2>{html.escape(report['dataset'])}: duplicates</h2>"
        for rule in report["rules"]:
            yield f"<h3>{html.escape(data_page.heading(report, rule))}</h3>{grid(data_page.inside(report, rule), 1)}"
            yield paragraphs(" ".join(data_page.across(report, rule)))
        rows = data_page.scores(report, data_report.scores(report, stored))
        shown = paragraphs(data_page.WITHOUT) + grid(rows, len(PLACE)) if rows else paragraphs(NO_SCORES)
        yield f"<h3>With and without duplicates</h3>{shown}"


def manifests(data_root: Path | None) -> dict[str, Manifest]:
    """The stored folds of the datasets of benchmarks with folds, by dataset. Raises DataError."""
    folders = {b.dataset: folder_of(b, data_root) for b, _ in _with_folds()}
    found = {dataset: folds.read(folder) for dataset, folder in folders.items() if folder}
    return {dataset: manifest for dataset, manifest in found.items() if manifest}


def _with_folds() -> list[tuple[Benchmark, int]]:
    declared = map(benchmarks.benchmark, benchmarks.names())
    return [(b, b.card.folds) for b in declared if b.card and b.card.folds]


def folded_benchmarks(stored: Mapping[str, Manifest]) -> Iterator[str]:
    """The benchmarks with folds, and how many people and pictures each fold holds where a manifest is stored."""
    declared = _with_folds()
    rows = [_folds_row(benchmark, k, stored.get(benchmark.dataset)) for benchmark, k in declared]
    absent = sorted({b.dataset for b, _ in declared} - set(stored))
    yield f"<h2>Folds</h2>{paragraphs(FOLDS)}{grid(rows, 2)}"
    if absent:
        yield paragraphs(
            f"No manifest of {', '.join(absent)} is stored here, because these data need an agreement with their "
            "owners; python -m eval prepare deals a copy into folds and stores one."
        )


def _folds_row(benchmark: Benchmark, k: int, manifest: Manifest | None) -> dict[str, str]:
    sizes = folds.sizes(manifest) if manifest else []
    people, pictures = ([each[i] for each in sizes] for i in (0, 1))
    return {
        "benchmark": benchmark.name,
        "dataset": benchmark.dataset,
        "folds": str(k),
        "people": f"{sum(people):,}" if sizes else MISSING,
        "pictures": f"{sum(pictures):,}" if sizes else MISSING,
        "people per fold": ", ".join(map(str, people)) or MISSING,
        "pictures per fold": ", ".join(map(str, pictures)) or MISSING,
    }
