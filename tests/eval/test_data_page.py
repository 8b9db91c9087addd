"""The committed report of the data at hand: the page follows from its numbers, and these from stored predictions."""

from __future__ import annotations

import pytest

from eval import data_page, data_report, verbs
from eval.columns import RATES
from eval.scoring import Stored
from eval.store import read_predictions, read_results

PAGE = verbs.DATA_REPORT.with_suffix(".md")
REPORTS = data_page.read(verbs.DATA_REPORT)
AGAIN = f"Run: python -m eval data {' '.join(report['benchmark'] for report in REPORTS)} --out docs/{PAGE.stem}"
STORED = {r["predictions"]["sha256"]: (path, r) for path, r in read_results(verbs.RESULTS).items()}


def stale(report, stored):
    """The scores of a report that are of no stored predictions, or of some whose result says something else."""
    return [told for told in report["scores"] if told_by(report, stored.get(told["predictions_sha256"])) != head(told)]


def head(told):
    return {key: told[key] for key in ("benchmark", "model", "weights", "all")}


def told_by(report, found):
    """What a report should say of a stored result on all its pictures; nothing where it is on other data."""
    if found is None or not data_report.is_on(found[1], report):
        return None
    result = found[1]
    return {
        "benchmark": result["benchmark"]["name"],
        "model": result["model"]["name"],
        "weights": result["model"]["weights"],
        "all": {"n": result["counts"]["n_scored"], **{name: result["scores"][name] for name in RATES}},
    }


def test_the_committed_page_is_what_its_numbers_give():
    assert PAGE.read_text(encoding="utf-8") == data_page.page(REPORTS), AGAIN
    for report in REPORTS:
        assert all(told["broken"] == [] for told in report["splits"].values())


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report["dataset"])
def test_every_score_on_the_page_is_of_a_stored_result(report):
    """Results that are newer than the page need not be on it."""
    assert report["scores"]
    assert stale(report, STORED) == [], AGAIN


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report["dataset"])
def test_committed_scores_follow_from_stored_predictions(report):
    """Of one result: scores without duplicates follow from predictions as these do."""
    told = report["scores"][0]
    path, result = STORED[told["predictions_sha256"]]
    assert data_report.scores(report, [Stored(path, result, read_predictions(path, result))]) == [told], AGAIN


def test_a_report_is_stale_without_its_results_or_with_others():
    report = REPORTS[0]
    told = report["scores"][0]
    path, result = STORED[told["predictions_sha256"]]
    one = report | {"scores": [told]}
    here = {told["predictions_sha256"]: (path, result)}
    assert stale(one, here) == []
    assert stale(one, {}) == [told]
    rounder = result | {"scores": result["scores"] | {"uar": {"value": 0.5, "low": 0.5, "high": 0.5}}}
    assert stale(one, {told["predictions_sha256"]: (path, rounder)}) == [told]
    other = report | {"scores": [told], "splits": {report["scored_split"]: {"revision": "sha256:other"}}}
    assert stale(other, here) == [told]
