"""Templated photographs on disk: which there are, who is tested on, how they are cut."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer.errors import DataError
from fer.puppets.photos import PHOTO_PX, balance, crop, list_sources, read_picture, read_template


def photograph(folder: Path, stem: str, template: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.jpg").write_bytes(b"")
    if template:
        (folder / f"{stem}.tem").write_text("189\n")


@pytest.fixture
def stimuli(tmp_path: Path) -> Path:
    for stem in ("001_03", "030_03", "031_03"):
        photograph(tmp_path / "neutral_front", stem)
    photograph(tmp_path / "neutral_front", "099_03", template=False)
    for sex in ("female", "male"):
        for number in range(12):
            photograph(tmp_path / "3dsk" / sex, f"{sex}{number:02d}")
    for number in range(6):
        photograph(tmp_path / "canada", f"{number:03d}f")
    photograph(tmp_path / "canada", "100m")
    return tmp_path


def test_test_people_are_held_out(stimuli: Path) -> None:
    found = {source.key: (source.split, source.sex) for source in list_sources(stimuli)}
    assert found["london/001_03"] == found["london/030_03"] == ("test", "?")
    assert found["london/031_03"] == ("train", "?")
    assert "london/099_03" not in found
    assert [key for key, (split, _) in found.items() if key.startswith("3dsk") and split == "train"] == [
        "3dsk/female00", "3dsk/female01", "3dsk/male00", "3dsk/male01",
    ]  # fmt: skip
    assert [found[f"canada/{n:03d}f"][0] for n in range(6)] == ["train"] + ["test"] * 5
    assert found["canada/100m"] == ("test", "m")


def test_a_folder_that_holds_no_stimuli(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neutral_front is missing"):
        list_sources(tmp_path)


def test_templates_are_read_and_refused(tmp_path: Path) -> None:
    points = np.arange(378.0).reshape(189, 2)
    path = tmp_path / "a.tem"
    path.write_text("189\n" + "\n".join(f"{x}\t{y}" for x, y in points) + "\n40\n0\n1 2 3\n")
    assert np.array_equal(read_template(path), points)
    for content in ("3\n1 2\n3 4\n5 6\n", "many\n1 2\n", "189\n1 x\n"):
        path.write_text(content)
        with pytest.raises(DataError, match=r"a\.tem"):
            read_template(path)
    with pytest.raises(DataError, match="not a picture"):
        read_picture(path)


def test_the_crop_levels_the_eyes() -> None:
    picture = np.zeros((900, 1200, 3), np.uint8)
    pupils = np.array([[500.0, 400], [740, 580]])  # 300 px apart, tilted
    for x, y in pupils.astype(int):
        cv2.circle(picture, (int(x), int(y)), 12, (255, 255, 255), -1)
    template = np.concatenate([pupils, np.zeros((187, 2))])
    square, points = crop(picture, template)
    assert square.shape == (PHOTO_PX, PHOTO_PX, 3)
    assert np.allclose(points[:2], [[206, 0.42 * 512], [306, 0.42 * 512]])
    for x, y in points[:2].round().astype(int):
        assert square[y, x].min() > 200


def test_balancing_by_collection() -> None:
    picture = np.full((512, 512, 3), (180, 200, 220), np.uint8)
    assert np.array_equal(balance("london", picture), picture)
    assert np.allclose(balance("canada", picture)[0, 0], [206, 208, 208], atol=1)
    assert np.allclose(balance("3dsk", picture)[0, 0], [184, 200, 216], atol=1)
