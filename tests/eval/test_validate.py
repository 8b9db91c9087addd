"""What validation finds in stored results, one injury at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval import benchmarks, cli, validate
from eval.store import SPEED_FILE, THROUGHPUT_FILE


@pytest.fixture
def stored(make_dataset, picture, tmp_path, capsys) -> Path:
    """A result of ``majority`` on generated FER+ rows."""
    rows = [("neutral", picture(0))] * 5 + [("fear", picture(6))]
    root = make_dataset(rows, "test", "ferplus")
    make_dataset(rows, "train", "ferplus")
    results = tmp_path / "results"
    places = ["--data-root", str(root), "--results", str(results), "--cache", str(tmp_path / "cache")]
    assert cli.main(["run", "majority", "--benchmarks", "ferplus", *places]) == 0
    capsys.readouterr()
    return results / "majority" / "none" / "ferplus.json"


def change(path: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    result = json.loads(path.read_text())
    alter(result)
    path.write_text(json.dumps(result))


def found(path: Path, capsys) -> tuple[int, list[dict[str, Any]]]:
    code = cli.main(["validate", "--results", str(path.parents[2]), "--json"])
    told = json.loads(capsys.readouterr().out)
    return code, told["findings"]


def test_a_sound_result_has_no_findings(stored, capsys) -> None:
    assert cli.main(["validate", "--results", str(stored.parents[2])]) == 0
    assert capsys.readouterr().out == "1 result, nothing wrong.\n"
    assert found(stored, capsys) == (0, [])


@pytest.mark.parametrize(
    ("alter", "what"),
    [
        (lambda r: r["scores"]["accuracy"].update(value=0.99), "It does not follow from its predictions: scores."),
        (lambda r: r["counts"].update(n_scored=7), "It does not follow from its predictions: counts."),
        (lambda r: r.update(partial=True), "It is of a partial run."),
        (lambda r: r["model"].update(name="minority"), "By its fields it belongs to"),
        (lambda r: r["benchmark"].update(version=0), "It is of version 0 of ferplus, which is at version 1."),
        (lambda r: r["benchmark"].update(protocol="Other."), "has changed without a new version: protocol."),
        (lambda r: r["benchmark"].update(name="ferminus"), 'There is no benchmark called "ferminus".'),
        (lambda r: r.pop("scores"), "is no result: it lacks scores."),
        (lambda r: r["model"].pop("weights"), "It is not laid out as a result: KeyError 'weights'."),
        (lambda r: r["predictions"].update(sha256="0" * 64), "does not match the checksum in ferplus.json."),
    ],
)
def test_an_injury_is_named(stored, capsys, alter, what) -> None:
    change(stored, alter)
    code, findings = found(stored, capsys)
    assert code == 1
    assert any(what in f["what"] and f["path"] == str(stored) and f["wrong"] for f in findings), findings


def test_damaged_and_lost_files_are_named(stored, capsys) -> None:
    stored.with_suffix(".parquet").rename(stored.with_name("lost.parquet"))
    code, findings = found(stored, capsys)
    assert code == 1
    assert [(Path(f["path"]).name, f["what"].split(" (")[0]) for f in findings] == [
        ("ferplus.json", f"The predictions in {stored.with_suffix('.parquet')} could not be read"),
        ("lost.parquet", "No result names these predictions."),
    ]
    stored.write_text("{")
    for name in (SPEED_FILE, THROUGHPUT_FILE):
        (stored.parents[2] / name).write_text("{")
    code, findings = found(stored, capsys)
    assert code == 1
    assert sum("could not be read" in f["what"] for f in findings) == 3


def test_results_of_two_revisions_are_named(stored, capsys) -> None:
    other = stored.parents[2] / "other" / "none" / "ferplus.json"
    other.parent.mkdir(parents=True)
    for end in (".json", ".parquet"):
        other.with_suffix(end).write_bytes(stored.with_suffix(end).read_bytes())
    change(other, lambda r: r["model"].update(name="other"))
    assert found(stored, capsys) == (0, [])
    change(other, lambda r: r["dataset"].update(revision="sha256:1"))
    code, (finding,) = found(stored, capsys)
    assert (code, finding["path"]) == (1, str(other))
    assert finding["what"] == f"It was measured on another revision of the dataset than {stored}."


def test_other_weights_under_a_bundled_name_are_named() -> None:
    from fer.weights import find

    model = {"name": "plain", "weights": find("plain").id, "weights_sha256": find("plain").sha256}
    assert list(validate._weights({"model": model})) == []
    (what,) = validate._weights({"model": model | {"weights_sha256": "0" * 64}})
    assert "have another checksum" in what
    assert list(validate._weights({"model": model | {"weights": "mine", "weights_sha256": "0" * 64}})) == []


def test_lacking_annotations_are_a_note_and_nothing_wrong(stored, capsys, monkeypatch) -> None:
    now = benchmarks.benchmark("ferplus")
    from eval.benchmark import Annotations

    told = replace(now, annotations=Annotations(votes="other"))
    monkeypatch.setattr(benchmarks, "benchmark", lambda name: told)
    code, (finding,) = found(stored, capsys)
    assert (code, finding["wrong"]) == (0, False)
    assert "python -m eval score --data-root DIR" in finding["what"]
