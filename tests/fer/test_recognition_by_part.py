"""What each part of a network names, and all together: the bundled models that have parts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import fer
from fer.models.base import TOGETHER, Neutralizer, PartRecognizer

PARTS = {
    "derl": ["64", "32", "16", "8"],
    "errnet": ["code", "pixels", "landmarks"],
    "degan": ["40", "20", "10", "5"],
}


def symmetric_face() -> Tensor:
    """A face whose mirror picture is the same, so that the mean of both views is either."""
    half = torch.rand(1, 3, 128, 64, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    return torch.cat([half, half.flip(3)], 3)


@pytest.mark.parametrize("name", PARTS)
def test_parts_name_expressions_and_all_together_are_the_answer(name: str) -> None:
    model, face = fer.load(name), symmetric_face()
    assert isinstance(model, PartRecognizer)
    found = model.recognize_by_part(face)
    assert list(found) == [*PARTS[name], TOGETHER]
    assert torch.equal(model.recognize(face).probs, found[TOGETHER].probs)
    assert float((found[PARTS[name][0]].probs - found[TOGETHER].probs).abs().max()) > 0.001
    if isinstance(model, Neutralizer):
        shown = model.neutralize(face).parts
        for part in set(shown) & {f"votes.{part}" for part in found}:
            assert torch.allclose(shown[part], found[part.removeprefix("votes.")].probs, atol=1e-4)
