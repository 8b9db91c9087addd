"""Recognisers of others: the frames between two processes, every way in which the other one fails, and whole runs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import sys
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

from eval import benchmarks, cli, compare, contestants, peers, peers_command, table
from eval.export import plan
from eval.foreign import frames
from eval.foreign.declaration import NAMES, Peer
from eval.foreign.environments import VARIABLE, install, is_installed, place
from eval.foreign.process import AbsentError, start
from eval.foreign.recognizer import PeerRecognizer, enter
from eval.runner import Options, run
from eval.source import locate
from eval.store import read_predictions, read_results
from eval.verbs import RESULTS
from fer.errors import DataError, EvaluationError, FerError, RegistryError
from fer.types import EMOTIONS, Framing
from tests.eval import peer_files
from tests.eval.peer_files import SEVEN, SHADES, WEIGHTS

ON_FERPLUS = [r for r in read_results(RESULTS).values() if "peer" in r["model"] and r["benchmark"]["name"] == "ferplus"]
# a network of as many numbers as it has answers, each times the mean of the picture
NETWORK = """
import torch

class NetworkV2(torch.nn.Module):
    def __init__(self, in_c, nl, out_f):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.empty(out_f))

    def forward(self, x):
        assert x.shape[1:] == (1, 48, 48), x.shape
        return x.mean((1, 2, 3))[:, None] * self.scale
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A function that declares the peer "fake", ready to run, and returns its file."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "peers"))
    folder = tmp_path / "declared"
    folder.mkdir()
    monkeypatch.setattr(peers, "__path__", [*peers.__path__, str(folder)])

    def declare(answer=SHADES, **options):
        if not (tmp_path / "peers").exists():
            peer_files.environment(tmp_path / "peers")
        path = peer_files.write(folder, answer, **options)
        monkeypatch.delitem(sys.modules, "eval.peers.fake", raising=False)
        return path

    yield declare
    sys.modules.pop("eval.peers.fake", None)


def recognizer(path, seconds=60.0):
    process = start(peers.peer("fake"), path, seconds=60)
    return PeerRecognizer(peers.peer("fake"), process, seconds)


def greys(*shades, size=16):
    """Faces of one grey each, as this project holds pictures."""
    pixels = torch.tensor(shades, dtype=torch.float32)[:, None, None, None].expand(-1, 3, size, size)
    return pixels / 127.5 - 1


@pytest.mark.parametrize("array", [None, np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3), np.zeros((0, 7), "f4")])
def test_a_frame_comes_back_byte_for_byte(array):
    stream = io.BytesIO()
    frames.write(stream, {"a": [1, "ü"]}, array)
    frames.write(stream, {}, array)
    stream.seek(0)
    header, back = frames.read(stream)
    assert header == {"a": [1, "ü"]}
    assert (back is None) == (array is None)
    if array is not None:
        assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert frames.read(stream)[0] == {}
    assert frames.read(stream) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Downloading weights 10 %", "begins with b'Downloading '"),
        (b"PE", "begins with b'PE'"),
        (frames.LENGTHS.pack(frames.MAGIC, 9, 0) + b"{}", "ends after 2 of 9 bytes"),
        (frames.LENGTHS.pack(frames.MAGIC, 2, 0) + b"[]", "no JSON object"),
        (frames.LENGTHS.pack(frames.MAGIC, 2, 3) + b"{}abc", "magic"),
        (frames.LENGTHS.pack(frames.MAGIC, 2, 1 << 50) + b"{}", "begins with b'PEER"),
    ],
)
def test_what_is_no_frame_is_refused(data, reason):
    with pytest.raises(frames.FrameError, match=reason):
        frames.read(io.BytesIO(data))


def test_arrays_of_objects_do_not_travel():
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        frames.write(io.BytesIO(), {}, np.array([object()]))


def test_a_declaration_knows_our_names_and_needs_a_source():
    assert tuple(EMOTIONS) == NAMES
    words = {"package": "p", "requirements": (), "licence": "L", "homepage": "H", "citation": "C", "notes": "N"}
    assert Peer("p", labels=SEVEN, doi="10.0/none", **words).lacks == ("contempt",)
    with pytest.raises(ValueError, match="distinct and among"):
        Peer("p", labels=("happy",), doi="10.0/none", **words)
    with pytest.raises(ValueError, match="arXiv id or a DOI"):
        Peer("p", labels=SEVEN, **words)


@pytest.mark.parametrize("name", peers.names())
def test_every_declared_peer_can_be_entered_where_expressions_are_named(name):
    declared = peers.peer(name)
    assert declared.name == name
    assert set(declared.labels) | set(declared.lacks) == set(EMOTIONS)
    assert all("==" in requirement for requirement in declared.bare)
    assert contestants.can_take(f"peer:{name}", benchmarks.benchmark("ferplus"))
    assert not contestants.can_take(f"peer:{name}", benchmarks.benchmark("edit_ferplus"))
    assert f"peer:{name}" in contestants.names()


def test_faces_arrive_unchanged_and_probabilities_come_back(fake):
    values = "\n".join(
        ["flat = faces.reshape(len(faces), -1).astype(float)[:, :8] + 1", "return flat / flat.sum(1)[:, None]"]
    )
    path = fake(values)
    pixels = torch.randint(0, 256, (5, 3, 6, 6), generator=torch.Generator().manual_seed(0)).float()
    model = recognizer(path)
    prediction = model.recognize(pixels / 127.5 - 1, Framing.TIGHT)
    model.process.close()
    first = pixels.permute(0, 2, 3, 1).reshape(5, -1)[:, :8] + 1
    assert torch.allclose(prediction.probs, first / first.sum(1, keepdim=True), atol=1e-6)


def test_aligned_faces_go_in_as_tight_crops(fake):
    path = fake("assert faces.shape == (1, 108, 108, 3), faces.shape\nreturn np.eye(8)[:1]")
    model = recognizer(path)
    assert model.recognize(torch.zeros(1, 3, 128, 128)).top() == ("neutral", 1.0)
    model.process.close()
    assert model.process.process.poll() == 0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("os._exit(7)", "it ended with exit code 7"),
        ("raise KeyError('lost')", "it ended with exit code 1; its last words: KeyError: 'lost'"),
        ("return np.full((len(faces), 8), np.nan)", "numbers that are not finite"),
        ("return np.full((len(faces), 8), 0.2)", "a sum that is not 1"),
        (
            "return np.zeros((len(faces), 7)) + 1 / 7",
            "float32 of shape \\(2, 7\\); expected floats of shape \\(2, 8\\)",
        ),
        ("time.sleep(60)", "it did not answer within 1 s"),
    ],
)
def test_what_goes_wrong_there_is_one_sentence_here(fake, answer, sentence):
    model = recognizer(fake(answer), seconds=1 if "sleep" in answer else 60)
    with pytest.raises(EvaluationError, match=f"^peer:fake (failed on 2 faces: |answered with ).*{sentence}"):
        model.recognize(greys(0, 30), Framing.TIGHT)
    model.process.close()
    assert model.process.process.poll() is not None


@pytest.mark.parametrize(
    ("load", "sentence"),
    [
        ("raise RuntimeError('no such op')", "failed while it was loaded: .* its last words: RuntimeError: no such op"),
        ("time.sleep(60)", "did not answer within 2 s"),
    ],
)
def test_what_goes_wrong_while_it_loads_is_one_sentence(fake, load, sentence):
    path = fake(load=load)
    with pytest.raises(EvaluationError, match=sentence):
        start(peers.peer("fake"), path, seconds=2 if "sleep" in load else 60)


def test_garbage_in_the_pipe_is_one_sentence(fake, tmp_path):
    path = fake()
    (place(peers.peer("fake")).python).write_text("#!/bin/sh\necho Welcome to the machine\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"what it wrote is no answer \(it begins with b'Welcome to t'\)"):
        start(peers.peer("fake"), path)


def test_what_is_absent_is_said_with_what_to_do(fake, tmp_path, monkeypatch):
    advice = "Run: python -m eval peers install fake"
    path = fake(package="nowhere")
    with pytest.raises(
        AbsentError, match=f"^peer:fake is skipped, because its environment has no package nowhere. {advice}"
    ):
        start(peers.peer("fake"), path)
    path = fake()
    (tmp_path / "declared" / "fake.bin").unlink()
    with pytest.raises(AbsentError, match=f"because its weights fake.bin are missing. {advice}"):
        enter(peers.peer("fake"), path)
    place(peers.peer("fake")).python.unlink()
    with pytest.raises(AbsentError, match=f"because its environment is damaged .No such file or directory.. {advice}"):
        enter(peers.peer("fake"), path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    with pytest.raises(AbsentError, match=f"because its environment is not there. {advice}"):
        enter(peers.peer("fake"), path)


def test_an_environment_of_another_declaration_is_not_ready(fake):
    fake()
    assert is_installed(peers.peer("fake"))
    place(peers.peer("fake")).mark.write_text('{"requirements": ["numpy<2"], "bare": []}')
    assert not is_installed(peers.peer("fake"))


def test_an_environment_that_pip_cannot_make_is_one_sentence_and_not_ready(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(FerError, match="could not be made: false venv ended with exit code 1"):
        install(peers.peer("fer"))
    assert not is_installed(peers.peer("fer"))


def test_installing_lets_the_package_fetch_its_weights(fake, tmp_path, monkeypatch, capsys):
    weights = tmp_path / "declared" / "fake.bin"
    fetch = f"Path({str(weights)!r}).write_bytes(b'fetched') if 'HF_HUB_OFFLINE' not in os.environ else None"
    fake(load=fetch)
    weights.unlink()
    monkeypatch.setattr(peers_command, "install", place)
    assert cli.main(["peers", "install", "fake"]) == 0
    assert capsys.readouterr().out == "peer:fake is ready.\n"
    assert weights.read_bytes() == b"fetched"
    assert cli.main(["peers", "install", "fakes"]) == 2
    assert 'Did you mean "fake"?' in capsys.readouterr().err


def test_a_whole_run_of_a_peer_without_contempt(fake, make_dataset, picture, tiny, tmp_path):
    fake(labels=SEVEN)
    data = make_dataset([(str(e), picture(k)) for k, e in enumerate(EMOTIONS)])
    entered = contestants.enter("peer:fake", "default", "cpu", tiny, locate(tiny, data, None))
    slow = replace(entered, took=lambda: 0.005)
    done = run(tiny, locate(tiny, data, None), slow, Options(tmp_path / "cache", batch_size=3))
    assert 0 < entered.took() < 5
    entered.close()
    result = json.loads(json.dumps(done.result, allow_nan=False))
    assert result["scores"]["accuracy"]["value"] == pytest.approx(7 / 8, abs=1e-6)
    assert result["recall"]["contempt"] == 0
    assert all(record.probs[7] == 0 for record in done.records)
    model = result["model"]
    assert model["name"] == "peer:fake"
    assert model["weights"] == f"numpy-{np.__version__}"
    assert model["weights_sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert model["peer"]["lacks"] == ["contempt"]
    assert model["peer"]["peak_memory_mb"] > 5
    assert result["ms_per_face"]["p50"] == result["ms_per_face"]["p95"] == 5.0  # its own, not the way there and back
    text = table.render([done.result])
    assert "| tiny | peer:fake | numpy-" in text
    assert f"- **peer:fake**: numpy {np.__version__}, by others (MIT). It cannot name contempt. It runs" in text
    with pytest.raises(DataError, match="somebody else's"):
        plan([done.result], "org/name")


def test_the_command_line_runs_a_peer_beside_ours_and_skips_an_absent_one(
    fake, make_dataset, picture, tmp_path, capsys
):
    fake()
    rows = [(str(e), picture(k)) for k, e in enumerate(EMOTIONS)]
    make_dataset(rows, split="train")
    options = ["--dataset", str(make_dataset(rows) / "tiny"), "--framing", "tight"]
    options += ["--label-map", "unknown=-,surprised?=-", "--cache", str(tmp_path / "cache")]
    options += ["--results", str(tmp_path / "results")]
    assert cli.main(["run", "peer:fake", "peer:fer", "majority", *options]) == 0
    told = capsys.readouterr()
    sentence = "peer:fer is skipped, because its environment is not there. Run: python -m eval peers install fer"
    assert told.err.count(sentence) == 1
    assert "2 of 3 done" in told.out
    assert f"  skipped: peer:fer on folder:tiny:test: {sentence}" in told.out
    stored = {r["model"]["name"]: (path, r) for path, r in read_results(tmp_path / "results").items()}
    assert sorted(stored) == ["majority", "peer:fake"]
    assert [max(range(8), key=r.probs.__getitem__) for r in read_predictions(*stored["peer:fake"])] == list(range(8))
    assert list(compare.select(tmp_path / "results", f"peer:fake:numpy-{np.__version__}")) == ["folder:tiny:test"]
    assert cli.main(["compare", "majority", "peer:fake", "--results", str(tmp_path / "results")]) == 0
    assert "peer:fake 1.0000" in capsys.readouterr().out


def test_peers_are_listed_with_their_state(fake, capsys):
    fake()
    assert cli.main(["peers", "list", "--json"]) == 0
    states = {each["name"]: (each["state"], each["detail"]) for each in json.loads(capsys.readouterr().out)["peers"]}
    assert states["fake"] == ("ready", f"numpy {np.__version__}")
    assert states["fer"] == ("not installed", "Run: python -m eval peers install fer")
    assert cli.main(["peers", "list"]) == 0
    assert "peer:fer: not installed." in capsys.readouterr().out


def test_names_and_weights_that_do_not_exist_are_refused(tiny):
    with pytest.raises(RegistryError, match='no peer called "ferr"'):
        peers.peer("ferr")
    with pytest.raises(RegistryError, match='Did you mean "peer:fer"'):
        contestants.check("peer:ferr", tiny)
    with pytest.raises(RegistryError, match="has weights of its own"):
        contestants.enter("peer:fer", "some.safetensors", "cpu", tiny, None)


@pytest.fixture
def pyemotion(tmp_path, monkeypatch):
    """The adapter, the folder of what stands for its package, and where that keeps its weights."""
    (tmp_path / "pyemotion-1.0.0.dist-info").mkdir()
    (tmp_path / "pyemotion-1.0.0.dist-info" / "METADATA").write_text("Name: pyemotion\nVersion: 1.0.0\n")
    (tmp_path / "PyEmotion" / "model").mkdir(parents=True)
    (tmp_path / "PyEmotion" / "networks.py").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "PyEmotion" / "__init__.py").write_text("raise ImportError('cv2')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return import_module("eval.peers.pyemotion"), tmp_path / "PyEmotion" / "model" / "main_model.pkl"


def test_pyemotion_is_its_own_network_on_grey_faces_of_48_px_and_its_scores_are_divided_by_their_sum(pyemotion):
    adapter, weights = pyemotion
    scale = torch.arange(7.0) / 7
    torch.save({"network": {"scale": scale}, "optimizer": {}, "epochs": 50, "accuracy": 0.5}, weights)
    assert adapter.weights() == [weights]
    faces = np.zeros((3, 96, 96, 3), np.uint8)
    faces[1] = 255
    faces[2, ..., 1] = 255  # green: 150 of 255, as 0.587 says
    probs = adapter.load()(faces)
    for row, value in zip(probs, (-1, 1, 150 / 127.5 - 1), strict=True):
        scores = np.exp(value * scale.numpy())
        assert row == pytest.approx(scores / scores.sum(), abs=1e-6)


class Harmful:
    """What runs a program as soon as it is unpickled."""

    def __reduce__(self):
        return (exec, ("import pathlib; pathlib.Path('harm').write_text('done')",))


def test_pyemotions_weights_run_no_program(pyemotion, tmp_path, monkeypatch):
    adapter, weights = pyemotion
    monkeypatch.chdir(tmp_path)
    torch.save({"network": {"scale": torch.zeros(7)}, "optimizer": Harmful()}, weights)
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        adapter.load()
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("result", ON_FERPLUS, ids=lambda r: r["model"]["name"])
def test_a_measured_peer_has_its_labels_in_the_right_order(result):
    found = result["confusion"]
    for label, row in zip(found["labels"], found["counts"], strict=True):
        if label not in ("disgust", "contempt"):  # few pictures, and not every peer answers so
            assert found["predictions"][int(np.argmax(row))] == label
