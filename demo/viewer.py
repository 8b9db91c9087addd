"""The photograph with its boxes, the answer and the examples as HTML. Pictures go inline: no copy lands on the disk."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from html import escape

from PIL import Image

from demo import service
from demo.service import Example, FaceReading

SHOWN_SIDE_PX = 1280  # a larger photograph is shown reduced
THUMBNAIL_PX = 160
MANY_FACES = 12  # from here on a number would cover its face: only the picked one shows it

# gradio keeps the last value of every component of a visit in the server's memory. Pictures therefore do not stay
# values: the browser copies a value to ``kept``, which is what it shows, and the server then takes the value back
# (``kept.take_back``). ``kept`` is not declared to the server, which would reset it. NOTHING is a value that shows
# nothing; an empty value shows what was kept.
KEEPING_TEMPLATE = "${value || (typeof kept === 'undefined' ? '' : kept)}"
NOTHING = "<span></span>"
KEEP_JS = """
const keep = () => { if (props.value) props.kept = props.value; };
watch('value', keep);
keep();
"""

# One listener for the life of the component: a click or Enter on anything with data-index reports its number.
PICK_JS = """
element.addEventListener('click', (event) => {
  const picked = event.target.closest('[data-index]');
  if (!picked) return;
  const index = picked.dataset.index;
  element.querySelectorAll('[data-index]').forEach((other) => {
    if (other.hasAttribute('aria-pressed')) other.setAttribute('aria-pressed', String(other.dataset.index === index));
  });
  element.querySelectorAll(`.dp-thumb[data-index="${index}"]`).forEach((one) => one.scrollIntoView({block: 'nearest'}));
  trigger('select', {index: Number(index)});
});
"""

# The address of the page names the model and the view, never the picture (see also panels.js).
LINK_JS = """(model) => {
  const query = new URLSearchParams(location.search);
  query.set('model', model);
  history.replaceState(history.state, '', `?${query}`);
}"""

EDIT_LINK_JS = """(model) => {
  const query = new URLSearchParams(location.search);
  query.set('view', 'edit');
  query.set('model', model);
  history.replaceState(history.state, '', `?${query}`);
}"""
READ_LINK_JS = """(model) => {
  const query = new URLSearchParams(location.search);
  const visited = document.querySelector('#preset');  // gradio selects Read at the start, and draws Edit when visited
  if (!visited || query.get('view') !== 'edit') return;
  const view = document.querySelector('#removal [role=tab][aria-selected=true]');
  if (view) query.set('view', view.dataset.view); else query.delete('view');
  query.set('model', model);
  history.replaceState(history.state, '', `?${query}`);
}"""
OPEN_EDIT_JS = """() => {
  const query = new URLSearchParams(location.search);
  if (query.get('view') === 'edit' && !query.has('tab')) document.querySelector('#edit-button').click();
}"""
OPEN_READ_JS = "() => document.querySelector('#read-button').click()"

# The photograph's own file stays in the browser, so that it can be sent back in full size. It is remembered when it is
# chosen or dropped; anything else that becomes the photograph (webcam, clipboard, example) is none, and forgets it.
KEEP_FILE_JS = """() => {
  const remember = (event, files) => {
    if (event.target.closest('#photograph') && files && files.length) window.dpFile = files[0];
  };
  document.addEventListener('change', (event) => remember(event, event.target.files), true);
  document.addEventListener('drop', (event) => remember(event, event.dataTransfer.files), true);
}"""
SAME_FILE_JS = """(picture, ...given) => {
  const kept = window.dpFile;
  if (!picture || !kept || picture.orig_name !== kept.name || picture.size !== kept.size) window.dpFile = null;
  return [picture, ...given];
}"""
FORGET_FILE_JS = "(...given) => { window.dpFile = null; return given; }"

# The photograph, sent back once in place of the last argument: its file, else as the page shows it.
PHOTO_JS = """async (...given) => {
  const shown = document.querySelector('#shown .dp-frame img');
  const read = (file) => new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => done('');
    reader.readAsDataURL(file);
  });
  const own = shown && window.dpFile ? await read(window.dpFile) : '';
  return [...given.slice(0, -1), own || (shown || {src: ''}).src];
}"""


def from_link_js(offered: Sequence[str], default: str) -> str:
    """JavaScript that gives the model which the page's address names, where it is offered, else the default."""
    return (
        "() => { const named = new URLSearchParams(location.search).get('model'); "
        f"return {json.dumps(list(offered))}.includes(named) ? named : {json.dumps(default)}; }}"
    )


def inline(picture: Image.Image, side_px: int, quality: int = 88) -> str:
    """A data: address of the picture as JPEG, its longer side at most ``side_px``."""
    copy = picture.copy()
    copy.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def photo_html(photo: Image.Image, faces: Sequence[FaceReading]) -> str:
    """The photograph with one button per face on it and, for two faces or more, a row of numbered crops below."""
    alt = f"Your photograph, {len(faces)} face{'' if len(faces) == 1 else 's'} found"
    boxes = "".join(_box(photo, face, index, len(faces)) for index, face in enumerate(faces))
    ratio = photo.width / photo.height
    many = " dp-many" if len(faces) > MANY_FACES else ""
    frame = (
        f'<div class="dp-frame{many}" style="--ratio:{ratio:.5f}">'
        f'<img src="{inline(photo, SHOWN_SIDE_PX)}" alt="{alt}">{boxes}</div>'
    )
    strip = "".join(_thumbnail(face, index) for index, face in enumerate(faces)) if len(faces) > 1 else ""
    return f'<div class="dp-photo">{frame}</div>' + (
        f'<div class="dp-strip" role="group" aria-label="Faces found">{strip}</div>' if strip else ""
    )


def _box(photo: Image.Image, face: FaceReading, index: int, count: int) -> str:
    x0, x1 = (min(max(v / photo.width, 0), 1) for v in face.box[0::2])
    y0, y1 = (min(max(v / photo.height, 0), 1) for v in face.box[1::2])
    place = f"left:{x0:.2%};top:{y0:.2%};width:{x1 - x0:.2%};height:{y1 - y0:.2%};z-index:{index + 1}"
    number = f"<span>{index + 1}</span>" if count > 1 else ""
    return (
        f'<button type="button" class="dp-box" data-index="{index}" aria-pressed="{str(index == 0).lower()}" '
        f'aria-label="Face {index + 1} of {count}" style="{place}">{number}</button>'
    )


def _thumbnail(face: FaceReading, index: int) -> str:
    return (
        f'<button type="button" class="dp-thumb" data-index="{index}" aria-pressed="{str(index == 0).lower()}" '
        f'aria-label="Pick face {index + 1}"><img src="{inline(face.crop, 64)}" alt="">'
        f"<span>{index + 1}</span></button>"
    )


def answer_html(face: FaceReading, index: int, count: int) -> str:
    """The aligned crop of the picked face beside the sentence."""
    which = f"Face {index + 1} of {count}" if count > 1 else "The face, aligned"
    caution = service.caution(face)
    note = f'<p class="dp-note">{escape(caution)}</p>' if caution else ""
    return (
        f'<div class="dp-answer" role="status"><img src="{inline(face.crop, 256)}" alt="{which}, cut out and aligned">'
        f'<div><p class="dp-which">{which}</p><p class="dp-sentence">{escape(service.sentence(face.probabilities))}</p>'
        f"{note}</div></div>"
    )


def message_html(sentence: str) -> str:
    """An answer in words where there is nothing to show."""
    return f'<div class="dp-message" role="alert"><p>{escape(sentence)}</p></div>'


def hint_html(text: str) -> str:
    """What to do before there is an answer."""
    return f'<div class="dp-hint"><p>{escape(text)}</p></div>'


def header_html() -> str:
    """Name and one line."""
    return '<header class="dp-header"><h1>Deadpan</h1><p>Read a face by removing its expression</p></header>'


def examples_html(examples: Sequence[Example]) -> str:
    """One button with a small picture per example."""
    buttons = "".join(
        f'<button type="button" class="dp-example" data-index="{index}" '
        f'aria-label="Example: {escape(example.caption)}" title="{escape(example.caption)} ({escape(example.credit)})">'
        f'<img src="{inline(service.open_image(example.picture()), THUMBNAIL_PX)}" alt=""></button>'
        for index, example in enumerate(examples)
    )
    return f'<div class="dp-examples" role="group" aria-label="Example pictures">{buttons}</div>'
