"""The assets file: a round trip, and what is said of a file that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer.errors import DataError, StorageError
from fer.puppets.assets import load_assets, save_assets
from fer.puppets.facekit import FaceModel
from fer.puppets.photos import Photo
from fer.puppets.wrinkles import MAP_SHAPE


def test_what_is_saved_is_loaded(model: FaceModel, photos: list[Photo], tmp_path: Path) -> None:
    correction = np.full((len(model.mean), 2), 1.3, np.float16)
    smile = np.linspace(0, 0.1, MAP_SHAPE[0] * MAP_SHAPE[1], dtype=np.float32).reshape(MAP_SHAPE)
    written = [replace(photos[0], correction=correction, sex="f"), *photos[1:]]
    save_assets(tmp_path / "a.npz", replace(model, smile=smile), written)
    loaded, read = load_assets(tmp_path / "a.npz")
    for name in ("mean", "triangles", "triangle_part", "vertex_part", "landmarks"):
        assert np.array_equal(getattr(loaded, name), getattr(model, name)), name
    assert loaded.triangles.dtype == np.int32
    assert loaded.blendshape_names == model.blendshape_names
    assert np.allclose(loaded.identity, model.identity, atol=1e-4)
    assert np.allclose(loaded.blendshapes, model.blendshapes, atol=1e-3)
    assert loaded.smile is not None
    assert np.allclose(loaded.smile, smile, atol=1e-4)
    assert [(p.key, p.split, p.sex, p.jpeg) for p in read] == [(p.key, p.split, p.sex, p.jpeg) for p in written]
    assert np.allclose(read[0].correction, 1.3, atol=1 / 32), "corrections are rounded to sixteenths of a pixel"
    for name in ("template", "rotation", "translation", "coefficients", "scale"):
        assert np.array_equal(getattr(read[3], name), getattr(written[3], name)), name


def test_a_model_without_smile(assets: Path) -> None:
    assert load_assets(assets)[0].smile is None


def damaged(assets: Path, folder: Path, **changes: np.ndarray | None) -> Path:
    """A copy of the assets with arrays changed, or left out (None)."""
    with np.load(assets) as archive:
        arrays: dict[str, np.ndarray | None] = {**{key: archive[key] for key in archive.files}, **changes}
    path = folder / "damaged.npz"
    np.savez(path, allow_pickle=True, **{key: array for key, array in arrays.items() if array is not None})
    return path


CASES: list[tuple[dict[str, np.ndarray | None], str]] = [
    ({"tem": None, "rot": None}, "lacks tem, rot"),
    ({"tem": np.zeros((10, 68, 2))}, r"tem has the shape \(10, 68, 2\) instead of \(10, 189, 2\)"),
    ({"jpeg": np.zeros(5, np.uint8)}, "jpeg has the shape"),
    ({"lm68": np.full(68, 60_000)}, "names vertices beyond"),
    ({"lm68": np.full(68, -1)}, "names vertices beyond"),
    ({"mean": np.array(3.0)}, "its arrays have other types"),
    ({"jpeg_len": np.array(["9"] * 10)}, "its arrays have other types"),
    ({"expr_names": np.array(["x"])}, "expr has the shape"),
    ({"keys": np.array([object()] * 10, dtype=object)}, "damaged or not an assets file"),
]


@pytest.mark.parametrize(("changes", "sentence"), CASES)
def test_damaged_arrays(assets: Path, tmp_path: Path, changes: dict[str, np.ndarray | None], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        load_assets(damaged(assets, tmp_path, **changes))


def test_renamed_blendshapes(assets: Path, model: FaceModel, tmp_path: Path) -> None:
    names = np.array([name.replace("jawOpen", "jawShut") for name in model.blendshape_names])
    with pytest.raises(DataError, match="lacks the blendshapes jawOpen"):
        load_assets(damaged(assets, tmp_path, expr_names=names))


SPOILERS: list[Callable[[bytes], bytes]] = [
    lambda content: content[: len(content) // 2],
    lambda content: b"",
    lambda content: b"not an archive at all",
    lambda content: content[:2000] + bytes(500) + content[2500:],
]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_damaged_files(assets: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "spoilt.npz"
    path.write_bytes(spoil(assets.read_bytes()))
    with pytest.raises(DataError, match="damaged or not an assets file"):
        load_assets(path)


def test_a_missing_file_and_a_missing_folder(tmp_path: Path, model: FaceModel, photos: list[Photo]) -> None:
    with pytest.raises(DataError, match="There is no assets file"):
        load_assets(tmp_path / "none.npz")
    with pytest.raises(StorageError, match="could not be written"):
        save_assets(tmp_path / "none" / "a.npz", model, photos)
