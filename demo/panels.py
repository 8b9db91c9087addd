"""What removing the expression gave, as HTML: before and after, residue, layers, movement, votes, downloads.

Every picture is a data: address. gradio's ImageSlider and Gallery would write them into a folder of the server.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from PIL import Image

from demo import pictures, removal, service
from demo.models import JUDGE, Loaded, Shelf
from demo.removal import Faithfulness, Removal
from demo.service import FaceReading, Reading, percent
from fer.framing import resized
from fer.images import to_picture

PREVIEW_PX = 1600  # the longer side of the photograph as shown; the download has its full size
FACE_PX = 512
BEFORE_AFTER = "Left of the line as photographed, right of it generated. Drag, or use the arrow keys."
WITHOUT = "generated without expression"
WORKING = "Removing the expression..."


@dataclass(frozen=True, eq=False)
class Shown:
    """All that the panels of one face need. judged: what the judge says that the neutral face does."""

    reading: Reading
    face: FaceReading
    removal: Removal
    remover: Loaded
    judged: str
    proof: Faithfulness


def shown_of(shelf: Shelf, reading: Reading, index: int) -> Shown:
    """Remove the expression of one face and ask the judge about it. Raises FerError."""
    remover, judge = shelf.take(reading.model), shelf.take(JUDGE).model
    face = reading.faces[index]
    (removed,) = removal.remove(remover.model, [face])
    neutral = resized(removed.neutral[None], face.face.pixels.shape[-1])
    label, share = judge.recognize(neutral).top()
    proof = removal.faithfulness(judge, face.face.pixels, removed.face - removed.neutral)
    return Shown(reading, face, removed, remover, f"shows {label} ({percent(share)}).", proof)


def address(data: bytes, kind: str) -> str:
    """A data: address."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def removal_html(shown: Shown) -> str:
    """The section of one face: tabs, a panel for each view that the model has, downloads."""
    views: dict[str, tuple[str, Callable[[Shown], str]]] = {
        "neutral": ("Neutral face", _neutral),
        "residue": ("Residue", _residue),
        "layers": ("Layers", _layers),
        "movement": ("Movement", _movement),
        "votes": ("Votes", _votes),
    }
    panels = {name: (title, html) for name, (title, make) in views.items() if (html := make(shown))}
    tabs = "".join(
        f'<button type="button" role="tab" id="dp-tab-{name}" aria-controls="dp-view-{name}" data-view="{name}" '
        f'aria-selected="{_yes(name == "neutral")}" tabindex="{0 if name == "neutral" else -1}">{title}</button>'
        for name, (title, _) in panels.items()
    )
    bodies = "".join(
        f'<div role="tabpanel" id="dp-view-{name}" aria-labelledby="dp-tab-{name}" data-view="{name}" class="dp-view" '
        f"{'' if name == 'neutral' else 'hidden'}>{html}</div>"
        for name, (_, html) in panels.items()
    )
    return (
        '<section class="dp-removal"><h2>Without its expression</h2>'
        f'<div role="tablist" aria-label="Views" class="dp-tabs">{tabs}</div>{bodies}{_downloads(shown)}</section>'
    )


def _yes(holds: bool) -> str:
    return str(holds).lower()


def face_html(before: Image.Image, after: Image.Image, made: str) -> str:
    """A face and what was made of it, with a line to drag. made: how it was generated, in words."""
    first, second = address(pictures.jpeg(enlarged(before), (90,)), "image/jpeg"), generated(enlarged(after))
    return compare_html(first, second, "The face", 1.0, pictures.SHOWN_PX, made)


def compare_html(before: str, after: str, what: str, ratio: float, widest_px: int, made: str) -> str:
    """Two pictures of one size on top of each other with a line to drag. before, after: addresses; made: in words."""
    return (
        f'<figure class="dp-compare" style="--ratio:{ratio:.5f};--widest:{widest_px}px"><div class="dp-pair">'
        f'<img src="{before}" alt="{what}, as photographed"><img class="dp-after" src="{after}" '
        f'alt="{what}, {escape(made)}"><span class="dp-line"></span>'
        f'<input type="range" min="0" max="100" value="50" aria-label="{what}: where the generated part begins, %">'
        f"</div><figcaption>{BEFORE_AFTER}</figcaption></figure>"
    )


def alone_html(picture: Image.Image, what: str, words: str) -> str:
    """A generated picture where a before and after would stand, with words below."""
    return (
        f'<figure class="dp-compare" style="--ratio:1;--widest:{pictures.SHOWN_PX}px"><div class="dp-pair">'
        f'<img src="{generated(picture)}" alt="{escape(what)}, generated"></div>'
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def generated(picture: Image.Image) -> str:
    """The address of a picture that is shown with the mark."""
    return address(pictures.jpeg(pictures.marked(picture), (90,)), "image/jpeg")


def picture_html(picture: Image.Image, alt: str, share: str = pictures.PARTLY) -> str:
    """A picture of a panel. share: how much of it is generated, see ``pictures.png``."""
    source = address(pictures.jpeg(picture, (90,), share), "image/jpeg")
    return f'<img class="dp-map" src="{source}" alt="{escape(alt)}">'


def enlarged(picture: Image.Image) -> Image.Image:
    """A small face as large as the page shows it."""
    return picture.resize((pictures.SHOWN_PX,) * 2, Image.Resampling.BICUBIC) if picture.width < FACE_PX else picture


def side_html(picture: str, *paragraphs: str) -> str:
    """A picture with words beside it (below it on a phone)."""
    return f'<div class="dp-side">{picture}<div>{"".join(f"<p>{text}</p>" for text in paragraphs)}</div></div>'


def _neutral(shown: Shown) -> str:
    return side_html(
        face_html(shown.face.crop, to_picture(shown.removal.neutral), WITHOUT),
        f"The right part is what <b>{shown.remover.name}</b> makes of this face: the same person without expression, "
        "as the model imagines it. It is generated, not a photograph.",
        f"Read by {JUDGE}, the generated face {escape(shown.judged)}",
    )


def _residue(shown: Shown) -> str:
    residue = shown.removal.residue
    full = percent(pictures.full_scale(residue))
    legend = (
        f'<span class="dp-scale" style="--low:rgb{pictures.DARKER};--mid:rgb{pictures.UNCHANGED};'
        f'--high:rgb{pictures.BRIGHTER}"></span><span class="dp-ends"><span>darker</span><span>unchanged</span>'
        "<span>brighter</span></span>"
    )
    return side_html(
        picture_html(enlarged(pictures.heat(residue)), "Residue: what the expression made brighter and darker"),
        "The residue is the face less its neutral face: what the expression made <b>brighter</b> (orange) or "
        f"<b>darker</b> (blue). Grey did not change.{legend}"
        f"Full colour: {full} of the way from black to white.",
        _proof(shown),
    )


def _proof(shown: Shown) -> str:
    return (
        f"<b>Does it matter?</b> {escape(shown.proof.sentence())} "
        f'<span class="dp-quiet">Probabilities by {JUDGE}; hidden pixels are blurred.</span>'
    )


def _layers(shown: Shown) -> str:
    kind = shown.remover.model.LAYERS
    figures = "".join(
        f"<figure>{picture_html(pictures.layer(shown.removal.face, values), f'{side} by {side} {kind}, changes')}"
        f"<figcaption>{side} × {side} {kind}</figcaption></figure>"
        for side, values in shown.removal.layers
    )
    return figures and (
        f'<div class="dp-gallery">{figures}</div><p class="dp-quiet">How much the network\'s {kind} of each size '
        "change when the face is replaced by its neutral face: the brighter, the more. Each picture "
        "has its own scale.</p>"
    )


def _movement(shown: Shown) -> str:
    if shown.removal.landmarks is None:
        return ""
    return side_html(
        picture_html(
            pictures.arrows(shown.removal.face, *shown.removal.landmarks), "Arrows from the face to its neutral"
        ),
        "Where the points of the face go when the expression leaves it. The arrows are "
        f"{pictures.ARROWS_LONGER} times as long as the movement; a dot alone stays.",
    )


def _votes(shown: Shown) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(_part(name))}</th><td>{label}</td><td><span class="dp-bar" '
        f'style="width:{shares[label]:.1%}"></span></td><td class="dp-number">{percent(shares[label])}</td></tr>'
        for name, shares in shown.removal.votes.items()
        for label in [max(shares, key=lambda one: shares[one])]
    )
    return rows and (
        '<table class="dp-votes"><thead><tr><th scope="col">Part</th><th scope="col">votes for</th>'
        f'<th></th><th scope="col" class="dp-number">with</th></tr></thead><tbody>{rows}</tbody></table>'
        '<p class="dp-quiet">What each part of the network would answer alone, from what it sees. '
        "The fusion hears them all.</p>"
    )


def _part(name: str) -> str:
    return f"{name} × {name} layer pair" if name.isdigit() else name


def _downloads(shown: Shown) -> str:
    words = service.sentence(shown.face.probabilities)
    tall = pictures.card(
        shown.removal.face,
        shown.removal.neutral,
        shown.removal.residue,
        words,
        [f"Read by {shown.reading.model}. {shown.proof.sentence()}"],
    )
    files = {
        "Neutral face (PNG)": ("deadpan-face.png", neutral_png(shown.removal)),
        "Residue (PNG)": (
            "deadpan-residue.png",
            png_address(pictures.marked(enlarged(pictures.heat(shown.removal.residue)))),
        ),
        "Reading (JSON)": ("deadpan-reading.json", address(reading_json(shown.reading), "application/json")),
        "Result card (PNG)": ("deadpan-card.png", png_address(tall)),
    }
    return f'<p class="dp-downloads">{links_html(files)}<a class="dp-here" href="?">Link to this view</a></p>'


def png_address(picture: Image.Image) -> str:
    """A picture to download, as a data: address."""
    return address(pictures.png(picture), "image/png")


def neutral_png(removed: Removal) -> str:
    """The generated face, marked, as a data: address."""
    return png_address(pictures.marked(to_picture(removed.neutral)))


def links_html(files: Mapping[str, tuple[str, str]]) -> str:
    """A link per file. files: title -> name and address."""
    return "".join(f'<a download="{name}" href="{data}">{title}</a>' for title, (name, data) in files.items())


def reading_json(reading: Reading) -> bytes:
    """What /read answers, with the model and its weights."""
    origin = {"model": reading.model, "weights": reading.weights, "sha256": reading.sha256}
    return json.dumps(origin | dict(service.as_json(reading)), indent=2).encode()


def everyone_html(photo: Image.Image, pasted: Image.Image, faces: int) -> str:
    """The whole photograph before and after everyone lost the expression."""
    words = f"{faces} face{'' if faces == 1 else 's'} generated"
    return photograph_html("Everyone, deadpan", photo, pasted, ("Neutral", "deadpan-photograph.jpg"), WITHOUT, words)


def photograph_html(
    heading: str, photo: Image.Image, pasted: Image.Image, file: tuple[str, str], made: str, words: str
) -> str:
    """A photograph before and after, its longer side at most ``PREVIEW_PX``; the full size to download.

    file: its kind and its name; made: how its faces were generated; words: beside the link.
    """
    small = [picture.copy() for picture in (photo, pasted)]
    for picture in small:
        picture.thumbnail((PREVIEW_PX, PREVIEW_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    before, after = address(pictures.jpeg(small[0], (88,)), "image/jpeg"), generated(small[1])
    full = address(pictures.jpeg(pictures.marked(pasted)), "image/jpeg")
    title = f"{file[0]} photograph (JPEG, {photo.width} × {photo.height})"
    return (
        f'<section class="dp-removal"><h2>{heading}</h2>'
        f"{compare_html(before, after, 'The photograph', photo.width / photo.height, PREVIEW_PX, made)}"
        f'<p class="dp-downloads">{links_html({title: (file[1], full)})}<span>{words}</span></p></section>'
    )


def note_html(text: str) -> str:
    """A line where there is nothing to show."""
    return f'<p class="dp-waiting">{escape(text)}</p>'
