"""The table, and the command line around it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eval import cli, columns, environment, run_command, table
from eval.environment import git
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, read_results, result_path, write_result
from fer.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


def result(model="plain", accuracy=0.5, benchmark="ferplus", no_face=0):
    score = {"value": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01}
    other = {"value": 0.25, "low": 0.2, "high": 0.3}
    names = ("uar", "macro_f1", "ece", "nll", "accuracy_detected")
    return {
        "benchmark": {"name": benchmark, "title": "T", "protocol": "P.", "licence": "L"},
        "model": {"name": model, "weights": f"{model}-1"},
        "counts": {"n_scored": 3153, "n_no_face": no_face},
        "scores": {"accuracy": score, **dict.fromkeys(names, other)},
        "ms_per_face": {"p50": 3.26},
    }


def test_rows_are_by_benchmark_and_then_best_first():
    lines = table.render(
        [result("b", 0.4), result("a", 0.4), result("c", 0.9), result("z", 0.1, "aaa", no_face=3)]
    ).splitlines()
    assert lines[2] == (
        "| aaa | z | z-1 | 3,153 (3 no face) | 10.0 [9.0, 11.0] (25.0 of the faces found) | 25.0 | 25.0 | 0.250 "
        "| 0.250 | 3.3 |"
    )
    assert "| 90.0 [89.0, 91.0] |" in lines[3]  # no face was missed: there is nothing to tell apart
    assert [line.split(" | ")[1] for line in lines[2:6]] == ["z", "c", "a", "b"]
    assert lines[-1] == "- **ferplus**: T. P. Licence: L."


def test_agreement_with_the_votes_has_a_table_of_its_own():
    voted = result("b", 0.4)
    voted["scores"]["vote_kl"] = {"value": 0.5, "low": 0.4, "high": 0.6}
    found = {"value": 0.75, "low": 0.7, "high": 0.8}
    voted["agreement"] = {"under 60 %": {"n": 1234, "accuracy": found}}
    assert table.render_detail([result("a", 0.9), voted]).splitlines() == [
        "| benchmark | model | weights | KL from the votes, nats [95 % CI] "
        "| under 60 % agree: accuracy % [95 % CI] (n) |",
        "|---|---|---|---:|---:|",
        "| ferplus | b | b-1 | 0.500 [0.400, 0.600] | 75.0 [70.0, 80.0] (1,234) |",
    ]
    assert table.render_detail([result("a", 0.9)]) == ""


def test_memory_is_told_of_our_own_models_where_it_was_measured():
    measured = [result("b") | {"peak_memory_mb": 1200}, result("b") | {"peak_memory_mb": 900}, result("old")]
    peer = result("peer:x")
    peer["model"]["peer"] = {"peak_memory_mb": 500}
    assert table.render_detail([*measured, result("a") | {"peak_memory_mb": 700}, peer]) == (
        "Peak memory of the process in which they ran, PyTorch and the pictures included: a 700 MB, b 1,200 MB."
    )
    assert columns.machine(peer) == {"threads": "-", "peak memory MB": "500"}
    assert columns.machine(measured[0] | {"environment": {"threads": 2}}) == {"threads": "2", "peak memory MB": "1,200"}


def test_a_score_that_is_not_defined_is_a_dash():
    one = result()
    one["scores"]["nll"] = one["scores"]["ece"] = {"value": None, "low": None, "high": None}
    one["ms_per_face"]["p50"] = None
    assert table.render([one]).splitlines()[2].endswith("| 25.0 | 25.0 | - | - | - |")


def test_recall_is_shown_per_expression_with_its_count(tmp_path):
    one = result() | {
        "recall": {"neutral": 0.9, "fear": None},
        "confusion": {"labels": ["neutral", "fear"], "counts": [[9, 1, 0], [0, 0, 0]]},
    }
    lines = table.recall_table([one]).splitlines()
    assert lines[0].startswith("| recall % (n) | neutral | happiness |")
    assert lines[2] == "| ferplus | 90.0 (10) | - | - | - | - | - | - | - |"


def recognition_section(text, filled=True):
    return table.Section(table.START, table.END, text, filled)


def beyond_section(text, filled=True):
    return table.Section(table.BEYOND_START, table.BEYOND_END, text, filled)


def test_the_page_keeps_everything_outside_the_markers(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{table.START}\nold\n{table.END}\nafter\n")
    new = [recognition_section("new"), beyond_section("none yet", filled=False)]
    assert table.is_stale(page, new)
    table.write(page, new)
    assert page.read_text() == f"before\n{table.START}\nnew\n{table.END}\nafter\n"
    assert not table.is_stale(page, new)
    assert table.is_stale(page, [recognition_section("newer")])


def test_a_page_shows_both_sections_and_either_can_be_stale(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"{table.START}\n{table.END}\nbetween\n{table.BEYOND_START}\n{table.BEYOND_END}\n")
    both = [recognition_section("one"), beyond_section("two")]
    table.write(page, both)
    assert page.read_text() == (
        f"{table.START}\none\n{table.END}\nbetween\n{table.BEYOND_START}\ntwo\n{table.BEYOND_END}\n"
    )
    assert not table.is_stale(page, both)
    assert table.is_stale(page, [both[0], beyond_section("three")])


def test_a_page_may_show_one_section_alone(tmp_path):
    page = tmp_path / "card.md"
    page.write_text(f"{table.BEYOND_START}\n{table.BEYOND_END}\n")
    table.write(page, [recognition_section("one"), beyond_section("two")])
    assert page.read_text() == f"{table.BEYOND_START}\ntwo\n{table.BEYOND_END}\n"


@pytest.mark.parametrize("text", ["", table.START, f"{table.END}{table.START}", f"{table.START}{table.END}" * 2])
def test_a_page_without_the_markers_is_refused_and_kept(tmp_path, text):
    page = tmp_path / "README.md"
    page.write_text(text)
    with pytest.raises(DataError, match="needs one line"):
        table.write(page, [recognition_section("new", filled=False)])
    assert page.read_text() == text


def test_families_beyond_recognition_have_tables_of_their_own():
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    one = result("pixels", benchmark="faces") | {
        "counts": {"n_scored": 9, "n_no_face": 1, "n_positive_pairs": 3000, "n_negative_pairs": 4},
        "scores": {"auc": score, "eer": score, "tar_at_1_percent_far": {"value": None, "low": None, "high": None}},
    }
    one["benchmark"]["family"] = "verification"
    lines = table.render_beyond([one]).splitlines()
    assert lines[2] == (
        "| faces | pixels | pixels-1 | 9 (1 no face) | 3,000 / 4 | 0.500 [0.400, 0.600] | 50.0 [40.0, 60.0] | - | 3.3 |"
    )
    assert table.render_beyond([]).startswith("No results yet")


@pytest.fixture
def stored(make_dataset, picture, tiny, shades, contestant, tmp_path):
    """A stored result of three pictures, one of them wrong."""
    root = make_dataset([("neutral", picture(0)), ("fear", picture(6)), ("fear", picture(4))])
    done = run(tiny, locate(tiny, root, None), contestant(shades()), Options(tmp_path / "cache"))
    return write_result(tmp_path / "results", done.result, done.records)


def test_scoring_is_repeated_from_the_stored_predictions(stored, capsys):
    original = json.loads(stored.read_text())
    altered = original | {"scores": {}, "counts": {}}
    stored.write_text(json.dumps(altered))
    results = str(stored.parents[2])
    assert cli.main(["score", "--results", results]) == 0
    assert "changed" in capsys.readouterr().out
    assert json.loads(stored.read_text()) == original
    assert cli.main(["score", "--results", results]) == 0
    assert "same" in capsys.readouterr().out
    assert cli.main(["score", "--results", results, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"results": [{"path": str(stored), "changed": False}]}


def test_predictions_that_are_not_those_of_the_result_are_refused(stored, capsys):
    raw = stored.with_suffix(".parquet")
    raw.write_bytes(raw.read_bytes() + b"0")
    assert cli.main(["score", "--results", str(stored.parents[2])]) == 2
    assert "tiny.parquet" in capsys.readouterr().err


def test_the_stored_predictions_hold_no_picture(stored, picture):
    import hashlib

    records = read_predictions(stored, json.loads(stored.read_text()))
    assert [r.sha256 for r in records] == [hashlib.sha256(picture(k)).digest() for k in (0, 6, 4)]
    assert b"PNG" not in stored.with_suffix(".parquet").read_bytes()


def test_weights_from_the_hub_become_a_safe_folder(tmp_path):
    path = result_path(tmp_path, "plain", "org/name@v1/../../x", "ferplus")
    assert path.parent.parent == tmp_path / "plain"
    assert path.parent.name == "org_name_v1_.._.._x"


def test_check_and_write_by_command(stored, tmp_path, capsys):
    page, results = tmp_path / "PAGE.md", str(stored.parents[2])
    page.write_text(f"{table.START}\n{table.END}\n")
    assert cli.main(["table", "--results", results, "--check", str(page)]) == 1
    assert "is stale. Run: python -m eval table --write" in capsys.readouterr().out
    assert cli.main(["table", "--results", results, "--write", str(page)]) == 0
    assert cli.main(["table", "--results", results, "--check", str(page)]) == 0
    assert "| tiny | shades | shades-1 | 3 | 66.7 [" in page.read_text()


def test_a_limited_run_is_marked_and_never_stored(make_dataset, picture, tmp_path, capsys):
    """``ferplus`` reads the same column names as the generated dataset, so the real command can run on it."""
    rows = [("neutral", picture(0))] * 6
    root = make_dataset(rows, "test", "ferplus")
    make_dataset(rows, "train", "ferplus")
    places = ["--data-root", str(root), "--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    command = ["run", "majority", "--benchmarks", "ferplus", *places]
    assert cli.main([*command, "--limit", "4"]) == 0
    out = capsys.readouterr()
    assert "PARTIAL (first 4 rows), not stored: majority (none) on ferplus: accuracy 100.00 %" in out.out
    assert "4/4" in out.err
    assert "picture/s" in out.err
    assert not (tmp_path / "results").exists()
    assert cli.main(command) == 0
    (path,) = read_results(tmp_path / "results")
    assert path == tmp_path / "results/majority/none/ferplus.json"
    assert json.loads(path.read_text())["counts"]["n_scored"] == 6
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "plane"], 'There is no model called "plane". Did you mean "plain"?'),
        (["run", "majority", "--benchmarks", "ferplu"], 'There is no benchmark called "ferplu".'),
        (
            ["run", "majority", "--benchmarks", "ferplus,lfw_smiles", "--dataset", "a/b"],
            "--dataset names one dataset, but the benchmarks read several.",
        ),
        (
            ["run", "majority", "--benchmarks", "ferplus", "--data-root", "/nonexistent"],
            "There are no files data/test-*.parquet",
        ),
    ],
)
def test_errors_are_one_sentence_and_exit_code_2(arguments, sentence, capsys, make_dataset, picture, monkeypatch):
    if "plane" in arguments:
        root = make_dataset([("neutral", picture(0))], "test", "ferplus")
        arguments = [*arguments, "--data-root", str(root), "--benchmarks", "ferplus"]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_an_interrupted_command_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "_run_one", interrupted)
    assert cli.main(["run", "majority"]) == 130
    assert "run the same command again to go on" in capsys.readouterr().err


def test_list_shows_every_benchmark_with_its_source(capsys):
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    assert "ferplus (version 1, recognition)" in out
    assert "arXiv 1608.01041" in out
    assert "10.6084/m9.figshare.5047666.v5" in out
    assert "models: plain" in out
    assert "baselines: majority, input, mean_neutral, pixels" in out


def test_list_as_json_holds_every_declaration(capsys):
    assert cli.main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    found = {b["name"]: b for b in listed["benchmarks"]}
    assert found["ferplus"]["family"] == "recognition"
    assert found["ferplus"]["reported"][0]["accuracy_percent"] == 84.99
    assert found["ferplus_corrupted"]["task"]["faces"] == 500
    assert listed["baselines"][0] == "majority"
    assert "plain" in listed["models"]


def test_importing_the_portal_is_inert():
    """No demo, no gradio, no plotly, and no model or data library either, until something is run: `list` is quick."""
    code = (
        "import contextlib, io, sys, eval.cli\n"
        "with contextlib.redirect_stdout(io.StringIO()): eval.cli.main(['list', '--json'])\n"
        "heavy = ('demo', 'gradio', 'plotly', 'datasets', 'facenet_pytorch', 'huggingface_hub', 'skimage')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_git_names_the_commit_and_what_is_not_committed(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git() == {"commit": None, "dirty": None}
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    state = git()
    assert len(state["commit"]) == 40
    assert state["dirty"] is False
    stored = tmp_path / "eval" / "results" / "plain.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("{}")
    assert git()["dirty"] is False  # results of this very run do not count
    (tmp_path / "code.py").write_text("")
    assert git()["dirty"] is True
