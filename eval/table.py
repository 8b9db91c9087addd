"""The tables of results in the pages that show them, made from the JSON files and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import speed, throughput
from eval.benchmark import FamilyName, family_name
from eval.columns import BEST, COLUMNS, EMPTY, MISSING, agreement, peak_memory, percent
from eval.store import read_results, read_speed, read_throughput, write_text
from fer.errors import DataError
from fer.types import EMOTIONS

START, END = "<!-- results:start -->", "<!-- results:end -->"
DETAIL_START, DETAIL_END = "<!-- results-detail:start -->", "<!-- results-detail:end -->"
BEYOND_START, BEYOND_END = "<!-- results-beyond:start -->", "<!-- results-beyond:end -->"
PLACE = ("benchmark", "model", "weights")
BEYOND = (
    FamilyName.ROBUSTNESS,
    FamilyName.PARTS,
    FamilyName.NEUTRALISATION,
    FamilyName.EDITING,
    FamilyName.VERIFICATION,
    FamilyName.FAITHFULNESS,
    FamilyName.LEAKAGE,
    FamilyName.ACTION_UNITS,
    FamilyName.ACTION_UNIT_EDITING,
)
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of a page between two markers. filled: whether there are results to show."""

    start: str
    end: str
    text: str
    filled: bool


def render(results: Iterable[Result]) -> str:
    """Markdown table of results of one family, by benchmark and within it best first, protocols below."""
    return _rendered(in_order(results))


def _rendered(rows: Sequence[Result]) -> str:
    if not rows:
        return EMPTY[FamilyName.RECOGNITION]
    columns = COLUMNS[family_name(rows[0]["benchmark"])]
    protocols = {row["benchmark"]["name"]: row["benchmark"] for row in rows}
    notes = [f"- **{name}**: {b['title']}. {b['protocol']} Licence: {b['licence']}." for name, b in protocols.items()]
    notes += {row["model"]["name"]: _peer(row["model"]) for row in rows if "peer" in row["model"]}.values()
    return "\n".join([_markdown([place(row) | columns(row) for row in rows]), "", *notes])


def _markdown(rows: Sequence[Mapping[str, str]]) -> str:
    """A table with a column for each name in the first row; those after ``PLACE`` hold numbers."""
    header = f"| {' | '.join(rows[0])} |\n{'|---' * len(PLACE)}|{'---:|' * (len(rows[0]) - len(PLACE))}"
    return "\n".join([header, *(f"| {' | '.join(row.values())} |" for row in rows)])


def _peer(model: Mapping[str, Any]) -> str:
    """Who made a recogniser that is not ours, and how its row is to be read."""
    peer, lacks = model["peer"], ", ".join(model["peer"]["lacks"])
    return (
        f"- **{model['name']}**: {peer['package']} {peer['version']}, by others ({peer['licence']}). "
        f"{f'It cannot name {lacks}. ' if lacks else ''}It runs in a process of its own, where its ms/face are "
        f"measured; peak memory there {peer['peak_memory_mb']} MB."
    )


def cells(result: Result) -> dict[str, str]:
    """A row of the table of its family: names of columns and their cells as text."""
    return place(result) | COLUMNS[family_name(result["benchmark"])](result)


def place(result: Result) -> dict[str, str]:
    """The first cells of every row: what was measured on whom."""
    model = result["model"]
    return dict(zip(PLACE, (result["benchmark"]["name"], model["name"], model["weights"]), strict=True))


def render_detail(results: Sequence[Result]) -> str:
    """What the table of recognition has no room for, in the order given: agreement with the votes, and memory."""
    rows = [place(result) | agreement(result) for result in results if "agreement" in result]
    return "\n\n".join(text for text in (_markdown(rows) if rows else "", _memory(results)) if text)


def _memory(results: Sequence[Result]) -> str:
    """The largest peak of each model in a line. A peer's stands below the table of recognition."""
    peaks: dict[str, int] = {}
    for result in results:
        name, peak = result["model"]["name"], peak_memory(result)
        if peak is not None and "peer" not in result["model"]:
            peaks[name] = max(peak, peaks.get(name, 0))
    told = ", ".join(f"{name} {peak:,} MB" for name, peak in sorted(peaks.items()))
    return f"Peak memory of the process in which they ran, PyTorch and the pictures included: {told}." if told else ""


def in_order(results: Iterable[Result]) -> list[Result]:
    """By benchmark, and within it best first."""
    return sorted(results, key=_order)


def render_beyond(results: Sequence[Result]) -> str:
    """One table for each family but recognition that has results."""
    families = [[r for r in results if family_name(r["benchmark"]) is family] for family in BEYOND]
    return "\n\n".join(render(rows) for rows in families if rows) or EMPTY[FamilyName.NEUTRALISATION]


def sections(results: Path, model: str | None = None) -> list[Section]:
    """What a page shows of all that is stored below ``results``, with the speed where it was measured.

    model: only the rows of this model, with its recall per expression below them.
    """
    rows = [row for row in read_results(results).values() if model in (None, row["model"]["name"])]
    first: list[Result] = []
    others: list[Result] = []
    for row in rows:
        (first if family_name(row["benchmark"]) is FamilyName.RECOGNITION else others).append(row)
    first = in_order(first)
    text, detail = _rendered(first), render_detail(first)
    if model is not None:
        text = "\n".join([text, "", recall_table(first)]) if first else text
    elif told := times(results):
        text = f"{text}\n\n{told}"
    return [
        Section(START, END, text, bool(first)),
        Section(DETAIL_START, DETAIL_END, detail, bool(detail)),
        Section(BEYOND_START, BEYOND_END, render_beyond(others), bool(others)),
    ]


def times(results: Path) -> str:
    """The measurements of speed that are stored, in one line."""
    whole, one = read_throughput(results), read_speed(results)
    return " ".join([*([speed.sentence(one)] if one else []), *([throughput.sentence(whole)] if whole else [])])


def as_json(results: Path, model: str | None = None) -> dict[str, Any]:
    """Every table as JSON values, one for each family that has results, and the measurements of speed.

    Cells are texts, as they are shown; the numbers themselves are in the results.
    """
    rows = [row for row in read_results(results).values() if model in (None, row["model"]["name"])]
    tables = []
    for family in FamilyName:
        of_family = in_order(row for row in rows if family_name(row["benchmark"]) is family)
        if of_family:
            tables.append({"family": str(family), "rows": [cells(row) for row in of_family]})
    return {"tables": tables, "speed": read_speed(results), "throughput": read_throughput(results)}


def render_folder(results: Path, model: str | None = None) -> str:
    """All ``sections`` that have something to show, as they are printed."""
    found = sections(results, model)
    return "\n\n".join([found[0].text, *(section.text for section in found[1:] if section.filled)])


def recall_table(results: Iterable[Result]) -> str:
    """Recall in percent per expression, with the number of pictures in brackets; one row per result."""
    lines = [f"| recall % (n) | {' | '.join(EMOTIONS)} |", "|---|" + "---:|" * len(EMOTIONS)]
    for result in in_order(results):
        confusion = result["confusion"]
        n = {label: sum(row) for label, row in zip(confusion["labels"], confusion["counts"], strict=True)}
        cells = [f"{percent(result['recall'][e])} ({n[e]:,})" if n.get(e) else MISSING for e in EMOTIONS]
        lines.append(f"| {result['benchmark']['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _order(result: Result) -> tuple[str, float, str, str]:
    model = result["model"]
    name, more_is_better = BEST[family_name(result["benchmark"])]
    value = result["scores"][name]["value"]
    place = float("inf") if value is None else -value if more_is_better else value
    return result["benchmark"]["name"], place, model["name"], model["weights"]


def insert(page: str, found: Iterable[Section]) -> str:
    """``page`` with the text of each section that it has markers for between them.

    DataError when it has none, or holds them in disorder.
    """
    chosen = list(found)
    for section in [s for s in chosen if s.start in page or s.end in page] or chosen[:1]:
        page = _insert(page, section)
    return page


def _insert(page: str, section: Section) -> str:
    before, start, rest = page.partition(section.start)
    _, end, after = rest.partition(section.end)
    if not start or not end or section.start in rest or section.end in after:
        raise DataError(f"The page needs one line {section.start} and after it one line {section.end}.")
    return f"{before}{section.start}\n{section.text}\n{section.end}{after}"


def is_stale(path: Path, found: Iterable[Section]) -> bool:
    """Whether the page at ``path`` shows anything else than the sections."""
    page = _read(path)
    return insert(page, found) != page


def write(path: Path, found: Iterable[Section]) -> None:
    """Put the sections into the page at ``path``. Raises DataError or StorageError."""
    write_text(path, insert(_read(path), found))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The page {path} could not be read ({error}).") from error
