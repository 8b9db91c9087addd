"""What a user's copy of a dataset is made of."""

from __future__ import annotations

import io

from PIL import Image

from eval.benchmark import Card

PEOPLE = Card(obtain="Ask.", layout="Read are LABEL/ID_NUMBER.png.", path=r"(?P<subject>[a-z])_\d\.", folds=2)


def picture(shade: int) -> bytes:
    """A grey PNG; another one for another shade."""
    stream = io.BytesIO()
    Image.new("L", (16, 16), shade % 256).save(stream, "PNG")
    return stream.getvalue()
