"""The page as a running server: its endpoints, and that nothing which is sent stays."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from demo import ui
from fer.types import EMOTIONS
from tests.demo.fakes import Counting, astronaut, free_port, group, write_result

AGE_SECONDS = 2


@pytest.fixture(scope="module")
def uploads_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def page(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    results = tmp_path_factory.mktemp("results")
    write_result(results, "plain", "one", 0.8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads_folder))
        blocks = ui.build(Counting, results, delete_cache=(1, AGE_SECONDS)).queue()
        blocks.launch(prevent_thread_lock=True, quiet=True, server_port=free_port(), **app.LAUNCH)
        yield blocks
        blocks.close()


@pytest.fixture(scope="module")
def client(page: gr.Blocks, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(page.local_url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_the_two_endpoints_are_public_and_typed(client: Client) -> None:
    endpoints = client.view_api(print_info=False, return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/read", "/benchmarks"}
    assert endpoints["/read"]["parameters"][0]["python_type"]["type"] == "filepath"
    answer = endpoints["/read"]["returns"][0]["type"]["properties"]
    assert set(answer) == {"width", "height", "faces"}
    face = answer["faces"]["items"]["properties"]
    assert set(face) == {"box", "confidence", "label", "probabilities"}
    row = endpoints["/benchmarks"]["returns"][0]["type"]["items"]["properties"]
    assert row["model"] == {"type": "string"}
    for name in endpoints:
        assert len(endpoints[name]["description"]) > 60


def test_read_answers_and_the_upload_is_gone_at_once(client: Client, uploads_folder: Path, tmp_path: Path) -> None:
    astronaut().save(tmp_path / "astronaut.png")
    answer = client.predict(handle_file(str(tmp_path / "astronaut.png")), api_name="/read")
    assert (answer["width"], answer["height"]) == (512, 512)
    assert [face["label"] for face in answer["faces"]] == ["happiness"]
    assert set(answer["faces"][0]["probabilities"]) == {str(e) for e in EMOTIONS}
    assert sum(answer["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert files(uploads_folder) == []


def test_every_face_is_in_the_answer(client: Client, tmp_path: Path) -> None:
    group().save(tmp_path / "group.png")
    faces = client.predict(handle_file(str(tmp_path / "group.png")), api_name="/read")["faces"]
    assert [face["label"] for face in faces] == ["happiness", "surprise", "sadness", "anger"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("photo.jpg", b"no picture at all", "not a picture"),
        ("photo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        ("empty.png", b"", "0 bytes"),
    ],
)
def test_bad_uploads_are_answered_in_words_and_gone(
    client: Client, uploads_folder: Path, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(str(tmp_path / name)), api_name="/read")
    assert files(uploads_folder) == []


def test_a_path_that_was_not_uploaded_is_neither_read_nor_deleted(client: Client, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    astronaut().save(secret)
    with pytest.raises(AppError, match="not an uploaded picture"):
        client.predict({"path": str(secret)}, api_name="/read")
    assert secret.is_file()


def test_an_upload_that_is_never_read_is_deleted_by_age(page: gr.Blocks, uploads_folder: Path) -> None:
    import httpx

    sent = {"files": ("face.png", b"bytes of a face", "image/png")}
    (path,) = httpx.post(f"{page.local_url}gradio_api/upload", files=sent).json()
    assert Path(path).read_bytes() == b"bytes of a face"
    deadline = time.monotonic() + AGE_SECONDS + 8
    while files(uploads_folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert files(uploads_folder) == []


def test_an_upload_above_the_limit_is_refused(page: gr.Blocks, uploads_folder: Path) -> None:
    import httpx

    sent = {"files": ("large.png", bytes(21_000_000), "image/png")}
    assert httpx.post(f"{page.local_url}gradio_api/upload", files=sent).status_code == 413
    assert files(uploads_folder) == []


def test_benchmarks(client: Client) -> None:
    (row,) = client.predict(api_name="/benchmarks")
    assert (row["model"], row["benchmark"], row["accuracy"], row["interval"]) == ("plain", "ONE", 80.0, "78.0 to 81.0")


def test_nothing_is_recorded(page: gr.Blocks) -> None:
    assert page.run_history is False
    assert page.enable_monitoring is False
    assert app.LAUNCH["strict_cors"] is True
    assert page.analytics_enabled is False
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert page.max_file_size == 20 * 1024**2
    assert not [e for e in page.config["dependencies"] if "flag" in str(e["api_name"]).lower()]


def test_the_default_deletes_what_is_ten_minutes_old() -> None:
    assert ui.build(Counting).delete_cache == (60, 600)


def components(page: gr.Blocks) -> dict[str, Any]:
    return {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}


def test_the_page_says_what_it_does_with_pictures_and_what_is_out_of_bounds(page: gr.Blocks) -> None:
    words = " ".join(block.value for block in page.blocks.values() if isinstance(block, gr.Markdown))
    for phrase in (
        "Pictures are not kept",
        "not what a person feels",
        "hiring",
        "monitoring of workers or pupils",
        "health",
        "law enforcement",
    ):
        assert phrase in words


def test_the_table_and_its_figure_are_there(page: gr.Blocks) -> None:
    found = components(page)
    assert {"results", "results-chart", "photograph", "examples", "answer", "chart"} <= set(found)
    assert found["results"].show_search == "filter"
    assert found["results"].value["data"] == [
        ["plain", "plain-1", "ONE", "test", 100, 80.0, "78.0 to 81.0", 80.0, 80.0, 80.0, 4]
    ]


def test_without_results_the_tab_says_what_to_do(tmp_path: Path) -> None:
    page = ui.build(Counting, tmp_path)
    assert "results" not in components(page)
    assert any("make eval" in str(getattr(block, "value", "")) for block in page.blocks.values())
