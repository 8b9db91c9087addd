"""The committed report of the data at hand: the page follows from its numbers, and these from stored predictions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import data_page, data_report, verbs
from eval.columns import RATES
from eval.scoring import Stored
from eval.store import read_predictions, read_results

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-report.md"


def test_the_committed_page_is_what_its_numbers_give():
    reports = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))["reports"]
    assert PAGE.read_text(encoding="utf-8") == data_page.page(reports)
    for report in reports:
        assert all(told["broken"] == [] for told in report["splits"].values())


def test_committed_scores_follow_from_stored_predictions():
    """Of results that have been replaced since, the page still tells what was measured; it names the weights."""
    reports = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))["reports"]
    stored = {r["predictions"]["sha256"]: (path, r) for path, r in read_results(verbs.RESULTS).items()}
    ferplus = next(report for report in reports if report["dataset"] == "ferplus")
    groups = {rule: [group.split() for group in found] for rule, found in ferplus["groups"].items()}
    told = next((each for each in ferplus["scores"] if each["predictions_sha256"] in stored), None)
    if told is None:
        pytest.skip("all results were replaced since")
    path, result = stored[told["predictions_sha256"]]
    assert data_report.with_and_without(Stored(path, result, read_predictions(path, result)), groups) == told


def test_every_score_on_the_page_is_the_stored_one():
    """Of the same predictions. Results that are newer than the page need not be on it."""
    reports = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))["reports"]
    stored = {r["predictions"]["sha256"]: r for r in read_results(verbs.RESULTS).values()}
    for told in (each for report in reports for each in report["scores"] if each["predictions_sha256"] in stored):
        result = stored[told["predictions_sha256"]]
        name = (result["benchmark"]["name"], result["model"]["name"], result["model"]["weights"])
        assert (told["benchmark"], told["model"], told["weights"]) == name
        assert told["all"] == {
            "n": result["counts"]["n_scored"],
            **{key: result["scores"][key] for key in RATES},
        }, name
