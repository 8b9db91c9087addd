"""The command ``run``: every model on every benchmark, by one process or by several that share the batches.

A pair that fails stops no other one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from eval import adhoc, benchmarks, contestants, runner, scoring
from eval.benchmark import Benchmark, family_name
from eval.columns import BEST
from eval.contestants import Contestant
from eval.families import FAMILIES
from eval.foreign.process import AbsentError
from eval.source import Source, at_hand, how_to_get, locate
from eval.store import result_path, write_result
from eval.team import LostError, Team, join
from fer.errors import DataError, FerError, RegistryError
from fer.types import Framing

ANY_DATASET = ("config", "split", "image_column", "label_column", "label_map", "framing", "name", "streaming")
Pair = tuple[Benchmark, str]  # and the model


class Became(StrEnum):
    """What became of a pair."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  # the model is not at hand


@dataclass(frozen=True, eq=False)
class Finished:
    """A result and where it is stored, None for a trial. again: of stored predictions, scored again."""

    result: dict[str, Any]
    path: Path | None
    again: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a model on a benchmark, and why where it is not done. finished: what it came to, where it is."""

    benchmark: str
    model: str
    became: Became
    why: str = ""
    finished: Finished | None = None

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        finished = self.finished
        told = {
            "benchmark": self.benchmark,
            "model": self.model,
            "status": str(self.became),
            "error": self.why or None,
            "path": str(finished.path) if finished and finished.path else None,
        }
        if finished is None:
            return told
        result = finished.result
        return told | {
            "weights": result["model"]["weights"],
            "partial": result["partial"],
            "scored_again": finished.again,
            "main_score": BEST[family_name(result["benchmark"])][0],
            "scores": result["scores"],
            "counts": result["counts"],
        }


def run(options: argparse.Namespace, own: Path) -> int:
    """Run what the command line asks for; returns how many pairs failed. own: the project's own results.

    Peers that are not at hand are skipped, which is no failure.

    Raises FerError where it cannot begin, LostError where another process of the run is gone.
    """
    team = join()
    source = None
    if options.dataset and not options.benchmarks:
        with team.together():
            pairs, source = _any_dataset(options, team)
    else:
        pairs = _declared(options, team)
    outcomes = []
    for outcome in _outcomes(pairs, options, own, team, source):
        outcomes.append(outcome)
        if team.is_main and options.json:
            print(json.dumps(outcome.as_json(), ensure_ascii=False), flush=True)
    if team.is_main:
        _tell(_overview(outcomes), options)
    return sum(outcome.became is Became.FAILED for outcome in outcomes)


def _tell(text: str, options: argparse.Namespace) -> None:
    """Print for people: to stderr where stdout is for programs."""
    print(text, file=sys.stderr if options.json else sys.stdout, flush=True)


def _outcomes(
    pairs: Sequence[Pair], options: argparse.Namespace, own: Path, team: Team, source: Source | None
) -> Iterator[Outcome]:
    """Run one pair after the other. LostError is raised; any other FerError is said and becomes an outcome."""
    absent: dict[str, str] = {}
    for benchmark, model in pairs:
        if model in absent:
            yield Outcome(benchmark.name, model, Became.SKIPPED, absent[model])
            continue
        try:
            finished = _run_one(benchmark, model, options, own, team, source)
        except LostError:
            raise
        except FerError as error:
            if team.is_main:
                print(error, file=sys.stderr, flush=True)
            if isinstance(error, AbsentError):
                absent[model] = str(error)
            yield Outcome(benchmark.name, model, Became.SKIPPED if model in absent else Became.FAILED, str(error))
        else:
            yield Outcome(benchmark.name, model, Became.DONE, finished=finished)


def _declared(options: argparse.Namespace, team: Team) -> list[Pair]:
    if given := [f"--{name.replace('_', '-')}" for name in ANY_DATASET if getattr(options, name)]:
        raise DataError(f"{', '.join(given)}: only with --dataset and without --benchmarks, which say it themselves.")
    pairs = _pairs(options)
    if not options.benchmarks:
        pairs = _with_data(pairs, options, team)
    if options.dataset and len({b.dataset for b, _ in pairs}) > 1:
        raise DataError("--dataset names one dataset, but the benchmarks read several. Choose some with --benchmarks.")
    return pairs


def _pairs(options: argparse.Namespace) -> list[Pair]:
    """Who runs where: the pairs asked for, all of which must be possible, or every one that is."""
    if options.benchmarks:
        declared = [benchmarks.benchmark(name.strip()) for name in options.benchmarks.split(",")]
        return [(b, model) for b in declared for model in _asked(options, b)]
    declared = [benchmarks.benchmark(name) for name in benchmarks.names()]
    pairs = [(b, model) for b in declared for model in options.models if contestants.can_take(model, b)]
    idle = [model for model in options.models if model not in {entered for _, entered in pairs}]
    if idle:
        raise RegistryError(
            f"There is no benchmark that {', '.join(idle)} can be measured on. See: python -m eval list"
        )
    return pairs


def _asked(options: argparse.Namespace, benchmark: Benchmark) -> list[str]:
    """Who is asked for on a benchmark: only the able ones, or all, who must be able to. Raises RegistryError."""
    able = [model for model in options.models if contestants.can_take(model, benchmark)]
    if not options.able_only or not able:
        for model in options.models:
            contestants.check(model, benchmark)
    return able


def _with_data(pairs: Sequence[Pair], options: argparse.Namespace, team: Team) -> list[Pair]:
    """The pairs whose data is at hand; the others are named. DataError where none is."""
    absent = {b.name: how_to_get(b) for b, _ in pairs if not b.hub_id and not at_hand(b, options.data_root)}
    found = [(b, model) for b, model in pairs if b.name not in absent]
    if not found:
        raise DataError("There is no data for any of the benchmarks. Give the folder that holds them with --data-root.")
    if team.is_main:
        for reason in absent.values():
            _tell(f"skipped: {reason}", options)
    return found


def _any_dataset(options: argparse.Namespace, team: Team) -> tuple[list[Pair], Source]:
    asked = adhoc.Asked(
        config=options.config,
        split=options.split,
        image=options.image_column,
        label=options.label_column,
        label_map=options.label_map,
        framing=Framing(options.framing or Framing.ALIGNED),
        name=options.name,
    )
    source = adhoc.explore(options.dataset, options.config, options.streaming)
    benchmark = adhoc.declare(source, asked)
    models = _asked(options, benchmark)
    if team.is_main:
        _tell(adhoc.shown(benchmark, source), options)
    return [(benchmark, model) for model in models], source


def _run_one(
    benchmark: Benchmark, model: str, options: argparse.Namespace, own: Path, team: Team, found: Source | None
) -> Finished | None:
    """One pair; None in a process that only helps. found: where the rows are, where that is known.

    FerError is raised in all processes or in none.
    """
    results = options.results or (options.cache / "results" if benchmark.adhoc else own)
    settings = runner.Options(options.cache, options.batch_size, options.seed, options.limit)
    title = f"{model} on {benchmark.name}"
    with ExitStack() as held:
        with team.together():
            source = found or locate(benchmark, options.data_root, options.dataset)
        contestant = _entered(model, benchmark, source, options, team, held)
        with team.together():
            if benchmark.adhoc:
                adhoc.check_place(results, own, benchmark, model, contestant.weights_id)
            work = runner.start(benchmark, source, contestant, settings)
            stored = _before(work, results, options) if team.is_main else None
        if team.size > 1 and not any(team.gather("stored" if stored else "")):
            with team.together(), _Bar(f"{title}, one share of {team.size}", team.is_main) as bar:
                runner.predict(work, team, bar.show)
        with team.together():
            if not team.is_main:  # it waits: it must not begin the next pair in a folder that is cleared yet
                return None
            if stored:
                finished = Finished(scoring.score_again(stored, results, options.seed), stored.path, again=True)
            else:
                with _Bar(title, team.size == 1) as bar:
                    finished = _stored(runner.finish(work, bar.show), results, options.limit)
            _tell(_summary(finished, options.limit), options)
    return finished


def _before(work: runner.Work, results: Path, options: argparse.Namespace) -> scoring.Stored | None:
    """The stored result whose predictions this run would only repeat."""
    if options.again or options.limit is not None:
        return None
    contestant = work.contestant
    path = result_path(results, contestant.name, contestant.weights_id, work.benchmark.name)
    return scoring.made_by(path, work.parts.identity)


def _entered(
    model: str, benchmark: Benchmark, source: Source, options: argparse.Namespace, team: Team, held: ExitStack
) -> Contestant:
    """The contestant, closed with ``held``. AbsentError and any other FerError in all processes or in none."""
    reason = ""
    with team.together():
        try:
            contestant = contestants.enter(model, options.weights, options.device, benchmark, source)
            held.callback(contestant.close)
        except AbsentError as error:
            reason = str(error)
    if reasons := [each for each in team.gather(reason) if each]:
        raise AbsentError(reasons[0])
    return contestant


def _stored(done: runner.Run, results: Path, limit: int | None) -> Finished:
    """Store a finished run, unless it is a trial."""
    if limit is not None:
        return Finished(done.result, None)
    path = write_result(results, done.result, done.records, done.parts.identity)
    done.parts.clear()
    return Finished(done.result, path)


class _Bar:
    """A progress bar on stderr with rate and time left; a resumed run starts where it stopped."""

    def __init__(self, title: str, visible: bool) -> None:
        self.title, self.visible = title, visible
        self.bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, done: int, total: int) -> None:
        """Move the bar to ``done`` of ``total`` pictures."""
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, initial=done, desc=self.title, unit="picture", disable=not self.visible)
        self.bar.update(done - self.bar.n)


def _summary(finished: Finished, limit: int | None) -> str:
    """What to tell of a finished pair."""
    result = finished.result
    counts, model = result["counts"], result["model"]
    left_out = ", ".join(f"{key} {n}" for key, n in counts.items() if n and key != "n_original")
    line = (
        f"{model['name']} ({model['weights']}) on {result['benchmark']['name']}: "
        f"{FAMILIES[family_name(result['benchmark'])].headline(result)}; {counts['n_original']} pictures: {left_out}; "
    )
    if finished.path is None:
        return f"PARTIAL (first {limit} rows), not stored: {line}{result['seconds']:.1f} s"
    if finished.again:
        return f"{line}stored predictions of the same weights, data and code scored again in {finished.path}"
    return f"{line}{result['seconds']:.1f} s\n  stored in {finished.path}"


def _overview(outcomes: Sequence[Outcome]) -> str:
    """A row for each pair: done, failed and why, or skipped and why."""
    rows = [f"  {o.became}: {o.model} on {o.benchmark}" + (f": {o.why}" if o.why else "") for o in outcomes]
    done = sum(outcome.became is Became.DONE for outcome in outcomes)
    return "\n".join([f"{done} of {len(outcomes)} done", *rows])
