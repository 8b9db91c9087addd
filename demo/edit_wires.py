"""What the parts of the Edit tab share: their components, what an event is asked for, and how an edit is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from demo import edit_panels, editing, kept, viewer
from demo.editing import Edited, Studio
from demo.kept import put
from demo.models import Shelf
from demo.service import FaceReading, Reading
from fer.errors import FerError
from fer.types import TargetSpace

NO_PHOTO = "Add a photograph on the Read tab, then come back."
SILENT = {"api_visibility": "private", "show_progress": "hidden"}

Spaces = Mapping[str, TargetSpace]
Updates = tuple[Any, ...]
Make = Callable[[Studio, FaceReading], Edited]


class Shared(NamedTuple):
    """What both tabs use. replaced: the events after which there is another photograph or none."""

    reading: gr.State
    picked: gr.State
    model: gr.Radio
    replaced: tuple[Any, ...]


class Controls(NamedTuple):
    """What is asked for. groups, sliders: one column, and its sliders in the order of the space, per editor."""

    model: gr.Radio
    preset: gr.Radio
    as_it_is: gr.Button
    intensity: gr.Slider
    advanced: gr.Accordion
    groups: list[gr.Column]
    sliders: list[list[gr.Slider]]

    @property
    def values(self) -> list[gr.Slider]:
        return [slider for group in self.sliders for slider in group]


class Results(NamedTuple):
    """What every edit writes; photograph and way show one edit only and are emptied by the next."""

    add: gr.Button
    tools: gr.Row
    view: gr.Radio
    face: gr.HTML
    gauges: gr.HTML
    edited: gr.State
    photograph: gr.HTML
    way: gr.HTML


class Wires(NamedTuple):
    """What the events need. readers: the editors that read where their sliders stand for a face (``Studio.shown``)."""

    shelf: Shelf
    spaces: Spaces
    readers: frozenset[str]
    shared: Shared
    controls: Controls
    results: Results
    queueing: Mapping[str, Any]

    @property
    def given(self) -> list[Any]:
        """The components of an ``Asked``."""
        return [self.shared.reading, self.shared.picked, self.controls.model, self.results.view]

    @property
    def mixing(self) -> list[Any]:
        """What an edit writes that is no preset: see ``mixed``."""
        return [*self.results, *self.controls.values, self.controls.preset, self.controls.intensity]

    @property
    def live(self) -> dict[str, Any]:
        """How a live event runs: of those that come while another one runs, the last one counts."""
        return {**SILENT, **self.queueing, "trigger_mode": "always_last"}


class Asked(NamedTuple):
    """What every event is asked: which face, of which editor, seen how."""

    reading: Reading | None
    picked: int
    name: str
    view: str

    @property
    def one(self) -> FaceReading | None:
        """The picked face, where it is there."""
        there = self.reading is not None and 0 <= self.picked < len(self.reading.faces)
        return self.reading.faces[self.picked] if self.reading and there else None


def split(given: Sequence[Any]) -> tuple[Asked, Sequence[Any]]:
    """What an event sent: the question, and what comes after it."""
    count = len(Asked._fields)
    return Asked(*given[:count]), given[count:]


def then_take_back(event: Any, shown: list[Any]) -> None:
    """Once the browser has them, empty the values on the server. Never skipped, however fast the edits come."""
    event.then(partial(kept.take_back, len(shown)), None, shown, queue=False, trigger_mode="multiple", **SILENT)


def no_photo() -> Updates:
    """The results where there is no photograph."""
    nothing = [put(viewer.NOTHING) for _ in range(3)]
    hint, hidden = put(viewer.hint_html(NO_PHOTO)), [gr.update(visible=False) for _ in range(2)]
    return gr.update(visible=True), *hidden, hint, nothing[0], None, *nothing[1:]


def result(wires: Wires, asked: Asked, make: Make) -> tuple[Edited | None, Updates]:
    """The picked face, edited, in the order of ``Results``; what is wrong becomes a sentence in place of the face."""
    if asked.reading is None or asked.one is None:
        return None, no_photo()
    nothing = [put(viewer.NOTHING) for _ in range(2)]
    edited: Edited | None
    try:
        edited = make(editing.studio(wires.shelf, asked.name), asked.one)
        face = edit_panels.face_html(edited, asked.view)
        gauges = edit_panels.gauges_html(edited, asked.picked, len(asked.reading.faces))
    except FerError as error:
        edited, face, gauges = None, viewer.message_html(str(error)), viewer.NOTHING
    tools, view = gr.update(visible=edited is not None), gr.update(visible=bool(edited and edited.making))
    return edited, (gr.update(visible=False), tools, view, put(face), put(gauges), edited, *nothing)


def sliders_at(wires: Wires, name: str, target: Sequence[float] | None) -> list[Any]:
    """Updates of all sliders: those of one editor go where a target puts them, the others stay."""
    return [
        gr.update(value=round(target[place], 2)) if target and other == name else gr.skip()
        for other, space in wires.spaces.items()
        for place in range(len(space.names))
    ]


def own_values(wires: Wires, name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Those of all sliders' values that belong to the editor of that name."""
    start = 0
    for other, space in wires.spaces.items():
        if other == name:
            return values[start : start + len(space.names)]
        start += len(space.names)
    return ()


def no_preset() -> Updates:
    """No preset is chosen any more, so that a click brings one back, and none can be turned."""
    return gr.update(value=None), gr.update(interactive=False)


def mixed(wires: Wires, asked: Asked, make: Make) -> Updates:
    """See ``result``; then the sliders where the edit's target puts them, and no preset."""
    edited, updates = result(wires, asked, make)
    return *updates, *sliders_at(wires, asked.name, edited.target if edited else None), *no_preset()
