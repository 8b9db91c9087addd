"""Verbs: list, prepare, data, run, left-out, score, validate, compare, speed, table, report, export, peers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval import benchmarks, team
from eval.source import DEFAULT_ROOT, at_hand, how_to_get
from fer.arguments import positive
from fer.errors import FerError
from fer.types import Framing

RESULTS = Path(__file__).parent / "results"
CACHE = Path(".eval_cache")
ROOT_HELP = "holds the dataset folders; default ../shared/data if it exists"
OK, WRONG, ERROR, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command: 0 when done, 1 for a stale table or wrong results, 2 after a FerError, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    helps = team.is_helper()
    if helps and options.command is not _run:
        return OK
    try:
        code: int = options.command(options)
    except FerError as error:
        return _said(str(error), ERROR, helps)
    except KeyboardInterrupt:
        return _said("Interrupted. Finished batches are kept: run the same command again to go on.", INTERRUPTED, helps)
    return OK if helps else code


def _said(sentence: str, code: int, helps: bool) -> int:
    """The exit code, after the sentence. A helper neither speaks nor fails: its launcher would end the main process."""
    if helps:
        return OK
    print(sentence, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure models on declared benchmarks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="show the benchmarks and the models")
    listing.add_argument("--data-root", type=Path, metavar="DIR", help=ROOT_HELP)
    _json_option(listing)
    listing.set_defaults(command=_list)
    _add_prepare(commands.add_parser("prepare", help="bring a copy of a dataset into the layout, or refuse it"))
    _add_run(commands.add_parser("run", help="predict, score and store"))
    _add_data(commands.add_parser("data", help="report what datasets hold: counts, broken rows, duplicates"))
    score = commands.add_parser("score", help="score the stored predictions again, without any model")
    score.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    told = "also read annotations (votes, attributes) that stored predictions lack from the dataset folders in DIR"
    score.add_argument("--data-root", type=Path, metavar="DIR", help=told)
    _json_option(score)
    score.set_defaults(command=_score)
    valid = commands.add_parser("validate", help="check stored results against predictions, hashes and declarations")
    valid.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    _json_option(valid)
    valid.set_defaults(command=_validate)
    _add_compare(
        commands.add_parser("compare", help="two models on the same pictures: paired differences, exact tests")
    )
    crossed = commands.add_parser("left-out", help="scores on datasets that the weights were not trained on")
    crossed.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    _json_option(crossed)
    crossed.set_defaults(command=_left_out)
    speed = commands.add_parser("speed", help="time detection and recognition on this machine")
    speed.add_argument("model", nargs="?", default="plain")
    speed.add_argument("--store", action="store_true", help="keep the measurement beside the results")
    speed.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    speed.set_defaults(command=_speed)
    report = commands.add_parser("report", help="write one HTML page with figures, and Markdown and CSV beside it")
    report.add_argument("--out", type=Path, default=Path("report"), metavar="DIR", help="default: report")
    report.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    report.set_defaults(command=_report)
    _add_export(commands.add_parser("export", help="push a model's results to its repository on the Hub"))
    tables = commands.add_parser("table", help="print the table of results, or write or check it in a page")
    tables.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    tables.add_argument("--model", metavar="MODEL", help="only this model, with its recall per expression")
    action = tables.add_mutually_exclusive_group()
    action.add_argument("--write", type=Path, metavar="PAGE", help="replace the table in this Markdown page")
    action.add_argument("--check", type=Path, metavar="PAGE", help="exit 1 when the table in this page is stale")
    tables.set_defaults(command=_table)
    _add_peers(commands.add_parser("peers", help="recognisers of others: which there are, and installing one"))
    return parser


def _add_prepare(prepare: argparse.ArgumentParser) -> None:
    prepare.add_argument("dataset", metavar="DATASET", help="the folder's name in `list`")
    copy_help = "a folder as the owner delivers it, with a manifest.csv, or a copy on the Hub"
    prepare.add_argument("--from", dest="copy", required=True, metavar="FOLDER|ORG/NAME[@REV]", help=copy_help)
    prepare.add_argument("--data-root", type=Path, default=DEFAULT_ROOT, metavar="DIR", help="default: %(default)s")
    prepare.set_defaults(command=_prepare)


def _add_data(data: argparse.ArgumentParser) -> None:
    data.add_argument("benchmarks", nargs="+", metavar="BENCHMARK", help="of recognition; its labels are counted")
    data.add_argument("--data-root", type=Path, metavar="DIR", help=ROOT_HELP)
    data.add_argument("--out", type=Path, metavar="PAGE", help="write PAGE.md and PAGE.json; else print Markdown")
    data.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="scored with and without duplicates")
    data.set_defaults(command=_data)


def _add_run(run: argparse.ArgumentParser) -> None:
    add = run.add_argument
    add("models", nargs="+", metavar="MODEL", help="names that `list` shows")
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
    _add_any_dataset(run.add_argument_group("any dataset", "with --dataset and without --benchmarks"))
    run.set_defaults(command=_run)


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
    add("--results", type=Path, default=RESULTS, metavar="DIR")
    _json_option(compare)
    compare.set_defaults(command=_compare)


def _add_export(export: argparse.ArgumentParser) -> None:
    add = export.add_argument
    add("model", metavar="MODEL[:WEIGHTS]", help="weights: an id, where results of several are stored")
    add("--repo", required=True, metavar="ORG/NAME", help="the model's repository on the Hub")
    add("--dry-run", action="store_true", help="print what would be pushed where, and touch no network")
    add("--results", type=Path, default=RESULTS, metavar="DIR")
    export.set_defaults(command=_export)


def _add_peers(peers: argparse.ArgumentParser) -> None:
    actions = peers.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="which there are, and which are ready")
    _json_option(listing)
    listing.set_defaults(command=_list_peers)
    install = actions.add_parser("install", help="make a Python environment for one, with pip, and fetch its weights")
    install.add_argument("name", metavar="NAME")
    install.set_defaults(command=_install_peer)


def _json_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


def _list(options: argparse.Namespace) -> int:
    from eval import peers
    from eval.baselines import BASELINES
    from fer.registry import MODEL_NAMES

    declared = [benchmarks.benchmark(name) for name in benchmarks.names()]
    others = [peers.PREFIX + name for name in peers.names()]
    if options.json:
        listed = [asdict(b) | {"family": str(b.family), "data": at_hand(b, options.data_root)} for b in declared]
        known = {"models": list(MODEL_NAMES), "baselines": list(BASELINES), "peers": others}
        _print_json({"benchmarks": listed, **known})
        return OK
    for b in declared:
        print(f"{b.name} (version {b.version}, {b.family}): {b.title}\n  {b.protocol}")
        here = at_hand(b, options.data_root)
        print(f"  data: {b.dataset}/{b.split}, {'at hand' if here else 'NOT at hand'}; {b.licence}")
        if not here and b.card:
            print(f"  {how_to_get(b)}")
            if b.card.hub:
                print(f"  copies by others on the Hub, none of them checked: {', '.join(b.card.hub)}")
        print(f"  from: {b.citation}, {_reference(b)}")
        for r in b.reported:
            print(f"  reported elsewhere: {r.accuracy_percent} % {r.who} ({r.protocol}; {_reference(r)})")
    print(f"models: {', '.join(MODEL_NAMES)}\nbaselines: {', '.join(BASELINES)}\npeers: {', '.join(others)}")
    return OK


def _prepare(options: argparse.Namespace) -> int:
    from eval import prepare

    print(prepare.shown(prepare.prepare(options.dataset, options.copy, options.data_root)))
    return OK


def _data(options: argparse.Namespace) -> int:
    from eval import data_page, data_report
    from eval.store import write_json, write_text

    named = [benchmarks.benchmark(name) for name in options.benchmarks]
    reports = [data_report.report(b, options.data_root, options.results) for b in named]
    if options.out:
        write_json(options.out.with_suffix(".json"), {"reports": reports})
        write_text(options.out.with_suffix(".md"), data_page.page(reports))
        return OK
    print(data_page.page(reports), end="")
    return OK


def _reference(cited: Any) -> str:
    return f"arXiv {cited.arxiv}" if cited.arxiv else f"doi {cited.doi}"


def _run(options: argparse.Namespace) -> int:
    from eval import run_command

    return ERROR if run_command.run(options, RESULTS) else OK


def _score(options: argparse.Namespace) -> int:
    from eval import scoring
    from eval.store import read_predictions, read_results

    scored = []
    for path, result in read_results(options.results).items():
        stored = scoring.Stored(path, result, read_predictions(path, result))
        if options.data_root and scoring.lacks_annotations(result):
            stored = scoring.annotate(stored, options.results, options.data_root)
        changed = scoring.rescore(stored) or stored.result is not result
        scored.append({"path": str(path), "changed": changed})
        if not options.json:
            print(f"{'changed' if changed else 'same'}: {path}")
    if options.json:
        _print_json({"results": scored})
    return OK


def _validate(options: argparse.Namespace) -> int:
    from eval.validate import validate

    n, findings = validate(options.results)
    wrong = [f for f in findings if f.wrong]
    if options.json:
        _print_json({"results": n, "findings": [asdict(f) | {"path": str(f.path)} for f in findings]})
    else:
        for finding in findings:
            print(f"{'wrong' if finding.wrong else 'note'}: {finding.path}: {finding.what}")
        print(f"{n} result{'s' * (n != 1)}, {f'{len(wrong)} things wrong' if wrong else 'nothing wrong'}.")
    return WRONG if wrong else OK


def _compare(options: argparse.Namespace) -> int:
    from eval import compare

    first, second = (compare.select(options.results, name) for name in (options.first, options.second))
    wanted = [name.strip() for name in (options.benchmarks or "").split(",") if name.strip()]
    differences = compare.compare(first, second, wanted, options.seed)
    if options.json:
        _print_json(compare.as_json(differences, options.first, options.second, options.seed))
    else:
        print("\n".join(compare.sentence(d, options.first, options.second) for d in differences))
    return OK


def _left_out(options: argparse.Namespace) -> int:
    from eval import left_out

    found = left_out.entries(options.results)
    if options.json:
        _print_json({"weights": left_out.as_json(found)})
    else:
        print(left_out.shown(found))
    return OK


def _speed(options: argparse.Namespace) -> int:
    from eval import speed
    from eval.store import SPEED_FILE, write_json

    measured = speed.measure(options.model)
    print(speed.sentence(measured))
    if options.store:
        write_json(options.results / SPEED_FILE, measured)
    return OK


def _report(options: argparse.Namespace) -> int:
    from eval import report

    print("\n".join(str(path) for path in report.write(options.results, options.out)))
    return OK


def _export(options: argparse.Namespace) -> int:
    from eval import compare, export

    chosen = compare.select(options.results, options.model)
    planned = export.plan([result for _, result in chosen.values()], options.repo)
    print(export.shown(planned) if options.dry_run else "\n".join(export.push(planned)))
    return OK


def _list_peers(options: argparse.Namespace) -> int:
    from eval import peers_command

    if options.json:
        _print_json({"peers": peers_command.listed()})
    else:
        print(peers_command.show())
    return OK


def _install_peer(options: argparse.Namespace) -> int:
    from eval import peers_command

    print(peers_command.make(options.name))
    return OK


def _write_command(options: argparse.Namespace) -> str:
    model = f" --model {options.model}" if options.model else ""
    return f"python -m eval table{model} --write {options.check}"


def _table(options: argparse.Namespace) -> int:
    from eval import table

    if options.write:
        table.write(options.write, table.sections(options.results, options.model))
    elif options.check:
        if table.is_stale(options.check, table.sections(options.results, options.model)):
            print(f"The table in {options.check} is stale. Run: {_write_command(options)}")
            return WRONG
    else:
        print(table.render_folder(options.results, options.model))
    return OK
