"""Sections of the Edit tab for a second picture: whose expression, or whose Action Units, the face takes over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import gradio as gr

from demo import edit_panels, editing, kept, muscles, panels, uploads, viewer
from demo.edit_wires import Make, Updates, Wires, mixed, no_preset, result, split, then_take_back
from demo.kept import put
from demo.models import JUDGE
from demo.service import FaceReading
from fer.errors import FerError
from fer.models.base import ActionUnitReader, Transferrer

TAKEN_OVER = "The face above takes over what this person's face shows."
UNITS_TAKEN = "The sliders go where this person's face is read, and the face above follows."
PREVIEW_HEIGHT_PX = 200  # of the upload area

# From the name of the editor and the second face: a sentence on that face, and the edit.
Take = Callable[[Wires, str, FaceReading], tuple[str, Make]]


def transfers(wires: Wires, name: str) -> bool:
    """Whether that editor takes over an expression."""
    return name in wires.shelf.able(Transferrer)


def borrows_units(wires: Wires, name: str) -> bool:
    """Whether that editor's Action Units can be read from another face."""
    return editing.of_muscles(wires.spaces[name]) and bool(wires.shelf.able(ActionUnitReader))


def add_transfer(wires: Wires) -> gr.Accordion:
    """A second picture whose expression is taken over."""
    title, shown = "Take the expression from another picture", transfers(wires, wires.controls.model.value)
    with gr.Accordion(title, open=False, visible=shown, elem_id="borrow") as section:
        _add(wires, "second", "source", TAKEN_OVER, _expression, keep_sliders=True)
    return section


def add_units(wires: Wires) -> gr.Accordion:
    """A second picture whose Action Units become the sliders' values."""
    title, shown = "Read the Action Units of another face", borrows_units(wires, wires.controls.model.value)
    with gr.Accordion(title, open=False, visible=shown, elem_id="borrow-units") as section:
        _add(wires, "second-units", "source-units", UNITS_TAKEN, _units, keep_sliders=False)
    return section


def _add(wires: Wires, name: str, answer: str, words: str, take: Take, keep_sliders: bool) -> None:
    """The upload area and, beside it, what was taken from the picture."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            invitation = "Drop a picture of one person here\nor click to choose one"
            picture = uploads.area(name, "Second picture", invitation, PREVIEW_HEIGHT_PX)
        with gr.Column(scale=1, min_width=320):
            source = kept.html(panels.note_html(words), answer)
    written = _written(wires, keep_sliders)
    taken = picture.input(
        partial(_taken, wires, take, keep_sliders),
        [*wires.given, picture],
        [picture, source, *written],
        preprocess=False,
        api_visibility="private",
        show_progress_on=source,
        **wires.queueing,
    )
    then_take_back(taken, [source, wires.results.face, wires.results.gauges])


def _written(wires: Wires, keep_sliders: bool) -> list[Any]:
    """What is changed: the results and which preset is chosen; the sliders too, where they can tell the edit."""
    return [*wires.results, wires.controls.preset, wires.controls.intensity] if keep_sliders else wires.mixing


def _taken(wires: Wires, take: Take, keep_sliders: bool, *given: Any) -> Updates:
    """The edit by a second picture; what is wrong with that one is said beside it, and the face above stays."""
    asked, (payload,) = split(given)
    untouched = [gr.skip() for _ in _written(wires, keep_sliders)]
    if not isinstance(payload, Mapping):
        return put(None), put(viewer.NOTHING), *untouched
    try:
        with uploads.taken(payload, uploads.PREVIEW_SECONDS) as data:
            source = editing.source_face(data, wires.shelf.take(JUDGE))
        words, make = take(wires, asked.name, source)
    except FerError as error:
        return put(None), put(viewer.message_html(str(error))), *untouched
    updates = (*result(wires, asked, make)[1], *no_preset()) if keep_sliders else mixed(wires, asked, make)
    return put(None), put(edit_panels.source_html(source, words)), *updates


def _expression(wires: Wires, name: str, source: FaceReading) -> tuple[str, Make]:
    wires.shelf.take(name, Transferrer)
    return "", lambda room, one: editing.transfer(room, one, source)


def _units(wires: Wires, name: str, source: FaceReading) -> tuple[str, Make]:
    reader = muscles.reader_beside(wires.shelf, name)
    if reader is None:
        raise FerError("No model here reads Action Units.")
    strengths = muscles.strengths_of(reader, source)
    words = f"{muscles.sentence(strengths)} Read by {reader.name}, an estimate."
    return words, lambda room, one: editing.edit(room, one, strengths)
