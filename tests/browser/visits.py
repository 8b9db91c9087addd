"""The page, served, and visits to it in a browser; what the tests in this folder share."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import gradio as gr
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from demo import look, ui
from demo.models import Shelf
from tests.demo.fakes import running, write_result

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WAIT_MS = 20_000


def served(shelf: Shelf | None, uploads_folder: Path, results: Path) -> Iterator[gr.Blocks]:
    """The page on a free port; shelf: None for the bundled models."""
    write_result(results, "plain", "one", 0.81)
    write_result(results, "majority", "one", 0.35)
    yield from running(lambda: ui.build(shelf, results), uploads_folder, theme=look.theme())


class Visit:
    """An opened page that refuses everything beyond this computer and remembers what went wrong."""

    def __init__(self, browser: Browser, address: str, size: dict[str, int] = DESKTOP, colours: str = "light") -> None:
        self.context = browser.new_context(viewport=size, color_scheme=colours, permissions=["camera"])
        self.page: Page = self.context.new_page()
        self.refused: list[str] = []
        self.errors: list[str] = []
        self.page.route("**/*", self._local_only)
        self.page.on("console", self._remember)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("#examples button", state="attached", timeout=WAIT_MS)

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
