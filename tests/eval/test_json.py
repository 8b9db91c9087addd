"""What programs read: JSON on stdout and nothing else, and exit codes that stay."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from eval import cli, contestants, speed, table, throughput
from eval.store import SPEED_FILE, THROUGHPUT_FILE, read_throughput
from fer.errors import WeightsError
from tests.eval.fakes import SPEED, THROUGHPUT

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def places(make_dataset, picture, tmp_path) -> list[str]:
    """Options that read generated rows in the layout of FER+ and write below tmp_path."""
    rows = [("neutral", picture(0))] * 3 + [("fear", picture(6))]
    make_dataset(rows, "train", "ferplus")
    root = make_dataset(rows, "test", "ferplus")
    return ["--data-root", str(root), "--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]


def test_a_run_prints_an_object_for_each_pair(places, contestant, shades, monkeypatch, tmp_path, capsys):
    def enter(name, *_):
        if name == "derl":
            raise WeightsError("The weights are not there.")
        return replace(contestant(shades()), name=name)

    monkeypatch.setattr(contestants, "enter", enter)
    command = ["run", "plain", "derl", "--benchmarks", "ferplus", *places, "--json"]
    assert cli.main(command) == 2
    printed = capsys.readouterr()
    done, failed = map(json.loads, printed.out.splitlines())
    path = tmp_path / "results" / "plain" / "shades-1" / "ferplus.json"
    assert {key: done[key] for key in ("benchmark", "model", "weights", "status", "error", "path")} == {
        "benchmark": "ferplus",
        "model": "plain",
        "weights": "shades-1",
        "status": "done",
        "error": None,
        "path": str(path),
    }
    assert (done["main_score"], done["partial"], done["scored_again"]) == ("accuracy", False, False)
    assert done["scores"] == json.loads(path.read_text())["scores"]
    assert done["scores"]["accuracy"]["value"] == 1
    assert failed == {
        "benchmark": "ferplus",
        "model": "derl",
        "status": "failed",
        "error": "The weights are not there.",
        "path": None,
    }
    assert "1 of 2 done\n" in printed.err
    assert cli.main([*command, "--limit", "2"]) == 2
    trial = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (trial["path"], trial["partial"], trial["counts"]["n_scored"]) == (None, True, 2)


def test_one_pair_that_fails_says_so_in_its_row(places, monkeypatch, capsys):
    def enter(*_):
        raise WeightsError("The weights are not there.")

    monkeypatch.setattr(contestants, "enter", enter)
    assert cli.main(["run", "plain", "--benchmarks", "ferplus", *places]) == 2
    assert capsys.readouterr().out == "0 of 1 done\n  failed: plain on ferplus: The weights are not there.\n"


def test_baselines_print_the_same(places, capsys):
    assert cli.main(["baseline", "--benchmarks", "ferplus", *places, "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["model"], told["status"], told["scores"]["accuracy"]["value"]) == ("majority", "done", 0.75)


@pytest.fixture
def results(places, tmp_path, capsys) -> Path:
    """Stored results of ``majority``."""
    assert cli.main(["run", "majority", "--benchmarks", "ferplus", *places]) == 0
    capsys.readouterr()
    return tmp_path / "results"


def printed(capsys, *arguments: str, code: int = 0):
    assert cli.main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_tables_and_whether_a_page_shows_them(results, tmp_path, capsys):
    told = printed(capsys, "table", "--results", str(results))
    (shown,) = told["tables"]
    assert shown["family"] == "recognition"
    assert shown["rows"][0]["accuracy % [95 % CI]"].startswith("75.0 [")
    assert (told["speed"], told["throughput"]) == (None, None)
    page = tmp_path / "PAGE.md"
    page.write_text(f"{table.START}\n{table.END}\n")
    at = ["table", "--results", str(results)]
    assert printed(capsys, *at, "--check", str(page), code=1) == {"page": str(page), "stale": True}
    assert printed(capsys, *at, "--write", str(page)) == {"page": str(page)}
    assert printed(capsys, *at, "--check", str(page)) == {"page": str(page), "stale": False}


def test_the_files_of_a_report(results, tmp_path, capsys):
    out = tmp_path / "out"
    told = printed(capsys, "report", "--results", str(results), "--out", str(out))
    assert told == {"files": [str(out / f"report.{end}") for end in ("html", "md", "csv")]}


def test_what_an_export_would_push(places, contestant, shades, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(contestants, "enter", lambda name, *_: replace(contestant(shades()), name=name))
    assert cli.main(["run", "plain", "--benchmarks", "ferplus", *places]) == 0
    capsys.readouterr()
    at = ["--results", str(tmp_path / "results"), "--repo", "org/plain", "--dry-run"]
    told = printed(capsys, "export", "plain", *at)
    assert (told["repo"], told["files"], told["pushed"]) == ("org/plain", {}, [])
    assert told["model_index"][0]["name"] == "plain"
    assert told["left_out"][0].startswith("ferplus: it was measured on a folder")


def test_measurements_of_speed_and_where_they_are_stored(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speed, "measure", lambda model: SPEED)
    monkeypatch.setattr(throughput, "measure", lambda model, root, limit: THROUGHPUT)
    at = ["--results", str(tmp_path), "--store"]
    assert printed(capsys, "speed", *at) == SPEED
    assert printed(capsys, "speed", "--throughput", *at) == THROUGHPUT
    assert json.loads((tmp_path / SPEED_FILE).read_text()) == SPEED
    assert read_throughput(tmp_path) == THROUGHPUT
    assert (tmp_path / THROUGHPUT_FILE).is_file()
    for wrong in (["--limit", "3"], ["--throughput", "--limit", "3", "--store"]):
        assert cli.main(["speed", *wrong]) == 2
        assert capsys.readouterr().err.startswith("--limit is for a trial of --throughput, which is never stored.")


@pytest.mark.parametrize(
    "command",
    [
        ["validate"],
        ["score"],
        ["left-out"],
        ["compare", "plain", "derl"],
        ["report"],
        ["table"],
        ["export", "plain", "--repo", "a/b"],
    ],
)
def test_a_folder_of_results_that_is_not_there_is_one_sentence(command, tmp_path, capsys):
    assert cli.main([*command, "--results", str(tmp_path / "none")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"There is no folder {tmp_path / 'none'} of results. Give the folder that a run stored into with --results.\n"
    )


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_who_stops_reading_hears_no_complaint(option):
    command = [sys.executable, "-c", "import sys; from eval.cli import main; sys.exit(main())", "list", *option]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=120) == 141
