"""The measurement of speed: what it holds and how it is shown. No test asserts a time."""

from __future__ import annotations

import pytest
import torch

from eval import speed, table
from eval.store import SPEED_FILE, read_speed, write_json
from fer.errors import DataError
from fer.types import Framing, Prediction
from tests.eval.fakes import SPEED


def test_sentence_holds_the_numbers():
    assert speed.sentence(SPEED) == (
        "Speed, 2 CPU threads, one face in a 1024 px photograph, models warm: "
        "detection and alignment 101 ms (p95 121), plain 8 ms (p95 10); peak memory 700 MB."
    )


def test_table_ends_with_the_speed_where_it_is_stored(tmp_path):
    assert "Speed" not in table.render_folder(tmp_path)
    write_json(tmp_path / SPEED_FILE, SPEED)
    assert table.render_folder(tmp_path).endswith(speed.sentence(SPEED))


def test_damaged_measurement_is_one_sentence(tmp_path):
    (tmp_path / SPEED_FILE).write_text("{")
    with pytest.raises(DataError, match="could not be read"):
        read_speed(tmp_path)


def test_measure_times_the_whole_way(monkeypatch):
    import fer

    class Instant:
        def recognize(self, faces: torch.Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
            return Prediction(torch.full((len(faces), 8), 1 / 8))

    monkeypatch.setattr(fer, "load", lambda name, device: Instant())
    monkeypatch.setattr(speed, "REPEATS", 2)
    measured = speed.measure("plain")
    assert measured["faces"] == 1
    assert 0 < measured["recognize_ms"]["p50"] < measured["detect_ms"]["p50"]
    assert measured["peak_memory_mb"] > 50
