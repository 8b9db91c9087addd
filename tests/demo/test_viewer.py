"""The HTML of the page: where boxes lie, what is picked, nothing unescaped, no files."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image

from demo import service, viewer
from demo.service import FaceReading
from fer.types import EMOTIONS, Face

FRONTAL = torch.tensor([[80.0, 50], [120, 50], [100, 75], [85, 95], [115, 95]])
GREY = Image.new("RGB", (128, 128), "grey")


def face(box: tuple[float, float, float, float] = (50, 20, 150, 120)) -> FaceReading:
    found = Face(torch.zeros(3, 128, 128), box, FRONTAL, 0.99, torch.eye(2, 3))
    return FaceReading(found, {str(e): 1 / 8 for e in EMOTIONS}, GREY)


class Tags(HTMLParser):
    """Collects (tag, attributes) and checks that everything opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def buttons(self, css_class: str) -> list[dict[str, str | None]]:
        return [a for tag, a in self.found if tag == "button" and a.get("class") == css_class]


def test_a_box_lies_where_the_face_is() -> None:
    tags = Tags(viewer.photo_html(Image.new("RGB", (200, 400)), [face()]))
    (box,) = tags.buttons("dp-box")
    assert box["style"] == "left:25.00%;top:5.00%;width:50.00%;height:25.00%;z-index:1"
    assert (box["aria-label"], box["aria-pressed"]) == ("Face 1 of 1", "true")
    assert tags.buttons("dp-thumb") == []


def test_a_box_beyond_the_frame_is_cut_at_it() -> None:
    (box,) = Tags(viewer.photo_html(Image.new("RGB", (100, 100)), [face((-20, -10, 50, 130))])).buttons("dp-box")
    assert box["style"] == "left:0.00%;top:0.00%;width:50.00%;height:100.00%;z-index:1"


def test_two_faces_get_numbers_and_the_first_is_picked() -> None:
    tags = Tags(viewer.photo_html(Image.new("RGB", (400, 400)), [face(), face((200, 200, 300, 300))]))
    for css_class in ("dp-box", "dp-thumb"):
        assert [b["data-index"] for b in tags.buttons(css_class)] == ["0", "1"]
        assert [b["aria-pressed"] for b in tags.buttons(css_class)] == ["true", "false"]


def test_pictures_are_inline_and_at_most_as_large_as_asked() -> None:
    sources = re.findall(r'src="([^"]+)"', viewer.photo_html(Image.new("RGB", (4000, 1000)), [face(), face()]))
    assert len(sources) == 3
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    with Image.open(io.BytesIO(base64.b64decode(sources[0].partition(",")[2]))) as shown:
        assert shown.size == (1280, 320)


def test_text_is_escaped() -> None:
    assert viewer.message_html("<script>&").count("<script") == 0
    assert "&lt;script&gt;&amp;" in viewer.message_html("<script>&")


def test_the_answer_names_the_face_and_says_the_sentence() -> None:
    html = viewer.answer_html(face(), 1, 4)
    Tags(html)
    assert "Face 2 of 4" in html
    assert service.sentence(face().probabilities) in html


@pytest.mark.parametrize("html", [viewer.header_html(), viewer.hint_html("Add one."), viewer.message_html("No.")])
def test_small_pieces_are_well_formed(html: str) -> None:
    assert Tags(html).found


def test_every_example_has_a_button_with_a_name() -> None:
    buttons = Tags(viewer.examples_html(service.examples())).buttons("dp-example")
    assert [b["data-index"] for b in buttons] == [str(i) for i in range(6)]
    assert buttons[0]["aria-label"] == "Example: Astronaut Eileen Collins"
    assert all("CC-BY 4.0" in (b["title"] or "") for b in buttons[1:])
