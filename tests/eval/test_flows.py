"""Flows against closed forms, and the stored ones against the pictures that they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from eval import flows
from fer.errors import DataError
from fer.images import open_image, to_tensor

PUPPETS = Path(__file__).resolve().parents[3] / "shared/data/puppets/data/test-00000-of-00001.parquet"


def test_endpoint_errors_are_in_pixels_of_128_whatever_the_size():
    grid = np.full((32, 32, 2), np.nan, np.float16)
    grid[8:24, 8:24] = 1 / 64, -1 / 128
    truth = flows.stored_flow(grid.tobytes())[None]
    for size in (32, 46, 64, 128, 256):
        flow = torch.tensor([3 / 128, -1 / 128])[None, :, None, None].expand(1, 2, size, size) * size
        assert flows.endpoint_error(flow, truth).tolist() == pytest.approx([1], abs=1e-5)
    assert flows.endpoint_error(flow, flows.stored_flow(None)[None]).isnan().all()
    with pytest.raises(DataError, match="not 12 bytes"):
        flows.stored_flow(b"x" * 12)


def test_stored_flows_hold_x_before_y_and_rows_before_columns():
    grid = np.zeros((32, 32, 2), np.float16)
    grid[3, 5] = (0.25, 0.5)
    found = flows.stored_flow(grid.tobytes())
    assert found[:, 3, 5].tolist() == [0.25, 0.5]
    assert found.count_nonzero() == 2


@pytest.mark.skipif(not PUPPETS.is_file(), reason="needs the rendered test faces")
def test_stored_flows_of_real_rows_lead_from_the_image_to_where_the_neutral_picture_shows_it():
    import pyarrow.parquet as pq

    table = pq.read_table(PUPPETS, columns=["neutral", "image", "flow"])
    rows = table.take([k for k in range(0, 600, 30)]).to_pylist()
    faces, truths = (
        torch.stack([to_tensor(open_image(row[c]["bytes"])) for row in rows]) for c in ("neutral", "image")
    )
    flow = torch.stack([flows.stored_flow(row["flow"]) for row in rows])
    known = F.interpolate((~flow[:, :1].isnan()).float(), faces.shape[-1]) > 0
    shift = F.interpolate(flow.nan_to_num(), faces.shape[-2:], mode="bilinear", align_corners=False) * 2
    grid = F.affine_grid(torch.eye(2, 3).expand(len(faces), 2, 3), list(faces.shape), align_corners=False)

    def error(sign: int, order: tuple[int, int]) -> float:
        moved = F.grid_sample(faces, grid + sign * shift[:, order].permute(0, 2, 3, 1), align_corners=False)
        return float(((moved - truths).abs() * known).mean())

    assert error(1, (0, 1)) < 0.7 * error(0, (0, 1))
    assert min(error(-1, (0, 1)), error(1, (1, 0)), error(-1, (1, 0))) > error(0, (0, 1))


def test_a_flow_folds_where_it_turns_the_picture_inside_out():
    x = torch.arange(8.0).expand(8, 8)
    still = torch.zeros(8, 8)
    for factor, folded in ((-2, 1), (-1, 1), (-0.9, 0), (0.5, 0)):
        assert flows.folding(torch.stack([factor * x, still])[None]).tolist() == [folded]
        assert flows.folding(torch.stack([still, factor * x.T])[None]).tolist() == [folded]
    both = torch.stack([-2 * x, -2 * x.T])[None]  # turned by half a circle: nothing is inside out
    assert flows.folding(both).tolist() == [0]
    sheared = torch.stack([2 * x.T, still])[None]
    assert flows.folding(sheared).tolist() == [0]
    step = torch.where(x > 3, -2.0, 0.0)  # one of the seven differences in a row
    assert flows.folding(torch.stack([step, still])[None]).tolist() == pytest.approx([1 / 7])
