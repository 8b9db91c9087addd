"""Two models on the same pictures, in words: who is better, by how much, and whether chance explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol, TypedDict

import plotly.graph_objects as go

from demo.tasks import TASKS

LEAST_P = 0.0001
MINUS = "\N{MINUS SIGN}"
EXPLAINED = (
    "Both models saw the same pictures; the difference is taken picture by picture. The 95&nbsp;% interval says how "
    "large it may be if other pictures (or people) of the same kind had been drawn; where it includes 0, chance may "
    "explain the difference, and it is called a tie. McNemar's p is how often two equally good models would differ at "
    "least this much; it is exact and counts pictures."
)


class Difference(Protocol):
    """A measure of two models on the same pictures; difference = second - first, low and high its 95 % interval.

    p: exact McNemar test, for measures that are right or wrong only. n: pictures; units: people where they are known,
    else pictures. better: "first", "second" or "tie".
    """

    @property
    def benchmark(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def first(self) -> float: ...
    @property
    def second(self) -> float: ...
    @property
    def difference(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def p(self) -> float | None: ...
    @property
    def n(self) -> int: ...
    @property
    def units(self) -> int: ...
    @property
    def better(self) -> str: ...


class Referee(Protocol):
    """Who compares stored results and draws them; ``app.py`` hands one to the page. Models are MODEL:WEIGHTS.

    Its methods raise FerError.
    """

    def compare(self, first: str, second: str, benchmark: str) -> Sequence[Difference]:
        """Every measure of two models on a benchmark."""

    def confusion(self, result: Mapping[str, Any]) -> go.Figure:
        """Labels against answers."""

    def reliability(self, models: Sequence[str], benchmark: str) -> go.Figure:
        """How often answers of each stated probability are right."""


class Comparison(TypedDict):
    """A measure of two models on one benchmark; difference = second - first. sentence: the verdict in words."""

    benchmark: str
    measure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float | None
    pictures: int
    people: int | None
    better: str
    sentence: str


@dataclass(frozen=True)
class Words:
    """How a measure is said. share: in percent and points; digits: decimals of what is no share."""

    noun: str
    share: bool = True
    digits: int = 3


WORDS = {
    "accuracy": Words("of pictures named rightly"),
    "corrupted_accuracy": Words("of damaged pictures named rightly"),
    "fusion": Words("of pictures named rightly by all parts together"),
    "mouth_l1": Words("distance of the mouth to the true one", False, 4),
    "face_l1": Words("distance of the face to the true one", False, 4),
    "judged_neutral": Words("of faces judged neutral"),
    "top": Words("of targets seen by the first judge"),
    "second_top": Words("of targets seen by the second judge"),
    "identity_cosine": Words("likeness to the person before", False),
    "mae": Words("mean error of a strength", False),
    "au_mse": Words("squared error of the strengths", False, 4),
    "single_reached": Words("of single Action Units reached"),
    "deletion_residue": Words("probability left after deletion", False),
    "insertion_residue": Words("probability regained by insertion", False),
    "expression": Words("of expressions read from the code"),
    "identity": Words("of people read from the code"),
}
BEST = {task.name: task.best for task in TASKS}  # of a task; else its first measure


def words(measure: str) -> Words:
    """How a measure is said; one that is not known here by its name."""
    return WORDS.get(measure, Words(measure.replace("_", " "), False, 4))


def value(measure: str, number: float) -> str:
    """A value with what it is: 87.5 % of pictures named rightly."""
    said = words(measure)
    return f"{_bare(measure, number)} {said.noun}" if said.share else f"{said.noun} {_bare(measure, number)}"


def _bare(measure: str, number: float) -> str:
    said = words(measure)
    return f"{100 * number:.1f}\N{NO-BREAK SPACE}%" if said.share else f"{number:.{said.digits}f}"


def _steps(measure: str, number: float) -> str:
    """A difference without its unit, with a true minus."""
    said = words(measure)
    text = f"{100 * number:.1f}" if said.share else f"{number:.{said.digits}f}"
    return text.replace("-", MINUS) if float(text) else text.replace("-", "")


def _points(measure: str) -> str:
    return " points" if words(measure).share else ""


def _between(d: Difference) -> str:
    return f"{_steps(d.measure, d.low)} to {_steps(d.measure, d.high)}{_points(d.measure)}"


def _p(d: Difference) -> str:
    if d.p is None:
        return ""
    shown = f"< {LEAST_P:.4f}" if d.p < LEAST_P else f"= {d.p:.2g}"
    return f"exact McNemar p {shown}"


def _counted(d: Difference) -> str:
    people = f" of {d.units:,} people" if d.units != d.n else ""
    return f"{d.n:,} pictures{people}"


def sentence(d: Difference, first: str, second: str) -> str:
    """The verdict in one sentence: the better one first, or a tie."""
    lead, rest = _parts(d, first, second)
    return f"{lead}: {rest}"


def _parts(d: Difference, first: str, second: str) -> tuple[str, str]:
    """Who is better, and the numbers."""
    told = [text for text in (_p(d), _counted(d)) if text]
    if d.better == "tie":
        if d.low == d.high == 0:
            return f"{first} and {second} do the same on {d.benchmark}", (
                f"{value(d.measure, d.first)} for both, and no difference on any picture ({_counted(d)})."
            )
        return f"{first} and {second} are tied on {d.benchmark}", (
            f"{value(d.measure, d.first)} against {_bare(d.measure, d.second)}. The difference of "
            f"{_steps(d.measure, abs(d.difference))}{_points(d.measure)} may be chance: "
            f"its 95 % interval, {_between(d)}, includes 0 ({', '.join(told)})."
        )
    names, numbers = (first, second), (d.first, d.second)
    won = 0 if d.better == "first" else 1
    least, most = sorted(abs(end) for end in (d.low, d.high))
    step = "more" if numbers[won] > numbers[1 - won] else "less"
    between = f"95 % interval {_steps(d.measure, least)} to {_steps(d.measure, most)}"
    return f"{names[won]} is better than {names[1 - won]} on {d.benchmark}", (
        f"{value(d.measure, numbers[won])} against {_bare(d.measure, numbers[1 - won])}, "
        f"{_steps(d.measure, abs(d.difference))}{_points(d.measure)} {step} ({', '.join([between, *told])})."
    )


def main(task: str, differences: Sequence[Difference]) -> Difference:
    """The measure that the verdict speaks of."""
    return next((d for d in differences if d.measure == BEST.get(task)), differences[0])


def verdict_html(task: str, found: Sequence[Sequence[Difference] | str], first: str, second: str) -> str:
    """A sentence per benchmark; all measures in a table below where there are several.

    found: of each benchmark; a text where it could not be compared, which is shown in its place.
    """
    said = "".join(
        f'<p class="dp-verdict">{escape(answer)}</p>'
        if isinstance(answer, str)
        else _said(main(task, answer), first, second)
        for answer in found
    )
    compared = [answer for answer in found if not isinstance(answer, str)]
    several = any(len(differences) > 1 for differences in compared)
    table = _table([d for differences in compared for d in differences], first, second) if several else ""
    return (
        f'<section class="dp-verdicts">{said}{table}<details><summary>How to read this</summary><p>{EXPLAINED}</p>'
        "</details></section>"
    )


def _said(d: Difference, first: str, second: str) -> str:
    lead, rest = _parts(d, first, second)
    return f'<p class="dp-verdict" data-better="{escape(d.better)}"><b>{escape(lead)}</b>: {escape(rest)}</p>'


def _table(differences: Sequence[Difference], first: str, second: str) -> str:
    names = {"first": f"{first} is better", "second": f"{second} is better", "tie": "a tie"}
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(text)}</td>"
            for text in (
                d.benchmark,
                words(d.measure).noun.removeprefix("of "),
                _bare(d.measure, d.first),
                _bare(d.measure, d.second),
                _between(d),
                _p(d).removeprefix("exact McNemar p ").removeprefix("= "),
                names[d.better],
            )
        )
        + "</tr>"
        for d in differences
    )
    heads = ("Benchmark", "Measure", first, second, f"{second} less {first}, 95 % interval", "McNemar p", "Verdict")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return (
        "<details><summary>Every measure</summary>"
        f'<div class="dp-wide"><table class="dp-measures"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
        "</div></details>"
    )


def as_json(d: Difference, first: str, second: str) -> Comparison:
    """What ``/compare`` answers of one measure."""
    return {
        "benchmark": d.benchmark,
        "measure": d.measure,
        "first": d.first,
        "second": d.second,
        "difference": d.difference,
        "low": d.low,
        "high": d.high,
        "p": d.p,
        "pictures": d.n,
        "people": d.units if d.units != d.n else None,
        "better": {"first": first, "second": second, "tie": "tie"}[d.better],
        "sentence": sentence(d, first, second),
    }
