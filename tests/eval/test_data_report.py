"""The report of a dataset, on pictures whose copies are known."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from eval import cli, data_page, data_report, duplicates
from eval.benchmark import Recognition, View, same
from eval.duplicates import Seen
from eval.runner import Options, run
from eval.source import locate
from eval.store import write_result
from fer.errors import DataError
from fer.types import EMOTIONS, Framing


def noise(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)).resize((48, 48))


def png(picture):
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def test_the_same_pixels_are_one_picture_whatever_the_file():
    one = noise(1)
    webp = io.BytesIO()
    one.save(webp, "WEBP", lossless=True)
    pictures = [duplicates.seen(p) for p in (one, noise(2), Image.open(webp).convert("RGB"))]
    assert duplicates.exact(pictures) == [[0, 2]]
    assert pictures[0].thumbnail.shape == (48, 48)


def test_near_duplicates_are_found_brighter_and_mirrored_and_in_chains():
    one = noise(1)
    brighter = one.point(lambda value: value // 2 + 100)
    mirrored = one.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pictures = [duplicates.seen(p) for p in (noise(3), one, noise(2), brighter, mirrored)]
    assert duplicates.exact(pictures) == []
    assert duplicates.near(pictures) == [[1, 3, 4]]
    assert duplicates.near([]) == []
    assert duplicates.joined(6, [(4, 5), (0, 2), (2, 4)]) == [[0, 2, 4, 5]]


def test_blocks_find_the_pairs_that_all_at_once_find(monkeypatch):
    pictures = [duplicates.seen(noise(seed % 5)) for seed in range(12)]
    whole = duplicates.near(pictures)
    monkeypatch.setattr(duplicates, "BLOCK", 5)
    assert duplicates.near(pictures) == whole == [[0, 5, 10], [1, 6, 11], [2, 7], [3, 8], [4, 9]]


def test_flat_pictures_are_near_nothing_but_their_own_pixels():
    flat = Seen(b"a", np.full((48, 48), 7, np.uint8))
    assert duplicates.near([flat, Seen(b"b", np.full((48, 48), 9, np.uint8)), flat]) == [[0, 2]]


def test_what_a_stricter_test_set_leaves_out():
    groups = [
        ["train:4:image", "test:1:image", "test:2:image"],
        ["test:5:image", "test:7:image"],
        ["train:1:image"] * 2,
    ]
    assert data_report.repeated(groups, "test") == {(1, "image"), (2, "image"), (7, "image")}


@pytest.fixture
def dataset(make_dataset):
    """Test: 0 and 1 are one picture with two labels, 2 also stands in train, 3 alone, 4 broken, 5 has no label."""
    make_dataset([("fear", png(noise(9))), ("anger", png(noise(8)))], "train")
    rows = [("neutral", 1), ("happiness", 1), ("fear", 9), ("sadness", 3)]
    broken = [("fear", b"no picture"), ("unknown", png(noise(4)))]
    return make_dataset([*((label, png(noise(seed))) for label, seed in rows), *broken], "test")


def test_a_report_counts_labels_broken_rows_and_duplicates(dataset, tiny, tmp_path):
    found = data_report.report(tiny, dataset, tmp_path / "none")
    assert list(found["splits"]) == ["train", "test"]
    test = found["splits"]["test"]
    assert (test["rows"], test["pictures"], test["broken"]) == (6, 6, ["test:4:image"])
    assert test["labels"] == {"fear": 2, "happiness": 1, "neutral": 1, "sadness": 1, "unknown (not scored)": 1}
    assert test["sizes"] == {"48 x 48": 5}
    assert found["duplicates"]["exact"] == {
        "inside": {
            "train": {"groups": 0, "surplus": 0, "labels_differ": 0},
            "test": {"groups": 1, "surplus": 1, "labels_differ": 1},
        },
        "across": {"train > test": 1},
    }
    assert found["groups"]["exact"] == ["train:0:image test:2:image", "test:0:image test:1:image"]
    assert found["scores"] == []


def test_scores_with_and_without_duplicates(dataset, tiny, shades, contestant, tmp_path):
    """``shades`` names one class for every noise, so who is right can be read off."""
    scored = replace(
        tiny, task=Recognition(Framing.TIGHT, (View("image", "label", same(EMOTIONS) | {"unknown": None}),), EMOTIONS)
    )
    done = run(scored, locate(scored, dataset, None), contestant(shades()), Options(tmp_path / "cache"))
    answer = EMOTIONS[int(np.argmax(done.records[0].probs))]
    write_result(tmp_path / "results", done.result, done.records)
    (told,) = data_report.report(scored, dataset, tmp_path / "results")["scores"]
    labels = {"all": ["neutral", "happiness", "fear", "sadness"], "without exact": ["neutral", "sadness"]}
    for kind, left in labels.items():
        assert told[kind]["n"] == len(left)
        assert told[kind]["accuracy"]["value"] == sum(label == answer for label in left) / len(left)
    assert told["without near"]["n"] == 2
    assert (told["benchmark"], told["model"], told["weights"]) == ("tiny", "shades", "shades-1")


def test_the_page_shows_the_numbers(dataset, tiny, tmp_path):
    text = data_page.page([data_report.report(tiny, dataset, tmp_path / "none")])
    assert "| test | 6 | 6 | 1 | 48 x 48 |" in text
    assert "| test | 1 | 1 | 1 |" in text
    assert "- 1 pictures of test also stand in train." in text
    assert "With and without" not in text


def test_only_recognition_has_labels_to_count(capsys):
    assert cli.main(["data", "london_neutralise"]) == 2
    assert (
        capsys.readouterr().err == "london_neutralise is no benchmark of recognition, so it has no labels to count.\n"
    )


def test_a_missing_dataset_is_one_sentence(tiny, tmp_path):
    with pytest.raises(DataError, match="no files data/test"):
        data_report.report(tiny, tmp_path, tmp_path)
