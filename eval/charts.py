"""Plotly figures of results: what they show, not where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eval.metrics import Floats

# Okabe and Ito's colours, told apart by most eyes; symbols differ too, so colour is never all.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5f5f5f")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x")
Figure = go.Figure
Result = Mapping[str, Any]
Score = Mapping[str, float | None]


def title_of(result: Result) -> str:
    """The model with its weights."""
    return f"{result['model']['name']} ({result['model']['weights']})"


def _style(names: Sequence[str], name: str) -> dict[str, Any]:
    place = list(dict.fromkeys(names)).index(name)
    return {"color": COLOURS[place % len(COLOURS)], "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9}


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _bars(scores: Sequence[Score]) -> dict[str, Any]:
    """Asymmetric error bars in percent from scores with their intervals; none where a score is undefined."""
    reach = [
        (0.0, 0.0) if s["value"] is None else (100 * (s["high"] - s["value"]), 100 * (s["value"] - s["low"]))  # type: ignore[operator]
        for s in scores
    ]
    above, below = zip(*reach, strict=True)
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below}


def _points(name: str, names: Sequence[str], x: Sequence[Any], scores: Sequence[Score], mode: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        legendgroup=name,
        x=x,
        y=[_percent(s["value"]) for s in scores],
        error_y=_bars(scores),
        mode=mode,
        marker=_style(names, name),
    )


def _layout(figure: go.Figure, height: int, x: str, y: str) -> go.Figure:
    figure.update_layout(template="plotly_white", height=height, margin={"l": 60, "r": 20, "t": 40, "b": 60})
    figure.update_layout(legend={"orientation": "h", "y": -0.2}, showlegend=True)
    figure.update_xaxes(title_text=x, automargin=True)
    figure.update_yaxes(title_text=y, automargin=True)
    return figure


def latency(results: Sequence[Result]) -> go.Figure:
    """Accuracy against milliseconds per face of the models on one benchmark of recognition."""
    timed = [r for r in results if r["ms_per_face"]["p50"] is not None]
    names = [title_of(r) for r in timed]
    points = [
        _points(title_of(r), names, [r["ms_per_face"]["p50"]], [r["scores"]["accuracy"]], "markers") for r in timed
    ]
    return _layout(go.Figure(points), 380, "ms per face, one at a time (p50)", "accuracy %")


def confusion(result: Result) -> go.Figure:
    """Shares of each label's pictures in percent, with counts; rows are labels, columns are answers."""
    table = result["confusion"]
    counts = table["counts"]
    shares = [[100 * c / max(1, sum(row)) for c in row] for row in counts]
    heat = go.Heatmap(
        z=shares,
        x=table["predictions"],
        y=table["labels"],
        text=counts,
        texttemplate="%{text}",
        colorscale="Blues",
        zmin=0,
        zmax=100,
        colorbar={"title": {"text": "% of label"}},
    )
    figure = _layout(go.Figure(heat), 440, "answer", "label")
    figure.update_layout(showlegend=False)
    return figure.update_yaxes(autorange="reversed")


def reliability(curves: Mapping[str, tuple[Floats, Floats, Floats]]) -> go.Figure:
    """Accuracy against confidence per model. curves: number, mean confidence and accuracy of each bin; nan if empty."""
    diagonal = go.Scatter(
        name="calibrated", x=[0, 100], y=[0, 100], mode="lines", line={"dash": "dot", "color": "#888"}
    )
    figure = go.Figure(diagonal)
    for name, (n, confidence, accuracy) in curves.items():
        seen = n > 0
        figure.add_scatter(
            name=name,
            x=100 * confidence[seen],
            y=100 * accuracy[seen],
            text=[f"{int(k)} pictures" for k in n[seen]],
            mode="lines+markers",
            marker=_style(list(curves), name),
        )
    return _layout(figure, 420, "mean probability of the answer, %", "answers that are right, %")


def robustness(results: Sequence[Result]) -> go.Figure:
    """Accuracy from severity 0, the pictures as they are, to 5: one panel per corruption, one line per model."""
    kinds = list(results[0]["by_corruption"])
    columns = 3
    rows = -(-len(kinds) // columns)
    titles = [kind.replace("_", " ") for kind in kinds]
    figure = make_subplots(rows, columns, subplot_titles=titles, shared_xaxes=True, shared_yaxes=True)
    names = [title_of(r) for r in results]
    for result in results:
        for place, kind in enumerate(kinds):
            steps = [result["scores"]["accuracy"], *result["by_corruption"][kind]["accuracy"]]
            line = _points(title_of(result), names, list(range(len(steps))), steps, "lines+markers")
            line.showlegend = place == 0
            figure.add_trace(line, place // columns + 1, place % columns + 1)
    return _layout(figure, 260 * rows, "severity", "accuracy %")


def groups(results: Sequence[Result], parts: Sequence[Mapping[str, Mapping[str, Any]]], x: str) -> go.Figure:
    """Accuracy of groups of pictures or people, per model. parts: of each result, name of the group -> its values."""
    names = [title_of(r) for r in results]
    dots = [
        _points(
            name, names, [f"{group} (n = {_n(found)})" for group, found in part.items()], _accuracies(part), "markers"
        )
        for name, part in zip(names, parts, strict=True)
    ]
    figure = _layout(go.Figure(dots), 400, x, "accuracy %")
    return figure.update_layout(scattermode="group")


def _n(found: Mapping[str, Any]) -> int:
    return int(found["people"] if "people" in found else found["n"])


def _accuracies(part: Mapping[str, Mapping[str, Any]]) -> list[Score]:
    return [found["accuracy"] for found in part.values()]
