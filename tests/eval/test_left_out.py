"""A dataset is left out only where the card of the weights names it nowhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eval import benchmarks, cli, left_out, peers
from eval.benchmark import FamilyName
from eval.columns import RATES
from eval.left_out import Entry, mentions, names

CARD = {
    "model": "m",
    "data": ["FER+ train by votes", "CK+ folds 1 to 9"],
    "recipe": {"lfw": 3},
    "limits": ["not RAF-DB"],
}


@pytest.mark.parametrize(
    ("name", "mentioned"),
    [
        ("ferplus", True),
        ("fer2013_merged", True),  # the pictures of FER+ under another name
        ("ck_plus_8", True),
        ("lfw_smiles", True),  # by its recipe
        ("london_recognition", False),
        ("raf_db", False),  # its limits are not its training
        ("mmi", False),
    ],
)
def test_any_mention_of_a_dataset_counts(name, mentioned):
    assert mentions(CARD, benchmarks.benchmark(name)) is mentioned


def test_a_name_inside_a_word_is_no_mention():
    assert not mentions({"data": ["immission, sfewer"]}, benchmarks.benchmark("mmi"))
    assert not mentions({"data": ["immission, sfewer"]}, benchmarks.benchmark("sfew"))
    assert mentions(
        {"started_from": {"started_from": {"recipe": {"london_faces": 1}}}}, benchmarks.benchmark("london_recognition")
    )


def test_benchmarks_on_one_dataset_are_one_vote():
    values = {"affectnet_7": 0.4, "affectnet_8": 0.6, "raf_db": 0.7}
    entry = Entry("m", "w", {name: {"accuracy": v, "uar": v / 2} for name, v in values.items()})
    n, means = entry.means()
    assert n == 2
    assert means == pytest.approx({"accuracy": 0.6, "uar": 0.3})
    assert left_out.shown([entry]).startswith(
        "m (w): 2 datasets left out: mean accuracy 60.0 %, mean UAR 30.0 %; trained on none of the others.\n"
        "  affectnet_7: accuracy 40.0 %, UAR 20.0 %\n"
    )


def test_all_benchmarks_of_recognition_name_their_dataset():
    recognition = [b for b in map(benchmarks.benchmark, benchmarks.names()) if b.family is FamilyName.RECOGNITION]
    assert all(b.also_called for b in recognition)
    assert (
        len({names(benchmarks.benchmark(n)) for n in ("ferplus", "fer2013", "fer2013_private", "fer2013_merged")}) == 1
    )


def test_every_bundled_recogniser_was_trained_on_all_that_is_measured(capsys):
    """As their cards say. A model that leaves one out will change this."""
    assert cli.main(["left-out", "--json"]) == 0
    found = {each["model"]: each for each in json.loads(capsys.readouterr().out)["weights"]}
    assert found["plain"]["trained_on"] == ["fer2013", "ferplus", "lfw_smiles", "london_recognition"]
    assert found["plain"]["means"] is None
    assert "majority" not in found


def test_weights_without_a_bundled_card_are_left_out_nowhere(monkeypatch, tmp_path):
    result = {
        "benchmark": {"name": "raf_db"},
        "model": {"name": "plain", "weights": "mine", "weights_sha256": "0" * 64},
        "scores": {s: {"value": 0.5} for s in RATES},
    }
    monkeypatch.setattr(left_out, "read_results", lambda folder: {tmp_path: result})
    (entry,) = left_out.entries(tmp_path)
    assert (entry.left_out, entry.has_card) == ({}, False)
    assert left_out.shown([entry]) == "plain (mine): nothing here tells what these weights were trained on."
    monkeypatch.setattr(left_out, "_card", lambda model, sha: {"data": ["FER+"]})
    (entry,) = left_out.entries(tmp_path)
    assert entry.left_out == {"raf_db": {"accuracy": 0.5, "uar": 0.5}}


@pytest.mark.parametrize(
    ("learnt_from", "left", "trained", "has_card"),
    [
        (("FER2013",), ["raf_db"], ["ferplus"], True),  # the same pictures, whoever named them
        ((), ["ferplus", "raf_db"], [], True),
        (None, [], [], False),
    ],
)
def test_a_peer_is_left_out_of_what_it_declares(learnt_from, left, trained, has_card, monkeypatch, tmp_path):
    declared = replace(peers.peer("fer"), learnt_from=learnt_from)
    monkeypatch.setattr(peers, "peer", lambda name: declared)
    results = {
        tmp_path / name: {
            "benchmark": {"name": name},
            "model": {"name": "peer:fer", "weights": "fer-1", "weights_sha256": "0" * 64},
            "scores": {s: {"value": 0.5} for s in RATES},
        }
        for name in ("ferplus", "raf_db")
    }
    monkeypatch.setattr(left_out, "read_results", lambda folder: results)
    (entry,) = left_out.entries(tmp_path)
    assert (sorted(entry.left_out), entry.trained_on, entry.has_card) == (left, trained, has_card)


def test_a_peer_that_is_declared_no_more_has_no_card():
    assert left_out._card("peer:gone", "0" * 64) is None
