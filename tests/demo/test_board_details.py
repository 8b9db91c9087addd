"""What the Benchmarks tab shows of one benchmark: numbers of the results, each only where it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo import board_details, results
from demo.board import Board, View
from demo.board_details import Details, Mistake
from fer.errors import DataError
from tests.demo.fakes import result, score, write

NAMED = dict.fromkeys(("accuracy", "uar", "macro_f1", "ece"), 0.5)
SLICES = {
    "of": {
        "age": {
            "24 to under 29": {"people": 12, "accuracy": score(0.9)},
            "under 24": {"people": 6, "accuracy": score(1.0)},
        },
        "ethnicity": {"east_asian": {"people": 3, "accuracy": score(None)}},
    },
    "interval": "Wilson's score interval",
    "test": "exact permutation",
    "smallest": 5,
    "tests": [],
}


def compared(differ: bool) -> dict[str, Any]:
    return {
        "attribute": "age", "first": "24 to under 29", "second": "under 24", "difference": 0.1, "p": 0.02,
        "p_holm": 0.04, "differ": differ,
    }  # fmt: skip


def timed(threads: int, ms: float, **more: Any) -> dict[str, Any]:
    machine = {"python": "3.11", "system": "Linux", "processor": "x", "cores": 2, "device": "cpu", "threads": threads}
    return {"environment": machine, "ms_per_face": {"p50": ms}, **more}


def board(folder: Path) -> Board:
    """One benchmark with votes, one with groups of people, one with damage, and one with nothing more."""
    for model, accuracy, own in (("plain", 0.8, timed(2, 9.43)), ("derl", 0.7, timed(1, 38.78))):
        named = NAMED | {"accuracy": accuracy}
        agreement = {"under 60 %": {"n": 1424, "accuracy": score(accuracy)}}
        write(folder, result(model, "votes", named, agreement=agreement, **own))
        slices = SLICES | {"tests": [compared(model == "derl")]}
        write(folder, result(model, "people", named, slices=slices, **own))
        write(folder, result(model, "bare", named))
        blur = {"accuracy": [score(0.6), score(0.4)], "relative_drop": score(0.375)}
        scores = {"accuracy": accuracy, "corrupted_accuracy": accuracy / 2, "relative_drop": 0.5}
        write(folder, result(model, "damaged", scores, "robustness", by_corruption={"low_light": blur}))
    return Board.read(folder)


def details(known: Board, benchmark: str, task: str = "recognition", *pair: str) -> dict[str, Any]:
    updates = board_details.shown(known, View(task, (benchmark,) if benchmark else (), *pair))
    return dict(zip(Details._fields, updates, strict=True))


def visible(found: dict[str, Any]) -> set[str]:
    return {name for name, update in found.items() if isinstance(update, dict) and update.get("visible")}


@pytest.mark.parametrize(
    ("benchmark", "task", "names"),
    [
        ("", "recognition", {"hint"}),
        ("bare", "recognition", set()),
        ("votes", "recognition", {"timed", "speed", "agreement", "agreed"}),
        ("people", "recognition", {"timed", "speed", "slices", "groups"}),
        ("", "robustness", {"damaged", "damage", "losses"}),  # its only benchmark
    ],
)
def test_each_is_shown_only_where_it_was_measured(tmp_path: Path, benchmark: str, task: str, names: set[str]) -> None:
    assert visible(details(board(tmp_path), benchmark, task)) == names


def test_speed_says_with_how_many_threads_each_was_timed(tmp_path: Path) -> None:
    found = details(board(tmp_path), "votes")
    dots = {dot.name: (dot.x[0], dot.y[0]) for dot in found["speed"]["value"].data}
    assert dots == {"plain": (9.4, 80.0), "derl": (38.8, 70.0)}
    said = "Circles were timed with 1 thread: derl. Diamonds were timed with 2 threads: plain."
    assert said in found["timed"]["value"]
    assert '<li class="dp-diamond" style="--dp-colour: #0f766e">plain</li>' in found["timed"]["value"]
    assert "process of its own" not in found["timed"]["value"]


def test_a_recogniser_of_others_is_said_to_run_apart(tmp_path: Path) -> None:
    named = NAMED | {"accuracy": 0.6}
    own = timed(2, 0.7, model={"name": "peer:fer", "weights": "fer-25", "peer": {"package": "fer"}})
    write(tmp_path, result("peer:fer", "votes", named) | own)
    assert "peer:fer ran in a process of its own" in details(board(tmp_path), "votes")["timed"]["value"]


def test_agreement_has_a_dot_per_model_and_share_of_the_votes(tmp_path: Path) -> None:
    found = details(board(tmp_path), "votes")
    dots = {dot.name: (dot.y[0], dot.x[0]) for dot in found["agreed"]["value"].data}
    assert dots == {"plain": ("under 60 %<br>n = 1,424", 80.0), "derl": ("under 60 %<br>n = 1,424", 70.0)}


def test_groups_of_people_come_with_what_may_be_said_of_them(tmp_path: Path) -> None:
    found = details(board(tmp_path), "people")
    plain = next(dot for dot in found["groups"]["value"].data if dot.name == "plain")
    assert list(plain.y) == ["under 24<br>age, n = 6", "24 to under 29<br>age, n = 12"]
    assert list(plain.x) == [100.0, 90.0]
    assert found["slices"]["label"] == "Groups of people: age, ethnicity"
    stated = "derl: age, under 24 +10.0 points against 24 to under 29 (p = 0.02, corrected 0.04)."
    none = "No difference between groups can be stated for plain (1 tests of each: exact permutation)."
    assert 0 < found["claims"].index(stated) < found["claims"].index(none)
    assert "Groups of fewer than 5 people are counted and not scored: east asian 3." in found["claims"]


def test_of_the_stored_results_no_difference_between_groups_can_be_stated() -> None:
    known = Board.read(results.FOLDER)
    sliced = [entry for entry in known.of("recognition", ["london_recognition"]) if "slices" in entry.result]
    (claim,) = board_details.claims(known, sliced)
    assert claim.startswith("No difference between groups can be stated for plain, ")


def test_damage_is_drawn_for_all_and_for_a_pair_alone(tmp_path: Path) -> None:
    known = board(tmp_path)
    every = details(known, "damaged", "robustness")
    lines = {line.name: list(line.y) for line in every["damage"]["value"].data}
    assert lines == {"plain": [80.0, 60.0, 40.0], "derl": [70.0, 60.0, 40.0]}
    assert "Pick two models" in every["damaged"]["value"]
    assert "<td>low light</td><td>37.5 (35.5 to 38.5)</td>" in every["lost"]
    one, pair = (details(known, "damaged", "robustness", second, "plain") for second in ("", "derl"))
    assert pair["damaged"]["value"].index(">plain<") < pair["damaged"]["value"].index(">derl<")  # as in the table
    one, two = (found["damage"]["value"] for found in (one, pair))
    assert [bool(line.error_y.visible) for line in (*one.data, *two.data)] == [False, False, True, True]


@dataclass(frozen=True)
class Wrong:
    row: int = 7
    column: str = "image"
    picture: str = "3a2113ca7f31"
    label: str = "anger"
    answer: str = "neutral"
    answer_probability: float = 0.998
    label_probability: float = 0.0003


def test_the_surest_mistakes_are_those_of_the_row_or_of_the_best_model(tmp_path: Path) -> None:
    known, asked = board(tmp_path), []

    def find(model: str, benchmark: str) -> Sequence[Mistake]:
        asked.append((model, benchmark))
        return [Wrong()]

    folded, text = board_details.surest(known, find, View("recognition", ("votes",)))
    assert (folded["label"], folded["visible"]) == ("The surest mistakes of plain on votes", True)
    cells = ("3a2113ca7f31", "anger", "neutral", "99.8 %", "0.0 %", "7")
    assert "".join(f"<td>{cell}</td>" for cell in cells) in text
    assert "<img" not in text
    board_details.surest(known, find, View("recognition", (), row="derl@people"))
    assert asked == [("plain:plain-1", "votes"), ("derl:derl-1", "people")]
    for view in (View("recognition"), View("robustness", ("damaged",), row="plain@damaged")):
        assert board_details.surest(known, find, view)[0]["visible"] is False
    assert len(asked) == 2


def test_mistakes_that_cannot_be_read_are_a_sentence_and_none_are_said_to_be_none(tmp_path: Path) -> None:
    def broken(model: str, benchmark: str) -> Sequence[Mistake]:
        raise DataError("The predictions are damaged.")

    text = board_details.surest(board(tmp_path), broken, View("recognition", ("votes",)))[1]
    assert "The predictions are damaged." in text
    assert "There are none." in board_details.mistakes_html([])
