"""Every error that this project raises on purpose.

FerError                a sentence for a person: what was given, what was expected, what to do next
├── ImageError          the bytes are not a picture that can be used (damaged, too large, too small)
├── NoFaceError         a picture without a face that can be read
├── RegistryError       an unknown model, benchmark or choice; lists the ones that exist
├── WeightsError        weights missing, altered, or made for another network
├── DataError           a dataset that is missing, unreachable or not laid out as declared
├── TrainingError       a training that cannot start, resume or go on
├── EvaluationError     a measurement that failed: the model raised, gave no numbers, or a process of the run ended
└── StorageError        a file that could not be written (disk full, no permission)
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FerError(Exception):
    """Root of all errors of this project; ``str(error)`` is a sentence that can be shown to a user."""


class ImageError(FerError):
    """The input cannot be used as a picture."""


class NoFaceError(FerError):
    """The picture holds no face that can be read."""


class RegistryError(FerError):
    """A name that nothing is registered under."""

    @classmethod
    def unknown(cls, kind: str, given: str, choices: Iterable[str]) -> RegistryError:
        """Build the "did you mean" sentence for an unknown ``kind`` called ``given``."""
        names = sorted(choices)
        close = get_close_matches(given, names, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        return cls(f'There is no {kind} called "{given}".{hint} Choose one of: {", ".join(names)}.')


class WeightsError(FerError):
    """Weights that are missing, altered or made for another network."""


class DataError(FerError):
    """A dataset that is missing, unreachable or not laid out as declared."""


class TrainingError(FerError):
    """A training that cannot start, resume or go on."""


class EvaluationError(FerError):
    """A measurement that failed while it ran."""


class StorageError(FerError):
    """A file that could not be written."""
