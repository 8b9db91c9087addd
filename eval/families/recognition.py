"""Recognition: name the expression of a face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from eval import folds, metrics, slices
from eval.benchmark import Benchmark, Recognition
from eval.families.base import RESAMPLES, Family, Items, Measure, bootstrap, count, number, score
from eval.metrics import Floats, Ints
from eval.pictures import Split, by_size, canonical, single_faces
from eval.records import Record, Status
from eval.source import Source
from fer.errors import DataError
from fer.models.base import Recognizer
from fer.types import EMOTIONS, Emotion

SCORED = (Status.PREDICTED, Status.NO_FACE)
AGREEMENT = {  # the share of all votes that the label has: from, to under
    "under 60 %": (0.0, 0.6),
    "60 to under 80 %": (0.6, 0.8),
    "80 to under 100 %": (0.8, 1.0),
    "100 %": (1.0, float("inf")),
}
FROM_COUNTS: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": metrics.accuracy,
    "accuracy_detected": metrics.accuracy_detected,
    "uar": metrics.uar,
    "macro_f1": metrics.macro_f1,
}
FROM_PROBS: dict[str, Callable[[Floats, Ints, Floats | None], Floats]] = {"ece": metrics.ece, "nll": metrics.nll}


class _Pictures(Items):
    def __init__(self, task: Recognition, split: Split) -> None:
        self.task, self.split = task, split

    def __len__(self) -> int:
        return len(self.split)

    def key(self, number: int) -> tuple[int, str]:
        return self.split.key(number)

    def predict(self, numbers: Sequence[int], model: Recognizer) -> list[Record]:
        records, faces = single_faces([self.split.sample(i) for i in numbers], self.task.framing)
        for places, batch in by_size(faces):
            probs = canonical(model.recognize(batch, self.task.framing))
            for i, row in zip(places, probs.tolist(), strict=True):
                records[i] = replace(records[i], probs=tuple(row))
        return records

    def faces(self, numbers: Sequence[int]) -> list[Tensor]:
        return list(single_faces([self.split.sample(i) for i in numbers], self.task.framing)[1].values())

    def call(self, model: Recognizer, faces: Tensor) -> object:
        return model.recognize(faces, self.task.framing)


class RecognitionFamily(Family):
    """See ``Recognition``."""

    needs = (Recognizer,)
    timed = "recognition without reading, detection and alignment"

    def open(self, benchmark: Benchmark, source: Source, device: str, limit: int | None) -> Items:
        """See ``Family.open``."""
        task = benchmark.asked(Recognition)
        return _Pictures(task, Split(benchmark, source, task.views, limit))

    def score(self, records: Sequence[Record], declaration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """See ``Family.score``."""
        return recognition(records, tuple(Emotion(name) for name in declaration["classes"]), seed)

    def measures(self, records: Sequence[Record], declaration: Mapping[str, Any]) -> dict[str, Measure]:
        """See ``Family.measures``. Right or wrong; a face that was not found is wrong."""
        classes = tuple(Emotion(name) for name in declaration["classes"])
        values = np.full(len(records), np.nan)
        scored = [i for i, r in enumerate(records) if r.status in SCORED]
        if scored:
            values[scored] = right([records[i] for i in scored], classes)
        return {"accuracy": Measure(values, higher_is_better=True)}

    def headline(self, result: Mapping[str, Any]) -> str:
        """See ``Family.headline``."""
        a, uar = result["scores"]["accuracy"], result["scores"]["uar"]
        interval = f"[{100 * a['low']:.2f}, {100 * a['high']:.2f}]"
        return f"accuracy {100 * a['value']:.2f} % {interval}, UAR {100 * uar['value']:.2f} %{folds.headline(result)}"


def recognition(records: Sequence[Record], classes: tuple[Emotion, ...], seed: int) -> dict[str, Any]:
    """Score predictions of expressions: scores with bootstrap intervals, recall per class, confusion matrix, counts.

    Where records tell of folds, the people are resampled and not the pictures, and ``folds`` holds the scores by fold.
    Faces that were not found are wrong in accuracy, UAR, F1 and the confusion matrix, and are left out of ECE, NLL and
    accuracy_detected. Raises DataError when there is nothing to score.
    """
    scored = [r for r in records if r.status in SCORED]
    if not scored:
        raise DataError(f"None of the {len(records)} pictures could be scored: {count(records)}.")
    labels, probs = _arrays(scored, classes)
    found = ~np.isnan(probs[:, 0])
    predicted = _named(probs)
    people = _units(scored)

    def over(ask: Callable[[Floats], Floats]) -> Floats:
        return metrics.over_resamples(int(people.max()) + 1, RESAMPLES, seed, lambda drawn: ask(drawn[:, people]))

    counts = metrics.confusion(labels, predicted, len(classes))
    resampled = over(lambda drawn: metrics.confusion(labels, predicted, len(classes), drawn))
    scores = {name: score(f(counts), f(resampled)) for name, f in FROM_COUNTS.items()}
    for name, g in FROM_PROBS.items():
        ask = partial(g, probs[found], labels[found])
        scores[name] = score(ask(None), over(_only(found, ask)))
    told: dict[str, Any] = {}
    if scored[0].votes:
        votes = np.array([r.votes for r in scored], np.float64)
        drawn = metrics.resamples(len(scored), RESAMPLES, seed)
        vote_scores, told["agreement"] = _agreement(votes, labels, probs, classes, drawn)
        scores |= vote_scores
    if scored[0].fold:
        told["folds"] = folds.over_folds(scored, (predicted == labels).tolist())
    if scored[0].attributes:
        told["slices"] = slices.compared(_people(scored, predicted == labels))
    return {
        "counts": count(records, missed_is_scored=True),
        "scores": scores,
        "recall": {str(c): number(v) for c, v in zip(classes, metrics.recall(counts), strict=True)},
        "confusion": {
            "labels": [str(c) for c in classes],
            "predictions": [*(str(c) for c in classes), "no face"],
            "counts": counts.astype(int).tolist(),
        },
        "bootstrap": bootstrap(seed, "people" if scored[0].fold else None),
        **told,
    }


def _units(scored: Sequence[Record]) -> Ints:
    """The number (N,) of what is drawn with each picture: of its person where there are folds, else of itself."""
    if not scored[0].fold:
        return np.arange(len(scored))
    people = {person: i for i, person in enumerate(dict.fromkeys(r.person for r in scored))}
    return np.array([people[r.person] for r in scored], np.int64)


def _only(chosen: NDArray[np.bool_], ask: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """``ask`` for draws (R, N) of all pictures, where it takes those of the chosen ones."""
    return lambda drawn: ask(drawn[:, chosen])


def _agreement(
    votes: Floats, labels: Ints, probs: Floats, classes: tuple[Emotion, ...], drawn: Floats
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Agreement with the votes (N, 8 or more): the score, and accuracy by the share of the votes that the label has.

    The divergence is from the votes for ``classes``, over the faces that were found and have such votes.
    """
    columns = [EMOTIONS.index(c) for c in classes]
    named = votes[:, columns]
    usable = ~np.isnan(probs[:, 0]) & (named.sum(1) > 0)
    kl = metrics.vote_kl(named[usable], probs[usable])
    whole = {"vote_kl": score(kl, metrics.vote_kl(named[usable], probs[usable], drawn[:, usable]))}
    share = metrics.ratio(named[np.arange(len(labels)), labels], votes.sum(1))
    hits = (_named(probs) == labels).astype(np.float64)
    buckets = {}
    for name, (low, high) in AGREEMENT.items():
        inside = ((share >= low) & (share < high)).astype(np.float64)
        value, resampled = (metrics.ratio(w @ (inside * hits), w @ inside) for w in (np.ones(len(labels)), drawn))
        buckets[name] = {"n": int(inside.sum()), "accuracy": score(value, resampled)}
    return whole, buckets


def _people(scored: Sequence[Record], hits: NDArray[np.bool_]) -> dict[str, dict[str, list[Fraction]]]:
    """Attribute -> group -> share of each person's pictures that was named rightly; a row is a person."""
    rows: dict[int, list[int]] = {}
    for i, r in enumerate(scored):
        rows.setdefault(r.row, []).append(i)
    found: dict[str, dict[str, list[Fraction]]] = {}
    for places in rows.values():
        share = Fraction(int(hits[places].sum()), len(places))
        for attribute, group in scored[places[0]].attributes:
            found.setdefault(attribute, {}).setdefault(group, []).append(share)
    return {attribute: dict(sorted(groups.items())) for attribute, groups in found.items()}


def answers(records: Sequence[Record], classes: tuple[Emotion, ...]) -> tuple[list[Record], Ints, Floats]:
    """The records with an answer, labels (N,) as places in ``classes``, and probabilities (N, C) of the classes."""
    found = [r for r in records if r.status is Status.PREDICTED]
    if not found:
        return [], np.zeros(0, np.int64), np.zeros((0, len(classes)))
    return found, *_arrays(found, classes)


def right(scored: Sequence[Record], classes: tuple[Emotion, ...]) -> Floats:
    """1 where the most probable of ``classes`` is the label, else 0 (N,)."""
    labels, probs = _arrays(scored, classes)
    hits: Floats = (_named(probs) == labels).astype(np.float64)
    return hits


def _named(probs: Floats) -> Ints:
    """Places (N,) of the highest of probabilities (N, C), -1 where no face was found."""
    highest: Ints = np.where(np.isnan(probs), -1, probs).argmax(1)
    return np.where(np.isnan(probs[:, 0]), -1, highest)


def _arrays(scored: Sequence[Record], classes: tuple[Emotion, ...]) -> tuple[Ints, Floats]:
    """Labels (N,) as places in ``classes`` and probabilities (N, C) renormalised over them; nan where no face was."""
    columns = [EMOTIONS.index(c) for c in classes]
    labels = np.array([classes.index(r.label) for r in scored if r.label is not None])
    missed = [np.nan] * len(EMOTIONS)
    probs = np.array([missed if r.probs is None else r.probs for r in scored], np.float64)[:, columns]
    return labels, probs / np.maximum(probs.sum(1, keepdims=True), metrics.LOWEST_PROBABILITY)
