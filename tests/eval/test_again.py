"""A second run of the same weights, data and code takes the stored predictions; anything else predicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval import cli, contestants, runner, scoring
from eval.store import Parts, read_results
from fer.types import EMOTIONS

WORDS = "stored predictions of the same weights, data and code scored again in"


@pytest.fixture
def root(make_dataset, picture) -> Path:
    """Eight rows in the layout of FER+, one for each class; the root of the data."""
    return make_dataset([(str(e), picture(k)) for k, e in enumerate(EMOTIONS)], "test", "ferplus")


@pytest.fixture
def measure(root, contestant, shades, monkeypatch, tmp_path, capsys):
    """Run ``plain``, in truth shades, by the command: what it printed, and how many pictures the model was shown."""

    def run(*further: str, sha: str = "0" * 64) -> tuple[str, int]:
        model = shades()
        entrant = replace(contestant(model), name="plain", weights_sha256=sha)
        monkeypatch.setattr(contestants, "enter", lambda *_: entrant)
        monkeypatch.setattr(runner, "git", lambda: {"commit": "then", "dirty": False})
        places = ["--data-root", str(root), "--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
        assert cli.main(["run", "plain", "--benchmarks", "ferplus", *places, *further]) == 0
        return capsys.readouterr().out, model.seen

    return run


PREDICTED = 8 + runner.WARM_UP_FACES + 8  # once, to warm up, and timed


def stored(tmp_path: Path) -> tuple[Path, bytes]:
    (path,) = read_results(tmp_path / "results")
    return path, path.read_bytes()


def alter(path: Path, **change) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | change, indent=1, ensure_ascii=False) + "\n")


def test_a_second_run_shows_the_model_nothing_and_changes_nothing(measure, tmp_path):
    assert measure()[1] == PREDICTED
    path, before = stored(tmp_path)
    out, seen = measure()
    assert (seen, stored(tmp_path)) == (0, (path, before))
    assert out.splitlines()[0].endswith(f"n_scored 8; {WORDS} {path}")
    assert out.splitlines()[1:] == ["1 of 1 done", "  done: plain on ferplus"]
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_seed_scores_the_same_predictions(measure, tmp_path):
    measure()
    path, before = stored(tmp_path)
    predictions = path.with_suffix(".parquet").read_bytes()
    assert measure("--seed", "3")[1] == 0
    first, second = json.loads(before), json.loads(path.read_text())
    assert (first["seed"], second["seed"], second["bootstrap"]["seed"]) == (0, 3, 3)
    assert path.with_suffix(".parquet").read_bytes() == predictions
    assert second["predictions"] == first["predictions"]
    assert [second[key] for key in ("date", "ms_per_face", "environment")] == [
        first[key] for key in ("date", "ms_per_face", "environment")
    ]
    assert measure("--seed", "3")[1] == 0


@pytest.mark.parametrize("options", [["--again"], ["--limit", "8"]])
def test_who_asks_for_predictions_gets_them(measure, options):
    measure()
    out, seen = measure(*options)
    assert seen == PREDICTED
    assert WORDS not in out


def test_other_weights_other_code_and_other_data_are_predicted(measure, make_dataset, picture, monkeypatch):
    measure()
    assert measure(sha="1" * 64)[1] == PREDICTED
    monkeypatch.setattr(runner, "code_digest", lambda: "other code")
    assert measure(sha="1" * 64)[1] == PREDICTED
    assert measure(sha="1" * 64)[1] == 0
    make_dataset([(str(e), picture(0)) for e in EMOTIONS], "test", "ferplus")
    assert measure(sha="1" * 64)[1] == PREDICTED


def test_a_result_that_does_not_tell_what_made_it_is_predicted_again(measure, tmp_path):
    measure()
    path, before = stored(tmp_path)
    told = json.loads(before)["predictions"]
    alter(path, predictions={key: told[key] for key in ("file", "sha256")})
    assert measure()[1] == PREDICTED
    assert json.loads(path.read_text())["predictions"] == told


def test_damaged_predictions_are_made_again(measure, tmp_path):
    measure()
    path, _ = stored(tmp_path)
    raw = path.with_suffix(".parquet")
    whole = raw.read_bytes()
    raw.write_bytes(whole[:-100])
    assert measure()[1] == PREDICTED
    assert raw.read_bytes() == whole
    raw.unlink()
    assert measure()[1] == PREDICTED


def test_a_commit_that_did_not_tell_the_code_is_replaced(measure, tmp_path, monkeypatch):
    measure()
    path, _ = stored(tmp_path)
    monkeypatch.setattr(scoring, "git", lambda: {"commit": "today", "dirty": False})
    for dirty, commit in ((True, "today"), (False, "then")):
        alter(path, git={"commit": "then", "dirty": dirty})
        assert measure()[1] == 0
        assert json.loads(path.read_text())["git"] == {"commit": commit, "dirty": False}


def test_the_identity_is_that_of_finished_batches(measure, tmp_path, monkeypatch):
    found = []
    real = Parts.__init__

    def noted(self, cache, identity):
        real(self, cache, identity)
        found.append(self)

    monkeypatch.setattr(Parts, "__init__", noted)
    measure()
    path, before = stored(tmp_path)
    assert json.loads(before)["predictions"]["identity"] == found[0].folder.name == found[0].identity
    assert scoring.made_by(path, found[0].identity).result == json.loads(before)
    assert scoring.made_by(path, "0" * 32) is None
