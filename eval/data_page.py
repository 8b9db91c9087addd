"""The report of a dataset as a page of Markdown, made from its JSON and from nothing else; and its tables as rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.columns import RATES, percents
from eval.table import PLACE
from fer.errors import DataError

INTRODUCTION = (
    "Written by `python -m eval data`, never by hand; the rows behind every number are in the JSON file beside this "
    "page. No picture is in either."
)
WITHOUT = (
    "Stored predictions, scored again without any model. Left out are the pictures of the scored split that also stand "
    "in another split, and all but the first of those that it holds more than once. Intervals: 95 %, bootstrap."
)
SAID = {"exact": "also stand in", "near": "have a near duplicate in"}
Row = dict[str, str]  # names of columns and their cells as text


def read(path: Path) -> list[dict[str, Any]]:
    """The reports in a JSON file that ``python -m eval data`` wrote. Raises DataError."""
    try:
        reports: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["reports"]
        page(reports)  # needs all that a report holds
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no report of data ({error}). Write one with: python -m eval data --help") from error
    return reports


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """All reports, one after the other."""
    return "\n\n".join(["# Data report", INTRODUCTION, *(_dataset(report) for report in reports)]) + "\n"


def _dataset(report: Mapping[str, Any]) -> str:
    parts = [f"## {report['dataset']}, labels of {report['benchmark']}", _table(_splits(report))]
    parts += [_table(_labels(report)), *(_duplicates(report, rule) for rule in report["rules"])]
    if report["scores"]:
        parts += ["### With and without duplicates", WITHOUT, _table(scores(report, report["scores"]))]
    return "\n\n".join(parts)


def _table(rows: Sequence[Row]) -> str:
    head = list(rows[0])
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row.values())} |" for row in rows)])


def _row(cells: Iterable[tuple[str, object]]) -> Row:
    return {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in cells}


def _splits(report: Mapping[str, Any]) -> list[Row]:
    return [
        _row(
            [
                ("split", name),
                ("rows", told["rows"]),
                ("pictures", told["pictures"]),
                ("broken", len(told["broken"])),
                ("sizes", _sizes(told["sizes"])),
                ("revision", told["revision"][:19]),
            ]
        )
        for name, told in report["splits"].items()
    ]


def _sizes(sizes: Mapping[str, int]) -> str:
    first = next(iter(sizes), "-")
    return first if len(sizes) < 2 else f"{len(sizes)} sizes, mostly {first}"


def _labels(report: Mapping[str, Any]) -> list[Row]:
    splits = report["splits"]
    names = sorted({label for told in splits.values() for label in told["labels"]})
    return [
        _row([("label", name), *((split, told["labels"].get(name, 0)) for split, told in splits.items())])
        for name in names
    ]


def _duplicates(report: Mapping[str, Any], rule: str) -> str:
    lines = "\n".join(f"- {sentence}" for sentence in across(report, rule))
    return "\n\n".join([f"### {heading(report, rule)}", _table(inside(report, rule)), lines]).rstrip()


def heading(report: Mapping[str, Any], rule: str) -> str:
    """The name of a rule of sameness, and what it says."""
    return f"Duplicates, {rule}: {report['rules'][rule]}"


def inside(report: Mapping[str, Any], rule: str) -> list[Row]:
    """Duplicates within each split, one row a split."""
    return [
        _row(
            [
                ("inside", split),
                ("groups", n["groups"]),
                ("pictures beyond the first", n["surplus"]),
                ("groups with different labels", n["labels_differ"]),
            ]
        )
        for split, n in report["duplicates"][rule]["inside"].items()
    ]


def across(report: Mapping[str, Any], rule: str) -> list[str]:
    """Duplicates between splits, one sentence a pair of splits."""
    return [
        f"{n:,} pictures of {second} {SAID[rule]} {first}."
        for pair, n in report["duplicates"][rule]["across"].items()
        for first, second in [pair.split(" > ")]
    ]


def scores(report: Mapping[str, Any], scored: Sequence[Mapping[str, Any]]) -> list[Row]:
    """What ``data_report.scores`` found, one row a result: all pictures, and without the duplicates by each rule."""
    kinds = ["all", *(f"without {rule}" for rule in report["rules"])]
    return [
        _row([(name, each[name]) for name in PLACE] + [cell for kind in kinds for cell in _scored(kind, each[kind])])
        for each in scored
    ]


def _scored(kind: str, found: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [
        (f"{kind}: n", found["n"]),
        *((f"{kind}: {title} %", percents(found[name])) for name, title in RATES.items()),
    ]
