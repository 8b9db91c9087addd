"""The only place that turns bytes, files, arrays and PIL pictures into what the networks read, and back."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from fer.errors import ImageError

MAX_SIDE_PX = 12_000
MAX_PIXELS = 50_000_000
MIN_SIDE_PX = 16

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # no decoder that runs a program (EPS)
DAMAGE = (  # what Pillow's decoders raise on damaged files
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)

ImageSource = bytes | str | Path | Image.Image | np.ndarray


def open_image(source: ImageSource) -> Image.Image:
    """Read a still picture and return it upright as 8-bit RGB.

    source: encoded bytes, a path, a PIL picture, or an array: uint8 or uint16 (H, W), (H, W, 3) or (H, W, 4) in RGB
    order, or float of those shapes in [0, 1]. EXIF rotation is applied, transparency is laid on white, CMYK, palette,
    grey and 16-bit pictures are converted. Raises ImageError for anything else, for animations, for sides under 16 or
    over 12,000 px and for more than 50 megapixels.
    """
    if isinstance(source, np.ndarray):
        picture = _from_array(source)
    elif isinstance(source, Image.Image):
        picture = source
    else:
        picture = _decode_lazily(source)
    _check_size(*picture.size)
    try:
        frames = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)  # MPO: a JPEG and its previews
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture.load()
            upright = ImageOps.exif_transpose(picture)
    except DAMAGE as error:
        raise ImageError(
            f"The picture is damaged or incomplete and could not be decoded ({error}). Send the original file again."
        ) from error
    if frames > 1:
        raise ImageError("The picture is an animation or has several pages. Send a single still picture.")
    return _to_rgb(upright)


def _decode_lazily(source: bytes | str | Path) -> Image.Image:
    data: bytes | Path = source if isinstance(source, bytes) else Path(source)
    if isinstance(data, Path) and not data.is_file():
        raise ImageError(f"There is no file {data}.")
    if (len(data) if isinstance(data, bytes) else data.stat().st_size) == 0:
        raise ImageError("The file is empty (0 bytes). Send a JPEG, PNG or WebP picture.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data) if isinstance(data, bytes) else data, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(f"The picture has more than {MAX_PIXELS:,} pixels. Send a smaller copy.") from error
    except DAMAGE as error:
        raise ImageError("The file is not a picture that can be read. Send a JPEG, PNG or WebP picture.") from error


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise ImageError(
            f"The picture is {width:,} x {height:,} px; both sides must be at least {MIN_SIDE_PX} px. "
            "Send a larger copy."
        )
    if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise ImageError(
            f"The picture is {width:,} x {height:,} px; the limit is {MAX_SIDE_PX:,} px a side and {MAX_PIXELS:,} "
            "pixels. Send a smaller copy."
        )


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16-bit grey, in 16 or 32 bits of storage
        deep = np.asarray(picture).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65_535:
            raise ImageError("The picture has more than 16 bits per pixel. Convert it to 8 or 16 bits.")
        return Image.fromarray((deep // 257).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise ImageError("The picture stores floating-point values. Convert it to 8 or 16 bits.")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture.convert("RGB")


def _from_array(array: np.ndarray) -> Image.Image:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.size == 0:
        raise ImageError(f"An array of shape {array.shape} is no picture; expected (H, W), (H, W, 3) or (H, W, 4).")
    if array.dtype == np.uint16:
        array = (array // 257).astype(np.uint8)
    elif np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ImageError("A floating-point picture must hold values from 0 to 1.")
        array = (array * 255).round().astype(np.uint8)
    elif array.dtype != np.uint8:
        raise ImageError(f"An array of {array.dtype} is no picture; expected uint8, uint16 or float in [0, 1].")
    return Image.fromarray(array[..., 0] if array.ndim == 3 and channels == 1 else np.ascontiguousarray(array))


def to_tensor(picture: Image.Image) -> Tensor:
    """RGB (or any) PIL picture -> float32 (3, H, W) in [-1, 1]."""
    array = np.asarray(picture.convert("RGB"))
    return torch.from_numpy(array.copy()).permute(2, 0, 1).float() / 127.5 - 1


def to_bytes(pixels: Tensor) -> Tensor:
    """float in [-1, 1] (clamped) of any shape -> uint8."""
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def from_bytes(pixels: Tensor) -> Tensor:
    """uint8 of any shape -> float32 in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def to_picture(pixels: Tensor) -> Image.Image:
    """float (3, H, W) in [-1, 1] (clamped) -> RGB PIL picture."""
    return Image.fromarray(to_bytes(pixels.detach().cpu().float()).permute(1, 2, 0).contiguous().numpy())
