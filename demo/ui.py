"""Components and wiring of the page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from demo import api, models, panels, plots, removal, results, service, uploads, viewer
from demo.models import Shelf
from demo.service import Example, Reading
from fer.errors import FerError
from fer.images import ImageSource, open_image

TEXT = Path(__file__).parent / "text"
CSS = Path(__file__).parent / "page.css"
DELETE_CACHE_SECONDS = (60, 600)  # look every minute, delete what is older than ten: a backstop, see demo.uploads
REMOVAL_JS = Path(__file__).parent / "removal.js"
PHOTO_SECONDS = 60  # the photograph, until all its faces are pasted back; then it is let go
STATE_SECONDS = 3600  # the crops of the last reading, in memory, so that another face can be picked
PHOTO_HEIGHT_PX = 400  # also in page.css
READING = {"concurrency_limit": 1, "concurrency_id": "reading"}  # one photograph at a time on two cores
HINT = "Add a photograph, or click one of the examples below."

Updates = tuple[Any, ...]


def build(
    shelf: Shelf | None = None,
    results_folder: Path = results.FOLDER,
    delete_cache: tuple[int, int] = DELETE_CACHE_SECONDS,
) -> gr.Blocks:
    """The whole page. shelf: the models, by default all that are bundled; delete_cache: every, age in seconds."""
    shelf = shelf or Shelf(models.bundled())
    with gr.Blocks(title="Deadpan", delete_cache=delete_cache, analytics_enabled=False, fill_width=False) as page:
        gr.HTML(viewer.header_html())
        with gr.Tabs():
            with gr.Tab("Read", id="read"):
                model = _read_tab(shelf)
            with gr.Tab("Benchmarks", id="benchmarks"):
                _benchmarks_tab(results_folder)
            with gr.Tab("About", id="about"):
                gr.Markdown(_text("about"), elem_classes="dp-text")
        api.add(shelf, results_folder, READING)

        def forget(request: gr.Request) -> None:
            """A visit is over: drop all that gradio holds of it, also what a vanished browser kept from us."""
            page.state_holder.delete_state(str(request.session_hash))
            page.state_holder.session_data.pop(str(request.session_hash), None)

        page.unload(forget)
        page.load(None, None, model, js=viewer.from_link_js([o.name for o in shelf.offers], shelf.default))
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
    everyone: gr.HTML
    reading: gr.State
    picked: gr.State
    photo: gr.State


def _read_tab(shelf: Shelf) -> gr.Radio:
    choices = service.examples()
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            picture = gr.Image(
                label="Photograph",
                show_label=False,
                height=PHOTO_HEIGHT_PX,
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                buttons=[],
                placeholder="Drop a photograph here\nor click to choose one",
                elem_id="photograph",
            )
            shown = _keeping(viewer.NOTHING, "shown", visible="hidden", js=viewer.PICK_JS)
            again = gr.Button("Another photograph", visible=False, size="sm", elem_id="again")
        with gr.Column(scale=1, min_width=320):
            answer = _keeping(viewer.hint_html(HINT), "answer")
            chart = gr.Plot(visible=False, show_label=False, container=False, elem_id="chart")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            strip = gr.HTML(viewer.examples_html(choices), js_on_load=viewer.PICK_JS, elem_id="examples")
        with gr.Column(scale=1, min_width=320):
            model = _model_choice(shelf)
    removal = _keeping(viewer.NOTHING, "removal", js=REMOVAL_JS.read_text(encoding="utf-8"))
    everyone = _keeping(viewer.NOTHING, "everyone", js=REMOVAL_JS.read_text(encoding="utf-8"))
    gr.Markdown(_text("privacy"), elem_classes="dp-small")
    states = gr.State(None, time_to_live=STATE_SECONDS), gr.State(0), gr.State(None, time_to_live=PHOTO_SECONDS)
    _wire(shelf, choices, strip, Tab(picture, shown, again, answer, chart, model, removal, everyone, *states))
    return model


def _model_choice(shelf: Shelf) -> gr.Radio:
    """Which model answers; hidden where there is one only."""
    return gr.Radio(
        [(offer.label, offer.name) for offer in shelf.offers],
        value=shelf.default,
        label="Model",
        show_label=False,
        container=False,
        visible=len(shelf.offers) > 1,
        elem_id="model",
    )


def _keeping(value: str, name: str, visible: bool | str = True, js: str = "") -> gr.HTML:
    """HTML that the browser goes on showing after the server took its value back."""
    return gr.HTML(
        value,
        html_template=viewer.KEEPING_TEMPLATE,
        js_on_load=viewer.KEEP_JS + js,
        visible=visible,
        elem_id=name,
    )


def _wire(shelf: Shelf, choices: list[Example], strip: gr.HTML, tab: Tab) -> None:
    """Read first and show it; then remove the expression of one face, then of all; then take the values back."""
    fresh = [component for component in tab if component is not tab.model]
    answers = [tab.answer, tab.chart, tab.removal]
    quiet = {"api_visibility": "private", "show_progress_on": [tab.answer, tab.chart]}
    silent = {"api_visibility": "private", "show_progress": "hidden"}

    def show_upload(payload: dict[str, Any] | None, model: str) -> Updates:
        if not payload:
            return _empty()
        with uploads.taken(payload, uploads.PREVIEW_SECONDS) as data:
            return _show(shelf, data, model)

    def show_example(model: str, event: gr.EventData) -> Updates:
        return _show(shelf, choices[int(event.index) % len(choices)].picture(), model)

    uploaded = tab.picture.input(show_upload, [tab.picture, tab.model], fresh, preprocess=False, **quiet, **READING)
    clicked = strip.select(show_example, tab.model, fresh, **quiet, **READING)
    picked = tab.shown.select(_pick, tab.reading, [*answers, tab.picked], **silent)
    changed = tab.model.input(
        partial(_change, shelf), [tab.reading, tab.picked, tab.model], [*answers, tab.reading, tab.everyone], **quiet
    )
    kept = [tab.shown, tab.answer, tab.removal, tab.everyone]
    for event in (uploaded, clicked, picked, changed):
        done = event.then(partial(_remove, shelf), [tab.reading, tab.picked], tab.removal, **silent, **READING)
        if event in (uploaded, clicked):
            done = done.then(
                partial(_everyone, shelf), [tab.reading, tab.photo], [tab.everyone, tab.photo], **silent, **READING
            )
        done.then(partial(_take_back, len(kept)), None, kept, queue=False, **silent)
    tab.again.click(_empty, None, fresh, **silent)
    tab.model.input(None, tab.model, None, js=viewer.LINK_JS, **silent)


def _put(value: Any) -> Any:
    """Show a value. An update even where the component is visible already: see ``_take_back``."""
    return gr.update(value=value, visible=True)


def _hide() -> Any:
    return gr.update(value=None, visible=False)


def _take_back(count: int) -> Any:
    """Empty the values of what the browser shows by now, so that no picture stays in the session on the server.

    As updates: once gradio 6.31 has seen an update of a component, it files its plain values under another number.
    """
    return [gr.update(value="") for _ in range(count)]  # gradio consumes an update: none may be used twice


def _empty(answer: str = "") -> Updates:
    """No picture: the upload area, and a hint or the given answer."""
    nothing = gr.update(value=viewer.NOTHING, visible="hidden")
    removal, everyone = _put(viewer.NOTHING), _put(viewer.NOTHING)
    words = _put(answer or viewer.hint_html(HINT))
    return _put(None), nothing, gr.update(visible=False), words, _hide(), removal, everyone, None, 0, None


def _show(shelf: Shelf, source: ImageSource, model: str) -> Updates:
    """Read a picture; whatever is wrong with it becomes a sentence in place of the answer."""
    try:
        photo = open_image(source)
    except FerError as error:
        return _empty(viewer.message_html(str(error)))
    reading: Reading | None = None
    try:
        reading = service.read(photo, shelf.take(model))
        answer, chart, removal = _answer(shelf, reading, 0)
    except FerError as error:
        answer, chart, removal = _put(viewer.message_html(str(error))), _hide(), _put(viewer.NOTHING)
    frame = _put(viewer.photo_html(photo, reading.faces if reading else ()))
    removes = reading is not None and shelf.removes(model)
    nothing = _put(viewer.NOTHING)
    return (
        _hide(),
        frame,
        gr.update(visible=True),
        answer,
        chart,
        removal,
        nothing,
        reading,
        0,
        photo if removes else None,
    )


def _answer(shelf: Shelf, reading: Reading, index: int) -> Updates:
    """Sentence and chart of a face, and a line where its removal will appear."""
    face = reading.faces[index]
    waiting = panels.WORKING if shelf.removes(reading.model) else _readers_note(shelf, reading.model)
    return (
        _put(viewer.answer_html(face, index, len(reading.faces))),
        _put(plots.expression_chart(face.probabilities)),
        _put(panels.note_html(waiting) if waiting else viewer.NOTHING),
    )


def _readers_note(shelf: Shelf, model: str) -> str:
    others = [offer.name for offer in shelf.offers if offer.removes]
    return f"{model} only reads. Choose {' or '.join(others)} to see the face without its expression." if others else ""


def _pick(reading: Reading | None, event: gr.EventData) -> Updates:
    """The answer for the face that was clicked; its removal follows."""
    index = int(event.index)
    if reading is None or not 0 <= index < len(reading.faces):
        gone = "This reading is no longer kept. Add the photograph again."
        return _put(viewer.message_html(gone)), _hide(), _put(viewer.NOTHING), 0
    face = reading.faces[index]
    chart = _put(plots.expression_chart(face.probabilities))
    return _put(viewer.answer_html(face, index, len(reading.faces))), chart, gr.skip(), index


def _change(shelf: Shelf, reading: Reading | None, picked: int, model: str) -> Updates:
    """Another model reads the same faces. The photograph itself was not kept: it would have to be sent again."""
    if reading is None:
        return tuple(gr.skip() for _ in range(5))
    try:
        reading = service.read_again(reading, shelf.take(model))
    except FerError as error:
        return _put(viewer.message_html(str(error))), _hide(), _put(viewer.NOTHING), reading, _put(viewer.NOTHING)
    again = f"Add the photograph again to see everyone as {model} makes them: it was not kept."
    note = panels.note_html(again) if shelf.removes(model) else viewer.NOTHING
    return *_answer(shelf, reading, picked), reading, _put(note)


def _remove(shelf: Shelf, reading: Reading | None, picked: int) -> Any:
    """The section of the picked face, where the model that read it also removes."""
    if reading is None or not shelf.removes(reading.model):
        return gr.skip()
    try:
        return _put(panels.removal_html(panels.shown_of(shelf, reading, picked)))
    except FerError as error:
        return _put(viewer.message_html(str(error)))


def _everyone(shelf: Shelf, reading: Reading | None, photo: Image.Image | None) -> Updates:
    """The whole photograph; with it the server lets go of the photograph."""
    if reading is None or photo is None:
        return gr.skip(), None
    try:
        removals = removal.remove(shelf.take(reading.model).model, reading.faces)
        pasted = removal.everyone(photo, reading.faces, removals)
        return _put(panels.everyone_html(photo, pasted, len(reading.faces))), None
    except FerError as error:
        return _put(viewer.message_html(str(error))), None


def _benchmarks_tab(folder: Path) -> None:
    rows, complaints = results.read_rows(folder)
    gr.Markdown(_text("benchmarks"), elem_classes="dp-text")
    for complaint in complaints:
        gr.HTML(viewer.message_html(complaint))
    if not rows:
        gr.HTML(viewer.hint_html("There are no results yet. Run the benchmarks with: make eval"))
        return
    gr.Dataframe(
        results.table(rows),
        headers=list(results.HEADINGS.values()),
        datatype=results.DATATYPES,
        interactive=False,
        show_search="filter",
        buttons=["fullscreen", "copy"],
        show_label=False,
        elem_id="results",
    )
    gr.Plot(plots.results_chart(rows), show_label=False, container=False, elem_id="results-chart")
    removals = results.read_removals(folder)
    if removals:
        gr.Markdown(_text("removal"), elem_classes="dp-text")
        gr.Dataframe(
            removals,
            headers=results.REMOVAL_HEADINGS,
            datatype=results.REMOVAL_DATATYPES,
            interactive=False,
            show_label=False,
            elem_id="removals",
        )
