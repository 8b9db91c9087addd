"""The table of results in the README, made from the JSON files and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.store import write_atomically
from fer.errors import DataError

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
    page = insert(_read(path), table)
    write_atomically(path, lambda temporary: _write_text(temporary, page))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The page {path} could not be read ({error}).") from error
