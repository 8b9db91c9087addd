"""Two models on the same pictures: paired differences with intervals, exact tests, and ties called ties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import numpy as np

from eval import metrics, peers
from eval.benchmark import family_name
from eval.families import FAMILIES
from eval.families.base import CONFIDENCE, RESAMPLES, Measure, number
from eval.metrics import Floats
from eval.store import read_predictions, read_results
from fer.errors import DataError

Entry = tuple[Path, dict[str, Any]]
SMALLEST_P = 1e-300  # that is told; below it floats lose their digits, then become 0


@dataclass(frozen=True)
class Difference:
    """A measure of two models on the samples that both were given; difference = second - first.

    low, high: 95 % percentile interval over ``units`` (people where they are known, else pictures). p: two-sided exact
    McNemar test on pictures, for measures that are 0 or 1 only. better: "first", "second" or "tie".
    """

    benchmark: str
    measure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float | None
    n: int
    units: int
    better: str


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p of McNemar's test (McNemar 1947, doi 10.1007/BF02295996) from the discordant counts.

    Twice the smaller binomial tail at one half, at most 1.
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(n, k) for k in range(fewer + 1))
    return min(1.0, float(Fraction(2 * tail, 2**n)))


def select(results: Path, name: str) -> dict[str, Entry]:
    """The results of MODEL or MODEL:WEIGHTS by benchmark. DataError when it is not clear which, or there are none."""
    prefix = peers.PREFIX if name.startswith(peers.PREFIX) else ""
    model, _, weights = name.removeprefix(prefix).partition(":")
    model = prefix + model
    stored = read_results(results)
    found = {path: r for path, r in stored.items() if r["model"]["name"] == model}
    ids = sorted({r["model"]["weights"] for r in found.values()})
    if not found:
        known = ", ".join(sorted({r["model"]["name"] for r in stored.values()})) or "none"
        raise DataError(f'There are no results of "{model}" in {results}. There are results of: {known}.')
    if weights not in ids and (weights or len(ids) > 1):
        raise DataError(f"Say which weights of {model}, as {model}:ID. There are results of: {', '.join(ids)}.")
    chosen = weights or ids[0]
    return {r["benchmark"]["name"]: (path, r) for path, r in found.items() if r["model"]["weights"] == chosen}


def compare(
    first: Mapping[str, Entry], second: Mapping[str, Entry], wanted: Sequence[str], seed: int = 0
) -> list[Difference]:
    """Differences on the benchmarks that both have (all of ``wanted``, where it is not empty). Raises DataError."""
    shared = sorted(first.keys() & second.keys())
    missing = [name for name in wanted if name not in shared]
    if missing or not shared:
        raise DataError(
            f"Both models need results on {', '.join(missing) or 'a common benchmark'}; "
            f"both have: {', '.join(shared) or 'nothing'}."
        )
    found = {name: list(_on_benchmark(first[name], second[name], seed)) for name in wanted or shared}
    whole = [name for name in wanted if not found[name]]
    if whole:
        raise DataError(f"{', '.join(whole)} has no score of single pictures that models could be compared by.")
    return [difference for each in found.values() for difference in each]


def _on_benchmark(first: Entry, second: Entry, seed: int) -> Iterator[Difference]:
    declaration, other = first[1]["benchmark"], second[1]["benchmark"]
    name = declaration["name"]
    if declaration["version"] != other["version"] or declaration["dataset"] != other["dataset"]:
        raise DataError(f"The results on {name} are of different versions or datasets. Run the older one again.")
    if (declaration.get("adhoc") or other.get("adhoc")) and declaration != other:
        raise DataError(f"The results on {name} are of different columns, labels or framings. Run one of them again.")
    family = FAMILIES[family_name(declaration)]
    records = [{r.key: r for r in read_predictions(*entry)} for entry in (first, second)]
    keys = sorted(records[0].keys() & records[1].keys())
    if len(keys) < max(map(len, records)) or any(records[0][k].sha256 != records[1][k].sha256 for k in keys):
        raise DataError(f"The results on {name} are not of the same pictures. Run both on one revision.")
    both = [family.measures([found[k] for k in keys], declaration) for found in records]
    person = [records[0][k].person or str(k) for k in keys]
    for measure in both[0]:
        yield _difference(name, measure, both[0][measure], both[1][measure], person, seed)


def _difference(
    benchmark: str, name: str, first: Measure, second: Measure, person: Sequence[str], seed: int
) -> Difference:
    known = ~np.isnan(first.values + second.values)
    if not known.any():
        raise DataError(f"There is no picture on which both models have a {name} in {benchmark}.")
    a, b = first.values[known], second.values[known]
    people: dict[str, int] = {}
    unit = np.array([people.setdefault(p, len(people)) for p, k in zip(person, known, strict=True) if k])
    resampled = metrics.over_resamples(len(people), RESAMPLES, seed, lambda drawn: _mean(drawn[:, unit], b - a))
    low, high = metrics.interval(resampled, CONFIDENCE)
    binary = bool(np.isin(np.concatenate([a, b]), (0, 1)).all())
    better = "tie" if low <= 0 <= high else ("second" if (low > 0) == first.higher_is_better else "first")
    return Difference(
        benchmark=benchmark,
        measure=name,
        first=_rounded(a.mean()),
        second=_rounded(b.mean()),
        difference=_rounded((b - a).mean()),
        low=_rounded(low),
        high=_rounded(high),
        p=mcnemar(int((a > b).sum()), int((b > a).sum())) if binary else None,
        n=len(a),
        units=len(people),
        better=better,
    )


def _mean(weights: Floats, values: Floats) -> Floats:
    """Weighted means (R,) of values (N,). weights: (R, N)."""
    return np.asarray(weights @ values / weights.sum(1))


def _rounded(value: float) -> float:
    return number(value) or 0.0


def p_value(p: float) -> str:
    """A p with its sign, "= 0.012": no p of the test is 0, and what is too small for a float is only bounded."""
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"= {p:.2g}"


def sentence(d: Difference, first: str, second: str) -> str:
    """A difference in one line."""
    verdict = {"first": f"{first} is better", "second": f"{second} is better", "tie": "a tie"}[d.better]
    p = "" if d.p is None else f", McNemar p {p_value(d.p)}"
    units = "" if d.units == d.n else f" of {d.units} people"
    return (
        f"{d.benchmark} {d.measure}: {first} {d.first:.4f}, {second} {d.second:.4f}, difference {d.difference:+.4f} "
        f"[{d.low:+.4f}, {d.high:+.4f}]{p}, {d.n} pictures{units}: {verdict}"
    )


def as_json(differences: Sequence[Difference], first: str, second: str, seed: int) -> dict[str, Any]:
    """What ``compare --json`` prints."""
    how = {"resamples": RESAMPLES, "confidence": CONFIDENCE, "seed": seed, "method": "percentile, paired"}
    return {"first": first, "second": second, "bootstrap": how, "differences": [asdict(d) for d in differences]}
