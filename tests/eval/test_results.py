"""The results that are committed, and the README that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval import benchmarks, table
from eval.cli import RESULTS
from eval.families import recognition
from eval.store import read_predictions, read_results, result_path
from fer.types import Emotion

README = Path(__file__).resolve().parents[2] / "README.md"
STORED = read_results(RESULTS)
N_SCORED = {"ferplus": 3153, "fer2013": 3554, "lfw_smiles": 581, "london_recognition": 54}


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
