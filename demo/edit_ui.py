"""Components and wiring of the Edit tab. It edits the face that is picked on the Read tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr

from demo import edit_panels, editing, full_size, kept, muscle_ui, panels, pictures, second_ui, viewer
from demo.edit_wires import (
    NO_PHOTO,
    SILENT,
    Asked,
    Controls,
    Results,
    Shared,
    Spaces,
    Updates,
    Wires,
    no_photo,
    no_preset,
    own_values,
    result,
    sliders_at,
    split,
    then_take_back,
)
from demo.editing import Edited, Studio, of_muscles
from demo.kept import put
from demo.models import Shelf
from demo.service import FaceReading, Reading
from fer.errors import FerError
from fer.models.base import ActionUnitReader, Editor, Sampler
from fer.types import Emotion, TargetSpace

FIRST_PRESET = str(Emotion.SURPRISE)  # seen on a neutral face as on a smiling one
SAME_FACE = (
    "One photograph serves both tabs: here you edit the face that is picked on the Read tab. It works best on a face "
    "that looks straight ahead and shows no expression yet; a broad smile is hard to turn into anything else."
)
NO_FACE_YET = "There is no edited face yet. " + NO_PHOTO
NOBODY = "Each has the expression that is chosen above."


def add(page: gr.Blocks, shelf: Shelf, shared: Shared, queueing: Mapping[str, Any]) -> None:
    """Add the tab for the editors of the shelf, whose target spaces shape its sliders: they are loaded here."""
    spaces = {name: editing.studio(shelf, name).space for name in shelf.able(Editor)}
    readers = frozenset(name for name in shelf.able(ActionUnitReader) if name in spaces and of_muscles(spaces[name]))
    with gr.Tab("Edit", id="edit", elem_id="edit") as tab:
        gr.HTML(panels.note_html(SAME_FACE))
        with gr.Row(equal_height=False):
            with gr.Column(scale=0, min_width=pictures.SHOWN_PX, elem_classes="dp-edited"):
                view = muscle_ui.view_switch()
                face = kept.html(viewer.hint_html(NO_PHOTO), "edited", js=kept.PANELS_JS)
                start = gr.Button("Add a photograph", elem_id="add-photograph", size="sm")
            with gr.Column(scale=1, min_width=320):
                controls, gauges = _controls(spaces, readers)
        with gr.Row(visible=False) as tools:
            paste = gr.Button("Put it back into the photograph", size="sm", scale=0, min_width=280, elem_id="paste")
            film = gr.Button("Film the way there", size="sm", scale=0, min_width=280, elem_id="film")
        shown = [kept.html(viewer.NOTHING, name, js=kept.PANELS_JS) for name in ("edited-photograph", "way")]
        edited = gr.State(None, time_to_live=kept.STATE_SECONDS)
        results = Results(start, tools, view, face, gauges, edited, *shown)
        wires = Wires(shelf, spaces, readers, shared, controls, results, queueing)
        sections = [second_ui.add_transfer(wires), second_ui.add_units(wires), _people(wires)]
        _wire(page, wires, tab, sections)
        _wire_results(wires, paste, film)
    start.click(None, None, None, js=viewer.OPEN_READ_JS, **SILENT)
    for event in (tab.select, controls.model.input):
        event(None, controls.model, None, js=viewer.EDIT_LINK_JS, **SILENT)


def _controls(spaces: Spaces, readers: frozenset[str]) -> tuple[Controls, gr.HTML]:
    """Model, preset and intensity; the gauges; and below them, so that they stay in sight, a slider for each name."""
    names = list(spaces)
    first, choices = names[0], editing.presets(spaces[names[0]])
    model = gr.Radio(
        names, value=first, show_label=False, container=False, visible=len(names) > 1, elem_id="edit-model"
    )
    start = None if first in readers else _first(choices)
    preset = gr.Radio(choices, value=start, label="Expression", elem_id="preset")
    as_it_is = gr.Button(muscle_ui.AS_IT_IS, size="sm", visible=first in readers, elem_id="as-it-is")
    intensity = gr.Slider(
        *(0, 1, 1),
        step=0.01,
        label="Intensity",
        buttons=[],
        interactive=start is not None,
        visible=_named(choices),
        elem_id="intensity",
    )
    gauges = kept.html(viewer.NOTHING, "gauges", js=kept.PANELS_JS)
    groups, sliders = [], []
    with gr.Accordion("Advanced: mix your own", open=_opened(spaces[first]), elem_id="advanced") as advanced:
        for name, space in spaces.items():
            with gr.Column(visible=name == first, elem_classes="dp-sliders") as group:
                sliders.append(_sliders(space, reads=name in readers))
            groups.append(group)
    return Controls(model, preset, as_it_is, intensity, advanced, groups, sliders), gauges


def _named(choices: Sequence[str]) -> bool:
    """Whether there is more to ask for by name than neutral."""
    return len(choices) > 1


def _first(choices: Sequence[str]) -> str:
    return FIRST_PRESET if FIRST_PRESET in choices else choices[0]


def _opened(space: TargetSpace) -> bool:
    """Whether the sliders are seen at once: where they are what the editor is for."""
    return of_muscles(space) or not _named(editing.presets(space))


def _sliders(space: TargetSpace, reads: bool) -> list[gr.Slider]:
    """One per name, at what the first preset asks for, or at 0 where they wait for a face."""
    target = editing.target_of(space, _first(editing.presets(space)), 0.0 if reads else 1.0)
    if of_muscles(space):
        return muscle_ui.sliders(target)
    return [
        gr.Slider(low, high, value, step=(high - low) / editing.SLIDER_STEPS, label=name, buttons=[], interactive=True)
        for name, low, high, value in zip(space.names, space.low, space.high, target, strict=True)
    ]


def _wire(page: gr.Blocks, wires: Wires, tab: gr.Tab, sections: list[gr.Accordion]) -> None:
    """Every edit: on entering the tab, live from the controls, and nothing left of a photograph that was replaced."""
    controls, results, live = wires.controls, wires.results, wires.live
    by_sliders = [*wires.given, *controls.values]
    by_preset = [*wires.given, controls.preset, controls.intensity]
    moving = [*results, *controls.values]
    switched = [controls.preset, controls.intensity, controls.as_it_is, controls.advanced, *controls.groups, *sections]
    switch = {"fn": partial(_switch, wires), "inputs": by_preset, "outputs": [*moving, *switched]}
    events = [
        tab.select(partial(_enter, wires), [results.edited, *by_sliders], wires.mixing, **live),
        controls.preset.input(partial(_ask, wires), by_preset, [*moving, controls.intensity], **live),
        controls.intensity.input(partial(_turn, wires), by_preset, moving, **live),
        controls.model.input(**switch, **live),
        *(
            slider.input(partial(_mix, wires), by_sliders, [*results, controls.preset, controls.intensity], **live)
            for slider in controls.values
        ),
        *muscle_ui.wire(wires),
    ]
    for event in events:
        then_take_back(event, [results.face, results.gauges])
    for event in wires.shared.replaced:
        event.then(no_photo, None, list(results), **SILENT)
    linked = page.load(None, None, controls.model, js=viewer.from_link_js(list(wires.spaces), controls.model.value))
    linked.then(**switch, queue=False, **SILENT).then(None, None, None, js=viewer.OPEN_EDIT_JS, **SILENT)


def _by_sliders(wires: Wires, asked: Asked, values: Sequence[Any]) -> Updates:
    """The face as the sliders ask for it."""
    own = own_values(wires, asked.name, values)
    return result(wires, asked, lambda room, one: editing.edit(room, one, editing.checked(room.space, own)))[1]


def _mix(wires: Wires, *given: Any) -> Updates:
    """A slider was moved."""
    return *_by_sliders(wires, *split(given)), *no_preset()


def _enter(wires: Wires, edited: Edited | None, *given: Any) -> Updates:
    """The face that is picked by now, as it is or as the sliders ask for it; nothing where it is shown already."""
    asked, values = split(given)
    if asked.one and edited is not None and edited.one.crop is asked.one.crop:
        return tuple(gr.skip() for _ in wires.mixing)
    if asked.one and asked.name in wires.readers:
        return muscle_ui.as_it_is(wires, asked)
    return *_by_sliders(wires, asked, values), *(gr.skip() for _ in wires.mixing[len(wires.results) :])


def _turn(wires: Wires, *given: Any) -> Updates:
    """The face as preset and intensity ask for it, and the sliders of the editor where they put them."""
    asked, (preset, intensity) = split(given)

    def make(room: Studio, one: FaceReading) -> Edited:
        return editing.edit(room, one, editing.target_of(room.space, preset, intensity))

    updates = result(wires, asked, make)[1]
    try:
        target = editing.target_of(wires.spaces[asked.name], preset, intensity)
    except FerError:  # the sentence stands in the result
        return *updates, *sliders_at(wires, asked.name, None)
    return *updates, *sliders_at(wires, asked.name, target)


def _ask(wires: Wires, *given: Any) -> Updates:
    """A preset was chosen: it can be more or less intense."""
    return *_turn(wires, *given), gr.update(interactive=True)


def _switch(wires: Wires, *given: Any) -> Updates:
    """Another editor: its presets, its sliders, what it can do."""
    asked, (preset, intensity) = split(given)
    space, reads = wires.spaces[asked.name], asked.name in wires.readers
    choices = editing.presets(space)
    chosen = None if reads else preset if preset in choices else _first(choices)
    moved = muscle_ui.as_it_is(wires, asked)[:-2] if reads else _turn(wires, *asked, chosen, intensity)
    return (
        *moved,
        gr.update(choices=choices, value=chosen),
        gr.update(interactive=not reads, visible=_named(choices)),
        gr.update(visible=reads),
        gr.update(open=True) if _opened(space) else gr.skip(),
        *(gr.update(visible=other == asked.name) for other in wires.spaces),
        *(gr.update(visible=can(wires, asked.name)) for can in (second_ui.transfers, second_ui.borrows_units, _draws)),
    )


def _wire_results(wires: Wires, paste: gr.Button, film: gr.Button) -> None:
    """What is made on a click: the whole photograph, and the film."""
    results, slow = wires.results, {"api_visibility": "private", "show_progress": "minimal", **wires.queueing}
    sent = gr.Textbox(visible=False)  # the photograph, which only the browser has
    pasted = paste.click(
        partial(_paste, wires),
        [wires.shared.reading, results.edited, sent],
        results.photograph,
        js=viewer.PHOTO_JS,
        show_progress_on=paste,
        **slow,
    )
    filmed = film.click(partial(_film, wires), results.edited, results.way, show_progress_on=film, **slow)
    then_take_back(pasted, [results.photograph, sent])  # gradio files what is sent, too
    then_take_back(filmed, [results.way])


def _paste(wires: Wires, reading: Reading | None, edited: Edited | None, address: str) -> Any:
    if reading is None or edited is None:
        return put(panels.note_html(NO_FACE_YET))
    try:
        photo = full_size.returned_photo(address, reading)
        pasted = full_size.pasted(editing.studio(wires.shelf, edited.model), photo, reading, edited)
    except FerError as error:
        return put(viewer.message_html(str(error)))
    return put(edit_panels.photograph_html(photo, pasted))


def _film(wires: Wires, edited: Edited | None) -> Any:
    if edited is None:
        return put(panels.note_html(NO_FACE_YET))
    try:
        film = editing.film(editing.studio(wires.shelf, edited.model), edited.one, edited.target)
    except FerError as error:
        return put(viewer.message_html(str(error)))
    return put(edit_panels.film_html(film, edited.label))


def _draws(wires: Wires, name: str) -> bool:
    """Whether that editor draws people."""
    return name in wires.shelf.able(Sampler)


def _people(wires: Wires) -> gr.Accordion:
    """Faces that are drawn, not edited: no photograph is needed."""
    able = _draws(wires, wires.controls.model.value)
    with gr.Accordion("People who do not exist", open=False, visible=able, elem_id="people") as section:
        with gr.Row(equal_height=False):
            label = "Seed (same seed, same people)"
            seed = gr.Number(0, label=label, precision=0, scale=0, min_width=320, elem_id="seed")
            draw = gr.Button(f"Draw {editing.PEOPLE} faces", size="sm", scale=0, min_width=200, elem_id="draw")
        drawn = kept.html(panels.note_html(NOBODY), "drawn", js=kept.PANELS_JS)
        event = gr.on(
            [draw.click, seed.submit],
            partial(_draw, wires),
            [wires.controls.model, seed, *wires.controls.values],
            drawn,
            api_visibility="private",
            show_progress="minimal",
            show_progress_on=draw,
            **wires.queueing,
        )
        then_take_back(event, [drawn])
    return section


def _draw(wires: Wires, name: str, seed: Any, *values: float) -> Any:
    try:
        wires.shelf.take(name, Sampler)
        room = editing.studio(wires.shelf, name)
        target = editing.checked(room.space, own_values(wires, name, values))
        return put(edit_panels.people_html(editing.people(room, target, editing.checked_seed(seed))))
    except FerError as error:
        return put(viewer.message_html(str(error)))
