"""Results are read as plain JSON; a file that cannot be read is named, not dropped."""

from __future__ import annotations

from pathlib import Path

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
