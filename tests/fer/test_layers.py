"""Blocks that several networks share."""

from __future__ import annotations

import pytest
import torch

from fer.layers import EncoderDecoder, LocalReader, Moves, check_widths, conditioned_blocks, doubled, halving_blocks
from fer.warping import compose, with_flow


def test_widths_are_positive_multiples_of_eight() -> None:
    check_widths("Net.widths", (8, 16, 24), 3)
    check_widths("Net.widths", (8,))
    for wrong in ((8, 16), (8, 16, 0), (8, 16, -8), (8, 16, 20)):
        with pytest.raises(ValueError, match=r"Net\.widths needs 3 positive multiples of 8, not \(8, 16"):
            check_widths("Net.widths", wrong, 3)
    with pytest.raises(ValueError, match="needs positive multiples of 8, not"):
        check_widths("Net.widths", (4,))


def test_each_number_moves_by_its_own_field_and_none_at_first() -> None:
    moves = Moves(4, 3)
    layer, numbers = torch.ones(2, 4, 8, 8), torch.tensor([[1.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    assert not moves.flow(layer, numbers, 32).any()
    with torch.no_grad():
        moves.bias.copy_(torch.tensor([1.0, 2.0, 10.0, 20.0, 100.0, 200.0]))  # type: ignore[union-attr]
    flow = moves.flow(layer, numbers, 32)
    assert flow.shape == (2, 2, 32, 32)
    assert torch.allclose(flow[0, 0], torch.tensor(1.0 + 50.0))
    assert torch.allclose(flow[0, 1], torch.tensor(2.0 + 100.0))
    assert not flow[1].any()


def test_an_added_flow_moves_and_leaves_paint_and_mask() -> None:
    raw = torch.rand(1, 9, 16, 16)
    together = with_flow(raw, torch.full((1, 2, 16, 16), 0.5))
    assert torch.equal(together[:, :4], raw[:, :4])
    assert torch.equal(together[:, 6:], raw[:, 6:])
    assert torch.allclose(together[:, 4:6], raw[:, 4:6] + 0.5)
    still = torch.zeros(1, 6, 16, 16)
    assert compose(torch.zeros(1, 3, 16, 16), still)[1].abs().max() == 0
    moved = compose(torch.zeros(1, 3, 16, 16), with_flow(still, torch.full((1, 2, 16, 16), 0.5)))[1]
    assert float(moved.mean()) == pytest.approx(float(torch.tanh(torch.tensor(0.5))) * 0.2 * 8, rel=1e-4)


def test_a_trunk_hands_its_weights_over() -> None:
    torch.manual_seed(0)
    widths = (8, 16, 16)
    trunk = EncoderDecoder(3, widths)
    stem, encoder, decoder = torch.nn.Conv2d(3, 8, 4, 2, 1), halving_blocks(widths), conditioned_blocks(widths, 5)
    trunk.hand_over(stem, encoder, decoder)
    faces = torch.rand(1, 3, 32, 32)
    layers = trunk.encode(faces)
    made = doubled(layers[-1], decoder, layers[-2::-1], torch.rand(1, 5))  # scales start at 1, whatever the condition
    for one, other in zip(made, trunk.decode(layers), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    assert [layer.shape[-1] for layer in made] == [8, 16]


@pytest.mark.parametrize("side", [40, 20, 10, 5])
def test_local_readers_take_layers_of_any_size(side: int) -> None:
    reader = LocalReader(6, side, width=4, features=8, dropout=0.0, classes=3).eval()
    features, logits = reader(torch.rand(2, 6, side, side))
    assert features.shape == (2, 8)
    assert logits.shape == (2, 3)
