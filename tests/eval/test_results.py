"""The results that are committed, and the pages that show them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo.verdicts import WORDS
from eval import benchmarks, judges, peers, table, throughput
from eval.baselines import BASELINES
from eval.benchmark import FamilyName, family_name
from eval.contestants import can_take
from eval.families import FAMILIES
from eval.store import read_predictions, read_results, read_speed, read_throughput
from eval.validate import validate
from eval.verbs import RESULTS
from fer.registry import MODEL_NAMES
from fer.weights import BUNDLED, find

ROOT = Path(__file__).resolve().parents[2]
STORED = read_results(RESULTS)
N_SCORED = {
    "ferplus": 3153,
    "fer2013": 3554,
    "lfw_smiles": 581,
    "london_recognition": 54,
    "london_neutralise": 27,
    "puppets_neutralise": 1200,
    "puppets_verification": 1200,
    "lfw_verification": 577,
    "residue_faithfulness": 400,
    "edit_puppets": 1200,
    "edit_london": 27,
    "edit_ferplus": 3153,
    "edit_au_puppets": 1200,
    "edit_au_london": 27,
    "ferplus_parts": 3153,
    "puppets_leakage": 1200,
    "ferplus_corrupted": 500,
    "au_puppets": 1200,
    "au_london": 54,
    "au_ferplus": 3137,
}
COSTLY = {"ferplus_corrupted", "edit_ferplus"}  # many minutes a model: may be missing
JUDGES = {
    "recognizer": judges.RECOGNIZER,
    "second_recognizer": judges.SECOND_RECOGNIZER,
    "embedder": judges.EMBEDDER,
    "unit_reader": judges.UNIT_READER,
}
ALL = [benchmarks.benchmark(name) for name in benchmarks.names()]
BROUGHT = {b.name for b in ALL if b.card}
PEERS = {peers.PREFIX + name: peers.peer(name) for name in peers.names()}
MODELS = [name for name in MODEL_NAMES if (BUNDLED / f"{name}.json").is_file()]


def by_name():
    return {(r["model"]["name"], r["benchmark"]["name"]): r for r in STORED.values()}


def pairs(contestants):
    return {(model, b.name) for model in contestants for b in ALL if can_take(model, b)}


def required():
    """Every bundled model wherever it can be entered at a fair cost, and there, but not elsewhere, the baselines.

    Benchmarks on datasets that a user brings have results where somebody brought them.
    """
    models = {(model, name) for model, name in pairs(MODELS) if name not in COSTLY | BROUGHT}
    entered = {name for _, name in models}
    return models | {(baseline, name) for baseline, name in pairs(BASELINES) if name in entered}


def command(missing):
    """What brings the missing results."""
    names = {name: [model for model, other in sorted(missing) if other == name] for _, name in sorted(missing)}
    return "; ".join(f"python -m eval run {' '.join(m)} --benchmarks {name}" for name, m in names.items())


def test_every_bundled_model_has_its_benchmarks_and_their_baselines():
    missing = required() - set(by_name())
    assert not missing, f"Commit the code and the weights, then run: {command(missing)}"


def test_make_eval_measures_every_bundled_model_and_every_baseline():
    (line,) = re.findall(r"python -m eval run (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert sorted(line.split()) == sorted([*MODELS, *BASELINES])


def test_there_are_no_results_of_weights_that_are_not_bundled():
    assert set(by_name()) <= pairs([*MODELS, *BASELINES, *PEERS])
    assert len(STORED) == len(by_name()), "results of weights that are no longer bundled are still there"


def test_results_are_those_of_the_bundled_weights_and_judges():
    for (model, name), result in by_name().items():
        again = f"Run again: python -m eval run {model} --benchmarks {name}"
        if model in PEERS:
            assert_of_the_declared_peer(PEERS[model], result["model"], again)
            continue
        assert result["model"]["weights_sha256"] == (None if model in BASELINES else find(model).sha256), again
        for role, name_of in JUDGES.items():
            if role in result.get("judges", {}):
                judge = result["judges"][role]
                bundled = find(name_of, judges.weights_of(name_of)).sha256 if name_of in MODELS else None
                assert (judge["weights_sha256"] if judge else None) == bundled, again


def assert_of_the_declared_peer(peer, stored, again):
    told = stored["peer"]
    assert f"{peer.package}=={told['version']}" in (*peer.bare, *peer.requirements), again
    assert stored["weights"] == f"{peer.package}-{told['version']}"
    assert list(told["files"].values()) == [stored["weights_sha256"]]
    assert told["lacks"] == list(peer.lacks), again
    assert told["peak_memory_mb"] > 0


def test_plain_is_calibrated_and_beats_the_baseline_everywhere():
    results = by_name()
    assert results["plain", "ferplus"]["scores"]["ece"]["value"] <= 0.03
    for name in (b.name for b in ALL if b.family is FamilyName.RECOGNITION and b.name not in BROUGHT):
        plain, majority = (results[model, name]["scores"]["accuracy"] for model in ("plain", "majority"))
        assert plain["low"] > majority["high"], name


def test_the_stored_speed_is_within_the_targets():
    measured = read_speed(RESULTS)
    assert measured is not None
    assert measured["photo_px"] == [1024, 1024]
    assert measured["environment"]["threads"] <= 2
    assert measured["detect_ms"]["p50"] <= 250


def test_a_stored_run_is_whole_and_within_the_target():
    measured = read_throughput(RESULTS)
    if measured is None:
        pytest.skip("It is not measured yet: python -m eval speed plain --throughput --store")
    assert (measured["faces"], measured["partial"]) == (N_SCORED[throughput.BENCHMARK], False)
    assert measured["ratio"] <= throughput.TARGET


@pytest.mark.parametrize(("page", "sections"), [("README.md", 1), ("docs/results.md", 3)])
def test_the_tables_of_all_results_are_fresh(page, sections):
    found = table.sections(RESULTS)
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [section.start in text for section in found] == [True, *[sections > 1] * 2]
    assert not table.is_stale(ROOT / page, found), f"The table in {page} is stale. Run: make table"


@pytest.mark.parametrize("model", MODELS)
def test_the_table_in_the_model_card_is_fresh(model):
    card = ROOT / "docs" / "models" / f"{model}.md"
    found = table.sections(RESULTS, model)
    text = card.read_text(encoding="utf-8")
    assert all(section.start in text for section in found if section.filled)
    stale = table.is_stale(card, found)
    assert not stale, f"The table is stale. Run: python -m eval table --model {model} --write docs/models/{model}.md"


def test_validation_finds_nothing():
    assert validate(RESULTS) == (len(STORED), [])


@pytest.mark.parametrize("path", STORED, ids=lambda p: "-".join(p.relative_to(RESULTS).with_suffix("").parts))
def test_a_stored_result_is_whole(path):
    result = STORED[path]
    assert result["counts"]["n_scored"] == N_SCORED[result["benchmark"]["name"]]
    assert result["counts"]["n_broken"] == result["counts"]["n_unknown_label"] == 0
    assert result["git"]["commit"]
    assert result["dataset"]["revision"]


@pytest.mark.parametrize("family", [f for f in FamilyName if f is not FamilyName.VERIFICATION])
def test_the_page_has_words_for_every_measure_that_models_are_compared_by(family):
    path, result = next((p, r) for p, r in STORED.items() if family_name(r["benchmark"]) is family)
    measures = FAMILIES[family].measures(read_predictions(path, result), result["benchmark"])
    assert set(measures) <= set(WORDS)
