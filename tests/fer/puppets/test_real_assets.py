"""The real assets, where they lie beside the checkout: pairs of all splits stay what they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer.puppets.sample import Cast, Options, draw, seed_of

ASSETS = Path(__file__).resolve().parents[4] / "shared" / "data" / "puppets" / "assets.npz"

pytestmark = pytest.mark.skipif(not ASSETS.is_file(), reason="the assets are not beside this checkout")


def test_no_photograph_is_in_two_splits() -> None:
    keys = [{s.photo.key for s in Cast.load(ASSETS, split).sitters} for split in ("train", "validation", "test")]
    assert [len(k) for k in keys] == [169, 16, 57]
    assert len(set.union(*keys)) == 242


def test_a_pair_of_the_test_people() -> None:
    sample = draw(Cast.load(ASSETS, "test"), seed_of(0, 0), Options(aligned=True))
    assert sample.image.shape == (128, 128, 3)
    on_face = ~np.isnan(sample.flow).any(2)
    assert 0.2 < on_face.mean() < 0.9
    assert 0.2 < sample.landmarks.mean() < 0.8
