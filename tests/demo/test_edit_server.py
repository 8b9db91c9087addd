"""The Edit tab as a running server: when it is there, what shapes its sliders, /edit, and that nothing stays."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo import ui
from demo.models import Shelf
from tests.demo.fakes import Muscular, Shapeshifting, Tinting, astronaut, files, group, running, shelf


def editors() -> Shelf:
    return shelf(removes=True, editors={"tint": Tinting(), "shape": Shapeshifting(), "muscles": Muscular()})


@pytest.fixture(scope="module")
def page(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    yield from running(lambda: ui.build(editors(), tmp_path_factory.mktemp("results")), uploads_folder)


def found(page: gr.Blocks) -> dict[str, Any]:
    return {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}


def tabs(page: gr.Blocks) -> list[str]:
    return [block.label for block in page.blocks.values() if isinstance(block, gr.Tab)]


def test_without_an_editor_there_is_no_tab_and_no_word_of_it(tmp_path: Path) -> None:
    bare = ui.build(shelf(removes=True), tmp_path)
    assert tabs(bare) == ["Read", "Benchmarks", "About"]
    assert "preset" not in found(bare)
    assert not any("Edit tab" in str(getattr(block, "value", "")) for block in bare.blocks.values())


def test_the_bundled_models_build_a_page_without_a_network(tmp_path: Path) -> None:
    assert {"Read", "Benchmarks", "About"} <= set(tabs(ui.build(results_folder=tmp_path)))


def test_with_an_editor_the_tab_stands_beside_read(page: gr.Blocks) -> None:
    assert tabs(page) == ["Read", "Edit", "Benchmarks", "About"]
    here = found(page)
    assert here["edit-model"].choices == [(name, name) for name in ("tint", "shape", "muscles")]
    assert [name for name, _ in here["preset"].choices] == [
        "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"
    ]  # fmt: skip
    assert (here["intensity"].minimum, here["intensity"].maximum) == (0, 1)


def test_every_name_of_a_target_space_has_its_slider(page: gr.Blocks) -> None:
    advanced = found(page)["advanced"]
    groups = [[s for s in walk(column) if isinstance(s, gr.Slider)] for column in advanced.children]
    assert [len(group) for group in groups] == [7, 7, 23]
    assert [slider.label for slider in groups[2]] == [f"AU{n}" for n in range(1, 24)]
    assert {(s.minimum, s.maximum, s.value) for s in groups[2]} == {(0.0, 5.0, 0.0)}
    assert [s.value for s in groups[0]] == [0.0, 1.0] + [0.0] * 5  # what the first preset asks for
    assert [column.visible for column in advanced.children] == [True, False, False]


def walk(block: Any) -> Iterator[Any]:
    for child in getattr(block, "children", []):
        yield child
        yield from walk(child)


def test_sections_are_there_for_models_that_can(page: gr.Blocks, tmp_path: Path) -> None:
    assert (found(page)["borrow"].visible, found(page)["people"].visible) == (False, False)
    able = found(ui.build(shelf(editors={"shape": Shapeshifting()}), tmp_path))
    assert (able["borrow"].visible, able["people"].visible, able["edit-model"].visible) == (True, True, False)


def test_live_events_keep_the_last_value_and_are_private(page: gr.Blocks) -> None:
    here = found(page)
    live = [
        event
        for event in page.config["dependencies"]
        for target in event["targets"]
        if target in ((here["intensity"]._id, "input"), (here["preset"]._id, "input"))
    ]
    assert [event["trigger_mode"] for event in live] == ["always_last"] * 2
    assert {event["api_visibility"] for event in live} == {"private"}


def test_edit_is_public_and_typed(client: Client) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/read", "/neutralize", "/edit", "/benchmarks"}
    given = {p["parameter_name"]: p for p in endpoints["/edit"]["parameters"]}
    assert list(given) == ["image", "emotion", "intensity", "model", "action_units"]
    assert (given["intensity"]["parameter_default"], given["model"]["parameter_default"]) == (1.0, "tint")
    answer = endpoints["/edit"]["returns"][0]["type"]["properties"]
    face = answer["faces"]["items"]["properties"]
    assert set(face) == {"box", "size", "edited", "identity", "before", "after", "caution", "action_units", "notes"}
    assert len(endpoints["/edit"]["description"]) > 60


def test_edit_gives_the_marked_face_with_its_numbers_and_keeps_nothing(
    client: Client, uploads_folder: Path, tmp_path: Path
) -> None:
    astronaut().save(tmp_path / "astronaut.png")
    sent = handle_file(str(tmp_path / "astronaut.png"))
    answer = client.predict(sent, emotion="surprise", intensity=0.5, api_name="/edit")
    assert {key: answer[key] for key in ("model", "weights", "emotion", "intensity", "width", "height")} == {
        "model": "tint", "weights": "tint-fake", "emotion": "surprise", "intensity": 0.5, "width": 512, "height": 512
    }  # fmt: skip
    (face,) = answer["faces"]
    assert (face["before"], face["after"]) == (0.05, 0.65)  # what the stand-in says of a second face
    assert 0.9 < face["identity"] <= 1
    with Image.open(io.BytesIO(base64.b64decode(face["edited"].removeprefix("data:image/png;base64,")))) as picture:
        assert picture.size == (face["size"], face["size"]) == (192, 192)
        assert picture.text["Source"] == "generated by Deadpan"
    assert files(uploads_folder) == []


def test_every_face_is_edited(client: Client, tmp_path: Path) -> None:
    group().save(tmp_path / "group.png")
    answer = client.predict(handle_file(str(tmp_path / "group.png")), "neutral", 1, "shape", api_name="/edit")
    assert [face["size"] for face in answer["faces"]] == [384] * 4
    assert [face["identity"] for face in answer["faces"]] == pytest.approx([1] * 4)  # neutral asks for no change here


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"emotion": "hapiness"}, "Did you mean"),
        ({"emotion": "joy"}, "Choose one of: anger, contempt, disgust"),
        ({"emotion": "fear", "intensity": 1.5}, "intensity must be a number from 0 to 1, not 1.5"),
        ({"emotion": "fear", "intensity": "much"}, "not 'much'"),
        ({"emotion": "fear", "model": "muscles"}, "Choose one of: neutral"),
        ({"emotion": "fear", "model": "plain"}, "Choose one of: muscles, shape, tint"),
    ],
)
def test_bad_requests_are_answered_in_words(
    client: Client, uploads_folder: Path, tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    astronaut().save(tmp_path / "astronaut.png")
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(str(tmp_path / "astronaut.png")), **given, api_name="/edit")
    assert files(uploads_folder) == []


def test_a_picture_without_a_face_is_answered_in_words(client: Client, uploads_folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "grey").save(tmp_path / "grey.png")
    with pytest.raises(AppError, match="No face was found"):
        client.predict(handle_file(str(tmp_path / "grey.png")), emotion="fear", api_name="/edit")
    assert files(uploads_folder) == []
