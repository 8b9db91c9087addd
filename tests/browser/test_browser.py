"""The real page in a real browser, without any connection beyond this computer.

python -m pytest -m browser tests/browser
DEADPAN_SCREENSHOTS=folder python -m pytest -m browser tests/browser      also writes what the page looks like
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

import app
from demo import look, service, ui
from fer.types import EMOTIONS
from tests.demo.fakes import astronaut, crowd, encoded, free_port, group, write_result

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WAIT_MS = 20_000
SENTENCE = re.compile(r"^(This face shows|No clear expression: closest is) ")


@pytest.fixture(scope="module")
def uploads_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def running(uploads_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    results = tmp_path_factory.mktemp("results")
    write_result(results, "plain", "one", 0.81)
    write_result(results, "majority", "one", 0.35)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads_folder))
        blocks: gr.Blocks = ui.build(service.recognizer, results).queue()
        blocks.launch(prevent_thread_lock=True, quiet=True, server_port=free_port(), **app.LAUNCH, theme=look.theme())
        yield blocks
        blocks.close()


@pytest.fixture
def address(running: gr.Blocks) -> str:
    return running.local_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """An opened page that refuses everything beyond this computer and remembers what went wrong."""

    def __init__(self, browser: Browser, address: str, size: dict[str, int], colours: str) -> None:
        self.context = browser.new_context(viewport=size, color_scheme=colours, permissions=["camera"])
        self.page: Page = self.context.new_page()
        self.refused: list[str] = []
        self.errors: list[str] = []
        self.page.route("**/*", self._local_only)
        self.page.on("console", self._remember)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("#examples button", timeout=WAIT_MS)

    def _local_only(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("data", "blob") or parts.hostname in ("127.0.0.1", "localhost"):
            route.continue_()
        else:
            self.refused.append(route.request.url)
            route.abort()

    def _remember(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def upload(self, data: bytes, name: str = "photo.png") -> None:
        """Choose a file; where a photograph is shown, ask for another one first."""
        if self.page.is_visible("#again"):
            self.page.click("#again")
        self.page.wait_for_selector("#photograph input[type=file]", state="attached")
        sent = {"name": name, "mimeType": "image/png", "buffer": data}
        self.page.set_input_files("#photograph input[type=file]", files=[sent])

    def sentence(self) -> str:
        self.page.wait_for_selector(".dp-sentence", timeout=WAIT_MS)
        return self.page.inner_text(".dp-sentence")

    def message(self) -> str:
        self.page.wait_for_selector(".dp-message", timeout=WAIT_MS)
        return self.page.inner_text(".dp-message")

    def bars(self) -> dict[str, float]:
        """What the chart shows: label -> percent."""
        self.page.wait_for_selector("#chart .js-plotly-plot .bars", timeout=WAIT_MS)
        read = "() => { const d = document.querySelector('#chart .js-plotly-plot').data[0]; return [d.y, d.x]; }"
        labels, values = self.page.evaluate(read)
        return dict(zip(labels, values, strict=True))

    def overflow_px(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def screenshot(self, name: str) -> None:
        """Write a picture of the page where DEADPAN_SCREENSHOTS names a folder."""
        folder = os.environ.get("DEADPAN_SCREENSHOTS")
        if folder:
            self.page.wait_for_timeout(700)
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(params=["desktop"])
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    size = PHONE if request.param == "phone" else DESKTOP
    opened = Visit(browser, address, size, "dark" if request.param == "dark" else "light")
    yield opened
    opened.context.close()
    assert opened.refused == []
    assert opened.errors == []


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
    visit.page.wait_for_selector("#results >> text=majority-1 >> visible=true", timeout=WAIT_MS)
    cells = visit.page.inner_text("#results")
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


def wait_until_nothing_is_held(visit: Visit, running: gr.Blocks) -> list[str]:
    """What is still held once nothing is, or after 25 seconds."""
    deadline = time.monotonic() + 25
    while (held := held_pictures(running)) and time.monotonic() < deadline:
        visit.page.wait_for_timeout(100)
    return held


def held_pictures(page: gr.Blocks) -> list[str]:
    """The components of all visits whose value on the server holds what a visitor sent."""
    constant = {"examples"}
    return [
        str(config["props"].get("elem_id"))
        for session in list(page.state_holder.session_data.values())
        for config in session.config_values.values()
        if "base64" in str(config["props"].get("value")) and config["props"].get("elem_id") not in constant
    ]
