"""Distances of pictures against closed forms and an independent implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from eval import image_metrics, regions


def flat(value: float, size: int = 32) -> torch.Tensor:
    return torch.full((1, 3, size, size), value)


def test_l1_and_psnr_of_flat_pictures_are_on_the_unit_scale():
    mask = regions.face(32)
    assert image_metrics.l1(flat(0.5), flat(-0.3), mask).item() == pytest.approx(0.4)
    assert image_metrics.psnr(flat(0.5), flat(-0.3), mask).item() == pytest.approx(-20 * math.log10(0.4), abs=1e-5)
    assert image_metrics.psnr(flat(0.5), flat(0.5), mask).item() == pytest.approx(60)


def test_only_the_mask_counts_and_every_channel_does():
    mask = regions.mouth(32)
    a = flat(0.0)
    b = a.clone()
    b[:, :, ~mask] = 1
    b[:, 0, mask] = 0.6
    assert image_metrics.l1(a, b, mask).item() == pytest.approx(0.3 / 3, abs=1e-6)


def test_values_beyond_the_range_are_cut_off():
    assert image_metrics.l1(flat(3.0), flat(1.0), regions.face(32)).item() == 0


def test_ssim_of_flat_pictures_is_its_luminance_term():
    x, y, c1 = 0.75, 0.35, 0.01**2
    expected = (2 * x * y + c1) / (x * x + y * y + c1)
    mask = regions.face(32)
    assert image_metrics.ssim(flat(0.5), flat(-0.3), mask).item() == pytest.approx(expected, abs=1e-5)
    assert image_metrics.ssim(flat(0.5), flat(0.5), mask).item() == pytest.approx(1)


def test_ssim_is_that_of_a_direct_gaussian_window():
    """One pixel by the formula of Wang et al. 2004, window of 11 px and sigma 1.5."""
    rng = np.random.default_rng(0)
    a, b = (torch.tensor(rng.uniform(-1, 1, (1, 3, 21, 21))) for _ in range(2))
    mask = torch.zeros(21, 21, dtype=torch.bool)
    mask[10, 10] = True
    window = np.exp(-((np.arange(-5, 6)) ** 2) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2
    values = []
    for channel in range(3):
        x, y = ((p[0, channel, 5:16, 5:16].numpy() + 1) / 2 for p in (a, b))
        mx, my = (window * x).sum(), (window * y).sum()
        vx, vy = (window * x * x).sum() - mx**2, (window * y * y).sum() - my**2
        cov = (window * x * y).sum() - mx * my
        c1, c2 = 0.01**2, 0.03**2
        values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    assert image_metrics.ssim(a, b, mask).item() == pytest.approx(np.mean(values), abs=1e-6)


def test_landmark_error_is_in_percent_of_the_eye_corners_distance():
    truth = torch.rand(2, 68, 2)
    truth[:, 36], truth[:, 45] = torch.tensor([0.3, 0.4]), torch.tensor([0.7, 0.4])
    moved = truth + torch.tensor([0.012, 0.016])  # 0.02 away, the corners are 0.4 apart
    np.testing.assert_allclose(image_metrics.landmark_error(moved, truth), [5, 5], rtol=1e-5)


def test_regions_are_where_the_protocol_says():
    """A change of these numbers makes stored results incomparable: raise the versions of the benchmarks."""
    face, mouth = regions.face(128), regions.mouth(128)
    assert face.float().mean().item() == pytest.approx(math.pi * 0.31 * 0.36, abs=0.002)
    rows, columns = (torch.nonzero(face.any(axis)).flatten() for axis in (1, 0))
    assert (rows.min() / 128).item() == pytest.approx(0.51 - 0.36, abs=0.01)
    assert (columns.min() / 128).item() == pytest.approx(0.50 - 0.31, abs=0.01)
    assert int(mouth.sum()) == 52 * 29  # centres within 0.30..0.70 and 0.62..0.84
    assert bool(mouth[int(0.73 * 128), 64])
    assert not mouth[int(0.60 * 128), 64]
