"""Components and wiring of the Edit tab. It edits the face that is picked on the Read tab."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from demo import edit_panels, editing, kept, panels, pictures, uploads, viewer
from demo.editing import Edited, Studio
from demo.kept import put
from demo.models import JUDGE, Shelf
from demo.service import FaceReading, Reading
from fer.errors import FerError
from fer.models.base import Editor, Sampler, Transferrer
from fer.types import Emotion, TargetSpace

FIRST_PRESET = str(Emotion.HAPPINESS)
SAME_FACE = (
    "One photograph serves both tabs: here you edit the face that is picked on the Read tab. It works best on a face "
    "that looks straight ahead and shows no expression yet; a broad smile is hard to turn into anything else."
)
NO_PHOTO = "Add a photograph on the Read tab, then come back."
NO_FACE_YET = "There is no edited face yet. " + NO_PHOTO
ONLY_TARGETS = "The film goes from no expression to one of the list or of the sliders. Choose one of them first."
TAKEN_OVER = "The face above takes over what this person's face shows."
NOBODY = "Each has the expression that is chosen above."
PREVIEW_HEIGHT_PX = 200  # of the second picture's upload area

Spaces = Mapping[str, TargetSpace]
Updates = tuple[Any, ...]
SILENT = {"api_visibility": "private", "show_progress": "hidden"}


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
    face: gr.HTML
    gauges: gr.HTML
    edited: gr.State
    photograph: gr.HTML
    way: gr.HTML


class Wires(NamedTuple):
    """What the events need."""

    shelf: Shelf
    spaces: Spaces
    shared: Shared
    controls: Controls
    results: Results
    queueing: Mapping[str, Any]

    @property
    def given(self) -> list[Any]:
        return [self.shared.reading, self.shared.picked, self.controls.model]


def add(page: gr.Blocks, shelf: Shelf, shared: Shared, queueing: Mapping[str, Any]) -> None:
    """Add the tab for the editors of the shelf, whose target spaces shape its sliders: they are loaded here."""
    spaces = {name: editing.studio(shelf, name).space for name in shelf.able(Editor)}
    with gr.Tab("Edit", id="edit", elem_id="edit") as tab:
        gr.HTML(panels.note_html(SAME_FACE))
        with gr.Row(equal_height=False):
            with gr.Column(scale=0, min_width=pictures.SHOWN_PX):
                face = kept.html(viewer.hint_html(NO_PHOTO), "edited", js=kept.PANELS_JS)
                start = gr.Button("Add a photograph", elem_id="add-photograph", size="sm")
            with gr.Column(scale=1, min_width=320):
                controls, gauges = _controls(spaces)
        with gr.Row(visible=False) as tools:
            paste = gr.Button("Put it back into the photograph", size="sm", scale=0, min_width=280, elem_id="paste")
            film = gr.Button("Film the way there", size="sm", scale=0, min_width=280, elem_id="film")
        shown = [kept.html(viewer.NOTHING, name, js=kept.PANELS_JS) for name in ("edited-photograph", "way")]
        edited = gr.State(None, time_to_live=kept.STATE_SECONDS)
        wires = Wires(shelf, spaces, shared, controls, Results(start, tools, face, gauges, edited, *shown), queueing)
        sections = [_transfer(wires), _people(wires)]
        _wire(page, wires, tab, sections)
        _wire_results(wires, paste, film)
    start.click(None, None, None, js=viewer.OPEN_READ_JS, **SILENT)
    for event in (tab.select, controls.model.input):
        event(None, controls.model, None, js=viewer.EDIT_LINK_JS, **SILENT)


def _controls(spaces: Spaces) -> tuple[Controls, gr.HTML]:
    """Model, preset and intensity; the gauges; and below them, so that they stay in sight, a slider for each name."""
    names = list(spaces)
    several = len(names) > 1
    model = gr.Radio(names, value=names[0], show_label=False, container=False, visible=several, elem_id="edit-model")
    choices = editing.presets(spaces[names[0]])
    named = _named(choices)
    preset = gr.Radio(choices, value=_first(choices), label="Expression", elem_id="preset")
    intensity = gr.Slider(
        0, 1, 1, step=0.01, label="Intensity", buttons=[], interactive=True, visible=named, elem_id="intensity"
    )
    gauges = kept.html(viewer.NOTHING, "gauges", js=kept.PANELS_JS)
    groups, sliders = [], []
    with gr.Accordion("Advanced: mix your own", open=not named, elem_id="advanced") as advanced:
        for name, space in spaces.items():
            with gr.Column(visible=name == names[0], elem_classes="dp-sliders") as group:
                sliders.append(_sliders(space))
            groups.append(group)
    return Controls(model, preset, intensity, advanced, groups, sliders), gauges


def _named(choices: Sequence[str]) -> bool:
    """Whether there is more to ask for by name than neutral."""
    return len(choices) > 1


def _first(choices: Sequence[str]) -> str:
    return FIRST_PRESET if FIRST_PRESET in choices else choices[0]


def _sliders(space: TargetSpace) -> list[gr.Slider]:
    """One per name, at what the first preset asks for."""
    target = editing.target_of(space, _first(editing.presets(space)), 1.0)
    return [
        gr.Slider(low, high, value, step=(high - low) / 100, label=name, buttons=[], interactive=True)
        for name, low, high, value in zip(space.names, space.low, space.high, target, strict=True)
    ]


def _wire(page: gr.Blocks, wires: Wires, tab: gr.Tab, sections: list[gr.Accordion]) -> None:
    """Every edit: on entering the tab, live from the controls, and nothing left of a photograph that was replaced."""
    controls, results = wires.controls, wires.results
    live = {**SILENT, **wires.queueing, "trigger_mode": "always_last"}
    mixed = [*wires.given, *controls.values]
    asked = [*wires.given, controls.preset, controls.intensity]
    mixing = [*results, controls.preset, controls.intensity]
    switched = [controls.preset, controls.intensity, controls.advanced, *controls.groups, *sections]
    switch = {"fn": partial(_switch, wires), "inputs": asked, "outputs": [*results, *controls.values, *switched]}
    events = [
        tab.select(partial(_enter, wires), [results.edited, *mixed], list(results), **live),
        controls.preset.input(partial(_ask, wires), asked, [*results, *controls.values, controls.intensity], **live),
        controls.intensity.input(partial(_turn, wires), asked, [*results, *controls.values], **live),
        controls.model.input(**switch, **live),
        *(slider.input(partial(_mix, wires), mixed, mixing, **live) for slider in controls.values),
    ]
    for event in events:
        _then_take_back(event, [results.face, results.gauges])
    for event in wires.shared.replaced:
        event.then(_no_photo, None, list(results), **SILENT)
    linked = page.load(None, None, controls.model, js=viewer.from_link_js(list(wires.spaces), controls.model.value))
    linked.then(**switch, queue=False, **SILENT).then(None, None, None, js=viewer.OPEN_EDIT_JS, **SILENT)


def _then_take_back(event: Any, shown: list[Any]) -> None:
    """Once the browser has them, empty the values on the server. Never skipped, however fast the edits come."""
    event.then(partial(kept.take_back, len(shown)), None, shown, queue=False, trigger_mode="multiple", **SILENT)


def _no_photo() -> Updates:
    nothing = [put(viewer.NOTHING) for _ in range(3)]
    hint = put(viewer.hint_html(NO_PHOTO))
    return gr.update(visible=True), gr.update(visible=False), hint, nothing[0], None, *nothing[1:]


def _result(
    wires: Wires, reading: Reading | None, picked: int, name: str, make: Callable[[Studio, FaceReading], Edited]
) -> Updates:
    """The picked face, edited, in the order of ``Results``; what is wrong becomes a sentence in place of the face."""
    if reading is None or not 0 <= picked < len(reading.faces):
        return _no_photo()
    nothing = [put(viewer.NOTHING) for _ in range(2)]
    edited: Edited | None
    try:
        edited = make(editing.studio(wires.shelf, name), reading.faces[picked])
        face, gauges = edit_panels.face_html(edited), edit_panels.gauges_html(edited, picked, len(reading.faces))
    except FerError as error:
        edited, face, gauges = None, viewer.message_html(str(error)), viewer.NOTHING
    tools = gr.update(visible=edited is not None)
    return gr.update(visible=False), tools, put(face), put(gauges), edited, *nothing


def _own(wires: Wires, name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Those of all sliders' values that belong to the editor of that name."""
    start = 0
    for other, space in wires.spaces.items():
        if other == name:
            return values[start : start + len(space.names)]
        start += len(space.names)
    return ()


def _by_sliders(wires: Wires, reading: Reading | None, picked: int, name: str, *values: float) -> Updates:
    """The face as the sliders ask for it."""
    own = _own(wires, name, values)
    return _result(
        wires, reading, picked, name, lambda room, one: editing.edit(room, one, editing.checked(room.space, own))
    )


def _mix(wires: Wires, reading: Reading | None, picked: int, name: str, *values: float) -> Updates:
    """A slider was moved: no preset is chosen any more, so that a click brings one back, and none can be turned."""
    result = _by_sliders(wires, reading, picked, name, *values)
    return *result, gr.update(value=None), gr.update(interactive=False)


def _enter(wires: Wires, edited: Edited | None, reading: Reading | None, picked: int, name: str, *values: float) -> Any:
    """The face that is picked by now; nothing where it is shown already."""
    there = reading is not None and 0 <= picked < len(reading.faces)
    if there and edited is not None and edited.one.crop is reading.faces[picked].crop:
        return tuple(gr.skip() for _ in wires.results)
    return _by_sliders(wires, reading, picked, name, *values)


def _turn(wires: Wires, reading: Reading | None, picked: int, name: str, preset: str, intensity: float) -> Updates:
    """The face as preset and intensity ask for it, and the sliders of the editor where they put them."""

    def make(room: Studio, one: FaceReading) -> Edited:
        return editing.edit(room, one, editing.target_of(room.space, preset, intensity))

    result = _result(wires, reading, picked, name, make)
    try:
        target: Sequence[float] = editing.target_of(wires.spaces[name], preset, intensity)
    except FerError:  # the sentence stands in the result
        target = ()
    moved = [
        gr.update(value=value) if target and other == name else gr.skip()
        for other, space in wires.spaces.items()
        for value in (target if target and other == name else space.names)
    ]
    return *result, *moved


def _ask(wires: Wires, reading: Reading | None, picked: int, name: str, preset: str, intensity: float) -> Updates:
    """A preset was chosen: it can be more or less intense."""
    return *_turn(wires, reading, picked, name, preset, intensity), gr.update(interactive=True)


def _switch(wires: Wires, reading: Reading | None, picked: int, name: str, preset: str | None, share: float) -> Updates:
    """Another editor: its presets, its sliders, what it can do."""
    choices = editing.presets(wires.spaces[name])
    preset = preset if preset in choices else _first(choices)
    return (
        *_turn(wires, reading, picked, name, preset, share),
        gr.update(choices=choices, value=preset),
        gr.update(interactive=True, visible=_named(choices)),
        gr.skip() if _named(choices) else gr.update(open=True),
        *(gr.update(visible=other == name) for other in wires.spaces),
        *(gr.update(visible=name in wires.shelf.able(able)) for able in (Transferrer, Sampler)),
    )


def _wire_results(wires: Wires, paste: gr.Button, film: gr.Button) -> None:
    """What is made on a click: the whole photograph, and the film."""
    results, slow = wires.results, {"api_visibility": "private", "show_progress": "minimal", **wires.queueing}
    sent = gr.Textbox(visible=False)  # the photograph, which only the browser has
    pasted = paste.click(
        _paste,
        [wires.shared.reading, results.edited, sent],
        results.photograph,
        js=viewer.PHOTO_JS,
        show_progress_on=paste,
        **slow,
    )
    filmed = film.click(partial(_film, wires), results.edited, results.way, show_progress_on=film, **slow)
    _then_take_back(pasted, [results.photograph, sent])  # gradio files what is sent, too
    _then_take_back(filmed, [results.way])


def _paste(reading: Reading | None, edited: Edited | None, address: str) -> Any:
    if reading is None or edited is None:
        return put(panels.note_html(NO_FACE_YET))
    try:
        photo = editing.returned_photo(address, reading)
    except FerError as error:
        return put(viewer.message_html(str(error)))
    return put(edit_panels.photograph_html(photo, editing.pasted(photo, reading, edited)))


def _film(wires: Wires, edited: Edited | None) -> Any:
    if edited is None or not any(edited.target or ()):
        return put(panels.note_html(NO_FACE_YET if edited is None else ONLY_TARGETS))
    try:
        film = editing.film(editing.studio(wires.shelf, edited.model), edited.one, edited.target)
    except FerError as error:
        return put(viewer.message_html(str(error)))
    return put(edit_panels.film_html(film, edited.label))


def _transfer(wires: Wires) -> gr.Accordion:
    """A second picture whose expression is taken over."""
    able = wires.controls.model.value in wires.shelf.able(Transferrer)
    with gr.Accordion(
        "Take the expression from another picture", open=False, visible=able, elem_id="borrow"
    ) as section:
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=320):
                picture = gr.Image(
                    label="Second picture",
                    show_label=False,
                    height=PREVIEW_HEIGHT_PX,
                    type="filepath",
                    sources=["upload", "webcam", "clipboard"],
                    buttons=[],
                    placeholder="Drop a picture of one person here\nor click to choose one",
                    elem_id="second",
                )
            with gr.Column(scale=1, min_width=320):
                source = kept.html(panels.note_html(TAKEN_OVER), "source")
        outputs = [picture, source, *wires.results]
        taken = picture.input(
            partial(_take_over, wires),
            [*wires.given, picture],
            outputs,
            preprocess=False,
            api_visibility="private",
            show_progress_on=source,
            **wires.queueing,
        )
        _then_take_back(taken, [source, wires.results.face, wires.results.gauges])
    return section


def _take_over(
    wires: Wires, reading: Reading | None, picked: int, name: str, payload: Mapping[str, Any] | None
) -> Updates:
    """The edit by a second picture; what is wrong with that one is said beside it, and the face above stays."""
    untouched = [gr.skip() for _ in wires.results]
    if not payload:
        return put(None), put(viewer.NOTHING), *untouched
    try:
        with uploads.taken(payload, uploads.PREVIEW_SECONDS) as data:
            source = editing.source_face(data, wires.shelf.take(JUDGE))
        wires.shelf.take(name, Transferrer)
    except FerError as error:
        return put(None), put(viewer.message_html(str(error))), *untouched
    result = _result(wires, reading, picked, name, lambda room, one: editing.transfer(room, one, source))
    return put(None), put(edit_panels.source_html(source)), *result


def _people(wires: Wires) -> gr.Accordion:
    """Faces that are drawn, not edited: no photograph is needed."""
    able = wires.controls.model.value in wires.shelf.able(Sampler)
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
        _then_take_back(event, [drawn])
    return section


def _draw(wires: Wires, name: str, seed: Any, *values: float) -> Any:
    try:
        wires.shelf.take(name, Sampler)
        room = editing.studio(wires.shelf, name)
        target = editing.checked(room.space, _own(wires, name, values))
        return put(edit_panels.people_html(editing.people(room, target, editing.checked_seed(seed))))
    except FerError as error:
        return put(viewer.message_html(str(error)))
