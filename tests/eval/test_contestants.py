"""Who may be entered where."""

from __future__ import annotations

import pytest

from eval import benchmarks, cli, run_command
from eval.benchmark import FamilyName
from eval.contestants import can_take, check, kind, names
from fer.errors import RegistryError
from fer.models.base import Recognizer

BY_FAMILY = {
    family: [n for n in benchmarks.names() if benchmarks.benchmark(n).family is family] for family in FamilyName
}


@pytest.fixture
def ran(monkeypatch):
    """Benchmarks and models that a command would have run, none of which is."""
    asked = []
    monkeypatch.setattr(run_command, "_run_one", lambda benchmark, model, *_: asked.append((benchmark.name, model)))
    return asked


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("majority", {FamilyName.RECOGNITION, FamilyName.ROBUSTNESS}),
        ("plain", {FamilyName.RECOGNITION, FamilyName.ROBUSTNESS}),
        ("input", {FamilyName.NEUTRALISATION}),
        ("mean_neutral", {FamilyName.NEUTRALISATION}),
        ("pixels", {FamilyName.VERIFICATION}),
        ("unedited", {FamilyName.EDITING, FamilyName.ACTION_UNIT_EDITING}),
    ],
)
def test_a_contestant_takes_the_families_that_it_is_able_to(name, families):
    able = {n for n in benchmarks.names() if can_take(name, benchmarks.benchmark(n))}
    assert able == {n for family in families for n in BY_FAMILY[family]}
    assert able


def test_faithfulness_needs_both_capabilities():
    benchmark = benchmarks.benchmark("residue_faithfulness")
    for name, lacks in (("plain", "remove an expression"), ("pixels", "name expressions or remove an expression")):
        with pytest.raises(RegistryError, match=f"because it cannot {lacks}"):
            check(name, benchmark)


def test_the_class_of_a_model_is_known_without_its_weights():
    assert issubclass(kind("plain"), Recognizer)
    assert names()[:4] == ["majority", "input", "mean_neutral", "pixels"]


def test_an_impossible_pair_is_one_clear_sentence(capsys):
    assert cli.main(["run", "input", "plain", "--benchmarks", "london_neutralise"]) == 2
    assert capsys.readouterr().err == (
        "plain cannot be measured on london_neutralise, because it cannot remove an expression.\n"
    )


def test_baselines_run_where_they_can(ran, capsys):
    assert cli.main(["baseline", "--benchmarks", "ferplus,london_neutralise,au_london"]) == 0
    assert ran == [
        ("ferplus", "majority"),
        ("london_neutralise", "input"),
        ("london_neutralise", "mean_neutral"),
        ("au_london", "zeros"),
    ]
    capsys.readouterr()
    assert cli.main(["baseline", "--benchmarks", "residue_faithfulness"]) == 2
    assert "cannot be measured on residue_faithfulness" in capsys.readouterr().err


def test_without_benchmarks_every_model_runs_where_it_can(ran, monkeypatch):
    monkeypatch.setattr(run_command, "at_hand", lambda benchmark, root: True)
    assert cli.main(["run", "pixels", "input"]) == 0
    assert ran == [
        ("lfw_verification", "pixels"),
        ("london_neutralise", "input"),
        ("puppets_neutralise", "input"),
        ("puppets_verification", "pixels"),
    ]
