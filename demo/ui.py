"""Components and wiring of the page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from demo import api, board_ui, edit_ui, kept, models, panels, plots, removal, results, service, uploads, viewer
from demo.board_details import Finder
from demo.edit_wires import Shared
from demo.kept import hide, put
from demo.models import Shelf
from demo.service import Example, Reading
from demo.verdicts import Referee
from fer.errors import FerError
from fer.images import ImageSource, open_image
from fer.models.base import ActionUnitReader, Editor, Recognizer

TEXT = Path(__file__).parent / "text"
CSS = Path(__file__).parent / "page.css"
DELETE_CACHE_SECONDS = (60, 600)  # look every minute, delete what is older than ten: a backstop, see demo.uploads
PHOTO_SECONDS = 60  # the photograph, until all its faces are pasted back; then it is let go
PHOTO_HEIGHT_PX = 400  # also in page.css
READING = {"concurrency_limit": 1, "concurrency_id": "reading"}  # one photograph at a time on two cores
HINT = "Add a photograph, or click one of the examples below."

Updates = tuple[Any, ...]


def build(
    shelf: Shelf | None = None,
    results_folder: Path = results.FOLDER,
    delete_cache: tuple[int, int] = DELETE_CACHE_SECONDS,
    referee: Referee | None = None,
    find: Finder | None = None,
) -> gr.Blocks:
    """The whole page. shelf: the models, by default all that are bundled; delete_cache: every, age in seconds.

    referee: who compares the results, find: who finds their surest mistakes; without them the page only shows results.
    """
    shelf = shelf or Shelf(models.bundled())
    with gr.Blocks(title="Deadpan", delete_cache=delete_cache, analytics_enabled=False, fill_width=False) as page:
        gr.HTML(viewer.header_html())
        with gr.Tabs() as tabs:
            with gr.Tab("Read", id="read", elem_id="read") as first:
                shared = _read_tab(shelf)
            if shelf.able(Editor):
                first.select(None, shared.model, None, js=viewer.READ_LINK_JS, api_visibility="private")
                edit_ui.add(page, shelf, shared, READING)
            with gr.Tab("Benchmarks", id="benchmarks", elem_id="benchmarks") as opened:
                board = board_ui.fill(page, results_folder, referee, find, opened)
            with gr.Tab("About", id="about"):
                gr.Markdown(_text("about"), elem_classes="dp-text")
                if shelf.able(ActionUnitReader):
                    gr.Markdown(_text("about-units"), elem_classes="dp-text")
                if shelf.able(Editor):
                    gr.Markdown(_text("about-editing"), elem_classes="dp-text")
        board_ui.leave([tab for tab in tabs.children if tab is not opened])
        api.add(shelf, READING)
        api.add_board(board, referee)

        def forget(request: gr.Request) -> None:
            """A visit is over: drop all that gradio holds of it, also what a vanished browser kept from us."""
            page.state_holder.delete_state(str(request.session_hash))
            page.state_holder.session_data.pop(str(request.session_hash), None)

        page.unload(forget)
        page.load(None, None, shared.model, js=viewer.from_link_js(shelf.able(Recognizer), shelf.default))
        page.load(None, None, None, js=viewer.KEEP_FILE_JS)
    return page


def _text(name: str) -> str:
    return (TEXT / f"{name}.md").read_text(encoding="utf-8")


class Tab(NamedTuple):
    """The components of the Read tab. reading, picked and photo hold what the next event needs."""

    picture: gr.Image
    shown: gr.HTML
    again: gr.Button
    answer: gr.HTML
    chart: gr.Plot
    model: gr.Radio
    removal: gr.HTML
    units: gr.Plot
    everyone: gr.HTML
    reading: gr.State
    picked: gr.State
    photo: gr.State


def _read_tab(shelf: Shelf) -> Shared:
    choices = service.examples()
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            invitation = "Drop a photograph here\nor click to choose one"
            picture = uploads.area("photograph", "Photograph", invitation, PHOTO_HEIGHT_PX)
            shown = kept.html(viewer.NOTHING, "shown", visible="hidden", js=viewer.PICK_JS)
            again = gr.Button("Another photograph", visible=False, size="sm", elem_id="again")
        with gr.Column(scale=1, min_width=320):
            answer = kept.html(viewer.hint_html(HINT), "answer")
            chart = gr.Plot(visible=False, show_label=False, container=False, elem_id="chart")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            strip = gr.HTML(viewer.examples_html(choices), js_on_load=viewer.PICK_JS, elem_id="examples")
        with gr.Column(scale=1, min_width=320):
            model = _model_choice(shelf)
    removal = kept.html(viewer.NOTHING, "removal", js=kept.PANELS_JS)
    units = gr.Plot(visible=False, show_label=False, container=False, elem_id="units")
    everyone = kept.html(viewer.NOTHING, "everyone", js=kept.PANELS_JS)
    gr.Markdown(_text("privacy"), elem_classes="dp-small")
    states = gr.State(None, time_to_live=kept.STATE_SECONDS), gr.State(0), gr.State(None, time_to_live=PHOTO_SECONDS)
    return _wire(
        shelf, choices, strip, Tab(picture, shown, again, answer, chart, model, removal, units, everyone, *states)
    )


def _model_choice(shelf: Shelf) -> gr.Radio:
    """Which model answers; hidden where there is one only."""
    return gr.Radio(
        [(offer.label, offer.name) for offer in shelf.readers],
        value=shelf.default,
        label="Model",
        show_label=False,
        container=False,
        visible=len(shelf.readers) > 1,
        elem_id="model",
    )


def _wire(shelf: Shelf, choices: list[Example], strip: gr.HTML, tab: Tab) -> Shared:
    """Read first and show it; then remove the expression of one face, then of all; then take the values back."""
    fresh = [component for component in tab if component is not tab.model]
    answers = [tab.answer, tab.chart, tab.removal, tab.units]
    quiet = {"api_visibility": "private", "show_progress_on": [tab.answer, tab.chart]}
    silent = {"api_visibility": "private", "show_progress": "hidden"}

    def show_upload(payload: dict[str, Any] | None, model: str) -> Updates:
        if not payload:
            return _empty()
        with uploads.taken(payload, uploads.PREVIEW_SECONDS) as data:
            return _show(shelf, data, model)

    def show_example(model: str, event: gr.EventData) -> Updates:
        return _show(shelf, choices[int(event.index) % len(choices)].picture(), model)

    sent = [tab.picture, tab.model]
    uploaded = tab.picture.input(show_upload, sent, fresh, js=viewer.SAME_FILE_JS, preprocess=False, **quiet, **READING)
    clicked = strip.select(show_example, tab.model, fresh, js=viewer.FORGET_FILE_JS, **quiet, **READING)
    picked = tab.shown.select(_pick, tab.reading, [*answers, tab.picked], **silent)
    changed = tab.model.input(
        partial(_change, shelf), [tab.reading, tab.picked, tab.model], [*answers, tab.reading, tab.everyone], **quiet
    )
    shown = [tab.shown, tab.answer, tab.removal, tab.everyone]
    for event in (uploaded, clicked, picked, changed):
        done = event.then(partial(_remove, shelf), [tab.reading, tab.picked], tab.removal, **silent, **READING)
        if event in (uploaded, clicked):
            done = done.then(
                partial(_everyone, shelf), [tab.reading, tab.photo], [tab.everyone, tab.photo], **silent, **READING
            )
        done.then(partial(kept.take_back, len(shown)), None, shown, queue=False, **silent)
    emptied = tab.again.click(_empty, None, fresh, js=viewer.FORGET_FILE_JS, **silent)
    tab.model.input(None, tab.model, None, js=viewer.LINK_JS, **silent)
    return Shared(tab.reading, tab.picked, tab.model, (uploaded, clicked, emptied))


def _empty(answer: str = "") -> Updates:
    """No picture: the upload area, and a hint or the given answer."""
    nothing = gr.update(value=viewer.NOTHING, visible="hidden")
    removal, everyone = put(viewer.NOTHING), put(viewer.NOTHING)
    words = put(answer or viewer.hint_html(HINT))
    return put(None), nothing, gr.update(visible=False), words, hide(), removal, hide(), everyone, None, 0, None


def _show(shelf: Shelf, source: ImageSource, model: str) -> Updates:
    """Read a picture; whatever is wrong with it becomes a sentence in place of the answer."""
    try:
        photo = open_image(source)
    except FerError as error:
        return _empty(viewer.message_html(str(error)))
    reading: Reading | None = None
    try:
        reading = service.read(photo, shelf.take(model), shelf.unit_reader)
        answer = _answer(shelf, reading, 0)
    except FerError as error:
        answer = _no_answer(str(error))
    frame = put(viewer.photo_html(photo, reading.faces if reading else ()))
    removes = reading is not None and shelf.removes(model)
    nothing = put(viewer.NOTHING)
    return (
        hide(),
        frame,
        gr.update(visible=True),
        *answer,
        nothing,
        reading,
        0,
        photo if removes else None,
    )


def _face(reading: Reading, index: int) -> Updates:
    """Sentence and chart of a face, and its Action Units where they were read."""
    face = reading.faces[index]
    return (
        put(viewer.answer_html(face, index, len(reading.faces))),
        put(plots.expression_chart(face.probabilities)),
        put(plots.unit_chart(face.units)) if face.units else hide(),
    )


def _answer(shelf: Shelf, reading: Reading, index: int) -> Updates:
    """See ``_face``, with a line where the removal will appear."""
    answer, chart, units = _face(reading, index)
    waiting = panels.WORKING if shelf.removes(reading.model) else _readers_note(shelf, reading.model)
    return answer, chart, put(panels.note_html(waiting) if waiting else viewer.NOTHING), units


def _no_answer(sentence: str) -> Updates:
    """A sentence in place of what ``_answer`` shows."""
    return put(viewer.message_html(sentence)), hide(), put(viewer.NOTHING), hide()


def _readers_note(shelf: Shelf, model: str) -> str:
    others = [offer.name for offer in shelf.readers if shelf.removes(offer.name)]
    return f"{model} only reads. Choose {' or '.join(others)} to see the face without its expression." if others else ""


def _pick(reading: Reading | None, event: gr.EventData) -> Updates:
    """The answer for the face that was clicked; its removal follows."""
    index = int(event.index)
    if reading is None or not 0 <= index < len(reading.faces):
        return *_no_answer("This reading is no longer kept. Add the photograph again."), 0
    answer, chart, units = _face(reading, index)
    return answer, chart, gr.skip(), units, index


def _change(shelf: Shelf, reading: Reading | None, picked: int, model: str) -> Updates:
    """Another model reads the same faces. The photograph itself was not kept: it would have to be sent again."""
    if reading is None:
        return tuple(gr.skip() for _ in range(6))
    try:
        reading = service.read_again(reading, shelf.take(model))
    except FerError as error:
        return *_no_answer(str(error)), reading, put(viewer.NOTHING)
    again = f"Add the photograph again to see everyone as {model} makes them: it was not kept."
    note = panels.note_html(again) if shelf.removes(model) else viewer.NOTHING
    return *_answer(shelf, reading, picked), reading, put(note)


def _remove(shelf: Shelf, reading: Reading | None, picked: int) -> Any:
    """The section of the picked face, where the model that read it also removes."""
    if reading is None or not shelf.removes(reading.model):
        return gr.skip()
    try:
        return put(panels.removal_html(panels.shown_of(shelf, reading, picked)))
    except FerError as error:
        return put(viewer.message_html(str(error)))


def _everyone(shelf: Shelf, reading: Reading | None, photo: Image.Image | None) -> Updates:
    """The whole photograph; with it the server lets go of the photograph."""
    if reading is None or photo is None:
        return gr.skip(), None
    try:
        removals = removal.remove(shelf.take(reading.model).model, reading.faces)
        pasted = removal.everyone(photo, reading.faces, removals)
        return put(panels.everyone_html(photo, pasted, len(reading.faces))), None
    except FerError as error:
        return put(viewer.message_html(str(error))), None
