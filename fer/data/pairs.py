"""Pairs of a face with an expression and the same face without: rendered (exact) and photographed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fer.action_units import ACTION_UNITS
from fer.data.rows import check_labels, open_split
from fer.errors import DataError
from fer.faces import FACE_SIZE_PX, align_like, detect
from fer.images import to_bytes, to_tensor
from fer.types import EMOTIONS, Emotion


@dataclass(frozen=True, eq=False)
class Pairs:
    """N pairs. face, neutral: uint8 (N, 3, 128, 128), RGB, in one frame. emotion: (N,) in 0..7. person: (N,) numbers.

    intensity: float32 (N,) in [0, 1], of the expression; 1 for photographs, whose smiles were posed as such.
    landmarks, neutral_landmarks: float32 (N, 68, 2) in the unit square, nan where they are not known.
    action_units: float32 (N, 23) in [0, 1], strengths of ACTION_UNITS in the face, nan where they are not known; those
        of a neutral face are 0.
    """

    face: Tensor
    neutral: Tensor
    emotion: Tensor
    person: Tensor
    intensity: Tensor
    landmarks: Tensor
    neutral_landmarks: Tensor
    action_units: Tensor

    def __len__(self) -> int:
        return len(self.emotion)

    def followed_by(self, other: Pairs) -> Pairs:
        """These pairs, then the others, whose people are other people."""
        renumbered = replace(other, person=other.person + int(self.person.max()) + 1)
        return Pairs(*(torch.cat([getattr(each, f.name) for each in (self, renumbered)]) for f in fields(self)))


def load_puppets(root: Path, split: str) -> Pairs:
    """Rendered pairs that differ by the expression alone."""
    rows = open_split(root, "puppets", split)
    check_labels(rows, "emotion")
    face, neutral = (torch.stack([to_bytes(to_tensor(image)) for image in rows[k]]) for k in ("image", "neutral"))
    if face.shape[-1] != FACE_SIZE_PX:
        raise DataError(f"Puppets must be {FACE_SIZE_PX} px, these are {face.shape[-1]} px.")
    points, calm_points = (torch.tensor(rows[k][:]).view(-1, 68, 2) for k in ("landmarks68", "neutral_landmarks68"))
    person = torch.from_numpy(np.unique(rows["identity"][:], return_inverse=True)[1])
    emotion, intensity = torch.tensor(rows["emotion"][:]), torch.tensor(rows["intensity"][:], dtype=torch.float32)
    units = torch.tensor(rows["au"][:], dtype=torch.float32)
    return Pairs(face, neutral, emotion, person, intensity, points, calm_points, units)


def load_london(root: Path, split: str) -> Pairs:
    """A smiling photograph of each person, and the neutral one brought into its frame by eyes and nose tip.

    People whose face the detector misses in either photograph are left out.
    """
    rows = open_split(root, "london", split)
    faces, neutrals = [], []
    for row in rows:
        smiling, neutral = detect(row["smiling"]), detect(row["neutral"])
        if smiling and neutral:
            faces.append(to_bytes(smiling[0].pixels))
            neutrals.append(to_bytes(align_like(row["neutral"], neutral[0].landmarks, smiling[0])))
    if not faces:
        raise DataError("No face was found in any of the photographs. Check that the dataset holds faces.")
    count = len(faces)
    happiness = torch.full((count,), EMOTIONS.index(Emotion.HAPPINESS))
    unknown, units = torch.full((count, 68, 2), torch.nan), torch.full((count, len(ACTION_UNITS)), torch.nan)
    person, intensity = torch.arange(count), torch.ones(count)
    return Pairs(torch.stack(faces), torch.stack(neutrals), happiness, person, intensity, unknown, unknown, units)
