"""A generated face: whether it is one, how far it is from the truth, and what identifies it."""

from __future__ import annotations

import hashlib

from torch import Tensor

from eval import image_metrics, regions
from fer.errors import FerError
from fer.types import Edit


def checked(edit: Edit, faces: Tensor) -> Edit:
    """What a model made of faces (B, 3, S, S), on the CPU; FerError where it is no picture of the same size."""
    if edit.image.shape != faces.shape or not edit.image.isfinite().all():
        raise FerError(
            f"The model answered faces {tuple(faces.shape)} with {tuple(edit.image.shape)}, or with values that are "
            "not finite; expected finite pictures of the same size."
        )
    return Edit(edit.image.float().cpu(), edit.parts)


def measure(outputs: Tensor, faces: Tensor, truths: Tensor) -> dict[str, Tensor]:
    """Distances (B,) of outputs, and of the inputs as the baseline, to the truth."""
    size = faces.shape[-1]
    face, mouth = regions.face(size), regions.mouth(size)
    measured = {}
    for end, pictures in (("", outputs), ("_input", faces)):
        measured[f"face_l1{end}"] = image_metrics.l1(pictures, truths, face)
        measured[f"mouth_l1{end}"] = image_metrics.l1(pictures, truths, mouth)
        measured[f"psnr{end}"] = image_metrics.psnr(pictures, truths, face)
        measured[f"ssim{end}"] = image_metrics.ssim(pictures, truths, face)
    return measured


def digest(picture: Tensor) -> bytes:
    """SHA-256 of a generated face (3, S, S) in [-1, 1], rounded to 8 bits."""
    rounded = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
    return hashlib.sha256(rounded.numpy().tobytes()).digest()
