"""Every kind of task that eval knows has its table; cells are the numbers of the results."""

from __future__ import annotations

import pytest

from demo.board import Board
from demo.results import FOLDER
from demo.tasks import BY_NAME, TASKS, Task
from eval.benchmark import FamilyName
from tests.demo.fakes import result


def test_no_family_is_left_out() -> None:
    assert set(BY_NAME) == {str(family) for family in FamilyName}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_table_has_a_heading_a_kind_and_a_note(task: Task) -> None:
    assert len(task.headings) == len(set(task.headings)) == len(task.kinds) == len(task.columns) + 3
    assert "95 % interval" in task.headings
    assert task.note.count("**") >= 4


def test_every_stored_result_is_shown() -> None:
    board = Board.read(FOLDER)
    assert board.complaints == ()
    assert len(board.entries) == len(list(FOLDER.glob("*/*/*.json")))
    assert {task.name for task in board.tasks} >= {"recognition", "action_units", "action_unit_editing", "robustness"}


def test_cells_of_removal_are_ratios_and_shares_in_percent() -> None:
    scores = {"mouth_l1_ratio": 0.666, "face_l1_ratio": 0.8, "closer": 0.9, "judged_neutral": 0.925}
    one = result("derl", "smiles", scores | {"identity_kept": None}, "neutralisation", counts={"n_people": 1027})
    task = BY_NAME["neutralisation"]
    cells = task.cells(one)
    assert cells == ["derl", "smiles", 0.67, "0.65 to 0.68", 0.8, 90.0, 92.5, None, 1027, "derl-1"]
    texts = ["derl", "smiles", "0.67", "0.65 to 0.68", "0.80", "90.0", "92.5", "", "1,027", "derl-1"]
    assert task.texts(cells) == texts
    assert task.kinds == ["str", "str", "number", "str", *["number"] * 5, "str"]


def test_cells_of_editing_by_action_units() -> None:
    scores = {"au_mse": 0.01806, "au_icc_shown": 0.491, "single_reached": 0.044, "raised": None}
    scores |= {"face_l1_ratio": 0.67, "mouth_l1_ratio": 0.68, "identity_kept": 0.974}
    cells = BY_NAME["action_unit_editing"].cells(result("deform", "edit_au", scores, "action_unit_editing"))
    assert cells[2:-1] == [0.0181, "-0.0019 to 0.0281", 0.49, 4.4, None, 0.67, 0.68, 97.4, 100]
