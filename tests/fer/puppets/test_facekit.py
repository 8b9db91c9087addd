"""The face model: projection, and what is said of a checkout that is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer.errors import DataError
from fer.puppets.facekit import load_ict, project


def test_projection_flips_y_and_keeps_depth() -> None:
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x becomes y, y becomes -x
    points = project(np.array([[1.0, 0, 5], [0, 2, -1]], np.float32), 10.0, quarter, np.array([100.0, 50]))
    assert points.dtype == np.float32
    assert np.allclose(points, [[100, 40, 5], [80, 50, -1]])


def test_a_missing_checkout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"generic_neutral_mesh\.obj is missing.*ICT-FaceKit"):
        load_ict(tmp_path)


def test_another_mesh_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    (folder / "generic_neutral_mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1 2/2 3/3\n")
    with pytest.raises(DataError, match="does not hold the ICT-FaceKit light model"):
        load_ict(tmp_path)
