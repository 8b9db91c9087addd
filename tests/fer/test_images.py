"""Every way in which a picture can be odd or broken ends in the right pixels or in one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fer.errors import ImageError
from fer.images import MAX_SIDE_PX, open_image, to_picture, to_tensor


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(width: int = 48, height: int = 32) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 5 % 256, y * 7 % 256, (x + y) * 3 % 256], -1).astype(np.uint8)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and holds almost no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "empty"),
        (b"this is not a picture at all", "not a picture"),
        (encoded(Image.fromarray(gradient(256, 256)), "JPEG")[:900], "damaged or incomplete"),
        (encoded(Image.new("RGB", (1, 1))), "at least 16 px"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n", "not a picture"),
        (
            b"II*\x00\x08\x00\x00\x00\x01\x00\x06\x01\x03\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00",
            "not a picture",
        ),
        (encoded(Image.fromarray(gradient(64, 64)), "AVIF")[:-200], "damaged or incomplete|not a picture"),
        (png_header(20_000, 100), "12,000 px a side"),
        (png_header(60_000, 60_000), "limit|more than"),
        (png_header(11_000, 11_000), "50,000,000 pixels"),
        ("no/such/file.png", "There is no file"),
        (np.zeros((4, 4, 7), np.uint8), "no picture"),
        (np.zeros((0, 4, 3), np.uint8), "no picture"),
        (np.full((32, 32), 2.5), "from 0 to 1"),
        (np.full((32, 32), np.nan), "from 0 to 1"),
        (np.zeros((32, 32), np.int64), "int64"),
        (Image.fromarray(np.full((32, 32), 0.5, np.float32)), "floating-point"),
    ],
)
def test_unusable_input_is_one_sentence(source: object, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        open_image(source)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_animation_is_refused() -> None:
    frames = [Image.new("RGB", (32, 32), (80 * i, 255 - 80 * i, 40)) for i in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="animation"):
        open_image(data)


def test_a_camera_file_with_a_preview_behind_it_is_read_as_its_first_picture() -> None:
    first, preview = Image.fromarray(gradient(64, 48)), Image.new("RGB", (32, 24))
    data = encoded(first, "MPO", save_all=True, append_images=[preview])
    assert Image.open(io.BytesIO(data)).n_frames == 2  # type: ignore[attr-defined]
    assert open_image(data).size == (64, 48)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_damaged_bytes_never_end_in_another_error(kind: str) -> None:
    rng = np.random.default_rng(0)
    data = np.frombuffer(encoded(Image.fromarray(gradient(40, 40)), kind), np.uint8)
    for _ in range(40):
        broken = data.copy()
        broken[rng.integers(0, len(data), 4)] = rng.integers(0, 256, 4)
        with suppress(ImageError):
            assert open_image(broken.tobytes()).mode == "RGB"


def test_still_gif_is_read() -> None:
    assert open_image(encoded(Image.new("P", (32, 20), 0), "GIF")).size == (32, 20)


def test_wide_picture_within_the_limit_is_read() -> None:
    assert open_image(encoded(Image.new("L", (MAX_SIDE_PX, 20), 90))).size == (MAX_SIDE_PX, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation: int) -> None:
    upright = Image.new("RGB", (40, 24), "white")
    upright.paste((255, 0, 0), (0, 0, 20, 12))  # red in the upper left
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[274] = orientation
    read = open_image(encoded(stored, "PNG", exif=exif))
    assert np.array_equal(np.asarray(read), np.asarray(upright))


def test_cmyk_keeps_its_colours() -> None:
    red = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    pixel = open_image(encoded(red, "JPEG", quality=95)).getpixel((10, 10))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 200
    assert max(pixel[1:]) < 60


def test_transparency_is_laid_on_white() -> None:
    layered = np.zeros((20, 20, 4), np.uint8)
    layered[:, 10:] = (10, 20, 30, 255)
    for source in (layered, encoded(Image.fromarray(layered))):
        read = np.asarray(open_image(source))
        assert (read[:, :10] == 255).all()
        assert (read[:, 10:] == (10, 20, 30)).all()


def test_palette_with_transparency() -> None:
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    opaque = open_image(encoded(picture))
    assert opaque.getpixel((3, 3)) == (200, 100, 50)
    clear = open_image(encoded(picture, "PNG", transparency=1))
    assert clear.getpixel((3, 3)) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_range() -> None:
    deep = np.linspace(0, 65_535, 32 * 32).reshape(32, 32).astype(np.uint16)
    for source in (deep, encoded(Image.fromarray(deep))):
        read = np.asarray(open_image(source))
        assert (read[..., 0] == deep // 257).all()
        assert (read[..., 0] == read[..., 2]).all()


def test_arrays_are_rgb_in_that_order() -> None:
    array = gradient()
    assert np.array_equal(np.asarray(open_image(array)), array)
    assert np.array_equal(np.asarray(open_image(array / 255.0)), array)
    assert np.array_equal(np.asarray(open_image(array[..., :1]))[..., 1], array[..., 0])


def test_path_and_bytes_agree(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(gradient()))
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    assert np.array_equal(np.asarray(open_image(path)), np.asarray(open_image(data)))
    assert np.array_equal(np.asarray(open_image(str(path))), gradient())


def test_tensor_round_trip_is_exact() -> None:
    array = gradient()
    tensor = to_tensor(Image.fromarray(array))
    assert tensor.shape == (3, 32, 48)
    assert float(tensor.min()) >= -1
    assert float(tensor.max()) <= 1
    assert tensor[0, 0, 0] == -1
    assert np.array_equal(np.asarray(to_picture(tensor)), array)


def test_to_picture_clamps() -> None:
    picture = to_picture(torch.tensor([[[-3.0, 3.0]]]).repeat(3, 1, 1))
    assert np.asarray(picture).tolist() == [[[0, 0, 0], [255, 255, 255]]]
