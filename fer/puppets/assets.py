"""One file that holds the face model and the fitted photographs: a compressed .npz without pickles."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fer.errors import DataError, StorageError
from fer.puppets.expression import needed_blendshapes
from fer.puppets.facekit import FaceModel
from fer.puppets.photos import TEMPLATE_POINTS, Photo
from fer.puppets.wrinkles import MAP_SHAPE

CORRECTION_STEPS_PER_PX = 16  # corrections are stored as int16 sixteenths of a pixel
MODEL_KEYS = ("mean", "tri", "part", "vpart", "ident", "expr", "expr_names", "lm68", "smile")
PHOTO_KEYS = ("jpeg_len", "keys", "split", "sex", "tem", "scale", "rot", "trans", "coef", "corr")
KEYS = (*MODEL_KEYS, "jpeg", *PHOTO_KEYS)


def save_assets(path: Path, model: FaceModel, photos: Sequence[Photo]) -> None:
    """Write the face model and the photographs to ``path``, which ends in .npz. Raises StorageError."""
    arrays = {**_model_arrays(model), **_photo_arrays(photos)}
    try:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror}.") from error


def _model_arrays(model: FaceModel) -> dict[str, np.ndarray]:
    smile = np.zeros((0, 0), np.float16) if model.smile is None else model.smile.astype(np.float16)
    return {
        "mean": model.mean.astype(np.float32),
        "tri": model.triangles.astype(np.uint16),
        "part": model.triangle_part,
        "vpart": model.vertex_part,
        "ident": np.round(model.identity, 4).astype(np.float16),
        "expr": np.round(model.blendshapes, 4).astype(np.float16),
        "expr_names": np.array(model.blendshape_names),
        "lm68": model.landmarks,
        "smile": smile,
    }


def _photo_arrays(photos: Sequence[Photo]) -> dict[str, np.ndarray]:
    correction = np.stack([photo.correction for photo in photos])
    return {
        "jpeg": np.frombuffer(b"".join(photo.jpeg for photo in photos), np.uint8),
        "jpeg_len": np.array([len(photo.jpeg) for photo in photos]),
        "keys": np.array([photo.key for photo in photos]),
        "split": np.array([photo.split for photo in photos]),
        "sex": np.array([photo.sex for photo in photos]),
        "tem": np.stack([photo.template for photo in photos]).astype(np.float32),
        "scale": np.array([photo.scale for photo in photos]),
        "rot": np.stack([photo.rotation for photo in photos]),
        "trans": np.stack([photo.translation for photo in photos]),
        "coef": np.stack([photo.coefficients for photo in photos]).astype(np.float32),
        "corr": np.round(correction * CORRECTION_STEPS_PER_PX).astype(np.int16),
    }


def load_assets(path: Path) -> tuple[FaceModel, list[Photo]]:
    """The face model and the photographs of an assets file. Raises DataError, also where the file is damaged."""
    arrays = _read(path)
    try:
        problem = _problem(arrays)
    except TypeError:
        problem = "its arrays have other types"
    if problem:
        raise DataError(
            f"{path} is not an assets file: {problem}. Build it again with python -m fer.puppets build-assets."
        )
    return _model(arrays), _photos(arrays)


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise DataError(f"There is no assets file {path}. docs/puppets.md says how to build it.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in KEYS if key not in archive]
            if missing:
                raise DataError(f"{path} is not an assets file: it lacks {', '.join(missing)}.")
            return {key: archive[key] for key in KEYS}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged or not an assets file. Copy it again or build it again.") from error


def _problem(arrays: Mapping[str, np.ndarray]) -> str:
    """What is wrong with the arrays, in words; empty where nothing is."""
    vertices, photos, shapes = len(arrays["mean"]), len(arrays["keys"]), len(arrays["expr_names"])
    expected = {
        "mean": (vertices, 3),
        "tri": (len(arrays["part"]), 3),
        "vpart": (vertices,),
        "ident": (len(arrays["ident"]), vertices, 3),
        "expr": (shapes, vertices, 3),
        "lm68": (68,),
        "smile": MAP_SHAPE if arrays["smile"].size else (0, 0),
        "jpeg": (int(arrays["jpeg_len"].sum()),),
        **{key: (photos,) for key in ("jpeg_len", "split", "sex", "scale")},
        "tem": (photos, TEMPLATE_POINTS, 2),
        "rot": (photos, 3, 3),
        "trans": (photos, 2),
        "coef": (photos, len(arrays["ident"])),
        "corr": (photos, vertices, 2),
    }
    for key, shape in expected.items():
        if arrays[key].shape != shape:
            return f"{key} has the shape {arrays[key].shape} instead of {shape}"
    named = np.concatenate([arrays["tri"].ravel(), arrays["lm68"]]).astype(np.int64)
    if named.min() < 0 or named.max() >= vertices:
        return f"it names vertices beyond its {vertices}"
    absent = needed_blendshapes() - {str(name) for name in arrays["expr_names"]}
    return f"it lacks the blendshapes {', '.join(sorted(absent))}" if absent else ""


def _model(arrays: Mapping[str, np.ndarray]) -> FaceModel:
    return FaceModel(
        mean=arrays["mean"],
        triangles=arrays["tri"].astype(np.int32),
        triangle_part=arrays["part"],
        vertex_part=arrays["vpart"],
        identity=arrays["ident"].astype(np.float32),
        blendshapes=arrays["expr"].astype(np.float32),
        blendshape_names=tuple(str(name) for name in arrays["expr_names"]),
        landmarks=arrays["lm68"],
        smile=arrays["smile"].astype(np.float32) if arrays["smile"].size else None,
    )


def _photos(arrays: Mapping[str, np.ndarray]) -> list[Photo]:
    ends = np.cumsum(arrays["jpeg_len"])
    pictures = arrays["jpeg"].tobytes()
    correction = arrays["corr"].astype(np.float16) / np.float16(CORRECTION_STEPS_PER_PX)
    return [
        Photo(
            key=str(arrays["keys"][row]),
            split=str(arrays["split"][row]),
            sex=str(arrays["sex"][row]),
            jpeg=pictures[end - arrays["jpeg_len"][row] : end],
            template=arrays["tem"][row],
            scale=float(arrays["scale"][row]),
            rotation=arrays["rot"][row],
            translation=arrays["trans"][row],
            coefficients=arrays["coef"][row],
            correction=correction[row],
        )
        for row, end in enumerate(ends)
    ]
