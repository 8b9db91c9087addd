"""Find faces and bring them to the canonical position. The only importer of facenet_pytorch.

Detection is MTCNN (Zhang et al. 2016, arXiv 1604.02878) as packaged by facenet-pytorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from fer.canonical import CANONICAL_POINTS
from fer.errors import ImageError, NoFaceError
from fer.framing import resized
from fer.images import ImageSource, open_image, to_tensor
from fer.regions import FACE_ELLIPSE
from fer.types import Face

STABLE_POINTS = 3  # the first three: eyes and nose tip
FACE_SIZE_PX = 128
PASTE_RADII = (1.0, 1.34)  # of FACE_ELLIPSE: an edit is pasted in full up to the first, not at all from the second
PASTE_STRIP_PX = 256  # rows that are pasted at once, to hold little memory
MIN_FACE_PX = 20  # smaller faces carry no readable expression
MIN_CONFIDENCE = 0.9
SEARCH_SIDE_PX = 1280  # larger photographs are searched in a copy of this longer side
SMALLEST_IN_SEARCH_PX = 24
NO_FACE = (
    "No face was found. Use a photograph in which a face looks roughly at the camera, is lit, uncovered, at least "
    f"{MIN_FACE_PX} pixels wide and at least a fiftieth of the photograph's longer side: crop closer if need be."
)
SMALL_PICTURE_PX = 256  # a smaller picture is probably a tight crop: it is searched with a margin around it


@lru_cache(maxsize=1)
def _detector() -> Any:
    from facenet_pytorch import MTCNN

    return MTCNN(keep_all=True, min_face_size=SMALLEST_IN_SEARCH_PX, post_process=False).eval()


def detect(image: ImageSource, size_px: int = FACE_SIZE_PX) -> list[Face]:
    """Find every face of a photograph, the largest first; an empty list where there is none.

    image: what ``fer.images.open_image`` takes. Each face is aligned at ``size_px``. Raises ImageError.
    """
    return detect_many([image], size_px)[0]


def detect_many(images: Sequence[ImageSource], size_px: int = FACE_SIZE_PX) -> list[list[Face]]:
    """``detect`` for many photographs; those whose search copies have the same size are searched in one batch."""
    pictures = [open_image(image) for image in images]
    searches = [_search_copy(picture) for picture in pictures]
    groups: dict[tuple[int, int], list[int]] = {}
    for index, (copy, _, _) in enumerate(searches):
        groups.setdefault(copy.size, []).append(index)
    found: list[list[Face]] = [[] for _ in pictures]
    for indices in groups.values():
        for i, raw in zip(indices, _search([np.asarray(searches[i][0]) for i in indices]), strict=True):
            _, scale, margin = searches[i]
            found[i] = _faces(pictures[i], raw, scale, margin, size_px)
    return found


def _search(pictures: list[np.ndarray]) -> list[tuple[Any, Any, Any]]:
    """Boxes, confidences and points of pictures of one size, by MTCNN.

    MTCNN drops boxes without pixels between its stages and then fails on the lengths (IndexError, RuntimeError). In a
    batch the others must not suffer: each picture is searched alone, and the one that fails is an ImageError.
    """
    try:
        found = _detector().detect(np.stack(pictures), landmarks=True)
    except (IndexError, RuntimeError) as error:
        if len(pictures) == 1:
            raise ImageError("The face detector failed on this picture. Crop it a little and try again.") from error
        return [_search([picture])[0] for picture in pictures]
    return list(zip(*found, strict=True))


def largest(image: ImageSource, size_px: int = FACE_SIZE_PX) -> Face:
    """The largest face of a photograph; NoFaceError where there is none."""
    faces = detect(image, size_px)
    if not faces:
        raise NoFaceError(NO_FACE)
    return faces[0]


def _search_copy(picture: Image.Image) -> tuple[Image.Image, float, int]:
    """The picture that is searched, its scale and the margin (px of the copy) laid around it."""
    longer, shorter = max(picture.size), min(picture.size)
    scale = min(1.0, SEARCH_SIDE_PX / longer)
    if shorter < 128:
        scale = min(SEARCH_SIDE_PX / longer, 192 / shorter)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    copy = picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR)
    if shorter >= SMALL_PICTURE_PX:
        return copy, scale, 0
    margin = max(min(copy.size) // 4, SMALLEST_IN_SEARCH_PX)
    framed = Image.new("RGB", (copy.width + 2 * margin, copy.height + 2 * margin), (128, 128, 128))
    framed.paste(copy, (margin, margin))
    return framed, scale, margin


def _faces(picture: Image.Image, raw: tuple[Any, Any, Any], scale: float, margin: int, size_px: int) -> list[Face]:
    boxes, confidences, points = raw
    if boxes is None:
        return []
    faces = []
    for box, confidence, five in zip(boxes, confidences, points, strict=True):
        corners = (np.asarray(box, np.float64) - margin) / scale
        if confidence < MIN_CONFIDENCE or max(corners[2:] - corners[:2]) < MIN_FACE_PX:
            continue
        landmarks = torch.tensor((np.asarray(five, np.float64) - margin) / scale, dtype=torch.float32)
        x0, y0, x1, y1 = (float(v) for v in corners)
        pixels, to_source = align(picture, landmarks, size_px)
        faces.append(Face(pixels, (x0, y0, x1, y1), landmarks, float(confidence), to_source))
    return sorted(faces, key=lambda face: -face.size_px)


def similarity(source: Tensor, target: Tensor) -> Tensor:
    """Least-squares similarity transform (turn, scale, shift) that takes points (N, 2) to points (N, 2): (2, 3).

    Written over complex numbers: w = a z + b with a = sum(conj(z) w) / sum(|z|^2) about the means.
    """
    z, w = torch.view_as_complex(source.double().contiguous()), torch.view_as_complex(target.double().contiguous())
    zc, wc = z - z.mean(), w - w.mean()
    a = (zc.conj() * wc).sum() / (zc.abs() ** 2).sum()
    b = w.mean() - a * z.mean()
    rows = [[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]]
    return torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float32)


def align(picture: Image.Image, landmarks: Tensor, size_px: int = FACE_SIZE_PX) -> tuple[Tensor, Tensor]:
    """Cut a face by its five landmarks (5, 2, px of the picture) to the canonical position.

    Returns pixels float32 (3, size_px, size_px) in [-1, 1] and the affine map (2, 3) from aligned pixel coordinates to
    pixels of the picture. Large faces are reduced with anti-aliasing; beyond the frame the border is repeated.
    """
    to_source = similarity(torch.tensor(CANONICAL_POINTS) * size_px, landmarks)
    return cut(picture, to_source, size_px), to_source


def align_like(picture: Image.Image, landmarks: Tensor, face: Face) -> Tensor:
    """Cut another photograph of a person into the frame of ``face``, by the points that no expression moves.

    landmarks: the five points of ``picture``. Eyes and nose tip decide; mouth corners move with a smile. Returns
    float32 (3, S, S) in [-1, 1] with the size of ``face``.
    """
    size_px = face.pixels.shape[-1]
    linear, shift = face.to_source[:, :2].double(), face.to_source[:, 2].double()
    places = torch.linalg.solve(linear, (face.landmarks.double() - shift).T).T
    return cut(picture, similarity(places[:STABLE_POINTS], landmarks[:STABLE_POINTS]), size_px)


def cut(picture: Image.Image, to_source: Tensor, size_px: int) -> Tensor:
    """Read a square of ``size_px`` through the affine map (2, 3) from its pixels to those of the picture."""
    scale = float(to_source[:, 0].norm())
    corners = torch.tensor([[0.0, 0, 1], [size_px, 0, 1], [0, size_px, 1], [size_px, size_px, 1]]) @ to_source.T
    low = (corners.amin(0) - 2 * scale).floor().clamp(min=0)
    high = torch.minimum((corners.amax(0) + 2 * scale).ceil(), torch.tensor(picture.size, dtype=torch.float32))
    high = high.clamp(min=1)
    low = torch.minimum(low, high - 1)
    x0, y0, x1, y1 = (int(v) for v in (*low, *high))
    shrink = max(1.0, scale)
    reduced = (max(1, round((x1 - x0) / shrink)), max(1, round((y1 - y0) / shrink)))
    region = to_tensor(picture.resize(reduced, Image.Resampling.BICUBIC, box=(x0, y0, x1, y1)))
    return _sample(region, to_source, (x0, y0, x1, y1), size_px)


def _sample(region: Tensor, to_source: Tensor, box: tuple[int, int, int, int], size_px: int) -> Tensor:
    """Read ``region``, a copy of ``box`` of the photograph, at the places of the aligned pixels' centres."""
    centres = torch.arange(size_px) + 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], -1) @ to_source.T
    extent = torch.tensor([box[2] - box[0], box[3] - box[1]], dtype=torch.float32)
    grid = (places - torch.tensor(box[:2], dtype=torch.float32)) / extent * 2 - 1
    pixels = F.grid_sample(region[None], grid[None], mode="bilinear", padding_mode="border", align_corners=False)
    return pixels[0].clamp(-1, 1)


def paste_back(picture: Image.Image, faces: Sequence[Face], edited: Sequence[Tensor]) -> Image.Image:
    """Put edited faces back into the photograph that they were cut from: a new picture of the same size.

    picture: upright RGB. edited: one float32 (3, S, S) in [-1, 1] per face, of the same S as its ``Face.pixels``. What
    was changed is added through a soft ellipse, so fine detail of the photograph stays and no seam shows; beyond the
    ellipse every byte stays.
    """
    if picture.mode != "RGB" or any(f.pixels.shape != e.shape for f, e in zip(faces, edited, strict=True)):
        raise ValueError("paste_back needs an RGB picture and edited faces of the sizes that they were cut at.")
    pasted = picture.copy()
    for face, pixels in zip(faces, edited, strict=True):
        _add_change(pasted, pixels - face.pixels, face.to_source)
    return pasted


def _add_change(picture: Image.Image, change: Tensor, to_source: Tensor) -> None:
    """Add ``change`` (3, S, S), given in the aligned square, to the picture in place, in strips of rows."""
    linear, shift = to_source[:, :2].double() * change.shape[-1], to_source[:, 2].double()  # of the unit square
    shrunk = round(float(linear[:, 0].norm()))
    if shrunk < change.shape[-1]:
        change = resized(change[None], max(1, shrunk))[0]  # anti-aliased
    centre = linear @ torch.tensor(FACE_ELLIPSE[:2], dtype=torch.float64) + shift
    reach = ((linear * torch.tensor(FACE_ELLIPSE[2:])) ** 2).sum(1).sqrt() * PASTE_RADII[1]
    size = torch.tensor(picture.size, dtype=torch.float64)
    x0, y0 = (int(v) for v in (centre - reach).floor().clamp(min=0))
    x1, y1 = (int(v) for v in torch.minimum((centre + reach).ceil(), size))
    back = torch.linalg.inv(linear)
    for top in range(y0, y1, PASTE_STRIP_PX):
        box = (x0, top, x1, min(top + PASTE_STRIP_PX, y1))
        if x0 < x1:
            picture.paste(_strip(picture.crop(box), change, back, shift - torch.tensor(box[:2])), box[:2])


def _strip(strip: Image.Image, change: Tensor, back: Tensor, shift: Tensor) -> Image.Image:
    """One strip with the change added. ``back`` times a place less ``shift`` is the place in the unit square."""
    x = (torch.arange(strip.width) + 0.5 - shift[0])[None]
    y = (torch.arange(strip.height) + 0.5 - shift[1])[:, None]
    u, v = ((back[i, 0] * x + back[i, 1] * y).float() for i in (0, 1))
    x0, y0, half_x, half_y = FACE_ELLIPSE
    radius = (((u - x0) / half_x) ** 2 + ((v - y0) / half_y) ** 2).sqrt()
    inner, outer = PASTE_RADII
    share = ((outer - radius) / (outer - inner)).clamp(0, 1)
    grid = torch.stack([u, v], -1)[None] * 2 - 1
    added = F.grid_sample(change[None], grid, padding_mode="border", align_corners=False)[0]
    added *= share * share * (3 - 2 * share) * 127.5
    pixels = torch.from_numpy(np.asarray(strip).copy()) + added.permute(1, 2, 0)
    return Image.fromarray(pixels.round().clamp(0, 255).to(torch.uint8).numpy())
