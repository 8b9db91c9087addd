"""What goes to the Hub: the formats, what is left out, and that a dry run touches no network."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import yaml

from eval import benchmarks, cli, export
from eval.store import write_result
from fer.errors import DataError, StorageError

COMMIT = "c" * 40
SCORES = {
    "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6},
    "nll": {"value": None, "low": None, "high": None},
}


def store(root: Path, benchmark: str, on_hub: bool, sha256: str | None = "0" * 64) -> dict:
    result = {
        "benchmark": json.loads(json.dumps(benchmarks.benchmark(benchmark).declaration())),
        "dataset": {"id": "org/faces", "revision": COMMIT, "from": "hub"}
        if on_hub
        else {"id": "faces", "revision": "sha256:1", "from": "folder"},
        "model": {"name": "plain", "weights": "plain-1", "weights_sha256": sha256},
        "counts": {"n_scored": 10},
        "scores": SCORES,
        "ms_per_face": {},
        "seed": 0,
        "date": "2026-01-01T00:00:00+00:00",
    }
    write_result(root, result, [])
    return result


def test_an_entry_names_dataset_revision_and_interval(tmp_path) -> None:
    planned = export.plan([store(tmp_path, "ferplus", True)], "org/plain")
    ((path, text),) = planned.files.items()
    assert path == ".eval_results/ferplus.yaml"
    assert yaml.safe_load(text) == [
        {
            "dataset": {"id": "org/faces", "task_id": "ferplus", "revision": COMMIT},
            "value": 0.5,
            "date": "2026-01-01T00:00:00+00:00",
            "notes": "accuracy, 95 % interval 0.4 to 0.6; 10 pictures; benchmark version 1; weights plain-1",
        }
    ]
    assert planned.left_out == []


def test_the_model_index_holds_every_defined_score(tmp_path) -> None:
    results = [store(tmp_path, "ferplus", True), store(tmp_path, "fer2013", False)]
    (index,) = export.plan(results, "org/plain").model_index
    assert index["name"] == "plain"
    hub, folder = index["results"]
    assert hub["task"] == {"type": "image-classification", "name": "recognition"}
    assert hub["dataset"] == {
        "name": "FER+ test, 8 classes",
        "type": "org/faces",
        "config": "ferplus",
        "split": "test",
        "revision": COMMIT,
        "args": {"version": 1},
    }
    assert hub["metrics"] == [
        {"type": "accuracy", "value": 0.5, "name": "accuracy", "args": {"low": 0.4, "high": 0.6, "n": 10}}
    ]
    assert folder["dataset"]["args"] == {"version": 1, "files": "sha256:1"}
    assert "revision" not in folder["dataset"]


def test_a_dry_run_says_what_goes_where_and_asks_no_network(tmp_path, capsys, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    store(tmp_path, "ferplus", True)
    store(tmp_path, "fer2013", False)
    assert cli.main(["export", "plain", "--repo", "org/plain", "--dry-run", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("To https://huggingface.co/org/plain, header of README.md:\nmodel-index:\n- name: plain\n")
    assert "To https://huggingface.co/org/plain, .eval_results/ferplus.yaml:\n- dataset:\n" in out
    assert "Not in .eval_results: fer2013: it was measured on a folder" in out


def test_every_family_has_a_task_of_the_hub() -> None:
    assert set(export.TASK_TYPES) == {benchmarks.benchmark(name).family for name in benchmarks.names()}


def test_what_no_repository_can_hold_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="baseline without weights"):
        export.plan([store(tmp_path, "ferplus", True, sha256=None)], "org/plain")
    with pytest.raises(DataError, match="no repository on the Hub"):
        export.plan([store(tmp_path, "ferplus", True)], "a/b/c")


def test_a_push_merges_the_card_and_adds_the_files(tmp_path, monkeypatch) -> None:
    import huggingface_hub

    pushed = {}

    class Api:
        def create_commit(self, repo, operations, commit_message):
            pushed[repo] = {o.path_in_repo: o.path_or_fileobj for o in operations}
            return type("Commit", (), {"commit_url": "https://hub/commit/2"})

    def update(repo, metadata, overwrite, commit_message):
        pushed["card"] = (repo, metadata, overwrite)
        return "https://hub/commit/1"

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "metadata_update", update)
    planned = export.plan([store(tmp_path, "ferplus", True)], "org/plain")
    assert export.push(planned) == ["https://hub/commit/1", "https://hub/commit/2"]
    assert pushed["card"] == ("org/plain", {"model-index": planned.model_index}, True)
    assert pushed["org/plain"] == {".eval_results/ferplus.yaml": planned.files[".eval_results/ferplus.yaml"].encode()}


def test_a_push_that_fails_is_one_sentence(tmp_path, monkeypatch) -> None:
    import huggingface_hub

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route\nto the Hub")

    monkeypatch.setattr(huggingface_hub, "metadata_update", offline)
    planned = export.plan([store(tmp_path, "ferplus", True)], "org/plain")
    with pytest.raises(StorageError, match=r"could not be pushed to org/plain: no route$"):
        export.push(planned)
