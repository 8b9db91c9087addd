"""What the Benchmarks tab shows of one benchmark below the table: speed, damage, agreement, groups of people, mistakes.

Each is there for the benchmarks alone that have it. The figures give a model the colour that it has in the main one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple, Protocol

import gradio as gr

from demo import plots, viewer
from demo.board import Board, Entry, View
from demo.tasks import TASKS, milliseconds, threads
from fer.errors import FerError

HIDDEN: Any = {"visible": False}
PLOT: dict[str, Any] = {"visible": False, "show_label": False, "container": False}
FOLDED: dict[str, Any] = {"visible": False, "open": False}
CHOOSE_ONE = (
    "Choose one benchmark to see more of it: accuracy against speed, and, where they were measured, agreement with "
    "the voters, groups of people and the surest mistakes."
)
VOTED = (
    "Accuracy by the share of the votes that went to the label: where few agreed, the label itself is in doubt. The "
    "column “KL to votes” of the table compares the stated probabilities with all the votes."
)
NO_FACES = (
    "The wrong answers that the model was surest of. No picture is shown: the first digits of the SHA-256 of its bytes "
    "name it, and its row in the split."
)
SPEED = "Accuracy against speed"
DAMAGE = "What damage does"
SEVERITY = "Accuracy in % (up) by the severity of the damage (right); 0 is the picture as it is."
ALONE = (
    "The time is that of the model alone, the median of one face at a time, found and cut before. Only models of one "
    "shape compare in speed."
)
Shares = Mapping[str, Mapping[str, Any]]  # name of a group -> its number and its accuracy


class Mistake(Protocol):
    """A wrong answer. picture: the start of its SHA-256; column: of the dataset that it stands in."""

    @property
    def row(self) -> int: ...
    @property
    def column(self) -> str: ...
    @property
    def picture(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def answer_probability(self) -> float: ...
    @property
    def label_probability(self) -> float: ...


Finder = Callable[[str, str], Sequence[Mistake]]  # of MODEL:WEIGHTS on a benchmark, surest first; raises FerError


class Details(NamedTuple):
    """What follows from the view without any computing."""

    hint: gr.HTML
    timed: gr.HTML
    speed: gr.Plot
    damaged: gr.HTML
    damage: gr.Plot
    losses: gr.Accordion
    lost: gr.HTML
    agreement: gr.Accordion
    voted: gr.HTML
    agreed: gr.Plot
    slices: gr.Accordion
    claims: gr.HTML
    groups: gr.Plot


class Worst(NamedTuple):
    """What is computed of one row."""

    mistakes: gr.Accordion
    table: gr.HTML


def fill(known: Board, view: View) -> tuple[Details, Worst]:
    """Fill the place that is open in the context; what belongs to one benchmark stays hidden until it is ``shown``."""
    hint = gr.HTML(_hint(known, view) or "", visible=bool(_hint(known, view)))
    timed = gr.HTML(visible=False, elem_id="speed-note")
    speed = gr.Plot(**PLOT, elem_id="speed")
    damaged = gr.HTML(visible=False)
    damage = gr.Plot(**PLOT, elem_id="damage")
    with gr.Accordion("What each kind of damage takes", **FOLDED, elem_id="losses") as losses:
        lost = gr.HTML()
    with gr.Accordion("Where the voters agree, and where not", **FOLDED, elem_id="agreement") as agreement:
        voted = gr.HTML()
        agreed = gr.Plot(**PLOT, elem_id="agreement-chart")
    with gr.Accordion(**FOLDED, elem_id="slices") as slices:
        claims = gr.HTML()
        groups = gr.Plot(**PLOT, elem_id="slices-chart")
    with gr.Accordion(**FOLDED, elem_id="mistakes") as mistakes:
        table = gr.HTML()
    details = Details(
        hint, timed, speed, damaged, damage, losses, lost, agreement, voted, agreed, slices, claims, groups
    )
    return details, Worst(mistakes, table)


def shown(known: Board, view: View) -> tuple[Any, ...]:
    """In the order of ``Details``."""
    entries = _of_one_benchmark(known, view)
    hint = _hint(known, view)
    return (
        gr.update(value=hint, visible=bool(hint)),
        *_speed(known, entries),
        *damage(known, view),
        *_losses(known, entries),
        *_agreement(known, entries),
        *_slices(known, entries),
    )


def damage(known: Board, view: View) -> tuple[Any, Any]:
    """The curves of every model, or of the two that are compared with their intervals."""
    entries = _with(_of_one_benchmark(known, view), "by_corruption")
    if not entries:
        return gr.update(visible=False), gr.update(visible=False)
    pair = {view.first, view.second} - {""}
    alone = [label for label in map(known.label, entries) if label in pair] if len(pair) == 2 else []
    bars = "Bars are 95 % intervals." if alone else "Pick two models above to see these alone, with their intervals."
    figure = plots.damage_chart([_curve(known, entry) for entry in entries], alone)
    key = key_html(known, entries, dict.fromkeys(alone or map(known.label, entries), "circle"))
    return _headed(DAMAGE, f"{SEVERITY} {bars}", key), gr.update(value=figure, visible=True)


def surest(known: Board, find: Finder, view: View) -> tuple[Any, ...]:
    """The mistakes of the row that was touched, or of the best model; in the order of ``Worst``."""
    best = next(iter(_of_one_benchmark(known, view)), None)
    entry = known.at(view.row) or best
    if entry is None or entry.task is not TASKS[0]:
        return gr.update(visible=False), gr.skip()
    label = known.label(entry)
    try:
        text = mistakes_html(find(known.full(label), entry.benchmark))
    except FerError as error:
        text = viewer.message_html(str(error))
    return gr.update(label=f"The surest mistakes of {label} on {entry.benchmark}", visible=True), text


def _of_one_benchmark(known: Board, view: View) -> list[Entry]:
    """Best first; none where the view has several benchmarks."""
    entries = known.of(view.task, view.benchmarks)
    return entries if len({entry.benchmark for entry in entries}) == 1 else []


def _with(entries: Sequence[Entry], key: str) -> list[Entry]:
    return [entry for entry in entries if key in entry.result]


def _hint(known: Board, view: View) -> str:
    several = view.task == TASKS[0].name and not _of_one_benchmark(known, view)
    return _quiet(CHOOSE_ONE) if several else ""


def _speed(known: Board, entries: Sequence[Entry]) -> tuple[Any, Any]:
    times = [time for entry in entries if entry.task is TASKS[0] and (time := _time(known, entry))]
    if not times:
        return gr.update(visible=False), gr.update(visible=False)
    symbols = plots.symbols(times)
    key = key_html(known, entries, {time["model"]: symbols[time["threads"]] for time in times})
    note = _headed(SPEED, f"{shapes(times)} {ALONE}{_elsewhere(entries)}", key)
    return note, gr.update(value=plots.speed_chart(times), visible=True)


def _time(known: Board, entry: Entry) -> plots.Time | None:
    ms, number = milliseconds(entry.result), threads(entry.result)
    if ms is None or number is None or entry.value is None:
        return None
    return {"model": known.label(entry), "ms": ms, "threads": number, **_interval(entry.score)}


def _interval(score: Sequence[Any]) -> Any:
    return dict(zip(("value", "low", "high"), score, strict=True))


def shapes(times: Sequence[plots.Time]) -> str:
    """Which models were measured with how many threads, and the shape that says so in the figure."""
    told = []
    for number, symbol in plots.symbols(times).items():
        models = ", ".join(time["model"] for time in times if time["threads"] == number)
        told.append(f"{symbol.capitalize()}s were timed with {plots.threads(number)}: {models}.")
    return " ".join(told)


def _elsewhere(entries: Sequence[Entry]) -> str:
    peers = [str(entry.result["model"]["name"]) for entry in entries if entry.result["model"].get("peer")]
    return f" {', '.join(peers)} ran in a process of its own, with the threads that it takes." if peers else ""


def _curve(known: Board, entry: Entry) -> plots.Damage:
    undamaged = entry.result["scores"]["accuracy"]
    kinds = entry.result["by_corruption"]
    steps = {kind: [percents(score) for score in (undamaged, *found["accuracy"])] for kind, found in kinds.items()}
    return {"model": known.label(entry), "steps": steps}


def percents(score: Mapping[str, Any]) -> plots.Step:
    """A share with its interval, in percent."""
    return tuple(None if score[key] is None else 100 * score[key] for key in ("value", "low", "high"))


def _losses(known: Board, entries: Sequence[Entry]) -> tuple[Any, Any]:
    found = _with(entries, "by_corruption")
    if not found:
        return gr.update(visible=False), gr.skip()
    return gr.update(visible=True), losses_html(known, found)


def losses_html(known: Board, entries: Sequence[Entry]) -> str:
    """The share of the accuracy that each kind of damage takes, a column per model."""
    kinds = list(entries[0].result["by_corruption"])
    lines = [
        [kind.replace("_", " "), *(_lost(entry.result["by_corruption"][kind]["relative_drop"]) for entry in entries)]
        for kind in kinds
    ]
    told = "The share of its accuracy that a model loses, in %, mean of all severities, and its 95 % interval."
    return _quiet(told) + table_html(["Damage", *(known.label(entry) for entry in entries)], lines)


def _lost(score: Mapping[str, Any]) -> str:
    value, low, high = percents(score)
    return "" if value is None else f"{value:.1f} ({low:.1f} to {high:.1f})"


def _agreement(known: Board, entries: Sequence[Entry]) -> tuple[Any, Any, Any]:
    found = _with(entries, "agreement")
    if not found:
        return gr.update(visible=False), gr.skip(), gr.update(visible=False)
    points = grouped(known, found, [entry.result["agreement"] for entry in found], "")
    return gr.update(visible=True), _quiet(VOTED) + _all(known, found), _dotted(points)


def _all(known: Board, entries: Sequence[Entry]) -> str:
    return key_html(known, entries, dict.fromkeys(map(known.label, entries), "circle"))


def _dotted(points: Sequence[plots.Point]) -> Any:
    """The legend stands above as HTML, which has the whole width of a narrow screen."""
    figure = plots.score_chart(points, "accuracy, %", True)
    return gr.update(value=figure.update_layout(showlegend=False), visible=True)


def grouped(known: Board, entries: Sequence[Entry], parts: Sequence[Shares], of: str) -> list[plots.Point]:
    """A point per model and group that was scored. parts: of each entry; of: what the groups are, may be empty."""
    return [
        {"model": known.label(entry), "name": _group(group, of, found), **_interval(percents(found["accuracy"]))}
        for entry, part in zip(entries, parts, strict=True)
        for group, found in sorted(part.items(), key=_under_first)
    ]


def _under_first(named: tuple[str, Any]) -> bool:
    """As they are stored, but "under 24" before "24 to under 29"."""
    return not named[0].startswith("under ")


def _group(group: str, of: str, found: Mapping[str, Any]) -> str:
    place = f"{of}, " if of else ""
    return f"{group.replace('_', ' ')}<br>{place}n = {found.get('people', found.get('n')):,}"


def _slices(known: Board, entries: Sequence[Entry]) -> tuple[Any, Any, Any]:
    found = _with(entries, "slices")
    if not found:
        return gr.update(visible=False), gr.skip(), gr.update(visible=False)
    attributes = list(found[0].result["slices"]["of"])
    points = [
        point
        for attribute in attributes
        for point in grouped(known, found, [entry.result["slices"]["of"][attribute] for entry in found], attribute)
    ]
    return (
        gr.update(label=f"Groups of people: {', '.join(attributes)}", visible=True),
        claims_html(known, found) + _all(known, found),
        _dotted(points),
    )


def claims_html(known: Board, entries: Sequence[Entry]) -> str:
    """What may be said about differences between groups of people, and what of them was measured."""
    slices = entries[0].result["slices"]
    said = "".join(f'<p class="dp-claim">{escape(text)}</p>' for text in claims(known, entries))
    few = ", ".join(f"{group} {people}" for group, people in _too_few(slices))
    counted = f" Groups of fewer than {slices['smallest']} people are counted and not scored: {few}." if few else ""
    told = f"As the dataset states them; n people. Intervals: {slices['interval']}, 95\N{NO-BREAK SPACE}%.{counted}"
    return f'<div class="dp-claims">{said}{_quiet(told)}</div>'


def claims(known: Board, entries: Sequence[Entry]) -> Iterator[str]:
    """The differences whose corrected p is small; for whom there is none, that none can be stated."""
    silent = []
    for entry in entries:
        stated = [test for test in entry.result["slices"]["tests"] if test["differ"]]
        yield from (f"{known.label(entry)}: {_stated(test)}." for test in stated)
        silent += [] if stated else [known.label(entry)]
    if silent:
        found = entries[0].result["slices"]
        yield (
            f"No difference between groups can be stated for {', '.join(silent)} ({len(found['tests'])} tests of each: "
            f"{found['test']})."
        )


def _stated(test: Mapping[str, Any]) -> str:
    return (
        f"{test['attribute']}, {test['second']} {100 * test['difference']:+.1f} points against {test['first']} "
        f"(p = {test['p']:.2g}, corrected {test['p_holm']:.2g})"
    )


def _too_few(slices: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [
        (group.replace("_", " "), found["people"])
        for part in slices["of"].values()
        for group, found in part.items()
        if found["people"] < slices["smallest"]
    ]


def mistakes_html(found: Sequence[Mistake]) -> str:
    """A line per mistake; never a face."""
    if not found:
        return _quiet("There are none.")
    several = len({mistake.column for mistake in found}) > 1
    heads = ["Picture", "Label", "Answer", "How sure", "Of the label", "Row", *(["Column"] if several else [])]
    lines = [
        [
            mistake.picture,
            mistake.label,
            mistake.answer,
            f"{100 * mistake.answer_probability:.1f} %",
            f"{100 * mistake.label_probability:.1f} %",
            str(mistake.row),
            *([mistake.column] if several else []),
        ]
        for mistake in found
    ]
    return _quiet(NO_FACES) + table_html(heads, lines)


def table_html(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A small table that scrolls by itself where it is too wide."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in line)}</tr>" for line in lines)
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="dp-wide"><table class="dp-measures dp-whole">{table}</table></div>'


def key_html(known: Board, entries: Sequence[Entry], named: Mapping[str, str]) -> str:
    """The colours of the models; it wraps on a narrow screen. named: who is in the figure, by label, and the shape."""
    colours = plots.colours([known.label(entry) for entry in entries])
    items = "".join(
        f'<li class="dp-{shape}" style="--dp-colour: {colours[label]}">{escape(label)}</li>'
        for label, shape in named.items()
    )
    return f'<ul class="dp-key">{items}</ul>'


def _headed(title: str, text: str, key: str) -> Any:
    return gr.update(value=f'<div class="dp-figure"><h3>{escape(title)}</h3>{_quiet(text)}{key}</div>', visible=True)


def _quiet(text: str) -> str:
    return f'<p class="dp-waiting">{escape(text)}</p>'
