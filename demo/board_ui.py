"""The Benchmarks tab: what was measured, two models compared, how a number was made, and a link to the very view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from html import escape
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from demo import board, board_details, plots, provenance, results, verdicts, viewer
from demo.board import Board, Entry, View
from demo.board_details import PLOT, Details, Finder, Worst
from demo.tasks import Task
from demo.verdicts import Difference, Referee
from fer.errors import FerError

TEXT = Path(__file__).parent / "text"
SILENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "preprocess": False}
PICK = "Pick two models to see whether their difference is more than chance."
ALONE = "Comparing two models needs Linux or macOS; here the results are only shown."
TOUCH = "Touch a row of the table to see how its numbers were made and how to repeat them."
SQUARE_PX = 420
MATRIX = "Pictures by label (row) and answer (column)."
SURE = "On the dotted line a model is right as often as it says."

QUERY_JS = "() => location.search"
# The address of the page names the view while its tab is open; the keys of the other tabs stay.
FORGET = "['tab', 'task', 'benchmark', 'a', 'b', 'row'].forEach((key) => query.delete(key));"
WRITE = """const shown = String(query).replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%40', '@');
  history.replaceState(history.state, '', shown ? `?${shown}` : location.pathname);"""
LINK_JS = f"""(address) => {{
  if (!address) return;
  const query = new URLSearchParams(location.search);
  {FORGET}
  if (query.get('view') === 'edit') query.delete('view');
  new URLSearchParams(address).forEach((value, key) => query.set(key, value));
  window.dpBoard = true;
  {WRITE}
}}"""
LEAVE_JS = f"""() => {{
  if (!window.dpBoard) return;  // gradio selects the first tab at the start, when the link is still to be read
  const query = new URLSearchParams(location.search);
  {FORGET}
  {WRITE}
}}"""
OPEN_JS = """() => {
  if (new URLSearchParams(location.search).get('tab') === 'benchmarks') {
    document.querySelector('#benchmarks-button').click();
  }
}"""

Updates = tuple[Any, ...]


class Choice(NamedTuple):
    """What the visitor chooses; row: the row that was touched, see ``View``."""

    task: gr.Dropdown
    benchmarks: gr.Dropdown
    first: gr.Dropdown
    second: gr.Dropdown
    row: gr.Textbox


class Shown(NamedTuple):
    """What follows from the choice without any computing. details, tables: several each, of the tables one is seen."""

    ignored: gr.HTML
    made: gr.HTML
    scores: gr.Plot
    further: gr.Plot
    note: gr.Markdown
    here: gr.HTML
    address: gr.Textbox
    details: Details
    tables: Sequence[gr.Dataframe]


class Compared(NamedTuple):
    """What is computed once two models are chosen."""

    verdict: gr.HTML
    matrices: gr.Row
    left: gr.Plot
    right: gr.Plot
    reliability: gr.Plot


def fill(page: gr.Blocks, folder: Path, referee: Referee | None, find: Finder | None, opened: gr.Tab) -> Board:
    """Fill the tab that is open in the context. find: who finds the surest mistakes; without one there are none."""
    known = Board.read(folder)
    gr.Markdown((TEXT / "benchmarks.md").read_text(encoding="utf-8"), elem_classes=["dp-text", "dp-intro"])
    for complaint in known.complaints:
        gr.HTML(viewer.message_html(complaint))
    if not known.entries:
        gr.HTML(viewer.hint_html("There are no results yet. Run the benchmarks with: make eval"))
        return known
    view = View(known.tasks[0].name)
    ignored = gr.HTML(visible=False)
    choice = _choices(known, view, referee is not None)
    verdict = gr.HTML(_waiting(ALONE if referee is None else PICK), elem_id="verdict")
    here = gr.HTML(_here(view), elem_id="board-link")
    tables = [_table(known, task, task.name == view.task) for task in known.tasks]
    made = gr.HTML(_waiting(TOUCH), elem_id="made")
    with gr.Accordion("What the columns mean", open=False, elem_id="columns"):
        note = gr.Markdown(_task(known, view).note, elem_classes="dp-text", elem_id="task-note")
    scores = gr.Plot(**PLOT | _scores(known, view), elem_id="results-chart")
    with gr.Row(visible=False, elem_id="matrices") as matrices:
        left, right = (
            gr.Plot(show_label=False, container=False, min_width=320, elem_id=f"confusion-{side}") for side in "ab"
        )
    reliability = gr.Plot(**PLOT, elem_id="reliability")
    further = gr.Plot(**PLOT, elem_id="results-further")
    details, worst = board_details.fill(known, view)
    address = gr.Textbox(view.address, visible="hidden", show_label=False)
    shown = Shown(ignored, made, scores, further, note, here, address, details, tables)
    compared = Compared(verdict, matrices, left, right, reliability)
    _wire(page, known, _Wires(referee, find, choice, shown, compared, worst), opened)
    return known


def leave(tabs: Sequence[gr.Tab]) -> None:
    """Selecting any of these tabs takes the view of this one out of the address."""
    for tab in tabs:
        tab.select(None, None, None, js=LEAVE_JS, **SILENT)


def _choices(known: Board, view: View, compares: bool) -> Choice:
    models = known.models(view.task)
    with gr.Row(elem_id="board-choice"):
        task = gr.Dropdown(
            [(task.title, task.name) for task in known.tasks], value=view.task, label="What was measured", min_width=220
        )
        benchmarks = gr.Dropdown(
            known.benchmarks(view.task),
            value=[],
            multiselect=True,
            label="Benchmarks (none chosen: all)",
            min_width=220,
        )
        first, second = (
            gr.Dropdown(["", *models], value="", label=label, min_width=150, visible=compares)
            for label in ("Compare", "with")
        )
    return Choice(task, benchmarks, first, second, gr.Textbox("", visible="hidden", show_label=False))


def _table(known: Board, task: Task, visible: bool) -> gr.Dataframe:
    return gr.Dataframe(
        **_data(task, known.of(task.name)),
        interactive=False,
        show_search="filter",
        buttons=["fullscreen", "copy"],
        show_label=False,
        visible=visible,
        elem_id=f"results-{task.name}",
        elem_classes="dp-table",
    )


class _Wires(NamedTuple):
    """What is wired: who computes, and the components."""

    referee: Referee | None
    find: Finder | None
    choice: Choice
    shown: Shown
    compared: Compared
    worst: Worst


def _wire(page: gr.Blocks, known: Board, wires: _Wires, opened: gr.Tab) -> None:
    """A choice shows at once what is stored; what has to be computed follows."""
    referee, find, choice, shown, compared, worst = wires
    chosen, link = list(choice), [shown.here, shown.address]
    several = len(known.benchmarks(known.tasks[0].name)) > 1
    everything = [*choice, *shown[:-2], *shown.details, *shown.tables]

    def turn(*values: Any) -> Updates:
        return _show(known, _view(known, values))

    def pair(*values: Any) -> Updates:
        view = _view(known, values)
        return *_link(view), *board_details.damage(known, view)

    def touch(event: gr.SelectData, *values: Any) -> Updates:
        view = replace(_view(known, values), row=_touched(known, event.row_value))
        return view.row, _made(known, view), *_link(view)

    def from_link(query: str) -> Updates:
        if f"tab={board.TAB}" not in query and several:  # as it was built
            return tuple(gr.skip() for _ in everything)
        return _show(known, *board.from_query(known, query))

    def judge(*values: Any) -> Updates:
        return _judge(known, referee, _view(known, values))

    linked = page.load(from_link, shown.address, everything, js=QUERY_JS, **SILENT)
    turned = [component.input(turn, chosen, everything, **SILENT) for component in (choice.task, choice.benchmarks)]
    paired = [
        component.input(pair, chosen, [*link, shown.details.damaged, shown.details.damage], **SILENT)
        for component in (choice.first, choice.second)
    ]
    touched = [table.select(touch, chosen, [choice.row, shown.made, *link], **SILENT) for table in shown.tables]
    for event in (*turned, *paired, *touched):
        event.then(None, shown.address, None, js=LINK_JS, **SILENT)
    if referee is not None:
        for event in (linked, *turned, *paired):
            event.then(
                judge, chosen, list(compared), api_visibility="private", preprocess=False,
                show_progress_on=[compared.verdict],
            )  # fmt: skip
    if find is not None:
        surest = partial(_surest, known, find)
        for event in (linked, *turned, *touched):
            event.then(surest, chosen, list(worst), **SILENT)
    linked.then(None, None, None, js=OPEN_JS, **SILENT)
    opened.select(None, shown.address, None, js=LINK_JS, **SILENT)


def _surest(known: Board, find: Finder, *values: Any) -> Updates:
    return board_details.surest(known, find, _view(known, values))


def _view(known: Board, values: Sequence[Any]) -> View:
    """The view that the components' values name; what is not there falls away."""
    task, benchmarks, first, second, row = values
    return board.settled(known, View(str(task), tuple(benchmarks or ()), first or "", second or "", row or ""))


def _touched(known: Board, cells: Sequence[Any] | None) -> str:
    """The row, see ``View``, of the cells that gradio reports."""
    if not cells:
        return ""
    place = [cells[0], cells[1], cells[-1]]
    found = (e for e in known.entries if [e.cells[0], e.cells[1], e.cells[-1]] == place)
    return next((f"{known.label(entry)}@{entry.benchmark}" for entry in found), "")


def _task(known: Board, view: View) -> Task:
    return next(task for task in known.tasks if task.name == view.task)


def _show(known: Board, view: View, ignored: Sequence[str] = ()) -> Updates:
    """In the order of ``Choice`` and ``Shown``."""
    models = ["", *known.models(view.task, view.benchmarks)]
    rows = known.of(view.task, view.benchmarks)
    return (
        view.task,
        gr.update(choices=known.benchmarks(view.task), value=list(view.benchmarks)),
        gr.update(choices=models, value=view.first),
        gr.update(choices=models, value=view.second),
        view.row,
        gr.update(value="".join(map(viewer.message_html, ignored)), visible=bool(ignored)),
        _made(known, view),
        gr.update(**_scores(known, view)),
        _further(rows),
        _task(known, view).note,
        *_link(view),
        *board_details.shown(known, view),
        *(_rows(task, rows, task.name == view.task) for task in known.tasks),
    )


def _data(task: Task, entries: Sequence[Entry]) -> dict[str, Any]:
    """Numbers to sort by, the same as text to show, and the kinds of the columns; those without any cell are absent."""
    filled = [any(entry.cells[place] is not None for entry in entries) for place in range(len(task.headings))]

    def kept(row: Sequence[Any]) -> list[Any]:
        return list(compress(row, filled))

    shown = {"display_value": [kept(task.texts(entry.cells)) for entry in entries], "styling": None}
    value = {"headers": kept(task.headings), "data": [kept(entry.cells) for entry in entries], "metadata": shown}
    return {"value": value, "datatype": kept(task.kinds)}


def _rows(task: Task, entries: Sequence[Entry], visible: bool) -> Any:
    return gr.update(**_data(task, entries), visible=True) if visible else gr.update(visible=False)


def _scores(known: Board, view: View) -> dict[str, Any]:
    """The main score of every row, where the benchmarks have it."""
    points = [_point(known, entry) for entry in known.of(view.task, view.benchmarks) if entry.value is not None]
    task = _task(known, view)
    return (
        {"value": plots.score_chart(points, task.axis, task.share), "visible": True} if points else {"visible": False}
    )


def _point(known: Board, entry: Entry) -> plots.Point:
    value, low, high = entry.score
    return {"model": known.label(entry), "name": entry.benchmark, "value": value, "low": low, "high": high}


def _further(entries: Sequence[Entry]) -> Any:
    """What an editor's strength buys, where that was measured."""
    curves = results.curves([entry.result for entry in entries])
    return gr.update(value=plots.trade_off_chart(curves), visible=True) if curves else gr.update(visible=False)


def _made(known: Board, view: View) -> str:
    entry = known.at(view.row)
    return provenance.html(entry.result) if entry else _waiting(TOUCH)


def _link(view: View) -> Updates:
    return _here(view), view.address


def _here(view: View) -> str:
    return f'<p class="dp-downloads"><a href="{escape(view.address)}">Link to this view</a></p>'


def _waiting(text: str) -> str:
    return f'<p class="dp-waiting">{escape(text)}</p>'


def _judge(known: Board, referee: Referee | None, view: View) -> Updates:
    """In the order of ``Compared``; what cannot be compared becomes a sentence."""
    nothing = [gr.update(visible=False), gr.skip(), gr.skip(), gr.update(visible=False)]
    if referee is None or not (view.first and view.second):
        return _waiting(PICK), *nothing
    if view.first == view.second:
        return _waiting("Pick two different models."), *nothing
    pair = known.full(view.first), known.full(view.second)
    shared = known.shared(view)
    if not shared:
        return _waiting(f"{view.first} and {view.second} have no result on the same benchmark here."), *nothing
    found = {name: _compared(referee, *pair, name) for name in shared}
    able = [name for name, answer in found.items() if not isinstance(answer, str)]
    if not able:
        return "".join(viewer.message_html(str(answer)) for answer in found.values()), *nothing
    verdict = verdicts.verdict_html(view.task, list(found.values()), view.first, view.second)
    try:
        return verdict, *_figures(known, referee, view, able[0])
    except FerError as error:
        return verdict + viewer.message_html(str(error)), *nothing


def _compared(referee: Referee, first: str, second: str, benchmark: str) -> Sequence[Difference] | str:
    """What the referee answers, or why there is no answer."""
    try:
        return referee.compare(first, second, benchmark)
    except FerError as error:
        return str(error)


def _figures(known: Board, referee: Referee, view: View, benchmark: str) -> Sequence[Any]:
    """Confusion matrices and reliability of recognition."""
    names = view.first, view.second
    pair = [entry.result for name in names if (entry := known.find(name, benchmark))]
    if all("confusion" in result for result in pair):
        first, second = (
            gr.update(value=plots.dressed(referee.confusion(result), (f"{name} on {benchmark}", MATRIX), SQUARE_PX))
            for name, result in zip(names, pair, strict=True)
        )
        lines = referee.reliability([known.full(name) for name in names], benchmark)
        calibrated = plots.dressed(lines, (f"How sure, how right: {benchmark}", SURE), 420)
        return gr.update(visible=True), first, second, gr.update(value=calibrated, visible=True)
    return gr.update(visible=False), gr.skip(), gr.skip(), gr.update(visible=False)
