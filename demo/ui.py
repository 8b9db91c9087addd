"""Components and wiring of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demo import api, plots, results, service, uploads, viewer
from demo.service import Example, FaceReading, Loader
from fer.errors import FerError
from fer.images import ImageSource, open_image

TEXT = Path(__file__).parent / "text"
CSS = Path(__file__).parent / "page.css"
DELETE_CACHE_SECONDS = (60, 600)  # look every minute, delete what is older than ten: a backstop, see demo.uploads
STATE_SECONDS = 3600  # the crops of the last reading, in memory, so that another face can be picked
PHOTO_HEIGHT_PX = 400  # also in page.css
READING = {"concurrency_limit": 1, "concurrency_id": "reading"}  # one photograph at a time on two cores
HINT = "Add a photograph, or click one of the examples below."

Updates = tuple[Any, ...]


def build(
    load: Loader = service.recognizer,
    results_folder: Path = results.FOLDER,
    delete_cache: tuple[int, int] = DELETE_CACHE_SECONDS,
) -> gr.Blocks:
    """The whole page. load: gives the recogniser at the first reading; delete_cache: every, age in seconds."""
    with gr.Blocks(title="Deadpan", delete_cache=delete_cache, analytics_enabled=False, fill_width=False) as page:
        gr.HTML(viewer.header_html())
        with gr.Tabs():
            with gr.Tab("Read", id="read"):
                _read_tab(load)
            with gr.Tab("Benchmarks", id="benchmarks"):
                _benchmarks_tab(results_folder)
            with gr.Tab("About", id="about"):
                gr.Markdown(_text("about"), elem_classes="dp-text")
        api.add(load, results_folder, READING)

        def forget(request: gr.Request) -> None:
            """A visit is over: drop all that gradio holds of it, also what a vanished browser kept from us."""
            page.state_holder.delete_state(str(request.session_hash))
            page.state_holder.session_data.pop(str(request.session_hash), None)

        page.unload(forget)
    return page


def _text(name: str) -> str:
    return (TEXT / f"{name}.md").read_text(encoding="utf-8")


def _read_tab(load: Loader) -> None:
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
    strip = gr.HTML(viewer.examples_html(choices), js_on_load=viewer.PICK_JS, elem_id="examples")
    gr.Markdown(_text("privacy"), elem_classes="dp-small")
    faces = gr.State((), time_to_live=STATE_SECONDS)
    _wire(load, choices, picture, shown, again, strip, faces, answer, chart)


def _keeping(value: str, name: str, visible: bool | str = True, js: str = "") -> gr.HTML:
    """HTML that the browser goes on showing after the server took its value back."""
    return gr.HTML(
        value,
        html_template=viewer.KEEPING_TEMPLATE,
        js_on_load=viewer.KEEP_JS + js,
        visible=visible,
        elem_id=name,
    )


def _wire(
    load: Loader,
    choices: list[Example],
    picture: gr.Image,
    shown: gr.HTML,
    again: gr.Button,
    strip: gr.HTML,
    faces: gr.State,
    answer: gr.HTML,
    chart: gr.Plot,
) -> None:
    outputs = [picture, shown, again, faces, answer, chart]
    quiet = {"api_visibility": "private", "show_progress_on": [answer, chart]}

    def show_upload(payload: dict[str, Any] | None) -> Updates:
        if not payload:
            return _empty()
        with uploads.taken(payload, uploads.PREVIEW_SECONDS) as data:
            return _show(data, load)

    def show_example(event: gr.EventData) -> Updates:
        return _show(choices[int(event.index) % len(choices)].picture(), load)

    events = [
        picture.input(show_upload, picture, outputs, preprocess=False, **quiet, **READING),
        strip.select(show_example, None, outputs, **quiet, **READING),
        shown.select(_pick, faces, [answer, chart], api_visibility="private", show_progress="hidden"),
    ]
    for event in events:
        event.then(_take_back, None, [shown, answer], queue=False, api_visibility="private", show_progress="hidden")
    again.click(_empty, None, outputs, api_visibility="private", show_progress="hidden")


def _put(value: Any) -> Any:
    """Show a value. An update even where the component is visible already: see ``_take_back``."""
    return gr.update(value=value, visible=True)


def _hide() -> Any:
    return gr.update(value=None, visible=False)


def _take_back() -> Updates:
    """Empty the values of what the browser shows by now, so that no picture stays in the session on the server.

    As updates: once gradio 6.31 has seen an update of a component, it files its plain values under another number.
    """
    return gr.update(value=""), gr.update(value="")


def _empty(answer: str = "") -> Updates:
    """No picture: the upload area, and a hint or the given answer."""
    nothing = gr.update(value=viewer.NOTHING, visible="hidden")
    return _put(None), nothing, gr.update(visible=False), (), _put(answer or viewer.hint_html(HINT)), _hide()


def _show(source: ImageSource, load: Loader) -> Updates:
    """Read a picture; whatever is wrong with it becomes a sentence in place of the answer."""
    try:
        photo = open_image(source)
    except FerError as error:
        return _empty(viewer.message_html(str(error)))
    found: tuple[FaceReading, ...] = ()
    try:
        found = service.read_faces(photo, load)
        answer, chart = _answer(found, 0)
    except FerError as error:
        answer, chart = _put(viewer.message_html(str(error))), _hide()
    return _hide(), _put(viewer.photo_html(photo, found)), gr.update(visible=True), found, answer, chart


def _pick(found: tuple[FaceReading, ...], event: gr.EventData) -> Updates:
    """The answer for the face that was clicked."""
    index = int(event.index)
    if not 0 <= index < len(found):
        return _put(viewer.message_html("This reading is no longer kept. Add the photograph again.")), _hide()
    return _answer(found, index)


def _answer(found: tuple[FaceReading, ...], index: int) -> Updates:
    chart = plots.expression_chart(found[index].probabilities)
    return _put(viewer.answer_html(found[index], index, len(found))), _put(chart)


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
