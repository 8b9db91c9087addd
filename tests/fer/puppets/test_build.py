"""From stimuli on disk to assets, with the small face instead of ICT-FaceKit's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer.puppets import build
from fer.puppets.assets import load_assets
from fer.puppets.facekit import FaceModel
from fer.puppets.photos import Photo
from fer.puppets.sitter import Sitter

LARGER = 1.5  # photographs are larger than what is stored


@pytest.fixture
def stimuli(photos: list[Photo], tmp_path: Path) -> Path:
    """Three painted people, two of London and one of Canada, and no one of 3DSK."""
    places = (("neutral_front", "005_03"), ("neutral_front", "040_03"), ("canada", "1f"))
    for photo, (folder, stem) in zip(photos[:3], places, strict=True):
        (tmp_path / folder).mkdir(exist_ok=True)
        picture = cv2.imdecode(np.frombuffer(photo.jpeg, np.uint8), cv2.IMREAD_COLOR)
        cv2.imwrite(str(tmp_path / folder / f"{stem}.jpg"), cv2.resize(picture, None, fx=LARGER, fy=LARGER))
        lines = ["189", *(f"{x * LARGER:.3f} {y * LARGER:.3f}" for x, y in photo.template)]
        (tmp_path / folder / f"{stem}.tem").write_text("\n".join(lines) + "\n")
    for sex in ("female", "male"):
        (tmp_path / "3dsk" / sex).mkdir(parents=True)
    return tmp_path


def test_built_assets_cover_their_photographs(
    model: FaceModel, stimuli: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "load_ict", lambda folder: model)
    assert build.build_assets(Path("unused"), stimuli, tmp_path / "assets.npz") == 3
    loaded, photos = load_assets(tmp_path / "assets.npz")
    assert [(photo.key, photo.split) for photo in photos] == [
        ("london/005_03", "test"), ("london/040_03", "train"), ("canada/1f", "test"),
    ]  # fmt: skip
    for photo in photos:
        sitter = Sitter(loaded, photo)
        assert np.allclose(photo.template[:2], [[206, 215.04], [306, 215.04]], atol=0.05)
        corners = sitter.texture_points[model.landmarks[[48, 54]]]
        assert np.allclose(corners, photo.template[[87, 93]], atol=2), "corners of the mouth lie on theirs"
        assert sitter.picture.shape == (512, 512, 3)
