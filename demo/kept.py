"""HTML that the browser goes on showing after the server took its value back, and the updates that do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from demo import viewer

STATE_SECONDS = 3600  # the crops of the last reading, in memory, so that another face can be picked
PANELS_JS = (Path(__file__).parent / "panels.js").read_text(encoding="utf-8")


def html(value: str, name: str, visible: bool | str = True, js: str = "") -> gr.HTML:
    """HTML that the browser goes on showing after the server took its value back."""
    return gr.HTML(
        value,
        html_template=viewer.KEEPING_TEMPLATE,
        js_on_load=viewer.KEEP_JS + js,
        visible=visible,
        elem_id=name,
    )


def put(value: Any) -> Any:
    """Show a value. An update even where the component is visible already: see ``take_back``."""
    return gr.update(value=value, visible=True)


def hide() -> Any:
    """Show nothing."""
    return gr.update(value=None, visible=False)


def take_back(count: int) -> Any:
    """Empty the values of what the browser shows by now, so that no picture stays in the session on the server.

    As updates: once gradio 6.31 has seen an update of a component, it files its plain values under another number.
    """
    updates = [gr.update(value="") for _ in range(count)]  # gradio consumes an update: none may be used twice
    return updates if count > 1 else updates[0]  # gradio takes a list for one component as its value
