"""Changes: one person with two expressions, and what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fer.puppets import changes
from fer.puppets.changes import ChangeStream, one_unit, some_expression
from fer.puppets.pool import render_changes


@pytest.fixture
def data_root(assets: Path, tmp_path: Path) -> Path:
    (tmp_path / "puppets").mkdir()
    (tmp_path / "puppets" / "assets.npz").symlink_to(assets)
    return tmp_path


def test_one_unit_is_strong_and_alone_and_any_of_them() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([one_unit(rng).strengths for _ in range(300)])
    assert ((drawn > 0).sum(1) == 1).all()
    assert 0.4 <= drawn.max(1).min() < 0.45
    assert (drawn > 0).any(0).all()


def test_some_expressions_are_none() -> None:
    rng = np.random.default_rng(0)
    drawn = [some_expression(rng).strengths.max() for _ in range(200)]
    assert 0.2 < np.mean(np.array(drawn) == 0) < 0.4


def test_pool_holds_the_first_changes_of_the_stream(data_root: Path) -> None:
    pool, stream = render_changes(data_root, 2, seed=5, workers=2), ChangeStream(_assets(data_root), "train", 5)
    assert len(pool) == 2
    for number in range(2):
        change = stream.item(number)
        assert torch.equal(pool.faces[number], change["faces"])
        assert torch.equal(pool.units[number], change["units"])
        assert torch.equal(pool.flow[number].isnan(), change["flow"].isnan())
    assert pool.faces.shape[1:] == (2, 3, 128, 128)


def test_a_share_of_changes_leads_from_none_to_one_unit(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "ALONE", 1.0)
    units = ChangeStream(_assets(data_root), "train", 5).item(0)["units"]
    assert float(units[0].abs().max()) == 0
    assert int((units[1] > 0).sum()) == 1


def _assets(data_root: Path) -> Path:
    return data_root / "puppets" / "assets.npz"
