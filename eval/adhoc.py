"""Any dataset of labelled faces as a benchmark of recognition: columns and labels guessed, ambiguity refused.

Such a benchmark is declared by no file. Its results carry the whole declaration, marked ``adhoc``, and stay out of the
project's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval import label_names
from eval.benchmark import Benchmark, Recognition, View
from eval.label_names import LabelMap
from eval.pictures import is_integer, is_text
from eval.source import Layout, Source, explained, on_hub
from eval.store import read_result, result_path
from fer.errors import DataError
from fer.types import EMOTIONS, Framing

LABEL_COLUMNS = ("label", "labels", "emotion", "emotions", "expression", "class", "cls")
INNER = "__"  # columns that ``datasets`` adds for itself begin so
USUAL_SPLIT = "test"
USUAL_CONFIG = "default"
MOST_LABELS = 100  # different ones in a column that may still be read as labels
HOW = {
    Framing.ALIGNED: "The largest face is found and aligned; a missed face counts as an error.",
    Framing.TIGHT: "Pictures go to the model as they are.",
}


@dataclass(frozen=True)
class Asked:
    """What a user says of a dataset. None: to be guessed. label_map: as it is written, see ``label_names.written``."""

    config: str | None = None
    split: str | None = None
    image: str | None = None
    label: str | None = None
    label_map: str = ""
    framing: Framing = Framing.ALIGNED
    name: str | None = None


def explore(given: str, config: str | None, streaming: bool) -> Source:
    """The dataset "org/name[@revision]" on the Hub or, where ``given`` begins with ".", "/" or "~", in a folder.

    However it lays out its data. config: which of its configurations, None where there is one. Raises DataError.
    """
    from datasets import get_dataset_config_names, get_dataset_default_config_name, load_dataset_builder

    source = _folder(given) if given.startswith((".", "/", "~")) else on_hub(given)
    with explained(source.named):
        configs = get_dataset_config_names(source.place, revision=source.commit)
        usual = get_dataset_default_config_name(source.place, revision=source.commit)
        chosen = config or usual
        if chosen not in configs:
            raise DataError(f"Say which configuration of {source.id} is meant, with --config: {', '.join(configs)}.")
        builder = load_dataset_builder(source.place, name=chosen, revision=source.commit)
    if source.commit and builder.hash != source.commit:
        raise DataError(f"The dataset {source.named} could not be read, only another version that was read before.")
    files = {str(split): found for split, found in (builder.config.data_files or {}).items()}
    return replace(
        source, layout=Layout(chosen, files, builder.name == "parquet", builder.info.features), streaming=streaming
    )


def _folder(given: str) -> Source:
    folder = Path(given).expanduser().resolve()
    if not folder.is_dir():
        raise DataError(f"There is no folder {given}. Give a folder, or ORG/NAME[@REVISION] for the Hub.")
    return Source(folder.name, str(folder))


def declare(source: Source, asked: Asked) -> Benchmark:
    """The benchmark that ``asked`` makes of an explored dataset. Raises DataError where something is not clear."""
    if source.layout is None:
        raise ValueError("The dataset must be explored first.")
    split = pick_split(list(source.layout.files), asked.split)
    features = source.features(split)
    image = pick_image(features, asked.image)
    label = pick_label(features, asked.label)
    labels = _label_map(source, split, label, features[label], label_names.written(asked.label_map))
    classes = tuple(e for e in EMOTIONS if e in labels.values())
    if len(classes) < 2:
        raise DataError(
            f'The labels of the column "{label}" name {len(classes)} expressions; a benchmark of recognition needs two.'
        )
    config = "" if source.layout.config == USUAL_CONFIG else f":{source.layout.config}"
    kind, where = "hub" if source.commit else "folder", f"{source.id}{config}"
    return Benchmark(
        name=f"{kind}:{asked.name or f'{where}:{split}'}",
        title=f"{where}, split {split}, no declared benchmark",
        version=1,
        dataset=source.id,
        split=split,
        task=Recognition(asked.framing, (View(image, label, labels),), classes),
        protocol=(
            f"Split {split} of the dataset {where}, its pictures and labels as they are there. {HOW[asked.framing]} "
            f"The most probable of {', '.join(classes)} must be right; the model's other probabilities are dropped."
        ),
        licence="as the dataset states",
        source=source.id,
        citation=source.id,
        adhoc=True,
    )


def pick_split(splits: Sequence[str], given: str | None) -> str:
    """The split that is asked for, else the one called test. Raises DataError."""
    chosen = given or USUAL_SPLIT
    if chosen not in splits:
        missing = f'There is no split "{chosen}"' if given else "There is no split called test"
        raise DataError(f"{missing}. Choose one with --split: {', '.join(splits)}.")
    return chosen


def pick_image(features: Mapping[str, Any], given: str | None) -> str:
    """The column that is asked for, else the only one that holds pictures. Raises DataError."""
    from datasets import Image

    found = [column for column, feature in features.items() if isinstance(feature, Image)]
    return _pick("pictures", "--image-column", found, found, features, given)


def pick_label(features: Mapping[str, Any], given: str | None) -> str:
    """The column that is asked for, else the only one with a usual name, else the only one of names or words.

    Raises DataError.
    """
    from datasets import ClassLabel

    outer = {column: feature for column, feature in features.items() if not column.startswith(INNER)}
    named = [column for column, feature in outer.items() if isinstance(feature, ClassLabel) or is_text(feature)]
    able = named + [column for column, feature in outer.items() if column not in named and is_integer(feature)]
    usual = [column for column in able if column.lower() in LABEL_COLUMNS]
    return _pick("labels", "--label-column", usual or named, able, features, given)


def _pick(
    what: str, option: str, likely: Sequence[str], able: Sequence[str], columns: Iterable[str], given: str | None
) -> str:
    if given is not None and given not in able:
        raise DataError(
            f'There is no column "{given}" of {what}; there are {", ".join(able) or "none"}, among the columns '
            f"{', '.join(columns)}."
        )
    if given is None and not likely:
        raise DataError(f"No column seems to hold {what}. Give it with {option}; there are {', '.join(columns)}.")
    if given is None and len(likely) > 1:
        raise DataError(f"Several columns may hold {what}: {', '.join(likely)}. Choose one with {option}.")
    return given or likely[0]


def _label_map(source: Source, split: str, column: str, feature: Any, given: LabelMap) -> LabelMap:
    from datasets import ClassLabel

    if isinstance(feature, ClassLabel):
        return label_names.label_map(feature.names, given, True, column)
    values = _different(source, split, column)
    if is_text(feature):
        return label_names.label_map(sorted(values), given, False, column)
    names = [str(value) for value in sorted(values)]
    unnamed = [name for name in names if name not in given]
    if unnamed:
        example = ",".join(f"{name}=EXPRESSION" for name in unnamed)
        raise DataError(
            f'The column "{column}" holds numbers without names, and their order differs between datasets. Say what '
            f'they stand for with --label-map "{example}".'
        )
    return label_names.label_map(names, given, False, column)


def _different(source: Source, split: str, column: str) -> set[Any]:
    """All values of a column. DataError where there are too many for labels."""
    found: set[Any] = set()
    for row in replace(source, streaming=True).open(split, [], [column]):
        found |= {row[column]} - {None}
        if len(found) > MOST_LABELS:
            raise DataError(
                f'The column "{column}" holds more than {MOST_LABELS} different values, so they are no labels. Choose '
                "another one with --label-column."
            )
    return found


def shown(declared: Benchmark, source: Source) -> str:
    """What a run will use, as a block of lines for the user to check."""
    if not isinstance(declared.task, Recognition):
        raise ValueError("Only recognition is made of any dataset.")
    (view,), task = declared.task.views, declared.task
    other = Framing.TIGHT if task.framing is Framing.ALIGNED else Framing.ALIGNED
    label_lines = [f'    "{name}" -> {expression or "left out"}' for name, expression in view.labels.items()]
    return "\n".join(
        [
            f"{declared.name}: split {declared.split} of {source.named}{', streamed' if source.streaming else ''}",
            f'  pictures: column "{view.image}"',
            f"  framing: {task.framing}. {HOW[task.framing]} The other way: --framing {other}",
            f'  labels: column "{view.label}"',
            *label_lines,
            f"  classes that compete: {', '.join(task.classes)}",
        ]
    )


def check_place(results: Path, own: Path, declared: Benchmark, model: str, weights: str) -> None:
    """DataError where a result would lie among the project's ``own``, or replace one of another declaration."""
    if results.resolve() == own.resolve():
        raise DataError(f"{own} holds results on declared benchmarks only. Give another folder with --results.")
    path = result_path(results, model, weights, declared.name)
    declaration = json.loads(json.dumps(declared.declaration()))
    if path.is_file() and read_result(path)["benchmark"] != declaration:
        raise DataError(f"{path} was measured with other columns, labels or framing. Give this run a --name.")
