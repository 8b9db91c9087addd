"""Maps of pixels: closed forms on tiny networks, and who wins a game that can be worked out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eval import maps
from fer.errors import RegistryError
from fer.models.base import Neutralizer, Recognizer
from fer.models.plain import Plain, PlainConfig
from fer.types import Edit, Framing, Prediction

PERCENTS = (0, 10, 50, 100)


def test_grad_cam_of_a_linear_head_is_its_closed_form():
    """logit_c = sum_k W[c, k] * mean(A_k), so the weight of map k is W[c, k] / (h w) and the rest follows."""
    torch.manual_seed(0)
    features, linear = nn.Conv2d(2, 3, 1), nn.Linear(3, 4)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
    inputs, classes = torch.randn(2, 2, 5, 5), torch.tensor([1, 3])
    activations = features(inputs)
    expected = torch.einsum("bk,bkhw->bhw", linear.weight[classes] / 25, activations).clamp(min=0)
    torch.testing.assert_close(maps.grad_cam(features, head, inputs, classes), expected.detach())


@pytest.fixture
def plain():
    torch.manual_seed(0)
    return Plain(PlainConfig(size_px=24, widths=(8, 8, 16), blocks=(1, 1))).eval().requires_grad_(False)


def test_the_gradient_is_that_of_small_steps(plain):
    """Where a pixel moves the logit by d for a step of h, the map holds |d / h| summed over the channels."""
    torch.manual_seed(1)
    faces, classes = torch.rand(1, 3, 32, 32) - 0.5, torch.tensor([2])
    found = maps.plain_gradient(plain, faces, classes)[0]
    row, column = divmod(int(found.argmax()), found.shape[-1])
    x0, y0 = round(0.073 * 32), round(0.065 * 32)

    def logit(pictures):
        luminance = maps.tight_luminance(pictures, Framing.ALIGNED, 24)
        return maps.logits_of_views(plain.network, luminance, plain.config)[0, 2].item()

    step, total = 5e-3, 0.0
    for channel in range(3):
        up, down = faces.clone(), faces.clone()
        up[0, channel, row + y0, column + x0] += step
        down[0, channel, row + y0, column + x0] -= step
        total += abs(logit(up) - logit(down)) / (2 * step)
    assert found[row, column].item() == pytest.approx(total, rel=0.05)


def test_maps_of_plain_cover_the_tight_crop(plain):
    faces, classes = torch.rand(2, 3, 32, 32) - 0.5, torch.tensor([0, 1])
    side = maps.window(faces[:, 0]).shape[-1]
    assert side == round(0.8425 * 32)
    for found in (maps.plain_grad_cam(plain, faces, classes), maps.plain_gradient(plain, faces, classes)):
        assert found.shape == (2, side, side)
        assert (found >= 0).all()


def test_the_map_of_a_mirrored_face_is_mirrored(plain):
    """At 24 px the tight crop lies in the middle of the square."""
    faces, classes = torch.rand(1, 3, 24, 24) - 0.5, torch.tensor([3])
    for made in (maps.plain_grad_cam, maps.plain_gradient):
        straight, mirrored = made(plain, faces, classes), made(plain, faces.flip(3), classes)
        assert straight.max() > 0
        torch.testing.assert_close(mirrored, straight.flip(2), rtol=1e-4, atol=1e-6)


def test_ranks_put_the_largest_first_and_draw_among_equals():
    values = torch.tensor([[[0.1, 0.9], [0.5, 0.3]]])
    assert maps.ranks(values, [0]).tolist() == [[3, 0, 1, 2]]
    flat = torch.zeros(1, 30, 30)
    one, again, other = (maps.ranks(flat, [seed])[0] for seed in (1, 1, 2))
    assert sorted(one.tolist()) == list(range(900))
    assert (one == again).all()
    assert (one != other).any()
    assert abs(torch.corrcoef(torch.stack([one.double(), torch.arange(900.0).double()]))[0, 1]) < 0.1


def test_the_blur_keeps_a_flat_picture_and_the_mean_and_flattens_the_rest():
    torch.testing.assert_close(maps.blurred(torch.full((1, 3, 32, 32), 0.3)), torch.full((1, 3, 32, 32), 0.3))
    noise = torch.randn(1, 3, 64, 64)
    assert maps.blurred(noise).std() < 0.1 * noise.std()


def test_replacing_takes_the_first_pixels_of_the_crop_and_nothing_outside():
    first, second = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    side = maps.window(first[:, 0]).shape[-1]
    places = maps.ranks(torch.rand(1, side, side), [0])
    assert maps.replaced(first, second, places, 0).sum() == 0
    half = maps.replaced(first, second, places, 50)
    assert half.sum() == 3 * round(side * side / 2)
    assert maps.window(half[:, 0]).sum() == half.sum() / 3
    assert maps.window(maps.replaced(first, second, places, 100)[:, 0]).mean() == 1


def test_the_area_of_known_curves():
    curves = torch.tensor([[1.0, 1, 1, 1], [1, 0.9, 0.5, 0]])  # constant, and 1 - x
    assert maps.area(curves, PERCENTS).tolist() == pytest.approx([1, 0.5])


class Corner(Recognizer):
    """Happy as far as the middle of the face is bright."""

    def recognize(self, faces, framing=Framing.ALIGNED):
        happy = faces[:, :, 14:18, 14:18].mean((1, 2, 3)).clamp(0, 1) * 0.9
        probs = torch.full((len(faces), 8), 0.0)
        probs[:, 1], probs[:, 0] = happy, 1 - happy
        return Prediction(probs)


def test_a_map_of_what_is_read_wins_both_games():
    faces = torch.zeros(1, 3, 32, 32)
    faces[:, :, 14:18, 14:18] = 1
    empty, classes = torch.zeros_like(faces), torch.tensor([1])
    right = maps.ranks(maps.window(faces[:, 0]), [0])
    chance = maps.ranks(maps.window(torch.zeros(1, 32, 32)), [0])
    deletion = [maps.area(maps.curve(Corner(), faces, empty, r, PERCENTS, classes), PERCENTS) for r in (right, chance)]
    insertion = [maps.area(maps.curve(Corner(), empty, faces, r, PERCENTS, classes), PERCENTS) for r in (right, chance)]
    assert deletion[0] == pytest.approx(0.5 * 0.1 * 0.9)  # gone after the first 10 %
    assert insertion[0] == pytest.approx((1 - 0.5 * 0.1) * 0.9)
    assert deletion[0] < deletion[1]
    assert insertion[0] > insertion[1]


class Shows(Neutralizer):
    def __init__(self, parts):
        self.parts = parts

    def neutralize(self, faces):
        return Edit(faces, self.parts)


def test_the_residue_is_summed_over_channels_without_its_sign():
    part = torch.stack([torch.full((32, 32), v) for v in (0.5, -0.25, 0.0)])[None]
    found = maps.residue(Shows({"residue.pixel": part}), torch.zeros(1, 3, 32, 32))
    assert (found == 0.75).all()
    with pytest.raises(RegistryError, match=r'shows no "residue\.pixel"'):
        maps.residue(Shows({}), torch.zeros(1, 3, 32, 32))
