"""Whether stored results are what they say: of a declared benchmark, whole, and following from their predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import benchmarks
from eval.scoring import Stored, fresh_scores, lacks_annotations
from eval.store import read_predictions, read_result, read_speed, read_throughput, result_path
from fer.errors import DataError, FerError


@dataclass(frozen=True)
class Finding:
    """One thing about one file. wrong: False for what is only worth knowing."""

    path: Path
    what: str
    wrong: bool = True


def validate(results: Path) -> tuple[int, list[Finding]]:
    """How many results there are below ``results``, and all that was found about them, by path."""
    paths = sorted(results.glob("*/*/*.json"))
    read: dict[Path, dict[str, Any]] = {}
    findings = []
    for path in paths:
        try:
            read[path] = read_result(path)
        except DataError as error:
            findings.append(Finding(path, str(error)))
    for path, result in read.items():
        findings += of_result(results, path, result)
    findings += [*_of_other_revisions(read), *_strays(results, read), *_speed(results)]
    return len(paths), sorted(findings, key=lambda f: (f.path, f.what))


def of_result(results: Path, path: Path, result: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with one result, or worth knowing."""
    try:
        wrong = [*_place(results, path, result), *_declaration(result), *_weights(result), *_scores(path, result)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        wrong = [f"It is not laid out as a result: {type(error).__name__} {error}."]
    findings = [Finding(path, what) for what in wrong]
    if not wrong and lacks_annotations(result):
        hint = "Its benchmark now declares other annotations. Run: python -m eval score --data-root DIR"
        findings.append(Finding(path, hint, wrong=False))
    return findings


def _place(results: Path, path: Path, result: Mapping[str, Any]) -> Iterator[str]:
    expected = result_path(results, result["model"]["name"], result["model"]["weights"], result["benchmark"]["name"])
    if path != expected:
        yield f"By its fields it belongs to {expected}."
    if result["partial"] is not False:
        yield "It is of a partial run."


def _declaration(result: Mapping[str, Any]) -> Iterator[str]:
    stored, name = result["benchmark"], result["benchmark"]["name"]
    if stored.get("adhoc") and name not in benchmarks.names():
        return
    if name not in benchmarks.names():
        yield f'There is no benchmark called "{name}".'
        return
    now = json.loads(json.dumps(benchmarks.benchmark(name).declaration()))
    if now["version"] != stored["version"]:
        yield f"It is of version {stored['version']} of {name}, which is at version {now['version']}. Run it again."
        return
    keys = [key for key in {**stored, **now} if key != "annotations" and stored.get(key) != now.get(key)]
    if keys:
        yield f"The declaration of {name} has changed without a new version: {', '.join(keys)}."


def _weights(result: Mapping[str, Any]) -> Iterator[str]:
    from fer.registry import MODEL_NAMES
    from fer.weights import BUNDLED, find

    model = result["model"]
    if model["name"] in MODEL_NAMES and (BUNDLED / f"{model['name']}.json").is_file():
        bundled = find(model["name"])
        if bundled.id == model["weights"] and bundled.sha256 != model["weights_sha256"]:
            yield f"The bundled weights {bundled.id} have another checksum. Run it again."


def _scores(path: Path, result: Mapping[str, Any]) -> Iterator[str]:
    try:
        fresh = fresh_scores(Stored(path, dict(result), read_predictions(path, result)))
    except FerError as error:
        yield str(error)
        return
    keys = [key for key, value in fresh.items() if result.get(key) != value]
    if keys:
        yield f"It does not follow from its predictions: {', '.join(keys)}. Run: python -m eval score"


def _of_other_revisions(read: Mapping[Path, Mapping[str, Any]]) -> Iterator[Finding]:
    """Results on one benchmark are shown in one table, so they must be of the same pictures."""
    first: dict[Any, tuple[Path, Any, Any]] = {}
    for path, result in read.items():
        dataset, declaration = result.get("dataset", {}).get("revision"), result["benchmark"]
        before, revision, declared = first.setdefault(declaration.get("name"), (path, dataset, declaration))
        if revision != dataset:
            yield Finding(path, f"It was measured on another revision of the dataset than {before}.")
        if declaration.get("adhoc") and declared != declaration:
            yield Finding(path, f"It was measured with other columns, labels or framing than {before}.")


def _strays(results: Path, read: Mapping[Path, Mapping[str, Any]]) -> Iterator[Finding]:
    named = {path.with_name(str(r.get("predictions", {}).get("file"))) for path, r in read.items()}
    for path in sorted(set(results.glob("*/*/*.parquet")) - named):
        yield Finding(path, "No result names these predictions.")


def _speed(results: Path) -> Iterator[Finding]:
    for read in (read_speed, read_throughput):
        try:
            read(results)
        except DataError as error:
            yield Finding(results, str(error))
