"""Takes an uploaded file out of gradio's folder: its bytes are handed over and the file is deleted.

Events that call this have ``preprocess=False``. Otherwise gr.Image would decode the picture first: a damaged file would
end in a stack trace and others would be converted without a word. Here ``fer.images`` decodes, and says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

PREVIEW_SECONDS = 0.5  # a browser that sent a picture fetches it back at once for its preview; allow it that long


def area(name: str, label: str, invitation: str, height_px: int) -> gr.Image:
    """Where a picture is dropped, taken by webcam or pasted. name: its id on the page; label: for screen readers."""
    return gr.Image(
        label=label,
        show_label=False,
        height=height_px,
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        buttons=[],
        placeholder=invitation,
        elem_id=name,
    )


@contextmanager
def taken(payload: Mapping[str, Any], keep_seconds: float = 0.0) -> Iterator[bytes]:
    """Give the bytes of an upload; on leaving, delete the file and the folder that was made for it.

    payload: the values of a gradio FileData. keep_seconds: the least time between entering and deleting.
    Raises gr.Error for a path that is not an upload and for one that is gone.
    """
    entered = time.monotonic()
    file, uploads = Path(payload.get("path") or "").resolve(), Path(get_upload_folder()).resolve()
    if uploads not in file.parents:
        raise gr.Error("That is not an uploaded picture. Upload the file itself.", print_exception=False)
    try:
        yield _read(file)
    finally:
        time.sleep(max(0.0, entered + keep_seconds - time.monotonic()))
        file.unlink(missing_ok=True)
        _remove_if_empty(file.parent, uploads)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise gr.Error("The uploaded picture is no longer there. Send it again.", print_exception=False) from error


def _remove_if_empty(folder: Path, uploads: Path) -> None:
    if folder == uploads:
        return
    try:
        folder.rmdir()  # its name is a hash of the picture
    except OSError:  # another upload lies in it, or it is gone
        return
