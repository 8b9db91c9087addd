"""Runs on generated datasets: right numbers, broken rows, interruption, resumption."""

from __future__ import annotations

import json

import pytest
import torch

from eval import pictures, runner
from eval.benchmark import Recognition, View
from eval.contestants import enter
from eval.runner import Options, run
from eval.source import Source, locate
from eval.store import write_result
from fer.errors import DataError, ImageError, RegistryError, StorageError
from fer.types import EMOTIONS, Emotion, Face, Framing

VOLATILE = {"date", "seconds", "ms_per_face", "peak_memory_mb", "git"}


def stable(result):
    return {key: value for key, value in result.items() if key not in VOLATILE}


@pytest.fixture
def eight(make_dataset, picture):
    """Two pictures of each class; the second of each looks like the next class."""
    return make_dataset([(str(e), picture(k + wrong)) for wrong in (0, 1) for k, e in enumerate(EMOTIONS)][:15])


def test_scores_and_provenance_of_a_run(eight, tiny, shades, contestant, tmp_path):
    source = locate(tiny, eight, None)
    done = run(tiny, source, contestant(shades()), Options(tmp_path / "cache", batch_size=4))
    result = json.loads(json.dumps(done.result, allow_nan=False))
    assert result["scores"]["accuracy"]["value"] == pytest.approx(8 / 15, abs=1e-6)
    assert result["recall"]["neutral"] == 0.5
    assert result["recall"]["contempt"] == 1.0
    assert result["counts"]["n_original"] == result["counts"]["n_scored"] == 15
    assert result["dataset"] == {"id": "tiny", "revision": source.revision("test"), "from": "folder"}
    assert result["model"] == {"name": "shades", "weights": "shades-1", "weights_sha256": "0" * 64}
    assert result["ms_per_face"]["faces"] == 15
    assert result["ms_per_face"]["p50"] <= result["ms_per_face"]["p95"]
    assert result["environment"]["threads"] == torch.get_num_threads()
    assert result["partial"] is False
    assert result.get("peak_memory_mb", 101) > 100  # PyTorch alone is more; not told where the peak cannot begin again
    assert [r.row for r in done.records] == list(range(15))
    assert done.records[0].probs == pytest.approx((0.86, *[0.02] * 7))


def test_bad_rows_are_counted_and_cost_nothing_else(make_dataset, picture, tiny, shades, contestant, tmp_path):
    rows = [
        ("neutral", picture(0)),
        ("happiness", b"\x89PNG this is no picture"),
        ("sadness", picture(3)[:-30]),  # cut off
        ("fear", None),
        ("surprised?", picture(2)),  # a label that the benchmark does not declare
        (None, picture(2)),
        ("unknown", picture(2)),  # declared as outside the protocol
        ("anger", picture(4)),
    ]
    source = locate(tiny, make_dataset(rows), None)
    result = run(tiny, source, contestant(shades()), Options(tmp_path / "cache", batch_size=3)).result
    assert result["counts"] == {
        "n_original": 8,
        "n_scored": 2,
        "n_no_face": 0,
        "n_outside_protocol": 1,
        "n_unknown_label": 2,
        "n_broken": 3,
    }
    assert result["scores"]["accuracy"]["value"] == 1
    assert [(s["row"], s["status"]) for s in result["skipped"]] == [
        (1, "broken"),
        (2, "broken"),
        (3, "broken"),
        (4, "unknown_label"),
        (5, "unknown_label"),
    ]
    assert result["skipped"][2]["note"] == "The row holds no picture."
    assert result["skipped"][3]["note"] == "surprised?"


def test_a_killed_run_goes_on_where_it_stopped(eight, tiny, shades, contestant, tmp_path):
    source = locate(tiny, eight, None)
    whole = run(tiny, source, contestant(shades()), Options(tmp_path / "other", batch_size=4))
    options = Options(tmp_path / "cache", batch_size=4)
    killed = shades(die_after=10)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, source, contestant(killed), options)
    assert killed.seen == 8  # two batches of four
    second, bars = shades(), []
    resumed = run(tiny, source, contestant(second), options, lambda done, total: bars.append((done, total)))
    timed = runner.WARM_UP_FACES + 15
    assert second.seen == (15 - 8) + timed
    assert bars == [(8, 15), (12, 15), (15, 15)]
    assert resumed.records == whole.records
    assert stable(resumed.result) == stable(whole.result)
    resumed.parts.clear()
    assert not resumed.parts.folder.exists()


def test_a_damaged_batch_is_predicted_again(eight, tiny, shades, contestant, tmp_path):
    source, options = locate(tiny, eight, None), Options(tmp_path / "cache", batch_size=4)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, source, contestant(shades(die_after=10)), options)
    (damaged,) = (tmp_path / "cache").rglob("00000004.part")
    damaged.write_bytes(damaged.read_bytes()[:50])
    bars = []
    done = run(tiny, source, contestant(shades()), options, lambda done, total: bars.append(done))
    assert bars[0] == 4
    assert [r.row for r in done.records] == list(range(15))


@pytest.mark.parametrize("change", ["weights", "data", "benchmark", "code"])
def test_batches_of_another_run_are_never_used(
    change, eight, make_dataset, picture, tiny, shades, contestant, tmp_path, monkeypatch
):
    from dataclasses import replace

    options = Options(tmp_path / "cache", batch_size=4)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, locate(tiny, eight, None), contestant(shades(die_after=10)), options)
    entrant, benchmark = contestant(shades()), tiny
    if change == "weights":
        entrant = replace(entrant, weights_sha256="1" * 64)
    elif change == "data":
        make_dataset([("neutral", picture(0))] * 15)
    elif change == "benchmark":
        benchmark = replace(tiny, version=2)
    else:
        monkeypatch.setattr(runner, "code_digest", lambda: "other code")
    bars = []
    run(benchmark, locate(benchmark, eight, None), entrant, options, lambda done, total: bars.append(done))
    assert bars[0] == 0


def test_a_disk_that_fills_is_one_sentence_and_loses_nothing(eight, tiny, shades, contestant, tmp_path, monkeypatch):
    from pathlib import Path

    source, options = locate(tiny, eight, None), Options(tmp_path / "cache", batch_size=4)
    real, written = Path.write_bytes, []

    def full_after_two(self, data):
        if len(written) == 2:
            real(self, b"half a fi")
            raise OSError(28, "No space left on device")
        written.append(self)
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full_after_two)
    with pytest.raises(StorageError, match=r"could not be written \(No space left on device\).*batches are kept"):
        run(tiny, source, contestant(shades()), options)
    kept = sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert kept == ["00000000.part", "00000004.part"]
    monkeypatch.setattr(Path, "write_bytes", real)
    bars = []
    done = run(tiny, source, contestant(shades()), options, lambda done, total: bars.append(done))
    assert bars[0] == 8
    assert done.result["counts"]["n_scored"] == 15


@pytest.mark.parametrize("full_at", [".tiny.parquet.", ".tiny.json."])
def test_a_disk_that_fills_keeps_the_stored_result(full_at, eight, tiny, shades, contestant, tmp_path, monkeypatch):
    from pathlib import Path

    done = run(tiny, locate(tiny, eight, None), contestant(shades()), Options(tmp_path / "cache"))
    path = write_result(tmp_path / "results", done.result, done.records)
    before = [path.with_suffix(end).read_bytes() for end in (".json", ".parquet")]
    real = Path.write_bytes

    def full(self, data):
        if self.name.startswith(full_at):
            real(self, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"tiny\.(json|parquet) could not be written \(No space left on device\)"):
        write_result(tmp_path / "results", done.result | {"seed": 1}, done.records[:3])
    assert [path.with_suffix(end).read_bytes() for end in (".json", ".parquet")] == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["tiny.json", "tiny.parquet"]


def test_two_pictures_per_row_are_found_aligned_or_counted_as_missed(
    tiny, shades, contestant, tmp_path, picture, monkeypatch
):
    from dataclasses import replace

    from datasets import Dataset, Features
    from datasets import Image as ImageFeature

    folder = tmp_path / "data" / "tiny" / "data"
    folder.mkdir(parents=True)
    columns = {"calm": [picture(0), picture(0)], "smile": [picture(1), picture(7)]}
    columns = {key: [{"bytes": b, "path": None} for b in value] for key, value in columns.items()}
    features = Features({"calm": ImageFeature(), "smile": ImageFeature()})
    Dataset.from_dict(columns, features).to_parquet(folder / "test-00000-of-00001.parquet")
    pair = (View("calm", constant=Emotion.NEUTRAL), View("smile", constant=Emotion.HAPPINESS))
    benchmark = replace(tiny, task=Recognition(Framing.ALIGNED, pair, EMOTIONS))

    def detect_many(images):
        """No face in the brightest picture; a second, smaller face of another shade in all others."""
        faces = []
        for image in images:
            pixels = pictures.to_tensor(image)
            one = Face(pixels, (0, 0, 9, 9), torch.zeros(5, 2), 1.0, torch.zeros(2, 3))
            two = Face(torch.ones_like(pixels), (0, 0, 5, 5), torch.zeros(5, 2), 1.0, torch.zeros(2, 3))
            faces.append([] if pixels.mean() > 0.5 else [one, two])
        return faces

    monkeypatch.setattr(pictures, "detect_many", detect_many)
    done = run(benchmark, locate(benchmark, tmp_path / "data", None), contestant(shades()), Options(tmp_path / "cache"))
    assert [(r.key, str(r.status)) for r in done.records] == [
        ((0, "calm"), "predicted"),
        ((0, "smile"), "predicted"),
        ((1, "calm"), "predicted"),
        ((1, "smile"), "no_face"),
    ]
    assert done.result["counts"]["n_no_face"] == 1
    assert done.result["scores"]["accuracy"]["value"] == 0.75
    assert done.result["scores"]["accuracy_detected"]["value"] == 1


def test_the_majority_baseline_answers_with_the_train_split(make_dataset, picture, tiny, tmp_path):
    root = make_dataset([("fear", picture(6))] * 3 + [("anger", picture(4)), ("unknown", picture(0))], "train")
    make_dataset([("anger", picture(4))] * 3 + [("fear", picture(6))], "test")
    source = locate(tiny, root, None)
    majority = enter("majority", "default", "auto", tiny, source)
    done = run(tiny, source, majority, Options(tmp_path / "cache"))
    assert done.records[0].probs == (0, 0, 0, 0, 0.25, 0, 0.75, 0)
    assert done.result["scores"]["accuracy"]["value"] == 0.25
    assert done.result["model"] == {"name": "majority", "weights": "none", "weights_sha256": None}


def test_an_unknown_model_is_refused_with_a_hint(tiny):
    with pytest.raises(RegistryError, match='Did you mean "majority"'):
        enter("majorety", "default", "auto", tiny, Source("tiny", "nowhere"))


def test_a_picture_that_is_not_square_is_broken_in_a_tight_benchmark(
    make_dataset, tiny, shades, contestant, tmp_path, picture
):
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (20, 16)).save(stream, "PNG")
    root = make_dataset([("neutral", stream.getvalue()), ("neutral", picture(0))])
    result = run(tiny, locate(tiny, root, None), contestant(shades()), Options(tmp_path / "cache")).result
    assert result["skipped"][0]["note"] == "A tight crop must be square; it is 20 x 16 px."
    assert result["counts"]["n_scored"] == 1


def test_a_split_without_anything_to_score_is_an_error(make_dataset, tiny, shades, contestant, tmp_path):
    source = locate(tiny, make_dataset([("neutral", b"no picture")]), None)
    with pytest.raises(DataError, match="could be scored"):
        run(tiny, source, contestant(shades()), Options(tmp_path / "cache"))


def test_the_picture_reader_is_the_core_s(picture):
    with pytest.raises(ImageError):
        pictures.open_image(picture(0)[:-30])
