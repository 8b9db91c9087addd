"""What the Edit tab has for editors of Action Units: sliders in groups, the face as it is, ways to look at an edit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr

from demo import edit_panels, editing, muscles
from demo.edit_wires import Asked, Updates, Wires, mixed, then_take_back
from demo.editing import Edited, Studio
from demo.kept import put
from demo.service import FaceReading
from fer.action_units import ACTION_UNITS, AU_INDEX
from fer.errors import FerError

AS_IT_IS = "As it is"


def sliders(target: Sequence[float]) -> list[gr.Slider]:
    """23 sliders from 0 to 1 in three groups, the first one open; target and they in the order of ACTION_UNITS."""
    made: dict[str, gr.Slider] = {}
    for place, (title, names) in enumerate(muscles.GROUPS.items()):
        with gr.Accordion(title, open=place == 0, elem_classes="dp-muscles"):
            for name in names:
                made[name] = gr.Slider(
                    0,
                    1,
                    target[AU_INDEX[name]],
                    step=1 / editing.SLIDER_STEPS,
                    label=muscles.label(name),
                    buttons=[],
                    interactive=True,
                )
    return [made[name] for name in ACTION_UNITS]


def view_switch() -> gr.Radio:
    """How the edited face is looked at; seen where the editor tells how it made it."""
    return gr.Radio(
        list(edit_panels.VIEWS),
        value=edit_panels.VIEWS[0],
        show_label=False,
        container=False,
        visible=False,
        elem_id="edit-view",
    )


def wire(wires: Wires) -> list[Any]:
    """The button and the switch. Returns the events that make an edit."""
    results = wires.results
    looked = results.view.input(_look, [results.edited, results.view], results.face, **wires.live)
    then_take_back(looked, [results.face])
    return [wires.controls.as_it_is.click(partial(_return, wires), wires.given, wires.mixing, **wires.live)]


def _look(edited: Edited | None, view: str) -> Any:
    return gr.skip() if edited is None else put(edit_panels.face_html(edited, view))


def _return(wires: Wires, *given: Any) -> Updates:
    return as_it_is(wires, Asked(*given))


def as_it_is(wires: Wires, asked: Asked) -> Updates:
    """The face unchanged, with the sliders where the editor reads it, in the order of ``Wires.mixing``."""

    def make(room: Studio, one: FaceReading) -> Edited:
        edited = editing.as_it_is(room, one)
        if edited is None:
            raise FerError(f"{asked.name} does not read the Action Units of a face. Choose an expression.")
        return edited

    return mixed(wires, asked, make)
