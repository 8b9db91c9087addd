"""The stored results as the Benchmarks tab shows them, and the view of them that a link names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from demo import provenance, results
from demo.results import Result
from demo.tasks import BY_NAME, TASKS, Task

TAB = "benchmarks"
LONGEST_ECHO = 40  # of a value that a link holds and that is not known here


@dataclass(frozen=True, eq=False)
class Entry:
    """A result, its row of the table, and the main score with the ends of its interval in the unit of its axis."""

    result: Result
    task: Task
    cells: list[Any]
    score: tuple[float | None, ...]

    @property
    def benchmark(self) -> str:
        """The short name."""
        return str(self.result["benchmark"]["name"])

    @property
    def value(self) -> float | None:
        """The main score."""
        return self.score[0]


@dataclass(frozen=True, eq=False)
class Board:
    """Every result below a folder, read once. complaints: a sentence per file that could not be read."""

    entries: tuple[Entry, ...]
    complaints: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> Board:
        """Read a folder; a file that cannot be shown becomes a complaint."""
        entries, complaints = [], []
        for path in sorted(folder.glob("*/*/*.json")):
            try:
                entries.append(_entry(results.read(path)))
            except results.DAMAGED as error:
                name = f"{path.relative_to(folder)}"
                complaints.append(f"{name} is no result that can be shown ({type(error).__name__}).")
        return cls(tuple(entries), tuple(complaints))

    @cached_property
    def tasks(self) -> list[Task]:
        """Those that have results."""
        return [task for task in TASKS if any(entry.task is task for entry in self.entries)]

    @property
    def rows(self) -> list[results.Row]:
        """The results of recognition, best accuracy first within a benchmark."""
        found = [results.row(entry.result) for entry in self.of(TASKS[0].name)]
        return sorted(found, key=lambda row: row["benchmark"])

    def of(self, task: str, benchmarks: Sequence[str] = ()) -> list[Entry]:
        """The results of a task, on some benchmarks or all, by benchmark and within it best first."""
        found = [e for e in self.entries if e.task.name == task and (not benchmarks or e.benchmark in benchmarks)]
        return sorted(found, key=_order)

    def benchmarks(self, task: str) -> list[str]:
        """The short names of a task's benchmarks."""
        return list(dict.fromkeys(entry.benchmark for entry in self.of(task)))

    def models(self, task: str, benchmarks: Sequence[str] = ()) -> list[str]:
        """Who has results, as ``label`` names them, sorted."""
        return sorted({self.label(entry) for entry in self.of(task, benchmarks)})

    def label(self, entry: Entry) -> str:
        """MODEL, or MODEL:WEIGHTS where there are results of several weights."""
        model, weights = entry.result["model"]["name"], entry.result["model"]["weights"]
        return model if len(self._weights[model]) == 1 else f"{model}:{weights}"

    def full(self, label: str) -> str:
        """MODEL:WEIGHTS of a label."""
        return f"{label}:{self._weights[label][0]}" if label in self._weights else label

    def short(self, name: str) -> str:
        """The label of MODEL or MODEL:WEIGHTS; what belongs to no result stays as it is."""
        labels = (self.label(entry) for entry in self.entries)
        return next((label for label in labels if name in (label, self.full(label))), name)

    @cached_property
    def _weights(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for entry in self.entries:
            model, weights = entry.result["model"]["name"], entry.result["model"]["weights"]
            if weights not in found.setdefault(model, []):
                found[model].append(weights)
        return found

    def shared(self, view: View) -> list[str]:
        """The benchmarks of a view on which both of its models have results."""
        own = [{e.benchmark for e in self.of(view.task) if self.label(e) == name} for name in (view.first, view.second)]
        return [name for name in view.benchmarks or self.benchmarks(view.task) if name in own[0] & own[1]]

    def find(self, label: str, benchmark: str) -> Entry | None:
        """The result of a model on a benchmark."""
        found = (entry for entry in self.entries if entry.benchmark == benchmark and self.label(entry) == label)
        return next(found, None)

    def at(self, row: str) -> Entry | None:
        """The result of a row, see ``View``. The weights may hold an @."""
        name, _, benchmark = row.rpartition("@")
        return self.find(self.short(name), benchmark)


@dataclass(frozen=True)
class View:
    """What is looked at. benchmarks: none for all of the task; row: LABEL@BENCHMARK of the row that was touched."""

    task: str
    benchmarks: tuple[str, ...] = ()
    first: str = ""
    second: str = ""
    row: str = ""

    @property
    def address(self) -> str:
        """The query string that reopens the view."""
        place = {"benchmark": ",".join(self.benchmarks)} if self.benchmarks else {"task": self.task}
        asked = {"tab": TAB, **place, "a": self.first, "b": self.second, "row": self.row}
        return "?" + urlencode({key: value for key, value in asked.items() if value}, safe=",:@")


def _entry(result: Result) -> Entry:
    """Makes what the tables and the chart show of a result, so that a damaged one is found here.

    Raises one of ``DAMAGED``.
    """
    task = BY_NAME[results.family(result)]
    if task is TASKS[0]:
        results.row(result)
    results.curves([result])
    provenance.html(result)
    found, factor = result["scores"][task.best], 100 if task.share else 1
    score = tuple(None if found[key] is None else factor * found[key] for key in ("value", "low", "high"))
    return Entry(result, task, task.cells(result), score)


def settled(board: Board, asked: View) -> View:
    """The nearest view that there is: what does not belong to the task falls away."""
    task = asked.task if asked.task in [task.name for task in board.tasks] else board.tasks[0].name
    known = board.benchmarks(task)
    benchmarks = tuple(name for name in known if name in asked.benchmarks)
    models = board.models(task, benchmarks)
    first, second = (name if name in models else "" for name in (asked.first, asked.second))
    entry = board.at(asked.row)
    row = f"{board.label(entry)}@{entry.benchmark}" if entry and entry in board.of(task, benchmarks) else ""
    return View(task, benchmarks, first, second, row)


def from_query(board: Board, query: str) -> tuple[View, list[str]]:
    """The view that a query string names, and a sentence for each of its values that is ignored."""
    given = {key: values[-1] for key, values in parse_qs(query.lstrip("?")).items()}
    named = [name for name in given.get("benchmark", "").split(",") if name]
    known = {entry.benchmark: entry.task.name for entry in board.entries}
    tasks = [task.name for task in board.tasks]
    task = next((known[name] for name in named if name in known), given.get("task", tasks[0]))
    first, second = (board.short(given.get(key, "")) for key in ("a", "b"))
    asked = View(task, tuple(named), first, second, given.get("row", ""))
    view = settled(board, asked)
    models = board.models(view.task, view.benchmarks)
    ignored = [_ignored("task", task, tasks)] if task != view.task else []
    ignored += [
        _ignored("benchmark", name, board.benchmarks(view.task)) for name in named if name not in view.benchmarks
    ]
    for name, found in ((asked.first, view.first), (asked.second, view.second)):
        ignored += [_ignored("model", name, models)] if name != found else []
    if asked.row and not view.row:
        ignored.append(_ignored("row", asked.row, []))
    return view, ignored


def _ignored(what: str, name: str, offered: Sequence[str]) -> str:
    shown = name if len(name) <= LONGEST_ECHO else f"{name[:LONGEST_ECHO]}..."
    near = get_close_matches(name, offered, 1)
    hint = f" Did you mean {near[0]}?" if near else f" There are here: {', '.join(offered)}." if offered else ""
    return f"The link names the {what} “{shown}”, which is not in this view and was left out.{hint}"


def _order(entry: Entry) -> tuple[str, float, str]:
    value = float("-inf") if entry.value is None else entry.value if entry.task.higher_is_better else -entry.value
    return entry.benchmark, -value, entry.result["model"]["name"]
