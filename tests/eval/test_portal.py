"""What the page asks of stored results is what the commands answer, and is computed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.compare import compare, select
from eval.portal import Portal
from eval.store import read_results
from fer.errors import DataError
from tests.eval.test_compare import readings, store


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    store(tmp_path, "one", readings([1, 1, 1, 0]))
    store(tmp_path, "two", readings([1, 0, 0, 0]))
    return Portal(tmp_path)


def test_a_comparison_is_that_of_the_command_and_is_remembered(portal: Portal) -> None:
    found = portal.compare("one:a", "two:a", "ferplus")
    wanted = compare(select(portal.results, "one"), select(portal.results, "two"), ["ferplus"])
    assert list(found) == wanted
    assert portal.compare("one:a", "two:a", "ferplus") is found


def test_what_cannot_be_compared_is_a_sentence(portal: Portal) -> None:
    with pytest.raises(DataError, match="There are no results of"):
        portal.compare("one", "three", "ferplus")
    with pytest.raises(DataError, match="Both models need results on fer2013"):
        portal.compare("one", "two", "fer2013")


def test_reliability_has_a_line_per_model_and_the_diagonal(portal: Portal) -> None:
    figure = portal.reliability(["one:a", "two:a"], "ferplus")
    assert [line.name for line in figure.data] == ["calibrated", "one (a)", "two (a)"]
    assert list(figure.data[1].x) == pytest.approx([86.0], abs=1e-4)
    assert list(figure.data[1].y) == [75.0]
    assert list(figure.data[2].y) == [25.0]


def test_confusion_is_that_of_the_report(portal: Portal) -> None:
    (result, *_) = read_results(portal.results).values()
    counts = {"labels": ["neutral"], "predictions": ["neutral", "no face"], "counts": [[3, 1]]}
    heat = portal.confusion(result | {"confusion": counts}).data[0]
    assert list(heat.z[0]) == [75.0, 25.0]


def test_the_surest_mistakes_are_those_of_the_report_and_are_remembered(portal: Portal) -> None:
    found = portal.mistakes("one:a", "ferplus")
    assert [mistake.row for mistake in found] == [3]
    assert portal.mistakes("one:a", "ferplus") is found
