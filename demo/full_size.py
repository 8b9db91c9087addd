"""The whole photograph as the browser sent it back, and the edited face in it. Nothing here knows gradio."""

from __future__ import annotations

import base64
import binascii

import torch
from PIL import Image

from demo import removal
from demo.editing import Edited, Studio
from demo.service import Reading, scaled
from fer.errors import FerError
from fer.faces import cut
from fer.images import open_image, to_tensor

LARGEST_RETURNED = 28_000_000  # letters of the photograph's address that the browser sends back: 20 MB and a third
LARGEST_FACE_PX = 2048  # side at which a face is edited again; a larger one is reduced to it
PHOTO_GONE = "The photograph is no longer on the page. Add it again on the Read tab."


def returned_photo(address: object, reading: Reading) -> Image.Image:
    """The photograph that the browser sent back, in the size in which it has it. Raises FerError."""
    head, _, body = address.partition(",") if isinstance(address, str) else ("", "", "")
    if not head.startswith("data:image/") or len(body) > LARGEST_RETURNED:
        raise FerError(PHOTO_GONE)
    try:
        photo = open_image(base64.b64decode(body, validate=True))
    except binascii.Error as error:
        raise FerError(PHOTO_GONE) from error
    if abs(photo.width * reading.height - photo.height * reading.width) > max(reading.width, reading.height):
        raise FerError(PHOTO_GONE)  # another picture's proportions, by more than rounding explains
    return photo


def pasted(room: Studio, photo: Image.Image, reading: Reading, edited: Edited) -> Image.Image:
    """The photograph, in any size, with the edited face in its place.

    A face that is larger in the photograph than the one that was edited is cut and edited again in its own size, up to
    ``LARGEST_FACE_PX``, where the editor moves pixels: they keep their detail. What others paint is enlarged.
    """
    scale, face = photo.width / reading.width, edited.one.face
    before, after = to_tensor(edited.one.crop), to_tensor(edited.image)
    to_photo = face.to_source * scale
    side = min(LARGEST_FACE_PX, round(float(to_photo[:, 0].norm()) * face.pixels.shape[-1]))
    if edited.flows and edited.target is not None and side > before.shape[-1]:
        before = cut(photo, scaled(to_photo, face.pixels.shape[-1] / side), side)
        target = torch.tensor([edited.target])
        after = room.editor.model.edit(before[None], target).image[0]
    return removal.pasted(photo, [face], [before], [after], scale)
