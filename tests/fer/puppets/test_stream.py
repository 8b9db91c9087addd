"""Endless pairs: pure functions of their number, interleaved by workers."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader

from fer.errors import DataError
from fer.puppets import stream as streams
from fer.puppets.sample import Options
from fer.puppets.stream import Pair, PuppetStream
from fer.types import EMOTIONS


def same(first: Pair, second: Pair) -> bool:
    return all(torch.equal(first[name], second[name]) for name in Pair.__annotations__)  # type: ignore[literal-required]


@pytest.fixture(scope="module")
def stream(assets: Path) -> PuppetStream:
    return PuppetStream(assets, "train", seed=3, size_px=48)


def test_a_pair_is_tensors_in_range(stream: PuppetStream) -> None:
    shapes = {
        "image": (3, 48, 48), "neutral": (3, 48, 48), "emotion": (), "intensity": (), "au": (23,),
        "landmarks": (68, 2), "neutral_landmarks": (68, 2),
    }  # fmt: skip
    for pair in islice(stream, 4):
        assert {name: tuple(value.shape) for name, value in pair.items()} == shapes  # type: ignore[attr-defined]
        assert pair["image"].dtype == pair["neutral"].dtype == torch.uint8
        assert pair["emotion"].dtype == torch.int64
        assert 0 <= int(pair["emotion"]) < len(EMOTIONS)
        assert pair["intensity"].dtype == pair["au"].dtype == pair["landmarks"].dtype == torch.float32
        assert 0 <= float(pair["au"].min()) <= float(pair["au"].max()) <= 1


def test_pairs_are_aligned_by_default(stream: PuppetStream) -> None:
    for pair in islice(stream, 6):
        bridge = slice(27, 29)  # of the nose: expressions hardly move it
        moved = (pair["landmarks"] - pair["neutral_landmarks"])[bridge].abs().max()
        assert float(moved) < 0.02


def test_a_pair_is_a_function_of_seed_and_number(assets: Path, stream: PuppetStream) -> None:
    again, other = (PuppetStream(assets, "train", seed=seed, size_px=48) for seed in (3, 4))
    for number, pair in enumerate(islice(stream, 4)):
        assert same(pair, again.item(number))
        assert not same(pair, other.item(number))


def test_a_stream_goes_on_where_another_ended(assets: Path, stream: PuppetStream) -> None:
    later = PuppetStream(assets, "train", seed=3, size_px=48, first=2)
    for number, pair in enumerate(islice(later, 2), start=2):
        assert same(pair, stream.item(number))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_interleave(stream: PuppetStream, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    asked: list[int] = []
    monkeypatch.setattr(stream, "item", lambda number: asked.append(number) or number)
    for worker in range(workers):
        info = SimpleNamespace(id=worker, num_workers=workers)
        monkeypatch.setattr(streams, "get_worker_info", lambda info=info: info)
        numbers = list(islice(stream, 12 // workers))
        assert numbers == list(range(worker, 12, workers))
    assert sorted(asked) == list(range(12))


def test_two_real_workers_give_every_pair_once(stream: PuppetStream) -> None:
    batches = list(islice(DataLoader(stream, batch_size=2, num_workers=2), 2))
    for worker, batch in enumerate(batches):  # batches come from the workers by turns
        for row, number in enumerate((worker, worker + 2)):
            assert torch.equal(batch["image"][row], stream.item(number)["image"])


def test_options_replace_the_default(assets: Path) -> None:
    stream = PuppetStream(assets, "test", seed=0, options=Options(size_px=32, aligned=True, augment=0.0))
    assert tuple(stream.item(0)["image"].shape) == (3, 32, 32)


def test_what_cannot_be_streamed(assets: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 or more"):
        PuppetStream(assets, "train", seed=-1)
    with pytest.raises(DataError, match="There is no assets file"):
        PuppetStream(tmp_path / "none.npz", "train", seed=0)
