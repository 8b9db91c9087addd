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
    assert len(task.headings) == len(set(task.headings)) == len(task.kinds) == len(task.columns) + 5
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
    assert cells == ["derl", "smiles", 0.67, "0.65 to 0.68", 0.8, 90.0, 92.5, None, 1027, None, None, "derl-1"]
    texts = ["derl", "smiles", "0.67", "0.65 to 0.68", "0.80", "90.0", "92.5", "", "1,027", "", "", "derl-1"]
    assert task.texts(cells) == texts
    assert task.kinds == ["str", "str", "number", "str", *["number"] * 7, "str"]


NAMED = {"accuracy": 0.95, "accuracy_detected": 0.957, "uar": 0.94, "macro_f1": 0.93, "ece": 0.044, "nll": 0.1353}
TIMED = {"ms_per_face": {"p50": 9.426}, "environment": {"threads": 2}}


def test_cells_of_recognition_say_how_sure_how_fast_and_what_came_of_the_faces_that_were_found() -> None:
    task = BY_NAME["recognition"]
    one = result("plain", "lfw", NAMED, **TIMED, counts={"n_scored": 100, "n_no_face": 0})
    tight = dict(zip(task.headings, task.cells(one), strict=True))
    assert (tight["NLL"], tight["ms/face"], tight["Threads"]) == (0.135, 9.4, 2)
    assert tight["Of found faces %"] is tight["No face"] is tight["KL to votes"] is None
    one["benchmark"]["framing"] = "aligned"
    found = dict(zip(task.headings, task.cells(one), strict=True))
    assert (found["Accuracy %"], found["Of found faces %"], found["No face"]) == (95.0, 95.7, 0)
    missed = dict(zip(task.headings, task.cells(result("plain", "lfw", NAMED)), strict=True))
    assert (missed["Of found faces %"], missed["No face"]) == (95.7, 4)  # a missed face is never hidden
    voted = dict(zip(task.headings, task.cells(result("plain", "votes", NAMED | {"vote_kl": 0.457169})), strict=True))
    assert voted["KL to votes"] == 0.457


def test_cells_of_editing_by_action_units() -> None:
    scores = {"au_mse": 0.01806, "au_icc_shown": 0.491, "single_reached": 0.044, "raised": None}
    scores |= {"face_l1_ratio": 0.67, "mouth_l1_ratio": 0.68, "identity_kept": 0.974}
    cells = BY_NAME["action_unit_editing"].cells(result("deform", "edit_au", scores, "action_unit_editing"))
    assert cells[2:-3] == [0.0181, "-0.0019 to 0.0281", 0.49, 4.4, None, 0.67, 0.68, 97.4, 100]
