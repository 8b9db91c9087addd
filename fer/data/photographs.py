"""Aligned photographs that keep a FER+ recogniser honest on what users send: LFW news faces, the London set, puppets.

Every photograph goes the way that a user's goes: found and aligned by ``fer.faces``. A face that the detector misses is
left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fer.data.rows import check_labels, open_split
from fer.errors import DataError
from fer.faces import FACE_SIZE_PX, detect
from fer.images import to_bytes, to_tensor
from fer.types import EMOTIONS, Emotion

LabelledPhotographs = tuple[Tensor, Tensor]  # uint8 (N, 3, 128, 128) aligned RGB, labels (N,) in 0..7


def _aligned(pictures: Iterable[Any], labels: Iterable[int]) -> LabelledPhotographs:
    faces, kept = [], []
    for picture, label in zip(pictures, labels, strict=True):
        found = detect(picture)
        if found:
            faces.append(to_bytes(found[0].pixels))
            kept.append(label)
    if not faces:
        raise DataError("No face was found in any of the photographs. Check that the dataset holds faces.")
    return torch.stack(faces), torch.tensor(kept)


def load_lfw(root: Path) -> LabelledPhotographs:
    """lfw_smiles train: grey news photographs of 687 people, mostly neutral and happiness."""
    rows = open_split(root, "lfw_smiles", "train")
    check_labels(rows, "label")
    return _aligned(rows["image"], rows["label"])


def load_lfw_subjects(root: Path) -> LabelledPhotographs:
    """lfw_smiles train with the number of the subject in place of the expression."""
    rows = open_split(root, "lfw_smiles", "train")
    return _aligned(rows["image"], np.unique(rows["subject"][:], return_inverse=True)[1].tolist())


def load_london(root: Path) -> LabelledPhotographs:
    """London train: 75 people, the neutral and the smiling photograph of each, colour."""
    rows = open_split(root, "london", "train")
    labels = [EMOTIONS.index(Emotion.NEUTRAL)] * len(rows) + [EMOTIONS.index(Emotion.HAPPINESS)] * len(rows)
    return _aligned([*rows["neutral"], *rows["smiling"]], labels)


def load_puppets(root: Path, least_intensity: float = 0.5) -> LabelledPhotographs:
    """Puppets train (rendered and aligned already), less expressions too mild to be told from neutral."""
    rows = open_split(root, "puppets", "train").select_columns(["image", "emotion", "intensity"])
    check_labels(rows, "emotion")
    label, intensity = np.array(rows["emotion"]), np.array(rows["intensity"])
    clear = np.flatnonzero((label == EMOTIONS.index(Emotion.NEUTRAL)) | (intensity >= least_intensity))
    pixels = torch.stack([to_bytes(to_tensor(image)) for image in rows.select(clear)["image"]])
    if pixels.shape[-1] != FACE_SIZE_PX:
        raise DataError(f"Puppets must be {FACE_SIZE_PX} px, these are {pixels.shape[-1]} px.")
    return pixels, torch.from_numpy(label[clear])
