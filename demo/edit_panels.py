"""What editing gave, as HTML: before and after, two gauges, strip and film, people who do not exist, downloads."""

from __future__ import annotations

import json
from html import escape

from PIL import Image

from demo import editing, panels, pictures, service, viewer
from demo.editing import Edited, Film, People
from demo.models import IDENTITY, JUDGE
from demo.service import FaceReading, percent
from fer.types import Emotion

MADE = "generated with another expression"
SOURCE_PX = 256
FRAME_PX = 256  # people are drawn at 128 px and shown at this side


def face_html(edited: Edited) -> str:
    """The face before and after, with a line to drag."""
    return panels.face_html(edited.one.crop, edited.image, MADE)


def edited_png(edited: Edited) -> str:
    """The generated face, marked, as a data: address."""
    return panels.png_address(pictures.marked(edited.image))


def gauges_html(edited: Edited, index: int, count: int) -> str:
    """What the judge sees before and after, whether it is still the same person, and the files. index: from 0."""
    before, after = percent(edited.before), percent(edited.after)
    source = " The expression comes from the second picture." if edited.target is None else ""
    caution = service.caution(edited.one)
    return (
        f'<section class="dp-edit"><p class="dp-which">{_which(index, count)}</p>'
        f'<p class="dp-outcome">{escape(_outcome(edited))}{source}</p>'
        f"{_gauge('Expression shown', f'{edited.label} {before} → {after}', edited.after, edited.before)}"
        f'<p class="dp-quiet">The probability that {JUDGE} gives to {escape(edited.label)}; the thin mark is the '
        "photograph. It names what a face shows, not what anybody feels.</p>"
        f"{_gauge('Identity kept', f'{edited.identity:.2f} of 1', max(0.0, edited.identity))}"
        f'<p class="dp-quiet">How alike {IDENTITY} finds both faces, whatever their expression: 1.00 is the same to '
        "it. It sees small grey faces, so a high value is no proof.</p>"
        + (f'<p class="dp-note">{escape(caution)}</p>' if caution else "")
        + f"{_downloads(edited)}</section>"
    )


def _downloads(edited: Edited) -> str:
    numbers = {"model": edited.model, "weights": edited.weights, "sha256": edited.sha256, "label": edited.label}
    numbers |= {"target": edited.target} | dict(editing.face_json(edited, ""))
    del numbers["edited"]
    files = {
        "Edited face (PNG)": ("deadpan-edited-face.png", edited_png(edited)),
        "Numbers (JSON)": ("deadpan-edit.json", panels.address(json.dumps(numbers).encode(), "application/json")),
    }
    link = '<a class="dp-here" href="?">Link to this tab</a>'
    return f'<p class="dp-downloads">{panels.links_html(files)}{link}</p>'


def _which(index: int, count: int) -> str:
    return (
        f"Face {index + 1} of {count}; pick another one on the Read tab" if count > 1 else "The face of the photograph"
    )


def _outcome(edited: Edited) -> str:
    """In words, as far as whole percents tell."""
    label, after = edited.label, percent(edited.after)
    same = after == percent(edited.before)
    if edited.after >= service.CLEAR_FROM:
        shown = f"no expression: {label}" if label == Emotion.NEUTRAL else label
        return f"The edited face shows {shown} ({after}){', as before' if same else ''}."
    if same:
        return f"The edited face is no nearer to {label} than before ({after})."
    moved = "comes nearer to" if edited.after > edited.before else "moves away from"
    return f"The edited face {moved} {label}, but does not show it clearly ({after})."


def _gauge(name: str, words: str, share: float, mark: float | None = None) -> str:
    """A bar from 0 to 1 with a thin mark."""
    tick = "" if mark is None else f'<span class="dp-tick" style="left:{mark:.1%}"></span>'
    return (
        f'<p class="dp-gauge"><b>{name}</b><span>{escape(words)}</span></p><div class="dp-track" role="meter" '
        f'aria-label="{name}" aria-valuemin="0" aria-valuemax="1" aria-valuenow="{share:.2f}">'
        f'<span class="dp-bar" style="width:{share:.1%}"></span>{tick}</div>'
    )


def source_html(source: FaceReading) -> str:
    """The face of the second picture, and what it shows."""
    caution = service.caution(source)
    return (
        f'<div class="dp-answer" role="status"><img src="{viewer.inline(source.crop, SOURCE_PX)}" '
        f'alt="The face of the second picture"><div><p class="dp-which">Taken over from this face</p>'
        f"<p>{escape(service.sentence(source.probabilities))}</p>"
        + (f'<p class="dp-note">{escape(caution)}</p>' if caution else "")
        + "</div></div>"
    )


def photograph_html(photo: Image.Image, pasted: Image.Image) -> str:
    """The whole photograph with the edited face in its place."""
    words = "in the size that the page shows"
    file = ("Edited", "deadpan-edited-photograph.jpg")
    return panels.photograph_html("In the photograph", photo, pasted, file, MADE, words)


def film_html(film: Film, label: str) -> str:
    """Five steps side by side, the film, and the files."""
    steps = [round(100 * k / (len(film.strip) - 1)) for k in range(len(film.strip))]
    figures = "".join(
        f"<figure>{panels.picture_html(frame, f'The face at {step} percent of {label}, generated')}"
        f"<figcaption>{step} %</figcaption></figure>"
        for frame, step in zip(film.strip, steps, strict=True)
    )
    files = {
        "Strip (PNG)": ("deadpan-strip.png", panels.png_address(_row(film.strip))),
        "Film (GIF)": ("deadpan-film.gif", panels.address(film.gif, "image/gif")),
        "Film (MP4)": ("deadpan-film.mp4", panels.address(film.mp4, "video/mp4")),
    }
    return (
        f'<section class="dp-removal"><h2>From no expression to {escape(label)}</h2>'
        f'<div class="dp-steps">{figures}</div><img class="dp-film" src="{files["Film (GIF)"][1]}" '
        f'alt="The generated face moves to {escape(label)} and back">'
        f'<p class="dp-downloads">{panels.links_html(files)}</p></section>'
    )


def people_html(people: People) -> str:
    """Six faces of nobody, and their file."""
    faces = [pictures.marked(face.resize((FRAME_PX, FRAME_PX), Image.Resampling.BICUBIC)) for face in people.faces]
    figures = "".join(
        f"<figure>{panels.picture_html(face, f'Face {number} of nobody, generated', pictures.WHOLLY)}</figure>"
        for number, face in enumerate(faces, 1)
    )
    sheet = panels.address(pictures.png(_row(faces), pictures.WHOLLY), "image/png")
    files = {f"{len(faces)} faces (PNG)": (f"deadpan-people-{people.seed}.png", sheet)}
    return (
        f'<section class="dp-edit"><div class="dp-people">{figures}</div><p>Drawn by {escape(people.model)} for '
        f"<b>{escape(people.label)}</b> with seed {people.seed}; {JUDGE} reads {people.agreed} of {len(faces)} so. "
        f'They are photographs of nobody.</p><p class="dp-downloads">{panels.links_html(files)}</p></section>'
    )


def _row(frames: tuple[Image.Image, ...] | list[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (sum(frame.width for frame in frames), frames[0].height))
    for place, frame in enumerate(frames):
        sheet.paste(frame, (place * frame.width, 0))
    return sheet
