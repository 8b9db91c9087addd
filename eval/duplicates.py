"""Pictures that a dataset holds more than once: pixel by pixel, or nearly, mirrored too."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fer.data.ferplus import DUPLICATE_CORRELATION, signature

SIDE_PX = 48  # of the grey thumbnails that are compared
BLOCK = 2048
Group = list[int]  # numbers of pictures that are one, in order


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of a picture. pixels: SHA-256 of size and RGB; thumbnail: uint8 (SIDE_PX, SIDE_PX), grey."""

    pixels: bytes
    thumbnail: NDArray[np.uint8]


def seen(picture: Image.Image) -> Seen:
    """What is kept of an RGB picture."""
    digest = hashlib.sha256(f"{picture.width} {picture.height} ".encode() + picture.tobytes()).digest()
    grey = picture.convert("L")
    small = grey if grey.size == (SIDE_PX, SIDE_PX) else grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return Seen(digest, np.asarray(small))


def exact(pictures: Sequence[Seen]) -> list[Group]:
    """Groups of at least two pictures with the same pixels, by their first."""
    places: dict[bytes, Group] = defaultdict(list)
    for number, picture in enumerate(pictures):
        places[picture.pixels].append(number)
    return [group for group in places.values() if len(group) > 1]


def near(pictures: Sequence[Seen], correlation: float = DUPLICATE_CORRELATION) -> list[Group]:
    """Groups of at least two pictures, by their first: chains of pairs whose thumbnails, as they are or one mirrored,
    correlate by more than ``correlation``, or whose pixels are the same.
    """
    if not pictures:
        return []
    thumbnails = torch.from_numpy(np.stack([picture.thumbnail for picture in pictures]))
    pairs = [(group[0], other) for group in exact(pictures) for other in group[1:]]
    return joined(len(pictures), [*pairs, *_alike(thumbnails, correlation)])


def _alike(thumbnails: Tensor, correlation: float) -> Iterable[tuple[int, int]]:
    plain, mirrored = signature(thumbnails), signature(thumbnails.flip(2))
    for i in range(0, len(plain), BLOCK):
        for j in range(i, len(plain), BLOCK):
            block = plain[i : i + BLOCK]
            highest = torch.maximum(block @ plain[j : j + BLOCK].T, block @ mirrored[j : j + BLOCK].T)
            first, second = (highest > correlation).nonzero(as_tuple=True)
            for a, b in zip((first + i).tolist(), (second + j).tolist(), strict=True):
                if a < b:
                    yield a, b


def joined(n: int, pairs: Iterable[tuple[int, int]]) -> list[Group]:
    """Groups of at least two of ``n`` numbers that pairs join, directly or by others, by their first."""
    parent = list(range(n))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for a, b in pairs:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    groups: dict[int, Group] = defaultdict(list)
    for number in range(n):
        groups[root(number)].append(number)
    return [group for group in groups.values() if len(group) > 1]
