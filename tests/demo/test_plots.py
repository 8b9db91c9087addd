"""The figures hold the numbers that they are given."""

from __future__ import annotations

import json

from demo import plots
from demo.board import Board
from demo.results import FOLDER
from eval import charts
from fer.action_units import ACTION_UNITS, AT_WORK
from fer.types import EMOTIONS


def test_expression_chart_holds_eight_bars_in_the_canonical_order() -> None:
    probabilities = dict(zip(map(str, EMOTIONS), (0.05, 0.62, 0.1, 0.05, 0.05, 0.05, 0.05, 0.03), strict=True))
    figure = json.loads(plots.expression_chart(probabilities).to_json())
    bars = figure["data"][0]
    assert bars["y"] == [str(e) for e in EMOTIONS]
    assert bars["x"] == [5.0, 62.0, 10.0, 5.0, 5.0, 5.0, 5.0, 3.0]
    assert [c == plots.ACCENT for c in bars["marker"]["color"]] == [False, True] + [False] * 6
    assert bars["text"][1] == "62\N{NO-BREAK SPACE}%"
    assert figure["layout"]["xaxis"]["range"] == [0, 100]


def test_unit_chart_names_what_is_seen_and_the_muscle() -> None:
    strengths = dict.fromkeys(ACTION_UNITS, 0.05) | {"AU12": 0.8214, "AU6": AT_WORK}
    figure = json.loads(plots.unit_chart(strengths).to_json())
    bars = figure["data"][0]
    assert len(bars["y"]) == len(set(bars["y"])) == 23
    place = bars["y"].index("AU12")
    told = (bars["x"][place], bars["text"][place], bars["customdata"][place])
    assert told == (0.821, "lip corners up", "zygomaticus major")
    accented = [
        label for label, colour in zip(bars["y"], bars["marker"]["color"], strict=True) if colour == plots.ACCENT
    ]
    assert accented == ["AU6", "AU12"]
    assert figure["layout"]["xaxis"]["range"][1] > 1


def point(model: str, name: str, value: float | None) -> plots.Point:
    return {"model": model, "name": name, "value": value, "low": value and value - 2, "high": value and value + 1}


def test_score_chart_has_one_series_per_model_and_skips_undefined_scores() -> None:
    points = [point("plain", "one", 80.0), point("majority", "one", 30.0), point("plain", "two", 60.0)]
    figure = plots.score_chart([*points, point("majority", "two", None)], "accuracy, %", share=True)
    series = {trace.name: trace for trace in figure.data}
    assert set(series) == {"plain", "majority"}
    assert list(series["plain"].x) == [80.0, 60.0]
    assert list(series["majority"].y) == ["one"]
    assert list(series["plain"].error_x.array) == [1.0, 1.0]
    assert list(series["plain"].error_x.arrayminus) == [2.0, 2.0]
    assert series["plain"].cliponaxis is False  # a dot at 100 is whole
    assert list(figure.layout.xaxis.range) == [0, 100]
    assert plots.score_chart(points, "distance", share=False).layout.xaxis.range is None


def test_speed_has_a_dot_per_model_whose_shape_is_its_number_of_threads() -> None:
    timed = [("plain", 80.0, 9.4, 2), ("derl", 70.0, 38.8, 1), ("majority", 30.0, 0.0, 2)]
    times: list[plots.Time] = [
        {"model": model, "value": value, "low": value - 2, "high": value + 1, "ms": ms, "threads": threads}
        for model, value, ms, threads in timed
    ]
    assert plots.symbols(times) == {1: "circle", 2: "diamond"}
    dots = plots.speed_chart(times).data
    assert [(dot.name, dot.x[0], dot.y[0], dot.marker.symbol) for dot in dots] == [
        ("plain", 9.4, 80.0, "diamond"),
        ("derl", 38.8, 70.0, "circle"),
        ("majority", 0.0, 30.0, "diamond"),
    ]
    assert (dots[1].error_y.array, dots[1].error_y.arrayminus, dots[1].error_y.visible) == ((1.0,), (2.0,), True)
    assert dots[1].hovertemplate.endswith("ms with 1 thread<extra>derl</extra>")
    assert [dot.line.color for dot in dots] == list(plots.colours(["plain", "derl", "majority"]).values())


def test_damage_has_a_panel_per_kind_and_a_pair_stands_alone_with_intervals_in_its_colours() -> None:
    steps: list[plots.Step] = [(80.0, 78.0, 82.0), (40.0, 37.0, 44.0)]
    models: list[plots.Damage] = [
        {"model": name, "steps": {kind: steps for kind in ("blur", "low_resolution")}} for name in ("a", "b", "c")
    ]
    every, two = plots.damage_chart(models), plots.damage_chart(models, ["b", "c"])
    assert [line.name for line in every.data] == ["a", "a", "b", "b", "c", "c"]
    assert (list(every.data[0].x), list(every.data[0].y)) == ([0, 1], [80.0, 40.0])
    assert list(map(list, every.data[0].customdata)) == [[78.0, 82.0], [37.0, 44.0]]
    assert [note.text for note in every.layout.annotations] == ["blur", "low resolution"]
    assert not any(line.error_y.visible for line in every.data)
    assert [line.name for line in two.data] == ["b", "b", "c", "c"]
    assert two.data[0].error_y.visible
    assert [line.line.color for line in two.data] == [line.line.color for line in every.data[2:]]


def test_a_figure_of_the_report_takes_the_look_of_the_page() -> None:
    counts = {"labels": ["neutral"], "predictions": ["neutral"], "counts": [[3]]}
    figure = plots.dressed(charts.confusion({"confusion": counts}), ("plain", "below"), 300)
    assert (figure.layout.title.text, figure.layout.title.subtitle.text) == ("plain", "below")
    assert (figure.layout.height, figure.layout.paper_bgcolor) == (300, "rgba(0,0,0,0)")
    assert figure.data[0].showscale is False
    assert figure.layout.xaxis.title.text == "answer"


def test_trade_off_has_a_line_per_model_and_benchmark_and_a_dot_per_strength() -> None:
    curves = [
        {"model": model, "name": name, "strengths": [0.5, 1.0], "gained": [20.0, 40.0], "kept": [0.98, 0.9]}
        for model, name in (("fesgan", "one"), ("fesgan", "two"), ("degan", "two"))
    ]
    figure = plots.trade_off_chart(curves)
    lines = figure.data
    assert figure.layout.yaxis.range[1] > 0.98 + 0.01  # room for the words above the first dot
    assert figure.layout.xaxis.range[1] > 40 + 2
    assert [line.name for line in lines] == ["fesgan on one", "fesgan on two", "degan on two"]
    assert list(lines[0].x) == [20.0, 40.0]
    assert list(lines[0].y) == [0.98, 0.9]
    assert list(lines[0].text) == ["50%", "100%"]
    assert lines[0].line.color == lines[1].line.color != lines[2].line.color
    assert lines[0].line.dash != lines[1].line.dash == lines[2].line.dash


def test_every_model_of_a_figure_has_a_colour_of_its_own() -> None:
    points = [point(f"model{i}", "one", 50.0) for i in range(len(plots.MODEL_COLOURS))]
    colours = {trace.marker.color for trace in plots.score_chart(points, "accuracy, %", share=True).data}
    assert len(colours) == len(plots.MODEL_COLOURS)
    board = Board.read(FOLDER)
    most = max(
        len({entry.result["model"]["name"] for entry in board.entries if entry.task is task}) for task in board.tasks
    )
    assert 6 < most <= len(colours)
