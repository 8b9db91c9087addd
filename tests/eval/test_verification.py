"""Embedders on flat pictures: pairs, scores and what is kept."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from eval import table
from eval.baselines import Pixels
from eval.benchmark import Negatives, Verification, View, same
from eval.contestants import Contestant
from eval.families import FAMILIES, verification
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, write_result
from fer.errors import DataError, FerError
from fer.models.base import Embedder
from fer.types import EMOTIONS

# label, person, sources, shade
ROWS = [
    ("neutral", "ann", ["x"], 100),
    ("happiness", "ann", ["x"], 104),
    ("happiness", "ann", ["x"], 112),
    ("neutral", "bob", ["y"], 140),
    ("sadness", "bob", ["y"], 110),
    ("neutral", "cat", ["x", "z"], 105),  # shares a source with ann
    ("fear", "dan", ["w"], 200),
]


def task(negatives=Negatives.ANY, sources="sources"):
    return Verification(View("image", "label", same(EMOTIONS)), "person", False, negatives, sources)


@pytest.fixture
def measured(write_split, declare, mean_embedder, tmp_path):
    def measure(given, model=None, **options):
        columns = {
            "image": [np.full((16, 16, 3), r[3], np.uint8) for r in ROWS],
            "label": [EMOTIONS.index(r[0]) for r in ROWS],
            "person": [r[1] for r in ROWS],
            "sources": [r[2] for r in ROWS],
        }
        benchmark = declare(given)
        source = locate(benchmark, write_split(columns), None)
        entrant = Contestant("fake", "fake-1", "0" * 64, model or mean_embedder(), "cpu")
        return run(benchmark, source, entrant, Options(tmp_path / "cache", **options))

    return measure


def brute(negatives, sources=True):
    """All pairs by the rules, one by one: scores of the positive and of the negative ones."""
    positive, negative = [], []
    for i, (label, person, origin, shade) in enumerate(ROWS):
        for other_label, other, other_origin, other_shade in ROWS[:i]:
            cosine = round(math.cos((shade - other_shade) / 127.5), 4)
            if person == other:
                if label != other_label:
                    positive.append(cosine)
            elif not (sources and {*origin} & {*other_origin}) and (negatives is Negatives.ANY or label != other_label):
                negative.append(cosine)
    return np.array(positive), np.array(negative)


@pytest.mark.parametrize("negatives", Negatives)
@pytest.mark.parametrize("sources", ["sources", None])
def test_pairs_and_their_area_are_those_of_brute_force(negatives, sources, measured):
    result = measured(task(negatives, sources)).result
    positive, negative = brute(negatives, sources is not None)
    counts = result["counts"]
    assert (counts["n_positive_pairs"], counts["n_negative_pairs"]) == (len(positive), len(negative))
    assert (counts["n_people"], counts["n_scored"]) == (4, 7)
    auc = np.mean([(p > n) + 0.5 * (p == n) for p in positive for n in negative])
    assert result["scores"]["auc"]["value"] == pytest.approx(auc, abs=1e-6)


def test_intervals_draw_people_and_repeat_with_the_seed(measured):
    first, again = (measured(task()).result["scores"] for _ in range(2))
    assert first == again
    assert first["auc"]["low"] <= first["auc"]["value"] <= first["auc"]["high"]


def test_a_person_drawn_twice_counts_twice_within_and_in_every_pair_with_others(measured):
    seen = measured(task()).records
    cosine, positive, negative = verification.pair_table(seen, Negatives.ANY)
    weights = np.array([2.0 if r.person == seen[0].person else 1.0 if r.person == seen[3].person else 0 for r in seen])
    within, between = verification._histograms(cosine, positive, negative, weights)
    assert within.sum() == 2 * 2 + 1  # two positive pairs of ann, one of bob
    assert between.sum() == 2 * (3 * 2)  # three pictures of ann with two of bob


def test_neither_embeddings_nor_names_are_stored_and_scores_follow_from_the_rest(measured, tmp_path):
    done = measured(task(), batch_size=3)
    path = write_result(tmp_path / "results", done.result, done.records)
    records = read_predictions(path, json.loads(path.read_text()))
    assert records == done.records
    assert all(r.vector == () for r in records)
    assert [len(r.cosines) for r in records] == list(range(7))
    assert b"ann" not in path.with_suffix(".parquet").read_bytes()
    fresh = FAMILIES[task().family].score(records, done.result["benchmark"], 0)
    assert fresh["scores"] == done.result["scores"]


def test_the_table_shows_pairs_and_intervals(measured):
    lines = table.render([measured(task()).result]).splitlines()
    assert lines[0].startswith("| benchmark | model | weights | n | pairs same / different | AUC [95 % CI] |")
    positive, negative = brute(Negatives.ANY)
    assert lines[2].startswith(f"| tiny | fake | fake-1 | 7 | {len(positive)} / {len(negative)} | ")


def test_labels_outside_the_protocol_enter_no_pair(measured):
    view = View("image", "label", {str(e): e if e in EMOTIONS[:2] else None for e in EMOTIONS})
    result = measured(Verification(view, "person", False, Negatives.OTHER_LABEL)).result
    assert (result["counts"]["n_scored"], result["counts"]["n_outside_protocol"]) == (5, 2)
    assert (result["counts"]["n_positive_pairs"], result["counts"]["n_negative_pairs"]) == (2, 4)


def test_no_pair_of_a_kind_is_an_error(measured):
    view = View("image", "label", {str(e): e if e is EMOTIONS[6] else None for e in EMOTIONS})
    with pytest.raises(DataError, match="There are 0 positive and 0 negative pairs"):
        measured(Verification(view, "person", False, Negatives.ANY))


def test_embeddings_must_have_length_one(measured):
    class Long(Embedder):
        def embed(self, faces):
            return torch.ones(len(faces), 2)

    with pytest.raises(FerError, match="not of length 1"):
        measured(task(), Long())


def test_pixels_do_not_mind_brightness_contrast_and_background():
    torch.manual_seed(0)
    faces = torch.rand(1, 3, 64, 64) - 0.5
    changed = 0.5 * faces + 0.2
    changed[:, :, :5] = 1
    first, second, other = Pixels().embed(torch.cat([faces, changed, torch.rand(1, 3, 64, 64)]))
    assert first @ second == pytest.approx(1, abs=1e-5)
    assert abs(first @ other) < 0.3
    flat = Pixels().embed(torch.zeros(1, 3, 64, 64))
    assert flat.norm() == pytest.approx(1)
