"""Results are read as plain JSON; a file that cannot be read is named, not dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from demo import results
from tests.demo.fakes import write_result


def test_rows_are_percent_and_sorted_by_accuracy(tmp_path: Path) -> None:
    write_result(tmp_path, "majority", "one", 0.3)
    write_result(tmp_path, "plain", "one", 0.8)
    rows, complaints = results.read_rows(tmp_path)
    assert complaints == []
    assert [row["model"] for row in rows] == ["plain", "majority"]
    line = dict(zip(results.HEADINGS.values(), results.table(rows)[0], strict=True))
    assert line == {
        "Model": "plain",
        "Weights": "plain-1",
        "Benchmark": "ONE",
        "Split": "test",
        "Pictures": 100,
        "Accuracy %": 80.0,
        "95 % interval": "78.0 to 81.0",
        "UAR %": 80.0,
        "Macro F1 %": 80.0,
        "ECE %": 80.0,
        "No face": 4,
    }
    assert len(results.DATATYPES) == len(results.HEADINGS)


def test_identity_comes_from_the_fields_not_from_the_path(tmp_path: Path) -> None:
    path = write_result(tmp_path, "plain", "one", 0.8)
    path.rename(path.with_name("other.json"))
    assert results.read_rows(tmp_path)[0][0]["benchmark"] == "ONE"


def test_an_empty_folder_and_one_that_is_missing_have_no_rows(tmp_path: Path) -> None:
    assert results.read_rows(tmp_path) == ([], [])
    assert results.read_rows(tmp_path / "missing") == ([], [])


def test_damaged_files_are_named(tmp_path: Path) -> None:
    write_result(tmp_path, "plain", "one", 0.8)
    write_result(tmp_path, "plain", "two", 0.8).write_text("{", encoding="utf-8")
    write_result(tmp_path, "plain", "three", 0.8).write_text('{"model": {}}', encoding="utf-8")
    rows, complaints = results.read_rows(tmp_path)
    assert len(rows) == 1
    assert complaints == [
        "plain/plain-1/three.json is no result that can be shown (KeyError).",
        "plain/plain-1/two.json is no result that can be shown (JSONDecodeError).",
    ]


def test_a_score_that_is_not_defined_stays_empty(tmp_path: Path) -> None:
    write_result(tmp_path, "plain", "one", None)
    row = results.read_rows(tmp_path)[0][0]
    assert (row["accuracy"], row["interval"]) == (None, "")


def score(value: float | None) -> dict[str, float | None]:
    return {"value": value, "low": 0.5, "high": 0.75}


def write(folder: Path, result: dict[str, Any]) -> None:
    path = folder / result["model"]["name"] / "one" / f"{result['benchmark']['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result), encoding="utf-8")


def test_removals_are_ratios_and_shares_in_percent(tmp_path: Path) -> None:
    names = ("mouth_l1_ratio", "face_l1_ratio", "closer", "judged_neutral", "identity_kept")
    for model, mouth in (("input", 1.0), ("derl", 0.666)):
        scores = dict(zip(names, map(score, (mouth, 0.8, 0.9, 0.925, None)), strict=True))
        benchmark = {"family": "neutralisation", "name": "smiles", "title": "Smiles"}
        write(
            tmp_path, {"benchmark": benchmark, "model": {"name": model}, "counts": {"n_people": 27}, "scores": scores}
        )
    rows = results.read_removals(tmp_path)
    assert [row[0] for row in rows] == ["derl", "input"]
    assert rows[0] == ["derl", "Smiles", 27, 0.67, "0.50 to 0.75", 0.8, 90.0, 92.5, None]
    assert len(rows[0]) == len(results.REMOVAL_HEADINGS) == len(results.REMOVAL_DATATYPES)
    assert results.read_rows(tmp_path) == ([], [])


def write_edits(folder: Path, model: str, reached: float, truth: float | None, gained: list[float | None]) -> None:
    values = {"top": 0.7, "second_top": reached, "identity_kept": 0.981, "face_l1_ratio": truth, "kid": 0.0123}
    at = zip(("1", "0.5"), gained, strict=True)
    write(
        folder,
        {
            "benchmark": {"family": "editing", "name": f"edit_{truth}", "title": f"Edits {truth}"},
            "model": {"name": model},
            "counts": {"n_expressive": 60},
            "scores": {name: score(value) for name, value in values.items()},
            "strengths": {strength: {"n": 8, "gained": gain, "identity_cosine": 0.9} for strength, gain in at},
        },
    )


def test_edits_are_shares_in_percent_and_a_ratio_where_there_is_a_truth(tmp_path: Path) -> None:
    write_edits(tmp_path, "unedited", 0.1, 1.0, [None, None])
    write_edits(tmp_path, "fesgan", 0.654, 1.0, [None, None])
    write_edits(tmp_path, "fesgan", 0.5, None, [None, None])
    assert results.read_edits(tmp_path) == [
        ["fesgan", "Edits 1.0", 60, 70.0, 65.4, 98.1, 1.0, "0.50 to 0.75", 0.012],
        ["unedited", "Edits 1.0", 60, 70.0, 10.0, 98.1, 1.0, "0.50 to 0.75", 0.012],
        ["fesgan", "Edits None", 60, 70.0, 50.0, 98.1, None, "", 0.012],
    ]
    assert len(results.EDIT_HEADINGS) == len(results.EDIT_DATATYPES) == 9


def test_curves_go_from_the_weakest_edit_up_and_leave_out_who_changes_nothing(tmp_path: Path) -> None:
    write_edits(tmp_path, "unedited", 0.1, 1.0, [0.0, 0.0])
    write_edits(tmp_path, "fesgan", 0.6, 1.0, [0.5, 0.25])
    write_edits(tmp_path, "degan", 0.6, 1.0, [None, None])
    assert results.read_curves(tmp_path) == [
        {"model": "fesgan", "name": "edit_1.0", "strengths": [0.5, 1.0], "gained": [25.0, 50.0], "kept": [0.9, 0.9]}
    ]
