"""What differs between photographs besides the face: background, light, colour, blur, noise, compression.

Frames are float32 (S, S, 3) BGR in [0, 255].
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

LEAST_RESOLUTION_PX = 48


def random_background(rng: np.random.Generator, size_px: int) -> np.ndarray:
    """A smooth gradient, soft blotches or blurred clutter, float32 (size_px, size_px, 3), 0 to 255."""
    kind = rng.integers(3)
    saturation = 0.35 * rng.random() ** 1.5 + 0.05
    first, second = ((1 - saturation) * rng.uniform(10, 245) + saturation * rng.uniform(0, 255, 3) for _ in range(2))
    if kind == 0:
        ramp = np.linspace(0, 1, size_px)
        plane = ramp[:, None] * rng.uniform(-1, 1) + ramp[None] * rng.uniform(-1, 1)
        share: np.ndarray = ((plane - plane.min()) / (np.ptp(plane) + 1e-6))[..., None]
    else:
        cells = int(rng.integers(3, 9)) if kind == 1 else int(rng.integers(8, 28))
        coloured, grey = rng.uniform(0, 1, (cells, cells, 3)), rng.uniform(0, 1, (cells, cells, 1))
        how = cv2.INTER_CUBIC if kind == 1 else cv2.INTER_LINEAR
        share = cv2.resize((coloured * 0.25 + 0.75 * grey).astype(np.float32), (size_px, size_px), interpolation=how)
    mixed: np.ndarray = np.clip(first * share + second * (1 - share), 0, 255)
    return mixed.astype(np.float32)


def relight(rng: np.random.Generator, frames: Sequence[np.ndarray], strength: float = 1.0) -> list[np.ndarray]:
    """One random change of light, colour, gamma and contrast for all frames. strength: 1 is usual."""
    side = frames[0].shape[0]
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    ramp = np.exp(rng.normal(0, 0.3 * strength) * (np.cos(angle) * columns + np.sin(angle) * rows))[..., None]
    colour = np.exp(rng.normal(0, 0.055 * strength, 3))
    gamma, gain = np.exp(rng.normal(0, 0.18 * strength)), np.exp(rng.normal(0, 0.12 * strength))
    saturation, grey = np.clip(rng.normal(0.92, 0.2 * strength), 0.2, 1.3), rng.random() < 0.15 * strength
    contrast = np.exp(rng.normal(0, 0.1 * strength))
    lit = []
    for frame in frames:
        bright = frame * (gain * colour).astype(np.float32) * ramp.astype(np.float32) / 255
        pixels = np.clip(bright, 0, 1) ** np.float32(gamma)
        mean = pixels.mean(2, keepdims=True)
        pixels = mean + (pixels - mean) * np.float32(0 if grey else saturation)
        pixels = (pixels - 0.5) * np.float32(contrast) + 0.5
        lit.append(np.clip(pixels * 255, 0, 255).astype(np.float32))
    return lit


def degrade(rng: np.random.Generator, frame: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Perhaps blur, a lower resolution (to 48 px), noise and JPEG on one frame -> uint8 (S, S, 3) BGR."""
    side = frame.shape[0]
    if rng.random() < 0.15 * strength:
        frame = cv2.GaussianBlur(frame, (0, 0), float(rng.uniform(0.4, 1.3)) * side / 128)
    if rng.random() < 0.3 * strength and side > LEAST_RESOLUTION_PX:
        small = int(rng.integers(LEAST_RESOLUTION_PX, side))
        how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
        shrunk = cv2.resize(frame, (small, small), interpolation=cv2.INTER_AREA)
        frame = cv2.resize(shrunk, (side, side), interpolation=how)
    if rng.random() < 0.4 * strength:
        frame = frame + rng.normal(0, rng.uniform(1, 7), frame.shape).astype(np.float32)
    pixels: np.ndarray = np.clip(frame, 0, 255).astype(np.uint8)
    if rng.random() < 0.4 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))]
        pixels = np.asarray(cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR))
    return pixels
