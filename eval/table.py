"""The table of results in the README, made from the JSON files and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.speed import sentence
from eval.store import read_results, read_speed, write_text
from fer.errors import DataError
from fer.types import EMOTIONS

START, END = "<!-- results:start -->", "<!-- results:end -->"
HEADER = (
    "| benchmark | model | weights | n | accuracy % [95 % CI] | UAR % | macro-F1 % | ECE | NLL | ms/face |\n"
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|"
)
MISSING = "-"


def render(results: Iterable[Mapping[str, Any]]) -> str:
    """Markdown table, by benchmark and within it best accuracy first, with the protocol of each benchmark below."""
    rows = sorted(results, key=_order)
    if not rows:
        return "No results yet. Run: python -m eval run plain majority"
    protocols = {row["benchmark"]["name"]: row["benchmark"] for row in rows}
    notes = [f"- **{name}**: {b['title']}. {b['protocol']} Licence: {b['licence']}." for name, b in protocols.items()]
    return "\n".join([HEADER, *map(_line, rows), "", *notes])


def render_folder(results: Path, model: str | None = None) -> str:
    """``render`` for all that is stored below ``results``, and the speed where it was measured.

    model: only the rows of this model, with its recall per expression below them.
    """
    rows = list(read_results(results).values())
    if model is not None:
        rows = [row for row in rows if row["model"]["name"] == model]
        return "\n".join([render(rows), "", recall_table(rows)]) if rows else render(rows)
    speed = read_speed(results)
    return render(rows) if speed is None else f"{render(rows)}\n\n{sentence(speed)}"


def recall_table(results: Iterable[Mapping[str, Any]]) -> str:
    """Recall in percent per expression, with the number of pictures in brackets; one row per result."""
    lines = [f"| recall % (n) | {' | '.join(EMOTIONS)} |", "|---|" + "---:|" * len(EMOTIONS)]
    for result in sorted(results, key=_order):
        confusion = result["confusion"]
        n = {label: sum(row) for label, row in zip(confusion["labels"], confusion["counts"], strict=True)}
        cells = [f"{_percent(result['recall'][e])} ({n[e]:,})" if n.get(e) else MISSING for e in EMOTIONS]
        lines.append(f"| {result['benchmark']['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(result: Mapping[str, Any]) -> tuple[str, float, str, str]:
    model = result["model"]
    return result["benchmark"]["name"], -result["scores"]["accuracy"]["value"], model["name"], model["weights"]


def _line(result: Mapping[str, Any]) -> str:
    scores, counts = result["scores"], result["counts"]
    accuracy = scores["accuracy"]
    n = f"{counts['n_scored']:,}" + (f" ({counts['n_no_face']} no face)" if counts["n_no_face"] else "")
    cells = [
        result["benchmark"]["name"],
        result["model"]["name"],
        result["model"]["weights"],
        n,
        f"{_percent(accuracy['value'])} [{_percent(accuracy['low'])}, {_percent(accuracy['high'])}]",
        _percent(scores["uar"]["value"]),
        _percent(scores["macro_f1"]["value"]),
        _plain(scores["ece"]["value"]),
        _plain(scores["nll"]["value"]),
        _plain(result["ms_per_face"]["p50"], 1),
    ]
    return f"| {' | '.join(cells)} |"


def _percent(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:.1f}"


def _plain(value: float | None, digits: int = 3) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def insert(page: str, table: str) -> str:
    """``page`` with ``table`` between the two markers; DataError when they are not there once each, in order."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end or START in rest or END in after:
        raise DataError(f"The page needs one line {START} and after it one line {END}.")
    return f"{before}{START}\n{table}\n{END}{after}"


def is_stale(path: Path, table: str) -> bool:
    """Whether the page at ``path`` shows anything else than ``table``."""
    page = _read(path)
    return insert(page, table) != page


def write(path: Path, table: str) -> None:
    """Put ``table`` into the page at ``path``. Raises DataError or StorageError."""
    write_text(path, insert(_read(path), table))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The page {path} could not be read ({error}).") from error
