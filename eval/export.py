"""Results of a model for its repository on the Hugging Face Hub: ``.eval_results`` files and the older model-index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.benchmark import FamilyName, family_name
from eval.columns import BEST
from eval.source import HUB_ID
from fer.errors import DataError, StorageError

TASK_TYPES = {  # the Hub's own names of tasks
    FamilyName.RECOGNITION: "image-classification",
    FamilyName.ROBUSTNESS: "image-classification",
    FamilyName.PARTS: "image-classification",
    FamilyName.NEUTRALISATION: "image-to-image",
    FamilyName.EDITING: "image-to-image",
    FamilyName.ACTION_UNIT_EDITING: "image-to-image",
    FamilyName.FAITHFULNESS: "image-to-image",
    FamilyName.VERIFICATION: "image-feature-extraction",
    FamilyName.LEAKAGE: "image-feature-extraction",
    FamilyName.ACTION_UNITS: "image-classification",
}
FOLDER = ".eval_results"
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What would be pushed. files: text by path in the repository. model_index: for the header of README.md.

    left_out: why a result has no file in ``.eval_results``.
    """

    repo: str
    files: Mapping[str, str]
    model_index: Sequence[Mapping[str, Any]]
    left_out: Sequence[str]


def plan(results: Sequence[Result], repo: str) -> Plan:
    """The results of one model with one set of weights, for ``repo`` ("org/name"). Raises DataError."""
    match = HUB_ID.fullmatch(repo)
    if match is None or match["revision"] is not None:
        raise DataError(f'"{repo}" is no repository on the Hub. Expected ORG/NAME.')
    model = results[0]["model"]
    if model["weights_sha256"] is None:
        raise DataError(f"{model['name']} is a baseline without weights, so no repository holds it.")
    if "peer" in model:
        raise DataError(f"{model['name']} is somebody else's, so its results are not ours to push.")
    adhoc = [r["benchmark"]["name"] for r in results if r["benchmark"].get("adhoc")]
    if adhoc:
        raise DataError(f"{', '.join(adhoc)} is no declared benchmark; only results on those are pushed.")
    files = {f"{FOLDER}/{r['benchmark']['name']}.yaml": _yaml(_entry(r)) for r in results if _on_hub(r)}
    left_out = [
        f"{r['benchmark']['name']}: it was measured on a folder, and an entry must name a dataset on the Hub. Run it "
        "with --dataset ORG/NAME."
        for r in results
        if not _on_hub(r)
    ]
    return Plan(repo, files, _model_index(results), left_out)


def _on_hub(result: Result) -> bool:
    return bool(result["dataset"]["from"] == "hub")


def _main_score(result: Result) -> tuple[str, Mapping[str, float | None]]:
    name = BEST[family_name(result["benchmark"])][0]
    return name, result["scores"][name]


def _entry(result: Result) -> list[dict[str, Any]]:
    """The score that orders the table, as the Hub's leaderboards read it."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    name, score = _main_score(result)
    notes = (
        f"{name}, 95 % interval {score['low']} to {score['high']}; {result['counts']['n_scored']} pictures; benchmark "
        f"version {result['benchmark']['version']}; weights {result['model']['weights']}"
    )
    entry = EvalResultEntry(
        dataset_id=result["dataset"]["id"],
        task_id=result["benchmark"]["name"],
        value=score["value"],
        dataset_revision=result["dataset"]["revision"],
        date=result["date"],
        notes=notes,
    )
    return eval_result_entries_to_yaml([entry])


def _model_index(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every defined score. A folder's checksum is no revision of the Hub, so it stands among the arguments."""
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    rows = [
        EvalResult(
            task_type=TASK_TYPES[family_name(r["benchmark"])],
            task_name=str(family_name(r["benchmark"])),
            dataset_type=r["dataset"]["id"],
            dataset_name=r["benchmark"]["title"],
            dataset_config=r["benchmark"]["name"],
            dataset_split=r["benchmark"]["split"],
            dataset_revision=r["dataset"]["revision"] if _on_hub(r) else None,
            dataset_args={"version": r["benchmark"]["version"]}
            | ({} if _on_hub(r) else {"files": r["dataset"]["revision"]}),
            metric_type=name,
            metric_name=name.replace("_", " "),
            metric_value=score["value"],
            metric_args={"low": score["low"], "high": score["high"], "n": r["counts"]["n_scored"]},
        )
        for r in results
        for name, score in r["scores"].items()
        if score["value"] is not None
    ]
    return eval_results_to_model_index(results[0]["model"]["name"], rows)


def _yaml(value: object) -> str:
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]  # as the Hub's own client writes cards

    return str(yaml_dump(value))


def shown(planned: Plan) -> str:
    """What would be pushed where, as text."""
    header = _yaml({"model-index": list(planned.model_index)})
    parts = [f"To https://huggingface.co/{planned.repo}, header of README.md:\n{header}"]
    parts += [f"To https://huggingface.co/{planned.repo}, {path}:\n{text}" for path, text in planned.files.items()]
    parts += [f"Not in {FOLDER}: {reason}" for reason in planned.left_out]
    return "\n".join(parts)


def push(planned: Plan) -> list[str]:
    """Merge the model-index into the card and add the files; returns the addresses of the commits.

    Scores that stand in the card for the same benchmark are replaced. Raises StorageError.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi, metadata_update

    title = "Results of python -m eval"
    try:
        index = {"model-index": [dict(each) for each in planned.model_index]}
        urls = [str(metadata_update(planned.repo, index, overwrite=True, commit_message=title))]
        if planned.files:
            added = [CommitOperationAdd(path, text.encode()) for path, text in planned.files.items()]
            urls.append(HfApi().create_commit(planned.repo, added, commit_message=title).commit_url)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StorageError(f"The results could not be pushed to {planned.repo}: {reason}") from error
    return urls
