"""The browser, the folder of uploads, and a visit that must end without errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visits import CHROMIUM, DESKTOP, FLAGS, PHONE, Visit


@pytest.fixture(scope="module")
def uploads_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture
def address(running: gr.Blocks) -> str:
    return running.local_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=["desktop"])
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    size = PHONE if request.param == "phone" else DESKTOP
    opened = Visit(browser, address, size, "dark" if request.param == "dark" else "light")
    yield opened
    opened.context.close()
    assert opened.refused == []
    assert opened.errors == []
