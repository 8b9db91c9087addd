"""The report of a dataset as a page of Markdown, made from its JSON and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.columns import percents

INTRODUCTION = (
    "Written by `python -m eval data`, never by hand; the rows behind every number are in the JSON file beside this "
    "page. No picture is in either."
)
WITHOUT = (
    "Stored predictions, scored again without any model. Left out are the pictures of the scored split that also stand "
    "in another split, and all but the first of those that it holds more than once. Intervals: 95 %, bootstrap."
)

SAID = {"exact": "also stand in", "near": "have a near duplicate in"}


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """All reports, one after the other."""
    return "\n\n".join(["# Data report", INTRODUCTION, *(_dataset(report) for report in reports)]) + "\n"


def _dataset(report: Mapping[str, Any]) -> str:
    parts = [f"## {report['dataset']}, labels of {report['benchmark']}", _splits(report), _labels(report)]
    parts += [_duplicates(report, rule) for rule in report["rules"]]
    if report["scores"]:
        parts += ["### With and without duplicates", WITHOUT, _scores(report)]
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)])


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _splits(report: Mapping[str, Any]) -> str:
    rows = [
        (name, told["rows"], told["pictures"], len(told["broken"]), _sizes(told["sizes"]), told["revision"][:19])
        for name, told in report["splits"].items()
    ]
    return _table(("split", "rows", "pictures", "broken", "sizes", "revision"), rows)


def _sizes(sizes: Mapping[str, int]) -> str:
    first = next(iter(sizes), "-")
    return first if len(sizes) < 2 else f"{len(sizes)} sizes, mostly {first}"


def _labels(report: Mapping[str, Any]) -> str:
    splits = report["splits"]
    names = sorted({label for told in splits.values() for label in told["labels"]})
    return _table(
        ("label", *splits), ((name, *(told["labels"].get(name, 0) for told in splits.values())) for name in names)
    )


def _duplicates(report: Mapping[str, Any], rule: str) -> str:
    found = report["duplicates"][rule]
    inside = _table(
        ("inside", "groups", "pictures beyond the first", "groups with different labels"),
        ((split, n["groups"], n["surplus"], n["labels_differ"]) for split, n in found["inside"].items()),
    )
    across = [
        f"- {n:,} pictures of {second} {SAID[rule]} {first}."
        for pair, n in found["across"].items()
        for first, second in [pair.split(" > ")]
    ]
    return "\n\n".join([f"### Duplicates, {rule}: {report['rules'][rule]}", inside, "\n".join(across)]).rstrip()


def _scores(report: Mapping[str, Any]) -> str:
    kinds = ["all", *(f"without {rule}" for rule in report["rules"])]
    head = [
        "benchmark",
        "model",
        "weights",
        *(f"{kind}: {what}" for kind in kinds for what in ("n", "accuracy %", "UAR %")),
    ]
    rows = [
        [each["benchmark"], each["model"], each["weights"]]
        + [
            cell
            for kind in kinds
            for cell in (each[kind]["n"], *(percents(each[kind][s]) for s in ("accuracy", "uar")))
        ]
        for each in report["scores"]
    ]
    return _table(head, rows)
