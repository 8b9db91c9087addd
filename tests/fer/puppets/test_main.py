"""The command line: dataset files that ``datasets`` reads, sheets, and errors in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer.action_units import ACTION_UNITS
from fer.puppets.__main__ import main
from fer.puppets.sample import Cast, Options, draw, seed_of
from fer.types import EMOTIONS

SAMPLE = ["sample", "--n", "3", "--size", "32", "--seed", "9", "--aligned"]


def test_samples_are_a_split_that_datasets_reads(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    out = tmp_path / "puppets"
    assert main([*SAMPLE, "--assets", str(assets), "--split", "test", "--out", str(out)]) == 0
    assert [path.name for path in (out / "data").iterdir()] == ["test-00000-of-00001.parquet"]
    rows = datasets.load_dataset(str(out), split="test", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == 3
    assert rows.features["emotion"].names == [str(emotion) for emotion in EMOTIONS]
    expected = draw(Cast.load(assets, "test"), seed_of(9, 1), Options(32, aligned=True))
    row = rows[1]
    assert np.abs(np.asarray(row["image"]).astype(int) - expected.image).mean() < 4, "JPEG"
    assert EMOTIONS[row["emotion"]] == expected.expression.emotion
    assert len(row["au"]) == len(row["au_left"]) == len(ACTION_UNITS)
    assert np.allclose(row["au"], expected.expression.strengths)
    assert np.allclose(np.reshape(row["landmarks68"], (68, 2)), expected.landmarks, atol=1e-6)
    flow = np.frombuffer(row["flow"], np.float16).reshape(32, 32, 2)
    assert np.array_equal(flow, expected.flow, equal_nan=True)
    assert row["sources"] == expected.sources
    assert row["identity"] == expected.identity


def test_samples_by_unit_belong_to_no_class(assets: Path, tmp_path: Path) -> None:
    assert main([*SAMPLE, "--by-unit", "--assets", str(assets), "--out", str(tmp_path)]) == 0
    (path,) = (tmp_path / "data").iterdir()
    rows = pq.read_table(path).to_pylist()
    expected = draw(Cast.load(assets, "train"), seed_of(9, 2), Options(32, aligned=True, by_unit=True))
    assert [(row["emotion"], row["intensity"]) for row in rows] == [(0, 0.0)] * 3
    assert np.allclose(rows[2]["au"], expected.expression.strengths)
    assert min(max(row["au"]) for row in rows) > 0.1


def test_a_split_is_not_overwritten(assets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*SAMPLE, "--assets", str(assets), "--out", str(tmp_path)]
    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 2
    assert "There is a train split in" in capsys.readouterr().err


def test_files_hold_so_many_rows(cast: Cast, tmp_path: Path) -> None:
    from fer.puppets.parquet import write_split

    paths = write_split(cast, tmp_path, "train", 3, 0, Options(16, augment=0.0), rows_per_file=2)
    assert [path.name for path in paths] == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]


def test_a_sheet_has_a_row_per_person(assets: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["sheet", "--assets", str(assets), "--people", "2", "--size", "32", "--out", str(out)]) == 0
    with Image.open(out) as sheet:
        assert sheet.size == (8 * 32, 20 + 2 * 32)
        pixels = np.asarray(sheet)
    neutral, surprise = pixels[20:52, :32].astype(int), pixels[20:52, 64:96]
    assert np.abs(neutral - surprise).mean() > 1
    background = np.s_[:8, :3]
    assert np.abs(neutral[background] - surprise[background]).mean() < 3, "one person, one background"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["sample", "--assets", "none.npz", "--out", "out"], "There is no assets file none.npz."),
        (["sheet", "--assets", "{assets}", "--split", "validation", "--out", "a.png"], "1 validation people"),
        (["sheet", "--assets", "{assets}", "--size", "8", "--out", "a.png"], "at least 16 px"),
        (["sheet", "--assets", "{assets}", "--size", "16", "--people", "1", "--out", "a.xyz"], "Use .png or .jpg"),
        (
            ["sheet", "--assets", "{assets}", "--size", "16", "--people", "1", "--out", "no/a.png"],
            "could not be written",
        ),
        (["build-assets", "--facekit", "none", "--photos", "none", "--out", "a.npz"], "ICT-FaceKit"),
    ],
)
def test_errors_are_one_sentence_and_code_2(
    assets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.format(assets=assets) for word in command]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def test_argparse_refuses_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--n", "0"], ["--seed", "-1"], ["--split", "dev"]):
        with pytest.raises(SystemExit) as stop:
            main(["sample", "--assets", "a.npz", "--out", "b", *wrong])
        assert stop.value.code == 2
    capsys.readouterr()
