"""Verbs: list, prepare, data, run, left-out, score, validate, compare, speed, table, report, export, peers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from eval import team, verbs
from eval.baselines import BASELINES
from eval.source import DEFAULT_ROOT
from eval.verbs import ERROR, OK, RESULTS
from fer.arguments import positive
from fer.errors import FerError
from fer.types import Framing

CACHE = Path(".eval_cache")
ROOT_HELP = "holds the dataset folders; default ../shared/data if it exists"
INTERRUPTED = 130
UNREAD = 141  # as a shell tells of a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    0 when done, 1 for a stale table or wrong results, 2 after a FerError, 130 when interrupted, 141 when nobody reads.
    """
    options = _parser().parse_args(arguments)
    helps = team.is_helper()
    if helps and options.command is not verbs.run:
        return OK
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except FerError as error:
        return _said(str(error), ERROR, helps)
    except KeyboardInterrupt:
        return _said("Interrupted. Finished batches are kept: run the same command again to go on.", INTERRUPTED, helps)
    except BrokenPipeError:
        return _unread()
    return OK if helps else code


def _unread() -> int:
    """The exit code where what read the output has seen enough, as ``head`` does. The rest of it goes nowhere."""
    with suppress(OSError, ValueError):  # a stdout that is no file has nothing left to write at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD


def _said(sentence: str, code: int, helps: bool) -> int:
    """The exit code, after the sentence. A helper neither speaks nor fails: its launcher would end the main process."""
    if helps:
        return OK
    print(sentence, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure models on declared benchmarks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_list(commands.add_parser("list", help="show the benchmarks and the models"))
    _add_prepare(commands.add_parser("prepare", help="bring a copy of a dataset into the layout, or refuse it"))
    run = commands.add_parser("run", help="predict, score and store")
    run.add_argument("models", nargs="+", metavar="MODEL", help="names that `list` shows")
    _add_run(run, able_only=False)
    baseline = commands.add_parser("baseline", help="run every baseline where it can be run: what models must beat")
    baseline.set_defaults(models=list(BASELINES))
    _add_run(baseline, able_only=True)
    _add_data(commands.add_parser("data", help="report what datasets hold: counts, broken rows, duplicates"))
    _add_score(commands.add_parser("score", help="score the stored predictions again, without any model"))
    _add_on_results(
        commands.add_parser("validate", help="check stored results against predictions, hashes and declarations"),
        verbs.validate,
    )
    _add_compare(
        commands.add_parser("compare", help="two models on the same pictures: paired differences, exact tests")
    )
    _add_on_results(
        commands.add_parser("left-out", help="scores on datasets that the weights were not trained on"), verbs.left_out
    )
    _add_speed(commands.add_parser("speed", help="time detection and recognition on this machine"))
    _add_report(commands.add_parser("report", help="write one HTML page with figures, and Markdown and CSV beside it"))
    _add_export(commands.add_parser("export", help="push a model's results to its repository on the Hub"))
    _add_table(commands.add_parser("table", help="print the table of results, or write or check it in a page"))
    _add_peers(commands.add_parser("peers", help="recognisers of others: which there are, and installing one"))
    return parser


def _add_list(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("--data-root", type=Path, metavar="DIR", help=ROOT_HELP)
    _json_option(listing)
    listing.set_defaults(command=verbs.listing)


def _add_on_results(command: argparse.ArgumentParser, verb: Callable[[argparse.Namespace], int]) -> None:
    """A verb that asks for nothing but stored results."""
    _results_option(command)
    _json_option(command)
    command.set_defaults(command=verb)


def _add_score(score: argparse.ArgumentParser) -> None:
    told = "also read annotations (votes, attributes) that stored predictions lack from the dataset folders in DIR"
    score.add_argument("--data-root", type=Path, metavar="DIR", help=told)
    _add_on_results(score, verbs.score)


def _add_speed(speed: argparse.ArgumentParser) -> None:
    speed.add_argument("model", nargs="?", default="plain")
    speed.add_argument("--store", action="store_true", help="keep the measurement beside the results")
    throughput_help = "in place of that: a whole run on FER+ test beside the bare forward passes"
    speed.add_argument("--throughput", action="store_true", help=throughput_help)
    speed.add_argument("--data-root", type=Path, metavar="DIR", help=f"of --throughput: {ROOT_HELP}")
    speed.add_argument("--limit", type=positive, metavar="N", help="of --throughput: only N rows; never stored")
    _results_option(speed)
    _json_option(speed)
    speed.set_defaults(command=verbs.speed)


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("--out", type=Path, default=Path("report"), metavar="DIR", help="default: report")
    data_help = "the report of `data --out`: its duplicates are shown; default: the project's own"
    report.add_argument("--data", type=Path, metavar="PAGE.json", help=data_help)
    report.add_argument("--data-root", type=Path, metavar="DIR", help=f"{ROOT_HELP}; the folds in them are shown")
    _results_option(report)
    _json_option(report)
    report.set_defaults(command=verbs.report)


def _add_table(tables: argparse.ArgumentParser) -> None:
    _results_option(tables)
    tables.add_argument("--model", metavar="MODEL", help="only this model, with its recall per expression")
    action = tables.add_mutually_exclusive_group()
    action.add_argument("--write", type=Path, metavar="PAGE", help="replace the table in this Markdown page")
    action.add_argument("--check", type=Path, metavar="PAGE", help="exit 1 when the table in this page is stale")
    _json_option(tables)
    tables.set_defaults(command=verbs.table)


def _add_prepare(prepare: argparse.ArgumentParser) -> None:
    prepare.add_argument("dataset", metavar="DATASET", help="the folder's name in `list`")
    copy_help = "a folder as the owner delivers it, with a manifest.csv, or a copy on the Hub"
    prepare.add_argument("--from", dest="copy", required=True, metavar="FOLDER|ORG/NAME[@REV]", help=copy_help)
    prepare.add_argument("--data-root", type=Path, default=DEFAULT_ROOT, metavar="DIR", help="default: %(default)s")
    prepare.set_defaults(command=verbs.prepare)


def _add_data(data: argparse.ArgumentParser) -> None:
    data.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help="of recognition; its labels are counted")
    data.add_argument("--data-root", type=Path, metavar="DIR", help=ROOT_HELP)
    data.add_argument("--out", type=Path, metavar="PAGE", help="write PAGE.md and PAGE.json; else print Markdown")
    data.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="scored with and without duplicates")
    data.set_defaults(command=verbs.data)


def _add_run(run: argparse.ArgumentParser, able_only: bool) -> None:
    """able_only: leave out whoever cannot take a benchmark, in place of refusing."""
    add = run.add_argument
    add("--benchmarks", metavar="A,B", help="default: all that a model can take")
    add("--weights", default="default", help="default, a .safetensors path, or ORG/NAME@REVISION")
    place = run.add_mutually_exclusive_group()
    place.add_argument("--data-root", type=Path, metavar="DIR", help=ROOT_HELP)
    hub_help = "read the dataset from the Hub instead; without --benchmarks: any dataset of labelled faces, or ./FOLDER"
    place.add_argument("--dataset", metavar="ORG/NAME[@REV]", help=hub_help)
    add("--limit", type=positive, metavar="N", help="only the first N rows: a trial, printed and never stored")
    add("--batch-size", type=positive, default=64, metavar="N")
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--seed", type=int, default=0, help="of the bootstrap resamples")
    results_help = "default: the project's own, or CACHE/results for a dataset that no benchmark declares"
    add("--results", type=Path, metavar="DIR", help=results_help)
    add("--cache", type=Path, default=CACHE, metavar="DIR", help="finished batches of runs that are not complete")
    again_help = "predict although the stored predictions are of the same weights, data and code"
    add("--again", action="store_true", help=again_help)
    add("--json", action="store_true", help="print a JSON object for each pair, in a line; all else goes to stderr")
    _add_any_dataset(run.add_argument_group("any dataset", "with --dataset and without --benchmarks"))
    run.set_defaults(command=verbs.run, able_only=able_only)


def _add_any_dataset(run: argparse._ArgumentGroup) -> None:
    add = run.add_argument
    add("--config", metavar="NAME", help="of a dataset with several configurations")
    add("--split", metavar="NAME", help="default: test")
    add("--image-column", metavar="NAME", help="default: the only one that holds pictures")
    add("--label-column", metavar="NAME", help="default: the one that is called label, emotion, ..., or the only one")
    map_help = 'a label\'s name or number and what it stands for: "0=anger,joy=happiness,other=-"; -: left out'
    add("--label-map", default="", metavar="MAP", help=map_help)
    add("--framing", choices=[str(f) for f in Framing], help="aligned (default): find the face; tight: cut already")
    add("--name", help="of the benchmark in its results; default: dataset and split")
    add("--streaming", action="store_true", help="read rows from the Hub as they are needed; nothing is kept on disk")


def _add_compare(compare: argparse.ArgumentParser) -> None:
    add = compare.add_argument
    add("first", metavar="MODEL[:WEIGHTS]", help="weights: an id, where results of several are stored")
    add("second", metavar="MODEL[:WEIGHTS]")
    add("--benchmarks", metavar="A,B", help="default: all that both have results on")
    add("--seed", type=int, default=0, help="of the bootstrap resamples")
    _results_option(compare)
    _json_option(compare)
    compare.set_defaults(command=verbs.compare)


def _add_export(export: argparse.ArgumentParser) -> None:
    add = export.add_argument
    add("model", metavar="MODEL[:WEIGHTS]", help="weights: an id, where results of several are stored")
    add("--repo", required=True, metavar="ORG/NAME", help="the model's repository on the Hub")
    add("--dry-run", action="store_true", help="print what would be pushed where, and touch no network")
    _results_option(export)
    _json_option(export)
    export.set_defaults(command=verbs.export)


def _add_peers(peers: argparse.ArgumentParser) -> None:
    actions = peers.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="which there are, and which are ready")
    _json_option(listing)
    listing.set_defaults(command=verbs.list_peers)
    install = actions.add_parser("install", help="make a Python environment for one, with pip, and fetch its weights")
    install.add_argument("name", metavar="NAME")
    install.set_defaults(command=verbs.install_peer)


def _results_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="default: those of this project")


def _json_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
