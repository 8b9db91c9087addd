"""Pairs: what they share, what they do not, and that a seed says it all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer.errors import DataError
from fer.puppets.expression import make_expression
from fer.puppets.people import plain_person
from fer.puppets.photos import Photo
from fer.puppets.sample import ALIGNMENT_POINTS, Cast, Options, draw, five_points, photos_of_split, seed_of
from fer.puppets.sitter import Sitter
from fer.types import Emotion

ALIGNED, OTHER = Options(size_px=64, aligned=True), Options(size_px=64)
EXACT = Options(size_px=64, augment=0.0, pose_deg=0.0, jitter=0.0, aligned=True)


def test_a_seed_says_it_all(cast: Cast) -> None:
    for options in (ALIGNED, OTHER):
        first, again, other = (draw(cast, seed, options) for seed in (11, 11, 12))
        for name in ("image", "neutral", "landmarks", "neutral_landmarks", "pose"):
            assert np.array_equal(getattr(first, name), getattr(again, name)), name
        assert np.array_equal(first.flow, again.flow, equal_nan=True)
        assert first.identity == again.identity
        assert not np.array_equal(first.image, other.image)


def test_without_expression_aligned_pictures_are_one(cast: Cast) -> None:
    for seed in range(3):
        sample = draw(cast, seed, ALIGNED, expression=make_expression({}))
        assert np.array_equal(sample.image, sample.neutral)
        assert np.array_equal(sample.landmarks, sample.neutral_landmarks)
        on_face = sample.flow[~np.isnan(sample.flow)]
        assert len(on_face) > 100
        assert np.abs(on_face).max() < 1e-3


def test_aligned_pictures_differ_where_the_expression_is(cast: Cast) -> None:
    sample = draw(cast, 0, EXACT, expression=make_expression({"AU12": 1.0}))
    change = np.abs(sample.image.astype(int) - sample.neutral).max(2)
    assert change[38:52].mean() > 3
    assert change[:20].mean() < 1


def test_flow_leads_the_corners_of_the_mouth_back(cast: Cast) -> None:
    sample = draw(cast, 0, EXACT, expression=make_expression({"AU12": 1.0}))
    for corner in (48, 54):
        x, y = (sample.landmarks[corner] * 32).astype(int)
        back = sample.neutral_landmarks[corner] - sample.landmarks[corner]
        around = sample.flow[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 2).astype(float)
        assert np.nanmin(np.linalg.norm(around - back, axis=1)) < 0.5 * np.linalg.norm(back)


def test_other_neutrals_have_another_pose_and_crop(cast: Cast) -> None:
    sample = draw(cast, 5, OTHER, expression=make_expression({}))
    assert not np.array_equal(sample.image, sample.neutral)
    assert not np.allclose(sample.landmarks, sample.neutral_landmarks, atol=1e-3)


def test_exact_crops_put_the_face_in_its_place(cast: Cast, sitter: Sitter) -> None:
    sample = draw(cast, 0, EXACT, person=plain_person(sitter), expression=make_expression({"AU26": 1.0}))
    assert np.abs(five_points(sample.landmarks) - ALIGNMENT_POINTS).max() < 0.02
    assert np.all(sample.pose == 0)


@pytest.mark.parametrize(("size", "canvas"), [(64, 256), (128, 256), (160, 240), (256, 384)])
def test_canvases(size: int, canvas: int) -> None:
    assert Options(size_px=size).canvas_px == canvas


def test_shapes_types_and_ranges(cast: Cast) -> None:
    sample = draw(cast, 3, ALIGNED, emotion=Emotion.FEAR)
    assert sample.expression.emotion == Emotion.FEAR
    assert 0.3 <= sample.expression.intensity <= 1
    for picture in (sample.image, sample.neutral):
        assert picture.shape == (64, 64, 3)
        assert picture.dtype == np.uint8
        assert picture.flags.c_contiguous
    assert sample.flow.shape == (32, 32, 2)
    assert sample.flow.dtype == np.float16
    assert np.abs(sample.pose).max() <= np.deg2rad(15)
    assert set(sample.sources) <= {s.photo.key for s in cast.sitters}


def test_colours_are_rgb(cast: Cast, sitter: Sitter) -> None:
    sample = draw(cast, 0, EXACT, person=plain_person(sitter), expression=make_expression({}))
    red, _, blue = sample.image[36, 24].astype(int)  # on a cheek
    assert red > blue + 30


def test_classes_are_drawn_alike_often(cast: Cast) -> None:
    tiny = Options(size_px=16, augment=0.0)
    seen = {draw(cast, seed_of(0, number), tiny).expression.emotion for number in range(25)}
    assert len(seen) >= 6


def test_seeds_of_samples_differ() -> None:
    assert len({seed_of(s, n) for s in range(20) for n in range(50)}) == 1000
    assert seed_of(3, 7) == seed_of(3, 7)


def test_every_twelfth_training_person_is_validation(photos: list[Photo]) -> None:
    train = [replace(photos[0], key=f"london/{n:03d}_03", split="train") for n in reversed(range(31, 61))]
    test = [replace(photos[0], key=f"london/{n:03d}_03", split="test") for n in range(1, 4)]
    split = {name: [p.key for p in photos_of_split([*train, *test], name)] for name in ("train", "validation", "test")}
    assert split["validation"] == ["london/059_03", "london/047_03", "london/035_03"]
    assert len(split["train"]) == 27
    assert split["test"] == ["london/001_03", "london/002_03", "london/003_03"]
    assert not set(split["train"]) & set(split["validation"])


def test_a_cast_is_loaded_by_split(assets: Path) -> None:
    assert [s.photo.key for s in Cast.load(assets, "test").sitters] == [f"london/{n:03d}_03" for n in range(7, 11)]
    assert len(Cast.load(assets, "train").sitters) == 5
    with pytest.raises(DataError, match="1 validation people"):
        Cast.load(assets, "validation")
    with pytest.raises(DataError, match=r'no split "dev".*train, validation, test'):
        Cast.load(assets, "dev")


@pytest.mark.parametrize("wrong", [{"size_px": 15}, {"augment": -1.0}, {"pose_deg": -0.1}, {"jitter": -2.0}])
def test_options_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(DataError, match=r"at least 16 px|0 or more"):
        Options(**wrong)  # type: ignore[arg-type]
