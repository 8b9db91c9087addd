"""python -m fer.train from data to weights on a tiny data folder, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest
import torch

import fer
from fer import weights
from fer.data import ferplus, photographs, rows
from fer.errors import DataError, WeightsError
from fer.models import plain_training
from fer.models.derl_training import DerlRecipe
from fer.train import main, origin
from fer.types import EMOTIONS, Framing


def test_train_writes_weights_that_load_and_a_card_that_tells(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {"steps_small": 2, "steps_full": 2, "steps_settle": 1, "ferplus": 4, "lfw": 2}
    settings = [part for name, value in sizes.items() for part in ("--set", f"{name}={value}")]
    out = tmp_path / "out"
    arguments = ["plain", "--data-root", str(data), "--out", str(out), "--device", "cpu", "--id", "tiny", *settings]
    assert main([*arguments, "--threads", str(torch.get_num_threads())]) == 0
    card = json.loads((out / "plain.json").read_text())
    assert card["id"] == "tiny"
    assert card["steps"] == 5
    assert card["command"].startswith("python -m fer.train plain --set steps_small=2")
    assert card["recipe"]["lfw"] == 2
    model = fer.load("plain", str(out / "plain.safetensors"), device="cpu")
    assert model.recognize(torch.zeros(1, 3, 48, 48), Framing.TIGHT).probs.shape == (1, 8)
    assert main([*arguments, "--set", "learning_rate=0.2"]) == 2
    assert "another plan or recipe" in capsys.readouterr().err


def test_card_tells_of_the_weights_that_a_training_started_from() -> None:
    bundled = json.loads((weights.BUNDLED / "derl.json").read_text(encoding="utf-8"))
    entry = origin("derl", DerlRecipe(start="default"))["started_from"]
    assert {key: entry[key] for key in ("id", "sha256", "command", "steps")} == {
        key: bundled[key] for key in ("id", "sha256", "command", "steps")
    }
    assert origin("derl", DerlRecipe()) == {}
    assert origin("fesgan", DerlRecipe(start="derl:default"), ("au",))["started_from"] == entry
    (beside,) = origin("derl", DerlRecipe(start="default"), ("au",))["started_from"]["beside"]
    assert beside["sha256"] == json.loads((weights.BUNDLED / "au.json").read_text(encoding="utf-8"))["sha256"]
    with pytest.raises(WeightsError, match="no weights in"):
        origin("derl", DerlRecipe(start="nowhere.safetensors"))


def test_pictures_of_test_are_not_trained_on(data: Path) -> None:
    pixels, target = ferplus.load_train(data)
    assert len(pixels) == 14  # 17 less one without votes for an expression, less the copy and the mirrored copy
    assert target.argmax(1).tolist() == [i % 8 for i in range(16) if i not in (2, 5)]


def test_photographs_are_aligned_and_those_without_a_face_left_out(data: Path) -> None:
    pixels, labels = photographs.load_lfw(data)
    assert pixels.shape == (2, 3, 128, 128)
    assert labels.tolist() == [1, 1]
    pixels, labels = photographs.load_london(data)
    assert labels.tolist() == [0, 1]


def test_mild_puppets_are_left_out(data: Path) -> None:
    _, labels = photographs.load_puppets(data)
    assert labels.tolist() == [0, 4, 5, 6, 7]  # neutral, and intensities of one half and above


def test_labels_in_another_order_are_refused(data: Path) -> None:
    split = rows.open_split(data, "lfw_smiles", "train")
    shuffled = split.cast_column("label", datasets.ClassLabel(names=[str(e) for e in EMOTIONS[::-1]]))
    with pytest.raises(DataError, match="must name the expressions"):
        rows.check_labels(shuffled, "label")


def test_missing_data_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plain", "--data-root", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("There is no dataset in ")
    assert error.count("\n") == 1
    assert main(["plane"]) == 2
    assert 'Did you mean "plain"?' in capsys.readouterr().err


def test_folder_that_cannot_be_made_is_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    arguments = ["plain", "--data-root", str(data), "--out", str(tmp_path / "file" / "out")]
    assert main([*arguments, "--threads", str(torch.get_num_threads())]) == 2
    assert "could not be made" in capsys.readouterr().err


def test_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plain_training, "plan", interrupted)
    assert main(["plain", "--threads", str(torch.get_num_threads())]) == 130
    assert "same command again" in capsys.readouterr().err
