"""Pictures of one size -> the bytes of a film, made in memory. Each file says that it was generated."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction

import av
from PIL import Image

from demo.pictures import SOURCE

COLOURS = 255  # of a GIF's one palette; the last of 256 is left to the encoder
CRF = "18"  # H.264: hardly any loss


def gif(frames: Sequence[Image.Image], frame_ms: int) -> bytes:
    """A GIF that repeats for ever. All frames share one palette, so that what does not move does not flicker."""
    width, height = frames[0].size
    sheet = Image.new("RGB", (width, height * len(frames)))
    for place, frame in enumerate(frames):
        sheet.paste(frame, (0, place * height))
    palette = sheet.quantize(COLOURS, Image.Quantize.MEDIANCUT)
    first, *rest = (frame.convert("RGB").quantize(palette=palette) for frame in frames)
    buffer = io.BytesIO()
    first.save(
        buffer, "GIF", save_all=True, append_images=rest, duration=frame_ms, loop=0, comment=SOURCE.encode("ascii")
    )
    return buffer.getvalue()


def mp4(frames: Sequence[Image.Image], frame_ms: int) -> bytes:
    """H.264 in MP4; width and height must be even."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        film.metadata["comment"] = SOURCE
        stream = film.add_stream("libx264", rate=Fraction(1000, frame_ms), options={"crf": CRF})
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"  # what every player knows
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_image(frame)))
        film.mux(stream.encode(None))
    return buffer.getvalue()
