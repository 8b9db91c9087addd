"""Stored predictions scored again, without any model; and told what their dataset says of them beside the label."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import benchmarks
from eval.annotations import annotator
from eval.benchmark import family_name
from eval.environment import git
from eval.families import FAMILIES
from eval.records import Record
from eval.source import locate
from eval.store import read_predictions, read_result, write_json, write_result
from fer.errors import DataError


@dataclass(frozen=True, eq=False)
class Stored:
    """A result on disk with its predictions."""

    path: Path
    result: dict[str, Any]
    records: Sequence[Record]


def fresh_scores(stored: Stored) -> dict[str, Any]:
    """The part of a result that follows from its predictions, as JSON values. Raises DataError."""
    declaration = stored.result["benchmark"]
    scores = FAMILIES[family_name(declaration)].score(stored.records, declaration, stored.result["seed"])
    as_json: dict[str, Any] = json.loads(json.dumps(scores, allow_nan=False))
    return as_json


def rescore(stored: Stored) -> bool:
    """Write the result again where its scores do not follow from its predictions; returns whether they did not."""
    fresh = fresh_scores(stored)
    if all(stored.result.get(key) == value for key, value in fresh.items()):
        return False
    write_json(stored.path, stored.result | fresh)
    return True


def made_by(path: Path, identity: str) -> Stored | None:
    """The result at ``path`` where a run of this identity made its predictions and they are whole, else None.

    identity: of ``store.Parts``. Results that tell none may be of anything.
    """
    try:
        result = read_result(path)
        if result.get("predictions", {}).get("identity") != identity:
            return None
        return Stored(path, result, read_predictions(path, result))
    except DataError:
        return None


def score_again(stored: Stored, results: Path, seed: int) -> dict[str, Any]:
    """The result with the scores that ``seed`` gives, written where that changes it. The identity must be today's.

    Then the code is today's too, so its commit takes the place of one that did not tell the code.
    """
    asked = stored.result | {"seed": seed}
    if asked["git"]["dirty"]:
        asked["git"] = git()
    fresh = asked | fresh_scores(Stored(stored.path, asked, stored.records))
    if fresh != stored.result:
        write_result(results, fresh, stored.records, stored.result["predictions"]["identity"])
    return fresh


def lacks_annotations(result: Mapping[str, Any]) -> bool:
    """Whether the benchmark declares other annotations than the stored predictions were given."""
    name = result["benchmark"]["name"]
    if name not in benchmarks.names():
        return False
    now = benchmarks.benchmark(name)
    wanted = json.loads(json.dumps(now.declaration())).get("annotations")
    return bool(now.version == result["benchmark"]["version"] and wanted != result["benchmark"].get("annotations"))


def annotate(stored: Stored, results: Path, data_root: Path) -> Stored:
    """Write stored predictions again with the annotations of their rows, which must be those that were predicted.

    Raises DataError where the dataset in ``data_root`` is another revision.
    """
    benchmark = benchmarks.benchmark(stored.result["benchmark"]["name"])
    source = locate(benchmark, data_root, None)
    if source.revision(benchmark.split) != stored.result["dataset"]["revision"]:
        raise DataError(
            f"{stored.path} was measured on another revision of {benchmark.dataset} than the one in {data_root}. Give "
            "the folder that it was measured on, or run the benchmark again."
        )
    records = annotator(benchmark, source)(stored.records)
    told = stored.result["benchmark"] | {"annotations": benchmark.declaration().get("annotations")}
    result = json.loads(json.dumps(stored.result | {"benchmark": told}))
    path = write_result(results, result, records)
    return Stored(path, json.loads(path.read_text(encoding="utf-8")), records)
