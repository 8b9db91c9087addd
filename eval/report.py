"""A report of stored results: one HTML page that needs no network, the tables as Markdown, every score as CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io

from eval import charts, data_page, data_sections, metrics, table
from eval.benchmark import FamilyName, family_name
from eval.columns import agreement, machine
from eval.families.recognition import answers
from eval.folds import Manifest
from eval.markup import folded, grid
from eval.metrics import Floats
from eval.records import Record
from eval.scoring import Stored
from eval.store import read_predictions, read_results, write_text
from fer.errors import DataError
from fer.types import Emotion

Curve = tuple[Floats, Floats, Floats]
WORST = 10  # mistakes shown per result
CSV_COLUMNS = (
    *("family", "benchmark", "version", "model", "weights", "weights_sha256", "dataset", "revision", "n_scored"),
    *("score", "value", "low", "high", "date", "commit"),
)
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; color: #1c2126 }
table { border-collapse: collapse; font-size: 14px } th, td { border: 1px solid #ccd2d8; padding: .25rem .5rem }
td { text-align: right; white-space: nowrap } td.word, th { text-align: left } .wide { overflow-x: auto }
figure { margin: 1rem 0 } figcaption { color: #4b5259 } summary { cursor: pointer; padding: .3rem 0 }
code { font-size: 13px }
"""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer and how probable the model held it and the label. picture: the start of its SHA-256."""

    row: int
    column: str
    picture: str
    label: str
    answer: str
    answer_probability: float
    label_probability: float


def write(results: Path, folder: Path, data: Path | None = None, data_root: Path | None = None) -> list[Path]:
    """Write report.html, report.md and report.csv into ``folder``; returns their paths.

    data: the JSON of ``python -m eval data``; its duplicates are shown, and left out of stored predictions. data_root:
    as for a run; the folds of the datasets in it are shown.

    Raises DataError where there are no results or a file is damaged, StorageError.
    """
    stored = [Stored(path, result, read_predictions(path, result)) for path, result in read_results(results).items()]
    if not stored:
        raise DataError(f"There are no results in {results} to report. See: python -m eval run --help")
    reports = data_page.read(data) if data else []
    texts = {
        "report.html": page(stored, table.times(results), reports, data_sections.manifests(data_root)),
        "report.md": f"# Results\n\n{table.render_folder(results)}\n\n{_claims_markdown(stored)}",
        "report.csv": scores_csv([s.result for s in stored]),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def scores_csv(results: Sequence[Mapping[str, Any]]) -> str:
    """One line per score of every result, full precision; an undefined number is empty."""
    stream = io.StringIO()
    rows = csv.DictWriter(stream, CSV_COLUMNS, lineterminator="\n")
    rows.writeheader()
    for r in results:
        place = {
            "family": str(family_name(r["benchmark"])),
            "benchmark": r["benchmark"]["name"],
            "version": r["benchmark"]["version"],
            "model": r["model"]["name"],
            "weights": r["model"]["weights"],
            "weights_sha256": r["model"].get("weights_sha256"),
            "dataset": r["dataset"]["id"],
            "revision": r["dataset"]["revision"],
            "n_scored": r["counts"]["n_scored"],
            "date": r["date"],
            "commit": r["git"]["commit"],
        }
        rows.writerows(place | {"score": name, **score} for name, score in r["scores"].items())
    return stream.getvalue()


def mistakes(records: Sequence[Record], classes: tuple[Emotion, ...], wanted: int = WORST) -> list[Mistake]:
    """The wrong answers that the model was surest of, surest first, then by row and column."""
    found, labels, probs = answers(records, classes)
    wrong = [
        Mistake(
            r.row,
            r.column,
            r.sha256.hex()[:12],
            str(classes[label]),
            str(classes[p.argmax()]),
            float(p.max()),
            float(p[label]),
        )
        for r, label, p in zip(found, labels.tolist(), probs, strict=True)
        if p.argmax() != label
    ]
    return sorted(wrong, key=lambda m: (-m.answer_probability, m.row, m.column))[:wanted]


def claims(result: Mapping[str, Any]) -> list[str]:
    """What may be said about differences between slices: those whose corrected p is small, or that there are none."""
    found = result["slices"]
    stated = [
        f"{t['attribute']}: {t['second']} {100 * t['difference']:+.1f} points against {t['first']} "
        f"(p = {t['p']:.2g}, corrected {t['p_holm']:.2g})"
        for t in found["tests"]
        if t["differ"]
    ]
    none = f"no difference between groups can be stated ({len(found['tests'])} tests: {found['test']})"
    return [f"{charts.title_of(result)}: {text}." for text in stated or [none]]


def page(
    stored: Sequence[Stored],
    times: str,
    reports: Sequence[Mapping[str, Any]],
    manifests: Mapping[str, Manifest],
) -> str:
    """The HTML page. Plotly stands in it once. times: in words; reports: of data; manifests: of folds, by dataset."""
    parts = [*_tables(stored), *_recognition(stored, times), *_robustness(stored), *_slices(stored), *_worst(stored)]
    parts += [*data_sections.duplicates(reports, stored), *data_sections.folded_benchmarks(manifests)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Results</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><script>{_plotly_js()}</script></head>\n<body><main><h1>Results</h1>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _plotly_js() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _figure(figure: go.Figure, place: str, caption: str) -> str:
    """place: of the figure in the page, its id; the same results give the same page."""
    plot = plotly.io.to_html(
        figure, full_html=False, include_plotlyjs=False, div_id=place, config={"displaylogo": False, "responsive": True}
    )
    return f"<figure>{plot}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _of(stored: Sequence[Stored], family: FamilyName) -> list[Stored]:
    return [s for s in stored if family_name(s.result["benchmark"]) is family]


def _by_benchmark(stored: Sequence[Stored]) -> Iterator[tuple[str, list[Stored]]]:
    names = sorted({s.result["benchmark"]["name"] for s in stored})
    for name in names:
        yield name, [s for s in stored if s.result["benchmark"]["name"] == name]


def _tables(stored: Sequence[Stored]) -> Iterator[str]:
    for family in FamilyName:
        rows = table.in_order([s.result for s in _of(stored, family)])
        if rows:
            protocols = {r["benchmark"]["name"]: r["benchmark"] for r in rows}
            notes = "".join(
                f"<p><b>{html.escape(name)}</b>: {html.escape(b['title'])}. {html.escape(b['protocol'])} Licence: "
                f"{html.escape(b['licence'])}.</p>"
                for name, b in protocols.items()
            )
            shown = grid([table.cells(r) | machine(r) for r in rows], len(table.PLACE))
            title = family.replace("_", " ").capitalize()
            yield f"<h2>{title}</h2>{shown}{folded('Protocols', notes)}"


def _classes(result: Mapping[str, Any]) -> tuple[Emotion, ...]:
    return tuple(Emotion(name) for name in result["benchmark"]["classes"])


def calibration(stored: Sequence[Stored]) -> dict[str, Curve]:
    """The curve of ``metrics.reliability`` of every result of recognition that has an answer, by its title."""
    return {
        charts.title_of(s.result): metrics.reliability(probs, labels)
        for s in stored
        for rows, labels, probs in [answers(s.records, _classes(s.result))]
        if rows
    }


def _threads(results: Sequence[Mapping[str, Any]]) -> str:
    """With how many threads the times were measured, and whose where they differ; nothing where no result tells."""
    found: dict[int, list[str]] = {}
    for result in results:
        if "environment" in result:
            found.setdefault(result["environment"]["threads"], []).append(charts.title_of(result))
    shared = len(found) == 1
    told = [
        f"with {n} CPU thread{'s' * (n != 1)}{'' if shared else ': ' + ', '.join(names)}"
        for n, names in sorted(found.items())
    ]
    warning = "" if shared else " Times with different numbers of threads do not compare."
    return f" Measured {'; '.join(told)}.{warning}" if told else ""


def _recognition(stored: Sequence[Stored], times: str) -> Iterator[str]:
    for name, found in _by_benchmark(_of(stored, FamilyName.RECOGNITION)):
        results = [s.result for s in found]
        yield f"<h2>{html.escape(name)}: speed, calibration, confusion</h2>"
        caption = (
            f"Accuracy with 95 % intervals against the time of the model alone.{_threads(results)} {times}".strip()
        )
        yield _figure(charts.latency(results), f"latency-{name}", caption)
        caption = (
            "On the dotted line a model is right as often as it says. Points are bins of 1/15; empty ones are left out."
        )
        yield _figure(charts.reliability(calibration(found)), f"reliability-{name}", caption)
        told = [r for r in results if "agreement" in r]
        if told:
            shown = charts.groups(told, [r["agreement"] for r in told], "share of the votes that the label has")
            yield _figure(shown, f"agreement-{name}", "Accuracy by how much the people who labelled the picture agree.")
            yield grid([table.place(r) | agreement(r) for r in table.in_order(told)], len(table.PLACE))
        for place, result in enumerate(results):
            caption = "Number of pictures; colour: share of the label's pictures. Rows are labels, columns answers."
            shown = _figure(charts.confusion(result), f"confusion-{name}-{place}", caption)
            yield folded(f"Confusion: {charts.title_of(result)}", shown)


def _robustness(stored: Sequence[Stored]) -> Iterator[str]:
    for name, found in _by_benchmark(_of(stored, FamilyName.ROBUSTNESS)):
        caption = "Accuracy with 95 % intervals by severity; 0 is the picture as it is."
        curves = _figure(charts.robustness([s.result for s in found]), f"robustness-{name}", caption)
        yield f"<h2>{html.escape(name)}: damaged pictures</h2>{curves}"


def _sliced(stored: Sequence[Stored]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for name, found in _by_benchmark([s for s in stored if "slices" in s.result]):
        yield name, [s.result for s in found]


def _slices(stored: Sequence[Stored]) -> Iterator[str]:
    for name, results in _sliced(stored):
        yield f"<h2>{html.escape(name)}: slices</h2>"
        yield "".join(f"<p>{html.escape(claim)}</p>" for result in results for claim in claims(result))
        for attribute in results[0]["slices"]["of"]:
            parts = [r["slices"]["of"][attribute] for r in results]
            caption = (
                f"By {attribute} as the dataset states it; n people. {results[0]['slices']['interval']}, 95 %. Groups "
                f"of fewer than {results[0]['slices']['smallest']} people are counted and not scored."
            )
            yield _figure(charts.groups(results, parts, attribute), f"slices-{name}-{attribute}", caption)


def _claims_markdown(stored: Sequence[Stored]) -> str:
    lines = [f"- {name}, {claim}" for name, results in _sliced(stored) for r in results for claim in claims(r)]
    return "\n".join(["## Slices", "", *lines, ""]) if lines else ""


def _worst(stored: Sequence[Stored]) -> Iterator[str]:
    recognition = _of(stored, FamilyName.RECOGNITION)
    if recognition:
        yield "<h2>Surest mistakes</h2><p>Rows of the split, and the start of the SHA-256 of the picture's bytes.</p>"
    for s in recognition:
        rows = [
            {
                "picture": m.picture,
                "column": m.column,
                "label": m.label,
                "answer": m.answer,
                "row": str(m.row),
                "probability of the answer": f"{m.answer_probability:.3f}",
                "of the label": f"{m.label_probability:.3f}",
            }
            for m in mistakes(s.records, _classes(s.result))
        ]
        title = f"{s.result['benchmark']['name']}: {charts.title_of(s.result)}"
        yield folded(title, grid(rows, 4) if rows else "<p>None.</p>")
