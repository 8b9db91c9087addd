"""What each part of a network names, and all together: the bundled models that have parts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import cast

import pytest
import torch
from torch import Tensor

import fer
from fer.models.base import TOGETHER, Neutralizer, PartRecognizer
from fer.models.degan import Degan
from fer.models.derl import Derl
from fer.models.errnet import ErrNet, Removal
from fer.types import Framing


def of_derl(model: Derl, faces: Tensor) -> dict[str, Tensor]:
    """Logits of each local network for its pair of layers, which are named after their side in px."""
    layers = [torch.cat(pair, 1) for pair in model.generator(faces).pairs()]
    read = zip(model.locals, layers, strict=True)
    return {str(layer.shape[-1]): local(layer)[1] / model.config.temperature for local, layer in read}


def of_errnet(model: ErrNet, faces: Tensor) -> dict[str, Tensor]:
    """Logits of the segments, the residual image and the displacement; only all together have a temperature."""
    made: Removal = model(faces)
    pixels = model.pixel_head(model.read_pixels(made.residual))
    landmarks = model.landmark_head(model.read_landmarks(10 * made.displacement.flatten(1)))
    return {"code": model.segments(made.code), "pixels": pixels, "landmarks": landmarks}


def of_degan(model: Degan, faces: Tensor) -> dict[str, Tensor]:
    """Logits of each local network for its layer, which is named after its side in px."""
    read = zip(model.locals, model.encoder(faces)[1], strict=True)
    return {str(layer.shape[-1]): local(layer)[1] / model.config.temperature for local, layer in read}


PARTS = {
    "derl": ["64", "32", "16", "8"],
    "errnet": ["code", "pixels", "landmarks"],
    "degan": ["40", "20", "10", "5"],
}
BY_HAND = {"derl": of_derl, "errnet": of_errnet, "degan": of_degan}
SHOWN = {  # by ``neutralize``
    "derl": {"votes.64", "votes.32", "votes.16", "votes.8", "votes.fusion"},
    "errnet": {"votes.code", "votes.pixels", "votes.landmarks", "votes.fusion"},
    "degan": set(),
}


def symmetric_face() -> Tensor:
    """A face whose mirror picture is the same, so that the mean of both views is either."""
    half = torch.rand(1, 3, 128, 64, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    return torch.cat([half, half.flip(3)], 3)


@pytest.mark.parametrize("name", PARTS)
def test_parts_name_expressions_and_all_together_are_the_answer(name: str) -> None:
    model, face = fer.load(name), symmetric_face()
    assert isinstance(model, PartRecognizer)
    assert isinstance(model, Neutralizer)
    found = model.recognize_by_part(face)
    assert list(found) == [*PARTS[name], TOGETHER]
    assert torch.equal(model.recognize(face).probs, found[TOGETHER].probs)
    shown = {part: probs for part, probs in model.neutralize(face).parts.items() if part.startswith("votes.")}
    assert set(shown) == SHOWN[name]
    for part, probs in shown.items():
        assert torch.allclose(probs, found[part.removeprefix("votes.")].probs, atol=1e-4), part


@pytest.mark.parametrize("name", PARTS)
def test_a_name_stands_for_its_part(name: str) -> None:
    model, face = fer.load(name, device="cpu"), symmetric_face()
    by_hand = cast(Callable[[object, Tensor], dict[str, Tensor]], BY_HAND[name])
    with torch.inference_mode():
        seen = model.seen(face, Framing.ALIGNED) if isinstance(model, Degan) else face
        straight, flipped = by_hand(model, seen), by_hand(model, seen.flip(3))
    found = model.recognize_by_part(face)
    assert list(straight) == PARTS[name]
    for part in PARTS[name]:
        expected = ((straight[part] + flipped[part]) / 2).softmax(1)
        assert torch.allclose(found[part].probs, expected, atol=1e-4), part
    for one, other in combinations(found.values(), 2):  # or names could be mixed up unnoticed
        assert float((one.probs - other.probs).abs().max()) > 0.001
