"""The real page in a real browser, without any connection beyond this computer.

python -m pytest -m browser tests/browser
DEADPAN_SCREENSHOTS=folder python -m pytest -m browser tests/browser      also writes what the page looks like
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser

from fer.types import EMOTIONS
from tests.browser.visits import DESKTOP, WAIT_MS, Visit, served, wait_until_nothing_is_held
from tests.demo.fakes import astronaut, crowd, encoded, group

pytestmark = pytest.mark.browser

SENTENCE = re.compile(r"^(This face shows|No clear expression: closest is) ")


@pytest.fixture(scope="module")
def running(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    yield from served(None, uploads_folder, tmp_path_factory.mktemp("results"))


both_sizes = pytest.mark.parametrize("visit", ["desktop", "phone"], indirect=True)


@pytest.mark.parametrize("visit", ["desktop", "phone", "dark"], indirect=True)
def test_upload_a_photograph_and_read_the_chart(
    visit: Visit, uploads_folder: Path, request: pytest.FixtureRequest
) -> None:
    visit.upload(encoded(astronaut(), "PNG"))
    sentence = visit.sentence()
    assert sentence.startswith("This face shows happiness ")
    bars = visit.bars()
    assert list(bars) == [str(e) for e in EMOTIONS]
    assert sum(bars.values()) == pytest.approx(100, abs=0.1)
    assert max(bars, key=lambda name: bars[name]) in sentence
    assert visit.overflow_px() <= 0
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []
    visit.screenshot(f"read-{request.node.callspec.params['visit']}")


def test_the_answer_needs_no_scrolling_on_a_desktop(visit: Visit) -> None:
    visit.upload(encoded(astronaut(), "PNG"))
    visit.bars()
    for selector in ("#shown .dp-frame", ".dp-sentence", "#chart .js-plotly-plot", "#examples"):
        box = visit.page.locator(selector).bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= DESKTOP["height"]


@both_sizes
def test_pick_another_face_with_mouse_and_keyboard(visit: Visit, request: pytest.FixtureRequest) -> None:
    pair = Image.new("RGB", (1024, 512))
    pair.paste(astronaut(), (0, 0))
    pair.paste(group().crop((680, 0, 1020, 448)), (600, 30))
    visit.upload(encoded(pair, "PNG"))
    visit.sentence()
    assert visit.page.inner_text(".dp-which") == "Face 1 of 2"
    first = visit.bars()
    visit.page.click(".dp-box >> nth=1")
    visit.page.wait_for_function("document.querySelector('.dp-which').innerText === 'Face 2 of 2'")
    visit.page.wait_for_function(
        "old => JSON.stringify(document.querySelector('#chart .js-plotly-plot').data[0].x) !== JSON.stringify(old)",
        arg=list(first.values()),
    )
    assert visit.page.get_attribute(".dp-box >> nth=1", "aria-pressed") == "true"
    assert visit.page.get_attribute(".dp-thumb >> nth=0", "aria-pressed") == "false"
    visit.screenshot(f"two-faces-{request.node.callspec.params['visit']}")
    visit.page.focus(".dp-thumb >> nth=0")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("document.querySelector('.dp-which').innerText === 'Face 1 of 2'")
    visit.page.wait_for_function(
        "old => JSON.stringify(document.querySelector('#chart .js-plotly-plot').data[0].x) === JSON.stringify(old)",
        arg=list(first.values()),
    )


def test_examples_can_be_clicked_one_after_the_other(visit: Visit) -> None:
    visit.page.click("#examples button >> nth=2")
    assert SENTENCE.match(visit.sentence())
    visit.bars()
    visit.page.mouse.move(1200, 700)
    visit.screenshot("example")
    visit.page.click("#examples button >> nth=5")
    visit.page.wait_for_selector(".dp-thumb >> nth=3", timeout=WAIT_MS)
    assert visit.page.locator(".dp-box").count() == 4
    visit.screenshot("group")


def test_fifty_faces_can_be_picked(visit: Visit) -> None:
    visit.upload(encoded(crowd(10, 5, 128)))
    visit.page.wait_for_selector(".dp-thumb >> nth=49", timeout=WAIT_MS)
    visit.page.click(".dp-box >> nth=42")
    visit.page.wait_for_function("document.querySelector('.dp-which').innerText === 'Face 43 of 50'")
    visit.screenshot("fifty-faces")


def test_bad_files_are_answered_in_words_and_the_next_good_one_is_read(visit: Visit, uploads_folder: Path) -> None:
    for data, words in (
        (b"no picture at all", "not a picture"),
        (encoded(astronaut())[:9000], "damaged or incomplete"),
        (encoded(Image.new("1", (20_000, 20)), "PNG"), "12,000 px"),
    ):
        visit.upload(data)
        visit.page.wait_for_function("w => document.querySelector('#answer').innerText.includes(w)", arg=words)
        assert visit.page.is_visible("#photograph")
    visit.screenshot("damaged-file")
    visit.upload(encoded(Image.new("RGB", (300, 200), "grey"), "PNG"))
    visit.page.wait_for_function("document.querySelector('#answer').innerText.includes('No face was found')")
    assert visit.page.is_visible("#shown img")
    visit.screenshot("no-face")
    assert not visit.page.is_visible(".toast-body")
    visit.upload(encoded(astronaut(), "PNG"))
    assert SENTENCE.match(visit.sentence())
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []


def test_the_webcam_takes_a_picture_that_is_read(visit: Visit, uploads_folder: Path) -> None:
    visit.page.get_by_label("Capture from camera").click()
    visit.page.get_by_text("Click to Access Webcam").click()
    visit.page.wait_for_selector("#photograph video", timeout=WAIT_MS)
    visit.page.wait_for_timeout(800)
    visit.page.get_by_label("capture photo").click()
    assert "No face was found" in visit.message()  # the browser's test pattern has none
    assert [path for path in uploads_folder.rglob("*") if path.is_file()] == []


@both_sizes
def test_the_benchmarks_tab_shows_table_and_figure(visit: Visit, request: pytest.FixtureRequest) -> None:
    visit.page.get_by_role("tab", name="Benchmarks").click()
    visit.page.wait_for_selector("#results-recognition >> text=majority >> visible=true", timeout=WAIT_MS)
    cells = visit.page.inner_text("#results-recognition")
    assert "Accuracy %" in cells
    assert "majority-1" in cells
    visit.page.wait_for_selector("#results-chart .js-plotly-plot .scatterlayer", timeout=WAIT_MS)
    assert visit.overflow_px() <= 0
    visit.screenshot(f"benchmarks-{request.node.callspec.params['visit']}")


@both_sizes
def test_the_about_tab_fits(visit: Visit, request: pytest.FixtureRequest) -> None:
    visit.page.get_by_role("tab", name="About").click()
    visit.page.wait_for_selector("text=Out of bounds")
    assert visit.overflow_px() <= 0
    visit.screenshot(f"about-{request.node.callspec.params['visit']}")


def test_nothing_about_the_visit_stays_in_the_browser(visit: Visit) -> None:
    visit.upload(encoded(astronaut(), "PNG"))
    visit.sentence()
    stored = visit.page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "base64" not in stored
    assert "photo" not in stored
    databases = visit.page.evaluate("indexedDB.databases().then(list => list.length)")
    assert databases == 0


def test_no_picture_stays_in_the_session_on_the_server(visit: Visit, running: gr.Blocks) -> None:
    visit.upload(encoded(group(), "PNG"))
    visit.page.wait_for_selector(".dp-thumb >> nth=3", timeout=WAIT_MS)
    visit.page.click(".dp-box >> nth=1")
    visit.page.wait_for_function("document.querySelector('.dp-which').innerText === 'Face 2 of 4'")
    assert wait_until_nothing_is_held(visit, running) == []
    assert visit.page.locator("#shown .dp-frame img").get_attribute("src").startswith("data:image/jpeg")  # still shown
    assert visit.page.inner_text(".dp-which") == "Face 2 of 4"


def test_a_visit_that_ends_early_leaves_nothing_on_the_server(
    browser: Browser, visit: Visit, running: gr.Blocks
) -> None:
    hasty = Visit(browser, running.local_url, DESKTOP, "light")
    hasty.upload(encoded(group(), "PNG"))
    hasty.sentence()
    hasty.context.close()
    assert wait_until_nothing_is_held(visit, running) == []
