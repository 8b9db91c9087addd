"""Rendered pairs in memory: the stream's, in its order, whatever the number of workers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fer.data.pairs import Pairs
from fer.errors import TrainingError
from fer.puppets.pool import render_pairs
from fer.puppets.sample import Options
from fer.puppets.stream import PuppetStream


@pytest.fixture
def data_root(assets: Path, tmp_path: Path) -> Path:
    (tmp_path / "puppets").mkdir()
    (tmp_path / "puppets" / "assets.npz").symlink_to(assets)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_pool_holds_the_first_pairs_of_the_stream(data_root: Path, workers: int) -> None:
    pool = render_pairs(data_root, 3, seed=7, workers=workers)
    stream = PuppetStream(data_root / "puppets" / "assets.npz", "train", 7)
    assert len(pool) == 3
    assert pool.person.tolist() == [0, 1, 2]
    for number in range(3):
        pair = stream.item(number)
        assert torch.equal(pool.face[number], pair["image"])
        assert torch.equal(pool.neutral[number], pair["neutral"])
        assert torch.equal(pool.neutral_landmarks[number], pair["neutral_landmarks"])
        assert pool.intensity[number] == pair["intensity"]


@pytest.mark.parametrize("count", [0, -2])
def test_nothing_is_no_pool(data_root: Path, count: int) -> None:
    with pytest.raises(TrainingError, match=f"{count} rendered faces are too few"):
        render_pairs(data_root, count, seed=7)


def test_other_people_follow(data_root: Path) -> None:
    first, second = render_pairs(data_root, 2, seed=1), render_pairs(data_root, 1, seed=2)
    both: Pairs = first.followed_by(second)
    assert both.person.tolist() == [0, 1, 2]
    assert torch.equal(both.face[2], second.face[0])
    assert torch.equal(both.face[:2], first.face)


def test_units_are_rendered_on_purpose_and_their_strengths_known(data_root: Path) -> None:
    pool = render_pairs(data_root, 4, seed=3, split="test", by_unit=True)
    stream = PuppetStream(data_root / "puppets" / "assets.npz", "test", 3, options=Options(aligned=True, by_unit=True))
    assert pool.emotion.tolist() == [0] * 4
    for number in range(4):
        assert torch.equal(pool.face[number], stream.item(number)["image"])
        assert torch.equal(pool.action_units[number], stream.item(number)["au"])
    assert float(pool.action_units.amax(1).min()) > 0.1
