"""The named, typed endpoints; every other event of the page is private.

No ``from __future__ import annotations`` here: gradio builds the endpoints' schemas from the evaluated return types.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from demo import results, service, uploads
from fer.errors import FerError


def add(load: service.Loader, results_folder: Path, queueing: Mapping[str, Any]) -> None:
    """Add /read and /benchmarks to the page that is being built. queueing: limits that reading shares with the page."""

    def read(image: gr.FileData) -> service.ReadAnswer:
        """Read every face of a photograph.

        image: a JPEG, PNG or WebP file, at most 20 MB; it is deleted once read. Returns width and height of the upright
        photograph in px and its faces, the largest first, each with box (x0, y0, x1, y1 in px), confidence of the
        detector, label, and the probability of each of the eight expressions. The label says what the face shows.
        """
        with uploads.taken(dict(image)) as data, sentences():  # gradio passes the plain dictionary of a FileData
            return service.as_json(service.read(data, load))

    def benchmarks() -> list[results.Row]:
        """List the benchmark results of this project: one row per model, weights and benchmark, scores in percent."""
        return results.read_rows(results_folder)[0]

    gr.api(read, api_name="read", **queueing)
    gr.api(benchmarks, api_name="benchmarks")


@contextmanager
def sentences() -> Iterator[None]:
    """Send an error of this project to the client as its sentence, without a stack trace."""
    try:
        yield
    except FerError as error:
        raise gr.Error(str(error), print_exception=False) from error
