"""What each verb of the command line does with its options: the exit code, 0, 1 for what is wrong or stale, 2.

Heavy imports wait until a verb needs them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval import benchmarks, cited
from eval.source import at_hand, how_to_get
from fer.errors import DataError

RESULTS = Path(__file__).parent / "results"
DATA_REPORT = Path(__file__).parents[1] / "docs" / "data-report.json"
OK, WRONG, ERROR = 0, 1, 2


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


def _results_of(options: argparse.Namespace) -> Path:
    """The folder of stored results, which must be there."""
    folder: Path = options.results
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder} of results. Give the folder that a run stored into with --results."
        )
    return folder


def listing(options: argparse.Namespace) -> int:
    """Benchmarks, models, baselines and peers."""
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
        print(f"  from: {b.citation}, {cited.reference(b)}")
        for r in b.reported:
            print(f"  reported elsewhere: {r.accuracy_percent} % {r.who} ({r.protocol}; {cited.reference(r)})")
    print(f"models: {', '.join(MODEL_NAMES)}\nbaselines: {', '.join(BASELINES)}\npeers: {', '.join(others)}")
    return OK


def prepare(options: argparse.Namespace) -> int:
    """Bring a copy of a dataset into the layout."""
    from eval import prepare

    print(prepare.shown(prepare.prepare(options.dataset, options.copy, options.data_root)))
    return OK


def data(options: argparse.Namespace) -> int:
    """What datasets hold."""
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


def run(options: argparse.Namespace) -> int:
    """Predict, score and store."""
    from eval import run_command

    return ERROR if run_command.run(options, RESULTS) else OK


def score(options: argparse.Namespace) -> int:
    """Score the stored predictions again."""
    from eval import scoring
    from eval.store import read_predictions, read_results

    scored = []
    for path, result in read_results(_results_of(options)).items():
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


def validate(options: argparse.Namespace) -> int:
    """Check stored results."""
    from eval.validate import validate

    n, findings = validate(_results_of(options))
    wrong = [f for f in findings if f.wrong]
    if options.json:
        _print_json({"results": n, "findings": [asdict(f) | {"path": str(f.path)} for f in findings]})
    else:
        for finding in findings:
            print(f"{'wrong' if finding.wrong else 'note'}: {finding.path}: {finding.what}")
        print(f"{n} result{'s' * (n != 1)}, {f'{len(wrong)} things wrong' if wrong else 'nothing wrong'}.")
    return WRONG if wrong else OK


def compare(options: argparse.Namespace) -> int:
    """Two models on the same pictures."""
    from eval import compare

    first, second = (compare.select(_results_of(options), name) for name in (options.first, options.second))
    wanted = [name.strip() for name in (options.benchmarks or "").split(",") if name.strip()]
    differences = compare.compare(first, second, wanted, options.seed)
    if options.json:
        _print_json(compare.as_json(differences, options.first, options.second, options.seed))
    else:
        print("\n".join(compare.sentence(d, options.first, options.second) for d in differences))
    return OK


def left_out(options: argparse.Namespace) -> int:
    """Scores on datasets that the weights were not trained on."""
    from eval import left_out

    found = left_out.entries(_results_of(options))
    if options.json:
        _print_json({"weights": left_out.as_json(found)})
    else:
        print(left_out.shown(found))
    return OK


def speed(options: argparse.Namespace) -> int:
    """Time detection and recognition here, or a whole run beside the forward passes in it."""
    from eval import speed, throughput
    from eval.store import SPEED_FILE, THROUGHPUT_FILE, write_json

    if options.limit and (options.store or not options.throughput):
        raise DataError("--limit is for a trial of --throughput, which is never stored. Leave out --limit or --store.")
    if options.throughput:
        measured = throughput.measure(options.model, options.data_root, options.limit)
        file, sentence = THROUGHPUT_FILE, throughput.sentence(measured)
    else:
        measured = speed.measure(options.model)
        file, sentence = SPEED_FILE, speed.sentence(measured)
    if options.store:
        write_json(options.results / file, measured)
    if options.json:
        _print_json(measured)
    else:
        print(sentence)
    return OK


def report(options: argparse.Namespace) -> int:
    """One HTML page, Markdown and CSV."""
    from eval import report

    data = options.data or (DATA_REPORT if DATA_REPORT.is_file() else None)
    paths = [str(path) for path in report.write(_results_of(options), options.out, data, options.data_root)]
    if options.json:
        _print_json({"files": paths})
    else:
        print("\n".join(paths))
    return OK


def export(options: argparse.Namespace) -> int:
    """Push a model's results to the Hub."""
    from eval import compare, export

    chosen = compare.select(_results_of(options), options.model)
    planned = export.plan([result for _, result in chosen.values()], options.repo)
    pushed = [] if options.dry_run else export.push(planned)
    if options.json:
        _print_json(asdict(planned) | {"pushed": pushed})
    else:
        print(export.shown(planned) if options.dry_run else "\n".join(pushed))
    return OK


def list_peers(options: argparse.Namespace) -> int:
    """Recognisers of others, and which are ready."""
    from eval import peers_command

    if options.json:
        _print_json({"peers": peers_command.listed()})
    else:
        print(peers_command.show())
    return OK


def install_peer(options: argparse.Namespace) -> int:
    """Make the environment of a peer."""
    from eval import peers_command

    print(peers_command.make(options.name))
    return OK


def _write_command(options: argparse.Namespace) -> str:
    model = f" --model {options.model}" if options.model else ""
    return f"python -m eval table{model} --write {options.check}"


def table(options: argparse.Namespace) -> int:
    """Print, write or check the table of results."""
    from eval import table

    results, stale = _results_of(options), False
    told: dict[str, Any]
    if options.write:
        table.write(options.write, table.sections(results, options.model))
        told, text = {"page": str(options.write)}, ""
    elif options.check:
        stale = table.is_stale(options.check, table.sections(results, options.model))
        told = {"page": str(options.check), "stale": stale}
        text = f"The table in {options.check} is stale. Run: {_write_command(options)}" if stale else ""
    elif options.json:
        told, text = table.as_json(results, options.model), ""
    else:
        told, text = {}, table.render_folder(results, options.model)
    if options.json:
        _print_json(told)
    elif text:
        print(text)
    return WRONG if stale else OK
