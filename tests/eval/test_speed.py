"""The measurement of speed: what it holds and how it is shown. No test asserts a time."""

from __future__ import annotations

import pytest
import torch

from eval import contestants, speed, table, throughput
from eval.store import SPEED_FILE, THROUGHPUT_FILE, read_speed, read_throughput, write_json
from fer.errors import DataError
from fer.types import Framing, Prediction
from tests.eval.fakes import SPEED, THROUGHPUT


def test_sentence_holds_the_numbers():
    assert speed.sentence(SPEED) == (
        "Speed, 2 CPU threads, one face in a 1024 px photograph, models warm: "
        "detection and alignment 101 ms (p95 121), plain 8 ms (p95 10); peak memory 700 MB."
    )


def test_table_ends_with_the_speed_where_it_is_stored(tmp_path):
    assert "Speed" not in table.render_folder(tmp_path)
    write_json(tmp_path / SPEED_FILE, SPEED)
    assert table.render_folder(tmp_path).endswith(speed.sentence(SPEED))


@pytest.mark.parametrize(("file", "read"), [(SPEED_FILE, read_speed), (THROUGHPUT_FILE, read_throughput)])
def test_damaged_measurement_is_one_sentence(tmp_path, file, read):
    (tmp_path / file).write_text("{")
    with pytest.raises(DataError, match="could not be read"):
        read(tmp_path)


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


def test_a_whole_run_is_told_beside_its_forward_passes(tmp_path):
    told = (
        "A whole run, 2 CPU threads: 3,153 faces of ferplus by plain in 10.0 s, 315 a second, reading, scoring and "
        "storing included: 1.25 times its bare forward passes in batches of 64 (target: at most 1.25)."
    )
    assert throughput.sentence(THROUGHPUT) == told
    write_json(tmp_path / SPEED_FILE, SPEED)
    write_json(tmp_path / THROUGHPUT_FILE, THROUGHPUT)
    assert table.render_folder(tmp_path).endswith(f"\n\n{speed.sentence(SPEED)} {told}")


def test_a_whole_run_shows_the_model_every_face_and_stores_nothing(
    make_dataset, picture, shades, contestant, monkeypatch, tmp_path
):
    from eval import runner

    root = make_dataset([("neutral", picture(0))] * 5 + [("unknown", picture(0))], "test", "ferplus")
    model = shades()
    monkeypatch.setattr(contestants, "enter", lambda *_: contestant(model))
    monkeypatch.setattr(throughput, "BATCH_SIZE", 2)
    monkeypatch.setattr(throughput, "REPEATS", 3)
    measured = throughput.measure("plain", root)
    assert (measured["faces"], measured["partial"], measured["batch_size"]) == (5, False, 2)
    assert measured["model"] == {"name": "shades", "weights": "shades-1", "weights_sha256": "0" * 64}
    run, bare = 5 + runner.WARM_UP_FACES + 5, 5
    assert model.seen == 2 + 3 * (run + bare)  # the first batch warms up
    assert measured["ratio"] > 1
    assert not list(tmp_path.rglob("*.part"))
    whole, bare = iter([3, 1.5, 1]), iter([9, 1, 2, 1.2])
    monkeypatch.setattr(throughput, "_whole", lambda *_: next(whole))
    monkeypatch.setattr(throughput, "_bare", lambda *_: next(bare))
    trial = throughput.measure("plain", root, 3)
    assert (trial["faces"], trial["partial"]) == (3, True)
    assert (trial["whole_seconds"], trial["bare_seconds"], trial["ratio"]) == (1.5, 1.2, 1.25)  # medians
