"""The results that are committed, and the README that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import benchmarks, table
from eval.cli import RESULTS
from eval.families import recognition
from eval.store import read_predictions, read_results, read_speed, result_path
from fer.types import Emotion
from fer.weights import find

README = Path(__file__).resolve().parents[2] / "README.md"
STORED = read_results(RESULTS)
N_SCORED = {"ferplus": 3153, "fer2013": 3554, "lfw_smiles": 581, "london_recognition": 54}


def by_name():
    return {(r["model"]["name"], r["benchmark"]["name"]): r for r in STORED.values()}


def test_every_benchmark_has_the_bundled_model_and_the_baseline():
    expected = {(model, name) for model in ("plain", "majority") for name in benchmarks.names()}
    assert set(by_name()) == expected
    assert len(STORED) == len(expected), "results of weights that are no longer bundled are still there"


def test_results_of_models_are_those_of_the_bundled_weights():
    for (model, name), result in by_name().items():
        sha256 = None if model == "majority" else find(model).sha256
        assert result["model"]["weights_sha256"] == sha256, f"Run again: python -m eval run {model} --benchmarks {name}"


def test_plain_is_calibrated_and_beats_the_baseline_everywhere():
    results = by_name()
    assert results["plain", "ferplus"]["scores"]["ece"]["value"] <= 0.03
    for name in benchmarks.names():
        plain, majority = (results[model, name]["scores"]["accuracy"] for model in ("plain", "majority"))
        assert plain["low"] > majority["high"], name


def test_the_stored_speed_is_within_the_targets():
    measured = read_speed(RESULTS)
    assert measured is not None
    assert measured["photo_px"] == [1024, 1024]
    assert measured["environment"]["threads"] <= 2
    assert measured["detect_ms"]["p50"] <= 250


def test_the_table_in_the_readme_is_fresh():
    assert README.is_file(), f"There is no README.md with the markers {table.START} and {table.END}."
    stale = table.is_stale(README, table.render_folder(RESULTS))
    assert not stale, "The table in README.md is stale. Run: python -m eval table --write README.md"


def test_the_table_in_the_model_card_is_fresh():
    page = README.parent / "docs" / "models" / "plain.md"
    stale = table.is_stale(page, table.render_folder(RESULTS, "plain"))
    assert not stale, "The table is stale. Run: python -m eval table --model plain --write docs/models/plain.md"


@pytest.mark.parametrize("path", STORED, ids=lambda p: "-".join(p.relative_to(RESULTS).with_suffix("").parts))
def test_a_stored_result_follows_from_its_predictions(path):
    result = STORED[path]
    classes = tuple(Emotion(name) for name in result["benchmark"]["classes"])
    fresh = recognition(read_predictions(path, result), classes, result["seed"])
    assert {key: result[key] for key in fresh} == fresh


@pytest.mark.parametrize("path", STORED, ids=lambda p: "-".join(p.relative_to(RESULTS).with_suffix("").parts))
def test_a_stored_result_is_whole_and_of_the_declared_benchmark(path):
    result = STORED[path]
    name, model = result["benchmark"]["name"], result["model"]
    assert path == result_path(RESULTS, model["name"], model["weights"], name)
    assert result["partial"] is False
    assert result["counts"]["n_scored"] == N_SCORED[name]
    assert result["benchmark"]["version"] == benchmarks.benchmark(name).version
    assert result["counts"]["n_broken"] == result["counts"]["n_unknown_label"] == 0
    assert result["git"]["commit"]
    assert result["dataset"]["revision"]
