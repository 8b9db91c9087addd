"""Pieces of HTML that the parts of the report share."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence


def grid(rows: Sequence[Mapping[str, str]], words: int) -> str:
    """A table. words: how many of the first columns hold words and not numbers."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    lines = []
    for row in rows:
        cells = (
            f'<td class="word">{html.escape(text)}</td>' if i < words else f"<td>{html.escape(text)}</td>"
            for i, text in enumerate(row.values())
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def folded(title: str, content: str) -> str:
    """Content that is shown when its title is clicked."""
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def paragraphs(*texts: str) -> str:
    """A paragraph for each text."""
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)
