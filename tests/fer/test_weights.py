"""Weights: verified, strict, safetensors only."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import fer
from fer import registry, weights
from fer.errors import FerError, RegistryError, StorageError, WeightsError
from fer.models.plain import Plain, PlainConfig

TINY = PlainConfig(widths=(4, 8, 8, 8), blocks=(1, 1, 1))
CONFIG = {"size_px": 48, "widths": [4, 8, 8, 8], "blocks": [1, 1, 1], "dropout": 0.3, "temperature": 1.5}
CARD = {"model": "plain", "id": "tiny-1", "config": CONFIG}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return weights.save(Plain(TINY), CARD, tmp_path).path


def test_saved_weights_come_back_rounded_to_half(saved: Path) -> None:
    torch.manual_seed(0)
    original = weights.rounded_to_half(Plain(TINY))
    loaded = fer.load("plain", str(saved), device="cpu")
    for key, value in original.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    assert loaded.config.temperature == 1.5
    assert not loaded.training


def test_card_names_checksum_size_and_parameters(saved: Path) -> None:
    card = json.loads(saved.with_suffix(".json").read_text())
    assert card["sha256"] == weights.sha256(saved)
    assert card["bytes"] == saved.stat().st_size
    assert card["parameters"] == sum(p.numel() for p in Plain(TINY).parameters())


def test_one_flipped_bit_is_noticed(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[-5] ^= 1
    saved.write_bytes(data)
    with pytest.raises(WeightsError, match="does not match the checksum"):
        fer.load("plain", str(saved))


def test_truncated_file_with_a_matching_card_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:200])
    rewrite_card(saved, sha256=weights.sha256(saved))
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        fer.load("plain", str(saved))


def test_a_pickle_in_disguise_is_refused(saved: Path) -> None:
    saved.write_bytes(pickle.dumps({"a": 1}))
    rewrite_card(saved, sha256=weights.sha256(saved))
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        fer.load("plain", str(saved))


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = Plain(TINY)
    nn.init.constant_(model.network[0][0].weight, float("inf"))  # type: ignore[index, arg-type]
    path = weights.save(model, CARD, tmp_path).path
    with pytest.raises(WeightsError, match="not finite"):
        fer.load("plain", str(path))


def test_another_shape_is_refused(saved: Path) -> None:
    rewrite_card(saved, config=CONFIG | {"widths": [4, 8, 8, 16]})
    with pytest.raises(WeightsError, match="does not fit"):
        fer.load("plain", str(saved))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "other"}, 'weights of "other", not of "plain"'),
        ({"config": CONFIG | {"colour": 3}}, "lacks: colour"),
        ({"config": CONFIG | {"temperature": -1}}, "not valid"),
        ({"config": CONFIG | {"widths": ["a", 8, 8, 8]}}, "not valid"),
        ({"config": CONFIG | {"size_px": -5}}, "not valid"),
        ({"config": [1]}, "no card"),
    ],
)
def test_card_that_disagrees_is_refused(saved: Path, changes: dict[str, object], words: str) -> None:
    rewrite_card(saved, **changes)
    with pytest.raises(WeightsError, match=words):
        fer.load("plain", str(saved))


def test_missing_or_broken_card(saved: Path) -> None:
    saved.with_suffix(".json").write_text("{ not json")
    with pytest.raises(WeightsError, match="could not be read"):
        fer.load("plain", str(saved))
    saved.with_suffix(".json").write_text("{}")
    with pytest.raises(WeightsError, match="lacks model, id, sha256, config"):
        fer.load("plain", str(saved))
    saved.with_suffix(".json").write_text("5")
    with pytest.raises(WeightsError, match="no card"):
        fer.load("plain", str(saved))
    saved.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match="has no card"):
        fer.load("plain", str(saved))


@pytest.mark.parametrize("name", registry.MODEL_NAMES)
def test_a_bundled_card_describes_the_model_as_its_spec_does(name: str) -> None:
    card, spec = weights.find(name).card, registry.spec(name)
    assert card["title"] == spec.title
    assert card["summary"] == spec.summary
    assert card["departures"] == list(spec.departures)


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"python -m fer\.train plain"):
        fer.load("plain", str(tmp_path / "none.safetensors"))
    with pytest.raises(WeightsError, match="names no weights"):
        fer.load("plain", "latest")


def test_unknown_model_and_device() -> None:
    with pytest.raises(RegistryError, match="Did you mean"):
        fer.load("plian")
    for device in ("toaster", "meta", "mps", "xpu"):
        with pytest.raises(FerError, match="is no device"):
            fer.load("plain", device=device)
    if not torch.cuda.is_available():
        with pytest.raises(FerError, match="no such usable GPU"):
            fer.load("plain", device="cuda")


def test_unreachable_hub_is_one_sentence(tmp_path: Path) -> None:
    """The real client, in a process of its own, asks a port of this computer where nobody listens."""
    code = (
        "import fer, fer.errors\n"
        "try: fer.load('plain', 'somebody/deadpan@v1')\n"
        "except fer.errors.WeightsError as error: print(error)"
    )
    here = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | here, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("The weights somebody/deadpan@v1 could not be fetched"), done.stderr
    assert done.stdout.count("\n") == 1


def test_full_disk_leaves_the_old_weights(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(StorageError, match="No space left"):
        weights.save(Plain(TINY), CARD, saved.parent)
    assert saved.read_bytes() == before
    assert sorted(p.name for p in saved.parent.iterdir()) == ["plain.json", "plain.safetensors"]


def test_too_large_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="the limit is 10,000,000"):
        weights.save(nn.Linear(3000, 2000), CARD, tmp_path)
    assert list(tmp_path.iterdir()) == []


def rewrite_card(path: Path, **changes: object) -> None:
    card_path = path.with_suffix(".json")
    card_path.write_text(json.dumps(json.loads(card_path.read_text()) | changes))
