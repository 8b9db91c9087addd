"""Results are read as plain JSON and turned into rows and curves."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import results
from tests.demo.fakes import result, write_result


def test_a_row_is_in_percent(tmp_path: Path) -> None:
    row = results.row(results.read(write_result(tmp_path, "plain", "one", 0.8)))
    assert row == {
        "model": "plain",
        "weights": "plain-1",
        "name": "one",
        "benchmark": "ONE",
        "split": "test",
        "pictures": 100,
        "accuracy": 80.0,
        "accuracy_low": 78.0,
        "accuracy_high": 81.0,
        "interval": "78.0 to 81.0",
        "uar": 80.0,
        "macro_f1": 80.0,
        "ece": 80.0,
        "no_face": 4,
    }


def test_a_score_that_is_not_defined_stays_empty(tmp_path: Path) -> None:
    row = results.row(results.read(write_result(tmp_path, "plain", "one", None)))
    assert (row["accuracy"], row["interval"]) == (None, "")


@pytest.mark.parametrize(("declared", "family"), [({}, "recognition"), ({"family": "editing"}, "editing")])
def test_a_family_is_recognition_where_none_is_named(declared: dict[str, str], family: str) -> None:
    assert results.family({"benchmark": declared}) == family


def edited(model: str, gained: list[float | None]) -> results.Result:
    at = zip(("1", "0.5"), gained, strict=True)
    strengths = {strength: {"n": 8, "gained": gain, "identity_cosine": 0.9} for strength, gain in at}
    return result(model, "edit_one", {}, "editing", strengths=strengths)


def test_curves_go_from_the_weakest_edit_up_and_leave_out_who_changes_nothing() -> None:
    every = [edited("unedited", [0.0, 0.0]), edited("fesgan", [0.5, 0.25]), edited("degan", [None, None])]
    assert results.curves([*every, result("plain", "one", {})]) == [
        {"model": "fesgan", "name": "edit_one", "strengths": [0.5, 1.0], "gained": [25.0, 50.0], "kept": [0.9, 0.9]}
    ]
