"""Plotly figures: the probabilities and the Action Units of one face, and the results of the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from demo.results import Curve
from demo.service import percent
from fer.action_units import ACTIONS, AT_WORK

ACCENT = "#0f766e"
QUIET = "#a3aab2"
INK = "#4b5259"  # page.css lightens it on the dark background
MODEL_COLOURS = (
    *("#0f766e", "#b45309", "#4f5d9c", "#9d3c72", "#5b6b1f", "#64748b"),
    *("#be123c", "#0284c7", "#7c3aed", "#8b5e3c", "#a3a31a", "#e879a6"),
)
FONT = {
    "family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
    "size": 14,
    "color": INK,
}

LEGEND: dict[str, Any] = {
    "showlegend": True,
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "maxheight": 300},  # px, for a narrow screen
}
GRID: dict[str, Any] = {"zeroline": False, "gridcolor": "rgba(128,128,128,0.2)"}
DASHES = ("solid", "dot", "dash")
SYMBOLS = ("circle", "diamond", "square", "cross")
PANELS_ABREAST = 3
PANEL_PX = 190

Step = tuple[float | None, float | None, float | None]  # a score in percent with the ends of its interval


class Point(TypedDict):
    """A score with its interval. name: of the benchmark; value: None where it is not defined."""

    model: str
    name: str
    value: Any
    low: Any
    high: Any


class Time(TypedDict):
    """A model on one benchmark: its score in percent with the interval, ms per face, and threads while it was timed."""

    model: str
    value: Any
    low: Any
    high: Any
    ms: float
    threads: int


class Damage(TypedDict):
    """A model under damage. steps: by its kind, undamaged first, then from the least severe one on."""

    model: str
    steps: dict[str, list[Step]]


def expression_chart(probabilities: Mapping[str, float]) -> go.Figure:
    """Eight horizontal bars in the canonical order, in percent; the longest one in the accent colour."""
    names, shares = list(probabilities), list(probabilities.values())
    top = max(shares)
    bars = go.Bar(
        x=[round(100 * share, 2) for share in shares],
        y=names,
        orientation="h",
        marker={"color": [ACCENT if share == top else QUIET for share in shares]},
        text=[percent(share) for share in shares],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )
    figure = go.Figure(bars, _layout(height=312, margin={"l": 86, "r": 64, "t": 4, "b": 4}))
    figure.update_xaxes(visible=False, range=[0, 100], fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, ticklabelstandoff=6)
    return figure


def unit_chart(strengths: Mapping[str, float]) -> go.Figure:
    """A horizontal bar for each Action Unit, 0 to 1, with what is seen on its left and the muscle on its right.

    What is at least ``AT_WORK`` stands in the accent colour. strengths: by the name of the Action Unit.
    """
    actions = [ACTIONS[name] for name in strengths]
    bars = go.Bar(
        x=[round(strength, 3) for strength in strengths.values()],
        y=list(strengths),
        orientation="h",
        marker={"color": [ACCENT if strength >= AT_WORK else QUIET for strength in strengths.values()]},
        text=[action.seen for action in actions],
        customdata=[action.muscle for action in actions],
        textfont={"size": 12},
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y} %{text}: %{x:.2f}<br>%{customdata}<extra></extra>",
    )
    title = _heading("Muscles at work", "0 to 1, an estimate. Touch a bar for its muscle.")
    figure = go.Figure(
        bars, _layout(height=64 + 22 * len(actions), margin={"l": 8, "r": 8, "t": 56, "b": 4}, title=title)
    )
    figure.update_xaxes(visible=False, range=[0, 2.4], fixedrange=True)  # room for words beside a full bar
    figure.update_yaxes(autorange="reversed", automargin=True, fixedrange=True, showgrid=False, ticklabelstandoff=6)
    return figure


def score_chart(points: Sequence[Point], axis: str, share: bool) -> go.Figure:
    """The main score of every model on every benchmark as a dot with its 95 % interval. share: in percent, 0 to 100."""
    scored = [point for point in points if point["value"] is not None]
    benchmarks = list(dict.fromkeys(point["name"] for point in scored))
    models = list(dict.fromkeys(point["model"] for point in scored))
    rows = len(scored) + 0.6 * len(benchmarks)
    figure = go.Figure(layout=_layout(height=round(120 + 17 * rows), margin={"l": 8, "r": 24, "t": 8, "b": 48}))
    for model, colour in reversed(colours(models).items()):  # drawn from below, the first one on top
        figure.add_trace(_dots(model, [point for point in scored if point["model"] == model], colour))
    figure.update_layout(**LEGEND, scattermode="group", legend_traceorder="reversed")
    figure.update_xaxes(title={"text": axis, "font": FONT}, fixedrange=True, **GRID)
    if share:
        figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(automargin=True, showgrid=False, ticklabelstandoff=8, fixedrange=True)
    figure.update_yaxes(categoryorder="array", categoryarray=benchmarks[::-1])
    figure.update_yaxes(tickvals=benchmarks, ticktext=[name.replace("_", "_<br>") for name in benchmarks])
    return figure


def colours(models: Sequence[str]) -> dict[str, str]:
    """The colour of each model; figures that name the same ones in the same order agree."""
    return {name: MODEL_COLOURS[place % len(MODEL_COLOURS)] for place, name in enumerate(dict.fromkeys(models))}


def symbols(times: Sequence[Time]) -> dict[int, str]:
    """The shape of each number of threads."""
    numbers = sorted({time["threads"] for time in times})
    return {number: SYMBOLS[place % len(SYMBOLS)] for place, number in enumerate(numbers)}


def threads(number: int) -> str:
    """A number of threads, in words."""
    return "1 thread" if number == 1 else f"{number} threads"


def speed_chart(times: Sequence[Time]) -> go.Figure:
    """Accuracy against ms per face on one benchmark; the shape tells the number of threads."""
    figure = go.Figure(layout=_layout(height=360, margin={"l": 8, "r": 24, "t": 8, "b": 48}))
    shapes, colour = symbols(times), colours([time["model"] for time in times])
    for time in times:
        step = (time["value"], time["low"], time["high"])
        line = _line(time["model"], [time["ms"]], [step], colour[time["model"]], True)
        line.update(mode="markers", marker={"symbol": shapes[time["threads"]], "size": 12})
        told = f"%{{y:.1f}} %, %{{x:.1f}} ms with {threads(time['threads'])}"
        line.update(hovertemplate=f"{told}<extra>{time['model']}</extra>")
        figure.add_trace(line)
    figure.update_xaxes(title={"text": "ms per face", "font": FONT}, fixedrange=True, **GRID)
    figure.update_xaxes(range=[-0.03 * (most := max(time["ms"] for time in times)), 1.08 * most])
    figure.update_yaxes(title={"text": "accuracy, %", "font": FONT, "standoff": 8}, fixedrange=True, **GRID)
    figure.update_yaxes(automargin=True)
    return figure


def damage_chart(models: Sequence[Damage], pair: Sequence[str] = ()) -> go.Figure:
    """Accuracy over the severity of damage, a panel per kind. pair: drawn alone and with intervals, where there is one.

    In percent, 0 to 100; severity 0 is the picture as it is.
    """
    kinds = list(models[0]["steps"])
    rows = -(-len(kinds) // PANELS_ABREAST)
    titles = [kind.replace("_", " ") for kind in kinds]
    figure = make_subplots(
        rows, PANELS_ABREAST, subplot_titles=titles, shared_xaxes=True, shared_yaxes=True,
        horizontal_spacing=0.03, vertical_spacing=0.2 / rows,
    )  # fmt: skip
    colour = colours([model["model"] for model in models])
    for model in (model for model in models if not pair or model["model"] in pair):
        for place, kind in enumerate(kinds):
            steps = model["steps"][kind]
            line = _line(model["model"], list(range(len(steps))), steps, colour[model["model"]], bool(pair))
            figure.add_trace(line, place // PANELS_ABREAST + 1, place % PANELS_ABREAST + 1)
    height = PANEL_PX * rows
    figure.update_layout(_layout(height=height + 60, margin={"l": 8, "r": 8, "t": 36, "b": 24}).to_plotly_json())
    figure.update_annotations(font={"size": 13, "color": INK})
    figure.update_xaxes(fixedrange=True, **GRID)
    figure.update_yaxes(fixedrange=True, automargin=True, range=[0, 100], **GRID)
    return figure


def trade_off_chart(curves: Sequence[Curve]) -> go.Figure:
    """Identity kept against expression gained: a line per model and benchmark, a dot per strength of the edit."""
    figure = go.Figure(layout=_layout(height=360, margin={"l": 8, "r": 24, "t": 8, "b": 48}))
    models, benchmarks = (
        list(dict.fromkeys(names)) for names in zip(*((c["model"], c["name"]) for c in curves), strict=True)
    )
    for curve in curves:
        name, colour = (
            f"{curve['model']} on {curve['name']}",
            MODEL_COLOURS[models.index(curve["model"]) % len(MODEL_COLOURS)],
        )
        figure.add_scatter(
            name=name,
            x=curve["gained"],
            y=curve["kept"],
            mode="lines+markers+text",
            text=[f"{strength:.0%}" for strength in curve["strengths"]],
            textposition="top right",
            line={"color": colour, "dash": DASHES[benchmarks.index(curve["name"]) % len(DASHES)]},
            marker={"color": colour, "size": 10},
            hovertemplate="at %{text}: gained %{x:.1f} points, kept %{y:.3f}<extra>" + name + "</extra>",
        )
    figure.update_traces(cliponaxis=False)
    figure.update_layout(**LEGEND)
    gained = "expression gained, points of probability of the target"
    figure.update_xaxes(title={"text": gained, "font": FONT}, fixedrange=True, **GRID)
    figure.update_xaxes(range=_roomy([value for curve in curves for value in curve["gained"]]))
    figure.update_yaxes(range=_roomy([value for curve in curves for value in curve["kept"]]))
    figure.update_yaxes(
        title={"text": "identity kept, cosine", "font": FONT, "standoff": 14}, fixedrange=True, automargin=True, **GRID
    )
    return figure


def _heading(text: str, below: str) -> dict[str, Any]:
    told = {"text": below, "font": {"size": 12}}
    return {"text": text, "subtitle": told, "x": 0, "xref": "container", "font": {"size": 16}}


def _roomy(values: Sequence[float]) -> list[float]:
    """A range with room for a label beside the outermost dots."""
    least, most = min(values), max(values)
    span = (most - least) or 1.0
    return [least - 0.08 * span, most + 0.16 * span]


def dressed(figure: go.Figure, title: tuple[str, str], height: int) -> go.Figure:
    """A figure of a report in the look of the page. Its colour bar goes: the numbers stand in the cells.

    title: with the line below it.
    """
    heading = _heading(*title)
    legend = figure.layout.showlegend
    look = _layout(height=height, margin={"l": 8, "r": 8, "t": 76, "b": 8}, title=heading)
    figure.update_layout(look.to_plotly_json())
    figure.update_layout(showlegend=legend)
    figure.update_traces(showscale=False, selector={"type": "heatmap"})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(fixedrange=True, automargin=True, title_font=FONT, ticklabelstandoff=4, **GRID)
    return figure


def _line(name: str, x: Sequence[float], steps: Sequence[Step], colour: str, bars: bool) -> go.Scatter:
    """A line through scores; the touch of a dot tells its interval."""
    values, lows, highs = zip(*steps, strict=True)
    reach = [(0, 0) if value is None else (high - value, value - low) for value, low, high in steps]
    above, below = zip(*reach, strict=True)
    return go.Scatter(
        name=name,
        x=x,
        y=values,
        mode="lines+markers",
        line={"color": colour},
        marker={"color": colour, "size": 6},
        customdata=list(zip(lows, highs, strict=True)),
        cliponaxis=False,
        error_y={
            "type": "data", "symmetric": False, "array": above, "arrayminus": below, "color": colour,
            "thickness": 1.5, "width": 3, "visible": bars,
        },
        hovertemplate="%{x}: %{y:.1f} % (%{customdata[0]:.1f} to %{customdata[1]:.1f})<extra>" + name + "</extra>",
    )  # fmt: skip


def _dots(name: str, points: Sequence[Point], colour: str) -> go.Scatter:
    values = [point["value"] for point in points]
    return go.Scatter(
        name=name,
        x=values,
        y=[point["name"] for point in points],
        mode="markers",
        orientation="h",  # models of one benchmark stand below each other: their intervals overlap
        marker={"color": colour, "size": 11},
        cliponaxis=False,
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [point["high"] - point["value"] for point in points],
            "arrayminus": [point["value"] - point["low"] for point in points],
            "color": colour,
        },
        hovertemplate="%{y}<br>%{x:.4~g}<extra>" + name + "</extra>",
    )


def _layout(**own: Any) -> go.Layout:
    clear = "rgba(0,0,0,0)"
    return go.Layout(
        template="none",
        font=FONT,
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        showlegend=False,
        dragmode=False,
        modebar={
            "remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale", "toImage"]
        },
        bargap=0.32,
        **own,
    )
