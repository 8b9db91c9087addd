"""Editors of Action Units on a running server: where sliders stand, who sees what, /edit with Action Units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from demo import ui
from demo.muscles import GROUPS, label
from fer.action_units import ACTION_UNITS
from tests.demo.fakes import Bending, Tinting, Unread, astronaut, files, running, shelf
from tests.demo.test_edit_server import found, walk


@pytest.fixture(scope="module")
def page(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    offered = shelf(editors={"bend": Bending(), "tint": Tinting()})
    yield from running(lambda: ui.build(offered, tmp_path_factory.mktemp("results")), uploads_folder)


def edit_by(client: Client, folder: Path, **given: Any) -> Any:
    astronaut().save(folder / "astronaut.png")
    return client.predict(handle_file(str(folder / "astronaut.png")), **given, api_name="/edit")


def test_23_sliders_stand_in_three_groups_with_their_muscles(page: gr.Blocks) -> None:
    column = found(page)["advanced"].children[0]
    groups = [block for block in walk(column) if isinstance(block, gr.Accordion)]
    assert [group.label for group in groups] == list(GROUPS)
    labels = [[s.label for s in walk(group) if isinstance(s, gr.Slider)] for group in groups]
    assert labels == [[label(name) for name in names] for names in GROUPS.values()]


def test_an_editor_that_reads_starts_at_the_face_as_it_is(page: gr.Blocks, tmp_path: Path) -> None:
    here = found(page)
    assert (here["preset"].value, here["as-it-is"].visible, here["intensity"].interactive) == (None, True, False)
    assert (here["borrow-units"].visible, here["borrow"].visible, here["advanced"].open) == (True, False, True)
    other = found(ui.build(shelf(editors={"unread": Unread()}), tmp_path))
    assert (other["preset"].value, other["as-it-is"].visible, other["borrow-units"].visible) == (
        "surprise", False, False
    )  # fmt: skip
    values = [s.value for s in walk(other["advanced"]) if isinstance(s, gr.Slider)]
    assert sum(values) == pytest.approx(1.0 + 1.0 + 1.0 + 0.9)  # the typical surprise
    assert found(ui.build(shelf(editors={"unread": Unread()}, units=True), tmp_path))["borrow-units"].visible


def test_edit_takes_action_units(client: Client, uploads_folder: Path, tmp_path: Path) -> None:
    answer = edit_by(client, tmp_path, model="bend", action_units={"au12": 0.9, "AU24": 0.5})
    (face,) = answer["faces"]
    assert answer["emotion"] == ""
    assert list(face["action_units"]) == list(ACTION_UNITS)
    assert {n: v for n, v in face["action_units"].items() if v} == {"AU6": 0.3, "AU12": 0.9, "AU24": 0.5}
    assert face["notes"] == []
    (face,) = edit_by(client, tmp_path, emotion="surprise", model="bend", action_units={"AU24": 1.0})["faces"]
    assert face["action_units"]["AU26"] == 0
    assert "AU26 jaw dropped (masseter, relaxed) was set to 0" in face["notes"][0]
    assert files(uploads_folder) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Ask for something"),
        ({"action_units": {"AU99": 0.5}}, 'no Action Unit called "AU99"'),
        ({"action_units": {"AU12": 2.0}}, "AU12 must be a number from 0 to 1, not 2"),
        ({"action_units": {"AU12": 0.1, "au12": 0.2}}, "AU12 is given twice"),
        ({"action_units": {"AU12": 0.1}, "model": "tint"}, "tint takes expressions by name"),
    ],
)
def test_bad_action_units_are_answered_in_words(
    client: Client, uploads_folder: Path, tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(AppError, match=words):
        edit_by(client, tmp_path, **given)
    assert files(uploads_folder) == []
