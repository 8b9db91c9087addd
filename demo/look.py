"""The look of the page: neutral greys, one accent, the fonts of the reader's own system."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils import colors, sizes

SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif")
MONOSPACE = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")


def theme() -> gr.themes.Base:
    """Nothing is fetched from elsewhere: no web fonts."""
    base = gr.themes.Base(
        primary_hue=colors.teal,
        secondary_hue=colors.gray,
        neutral_hue=colors.gray,
        radius_size=sizes.radius_sm,
        font=SYSTEM,
        font_mono=MONOSPACE,
    )
    return base.set(
        body_background_fill="#f7f7f6",
        body_background_fill_dark="#17191b",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1f2225",
        body_text_color="#22262a",
        body_text_color_dark="#e7e9ea",
        body_text_color_subdued="#5d646c",
        body_text_color_subdued_dark="#a7aeb5",
        color_accent="#0f766e",
        link_text_color="#0f766e",
        link_text_color_dark="#2dd4bf",
        block_shadow="none",
        block_border_color="#dcdedf",
        block_border_color_dark="#34383c",
        border_color_primary="#dcdedf",
        border_color_primary_dark="#34383c",
    )
