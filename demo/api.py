"""The named, typed endpoints; every other event of the page is private.

No ``from __future__ import annotations`` here: gradio builds the endpoints' schemas from the evaluated return types.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from demo import panels, removal, results, service, uploads
from demo.models import Shelf
from fer.errors import FerError, RegistryError


def add(shelf: Shelf, results_folder: Path, queueing: Mapping[str, Any]) -> None:
    """Add the endpoints to the page that is being built. queueing: limits that reading shares with the page."""

    def read(image: gr.FileData, model: str = shelf.default) -> service.ReadAnswer:
        """Read every face of a photograph.

        image: a JPEG, PNG or WebP file, at most 20 MB; it is deleted once read. model: the name of a model that the
        page offers. Returns width and height of the upright photograph in px and its faces, the largest first, each
        with box (x0, y0, x1, y1 in px), confidence of the detector, label, and the probability of each of the eight
        expressions. The label says what the face shows.
        """
        with uploads.taken(dict(image)) as data, sentences():  # gradio passes the plain dictionary of a FileData
            return service.as_json(service.read(data, shelf.take(model)))

    def neutralize(image: gr.FileData, model: str = shelf.default) -> removal.NeutralAnswer:
        """Remove the expression from every face of a photograph.

        image: a JPEG, PNG or WebP file, at most 20 MB; it is deleted once read. model: the name of a model that also
        removes. Returns the model with its weights, the photograph's size in px and its faces, the largest first, each
        with box, the generated face as a data: address of an aligned PNG, a summary of every part of the removal
        (shape, least, mean and largest value), and what each part of the network votes for. The faces are generated
        and marked as such.
        """
        with uploads.taken(dict(image)) as data, sentences():
            if model in shelf and not shelf.removes(model):
                able = [offer.name for offer in shelf.offers if offer.removes]
                raise RegistryError(f"{model} only reads. Models that also remove here: {', '.join(able) or 'none'}.")
            remover = shelf.take(model)
            reading = service.read(data, remover)
            removals = removal.remove(remover.model, reading.faces)
            return removal.as_json(reading, remover, removals, [panels.neutral_png(one) for one in removals])

    def benchmarks() -> list[results.Row]:
        """List the benchmark results of this project: one row per model, weights and benchmark, scores in percent."""
        return results.read_rows(results_folder)[0]

    gr.api(read, api_name="read", **queueing)
    gr.api(neutralize, api_name="neutralize", **queueing)
    gr.api(benchmarks, api_name="benchmarks")


@contextmanager
def sentences() -> Iterator[None]:
    """Send an error of this project to the client as its sentence, without a stack trace."""
    try:
        yield
    except FerError as error:
        raise gr.Error(str(error), print_exception=False) from error
