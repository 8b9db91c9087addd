"""Write docs/speed/page.json: how long the page's answers take on this machine, models warm, one face.

    python -m docs.speed.measure

Everything that the server does is in it, sending and the browser's drawing are not. The photograph is scikit-image's
astronaut, enlarged.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from demo import edit_panels, editing, full_size, panels, plots, service, viewer
from demo.models import Shelf, bundled
from eval.environment import environment, git
from eval.memory import peak_memory_mb, reset_peak
from eval.speed import photograph, timed
from fer.images import open_image, to_tensor
from fer.models.base import Editor
from fer.types import Emotion

SIDE_PX, FULL_PX = 1024, (4000, 3000)  # of the photographs
STRENGTH = 0.8


def shot(size: tuple[int, int]) -> bytes:
    """The photograph as a JPEG file of that size in px, its face in the middle third."""
    made, photo = Image.new("RGB", size, "grey"), photograph(min(size))
    made.paste(photo, ((size[0] - photo.width) // 2, 0))
    file = io.BytesIO()
    made.save(file, "JPEG", quality=92)
    return file.getvalue()


def first_answer(shelf: Shelf, model: str, data: bytes) -> str:
    """All that the Read tab shows of an upload before the whole photograph: sentence, charts, residues."""
    photo = open_image(data)
    reading = service.read(photo, shelf.take(model), shelf.unit_reader)
    face = reading.faces[0]
    viewer.photo_html(photo, reading.faces)
    plots.expression_chart(face.probabilities)
    plots.unit_chart(face.units)
    return viewer.answer_html(face, 0, 1) + panels.removal_html(panels.shown_of(shelf, reading, 0))


def full_size_edit(shelf: Shelf, model: str, reading: service.Reading, sent: str) -> str:
    """A face edited and put back at the photograph's own resolution, as the button does: read, paste, write.

    sent: the photograph's address, as the browser sends it back.
    """
    room = editing.studio(shelf, model)
    target = editing.target_of(room.space, str(Emotion.HAPPINESS), STRENGTH)
    photo = full_size.returned_photo(sent, reading)
    pasted = full_size.pasted(room, photo, reading, editing.edit(room, reading.faces[0], target))
    return edit_panels.photograph_html(photo, pasted)


def preview(room: editing.Studio, face: service.FaceReading, target: tuple[float, ...]) -> str:
    """What a change of a slider shows: the edited face beside the face before, and the gauges."""
    edited = editing.edit(room, face, target)
    return edit_panels.face_html(edited) + edit_panels.gauges_html(edited, 0, 1)


def edits(shelf: Shelf, model: str, face: service.FaceReading) -> dict[str, Any]:
    """One change of a slider: the network alone, and all that is shown."""
    room = editing.studio(shelf, model)
    target = editing.target_of(room.space, str(Emotion.SURPRISE), STRENGTH)
    pixels, asked = to_tensor(face.crop)[None], torch.tensor([target])
    return {
        "network_ms": timed(lambda: room.editor.model.edit(pixels, asked)),
        "preview_ms": timed(lambda: preview(room, face, target)),
    }


def main() -> None:
    """Measure and write the file."""
    shelf = Shelf(bundled())
    full, small = shot(FULL_PX), shot((SIDE_PX, SIDE_PX))
    reader = shelf.take(shelf.default)
    reading, sent = service.read(full, reader), panels.address(full, "image/jpeg")
    full_size_edit(shelf, "deform", reading, sent)
    reset_peak()
    whole = {"ms": timed(lambda: full_size_edit(shelf, "deform", reading, sent)), "peak_memory_mb": peak_memory_mb()}
    face = service.read(small, reader).faces[0]
    removers = [offer.name for offer in shelf.readers if shelf.removes(offer.name)]
    out = {
        "first_answer_ms": {name: timed(partial(first_answer, shelf, name, small)) for name in removers},
        "edit": {name: edits(shelf, name, face) for name in shelf.able(Editor)},
        "full_size": {"model": "deform", "photo_px": list(FULL_PX), **whole},
        "photo_px": [SIDE_PX, SIDE_PX],
        "face_px": face.crop.width,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git(),
        "environment": environment("cpu"),
    }
    text = json.dumps(out, indent=1)
    Path(__file__).with_name("page.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
