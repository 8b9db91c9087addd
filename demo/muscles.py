"""The 23 Action Units as what a user asks for: their words, requests that are checked, another face's strengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from demo import editing
from demo.editing import Edited, Studio
from demo.models import Loaded, Shelf
from demo.service import FaceReading
from fer.action_units import ACTION_UNITS, ACTIONS, AT_WORK, contradictions
from fer.errors import FerError, RegistryError
from fer.images import to_tensor
from fer.models.base import ActionUnitReader, Editor

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Brows and eyes": ("AU1", "AU2", "AU4", "AU5", "AU7", "AU43"),
    "Nose, cheeks and lip corners": ("AU6", "AU9", "AU10", "AU12", "AU14", "AU15"),
    "Lips, chin and jaw": (*("AU16", "AU17", "AU18", "AU20", "AU22", "AU23", "AU24", "AU25", "AU26", "AU27", "AU28"),),
}


def label(name: str) -> str:
    """Name, what is seen, and the muscle, as "AU12 lip corners up (zygomaticus major)"."""
    return f"{name} {ACTIONS[name].seen} ({ACTIONS[name].muscle})"


def checked(given: object) -> dict[str, float]:
    """Strengths by name. Raises FerError for what is no mapping, unknown or doubled names, and values beyond 0 to 1."""
    if not isinstance(given, Mapping):
        raise FerError(f'Action Units are given as names with strengths, like {{"AU12": 0.8}}, not as {given!r}.')
    found: dict[str, float] = {}
    for key, value in given.items():
        name = str(key).strip().upper()
        if name not in ACTION_UNITS:
            raise RegistryError.unknown("Action Unit", str(key), ACTION_UNITS)
        if name in found:
            raise FerError(f"{name} is given twice. Give each Action Unit once.")
        found[name] = editing.number(value, name, 0.0, 1.0)
    return found


def check(room: Studio, emotion: str | None, intensity: object, given: Mapping[str, float]) -> None:
    """Raise FerError for what cannot be asked of an editor. given: as ``checked`` gives it."""
    if emotion is None and not given:
        raise FerError("Ask for something: an emotion, or Action Units with their strengths.")
    if given and not editing.of_muscles(room.space):
        raise FerError(f"{room.editor.name} takes expressions by name, not Action Units. Choose another model.")
    if emotion is not None:
        editing.target_of(room.space, emotion, intensity)


def edit(room: Studio, one: FaceReading, emotion: str | None, intensity: object, given: Mapping[str, float]) -> Edited:
    """One face as a request asks for it that ``check`` let pass.

    The Action Units that are not given are those of the expression or, without one, what the face shows where the
    editor can tell, else 0. A note says which ones gave way to others, see ``yielding``.
    """
    if emotion is not None:
        others = editing.target_of(room.space, emotion, intensity)
    else:
        others = room.shown(to_tensor(one.crop)[None]) or (0.0,) * len(ACTION_UNITS)
    if not given:
        return editing.edit(room, one, others)
    strengths, notes = yielding(dict(zip(ACTION_UNITS, others, strict=True)) | dict(given), set(given))
    done = editing.edit(room, one, tuple(strengths.values()))
    return replace(done, notes=(*notes, *done.notes))


def yielding(strengths: Mapping[str, float], named: set[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """The strengths with 0 for the one of each pair that work against each other, and a sentence for each of them.

    What was not ``named`` gives way, else the weaker one, else the later one.
    """
    left, notes = dict(strengths), []
    while pairs := contradictions(left):
        first, second = pairs[0]
        gives = max(pairs[0], key=lambda name: (name not in named, -left[name], name == second))
        stays = first if gives == second else second
        notes.append(f"{label(gives)} was set to 0: it works against {label(stays)}.")
        left[gives] = 0.0
    return left, tuple(notes)


def reader_beside(shelf: Shelf, name: str) -> Loaded | None:
    """Who reads another face for the editor of that name: itself, else the shelf's reader. Raises WeightsError."""
    own = name in shelf.able(ActionUnitReader)
    return shelf.take(name, Editor) if own else shelf.unit_reader


def strengths_of(reader: Loaded, one: FaceReading) -> tuple[float, ...]:
    """What a face shows, in the order of ACTION_UNITS; 0 where the reader says nothing."""
    read = reader.model.action_units(to_tensor(one.crop)[None]).as_dict()
    return tuple(read.get(name, 0.0) for name in ACTION_UNITS)


def sentence(strengths: tuple[float, ...]) -> str:
    """What is at work, the strongest first."""
    seen = sorted(zip(strengths, ACTION_UNITS, strict=True), key=lambda pair: -pair[0])
    words = [f"{name} {ACTIONS[name].seen} {strength:.2f}" for strength, name in seen if strength >= AT_WORK]
    return f"Read as: {', '.join(words)}." if words else f"Nothing is read at {AT_WORK} or above: a still face."
