"""The named, typed endpoints; every other event of the page is private.

No ``from __future__ import annotations`` here: gradio builds the endpoints' schemas from the evaluated return types.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import gradio as gr

from demo import edit_panels, editing, muscles, panels, removal, results, service, uploads, verdicts
from demo.board import Board
from demo.models import Shelf
from fer.errors import FerError, RegistryError
from fer.models.base import Editor, Recognizer


def add(shelf: Shelf, queueing: Mapping[str, Any]) -> None:
    """Add the endpoints to the page that is being built. queueing: limits that reading shares with the page."""

    def read(image: gr.FileData, model: str = shelf.default) -> service.ReadAnswer:
        """Read every face of a photograph.

        image: a JPEG, PNG or WebP file, at most 20 MB; it is deleted once read. model: the name of a model that the
        page offers. Returns width and height of the upright photograph in px and its faces, the largest first, each
        with box (x0, y0, x1, y1 in px), confidence of the detector, label, and the probability of each of the eight
        expressions. The label says what the face shows. Where the page has a reader of Action Units, action_units holds
        the strength of each in [0, 1] by its name, as AU12; else it is empty. caution says why a reading may be poor:
        the face small, turned, tilted, bent or hardly a face to the detector; else it is empty.
        """
        with uploads.taken(dict(image)) as data, sentences():  # gradio passes the plain dictionary of a FileData
            return service.as_json(service.read(data, shelf.take(model), shelf.unit_reader))

    def neutralize(image: gr.FileData, model: str = shelf.default) -> removal.NeutralAnswer:
        """Remove the expression from every face of a photograph.

        image: a JPEG, PNG or WebP file, at most 20 MB; it is deleted once read. model: the name of a model that also
        removes. Returns the model with its weights, the photograph's size in px and its faces, the largest first, each
        with box, the generated face as a data: address of an aligned PNG, a summary of every part of the removal
        (shape, least, mean and largest value), and what each part of the network votes for. The faces are generated
        and marked as such.
        """
        with uploads.taken(dict(image)) as data, sentences():
            able = [offer.name for offer in shelf.readers if shelf.removes(offer.name)]
            if model in shelf.able(Recognizer) and model not in able:
                raise RegistryError(f"{model} only reads. Models that also remove here: {', '.join(able) or 'none'}.")
            remover = shelf.take(model)
            reading = service.read(data, remover)
            removals = removal.remove(remover.model, reading.faces)
            return removal.as_json(reading, remover, removals, [panels.neutral_png(one) for one in removals])

    gr.api(read, api_name="read", **queueing)
    gr.api(neutralize, api_name="neutralize", **queueing)
    if editors := shelf.able(Editor):
        _add_edit(shelf, editors[0], queueing)


def add_board(board: Board, referee: verdicts.Referee | None) -> None:
    """Add what the Benchmarks tab shows. referee: who compares; without one there is no ``/compare``."""

    def benchmarks() -> list[results.Row]:
        """List the benchmark results of this project: one row per model, weights and benchmark, scores in percent."""
        return board.rows

    gr.api(benchmarks, api_name="benchmarks")
    if referee is None:
        return

    def compare(first: str, second: str, benchmark: str) -> list[verdicts.Comparison]:
        """Compare two models on the same pictures of a benchmark, picture by picture.

        first, second: MODEL or MODEL:WEIGHTS, as derl. benchmark: its short name, as ferplus. Returns one entry per
        measure of the benchmark: the mean of both models, difference (second - first) with low and high, its 95 %
        interval over people where they are known and over pictures else, p of the exact McNemar test for what is right
        or wrong only, the number of pictures and people, who is better or "tie", and all of it in a sentence. It is a
        tie where the interval includes 0.
        """
        with sentences():
            found = referee.compare(first, second, benchmark)
            return [verdicts.as_json(difference, first, second) for difference in found]

    gr.api(compare, api_name="compare")


def _add_edit(shelf: Shelf, default: str, queueing: Mapping[str, Any]) -> None:
    def edit(
        image: gr.FileData,
        emotion: str | None = None,
        intensity: float = 1.0,
        model: str = default,
        action_units: dict[str, float] | None = None,
    ) -> editing.EditAnswer:
        """Give every face of a photograph another expression.

        image: a JPEG, PNG or WebP file, at most 20 MB; it is deleted once read. emotion: neutral, happiness, surprise,
        sadness, anger, disgust, fear or contempt, as far as the model knows it. intensity: 0 (no expression) to 1.
        model: the name of a model that edits. action_units, for a model that takes them: strengths from 0 to 1 by name,
        as {"AU12": 0.8}; the others are those of the emotion or, without one, stay as the model reads them. Where two
        work against each other, the one that was not named, or the weaker one, is set to 0, and a note says so.
        Returns the model with its weights, what was asked for, the photograph's size in px and its faces, the largest
        first, each with box, the generated face as a data: address of an aligned PNG, how alike an embedding finds it
        to the face before (cosine), the probability that the judge gives to the expression before and after, a caution
        where the face is small, turned or tilted, the Action Units that were asked for, and notes on them. The faces
        are generated and marked as such.
        """
        with uploads.taken(dict(image)) as data, sentences():
            room = editing.studio(shelf, model)
            units = muscles.checked(action_units or {})
            muscles.check(room, emotion, intensity, units)
            reading = service.read(data, room.judge)
            faces = [muscles.edit(room, one, emotion, intensity, units) for one in reading.faces]
            answers = [editing.face_json(one, edit_panels.edited_png(one)) for one in faces]
            return editing.as_json(room, reading, emotion or "", intensity, answers)

    gr.api(edit, api_name="edit", **queueing)


@contextmanager
def sentences() -> Iterator[None]:
    """Send an error of this project to the client as its sentence, without a stack trace."""
    try:
        yield
    except FerError as error:
        raise gr.Error(str(error), print_exception=False) from error
