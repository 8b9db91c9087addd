"""A page that runs, as the tests of its server share it; each of their modules says which one, as ``page``."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client


@pytest.fixture(scope="module")
def uploads_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def client(page: gr.Blocks, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(page.local_url, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))
