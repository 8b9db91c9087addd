"""Cross-dataset scores: the datasets that a model's weights were not trained on, and the mean over these.

Left out is a dataset that the card of the weights names nowhere among its title, summary, data, recipe, command and
what the training started from. Any mention counts as training, and weights without a card are scored nowhere: rather
too few than too many. A peer's card is what its file declares that it learnt from, as its authors say; that is not
checked, and a peer that declares nothing has none.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from eval import benchmarks, peers
from eval.benchmark import Benchmark, FamilyName
from eval.columns import RATES, percent
from eval.store import read_results

TOLD = ("title", "summary", "data", "recipe", "command", "started_from")  # of a card, where data may be named
Values = dict[str, float]  # by the names in RATES


@dataclass
class Entry:
    """One set of weights. left_out: scores by benchmark; trained_on: benchmarks on data that its card names."""

    model: str
    weights: str
    left_out: dict[str, Values] = field(default_factory=dict)
    trained_on: list[str] = field(default_factory=list)
    has_card: bool = True

    def means(self) -> tuple[int, Values | None]:
        """How many datasets are left out, and the means over them; benchmarks on one dataset are one vote together."""
        sets: dict[tuple[str, ...], list[Values]] = defaultdict(list)
        for name, values in self.left_out.items():
            sets[names(benchmarks.benchmark(name))].append(values)
        if not sets:
            return 0, None
        return len(sets), {s: fmean(fmean(v[s] for v in own) for own in sets.values()) for s in RATES}


def names(benchmark: Benchmark) -> tuple[str, ...]:
    """All names of the dataset of a benchmark in lower case, sorted; benchmarks on the same pictures have the same."""
    called = benchmark.also_called or (benchmark.dataset,)
    return tuple(sorted(name.lower() for name in called))


def mentions(card: Mapping[str, Any], benchmark: Benchmark) -> bool:
    """Whether a card names the dataset of a benchmark where it tells of training."""
    text = json.dumps({key: card[key] for key in TOLD if key in card}, ensure_ascii=False).lower()
    called = {*names(benchmark), benchmark.dataset.lower()}
    return any(re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text) for name in called)


def entries(results: Path) -> list[Entry]:
    """All weights with stored results of recognition on declared benchmarks, by model and weights."""
    found: dict[tuple[str, str], Entry] = {}
    for result in read_results(results).values():
        model, name = result["model"], result["benchmark"]["name"]
        if model["weights_sha256"] is None or name not in benchmarks.names():
            continue
        benchmark = benchmarks.benchmark(name)
        if benchmark.family is not FamilyName.RECOGNITION:
            continue
        entry = found.setdefault((model["name"], model["weights"]), Entry(model["name"], model["weights"]))
        card = _card(model["name"], model["weights_sha256"])
        if card is None:
            entry.has_card = False
        elif mentions(card, benchmark):
            entry.trained_on.append(name)
        else:
            entry.left_out[name] = {s: result["scores"][s]["value"] for s in RATES}
    return [entry for _, entry in sorted(found.items())]


def _card(model: str, sha256: str) -> Mapping[str, Any] | None:
    """The card of the bundled weights with this checksum, or of a peer what it declares; None where there is none."""
    if model.startswith(peers.PREFIX):
        learnt = peers.peer(model).learnt_from if model.removeprefix(peers.PREFIX) in peers.names() else None
        return None if learnt is None else {"data": learnt}
    from fer.weights import BUNDLED, find

    if not (BUNDLED / f"{model}.json").is_file():
        return None
    bundled = find(model)
    return bundled.card if bundled.sha256 == sha256 else None


def shown(found: Sequence[Entry]) -> str:
    """What was found, a paragraph for each of the weights."""
    return "\n".join(_shown(entry) for entry in found) or "There are no results of recognition by models with weights."


def _shown(entry: Entry) -> str:
    title = f"{entry.model} ({entry.weights})"
    if not entry.has_card:
        return f"{title}: nothing here tells what these weights were trained on."
    seen = (
        f"trained on the data of {', '.join(entry.trained_on)}" if entry.trained_on else "trained on none of the others"
    )
    n, means = entry.means()
    if means is None:
        return f"{title}: no dataset is left out; {seen}."
    lines = [
        f"  {name}: accuracy {percent(v['accuracy'])} %, UAR {percent(v['uar'])} %"
        for name, v in entry.left_out.items()
    ]
    mean = f"mean accuracy {percent(means['accuracy'])} %, mean UAR {percent(means['uar'])} %"
    return "\n".join([f"{title}: {n} dataset{'s' * (n != 1)} left out: {mean}; {seen}.", *lines])


def as_json(found: Sequence[Entry]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "model": entry.model,
            "weights": entry.weights,
            "has_card": entry.has_card,
            "left_out": entry.left_out,
            "trained_on": entry.trained_on,
            "datasets": entry.means()[0],
            "means": entry.means()[1],
        }
        for entry in found
    ]
