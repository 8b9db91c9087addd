"""ERR-Net: the residual convention, the segments of the code, the landmark loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fer.errors import WeightsError
from fer.load import config_from
from fer.models.errnet import ErrNet, ErrNetConfig, SegmentHead
from fer.models.errnet_training import landmark_loss, segment_loss

TINY = ErrNetConfig(widths=(8, 8, 8, 8, 8), segment=4, features=8)


def faces(count: int = 2, size: int = 128) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


def test_untrained_residual_is_zero_so_that_the_face_stays() -> None:
    model = ErrNet(TINY).eval()
    assert float(model(faces()).residual.abs().max()) == 0.0
    assert torch.allclose(model.neutralize(faces()).image, faces())


def test_neutral_face_and_residual_add_up_to_the_face() -> None:
    model = ErrNet(TINY).eval()
    torch.nn.init.normal_(model.out.weight, std=0.05)
    edit = model.neutralize(faces(1, 200))
    assert torch.allclose(edit.image + edit.parts["residue.pixel"], faces(1, 200), atol=1e-5)
    assert edit.parts["landmarks.neutral"].shape == (1, 68, 2)


def test_silencing_a_segment_lowers_its_logit_only() -> None:
    head, code = SegmentHead(), torch.rand(2, 7, 4)
    before = head(code)
    silenced = code.clone()
    silenced[:, 2] = 0
    after = head(silenced)
    assert (after[:, 3] < before[:, 3]).all()
    others = [0, 1, 2, 4, 5, 6, 7]
    assert torch.equal(after[:, others], before[:, others])


def test_segment_loss_in_closed_form() -> None:
    code = torch.zeros(1, 7, 2)
    code[0, 0, 0] = 1.0  # happiness speaks, all others are silent
    happy = torch.nn.functional.one_hot(torch.tensor([1]), 8).float()
    sad = torch.nn.functional.one_hot(torch.tensor([3]), 8).float()
    assert float(segment_loss(code, happy)) == pytest.approx(0.0, abs=1e-6)
    assert float(segment_loss(code, sad)) == pytest.approx(0.9**2 + 0.5 * 0.9**2, abs=1e-3)


def test_landmark_loss_leaves_out_what_is_not_known() -> None:
    model = ErrNet(TINY)
    made = model(faces(3))
    points = torch.full((3, 2, 68, 2), torch.nan)
    assert float(landmark_loss(made, points)) == 0.0
    points[1] = torch.stack([made.landmarks[1], made.landmarks[1] - made.displacement[1] - 0.1]).detach()
    assert float(landmark_loss(made, points)) == pytest.approx(0.2, abs=1e-5)


def test_every_part_learns_from_the_joint_answer() -> None:
    model = ErrNet(TINY)
    torch.nn.init.normal_(model.out.weight, std=0.05)
    model(faces()).logits.sum().backward()
    for part in (model.trunk, model.encode_code, model.read_pixels, model.points, model.joint):
        assert sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0


@pytest.mark.parametrize("changes", [{"segment": 0}, {"widths": (8, 8)}, {"widths": (-8,) * 5}, {"temperature": -1.0}])
def test_config_checks_itself(changes: dict[str, object]) -> None:
    with pytest.raises(WeightsError):
        config_from(ErrNetConfig, changes)
    assert replace(TINY, segment=2).segment == 2
