"""The Benchmarks tab with somebody who compares: what is computed, when, and the endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import plotly.graph_objects as go
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from demo import board_ui, ui
from demo.board import Board, View
from demo.board_details import Details
from eval.compare import Difference
from fer.errors import DataError
from tests.demo.fakes import running, shelf, write_result


class Referee:
    """Finds the first model better, but not on the benchmark "broken"."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def compare(self, first: str, second: str, benchmark: str) -> Sequence[Difference]:
        self.asked.append((first, second, benchmark))
        if benchmark == "broken":
            raise DataError("The results are of different pictures.")
        return [Difference(benchmark, "accuracy", 0.8, 0.3, -0.5, -0.6, -0.4, 1e-9, 100, 100, "first")]

    def confusion(self, result: Mapping[str, Any]) -> go.Figure:
        return go.Figure(go.Heatmap(z=result["confusion"]["counts"]))

    def reliability(self, models: Sequence[str], benchmark: str) -> go.Figure:
        return go.Figure([go.Scatter(name=model) for model in models])


@pytest.fixture(scope="module")
def referee() -> Referee:
    return Referee()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    for benchmark in ("one", "broken"):
        write_result(results, "plain", benchmark, 0.8)
        write_result(results, "majority", benchmark, 0.3)
    write_result(results, "derl", "two", 0.7)
    return results


@pytest.fixture(scope="module")
def page(uploads_folder: Path, folder: Path, referee: Referee) -> Iterator[gr.Blocks]:
    yield from running(partial(ui.build, shelf(), folder, referee=referee), uploads_folder)


def test_nothing_is_compared_until_it_is_asked_for(page: gr.Blocks, client: Client, referee: Referee) -> None:
    assert referee.asked == []
    assert len(client.predict(api_name="/benchmarks")) == 5
    assert referee.asked == []


def test_compare_is_typed_and_answers(client: Client) -> None:
    endpoint = client.view_api(print_info=False, return_format="dict")["named_endpoints"]["/compare"]
    assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == ["first", "second", "benchmark"]
    assert "exact McNemar test" in endpoint["description"]
    fields = endpoint["returns"][0]["type"]["items"]["properties"]
    assert {"difference", "low", "high", "p", "better", "sentence"} <= set(fields)
    (answer,) = client.predict("plain", "majority", "one", api_name="/compare")
    assert (answer["difference"], answer["better"], answer["people"]) == (-0.5, "plain", None)
    assert answer["sentence"].startswith("plain is better than majority on one: ")


def test_what_cannot_be_compared_is_answered_in_words(client: Client) -> None:
    with pytest.raises(AppError, match="of different pictures"):
        client.predict("plain", "majority", "broken", api_name="/compare")


def judged(folder: Path, *view: Any) -> tuple[Any, ...]:
    return board_ui._judge(Board.read(folder), Referee(), View("recognition", *view))


def test_the_verdict_comes_with_both_matrices_and_the_reliability(folder: Path) -> None:
    verdict, row, left, right, lines = judged(folder, ("one",), "plain", "majority")
    assert "<b>plain is better than majority on one</b>" in verdict
    assert row["visible"] is lines["visible"] is True
    assert [list(map(list, figure["value"].data[0].z)) for figure in (left, right)] == [[[80, 20]], [[30, 70]]]
    assert left["value"].layout.title.text == "plain on one"
    assert [line.name for line in lines["value"].data] == ["plain:plain-1", "majority:majority-1"]


def test_a_benchmark_that_cannot_be_compared_hides_no_other(folder: Path) -> None:
    verdict, row, left, _, lines = judged(folder, (), "plain", "majority")
    broken, one = (
        '<p class="dp-verdict">The results are of different pictures.</p>',
        "plain is better than majority on one",
    )
    assert 0 < verdict.index(broken) < verdict.index(one)
    assert row["visible"] is lines["visible"] is True
    assert left["value"].layout.title.text == "plain on one"


def test_a_figure_that_cannot_be_drawn_leaves_the_verdict(folder: Path) -> None:
    class Blank(Referee):
        def reliability(self, models: Sequence[str], benchmark: str) -> go.Figure:
            raise DataError("No predictions.")

    view = View("recognition", ("one",), "plain", "majority")
    verdict, row, *_ = board_ui._judge(Board.read(folder), Blank(), view)
    assert "plain is better than majority on one" in verdict
    assert "No predictions." in verdict
    assert row["visible"] is False


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (((), "plain", ""), "Pick two models"),
        (((), "plain", "plain"), "Pick two different models"),
        (((), "plain", "derl"), "plain and derl have no result on the same benchmark here"),
        ((("broken",), "plain", "majority"), "of different pictures"),
        ((("broken",), "plain", "majority"), "dp-message"),
    ],
)
def test_without_a_comparison_there_is_a_sentence_and_no_figure(folder: Path, view: tuple[Any], words: str) -> None:
    verdict, row, _, _, lines = judged(folder, *view)
    assert words in verdict
    assert row["visible"] is lines["visible"] is False


def test_what_is_shown_follows_the_view(folder: Path) -> None:
    known = Board.read(folder)
    view = View("recognition", ("one",), "plain", "", "plain@one")
    fields = (*board_ui.Choice._fields, *board_ui.Shown._fields[:-2], *Details._fields, "tables")
    updates = dict(zip(fields, board_ui._show(known, view), strict=True))
    assert updates["benchmarks"]["choices"] == ["broken", "one", "two"]
    assert updates["first"]["choices"] == ["", "majority", "plain"]
    assert "How plain was measured on one" in updates["made"]
    assert [row[0] for row in updates["tables"]["value"]["data"]] == ["plain", "majority"]
    headings = ["Accuracy %", "95 % interval", "UAR %", "Macro F1 %", "ECE %", "Pictures", "No face"]
    shown = updates["tables"]["value"]["headers"]
    assert shown == ["Model", "Benchmark", *headings, "Weights"]  # what nothing here has is no column
    assert updates["tables"]["datatype"] == ["str", "str", "number", "str", *["number"] * 5, "str"]
    assert updates["tables"]["value"]["metadata"]["display_value"][0][2] == "80.0"
    assert updates["further"]["visible"] is False
    assert updates["address"] == "?tab=benchmarks&benchmark=one&a=plain&row=plain@one"
    assert 'href="?tab=benchmarks&amp;benchmark=one&amp;a=plain&amp;row=plain@one"' in updates["here"]


def test_a_main_score_that_no_row_has_is_no_figure(tmp_path: Path) -> None:
    write_result(tmp_path, "plain", "one", None)
    write_result(tmp_path, "plain", "two", 0.8)
    known = Board.read(tmp_path)
    assert board_ui._scores(known, View("recognition", ("one",))) == {"visible": False}
    shown = board_ui._scores(known, View("recognition"))
    assert [list(dots.y) for dots in shown["value"].data] == [["two"]]


def test_without_somebody_who_compares_the_tab_only_shows(folder: Path) -> None:
    blocks = ui.build(shelf(), folder).blocks.values()
    (verdict,) = (block.value for block in blocks if getattr(block, "elem_id", "") == "verdict")
    assert "Comparing two models needs Linux or macOS" in verdict
    assert [block.visible for block in blocks if getattr(block, "label", "") in ("Compare", "with")] == [False, False]
