"""A generated face: whether it is one, how far it is from the truth, and what identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

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


def shown_part(edit: Edit, name: str, channels: int) -> Tensor | None:
    """A part (B, channels, S, S) of what a model made, on the CPU; None where the model does not show it.

    FerError where it is of another shape than the picture asks for, or not finite.
    """
    if name not in edit.parts:
        return None
    part, expected = edit.parts[name], (len(edit.image), channels, *edit.image.shape[2:])
    if tuple(part.shape) != expected or not part.isfinite().all():
        raise FerError(f'The part "{name}" of an edit is {tuple(part.shape)}, or not finite; expected {expected}.')
    return part.float().cpu()


def measure(pictures_by_end: Mapping[str, Tensor], truths: Tensor) -> dict[str, Tensor]:
    """Distances (B,) of pictures to the truth, by names that end as the pictures' do."""
    size = truths.shape[-1]
    face, mouth = regions.face(size), regions.mouth(size)
    measured = {}
    for end, pictures in pictures_by_end.items():
        measured[f"face_l1{end}"] = image_metrics.l1(pictures, truths, face)
        measured[f"mouth_l1{end}"] = image_metrics.l1(pictures, truths, mouth)
        measured[f"psnr{end}"] = image_metrics.psnr(pictures, truths, face)
        measured[f"ssim{end}"] = image_metrics.ssim(pictures, truths, face)
    return measured


def digest(picture: Tensor) -> bytes:
    """SHA-256 of a generated face (3, S, S) in [-1, 1], rounded to 8 bits."""
    rounded = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
    return hashlib.sha256(rounded.numpy().tobytes()).digest()
