"""What travels through the pipes between this project and a peer: JSON headers, each with an array or without.

A frame is MAGIC, the lengths of header and array in bytes (unsigned, 4 and 8 bytes, big endian), a JSON object in
UTF-8, and the array as .npy, which holds no Python objects. Used on both sides: standard library and numpy alone.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = b"PEER"
LENGTHS = struct.Struct(">4sIQ")
MOST_HEADER_BYTES = 1 << 20
MOST_ARRAY_BYTES = 1 << 32
Frame = tuple[dict[str, Any], NDArray[Any] | None]


class FrameError(Exception):
    """The other side wrote something that is no frame, or stopped in the middle of one."""


def write(stream: BinaryIO, header: Mapping[str, Any], array: NDArray[Any] | None = None) -> None:
    """Send one frame. Raises OSError where nobody reads any more, ValueError for an array of objects."""
    data = b""
    if array is not None:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        data = buffer.getvalue()
    text = json.dumps(header).encode()
    stream.write(LENGTHS.pack(MAGIC, len(text), len(data)) + text + data)
    stream.flush()


def read(stream: BinaryIO) -> Frame | None:
    """The next frame, None where the other side has closed the pipe between two. Raises FrameError."""
    start = stream.read(LENGTHS.size)
    if not start:
        return None
    magic, n_text, n_data = LENGTHS.unpack(start) if len(start) == LENGTHS.size else (b"", 0, 0)
    if magic != MAGIC or n_text > MOST_HEADER_BYTES or n_data > MOST_ARRAY_BYTES:
        raise FrameError(f"it begins with {start[:12]!r}")
    try:
        header = json.loads(_exactly(stream, n_text))
        data = _exactly(stream, n_data)
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False) if data else None
    except ValueError as error:  # JSON that is none, and an array that is none
        raise FrameError(str(error)) from error
    if not isinstance(header, dict):
        raise FrameError("its header is no JSON object")
    return header, array


def _exactly(stream: BinaryIO, n: int) -> bytes:
    data = stream.read(n)
    if len(data) != n:
        raise FrameError(f"it ends after {len(data)} of {n} bytes")
    return data
