"""Neutral photographs with their template points: github.com/debruine/webmorphR.stim, and the crop that is stored.

A template holds the 189 points of the Face Research Lab scheme.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fer.errors import DataError

TEMPLATE_POINTS = 189
PHOTO_PX = 512
PUPIL_DISTANCE_PX = 100.0  # in the stored photograph
EYE_LINE = 0.42  # height of the eyes in the stored photograph, as a share of it
TEST_LONDON_LAST = 30  # London people 001 to 030 are test people
TEST_3DSK_PER_SEX = 10
TEST_CANADA_PER_SEX = 5
FADING_NECKS = "3dsk"  # the collection whose necks fade into the white background


@dataclass(frozen=True, eq=False)
class Photo:
    """A neutral photograph and the face model fitted to it.

    key: collection/name. split: "train" or "test". sex: "f", "m" or "?".
    jpeg: the picture, 512 x 512. template: float32 (189, 2) px in it.
    scale px/cm, rotation (3, 3), translation (2,) px: the camera, for ``facekit.project``.
    coefficients: float32 (K,), weights of the identity modes.
    correction: float16 (n, 2) px, what is left between the projected model and the photograph.
    """

    key: str
    split: str
    sex: str
    jpeg: bytes
    template: np.ndarray
    scale: float
    rotation: np.ndarray
    translation: np.ndarray
    coefficients: np.ndarray
    correction: np.ndarray

    @property
    def collection(self) -> str:
        """The set that the photograph comes from: london, 3dsk or canada."""
        return self.key.split("/")[0]


@dataclass(frozen=True)
class Source:
    """Where a templated photograph lies on disk: ``picture`` (.jpg) and ``template`` (.tem)."""

    key: str
    split: str
    sex: str
    picture: Path
    template: Path


def list_sources(root: Path) -> list[Source]:
    """Every templated neutral photograph under the ``inst`` folder of webmorphR.stim. Raises DataError.

    Test people: London 001 to 030, the last ten 3dsk women and men, the last five canada women and men.
    """
    try:
        found = [*_london(root), *_3dsk(root), *_canada(root)]
    except OSError as error:
        raise DataError(
            f"The folder {error.filename} is missing. Give the inst folder of github.com/debruine/webmorphR.stim."
        ) from error
    except ValueError as error:
        raise DataError(f"{root}: a London photograph must be called after its number, like 001_03: {error}") from error
    if not found:
        raise DataError(f"{root} holds no photograph with a template (a .jpg and a .tem of one name).")
    return found


def _stems(folder: Path) -> list[str]:
    """Sorted names of the photographs that have a template."""
    templates = sorted(path.name for path in folder.iterdir() if path.suffix == ".tem" and path.name[:2] != "._")
    return [name[:-4] for name in templates if (folder / f"{name[:-4]}.jpg").exists()]


def _source(collection: str, folder: Path, stem: str, sex: str, test: bool) -> Source:
    split = "test" if test else "train"
    return Source(f"{collection}/{stem}", split, sex, folder / f"{stem}.jpg", folder / f"{stem}.tem")


def _london(root: Path) -> Iterator[Source]:
    folder = root / "neutral_front"
    for stem in _stems(folder):
        yield _source("london", folder, stem, "?", test=int(stem[:3]) <= TEST_LONDON_LAST)


def _3dsk(root: Path) -> Iterator[Source]:
    for sex in ("female", "male"):
        folder = root / "3dsk" / sex
        stems = _stems(folder)
        for stem in stems:
            yield _source("3dsk", folder, stem, sex[0], test=stem in stems[-TEST_3DSK_PER_SEX:])


def _canada(root: Path) -> Iterator[Source]:
    folder = root / "canada"
    for sex in "fm":
        stems = [stem for stem in _stems(folder) if stem.endswith(sex)]
        for stem in stems:
            yield _source("canada", folder, stem, sex, test=stem in stems[-TEST_CANADA_PER_SEX:])


def read_picture(path: Path) -> np.ndarray:
    """The BGR pixels of a picture, uint8 (H, W, 3). Raises DataError."""
    pixels = cv2.imread(str(path))
    if pixels is None:
        raise DataError(f"{path} is missing or not a picture.")
    return pixels


def read_template(path: Path) -> np.ndarray:
    """The points of a .tem file, float64 (189, 2) px. Raises DataError."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        points = np.array([[float(number) for number in line.split()[:2]] for line in lines[1 : int(lines[0]) + 1]])
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not a readable template: {error}") from error
    if points.shape != (TEMPLATE_POINTS, 2):
        raise DataError(f"{path} must hold {TEMPLATE_POINTS} points of x and y, not {points.shape}.")
    return points


def crop(picture: np.ndarray, template: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut the stored square: eyes level, pupils PUPIL_DISTANCE_PX apart -> (picture (512, 512, 3), points in it)."""
    right_pupil, left_pupil = template[0], template[1]
    across = left_pupil - right_pupil
    scale = PUPIL_DISTANCE_PX / np.hypot(*across)
    angle = np.arctan2(across[1], across[0])
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    affine = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0]])
    middle = affine[:, :2] @ ((right_pupil + left_pupil) / 2)
    affine[:, 2] = np.array([PHOTO_PX / 2, PHOTO_PX * EYE_LINE]) - middle
    if 1.0 / scale > 1.3:  # blurred before it shrinks
        picture = cv2.GaussianBlur(picture, (0, 0), 0.35 / scale)
    size = (PHOTO_PX, PHOTO_PX)
    square = cv2.warpAffine(picture, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return square, template @ affine[:, :2].T + affine[:, 2]


def balance(collection: str, picture: np.ndarray) -> np.ndarray:
    """Even out the collections: canada's colours by its grey wall, 3dsk less saturated. uint8 (512, 512, 3) -> same."""
    pixels = picture.astype(np.float32)
    if collection == "canada":
        wall = np.r_[picture[2:40, 20:60].reshape(-1, 3), picture[2:40, -60:-20].reshape(-1, 3)]
        gain = (np.array([206, 208, 208]) / np.median(wall, 0)).clip(0.8, 1.45)
        pixels = pixels * gain.astype(np.float32)
    elif collection == "3dsk":
        grey = pixels.mean(2, keepdims=True)
        pixels = grey + 0.8 * (pixels - grey)
    return np.clip(pixels, 0, 255).astype(np.uint8)
