"""Plotly figures: the probabilities and the Action Units of one face, and the results of the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from demo.service import percent
from fer.action_units import ACTIONS, AT_WORK

ACCENT = "#0f766e"
QUIET = "#a3aab2"
INK = "#4b5259"  # page.css lightens it on the dark background
MODEL_COLOURS = ("#0f766e", "#b45309", "#4f5d9c", "#9d3c72", "#5b6b1f", "#64748b")
FONT = {
    "family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
    "size": 14,
    "color": INK,
}

LEGEND: dict[str, Any] = {"showlegend": True, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}}
GRID: dict[str, Any] = {"zeroline": False, "gridcolor": "rgba(128,128,128,0.2)"}
DASHES = ("solid", "dot", "dash")


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
    told = {"text": "0 to 1, an estimate. Touch a bar for its muscle.", "font": {"size": 12}}
    title = {"text": "Muscles at work", "subtitle": told, "x": 0, "xref": "container", "font": {"size": 16}}
    figure = go.Figure(
        bars, _layout(height=64 + 22 * len(actions), margin={"l": 8, "r": 8, "t": 56, "b": 4}, title=title)
    )
    figure.update_xaxes(visible=False, range=[0, 2.4], fixedrange=True)  # room for words beside a full bar
    figure.update_yaxes(autorange="reversed", automargin=True, fixedrange=True, showgrid=False, ticklabelstandoff=6)
    return figure


def results_chart(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Accuracy of every model on every benchmark as a dot with its 95 % interval, in percent."""
    scored = [row for row in rows if row["accuracy"] is not None]
    benchmarks = list(dict.fromkeys(row["name"] for row in scored))
    figure = go.Figure(
        layout=_layout(height=110 + 48 * max(1, len(benchmarks)), margin={"l": 8, "r": 24, "t": 8, "b": 48})
    )
    series = list(dict.fromkeys((row["model"], row["weights"]) for row in scored))
    for place, (model, weights) in enumerate(series):
        own = [row for row in scored if (row["model"], row["weights"]) == (model, weights)]
        figure.add_trace(_dots(f"{model} ({weights})", own, MODEL_COLOURS[place % len(MODEL_COLOURS)]))
    figure.update_layout(**LEGEND, scattermode="group")
    figure.update_xaxes(title={"text": "accuracy, %", "font": FONT}, range=[0, 100], fixedrange=True, **GRID)
    figure.update_yaxes(automargin=True, showgrid=False, ticklabelstandoff=8, fixedrange=True)
    figure.update_yaxes(categoryorder="array", categoryarray=benchmarks[::-1])
    return figure


def trade_off_chart(curves: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Identity kept against expression gained: a line per model and benchmark, a dot per strength of the edit."""
    figure = go.Figure(layout=_layout(height=360, margin={"l": 8, "r": 24, "t": 8, "b": 48}))
    models, benchmarks = (list(dict.fromkeys(curve[key] for curve in curves)) for key in ("model", "name"))
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
    figure.update_layout(**LEGEND)
    gained = "expression gained, points of probability of the target"
    figure.update_xaxes(title={"text": gained, "font": FONT}, fixedrange=True, **GRID)
    figure.update_yaxes(
        title={"text": "identity kept, cosine", "font": FONT, "standoff": 14}, fixedrange=True, automargin=True, **GRID
    )
    return figure


def _dots(name: str, rows: Sequence[Mapping[str, Any]], colour: str) -> go.Scatter:
    values = [row["accuracy"] for row in rows]
    return go.Scatter(
        name=name,
        x=values,
        y=[row["name"] for row in rows],
        mode="markers",
        orientation="h",  # models of one benchmark stand below each other: their intervals overlap
        marker={"color": colour, "size": 11},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [row["accuracy_high"] - value for row, value in zip(rows, values, strict=True)],
            "arrayminus": [value - row["accuracy_low"] for row, value in zip(rows, values, strict=True)],
            "color": colour,
        },
        hovertemplate="%{y}<br>accuracy %{x:.1f} %<extra>" + name + "</extra>",
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
