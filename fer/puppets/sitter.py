"""A photograph with the face model laid over it, and everything that is derived from the two once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from fer.errors import DataError
from fer.puppets import layers
from fer.puppets.eyes import complete_eyes
from fer.puppets.facekit import FaceModel, project
from fer.puppets.photos import FADING_NECKS, PHOTO_PX, Photo


@dataclass(frozen=True, eq=False)
class Sitter:
    """The person in a photograph. What is derived is computed at its first use and kept; pictures are BGR."""

    model: FaceModel
    photo: Photo

    @cached_property
    def picture(self) -> np.ndarray:
        """uint8 (512, 512, 3). Raises DataError where the stored picture is damaged."""
        pixels = cv2.imdecode(np.frombuffer(self.photo.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None or pixels.shape != (PHOTO_PX, PHOTO_PX, 3):
            raise DataError(f"The photograph {self.photo.key} in the assets is damaged. Build them again.")
        return pixels

    @cached_property
    def vertices(self) -> np.ndarray:
        """float32 (n, 3) cm: the neutral face, which covers the photograph exactly under its camera."""
        photo = self.photo
        plain = self.model.mean + np.tensordot(photo.coefficients.astype(np.float32), self.model.identity, 1)
        shift = photo.correction.astype(np.float32) / photo.scale
        offset = np.stack([shift[:, 0], -shift[:, 1], np.zeros(len(shift), np.float32)], 1)
        vertices: np.ndarray = plain + offset @ photo.rotation.astype(np.float32)
        return vertices.astype(np.float32)

    @cached_property
    def texture_points(self) -> np.ndarray:
        """float32 (n, 2) px: where every vertex lies in the photograph."""
        return self.project(self.vertices)[:, :2]

    def project(self, vertices: np.ndarray) -> np.ndarray:
        """Vertices (n, 3) cm through the photograph's camera, see ``facekit.project``."""
        return project(vertices, self.photo.scale, self.photo.rotation, self.photo.translation)

    @cached_property
    def soft_picture(self) -> np.ndarray:
        """uint8 (512, 512, 3): the photograph blurred, for skin that is stretched."""
        return cv2.GaussianBlur(self.picture, (0, 0), 3.0)

    @cached_property
    def open_eyes(self) -> np.ndarray:
        """uint8 (512, 512, 3): the photograph with its eyeballs completed."""
        return complete_eyes(self.picture, self.photo.template)

    @cached_property
    def skin_mask(self) -> np.ndarray:
        """float32 (512, 512) in [0, 1]: the facial skin."""
        return layers.skin_mask(self.photo.template)

    @cached_property
    def skin_colour(self) -> np.ndarray:
        """float32 (3,), 0 to 255."""
        return layers.skin_colour(self.picture, self.photo.template)

    @cached_property
    def exposure(self) -> float:
        """How light the photograph is, 0.78 to 1.12."""
        return layers.exposure(self.picture, self.photo.template)

    @cached_property
    def matte(self) -> tuple[np.ndarray, np.ndarray]:
        """The person's share of each pixel, float32 (512, 512) in [0, 1], and the background's colour, float32 (3,)."""
        return layers.matte(self.picture, self.photo.template, self.photo.collection == FADING_NECKS)
