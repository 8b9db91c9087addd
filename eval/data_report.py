"""What a dataset holds: pictures and labels of each split, broken rows, and pictures that it holds more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval import duplicates
from eval.benchmark import Benchmark, FamilyName, Recognition, family_name
from eval.columns import RATES
from eval.duplicates import Group, Seen
from eval.families.recognition import recognition
from eval.pictures import Split
from eval.records import Record
from eval.scoring import Stored
from eval.source import Source, locate, picture_bytes
from eval.store import read_predictions, read_results
from fer.data.ferplus import DUPLICATE_CORRELATION
from fer.errors import DataError, ImageError
from fer.images import open_image
from fer.types import Emotion

FORMAT = 1
RULES = {
    "exact": "same size and pixels",
    "near": (
        f"correlation of grey thumbnails above {DUPLICATE_CORRELATION}, as they are or one mirrored; chains are one "
        "group; exact ones among them"
    ),
}


@dataclass(frozen=True)
class Place:
    """Where a picture stands. label: its expression, or the dataset's own name of a label outside the protocol."""

    split: str
    row: int
    column: str
    label: str

    def __str__(self) -> str:
        return f"{self.split}:{self.row}:{self.column}"


def report(benchmark: Benchmark, data_root: Path | None, results: Path) -> dict[str, Any]:
    """What the dataset of a benchmark of recognition holds, as JSON values; with the scores of stored results, with and
    without duplicates. Raises DataError.
    """
    if not isinstance(benchmark.task, Recognition):
        raise DataError(f"{benchmark.name} is no benchmark of recognition, so it has no labels to count.")
    source = locate(benchmark, data_root, None)
    splits = splits_of(source, benchmark)
    places: list[Place] = []
    pictures: list[Seen] = []
    told: dict[str, Any] = {}
    for split in splits:
        told[split], seen = _of_split(replace(benchmark, split=split), source)
        places += [place for place, _ in seen]
        pictures += [picture for _, picture in seen]
    groups = {"exact": duplicates.exact(pictures), "near": duplicates.near(pictures)}
    found: dict[str, Any] = {
        "format": FORMAT,
        "benchmark": benchmark.name,
        "dataset": benchmark.dataset,
        "scored_split": benchmark.split,
        "splits": told,
        "rules": RULES,
        "duplicates": {rule: _counted(alike, places, splits) for rule, alike in groups.items()},
        "groups": {
            rule: [" ".join(str(places[i]) for i in group) for group in alike] for rule, alike in groups.items()
        },
    }
    measured = {path: result for path, result in read_results(results).items() if is_on(result, found)}
    return found | {
        "scores": scores(found, [Stored(path, r, read_predictions(path, r)) for path, r in measured.items()])
    }


def splits_of(source: Source, benchmark: Benchmark) -> list[str]:
    """The splits in the folder of a dataset: the one to train on first, the one that is scored last."""
    files = (Path(source.place) / "data").glob("*-*.parquet")
    edge = {benchmark.train_split: 0, benchmark.split: 2}
    return sorted({path.name.partition("-")[0] for path in files}, key=lambda split: (edge.get(split, 1), split))


def _of_split(benchmark: Benchmark, source: Source) -> tuple[dict[str, Any], list[tuple[Place, Seen]]]:
    labels: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    broken: list[str] = []
    found: list[tuple[Place, Seen]] = []
    split = Split(benchmark, source, benchmark.asked(Recognition).views, None)
    for place, data in _pictures(benchmark.split, split):
        labels[place.label] += 1
        try:
            picture = open_image(data)
        except ImageError:
            broken.append(str(place))
            continue
        sizes[f"{picture.width} x {picture.height}"] += 1
        found.append((place, duplicates.seen(picture)))
    return {
        "revision": source.revision(benchmark.split),
        "rows": split.n_rows,
        "pictures": len(split),
        "labels": dict(sorted(labels.items())),
        "sizes": dict(sizes.most_common()),
        "broken": broken,
    }, found


def _pictures(name: str, split: Split) -> Iterator[tuple[Place, bytes]]:
    for number in range(split.n_rows):
        row = split.rows[number]
        for view, name_of in split.views:
            raw = name_of(row)
            label = view.constant or view.labels.get(raw or "") or f"{raw} (not scored)"
            yield Place(name, number, view.image, str(label)), picture_bytes(row[view.image]) or b""


def _counted(groups: Sequence[Group], places: Sequence[Place], splits: Sequence[str]) -> dict[str, Any]:
    """Inside each split: groups, pictures beyond the first of each, and groups with different labels. Across: pictures
    of the second split that also stand in the first.
    """
    inside = {split: {"groups": 0, "surplus": 0, "labels_differ": 0} for split in splits}
    across = {f"{a} > {b}": 0 for i, a in enumerate(splits) for b in splits[i + 1 :]}
    for group in groups:
        members = {s: [places[i] for i in group if places[i].split == s] for s in splits}
        for split, own in members.items():
            inside[split]["groups"] += len(own) > 1
            inside[split]["surplus"] += max(0, len(own) - 1)
            inside[split]["labels_differ"] += len({place.label for place in own}) > 1
        for pair in across:
            first, second = pair.split(" > ")
            across[pair] += len(members[second]) if members[first] else 0
    return {"inside": inside, "across": across}


def repeated(groups: Sequence[Sequence[str]], split: str) -> set[tuple[int, str]]:
    """Keys of the records of ``split`` that a stricter test set leaves out: pictures that also stand in another split,
    and all but the first of those that stand in this one alone. groups: of places as text.
    """
    dropped: set[tuple[int, str]] = set()
    for group in groups:
        parts = [place.split(":", 2) for place in group]
        own = [(int(row), column) for name, row, column in parts if name == split]
        dropped.update(own if len(own) < len(parts) else own[1:])
    return dropped


def is_on(result: Mapping[str, Any], report: Mapping[str, Any]) -> bool:
    """Whether a result is of recognition on the very split of which a report tells."""
    declared, split = result["benchmark"], report["scored_split"]
    same_data = (declared["dataset"], declared["split"], result["dataset"]["revision"])
    here = (report["dataset"], split, report["splits"][split]["revision"])
    return family_name(declared) is FamilyName.RECOGNITION and same_data == here


def scores(report: Mapping[str, Any], stored: Iterable[Stored]) -> list[dict[str, Any]]:
    """Scores of the stored results that are on the split of a report, with and without the duplicates in it."""
    groups = {rule: [group.split() for group in alike] for rule, alike in report["groups"].items()}
    found = [with_and_without(each, groups) for each in stored if is_on(each.result, report)]
    return sorted(found, key=lambda each: (each["benchmark"], each["model"], each["weights"]))


def with_and_without(stored: Stored, groups: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Any]:
    """The scores of a result on all its pictures, and without those that ``repeated`` names, by rule."""
    result = stored.result
    kept: dict[str, Sequence[Record]] = {"all": stored.records}
    for rule, named in groups.items():
        dropped = repeated(named, result["benchmark"]["split"])
        kept[f"without {rule}"] = [record for record in stored.records if record.key not in dropped]
    classes = tuple(Emotion(name) for name in result["benchmark"]["classes"])
    scored = {name: recognition(records, classes, result["seed"]) for name, records in kept.items()}
    return {
        "benchmark": result["benchmark"]["name"],
        "model": result["model"]["name"],
        "weights": result["model"]["weights"],
        "predictions_sha256": result["predictions"]["sha256"],
        **{
            name: {"n": each["counts"]["n_scored"]} | {key: each["scores"][key] for key in RATES}
            for name, each in scored.items()
        },
    }
